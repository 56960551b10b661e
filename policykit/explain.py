"""Why one person gets, or does not get, a message: a decision and the facts beneath it, in words.

The reference interpreter is asked again for every policy, so that what is told is what was meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from policykit.backends.reference import Facts, evaluate, facts_of
from policykit.facts.consent import Standing, node_path, scope, standing, suits
from policykit.facts.row import Sight, State, fact_row, planned_at
from policykit.facts.zones import segments, zones
from policykit.ir import say
from policykit.ir.nodes import (
    Allowed,
    AllUses,
    Compare,
    ConsentMet,
    ExistsUse,
    Fact,
    Member,
    Requirement,
    Sends,
    UseCollectedFor,
    Value,
)  # fmt: skip
from policykit.ir.rules import Rule, RuleSet
from policykit.ir.walk import canonical, leaves_of, nodes, use_leaves_of
from policykit.model import Campaign, ConsentRecord, Decision, Judgement, Micros, Person, Use, Verdict, from_micros
from policykit.reasons import Told, tell
from policykit.reports.explanation import Explanation, PolicyTold
from policykit.reports.words import channel_name, listed
from policykit.rounds import first_channel, variant_uses

__all__ = ["explain"]

_ORIGINS = {
    "contextual": "comes from the moment", "provided": "they told us", "observed": "we observed",
    "derived": "we worked out", "inferred": "we inferred", "generated": "a model made up", "purchased": "we bought",
}  # fmt: skip
_REFUSED = {
    "refused": "said no", "withdrawn": "took back their consent", "objected": "objected to all of it",
    "revoked": "had their consent revoked", "invalidated": "had their consent declared invalid",
}  # fmt: skip


def explain(
    ruleset: RuleSet, campaign: Campaign, person: Person, now: Micros, decision: Decision, *,
    start: str | None = None, name: str | None = None,
) -> Explanation:  # fmt: skip
    """The story of one decision. name: how the reader calls the person; else by id."""
    sight = Sight(ruleset, campaign, person, now)
    planned = planned_at(sight)
    channel = start or first_channel(campaign, person)
    views = [_View(sight, State(channel, at=planned))] if channel else []
    if channel and decision.channel not in (None, channel):
        views.append(_View(sight, State(decision.channel, at=planned)))
    return Explanation(
        person=name or person.id,
        campaign=campaign.id,
        verdict=_VERDICTS[decision.verdict],
        planned=channel,
        channel=decision.channel,
        strip=decision.changes.strip,
        generic=decision.changes.generic,
        at=_local(decision.changes.send_at, sight.zone),
        impossible=decision.impossible,
        skipped=tuple(_skipped(sight, planned, judgement) for judgement in decision.skipped),
        policies=tuple(told for rule in ruleset.rules for told in _told(rule, views, decision)),
        assumed=_assumed(views[0], decision) if views else (),
    )


def _skipped(sight: Sight, planned: Micros | None, judgement: Judgement) -> tuple[str, tuple[str, ...], str | None]:
    """A channel that was tried, the policies against it, and what was known to the first of them."""
    view = _View(sight, State(judgement.channel, at=planned))
    against = [rule for rule in sight.ruleset.rules if rule.policy in judgement.policies]
    for rule in against[:1]:
        told = tell(view.sight, view.state, rule)
        if told.outcome in ("breached", "unknown"):
            return judgement.channel, judgement.policies, "; ".join(_words(rule, view, told).known) or None
    return judgement.channel, judgement.policies, None


_VERDICTS: Mapping[Verdict, Literal["allow", "downgrade", "block"]] = {
    Verdict.ALLOW: "allow", Verdict.DOWNGRADE: "downgrade", Verdict.BLOCK: "block",
}  # fmt: skip


def _local(at: Micros | None, zone: str | None) -> str | None:
    """An instant on the person's clock, else in UTC."""
    if at is None:
        return None
    if zone is None or zone not in zones():
        return f"{say.moment(from_micros(at))} (UTC)"
    return f"{say.moment(from_micros(at + segments(zone, at, at + 1)[0].offset))} ({zone})"


@dataclass
class _View:
    """One person's send as it stood when it was judged, with what was asked of it so far."""

    sight: Sight
    state: State
    rows: dict[str, Facts] = field(default_factory=dict)

    def facts(self, rule: Rule) -> Facts:
        found = self.rows.get(rule.policy)
        if found is None:
            exprs = [rule.breached, rule.reason, *([rule.use_breached] if rule.use_breached else [])]
            leaves = tuple(sorted({leaf for expr in exprs for leaf in leaves_of(expr)}, key=canonical))
            uses = tuple(sorted({leaf for expr in exprs for leaf in use_leaves_of(expr)}, key=canonical))
            row = fact_row(self.sight, self.state, leaves, uses)
            found = self.rows[rule.policy] = facts_of(row, leaves, uses)
        return found

    @property
    def uses(self) -> tuple[Use, ...]:
        return variant_uses(self.sight.campaign, self.state)

    @property
    def standing(self) -> Standing | None:
        path = node_path(self.sight.ruleset, self.sight.campaign)
        records = self.sight.person.consents
        return None if records is None or path is None else standing(records, path, self.state.channel, self.sight.now)


def _told(rule: Rule, views: list[_View], decision: Decision) -> Iterator[PolicyTold]:
    """What one policy said: on the channel planned, or on the one moved to when it spoke only there."""
    decided = rule.policy in decision.determining
    found = [(view, tell(view.sight, view.state, rule)) for view in views]
    spoke = [(view, told) for view, told in found if told.outcome != "silent"]
    if not spoke:
        return
    objected = [(view, told) for view, told in spoke if told.outcome != "met"]
    view, told = (objected or spoke)[0] if decided else spoke[0]
    yield _policy(rule, view, told, decided=decided)


def _policy(rule: Rule, view: _View, told: Told, *, decided: bool) -> PolicyTold:
    assert told.outcome != "silent"  # INVARIANT: `_told` leaves those out
    words = NOTHING if told.outcome == "met" else _words(rule, view, told)
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
        facts=tuple((name, _plain(value)) for name, value in told.facts),
    )


def _assumed(view: _View, decision: Decision) -> tuple[tuple[str, str], ...]:
    """Facts that the workspace assumed for this person and a deciding policy read."""
    person, assume = view.sight.person, view.sight.ruleset.assume
    read = {
        leaf.path
        for rule in view.sight.ruleset.rules
        if rule.policy in decision.determining
        for leaf in leaves_of(rule.breached)
        if isinstance(leaf, Fact)
    }
    return tuple(
        (path, _plain(value)) for path, value in sorted(assume.items())
        if path in read and path.startswith("recipient.") and person.facts.get(path) is None
    )  # fmt: skip


def _plain(value: Value) -> str:
    if value is None:
        return "unknown"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


# --- what was known, and the way to pass -----------------------------------------------------------


class _Words(NamedTuple):
    """The ends of two sentences: "what we know: ...", each finding by itself, and "it would go as planned if ..."."""

    known: tuple[str, ...] = ()
    way: str | None = None
    without: tuple[str, ...] = ()
    picked: bool = False


NOTHING = _Words()


def _words(rule: Rule, view: _View, found: Told) -> _Words:
    if found.outcome == "unknown" and found.missing:
        told = listed(dict.fromkeys(say.missing(name) for name in found.missing))
        return _Words((f"nobody says {told}",), f"somebody said {told}")
    if rule.kind == "intrusiveness":
        return _score_words(rule, view)
    leaves = [node for node in nodes(rule.breached) if isinstance(node, ConsentMet | Member | Allowed | Sends)]
    for leaf in leaves:
        match leaf:
            case ConsentMet(requirement=requirement):
                return _consent_words(requirement, view)
            case Member():
                return _refusal_words(view)
            case Allowed(hours=hours):
                clock = _local(view.state.at, hours.zone or view.sight.zone)
                return _Words((f"it would arrive on {clock}",), f"it arrived {say.hours(hours)}")
            case Sends():
                break
    if any(isinstance(node, ExistsUse | AllUses) for node in nodes(rule.breached)):
        return _use_words(rule, view)
    return _count_words(rule, view) if leaves else _Words(_plain_words(rule, view))


def _score_words(rule: Rule, view: _View) -> _Words:
    facts = view.facts(rule)
    for node in nodes(rule.breached):
        if isinstance(node, Compare) and node.op == ">":
            score, limit = evaluate(node.left, facts), evaluate(node.right, facts)
            known = f"this message asks {score} points of them, and they accept {limit}"
            return _Words((known,), f"it asked for at most {limit}, by a gentler channel or showing less")
    return _Words(_plain_words(rule, view))


def _consent_words(asked: Requirement, view: _View) -> _Words:
    found, channel = view.standing, channel_name(view.state.channel)
    if found is None:
        return NOTHING
    if found.refusals:
        return _refusal_words(view)
    way = f"they gave {say.requirement(asked, channel)}"
    if not found.in_force:
        return _Words((f"they never agreed to {channel}{_elsewhere(view)}",), way)
    suiting = [grant for grant in found.in_force if suits(grant, asked, view.sight.controller)]
    best = max(suiting or found.in_force, key=lambda grant: grant.at or 0)
    told = f"their consent of {say.day(best.at or 0)}"
    if suiting and asked.max_age is not None:
        return _Words((f"{told} is older than {say.span(asked.max_age)}",), way)
    weakness = "has run out" if suiting else _weakness(best, asked, channel, view.sight.controller)
    return _Words((f"{told} {weakness}",), way)


def _weakness(grant: ConsentRecord, asked: Requirement, channel: str, controller: str | None) -> str:
    """Why a grant does not suit: the first part that it lacks."""
    if asked.quality is not None and grant.quality not in asked.quality:
        return f"is only {say.quality(grant.quality)}"
    if asked.defect_free and grant.defects != ():
        return f"was {listed(grant.defects or ('of unknown making',)).replace('_', '-')}"
    if asked.evidence and not grant.evidence:
        return "cannot be proven"
    if asked.same_controller and grant.controller != controller:
        return "was given to another company"
    if "channel" in asked.names and grant.channel == "*":
        return f"does not name {channel}"
    return "does not reach far enough"


def _elsewhere(view: _View) -> str:
    """Where else they agreed, as a reader would ask next."""
    path = node_path(view.sight.ruleset, view.sight.campaign)
    records = view.sight.person.consents or ()
    for prepared in view.sight.campaign.prepared:
        found = standing(records, path, prepared.channel, view.sight.now) if path else None
        if found and found.in_force and not found.refusals:
            latest = max(found.in_force, key=lambda grant: grant.at or 0)
            return f", but to {channel_name(prepared.channel)} on {say.day(latest.at or 0)}"
    return ""


def _refusal_words(view: _View) -> _Words:
    found = view.standing
    if found is None or not found.refusals:
        return NOTHING
    strictest = max(found.refusals, key=lambda refusal: (refusal.status == "objected", refusal.at or 0))
    _, channel = scope(strictest)
    where = f" for {channel_name(channel)}" if channel != "*" and strictest.status != "objected" else ""
    when = f" on {say.day(strictest.at)}" if strictest.at is not None else ""
    told = f"they {_REFUSED[strictest.status or 'refused']}{where}{when}"
    return _Words((told,), "they themselves agreed again")


def _count_words(rule: Rule, view: _View) -> _Words:
    facts = view.facts(rule)
    for node in nodes(rule.breached):
        if isinstance(node, Compare) and isinstance(node.left, Sends):
            number, limit = facts.values[node.left], evaluate(node.right, facts)
            what, near = say.counted(node.left.counting), say.window(node.left.window)
            fewer = f"at most {int(limit) - 1}" if isinstance(limit, int) and limit > 1 else "none"
            way = f"there were {fewer}" if limit != 0 else None
            return _Words((f"they get {number} other {what} {near}",), way)
    return _Words(_plain_words(rule, view))


def _use_words(rule: Rule, view: _View) -> _Words:
    found = [use for use in view.uses if use.attribute in _in_breach(rule, view)]
    if not found:
        return _Words(_plain_words(rule, view))
    told = (*(_use(use, rule, view.sight) for use in found[:3]), *_plain_words(rule, view))
    return _Words(told, None, tuple(use.attribute for use in found), any(not use.strippable for use in found))


def _in_breach(rule: Rule, view: _View) -> set[str]:
    """Attributes whose use breaches, or may breach, the policy."""
    facts = view.facts(rule)
    found: set[str] = set()
    for node in nodes(rule.breached):
        if isinstance(node, ExistsUse | AllUses) and facts.uses is not None:
            wanted = isinstance(node, AllUses)
            for use, values in zip(view.uses, facts.uses, strict=True):
                if evaluate(node.body, Facts(facts.values, facts.uses, values)) is not wanted:
                    found.add(use.attribute)
    return found


def _use(use: Use, rule: Rule, sight: Sight) -> str:
    """`the text shows "basket", which we observed`."""
    where = "the text shows" if use.recited else "these people were picked by" if use.selected else "the text rests on"
    known = sight.ruleset.attributes.get(use.attribute)
    if known is None:
        return f"{where} `{use.attribute}`, which is not registered"
    if any(isinstance(node, UseCollectedFor) for node in nodes(rule.breached)):
        return f"{where} `{use.attribute}`, which was collected for {listed(known.collected_for) or 'nothing'}"
    told = (sight.person.attributes or {}).get(use.attribute)
    origin = told.origin if told and told.origin in _ORIGINS else known.origin
    source = f" from {listed(f'`{each}`' for each in known.inferred_from)}" if known.inferred_from else ""
    return f"{where} `{use.attribute}`, which {_ORIGINS.get(origin or '', 'came from nobody knows where')}{source}"


def _plain_words(rule: Rule, view: _View) -> tuple[str, ...]:
    """The person's facts that the policy read, by their names."""
    facts = view.facts(rule)
    told = [
        f"they accept {value} data at most"
        if leaf.path == "recipient.degree"
        else f"{say.plain(leaf.path)} is {_plain(value)}"
        for leaf, value in facts.values.items()
        if isinstance(leaf, Fact) and value is not None and _is_about_person(leaf.path)
    ]
    return tuple(told[:3])


def _is_about_person(path: str) -> bool:
    return path.startswith(("recipient.", "attributes.", "send.address.")) or path in ("send.rank", "send.style")
