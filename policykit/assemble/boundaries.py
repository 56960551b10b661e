"""Sends next to where rules change their mind: every part of a hand-written send with the values worth trying.

Made from the constants of the rules alone, in one order: no chance and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from policykit.assemble.boundary_rows import (
    NOTHING,
    OTHER,
    Plain,
    Relative,
    ago,
    apart,
    earlier,
    edges,
    grants,
    hourly,
    iso,
    joining,
    offered,
    refusals,
    refusing,
    sent,
)
from policykit.facts.zones import zones
from policykit.ir.nodes import (
    Allowed,
    Compare,
    ConsentMet,
    Const,
    ContentSays,
    Expr,
    Fact,
    In,
    Joined,
    LocalPart,
    Member,
    Sends,
    Text,
    Type,
    UseCollectedFor,
    UseFact,
    UseOrigin,
    Window,
)
from policykit.ir.rules import RuleSet
from policykit.ir.walk import canonical, leaves_of, nodes, use_leaves_of
from policykit.model import DAY, HOUR, Attribute, Micros
from policykit.vocabulary import CHANNELS, HELPS, MESSAGE_CLASSES, FactSpec, Vocabulary

_MOST_MEMBERS = 14
_MOST_ATTRIBUTES = 5
_MOST_SENDS = 200
_SHOWN = (1, 2, 3, 4, 5, 8, 10, 20, 100)  # offers in one message
_BEFORE = (1, HOUR, 13 * HOUR, 3 * DAY, 9 * DAY, 20 * DAY, 45 * DAY)


@dataclass(frozen=True, slots=True)
class Dimension:
    """A part of `given`, or `now`, and its values, the plainest first; a function of the frame is a value too."""

    path: tuple[str, ...]
    values: tuple[Plain | Relative, ...]


def dimensions(exprs: Iterable[Expr], ruleset: RuleSet, vocabulary: Vocabulary, at: Micros) -> list[Dimension]:
    """Every part that the expressions read. at: the instant when they do not look at the clock."""
    exprs = tuple(exprs)
    asked = _Asked(exprs, ruleset, vocabulary, at)
    found = [*asked.sends(), *asked.clock(), *asked.facts(), *asked.consents(), *asked.history(), *asked.uses(),
             *asked.content(), *asked.offers()]  # fmt: skip
    return [each for each in found if len(each.values) > 1 or each.values[0] is not NOTHING]


_PYTHON: Final[Mapping[Type, tuple[type, ...]]] = {
    Type.BOOL: (bool,), Type.INT: (int,), Type.DOUBLE: (int, float), Type.STRING: (str,), Type.TIMESTAMP: (int,),
    Type.DURATION: (int,),
}  # fmt: skip


class _Asked:
    """What some expressions ask about."""

    def __init__(self, exprs: tuple[Expr, ...], ruleset: RuleSet, vocabulary: Vocabulary, at: Micros) -> None:
        self.ruleset, self.vocabulary, self.at = ruleset, vocabulary, at
        self.leaves = sorted({leaf for expr in exprs for leaf in leaves_of(expr)}, key=canonical)
        self.use_leaves = sorted({leaf for expr in exprs for leaf in use_leaves_of(expr)}, key=canonical)
        self.constants: dict[Expr, list[Any]] = {}
        self.caps: dict[Expr, list[int]] = {}
        for node in (node for expr in exprs for node in nodes(expr)):
            values = _values(node)
            for leaf in (*leaves_of(node), *use_leaves_of(node)) if values else ():
                known = self.constants.setdefault(leaf, [])
                known += [value for value in values if value not in known]
            if isinstance(node, Compare) and isinstance(node.left, Sends) and isinstance(node.right, Const):
                self.caps.setdefault(node.left, []).extend(value for value in values if isinstance(value, int))

    def paths(self) -> set[str]:
        return {leaf.path for leaf in self.leaves if isinstance(leaf, Fact)}

    def of(self, path: str, of: Type = Type.STRING) -> list[Any]:
        """The constants of its type that a fact is compared with, sorted; others stand deeper in a comparison."""
        return sorted(value for value in self.constants.get(Fact(path, of), ()) if type(value) in _PYTHON[of])

    # --- the send ---------------------------------------------------------------------------------

    def sends(self) -> Iterator[Dimension]:
        named = [channel for channel in self.of("send.channel") if channel in self._ranks()]
        counted = {channel for leaf in self.leaves if isinstance(leaf, Sends)
                   for channel in leaf.counting.channels or ()}  # fmt: skip
        first = [*named, *sorted(counted - {*named}), *(each for each in ("push", "email") if each not in named)]
        rest = [channel for channel in self._ranks() if channel not in first]
        reads = {"send.channel", "send.rank"} & self.paths()
        yield Dimension(("send", "channel"), (*first, *rest) if reads else (*first[:1], *self._loudest()))
        yield Dimension(("send", "message_class"), self._classes())
        yield from self._purposes()
        for key in ("campaign", "provider", "controller", "delivers"):
            words = self.of(f"send.{key}")
            reads_it = f"send.{key}" in self.paths() or (key == "campaign" and self._counts_campaigns())
            yield Dimension(("send", key), (*words, OTHER, NOTHING) if reads_it else (NOTHING,))
        if "send.style" in self.paths() or "send.helps" in self.paths():
            yield Dimension(("send", "helps"), (NOTHING, HELPS[0]))
            yield Dimension(("send", "need"), (NOTHING, *(each.id for each in self._attributes())))
        yield Dimension(("send", "generic"), (NOTHING, True) if self.use_leaves else (NOTHING,))
        ranks = self.of("send.rank", Type.INT)
        near = sorted({rank + step for rank in ranks for step in (-1, 0, 1) if rank + step >= 0})
        yield Dimension(("rank",), (NOTHING, *near[:_MOST_MEMBERS]))

    def _loudest(self) -> tuple[str, ...]:
        """A channel from which a send may be moved to any other, where a rule asks for that."""
        moves = any(rule.effect.part == "channel" for rule in self.ruleset.rules)
        return (max(self._ranks(), key=lambda channel: (self._ranks()[channel], channel)),) if moves else ()

    def _ranks(self) -> Mapping[str, int]:
        return {**CHANNELS, **self.ruleset.ranks}

    def _classes(self) -> tuple[Plain, ...]:
        words = self.of("send.message_class")
        if not {*words} - {"marketing", "transactional"}:
            return ("marketing",) if words == ["marketing"] or not words else ("marketing", "transactional", "service")
        return (*words, *(each for each in MESSAGE_CLASSES if each not in words))

    def _purposes(self) -> Iterator[Dimension]:
        asks = any(isinstance(leaf, ConsentMet | Member) for leaf in self.leaves) or "consent.status" in self.paths()
        asks = asks or any(isinstance(leaf, UseCollectedFor) for leaf in self.use_leaves)
        words = [*self.of("send.purpose")]
        if not words and not asks and "send.purpose" not in self.paths():
            return
        usual = [each for each in ("marketing.communications", "essential.service", "analytics")
                 if each in self.ruleset.purposes and each not in words]  # fmt: skip
        yield Dimension(("send", "purpose"), (*words[:_MOST_MEMBERS], *usual, NOTHING))
        named = any(isinstance(leaf, ConsentMet) and "program" in leaf.requirement.names for leaf in self.leaves)
        if "send.program" in self.paths() or named:
            yield Dimension(("send", "program"), (NOTHING, *sorted(self.ruleset.programs)[:_MOST_MEMBERS]))

    def _counts_campaigns(self) -> bool:
        return any(isinstance(leaf, Sends) and leaf.counting.this_campaign for leaf in self.leaves)

    # --- when it leaves -----------------------------------------------------------------------------

    def clock(self) -> Iterator[Dimension]:
        """Instants at the edges of hours and dates, and whose clock is looked at."""
        instants: dict[Micros, None] = {}
        for at in self.of("send.at", Type.TIMESTAMP):
            instants |= dict.fromkeys((at, at - 1, at + 1))
        own = False
        for leaf in self.leaves:
            match leaf:
                case Allowed(hours=hours):
                    own |= hours.zone is None
                    instants |= dict.fromkeys(edges(hours.openings, self.at, hours.zone))
                case LocalPart(zone=zone):
                    own |= zone is None
                    instants |= dict.fromkeys(hourly(self.at, zone))
                case Sends(window=Window(calendar=calendar, zone=zone)) if calendar:
                    own |= zone is None
                case _:
                    pass
        yield Dimension(("now",), (self.at, *(at for at in instants if at != self.at)))
        if own or "recipient.zone" in self.paths():
            words = [zone for zone in self.of("recipient.zone") if zone in zones()]
            zone_values = ("UTC", *(each for each in (*words, "Asia/Tokyo", "America/New_York") if each != "UTC"))
            yield Dimension(("recipient", "zone"), (*zone_values, NOTHING))

    # --- the person ---------------------------------------------------------------------------------

    def facts(self) -> Iterator[Dimension]:
        for leaf in self.leaves:
            if not isinstance(leaf, Fact):
                continue
            path, spec = leaf.path, self.vocabulary.get(leaf.path)
            if path.startswith("send.address."):
                values = self._scalar(leaf, spec)
                yield Dimension(("address", path.removeprefix("send.address.")), values)
            elif path.startswith("attributes."):
                yield Dimension(("attributes", path.removeprefix("attributes."), "value"), self._scalar(leaf, spec))
            elif not path.startswith(("send.", "consent.")) and path not in ("recipient.zone", "recipient.id"):
                key = path.removeprefix("recipient.")
                yield Dimension(("recipient", key), self._scalar(leaf, spec))

    def _scalar(self, leaf: Fact, spec: FactSpec | None) -> tuple[Plain, ...]:
        """Values of one fact next to its constants, each member, and unknown."""
        constants = self.of(leaf.path, leaf.type)
        members = spec.members if spec and spec.members and len(spec.members) <= _MOST_MEMBERS else ()
        match leaf.type:
            case Type.BOOL:
                return (True, False, NOTHING)
            case Type.INT:
                near = sorted({value + step for value in constants or [0] for step in (-1, 0, 1)})
                return (*near[: 3 * _MOST_MEMBERS], NOTHING)
            case Type.DOUBLE:
                return (*sorted({value + step for value in constants or [0.0] for step in (-0.5, 0.0, 0.5)}), NOTHING)
            case Type.TIMESTAMP:
                near = [value + step for value in constants for step in (-1, 0, 1)]
                return (*map(iso, near or [self.at - DAY, self.at + DAY]), NOTHING)
            case Type.DURATION:
                return (*(f"{value}" for value in constants), NOTHING)
            case _:
                other = {"recipient.country": "IS", "recipient.region": "Z0"}.get(leaf.path, OTHER)
                more = "0" if leaf.path == "recipient.region" else "x"  # as codes of regions are written
                ends = [] if members else [text for known in constants for text in (f"{known}{more}", f"{more}{known}")]
                return (*constants, *(each for each in members or (other, *ends) if each not in constants), NOTHING)

    def consents(self) -> Iterator[Dimension]:
        asked = [leaf.requirement for leaf in self.leaves if isinstance(leaf, ConsentMet)]
        joined = [leaf.program for leaf in self.leaves if isinstance(leaf, Joined)]
        ledgers = [ledger for each in {canonical(each): grants(each) for each in asked}.values() for ledger in each]
        ledgers += [joining(program) for program in joined[:_MOST_MEMBERS]]
        if any(isinstance(leaf, UseFact) and leaf.field == "refused" for leaf in self.use_leaves):
            ledgers += [refusing(each.id) for each in self._attributes()]
        if ledgers or any(isinstance(leaf, Member) for leaf in self.leaves) or "consent.status" in self.paths():
            yield Dimension(("consents",), (*ledgers, *refusals(), [], NOTHING))

    def history(self) -> Iterator[Dimension]:
        counted = [leaf for leaf in self.leaves if isinstance(leaf, Sends)]
        if not counted:
            return
        most = [value for leaf in counted for value in self.caps.get(leaf, ())]
        limits = sorted({n for value in most or [1] for n in (value - 1, value, value + 1) if 0 < n <= _MOST_SENDS})
        spans = sorted({leaf.window.rolling for leaf in counted if leaf.window.rolling})
        offsets = sorted({*(span - 1 for span in spans), *spans, *(_BEFORE if len(spans) < len(counted) else (1,))})
        rows = [sent(leaf.counting) for leaf in counted]
        values = [earlier(n, offset, row) for n in limits or [1] for offset in offsets for row in apart(rows)]
        yield Dimension(("history",), ([], *values, NOTHING))

    # --- what shapes it -----------------------------------------------------------------------------

    def uses(self) -> Iterator[Dimension]:
        if not self.use_leaves and "send.style" not in self.paths():
            return
        known = self._attributes()
        flags: tuple[dict[str, Plain], ...] = ({"recited": True}, {}, {"selected": True})
        single = [[{"attribute": each.id, **flag}] for each in known for flag in flags]
        double = [[{"attribute": one.id, "recited": True}, {"attribute": two.id, "recited": True}]
                  for one, two in pairwise(known)]  # fmt: skip
        yield Dimension(("send", "uses"), (*single, *double, [], NOTHING))
        origins = sorted({leaf.origin for leaf in self.use_leaves if isinstance(leaf, UseOrigin)})
        yield Dimension(("value", "origin"), (NOTHING, *origins))
        if any(isinstance(leaf, UseCollectedFor) for leaf in self.use_leaves):
            named = {leaf.purpose for leaf in self.use_leaves if isinstance(leaf, UseCollectedFor) and leaf.purpose}
            usual = [each for each in ("essential.service", "marketing") if each in self.ruleset.purposes]
            yield Dimension(("value", "collected_for"), (NOTHING, *([each] for each in (*sorted(named), *usual))))
        ages = [value for leaf in self.use_leaves if isinstance(leaf, UseFact) and leaf.field == "age"
                for value in self.constants.get(leaf, ()) if isinstance(value, int)]  # fmt: skip
        if ages or any(isinstance(leaf, UseFact) and leaf.field == "age" for leaf in self.use_leaves):
            edges = sorted({age + step for age in ages for step in (-1, 0, 1)})
            yield Dimension(("value", "collected_at"), (*(ago(edge) for edge in edges), NOTHING))
        if any(isinstance(leaf, UseFact) and leaf.field == "permission" for leaf in self.use_leaves):
            yield Dimension(("value", "permission"), ("c1", NOTHING))

    def content(self) -> Iterator[Dimension]:
        for path in sorted(path for path in self.paths() if path.startswith("send.content.")):
            yield Dimension(("content", path.removeprefix("send.content.")), (True, False, NOTHING))
        said: dict[str, list[str]] = {}
        for leaf in self.leaves:
            if isinstance(leaf, ContentSays):
                part = {"opening": "subject", "anywhere": "body"}.get(leaf.part, leaf.part)
                said.setdefault(part, []).extend((leaf.text, f"{leaf.text} and more", f"more and {leaf.text}"))
        for part, texts in sorted(said.items()):
            yield Dimension(("content", part), (*dict.fromkeys(texts), "something else", NOTHING))

    def offers(self) -> Iterator[Dimension]:
        """Shares of personalised offers next to each limit, in messages of few and of many."""
        if not {"send.offers.personalised", "send.offers.shown"} & self.paths():
            return
        numbers = {value for values in self.constants.values() for value in values if type(value) is int}
        parts = sorted({(one, two) for one in numbers for two in numbers if 0 < one < two <= 10_000})
        choices = sorted({(shown, part * shown // whole + step) for shown in _SHOWN for part, whole in parts
                          for step in (0, 1) if part * shown // whole + step <= shown})  # fmt: skip
        chooser = next(iter(sorted(self.ruleset.attributes)), "basket")
        yield Dimension(("send", "offers"), (*(offered(*choice, chooser) for choice in choices), NOTHING))

    def _attributes(self) -> list[Attribute]:
        """Registered attributes that the rules can tell apart, a few."""
        apart: dict[object, Attribute] = {}
        for _, each in sorted(self.ruleset.attributes.items()):
            apart.setdefault(tuple(self._seen(each, leaf) for leaf in self.use_leaves), each)
        return list(apart.values())[: 2 * _MOST_ATTRIBUTES]

    def _seen(self, attribute: Attribute, leaf: Expr) -> object:
        match leaf:
            case UseOrigin(origin=origin):
                members = [
                    self.ruleset.attributes[each] for each in attribute.lineage if each in self.ruleset.attributes
                ]
                return any(each.origin == origin for each in members or [attribute])
            case UseFact(field="attribute"):
                return attribute.id if attribute.id in self.constants.get(leaf, ()) else None
            case UseFact(field="category" | "sensitivity" | "controller" as name):
                return getattr(attribute, name)
            case UseFact(field="disclosed"):
                return attribute.disclosed_as is not None
            case UseCollectedFor():
                return attribute.collected_for
            case _:
                return None


def _values(node: Expr) -> list[Any]:
    """The constants that a comparison holds its leaves against; ranks of a scale are not among them."""
    match node:
        case In(values=values):
            return list(values)
        case Compare() | Text():
            return [each.value for each in nodes(node) if isinstance(each, Const) and each.value is not None]
        case _:
            return []
