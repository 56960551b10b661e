"""`*.cases.yaml`: expectations beside a policy, checked in shape and merged key by key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policykit.errors import Place, Problem
from policykit.language.campaign_cases import CAMPAIGN_CASE, VERDICTS, CampaignCase, campaign_case, policies_of
from policykit.language.content import GIVEN
from policykit.language.offers import OFFERS
from policykit.language.registry import Registry
from policykit.language.schema import Schema, Shape
from policykit.language.spans import INSTANT_EXAMPLE, NUMBER_WAY_OUT, is_number, parse_instant, parse_local
from policykit.language.suggest import did_you_mean, every, found, some
from policykit.language.tree import ListNode, MapNode, Node, Plain, ScalarNode, find, to_plain
from policykit.model import Micros
from policykit.vocabulary import BASES, CHANNELS, MESSAGE_CLASSES, QUALITIES, RELATIONS, STATUSES

_COLUMNS = {relation.name: tuple(column.name for column in relation.columns) for relation in RELATIONS}


@dataclass(frozen=True, slots=True)
class Case:
    """One expectation. policy: None = the whole workspace. given: merged, plain; now: None = nobody said."""

    name: str
    policy: str | None
    given: Mapping[str, Plain] = field(repr=False)  # holds addresses
    expect: Mapping[str, Plain]
    now: Micros | None
    place: Place
    node: MapNode = field(repr=False, compare=False)

    def place_of(self, *path: str | int) -> Place:
        """Where the value under a path of keys of the case stands, e.g. `place_of("expect", "by")`."""
        return find(self.node, path).place


@dataclass(frozen=True, slots=True)
class CaseFile:
    file: str
    cases: tuple[Case, ...]
    campaigns: tuple[CampaignCase, ...] = ()


_ANY: Schema = {"nullable": True}
_GIVEN: Schema = {
    "send": {"type": "dict", "nullable": True},
    "recipient": {"type": "dict", "nullable": True},
    "consents": {"type": "list", "nullable": True},
    "history": {"type": "list", "nullable": True},
    "feedback": {"type": "list", "nullable": True},
    "attributes": {"type": "dict", "nullable": True},
}
FILE = Shape(
    {
        "now": {"type": "instant"},
        "given": {"type": "dict", "schema": _GIVEN},
        "cases": {"type": "list", "required": True, "empty": False},
    },
    "case file",
)
CASE = Shape(
    {
        "case": {"type": "string", "required": True, "empty": False},
        "policy": {"type": "string"},
        "now": {"type": "instant"},
        "given": {"type": "dict", "schema": _GIVEN},
        "expect": {
            "type": "dict", "required": True, "empty": False,
            "schema": {
                "met": {"type": "boolean", "allowed": [True]},
                "breached": {"type": ["string", "boolean"]},
                "unknown": {"type": ["list", "boolean"]},
                "applies": {"type": "boolean"},
                "verdict": {"type": "string", "allowed": list(VERDICTS)},
                "changes": {
                    "type": "dict",
                    "schema": {
                        "channel": {"type": "string", "allowed": list(CHANNELS)},
                        "strip": {"type": "list", "schema": {"type": "string"}},
                        "content": {"type": "string", "allowed": ["generic"]},
                        "send_at": {"type": "instant"},
                        "blend": {"type": "integer", "min": 0},
                    },
                },
                "by": {"type": "list", "schema": {"type": "string"}},
                "undetermined": {"type": "list", "schema": {"type": "string"}},
                "waived": {"type": ["string", "list"], "schema": {"type": "string"}},
            },
        },
    },
    "case",
)  # fmt: skip
SEND_KEYS = (
    "channel", "message_class", "purpose", "program", "campaign", "provider", "controller", "at", "not_after", "uses",
    "generic", "prepared", "helps", "need", "offers", "content", "delivers",
)  # fmt: skip
_CONTENT: Schema = {"type": "dict", "nullable": True, "schema": GIVEN}
SEND = Shape(
    {
        **dict.fromkeys(SEND_KEYS, _ANY),
        "channel": {"type": "string", "nullable": True, "allowed": list(CHANNELS)},
        "message_class": {"type": "string", "nullable": True, "allowed": list(MESSAGE_CLASSES)},
        "uses": {"type": "list", "nullable": True},
        "prepared": {"type": "list", "nullable": True, "allowed": list(CHANNELS)},
        "offers": {"type": "dict", "nullable": True, "schema": OFFERS},
        "content": _CONTENT,
        "generic": {
            "type": ["dict", "boolean"],
            "nullable": True,
            "schema": {"uses": {"type": "list", "nullable": True}, "content": _CONTENT},
        },
    },
    "send",
)
_USE = Shape(
    {
        "attribute": {"type": "string", "required": True},
        "recited": {"type": "boolean", "nullable": True},
        **{key: {"type": "boolean"} for key in ("selected", "strippable", "required")},
    },
    "use",
)
_ADDRESS = Shape(
    {"address": _ANY, "shared": {"type": "boolean", "nullable": True}, "origin": _ANY,
     "permission": {"type": ["boolean", "string"], "nullable": True},
     "suppressed": {"type": "boolean", "nullable": True}},
    "address",
)  # fmt: skip
_VALUE = Shape(dict.fromkeys(("value", "origin", "collected_for", "collected_at", "permission"), _ANY), "attribute")
_ROWS = {
    name: Shape({column: _ANY for column in _COLUMNS[name] if column != "person"}, what)
    for name, what in (("consents", "consent"), ("history", "sent"), ("feedback", "feedback"))
}
# Cells that hold one of these words, or what nobody can read: which a case may be about, but not by a slip of the pen.
_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "consents": {"status": STATUSES, "channel": (*CHANNELS, "*"), "quality": tuple(dict(QUALITIES)), "basis": BASES},
    "history": {"channel": tuple(CHANNELS), "message_class": MESSAGE_CLASSES},
}


def read_cases(
    node: Node,
    file: str,
    registry: Registry,
    policies: Iterable[str],
    problems: list[Problem],
    campaigns: Iterable[str] = (),
) -> CaseFile | None:
    """The cases of a file, or None after reporting what is wrong with it. policies, campaigns: every id there is."""
    before = len(problems)
    problems += FILE.check(node)
    if not isinstance(node, MapNode):
        return None
    reader = _CaseReader(registry, tuple(policies), tuple(campaigns), problems)
    reader.given(node.get("given"))
    common, now = node.get("given"), _instant(node.get("now"))
    shared = to_plain(common) if isinstance(common, MapNode) else {}
    section = node.get("cases")
    rows = section.items if isinstance(section, ListNode) else []
    totals = [reader.campaign_case(row, now) for row in rows if _is_of_campaign(row)]
    cases = [reader.case(row, shared, now) for row in rows if not _is_of_campaign(row)]
    reader.names(case for case in (*cases, *totals) if case)
    if any(problem.severity == "error" for problem in problems[before:]):
        return None
    return CaseFile(file, tuple(case for case in cases if case), tuple(case for case in totals if case))


def _is_of_campaign(row: Node) -> bool:
    return isinstance(row, MapNode) and "campaign" in row.entries


def merge(base: Plain, over: Plain) -> Plain:
    """`over` on top of `base`, key by key; lists and values replace."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {**base, **{key: merge(base.get(key), value) for key, value in over.items()}}
    return over


def _instant(node: Node | None) -> Micros | None:
    return parse_instant(node.value) if isinstance(node, ScalarNode) else None


class _CaseReader:
    def __init__(self, registry: Registry, policies: tuple[str, ...], campaigns: tuple[str, ...],
                 problems: list[Problem]) -> None:  # fmt: skip
        self.registry, self.policies, self.campaigns, self.problems = registry, policies, campaigns, problems
        facts = [path for path, spec in registry.vocabulary.facts.items() if spec.column]
        short = (path.removeprefix("recipient.") for path in facts)
        more: Schema = {"addresses": {"type": "dict", "nullable": True}, "ranks": {"type": "dict"}}
        self.recipient = Shape({**dict.fromkeys((*facts, *short), _ANY), **more}, "recipient")

    def case(self, node: Node, shared: Mapping[str, Plain], now: Micros | None) -> Case | None:
        wrong = CASE.check(node)
        self.problems += wrong
        if not isinstance(node, MapNode):
            return None
        self.given(node.get("given"))
        for key in ("by", "undetermined"):
            self._policies(find(node, ("expect", key)))
        policy = node.get("policy")
        if policy is not None:
            self._policies(policy)
        if wrong:
            return None
        plain = to_plain(node)
        return Case(plain["case"], plain.get("policy"), merge(shared, plain.get("given", {})), plain["expect"],
                    _instant(node.get("now")) or now, node.place, node)  # fmt: skip

    def campaign_case(self, node: Node, now: Micros | None) -> CampaignCase | None:
        wrong = CAMPAIGN_CASE.check(node)
        self.problems += wrong
        if wrong or not isinstance(node, MapNode):
            return None
        campaign = find(node, ("campaign",))
        if isinstance(campaign, ScalarNode) and campaign.text not in self.campaigns:
            message = f"unknown campaign `{campaign.text}`{did_you_mean(campaign.text, self.campaigns)}"
            way_out = f"campaigns: {some(sorted(self.campaigns))}" if self.campaigns else "there are none"
            self._say(campaign.place, message, way_out, "cases.unknown-campaign")
        for name, place in policies_of(node):
            self._policy(name, place)
        return campaign_case(node, _instant(node.get("now")) or now)

    def names(self, cases: Iterable[Case | CampaignCase]) -> None:
        first: dict[tuple[str, str | None], Place] = {}
        for case in cases:
            before = first.setdefault((case.name, case.policy), case.place)
            if before is not case.place:
                place = case.place_of("case") if isinstance(case, Case) else case.place
                self._say(place, f"duplicate case `{case.name}`; the first is at line {before.line}",
                          "rename one of the two", "cases.duplicate")  # fmt: skip

    def given(self, node: Node | None) -> None:
        """Check what is given: unknown keys, channels, attributes; naive instants and numbers for instants."""
        if not isinstance(node, MapNode):
            return
        for key, check in (("send", self._send), ("recipient", self._recipient), ("attributes", self._attributes)):
            value = node.get(key)
            if isinstance(value, MapNode):
                check(value)
        for key, shape in _ROWS.items():
            rows = node.get(key)
            for index, row in enumerate(rows.items if isinstance(rows, ListNode) else ()):
                self.problems += shape.check(row, (key, index))
                self._instants(row, "at", "expires_at")
                self._slips(row, _WORDS.get(key, {}))

    def _slips(self, row: Node, known: Mapping[str, tuple[str, ...]]) -> None:
        """Warns of words that are nearly one that would be read."""
        for key, words in known.items():
            value = row.get(key) if isinstance(row, MapNode) else None
            if isinstance(value, ScalarNode) and isinstance(value.value, str) and value.text not in words:
                guess = did_you_mean(value.text, words)
                if guess:
                    self.problems.append(Problem(
                        value.place, f"`{value.text}` is no {key} that is known{guess}",
                        f"correct it; where the case is about a {key} that nobody can read, take a word near to none",
                        "cases.slip", "warning"))  # fmt: skip

    def _send(self, node: MapNode) -> None:
        self.problems += SEND.check(node)
        self._instants(node, "at", "not_after")
        known = {"purpose": self.registry.purposes, "program": tuple(self.registry.programs),
                 "need": tuple(self.registry.attributes)}  # fmt: skip
        for key, words in known.items():
            value = node.get(key)
            if isinstance(value, ScalarNode) and value.value is not None and value.text not in words:
                self._say(value.place, f"unknown {key} `{value.text}`{did_you_mean(value.text, words)}",
                          f"register it under `{'attribute' if key == 'need' else key}s:`",
                          "cases.unknown-word")  # fmt: skip
        for uses in (node.get("uses"), find(node, ("generic", "uses"))):
            for use in uses.items if isinstance(uses, ListNode) else ():
                self._use(use)

    def _use(self, node: Node) -> None:
        if isinstance(node, MapNode):
            self.problems += _USE.check(node)
        name = node.get("attribute") if isinstance(node, MapNode) else node
        if isinstance(name, ScalarNode):
            self._attribute(name.text, name.place)

    def _attribute(self, name: str, place: Place) -> None:
        if name not in self.registry.attributes:
            self._say(place, f"unknown attribute `{name}`{did_you_mean(name, self.registry.attributes)}",
                      "register it under `attributes:`", "cases.unknown-attribute")  # fmt: skip

    def _recipient(self, node: MapNode) -> None:
        self.problems += self.recipient.check(node)
        for key in ("addresses", "ranks"):
            section = node.get(key)
            for name, (place, value) in section.entries.items() if isinstance(section, MapNode) else ():
                if name not in CHANNELS:
                    self._say(place, f"unknown channel `{name}`{did_you_mean(name, CHANNELS)}",
                              f"expected one of {every(CHANNELS)}", "cases.unknown-word")  # fmt: skip
                if key == "addresses" and isinstance(value, MapNode):
                    self.problems += _ADDRESS.check(value)

    def _attributes(self, node: MapNode) -> None:
        for name, (place, value) in node.entries.items():
            self._attribute(name, place)
            if isinstance(value, MapNode):
                self.problems += _VALUE.check(value)
                self._instants(value, "collected_at")

    def _instants(self, node: Node, *keys: str) -> None:
        for key in keys:
            value = node.get(key) if isinstance(node, MapNode) else None
            if not isinstance(value, ScalarNode):
                continue
            if is_number(value.value):
                self._say(value.place, f"`{key}` is {found(value.value)}, which is no instant",
                          NUMBER_WAY_OUT, "cases.number-time")  # fmt: skip
            # Any other text stands for data that cannot be read, which a case may be about.
            elif parse_local(value.value) is not None:
                self._say(value.place, f"`{key}` is {found(value.value)}, which has no offset",
                          f"write an instant such as `{INSTANT_EXAMPLE}`", "cases.naive-time")  # fmt: skip

    def _policies(self, node: Node) -> None:
        for item in node.items if isinstance(node, ListNode) else [node]:
            if isinstance(item, ScalarNode) and isinstance(item.value, str):
                self._policy(item.value, item.place)

    def _policy(self, name: str, place: Place) -> None:
        if name not in self.policies:
            way_out = f"policies: {some(self.policies)}" if self.policies else "there are none"
            message = f"unknown policy `{name}`{did_you_mean(name, self.policies)}"
            self._say(place, message, way_out, "cases.unknown-policy")

    def _say(self, place: Place, message: str, way_out: str | None, code: str) -> None:
        self.problems.append(Problem(place, message, way_out, code))
