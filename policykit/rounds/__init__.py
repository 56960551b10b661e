"""The combining law: how judgements become a decision (M4, M5). The dry run shares `Law`, the tests compare the rest.

A channel's outcome depends on that channel alone; a send is lessened round by round in place, and
moved at most once. Rules are masks here: bit i is rule i of the set, which is sorted by policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Literal, NamedTuple, TypeAlias, get_args

from policykit.facts.quick import maker
from policykit.facts.row import Sight, State, deadline, offers_of, planned_at, prepared_for, rank, uses_of
from policykit.ir.offers import left, too_few
from policykit.ir.rows import Judged
from policykit.model import (
    Campaign,
    Changes,
    Decision,
    Impossible,
    Judgement,
    Micros,
    Person,
    Use,
    Verdict,
)
from policykit.rounds.blends import blended, falls_short, smallest_asked, taking_out
from policykit.rounds.masks import KEPT, NO_CHANGES, Law, Laws, law

__all__ = [
    "Course",
    "Judge",
    "Law",
    "Laws",
    "decide",
    "first_channel",
    "has_address",
    "in_place",
    "law",
    "variant_uses",
]

Judge: TypeAlias = Callable[[Sight, State], Judged]
"""Judges one send as it stands. Bit j of `Judged.in_breach` is the j-th use still present (`facts.row.uses_of`)."""

_ORDER: tuple[Impossible, ...] = get_args(Impossible)
_NOTHING: frozenset[str] = frozenset()
_make_decision = maker(Decision)


# --- a whole decision --------------------------------------------------------------------------


def decide(
    laws: Laws,
    judge: Judge,
    campaign: Campaign,
    person: Person,
    now: Micros,
    start: str | None = None,
    at: Micros | None = None,
) -> Decision:
    """The decision for one send.

    start: the channel it was going to leave by (live, cases); None = the first prepared channel
        for which the person has an address. at: when it is going to leave (live); None = as the
        campaign plans. The campaign's deadline stays as it is.
    """
    channel = start if start is not None else first_channel(campaign, person)
    if channel is None:
        return Decision(Verdict.BLOCK, impossible="no_address")
    sight = Sight(laws.ruleset, campaign, person, now)
    planned = planned_at(sight) if at is None else at
    if planned is None:
        return Decision(Verdict.BLOCK, impossible="no_instant")
    if campaign.not_after is not None and (until := deadline(sight, planned)) is not None and planned > until:
        return Decision(Verdict.BLOCK, impossible="past_deadline")
    original = State(channel, False, _NOTHING, planned)
    judged = judge(sight, original)
    acting = judged.breached & laws.of(channel).acts
    if not acting or acting & laws.of(channel).blocks:
        return laws.at_once(judged, channel, planned)
    first = in_place(laws, judge, sight, original, judged)
    if first.outcome == "ask":
        return _move(laws, judge, sight, original, first)
    return _decision(laws, campaign, original, first, first)


def first_channel(campaign: Campaign, person: Person) -> str | None:
    """The first prepared channel for which the person has an address."""
    for prepared in campaign.prepared:
        if has_address(person, prepared.channel):
            return prepared.channel
    return None


def has_address(person: Person, channel: str) -> bool:
    """Whether an address is known; when no addresses were supplied, none is."""
    addresses = person.addresses
    return addresses is not None and channel in addresses


def candidates(laws: Laws, sight: Sight, start: str, askers: int) -> Iterator[str]:
    """Channels a send may be moved to, in campaign order: permitted by every asker, of lower rank, with an address."""
    ceiling, addresses, permitted = rank(sight, start), sight.person.addresses, laws.permitted(askers)
    if ceiling is None or addresses is None:
        return
    for prepared in sight.campaign.prepared:
        channel = prepared.channel
        if channel == start or channel not in addresses or (permitted is not None and channel not in permitted):
            continue
        own = rank(sight, channel)
        if own is not None and own < ceiling:
            yield channel


def _move(laws: Laws, judge: Judge, sight: Sight, original: State, first: Course) -> Decision:
    """Each candidate is judged in place from the original send; the first that is done wins."""
    skipped: list[Judgement] = []
    for channel in candidates(laws, sight, original.channel, first.deciders):
        course = in_place(laws, judge, sight, State(channel, False, _NOTHING, original.at))
        if course.outcome == "done":
            return _decision(laws, sight.campaign, original, first, course, tuple(skipped))
        names, unknown = laws.names(course.deciders), laws.names(course.undetermined)
        skipped.append(Judgement(channel, course.outcome, names, unknown, course.impossible))
    nowhere = Course("block", original, first.deciders, first.undetermined, first.audit, "no_channel_left")
    return _decision(laws, sight.campaign, original, first, nowhere, tuple(skipped))


def _decision(
    laws: Laws, campaign: Campaign, original: State, first: Course, last: Course, skipped: tuple[Judgement, ...] = ()
) -> Decision:
    if skipped or last.state.stripped:  # what was stripped depends on the campaign's content
        return _made(laws, campaign, original, first, last, skipped)
    key = (original, first, last)
    found = laws.lessened.get(key)
    if found is None:
        if len(laws.lessened) >= KEPT:
            laws.lessened.clear()
        found = laws.lessened[key] = _made(laws, campaign, original, first, last, skipped)
    return found


def _made(
    laws: Laws, campaign: Campaign, original: State, first: Course, last: Course, skipped: tuple[Judgement, ...]
) -> Decision:
    names = laws.names
    undetermined, audit = names(first.undetermined | last.undetermined), names(first.audit | last.audit)
    if last.outcome == "block":
        blockers = names(last.deciders)
        return _make_decision(
            Verdict.BLOCK, NO_CHANGES, blockers, undetermined, audit, None, None, last.impossible, skipped
        )
    state = last.state
    if state == original:
        return Decision(Verdict.ALLOW, NO_CHANGES, (), undetermined, audit, state.channel, state.at)
    askers = first.deciders if first.outcome == "ask" else 0
    determining = names(last.deciders | askers)
    changes = _changes(campaign, original, state)
    verdict = Verdict.DOWNGRADE if changes else Verdict.ALLOW
    return _make_decision(verdict, changes, determining, undetermined, audit, state.channel, state.at, None, skipped)


def _changes(campaign: Campaign, original: State, final: State) -> Changes:
    return Changes(
        channel=final.channel if final.channel != original.channel else None,
        strip=_stripped(campaign, final),
        generic=final.generic,
        send_at=final.at if final.at != original.at else None,
        blend=blended(campaign, final),
    )


def _stripped(campaign: Campaign, final: State) -> tuple[str, ...]:
    """Attributes taken out of the content that is sent in the end."""
    if not final.stripped:
        return ()
    return tuple(sorted(use.attribute for use in variant_uses(campaign, final) if use.attribute in final.stripped))


def variant_uses(campaign: Campaign, state: State) -> tuple[Use, ...]:
    """All uses of the content at hand, stripped or not; none when they are unknown."""
    return uses_of(campaign, state._replace(stripped=frozenset())) or ()


# --- one channel, in place -------------------------------------------------------------------------


class Course(NamedTuple):
    """How a channel came out. deciders: blockers, askers, or the rules whose changes were made."""

    outcome: Literal["done", "ask", "block"]
    state: State
    deciders: int
    undetermined: int
    audit: int
    impossible: Impossible | None = None


def in_place(laws: Laws, judge: Judge, sight: Sight, state: State, judged: Judged | None = None) -> Course:
    """Judges a send on its channel, makes every change asked for, and judges again until nothing is left.

    judged: the first judgement, when it is at hand. It ends: strips and the generic variant only
    grow, personalised offers only become fewer, the instant only moves later, up to the deadline.
    """
    masks = laws.of(state.channel)
    changers = undetermined = audit = 0
    original = state
    while True:
        if judged is None:
            judged = judge(sight, state)
        undetermined |= judged.undetermined
        audit |= judged.breached & masks.audit
        acting = judged.breached & masks.acts
        if not acting:
            return Course("done", state, changers, undetermined, audit)
        if acting & masks.blocks:
            return Course("block", state, acting & masks.blocks, undetermined, audit)
        if acting & masks.asks:
            return Course("ask", state, acting & masks.asks, undetermined, audit)
        step = _step(laws, masks, sight, original, state, acting, judged)
        if step.failed:
            worst = min(step.failed, key=_ORDER.index)
            return Course("block", state, reduce(or_, step.failed.values()), undetermined, audit, worst)
        if not step.changers:
            return Course("done", state, changers, undetermined, audit)
        changers |= step.changers
        state, judged = step.state, None


@dataclass(slots=True)
class _Step:
    """The changes of one round. failed: what cannot be made, and the rules that asked for it."""

    state: State
    changers: int = 0
    failed: dict[Impossible, int] = field(default_factory=dict)

    def fail(self, why: Impossible, rules: int) -> None:
        if rules:
            self.failed[why] = self.failed.get(why, 0) | rules


def _step(laws: Laws, masks: Law, sight: Sight, original: State, state: State, acting: int, judged: Judged) -> _Step:
    step = _Step(state)
    contents = 0 if state.generic else acting & masks.contents
    if contents:
        _make_generic(step, sight, contents)
    elif acting & masks.strips:
        _strip(step, sight, masks, acting & masks.strips, judged.in_breach)
    if acting & masks.blends and not contents and not step.failed and not step.state.generic:
        _blend(step, laws, sight, masks, acting & masks.blends)
    if acting & masks.schedules:
        _postpone(step, laws, sight, masks, acting & masks.schedules, original)
    return step


def _make_generic(step: _Step, sight: Sight, rules: int) -> None:
    if not _has_generic(sight, step.state):
        step.fail("no_generic", rules)
        return
    step.state = step.state._replace(generic=True)
    step.changers |= rules


def _strip(step: _Step, sight: Sight, masks: Law, rules: int, in_breach: Sequence[int]) -> None:
    """Takes out the uses in breach; where one of them is required, the generic variant takes the content's place."""
    uses = uses_of(sight.campaign, step.state)
    if uses is None:
        step.fail("unknown_uses", rules)
        return
    fixed = required = 0
    for index, use in enumerate(uses):
        if not use.strippable:
            fixed |= 1 << index
        if use.required:
            required |= 1 << index
    every = selected = needing = 0
    for rule, bits in zip(masks.strip_rules, in_breach, strict=True):
        if rules >> rule & 1:
            every |= bits
            selected |= 1 << rule if bits & fixed else 0
            needing |= 1 << rule if bits & required else 0
    step.fail("selected_attribute", selected)
    if needing and (step.state.generic or not _has_generic(sight, step.state)):
        step.fail("required_attribute", needing)
    stripped = frozenset([use.attribute for index, use in enumerate(uses) if every >> index & 1])
    if step.failed or not stripped:
        return
    if needing:
        step.state = step.state._replace(generic=True)
    else:
        after = step.state._replace(stripped=step.state.stripped | stripped)
        if falls_short(sight.campaign, step.state, after):
            step.fail("no_general_offer", taking_out(masks, rules, in_breach, uses, sight.campaign.offers))
            return
        step.state = after
    step.changers |= rules


def _blend(step: _Step, laws: Laws, sight: Sight, masks: Law, rules: int) -> None:
    """Lets general offers take the place of personalised ones: the smallest share asked for wins (M5).

    A share that what is left keeps already asks for nothing; strips of the same round come first.
    """
    offers = offers_of(sight.campaign, step.state)
    if offers is None:
        step.fail("unknown_offers", rules)
        return
    smallest, asking = smallest_asked(laws, masks, rules, offers.show)
    if smallest >= left(offers, step.state.stripped, step.state.blend):
        return
    if too_few(offers, smallest):
        step.fail("no_general_offer", asking)
        return
    step.changers |= asking
    step.state = step.state._replace(blend=smallest)


def _postpone(step: _Step, laws: Laws, sight: Sight, masks: Law, rules: int, original: State) -> None:
    """Moves the send to the latest instant asked for; a rule whose hours hold already asks for none."""
    at, planned = step.state.at, original.at
    assert at is not None
    assert planned is not None
    limit = deadline(sight, planned)
    asked: dict[Micros, int] = {}
    for index in masks.schedule_rules:
        if rules >> index & 1:
            moved = laws.asked_instant(index, sight.zone, at, limit)
            if moved is None:
                step.fail("unknown_zone", 1 << index)
            else:
                asked[moved] = asked.get(moved, 0) | 1 << index
    latest = max(asked, default=at)
    if latest == at:
        return
    if limit is None or latest > limit:
        step.fail("past_deadline", asked[latest])
        return
    step.changers |= asked[latest]
    state = step.state
    step.state = State(state.channel, state.generic, state.stripped, latest, state.blend)


def _has_generic(sight: Sight, state: State) -> bool:
    prepared = prepared_for(sight.campaign, state.channel)
    return prepared is not None and prepared.generic is not None
