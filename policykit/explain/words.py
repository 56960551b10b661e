"""What a policy found, and what would let it pass, as the ends of sentences."""

from __future__ import annotations

from typing import NamedTuple

from policykit.backends.reference import Facts, UseValues, evaluate
from policykit.explain.promises import asked_by, content_words, program_words
from policykit.explain.view import View, local
from policykit.facts.consent import node_path, scope, standing, suits
from policykit.facts.lineage import own_collected_for
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
    Type,
    UseCollectedFor,
    UseFact,
    Value,
)
from policykit.ir.rules import Rule
from policykit.ir.specialise import PERSONALISED, SHOWN, send_purpose
from policykit.ir.walk import nodes
from policykit.model import DAY, HOUR, MINUTE, UNREADABLE, ConsentRecord, Use
from policykit.reasons import Told
from policykit.reports.words import channel_name, count, listed

__all__ = ["NOTHING", "Words", "fact_words", "plain", "words_of"]

_ORIGINS = {
    "contextual": "comes from the moment", "provided": "they told us", "observed": "we observed",
    "derived": "we worked out", "inferred": "we inferred", "generated": "a model made up", "purchased": "we bought",
}  # fmt: skip
_MADE = ("derived", "inferred", "generated")  # from something else that is known
_REFUSED = {
    "refused": "said no", "withdrawn": "took back their consent", "objected": "objected to all of it",
    "revoked": "had their consent revoked", "invalidated": "had their consent declared invalid",
}  # fmt: skip


class Words(NamedTuple):
    """The ends of two sentences: "what we know: ...", each finding by itself, and "it would go as planned if ..."."""

    known: tuple[str, ...] = ()
    way: str | None = None
    without: tuple[str, ...] = ()
    picked: bool = False


NOTHING = Words()


def words_of(rule: Rule, view: View, found: Told) -> Words:
    if found.outcome == "unknown" and found.missing:
        told = listed(dict.fromkeys(say.missing(name) for name in found.missing))
        return Words((f"nobody says {told}",), f"somebody said {told}")
    if rule.kind == "offers":
        return _offer_words(rule, view)
    if rule.kind == "intrusiveness":
        return _score_words(rule, view)
    if rule.kind == "content":
        return Words(*content_words(rule, view))
    if rule.kind == "program" and rule.use_breached is None and not _quantifies(rule):
        return Words(*program_words(view, found.code))
    leaves = [node for node in nodes(rule.breached) if isinstance(node, ConsentMet | Member | Allowed | Sends)]
    grants = tuple(leaf.requirement for leaf in leaves if isinstance(leaf, ConsentMet))
    for leaf in leaves:
        match leaf:
            case ConsentMet():
                return _consent_words(grants, view)
            case Member():
                return _refusal_words(view)
            case Allowed(hours=hours):
                clock = local(view.state.at, hours.zone or view.sight.zone)
                return Words((f"it would arrive on {clock}",), f"it arrived {say.hours(hours)}")
            case Sends():
                break
    if _quantifies(rule):
        return _use_words(rule, view)
    return _count_words(rule, view) if leaves else Words(_plain_words(rule, view))


def _offer_words(rule: Rule, view: View) -> Words:
    values = view.facts(rule).values
    personalised, shown = values.get(PERSONALISED), values.get(SHOWN)
    if not isinstance(personalised, int) or not isinstance(shown, int):
        return Words(_plain_words(rule, view))
    known = f"{personalised} of the {count(shown, 'offer')} it shows were picked by what is known about people"
    most = "fewer" if rule.share is None else f"at most {rule.share.most(shown)}"
    return Words((known,), f"it showed {most} of those")


def _quantifies(rule: Rule) -> bool:
    return any(isinstance(node, ExistsUse | AllUses) for node in nodes(rule.breached))


def _score_words(rule: Rule, view: View) -> Words:
    facts = view.facts(rule)
    for node in nodes(rule.breached):
        if isinstance(node, Compare) and node.op == ">":
            score, limit = evaluate(node.left, facts), evaluate(node.right, facts)
            known = f"this message asks {score} points of them, and they accept {limit}"
            return Words((known,), f"it asked for at most {limit}, by a gentler channel or showing less")
    return Words(_plain_words(rule, view))


def _consent_words(grants: tuple[Requirement, ...], view: View) -> Words:
    """About the kind of grant that some consent of theirs comes near to, of those that would do."""
    found, channel = view.standing, channel_name(view.state.channel)
    if found is None:
        return NOTHING
    if found.refusals:
        return _refusal_words(view)
    way = f"they gave {say.either(say.requirement(asked, channel) for asked in grants)}"
    if not found.in_force:
        return Words((f"they never agreed to {channel}{_elsewhere(view)}",), way)
    near = [each for each in grants if any(suits(grant, each, view.sight.controller) for grant in found.in_force)]
    asked = (near or grants)[0]
    suiting = [grant for grant in found.in_force if suits(grant, asked, view.sight.controller)]
    best = max(suiting or found.in_force, key=lambda grant: grant.at or 0)
    told = f"their consent of {say.day(best.at or 0)}"
    if suiting and best.expires_at is not None and view.state.at is not None and best.expires_at <= view.state.at:
        return Words((f"{told} ran out on {say.day(best.expires_at)}",), way)
    if suiting and asked.max_age is not None:
        return Words((f"{told} is older than {say.span(asked.max_age)}",), way)
    weakness = "has run out" if suiting else _weakness(best, asked, channel, view.sight.controller)
    return Words((f"{told} {weakness}",), way)


def _weakness(grant: ConsentRecord, asked: Requirement, channel: str, controller: str | None) -> str:
    """Why a grant does not suit: the first part that it lacks."""
    if asked.quality is not None and grant.quality not in asked.quality:
        return f"is only {say.quality(grant.quality)}"
    if asked.bases is not None and grant.basis not in asked.bases:
        return f"rests on {(grant.basis or 'a basis that nobody names').replace('_', ' ')}"
    if asked.defect_free and grant.defects != ():
        return f"was {listed(grant.defects or ('of unknown making',)).replace('_', '-')}"
    if asked.evidence and not grant.evidence:
        return "cannot be proven"
    if asked.same_controller and grant.controller != controller:
        return "was given to another company"
    if "channel" in asked.names and grant.channel == "*":
        return f"does not name {channel}"
    return "does not reach far enough"


def _elsewhere(view: View) -> str:
    """Where else they agreed, as a reader would ask next."""
    path = node_path(view.sight.ruleset, view.sight.campaign)
    records = view.sight.person.consents or ()
    for prepared in view.sight.campaign.prepared:
        found = standing(records, path, prepared.channel, view.sight.now) if path else None
        if found and found.in_force and not found.refusals:
            latest = max(found.in_force, key=lambda grant: grant.at or 0)
            return f", but to {channel_name(prepared.channel)} on {say.day(latest.at or 0)}"
    return ""


def _refusal_words(view: View) -> Words:
    found = view.standing
    if found is None or not found.refusals:
        return NOTHING
    strictest = max(found.refusals, key=lambda refusal: (refusal.status == "objected", refusal.at or 0))
    _, channel = scope(strictest)
    where = f" for {channel_name(channel)}" if channel != "*" and strictest.status != "objected" else ""
    when = f" on {say.day(strictest.at)}" if strictest.at is not None else ""
    said = _REFUSED.get(strictest.status or "", "left a record that cannot be read and may be a no,")
    told = f"they {said}{where}{when}"
    return Words((told,), "they themselves agreed again")


def _count_words(rule: Rule, view: View) -> Words:
    facts = view.facts(rule)
    for node in nodes(rule.breached):
        if isinstance(node, Compare) and isinstance(node.left, Sends):
            number, limit = facts.values[node.left], evaluate(node.right, facts)
            what, near = say.counted(node.left.counting), say.window(node.left.window)
            if number is None:  # the ends of time, where no calendar says what week it is
                return Words((f"how many other {what} they get {near} cannot be counted",))
            what = what.replace("messages", "message", 1) if number == 1 else what
            return Words((f"they get {number} other {what} {near}",), _fewer(limit))
    return Words(_plain_words(rule, view))


def _fewer(limit: Value) -> str | None:
    """What a cap would let pass; a cap of 0 lets nothing pass."""
    if not isinstance(limit, int) or limit == 0:
        return None
    if limit == 1:
        return "no other message lay that near"
    return f"there were at most {limit - 1} {'other' if limit == 2 else 'others'}"


def _use_words(rule: Rule, view: View) -> Words:
    found = _in_breach(rule, view)
    if not found:
        return Words(_plain_words(rule, view))
    told = (*(_use(use, values, rule, view) for use, values in found[:3]), *_plain_words(rule, view))
    picked = any(not use.strippable for use, _ in found)
    return Words(told, None, tuple(use.attribute for use, _ in found), picked)


def _in_breach(rule: Rule, view: View) -> list[tuple[Use, UseValues]]:
    """Uses that breach, or may breach, the policy, with what is known of each."""
    facts = view.facts(rule)
    found: dict[str, tuple[Use, UseValues]] = {}
    for node in nodes(rule.breached):
        if isinstance(node, ExistsUse | AllUses) and facts.uses is not None:
            wanted = isinstance(node, AllUses)
            for use, values in zip(view.uses, facts.uses, strict=True):
                if evaluate(node.body, Facts(facts.values, facts.uses, values)) is not wanted:
                    found[use.attribute] = (use, values)
    return list(found.values())


def _use(use: Use, values: UseValues, rule: Rule, view: View) -> str:
    """`the text shows "basket", which we observed`."""
    picked = "an offer was picked by" if use.strippable else "these people were picked by"
    where = "the text shows" if use.recited else picked if use.selected else "the text rests on"
    known = view.sight.ruleset.attributes.get(use.attribute)
    if known is None:
        return f"{where} `{use.attribute}`, which is not registered"
    if values.get(UseFact("refused", Type.BOOL)):
        return f"{where} `{use.attribute}`, which they refused"
    if rule.kind == "program":
        return f"{where} `{use.attribute}`, {asked_by(rule, use.attribute, view)}"
    if any(isinstance(node, UseCollectedFor) for node in nodes(rule.breached)):
        return f"{where} `{use.attribute}`, {_collected_for(use.attribute, view)}"
    if (age := next((leaf for leaf in values if isinstance(leaf, UseFact) and leaf.field == "age"), None)) is not None:
        return f"{where} `{use.attribute}`, {_collected(values[age])}"
    said = (view.sight.person.attributes or {}).get(use.attribute)
    origin = said.origin if said and said.origin in _ORIGINS else known.origin
    made = known.inferred_from if origin in _MADE else ()
    source = f" from {listed(f'`{each}`' for each in made)}" if made else ""
    return f"{where} `{use.attribute}`, which {_ORIGINS.get(origin or '', 'came from nobody knows where')}{source}"


def _collected(age: Value) -> str:
    """How long before the send a value was collected, roughly."""
    if not isinstance(age, int):
        return "and nobody says when it was learned"
    for size, unit in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if age >= size:
            return f"learned {count(age // size, unit)} before"
    return "learned at that very moment"


def _collected_for(attribute: str, view: View) -> str:
    """What the attribute, or the input that stands in the way, was collected for."""
    ruleset, person = view.sight.ruleset, view.sight.person
    purpose = send_purpose(ruleset, view.sight.campaign)
    known = ruleset.attributes[attribute]
    for member in (attribute, *(each for each in known.lineage if each != attribute)):
        if own_collected_for(ruleset, person, member, purpose) is not True:
            said = (person.attributes or {}).get(member)
            registered = ruleset.attributes.get(member)
            purposes = (
                said.collected_for if said and said.collected_for else registered.collected_for if registered else ()
            )
            source = "which" if member == attribute else f"which comes from `{member}`, and that"
            told = listed(f"`{purpose}`" for purpose in purposes) if UNREADABLE not in purposes else ""
            return f"{source} was collected for {told or 'nothing that we know'}"
    return "which was not collected for this"


def _plain_words(rule: Rule, view: View) -> tuple[str, ...]:
    """The person's facts that the policy read, as one speaks of them."""
    told = [
        fact_words(leaf.path, value)
        for leaf, value in view.facts(rule).values.items()
        if isinstance(leaf, Fact) and value is not None and _is_about_person(leaf.path)
    ]
    return tuple(told[:3])


def fact_words(path: str, value: Value) -> str:
    """A fact of a person as one speaks of it: `they have bought from us`."""
    match path:
        case "recipient.degree":
            return f"they accept {value} data at most"
        case "send.address.shared":
            return f"{'others read' if value else 'nobody else reads'} along at this address"
        case "send.address.suppressed":
            return f"{'nothing' if value else 'mail'} may go to this address{' any more' if value else ''}"
        case "recipient.customer":
            return f"they have {'' if value else 'not '}bought from us"
        case _:
            return f"{say.plain(path)} is {plain(value)}"


def _is_about_person(path: str) -> bool:
    return path.startswith(("recipient.", "attributes.", "send.address.")) or path in ("send.rank", "send.style")


def plain(value: Value) -> str:
    if value is None:
        return "unknown"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
