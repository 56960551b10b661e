"""Whether an overlay's version of a policy is looser than the company's: by a send that shows it (M11).

At run time both stand and nothing can get looser; this is for telling the author. The search is bounded and
knows no chance: sends next to where either version changes its mind are judged by the engine, by the overlay's
version alone and by both. Where both are stricter than the overlay's alone, the overlay's is looser.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import islice
from math import gcd, prod
from typing import Any

from policykit import rounds
from policykit.assemble.boundaries import Dimension, dimensions
from policykit.assemble.boundary_rows import given_of
from policykit.backends import reference
from policykit.backends.python import compile_rules
from policykit.compile import try_compile
from policykit.engine import Engine, reference_decide
from policykit.errors import EnginesDisagree, UsageError
from policykit.facts.given import Given, read_given
from policykit.facts.row import Sight, State, fact_row
from policykit.hookspecs import Kind
from policykit.ir.nodes import Compare, Const, Expr, Fact, Type
from policykit.ir.rows import Judged
from policykit.ir.rules import RuleSet
from policykit.ir.walk import leaves_of, nodes
from policykit.language.policy import Policy
from policykit.language.registry import Registry
from policykit.model import HOUR, Decision, Micros, Verdict
from policykit.reasons import tell

_MOST = 4000  # sends tried
_MOST_SMALLER = 400  # tries to tell the send by less
_HITS = 60  # sends the company's version objects to, whose neighbours are tried
_USUAL: Micros = 1_772_625_600_000_000  # Wednesday 2026-03-04, noon UTC: no edge of a day, week or month is near


@dataclass(frozen=True, slots=True)
class Loosening:
    """A send that the company's version blocks or lessens, and the overlay's would not.

    given, now: the send as a case has it. company, overlay: what each decides alone. code: the reason
    of the company's, None where it spoke later than at the start.
    """

    given: Mapping[str, Any]
    now: Micros
    company: Decision
    overlay: Decision
    code: str | None = None


def find_loosening(company: Policy, overlay: Policy, registry: Registry, kinds: Mapping[str, Kind]) -> Loosening | None:
    """A send that shows that the overlay's version is looser, brought down to what matters; None = none found."""
    both, problems = try_compile((company, overlay), registry, kinds)
    alone, _ = try_compile((overlay,), registry, kinds)
    base, _ = try_compile((company,), registry, kinds)
    if problems or not base.rules or base.rules[0].mode == "audit":
        return None
    search = _Search(_Judges(base), _Judges(alone), _Judges(both), registry)
    found = search.run(_instant(company, overlay))
    return search.shrunk(found) if found else None


def _instant(company: Policy, overlay: Policy) -> Micros:
    """An instant at which both versions hold, or the company's at least."""
    starts = [each.starts for each in (company, overlay) if each.starts is not None]
    ends = [each.ends for each in (company, overlay) if each.ends is not None]
    at = max([_USUAL, *starts])
    if ends and at >= min(ends):
        at = max([min(ends) - HOUR, *starts[:1]])
    return at


# --- judging --------------------------------------------------------------------------------------------


class _Judges:
    """Decides by one rule set through one generated function: the campaigns tried are all different."""

    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset, self.laws = ruleset, rounds.Laws(ruleset)
        self._judge = compile_rules(ruleset.rules, ruleset.leaves, ruleset.use_leaves)

    def decide(self, given: Given, now: Micros) -> Decision:
        def _judge(sight: Sight, state: State) -> Judged:
            return self._judge(fact_row(sight, state, self.ruleset.leaves, self.ruleset.use_leaves))

        return rounds.decide(self.laws, _judge, given.campaign, given.person, now, given.channel)


@dataclass(frozen=True, slots=True)
class _Try:
    """A send that is tried. given: as a case has it, but for `pinned`: a number about the person."""

    given: dict[str, Any]
    now: Micros
    read: Given
    pinned: tuple[str, int] | None = None

    @property
    def send(self) -> dict[str, Any]:
        given = deepcopy(self.given)
        if self.pinned is not None:
            given["recipient"][self.pinned[0].removeprefix("recipient.")] = self.pinned[1]
        return {"given": given, "now": self.now}


@dataclass
class _Search:
    """One search. base, overlay, both: what judges by the company's version, the overlay's, and both.

    scores: numbers about a person that a rule holds against something computed.
    """

    base: _Judges
    overlay: _Judges
    both: _Judges
    registry: Registry

    def __post_init__(self) -> None:
        self.scores = tuple(_scores(self.both.ruleset))

    def run(self, at: Micros) -> dict[str, Any] | None:
        """The first send found, one without unknown facts before one with."""
        rules = self.both.ruleset.rules
        exprs = [expr for rule in rules for expr in (rule.breached, rule.use_breached) if expr is not None]
        known = dimensions(exprs, self.both.ruleset, self.registry.vocabulary, at)
        spare: _Try | None = None
        for tried in islice(self._tries(known), _MOST):
            told = self._loosens(tried.read, tried.now)
            if told and not told[0].undetermined:
                return tried.send
            spare = spare or (tried if told else None)
        return spare.send if spare else None

    def _tries(self, known: list[Dimension]) -> Iterator[_Try]:
        """Sends over the whole space, then the neighbours of those that the company's version objects to."""
        sizes = [len(each.values) for each in known]
        whole = prod(sizes)
        hits: list[tuple[int, ...]] = []
        for number in _spread(whole, _MOST // 2 if whole > _MOST else whole):
            place = _place(number, sizes)
            found = self._try(known, place)
            yield from self._pinned(found)
            if whole > _MOST and len(hits) < _HITS and found and self._objects(found):
                hits.append(place)
        for place in hits:
            for at, size in enumerate(sizes):
                for other in range(size):
                    if other != place[at]:
                        yield from self._pinned(self._try(known, (*place[:at], other, *place[at + 1 :])))

    def _try(self, known: list[Dimension], place: tuple[int, ...]) -> _Try | None:
        chosen = {each.path: each.values[at] for each, at in zip(known, place, strict=True)}
        given, now = given_of(chosen, self.both.ruleset)
        read = self._read({"given": given, "now": now})
        return _Try(given, now, read) if read else None

    def _read(self, send: Mapping[str, Any]) -> Given | None:
        try:
            return read_given(self.both.ruleset, self.registry.vocabulary, send["given"], send["now"])
        except UsageError:
            return None

    def _objects(self, tried: _Try) -> bool:
        return self.base.decide(tried.read, tried.now).verdict > Verdict.ALLOW

    def _loosens(self, given: Given, now: Micros) -> tuple[Decision, Decision] | None:
        """What each version decides, where both together are stricter than the overlay's alone."""
        company = self.base.decide(given, now)
        if company.verdict is Verdict.ALLOW:
            return None
        overlay = self.overlay.decide(given, now)
        both = self.both.decide(given, now)
        looser = both.verdict > overlay.verdict or (
            both.verdict is overlay.verdict is Verdict.DOWNGRADE and both.changes != overlay.changes
        )
        return (company, overlay) if looser else None

    def _pinned(self, tried: _Try | None) -> Iterator[_Try]:
        """The send, and with each number of `scores` set next to what it is held against."""
        if tried is None:
            return
        yield tried
        channel, person, ruleset = tried.read.channel, tried.read.person, self.both.ruleset
        if not self.scores or channel is None:
            return
        sight = Sight(ruleset, tried.read.campaign, person, tried.now)
        row = fact_row(sight, State(channel, at=tried.now), ruleset.leaves, ruleset.use_leaves)
        facts = reference.facts_of(row, ruleset.leaves, ruleset.use_leaves)
        for fact, score in self.scores:
            value = reference.evaluate(score, facts)
            for near in (value - 1, value, value + 1) if isinstance(value, int) else ():
                someone = replace(person, facts={**person.facts, fact.path: near})
                yield _Try(tried.given, tried.now, replace(tried.read, person=someone), (fact.path, near))

    # --- telling it ----------------------------------------------------------------------------------

    def shrunk(self, send: dict[str, Any]) -> Loosening:
        """The send without all that does not matter: the same decisions by less."""
        wanted = self._told(send)
        assert wanted is not None  # INVARIANT: `run` gives sends that loosen
        for path in islice(_removable(send["given"]), _MOST_SMALLER):
            smaller = _without(send, path)
            if smaller is not None and self._same(smaller, wanted):
                send = smaller
        return self._replayed(send)

    def _told(self, send: Mapping[str, Any]) -> tuple[Decision, Decision] | None:
        given = self._read(send)
        return self._loosens(given, send["now"]) if given else None

    def _same(self, send: Mapping[str, Any], wanted: tuple[Decision, Decision]) -> bool:
        told = self._told(send)
        return told is not None and all(
            (one.verdict, one.changes, one.undetermined, one.impossible)
            == (other.verdict, other.changes, other.undetermined, other.impossible)
            for one, other in zip(told, wanted, strict=True)
        )

    def _replayed(self, send: Mapping[str, Any]) -> Loosening:
        """The send decided anew by the engine and by the reference, which must agree."""
        given, now = self._read(send), send["now"]
        assert given is not None
        company, overlay = (_replayed(judges.ruleset, given, now) for judges in (self.base, self.overlay))
        ruleset, (rule,) = self.base.ruleset, self.base.ruleset.rules
        sight = Sight(ruleset, given.campaign, given.person, now)
        told = tell(sight, State(given.channel or "", at=now), rule) if given.channel else None
        return Loosening(send["given"], now, company, overlay, told.code if told else None)


def _scores(ruleset: RuleSet) -> Iterator[tuple[Fact, Expr]]:
    """Numbers about a person that a rule compares with something computed, each with that."""
    for node in (node for rule in ruleset.rules for node in nodes(rule.breached)):
        if isinstance(node, Compare):
            for fact, score in ((node.left, node.right), (node.right, node.left)):
                if not isinstance(fact, Fact) or fact.type is not Type.INT or not fact.path.startswith("recipient."):
                    continue
                if not isinstance(score, Const | Fact) and leaves_of(score):
                    yield fact, score


def _replayed(ruleset: RuleSet, given: Given, now: Micros) -> Decision:
    said = Engine(ruleset).decide(given.campaign, given.person, now, given.channel)
    if said != reference_decide(ruleset, given.campaign, given.person, now, given.channel):
        raise EnginesDisagree("a send found while overlays were checked is decided in two ways")
    return said


def _spread(whole: int, most: int) -> Iterator[int]:
    """Numbers below `whole`, each once: all in order, or in strides that visit every part of it; the first is 0."""
    step = 1 if most >= whole else round(whole * 0.618)
    while gcd(step, whole) != 1:
        step += 1
    return (number * step % whole for number in range(most))


def _place(number: int, sizes: Iterable[int]) -> tuple[int, ...]:
    place = []
    for size in sizes:
        number, at = divmod(number, size)
        place.append(at)
    return tuple(place)


def _removable(given: Any) -> Iterator[tuple[Any, ...]]:
    """What may be left out, the largest things first and of lists the last; what was sent stays whole."""
    latest_first = [*_paths(given)][::-1]
    for path in sorted(latest_first, key=len):
        whole = path in (("send",), ("send", "channel")) or path[-1] == "at" or (path[0] == "history" and len(path) > 2)
        if not whole:
            yield path


def _without(send: Mapping[str, Any], path: tuple[Any, ...]) -> dict[str, Any] | None:
    """The send with one thing less; None when it is gone already."""
    other = deepcopy(dict(send))
    at = other["given"]
    try:
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]
    except (KeyError, IndexError):
        return None
    return other


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (*above, key)
        yield from _paths(item, (*above, key))
