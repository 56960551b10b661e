"""The law in its plainest form: every send by the interpreter, and an audience row by row (M2, M7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from policykit import rounds
from policykit.backends import reference
from policykit.facts.row import Sight, State, fact_row
from policykit.ir.rows import Judged
from policykit.ir.rules import RuleSet
from policykit.model import Campaign, Decision, Micros, Person, SentRecord, Verdict


def reference_judge(sight: Sight, state: State) -> Judged:
    """The interpreter over the rules as compiled: the meaning every other way must equal."""
    ruleset = sight.ruleset
    return reference.judge(ruleset, fact_row(sight, state, ruleset.leaves, ruleset.use_leaves))


def reference_decide(
    ruleset: RuleSet, campaign: Campaign, person: Person, now: Micros, start: str | None = None
) -> Decision:
    """The decision for one send by the reference interpreter."""
    return rounds.decide(rounds.Laws(ruleset), reference_judge, campaign, person, now, start)


def decide_audience(ruleset: RuleSet, campaign: Campaign, people: Iterable[Person], now: Micros) -> list[Decision]:
    """Decisions in row order by the reference; what the dry run must equal.

    A person's earlier row counts as sent on its final channel and instant unless it was blocked;
    it does not make an absent history known (M7).
    """
    laws = rounds.Laws(ruleset)

    def _decide(person: Person) -> Decision:
        return rounds.decide(laws, reference_judge, campaign, person, now)

    return audience(_decide, campaign, people)


def audience(decide: Callable[[Person], Decision], campaign: Campaign, people: Iterable[Person]) -> list[Decision]:
    """Decides rows in order, each with the person's earlier rows in the history."""
    earlier: dict[str, tuple[SentRecord, ...]] = {}
    decisions: list[Decision] = []
    for person in people:
        sent = earlier.get(person.id, ())
        known = person.history is not None
        decision = decide(replace(person, history=(*(person.history or ()), *sent)) if known and sent else person)
        decisions.append(decision)
        if decision.verdict is not Verdict.BLOCK:
            record = SentRecord(decision.at, decision.channel, campaign.message_class, campaign.id)
            earlier[person.id] = (*sent, record)
    return decisions
