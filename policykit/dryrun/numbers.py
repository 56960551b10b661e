"""The numbers of a dry run, all from one grouping of the decisions into distinct outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import duckdb

from policykit.dryrun import decided
from policykit.dryrun.plan import WORD, Plan
from policykit.dryrun.relations import Data
from policykit.dryrun.rounds_sql import impossible_name, names_of
from policykit.model import Changes, Decision, Verdict
from policykit.vocabulary import STYLES


@dataclass(frozen=True, slots=True)
class PolicyNumbers:
    """How one policy fared. breached: rows it did not accept on the start or final channel, unknown ones included;
    alone: rows it decided by itself; unknown: rows where a fact it needs is unknown. audit: it only watches.
    decided: rows it decided, by itself or with others. sent: rows that go out although it did not accept them.
    """

    policy: str
    breached: int
    alone: int
    unknown: int
    audit: bool = False
    decided: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Rows that would be allowed as planned if these policies were satisfied, counted by judging again without them.

    kind: `policy`; `consent` = every consent policy at once; `fact` = every doubt about one fact gone the
    right way, so an upper bound. more_allowed: rows not allowed now; of_blocked: those of them blocked now.
    """

    kind: str
    subject: str
    more_allowed: int
    of_blocked: int


@dataclass(frozen=True, slots=True)
class Example:
    """One row of the audience, by pseudonym. alike: rows with the same outcome."""

    person: str
    decision: Decision
    alike: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """Counts are rows of the audience. unknown: where some policy met an unknown fact. moved: final channel -> rows
    moved to it; channels: final channel -> rows sent; assumed: fact -> rows where an assumption stood in for it.
    """

    rows: int
    people: int
    allowed: int
    downgraded: int
    blocked: int
    unknown: int = 0
    moved: Mapping[str, int] = field(default_factory=dict)
    stripped: Mapping[str, int] = field(default_factory=dict)
    generic: int = 0
    delayed: int = 0
    blended: int = 0
    channels: Mapping[str, int] = field(default_factory=dict)
    styles: Mapping[str, int] = field(default_factory=dict)
    impossible: Mapping[str, int] = field(default_factory=dict)
    policies: tuple[PolicyNumbers, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    examples: tuple[Example, ...] = ()
    assumed: Mapping[str, int] = field(default_factory=dict)


class Outcome(NamedTuple):
    """A distinct outcome: how many rows have it, the first of them, and its masks over the live rules."""

    rows: int
    row: int
    verdict: int
    start: int | None
    final: int | None
    stripped: int
    generic: bool
    delayed: bool
    blended: int | None
    impossible: int | None
    style: int | None
    assumed: int
    det: int
    und: int
    aud: int
    brk: int
    first: int
    doubt: int


_GROUPED = ("verdict", "start", "final", "stripped", "generic", "delayed", "blended", "impossible", "style", "assumed")


def outcomes(connection: duckdb.DuckDBPyConnection, plan: Plan) -> list[Outcome]:
    """Every distinct outcome, the most frequent first."""
    grouped = [*_GROUPED, *(f"{name}_{w}" for name in decided.MASKS for w in plan.words)]
    rows = connection.execute(
        f"SELECT count(*) AS n, min(row) AS row, {', '.join(grouped)} FROM decided GROUP BY "
        f"{', '.join(grouped)} ORDER BY n DESC, row"
    ).fetchall()
    plain, width = 2 + len(_GROUPED), len(plan.words)
    return [
        Outcome(
            *row[:plain],
            *(_joined(row[plain + i * width : plain + (i + 1) * width]) for i in range(len(decided.MASKS))),
        )
        for row in rows
    ]


def _joined(words: Iterable[int]) -> int:
    return sum(word << (WORD * w) for w, word in enumerate(words))


def count(
    connection: duckdb.DuckDBPyConnection, plan: Plan, data: Data, found: list[Outcome],
    pseudonym: Callable[[str], str], examples: int, assumed: Iterable[str] = (),
) -> Numbers:  # fmt: skip
    """All numbers of one run, from its outcomes. assumed: the fact of each bit of `Outcome.assumed`."""
    rows = sum(o.rows for o in found)
    by_verdict = [sum(o.rows for o in found if o.verdict == verdict) for verdict in Verdict]
    channel = plan.channels
    return Numbers(
        rows=rows,
        people=rows - data.repeated,
        allowed=by_verdict[Verdict.ALLOW],
        downgraded=by_verdict[Verdict.DOWNGRADE],
        blocked=by_verdict[Verdict.BLOCK],
        unknown=sum(o.rows for o in found if o.und),
        moved=_tally((channel[o.final], o.rows) for o in found if o.final is not None and o.final != o.start),
        stripped=_tally((plan.uses[j], o.rows) for o in found for j in _bits(o.stripped)),
        generic=sum(o.rows for o in found if o.generic),
        delayed=sum(o.rows for o in found if o.delayed),
        blended=sum(o.rows for o in found if o.blended is not None),
        channels=_tally((channel[o.final], o.rows) for o in found if o.final is not None),
        styles=_tally(
            ("unknown" if o.style is None else STYLES[o.style], o.rows) for o in found if o.final is not None
        ),
        impossible=_tally((name, o.rows) for o in found if (name := impossible_name(o.impossible))),
        policies=_policies(plan, found),
        suggestions=_suggestions(plan, found, {name for name in ("consents", "history") if data.get(name)}),
        examples=_examples(connection, plan, found, pseudonym, examples),
        assumed=_tally((path, o.rows) for o in found for j, path in enumerate(assumed) if o.assumed >> j & 1),
    )


def _tally(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    counter: Counter[str] = Counter()
    for key, number in pairs:
        counter[key] += number
    return dict(counter.most_common())


def _bits(mask: int) -> list[int]:
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def _policies(plan: Plan, found: list[Outcome]) -> tuple[PolicyNumbers, ...]:
    """Every policy of the rule set; those that are false for everybody have zeros."""
    breached, alone, unknown, decided = Counter[int](), Counter[int](), Counter[int](), Counter[int]()
    sent = Counter[int]()
    for outcome in found:
        for bit in _bits(outcome.brk):
            breached[bit] += outcome.rows
            sent[bit] += outcome.rows if outcome.final is not None else 0
        for bit in _bits(outcome.und):
            unknown[bit] += outcome.rows
        for bit in _bits(outcome.det):
            decided[bit] += outcome.rows
        if outcome.det.bit_count() == 1:
            alone[outcome.det.bit_length() - 1] += outcome.rows
    places = {rule.policy: bit for bit, rule in enumerate(plan.live)}
    return tuple(
        PolicyNumbers(
            rule.policy, breached[bit], alone[bit], unknown[bit], rule.mode == "audit", decided[bit], sent[bit]
        )
        for rule in plan.ruleset.rules
        if (bit := places.get(rule.policy, -1)) is not None
    )


def _suggestions(plan: Plan, found: list[Outcome], supplied: Collection[str]) -> tuple[Suggestion, ...]:
    """What would have to be otherwise for more rows to be allowed; a row counts if nothing else is against it.

    supplied: relations that no doubt can be about, because no row in them has a meaning (M3).
    """
    consent = sum(1 << bit for bit, rule in enumerate(plan.live) if rule.kind == "consent")
    facts = {fact: mask for fact, mask in _by_fact(plan).items() if fact not in supplied}
    more: Counter[tuple[str, str]] = Counter()
    blocked: Counter[tuple[str, str]] = Counter()
    for o in found:
        acting = o.first & plan.laws[o.start].acts if o.start is not None else 0
        if o.verdict == Verdict.ALLOW or not acting:  # blocked before any policy was asked
            continue
        for way in _ways(plan, acting, o.doubt, consent, facts):
            more[way] += o.rows
            blocked[way] += o.rows if o.verdict == Verdict.BLOCK else 0
    suggestions = (Suggestion(kind, subject, n, blocked[kind, subject]) for (kind, subject), n in more.items())
    return tuple(sorted(suggestions, key=lambda s: (-s.more_allowed, s.kind, s.subject)))


def _ways(plan: Plan, acting: int, doubt: int, consent: int, facts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Each one thing that, were it otherwise, would leave nothing of what acts on a row as planned."""
    if acting.bit_count() == 1:
        yield "policy", plan.live[acting.bit_length() - 1].policy
    if not acting & ~consent:
        yield "consent", "consent"
    if not acting & ~doubt:
        yield from (("fact", fact) for fact, mask in facts.items() if not acting & ~mask)


def _by_fact(plan: Plan) -> dict[str, int]:
    """Per fact the rules that read it, on any channel."""
    masks: dict[str, int] = {}
    for conditions in plan.breached.values():
        for bit, expr in enumerate(conditions):
            for fact in plan.facts_of(expr):
                masks[fact] = masks.get(fact, 0) | 1 << bit
    return masks


def _examples(
    connection: duckdb.DuckDBPyConnection, plan: Plan, found: list[Outcome], pseudonym: Callable[[str], str], most: int
) -> tuple[Example, ...]:
    """One row for each of the most frequent ways to be lessened or blocked."""
    seen: dict[tuple[object, ...], Outcome] = {}
    alike: Counter[tuple[object, ...]] = Counter()
    for outcome in found:
        if outcome.verdict:
            way = (
                outcome.verdict,
                outcome.final,
                outcome.stripped,
                outcome.generic,
                outcome.delayed,
                outcome.blended,
                outcome.impossible,
                outcome.det,
            )
            seen.setdefault(way, outcome)
            alike[way] += outcome.rows
    chosen = [(way, seen[way]) for way, _ in alike.most_common(most)]
    decisions = dict(read_decisions(connection, plan, [outcome.row for _, outcome in chosen]))
    return tuple(Example(pseudonym(decisions[o.row][0]), decisions[o.row][1], alike[way]) for way, o in chosen)


def read_decisions(
    connection: duckdb.DuckDBPyConnection, plan: Plan, rows: list[int]
) -> list[tuple[int, tuple[str, Decision]]]:
    """(row, (person, decision)) of these rows, in row order."""
    if not rows:
        return []
    columns = [
        "row",
        "CAST(key AS VARCHAR) AS id",
        "instant",
        *_GROUPED,
        *(f"{name}_{w}" for name in decided.MASKS for w in plan.words),
    ]
    found = connection.execute(
        f"SELECT {', '.join(columns)} FROM decided WHERE row IN ({', '.join(map(str, rows))}) ORDER BY row"
    ).fetchall()
    plain, width = 3 + len(_GROUPED), len(plan.words)
    return [
        (row[0], (row[1], _decision(plan, row[2], dict(zip(_GROUPED, row[3:plain], strict=True)), row[plain:], width)))
        for row in found
    ]


def _decision(plan: Plan, at: int | None, values: dict[str, Any], words: tuple[int, ...], width: int) -> Decision:
    live = [rule.policy for rule in plan.live]
    det, und, aud = (names_of(_joined(words[i * width : (i + 1) * width]), live) for i in range(3))
    start, final = values["start"], values["final"]
    channel = None if final is None else plan.channels[final]
    changes = Changes(
        channel=channel if final != start else None,
        strip=tuple(plan.uses[j] for j in _bits(values["stripped"])),
        generic=bool(values["generic"]),
        send_at=at if values["delayed"] else None,
        blend=values["blended"],
    )
    return Decision(
        Verdict(values["verdict"]), changes, det, und, aud, channel, at,
        impossible_name(values["impossible"]),
    )  # fmt: skip
