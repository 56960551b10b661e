"""Waivers: a policy set aside for some sends, by somebody, for a reason, until a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from policykit.errors import Place, Problem
from policykit.language.cases import Case
from policykit.language.layers import LAYER_MARK, versions
from policykit.language.matching import Scope, read_scope
from policykit.language.policy import NOWHERE, Policy, PolicyReader, Quoted, read_dates
from policykit.language.schema import Schema, Shape
from policykit.language.suggest import did_you_mean, found, some
from policykit.language.tree import ListNode, MapNode, Node, ScalarNode, find, to_plain
from policykit.model import WAIVER_MARK, Micros

PAGE = """\
A waiver sets a policy aside for some sends, until a day: the only way in which anything gets looser.

```yaml
waivers:
  - id: launch-week
    policy: quiet-hours
    for: {campaign: launch}
    owner: growth@example.com
    because: The launch is announced at nine in the evening, to people who asked to be told.
    starts: 2026-11-23
    ends: 2026-11-29
```

`policy` is the id of a policy; where an overlay stands beside it, the waiver is for all its versions, or
for one that is named `quiet-hours@team`. `owner`, `because` and `ends` are never left out. `for` and `when`
say which sends it is for, as in a policy: without `message_class` it is for marketing. `ends` includes that
day, in the waiver's `zone`, else the policy's, else UTC; both dates are compared with the send's instant.

A waiver applies only where its whole scope is known to hold: where a fact it names is unknown, the policy
stands. A policy that is `locked` cannot be waived. What a waiver lets through is counted in every dry run,
told by `policykit explain`, and kept with the decision as `waiver:launch-week`. `policykit check` warns
from 30 days before a waiver ends, and lists those that ended.

Reason: `waiver.used`.
"""

WAIVER_SCHEMA: Schema = {
    "id": {"type": "id", "required": True},
    "policy": {"type": "string", "required": True, "empty": False, "meta": {"says": "the policy that is set aside"}},
    "owner": {"type": "string", "required": True, "empty": False, "meta": {"says": "who answers for it"}},
    "because": {"type": "string", "required": True, "empty": False},
    "for": {"type": "dict"},
    "when": {"nullable": True},
    "starts": {"type": "string"},
    "ends": {"type": "string", "required": True, "meta": {"says": "its last day, or an instant with an offset"}},
    "zone": {"type": "zone"},
}
_SHAPE = Shape(WAIVER_SCHEMA, "waiver")


@dataclass(frozen=True, slots=True)
class Waiver:
    """One waiver.

    policies: ids of the versions it sets aside, sorted. starts, ends: the instants [starts, ends) of
    sends it is for; until: its end as written. sound: False when something is wrong with it; it then
    sets nothing aside.
    """

    id: str
    policy: str
    policies: tuple[str, ...]
    owner: str
    because: str
    ends: Micros | None
    starts: Micros | None = None
    applies_to: Scope = field(default_factory=dict)
    when: Quoted | None = None
    place: Place = NOWHERE
    node: MapNode | None = field(default=None, repr=False, compare=False)
    sound: bool = True
    until: str = ""

    @property
    def rule(self) -> str:
        """What it is called in decisions."""
        return f"{WAIVER_MARK}{self.id}"

    def place_of(self, *path: str | int) -> Place:
        """Where the value under a path of keys stands."""
        return find(self.node, path).place if self.node else self.place


def read_waivers(
    sections: Iterable[Node], policies: Iterable[Policy], reader: PolicyReader, problems: list[Problem]
) -> tuple[Waiver, ...]:
    """The waivers of all files, each once, after reporting what is wrong with them."""
    known = {policy.id: policy for policy in policies}
    waivers: dict[str, Waiver] = {}
    for row in _rows(sections, problems):
        waiver = _waiver(row, known, reader, problems)
        if waiver is None:
            continue
        first = waivers.setdefault(waiver.id, waiver)
        if first is not waiver:
            message = f"duplicate waiver `{waiver.id}`; the first is at {first.place_of('id')}"
            problems.append(Problem(waiver.place_of("id"), message, "rename one of the two", "waiver.duplicate"))
    return tuple(waivers.values())


def known_waivers(case: Case, waivers: Iterable[Waiver], problems: list[Problem]) -> None:
    """Reports the waivers that a case expects and that nobody wrote."""
    known, expected = [waiver.id for waiver in waivers], case.expect.get("waived")
    for name in expected if isinstance(expected, list) else filter(None, [expected]):
        if name not in known:
            way_out = f"waivers: {some(known)}" if known else "there are none"
            problems.append(Problem(case.place_of("expect", "waived"),
                                    f"unknown waiver `{name}`{did_you_mean(name, known)}", way_out,
                                    "cases.unknown-waiver"))  # fmt: skip


def _rows(sections: Iterable[Node], problems: list[Problem]) -> Iterable[Node]:
    for section in sections:
        if isinstance(section, ListNode):
            yield from section.items
        else:
            problems.append(Problem(section.place, f"`waivers` is {found(to_plain(section))}; expected a list",
                                    "begin each waiver with `- id:`", "policy.sections"))  # fmt: skip


def _waiver(node: Node, known: Mapping[str, Policy], reader: PolicyReader, problems: list[Problem]) -> Waiver | None:
    """The waiver; not `sound` after reporting what is wrong with it, None when it is no mapping."""
    before = len(problems)
    problems += [_without_end(problem) for problem in _SHAPE.check(node)]
    if not isinstance(node, MapNode):
        return None
    plain = {key: to_plain(entry.node) for key, entry in node.entries.items()}
    named = node.get("policy")
    waived = _waived(named, known, problems)
    scope = read_scope(node.get("for"), reader.registry, problems)
    _same_for_every_account(node, waived, problems)
    when = reader.expression("when", node.get("when")) if "when" in node.entries else None
    starts, ends = read_dates(node, _zone(node, waived), problems)
    sound = len(problems) == before
    return Waiver(
        id=str(plain.get("id", "")), policy=str(plain.get("policy", "")),
        policies=tuple(sorted(policy.id for policy in waived)), owner=str(plain.get("owner", "")),
        because=str(plain.get("because", "")), ends=ends, starts=starts, applies_to=scope, when=when,
        place=node.place, node=node, sound=sound, until=str(plain.get("ends", "")),
    )  # fmt: skip


def _without_end(problem: Problem) -> Problem:
    if problem.code != "shape.missing" or "`ends`" not in problem.message:
        return problem
    way_out = "a waiver is for a time: write its last day, e.g. `ends: 2026-12-31`"
    return replace(problem, help=way_out, code="waiver.no-end")


def _waived(named: Node | None, known: Mapping[str, Policy], problems: list[Problem]) -> list[Policy]:
    """The policies that a waiver names; reported when there is none, or when one of them is locked."""
    if not isinstance(named, ScalarNode) or not isinstance(named.value, str):
        return []
    waived = versions(named.value, known)
    if not waived:
        way_out = f"policies: {some(sorted(known))}" if known else "there are none"
        message = f"unknown policy `{named.value}`{did_you_mean(named.value, known)}"
        problems.append(Problem(named.place, message, way_out, "waiver.unknown-policy"))
    locked = [policy for policy in versions(named.value.partition(LAYER_MARK)[0], known) if policy.locked]
    if waived and locked:
        problems.append(Problem(named.place, f"`{locked[0].id}` is locked and cannot be waived (it stands at "
                                f"{locked[0].place})", "ask its owner to change the policy itself"
                                + (f": {locked[0].owner}" if locked[0].owner else ""), "waiver.locked"))  # fmt: skip
    return waived


def _same_for_every_account(node: MapNode, waived: list[Policy], problems: list[Problem]) -> None:
    scope = node.get("for")
    named = scope.entries.get("recipient.account_type") if isinstance(scope, MapNode) else None
    if named and any(policy.kind == "purpose" for policy in waived):
        problems.append(Problem(named.key, "a purpose policy cannot be waived by `recipient.account_type`",
                                "what data was collected for is the same for every account: drop this condition",
                                "policy.account-type"))  # fmt: skip


def _zone(node: MapNode, waived: list[Policy]) -> str:
    """Whose days `starts` and `ends` are: the waiver's, else the policy's, else UTC."""
    for each in (node, *(policy.node for policy in waived)):
        zone = each.get("zone") if each else None
        if isinstance(zone, ScalarNode):
            return zone.text
    return "UTC"
