"""The story of one decision, policy by policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from policykit.explain.view import View, local
from policykit.explain.words import NOTHING, fact_words, plain, words_of
from policykit.facts.row import Sight, State, planned_at
from policykit.ir.nodes import Fact
from policykit.ir.offers import offers_on, shown_offers
from policykit.ir.rules import Rule, RuleSet
from policykit.ir.walk import leaves_of
from policykit.kinds.waiver import WAIVER
from policykit.model import Campaign, Decision, Judgement, Micros, Person, Verdict
from policykit.reasons import Told, tell
from policykit.reports.explanation import Explanation, PolicyTold
from policykit.rounds import first_channel

__all__ = ["explain"]


def explain(
    ruleset: RuleSet, campaign: Campaign, person: Person, now: Micros, decision: Decision, *,
    start: str | None = None, name: str | None = None,
) -> Explanation:  # fmt: skip
    """The story of one decision. name: how the reader calls the person; else by id."""
    sight = Sight(ruleset, campaign, person, now)
    planned = planned_at(sight)
    channel = start or first_channel(campaign, person)
    views = [View(sight, State(channel, at=planned))] if channel else []
    if channel and decision.channel not in (None, channel):
        views.append(View(sight, State(decision.channel, at=planned)))
    return Explanation(
        person=name or person.id,
        campaign=campaign.id,
        verdict=_VERDICTS[decision.verdict],
        planned=channel,
        channel=decision.channel,
        strip=decision.changes.strip,
        generic=decision.changes.generic,
        at=local(decision.changes.send_at, sight.zone),
        blend=decision.changes.blend,
        offers=_offers(campaign, person, decision),
        impossible=decision.impossible,
        skipped=tuple(_skipped(sight, planned, judgement) for judgement in decision.skipped),
        policies=tuple(told for rule in ruleset.rules for told in _told(rule, views, decision)),
        assumed=_assumed(views[0], decision) if views else (),
    )


def _offers(campaign: Campaign, person: Person, decision: Decision) -> tuple[str, ...] | None:
    """Ids of the offers the message shows in the end, as they are rendered for this person."""
    changes = decision.changes
    offers = None if decision.channel is None else offers_on(campaign, decision.channel, generic=changes.generic)
    if offers is None:
        return None
    return tuple(offer.id for offer in shown_offers(offers, person.id, campaign.id, changes.strip, changes.blend))


def _skipped(sight: Sight, planned: Micros | None, judgement: Judgement) -> tuple[str, tuple[str, ...], str | None]:
    """A channel that was tried, the policies against it, and what was known to the first of them."""
    view = View(sight, State(judgement.channel, at=planned))
    against = [rule for rule in sight.ruleset.rules if rule.policy in judgement.policies]
    for rule in against[:1]:
        told = tell(view.sight, view.state, rule)
        if told.outcome in ("breached", "unknown"):
            return judgement.channel, judgement.policies, "; ".join(words_of(rule, view, told).known) or None
    return judgement.channel, judgement.policies, None


_VERDICTS: Mapping[Verdict, Literal["allow", "downgrade", "block"]] = {
    Verdict.ALLOW: "allow", Verdict.DOWNGRADE: "downgrade", Verdict.BLOCK: "block",
}  # fmt: skip


def _told(rule: Rule, views: list[View], decision: Decision) -> Iterator[PolicyTold]:
    """What one policy said: on the channel planned, or on the one moved to when it spoke only there."""
    decided = rule.policy in decision.determining
    found = [(view, tell(view.sight, view.state, rule)) for view in views]
    spoke = [(view, told) for view, told in found if told.outcome != "silent"]
    if not spoke or (rule.kind == WAIVER and all(told.outcome == "met" for _, told in spoke)):
        return
    objected = [(view, told) for view, told in spoke if told.outcome != "met"]
    view, told = (objected or spoke)[0] if decided else spoke[0]
    yield _policy(rule, view, told, decided=decided)


def _policy(rule: Rule, view: View, told: Told, *, decided: bool) -> PolicyTold:
    assert told.outcome != "silent"  # INVARIANT: `_told` leaves those out
    words = NOTHING if told.outcome == "met" else words_of(rule, view, told)
    return PolicyTold(
        policy=rule.policy,
        kind=rule.kind,
        outcome=told.outcome,
        part=rule.effect.part,
        decided=decided,
        audit=rule.mode == "audit",
        reason=told.code,
        because=rule.because,
        known=words.known,
        way=words.way,
        without=words.without,
        picked=words.picked,
        missing=told.missing if told.outcome == "unknown" else (),
        facts=tuple((name, plain(value)) for name, value in told.facts),
        owner=rule.owner,
    )


def _assumed(view: View, decision: Decision) -> tuple[tuple[str, str, str], ...]:
    """Facts that nobody says of this person, that a policy with a say in it read, and what was assumed instead."""
    assume = view.sight.ruleset.assume
    speaking = decision.determining or tuple(rule.policy for rule in view.sight.ruleset.rules)
    read = {
        leaf.path
        for rule in view.sight.ruleset.rules
        if rule.policy in speaking and tell(view.sight, view.state, rule).outcome != "silent"
        for leaf in leaves_of(rule.breached)
        if isinstance(leaf, Fact)
    }
    return tuple(
        (path, plain(value), fact_words(path, value)) for path, value in sorted(assume.items())
        if path in read and not _is_said(path, view)
    )  # fmt: skip


def _is_said(path: str, view: View) -> bool:
    """Whether the data itself says the fact of this person."""
    person, (room, _, name) = view.sight.person, path.partition(".")
    if room == "attributes":
        found = (person.attributes or {}).get(name)
        return found is not None and found.value is not None
    if path.startswith("send.address."):
        address = (person.addresses or {}).get(view.state.channel)
        return getattr(address, name.removeprefix("address."), None) is not None
    return person.facts.get(path) is not None
