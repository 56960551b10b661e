"""The fact row of one person for one (channel, content, instant): the one pure function every path shares (M1).

`Sight` is one person seen by one campaign at one `now`; it remembers what does not change between
the rounds of a decision. Nothing here reads a clock, a file or a global.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from policykit.facts import consent, lineage
from policykit.facts.counting import count_sends
from policykit.facts.feedback import LOWERED, lowered
from policykit.facts.hours import allowed, local_fields, resolve, zones
from policykit.facts.values import fitting, read_text
from policykit.ir.content import answer, content_fact
from policykit.ir.nodes import (
    Allowed,
    AttributeCollectedAt,
    AttributeCollectedFor,
    AttributeOrigin,
    AttributePermission,
    AttributeRefused,
    ConsentMet,
    ConsentWasMet,
    ContentSays,
    Fact,
    Joined,
    Leaf,
    LocalPart,
    Member,
    Present,
    Sends,
    Type,
    UseFact,
    UseLeaf,
    Value,
)
from policykit.ir.offers import left, offers_on
from policykit.ir.rows import FactRow, UseRow
from policykit.ir.rules import RuleSet
from policykit.ir.specialise import send_purpose
from policykit.model import DEADLINE, Campaign, Content, LocalTime, Micros, Offers, Person, Prepared, Use
from policykit.vocabulary import CHANNELS, COUNTRIES, FACTS, REGIONS

_UNSEEN = "\x00unseen"  # stands for a zone not asked for yet
_COUNTRIES = frozenset(COUNTRIES)
_MEMBERS: Mapping[str, frozenset[str]] = {spec.path: frozenset(spec.members) for spec in FACTS if spec.members}


class State(NamedTuple):
    """How a send stands in a round: by which channel, with which content, stripped of what, when.

    blend: how many personalised offers may stay, None = all.
    """

    channel: str
    generic: bool = False
    stripped: frozenset[str] = frozenset()
    at: Micros | None = None
    blend: int | None = None


@dataclass(slots=True)
class Sight:
    """One person seen by one campaign; what is the same in every round is found once and remembered."""

    ruleset: RuleSet
    campaign: Campaign
    person: Person
    now: Micros
    standings: dict[str, consent.Standing | None] = field(default_factory=dict)
    memberships: dict[str, consent.Standing | None] = field(default_factory=dict)
    _zone: str | None = field(default=_UNSEEN, repr=False)

    @property
    def controller(self) -> str | None:
        return self.campaign.controller or self.ruleset.controller

    @property
    def zone(self) -> str | None:
        """The recipient's zone, if it is one that is known."""
        if self._zone is _UNSEEN:
            said = self.person.facts.get("recipient.zone")
            if isinstance(said, str) and said in zones():
                self._zone = said
                return said
            found = fact(self, State(""), "recipient.zone", Type.STRING)
            self._zone = found if isinstance(found, str) else None
        return self._zone


def derive(
    ruleset: RuleSet,
    campaign: Campaign,
    person: Person,
    channel: str,
    generic: bool,  # noqa: FBT001  # the shape of the row's key, alike on every path
    stripped: frozenset[str],
    at: Micros | None,
    now: Micros,
) -> FactRow:
    """Everything the rules read about one send, aligned with the rule set's leaves.

    at: the instant judged. now: later consent records are not seen.
    """
    sight, state = Sight(ruleset, campaign, person, now), State(channel, generic, stripped, at)
    return fact_row(sight, state, ruleset.leaves, ruleset.use_leaves)


def fact_row(sight: Sight, state: State, leaves: tuple[Leaf, ...], use_leaves: tuple[UseLeaf, ...]) -> FactRow:
    """The row for any choice of leaves: a rule set's, or those left when it is specialised."""
    values = tuple([leaf_value(sight, state, leaf) for leaf in leaves])
    uses = uses_of(sight.campaign, state)
    if uses is None:
        return FactRow(values)
    rows = tuple([_use_row(sight, state, use, use_leaves) for use in uses]) if use_leaves else ((),) * len(uses)
    return FactRow(values, rows, tuple([use.attribute for use in uses]))


def _use_row(sight: Sight, state: State, use: Use, leaves: tuple[UseLeaf, ...]) -> UseRow:
    purpose = send_purpose(sight.ruleset, sight.campaign)
    known = attribute_value(sight, use.attribute) is not None

    def _value(leaf: UseLeaf) -> Value:
        if isinstance(leaf, UseFact) and leaf.field == "refused":
            members = lineage.lineage_of(sight.ruleset, use)
            return lineage.any_of(_refused(sight, state, AttributeRefused(member)) for member in members)
        return lineage.use_value(sight.ruleset, sight.person, use, leaf, at=state.at, purpose=purpose, known=known)

    return tuple([_value(leaf) for leaf in leaves])


# --- the campaign's side --------------------------------------------------------------------------


def prepared_for(campaign: Campaign, channel: str) -> Prepared | None:
    return next((prepared for prepared in campaign.prepared if prepared.channel == channel), None)


def uses_of(campaign: Campaign, state: State) -> tuple[Use, ...] | None:
    """Uses still present in the content at hand; None = unknown."""
    prepared = prepared_for(campaign, state.channel)
    variant = (prepared.generic if state.generic else prepared.content) if prepared else None
    if variant is None or variant.uses is None:
        return None
    if not state.stripped:
        return variant.uses
    return tuple(use for use in variant.uses if use.attribute not in state.stripped)


def content_of(campaign: Campaign, state: State) -> Content | None:
    """What the content at hand holds for everybody; None = unknown."""
    prepared = prepared_for(campaign, state.channel)
    variant = (prepared.generic if state.generic else prepared.content) if prepared else None
    return variant.content if variant is not None else None


def offers_of(campaign: Campaign, state: State) -> Offers | None:
    """The offers of the content at hand; None = unknown."""
    return offers_on(campaign, state.channel, generic=state.generic)


def planned_at(sight: Sight) -> Micros | None:
    """The instant planned for this person; None when a local hour's zone is unknown or it does not exist there."""
    at = sight.campaign.at
    return resolve(at, sight.zone) if isinstance(at, LocalTime) else at


def deadline(sight: Sight, planned: Micros) -> Micros | None:
    """The last instant a send may leave; None when it is a local hour that cannot be known."""
    limit = sight.campaign.not_after
    if limit is None:
        return planned + DEADLINE
    return resolve(limit, sight.zone) if isinstance(limit, LocalTime) else limit


def rank(sight: Sight, channel: str) -> int | None:
    """The person's rank of a channel, else the company's."""
    own = sight.person.ranks.get(channel)
    return own if own is not None else sight.ruleset.ranks.get(channel, CHANNELS.get(channel))


# --- one leaf -----------------------------------------------------------------------------------------


def leaf_value(sight: Sight, state: State, leaf: Leaf) -> Value:
    """The value of one leaf, None when unknown."""
    return _READERS[type(leaf)](sight, state, leaf)


def _fact(sight: Sight, state: State, leaf: Fact) -> Value:
    return fact(sight, state, leaf.path, leaf.type)


def _consent_met(sight: Sight, state: State, leaf: ConsentMet) -> Value:
    found = _standing(sight, state.channel)
    return None if found is None else consent.met(found, leaf.requirement, state.at, sight.controller)


def _consent_was_met(sight: Sight, state: State, leaf: ConsentWasMet) -> Value:
    found = _standing(sight, state.channel)
    return None if found is None else consent.was_met(found, leaf.requirement, sight.controller)


def _joined(sight: Sight, state: State, leaf: Joined) -> Value:
    found = membership(sight, leaf.program)
    return None if found is None else consent.joined(found, state.at)


def membership(sight: Sight, program: str) -> consent.Standing | None:
    """How the person stands to a program, but for expiry; None when that cannot be known."""
    if program not in sight.memberships:
        path = consent.program_path(sight.ruleset, program)
        records = sight.person.consents
        known = records is not None and path is not None
        sight.memberships[program] = consent.membership(records, path, sight.now) if known else None  # type: ignore[arg-type]
    return sight.memberships[program]


def _says(sight: Sight, state: State, leaf: ContentSays) -> Value:
    return answer(content_of(sight.campaign, state), leaf)


def _member(sight: Sight, state: State, leaf: Member) -> Value:
    found = _standing(sight, state.channel) if leaf.path == "consent.refused_for" else None
    return None if found is None else consent.refused_for(found, leaf.member)


def _sends(sight: Sight, state: State, leaf: Sends) -> Value:
    return count_sends(
        sight.person.history, leaf.window, leaf.counting,
        at=state.at, zone=sight.zone, channel=state.channel, campaign=sight.campaign.id,
    )  # fmt: skip


def _allowed(sight: Sight, state: State, leaf: Allowed) -> Value:
    return allowed(leaf.hours, sight.zone, state.at)


def _local_part(sight: Sight, state: State, leaf: LocalPart) -> Value:
    fields = local_fields(leaf.zone or sight.zone, state.at)
    return None if fields is None else getattr(fields, leaf.part)


def _present(sight: Sight, state: State, leaf: Present) -> Value:
    return any(use.attribute == leaf.attribute for use in uses_of(sight.campaign, state) or ())


def _origin(sight: Sight, state: State, leaf: AttributeOrigin) -> Value:
    return lineage.own_origin(sight.ruleset, sight.person, leaf.attribute, leaf.origin)


def _collected_for(sight: Sight, state: State, leaf: AttributeCollectedFor) -> Value:
    return lineage.own_collected_for(sight.ruleset, sight.person, leaf.attribute, leaf.purpose)


def _collected_at(sight: Sight, state: State, leaf: AttributeCollectedAt) -> Value:
    return lineage.collected_at(sight.person, leaf.attribute)


def _permission(sight: Sight, state: State, leaf: AttributePermission) -> Value:
    return lineage.has_permission(sight.person, leaf.attribute)


def _refused(sight: Sight, state: State, leaf: AttributeRefused) -> bool | None:
    path, records = consent.node_path(sight.ruleset, sight.campaign), sight.person.consents
    if path is None or records is None:
        return None
    places = {node: place for place, node in enumerate(path)}
    return bool(consent.refuses(records, leaf.attribute, places, state.channel, sight.now))


# INVARIANT: one reader for every class of `nodes.LEAVES`; a test compares the two.
_READERS: Mapping[type, Callable[[Sight, State, Any], Value]] = {
    Fact: _fact,
    ConsentMet: _consent_met,
    ConsentWasMet: _consent_was_met,
    Joined: _joined,
    ContentSays: _says,
    Member: _member,
    Sends: _sends,
    Allowed: _allowed,
    LocalPart: _local_part,
    Present: _present,
    AttributeOrigin: _origin,
    AttributeCollectedFor: _collected_for,
    AttributeCollectedAt: _collected_at,
    AttributePermission: _permission,
    AttributeRefused: _refused,
}


def _standing(sight: Sight, channel: str) -> consent.Standing | None:
    if channel not in sight.standings:
        path = consent.node_path(sight.ruleset, sight.campaign)
        records = sight.person.consents
        known = records is not None and path is not None
        sight.standings[channel] = consent.standing(records, path, channel, sight.now) if known else None  # type: ignore[arg-type]
    return sight.standings[channel]


def fact(sight: Sight, state: State, path: str, type_: Type) -> Value:
    """A scalar fact by its path; what the data does not say is what the workspace assumes, else unknown."""
    room, _, name = path.partition(".")
    if room == "send" and not name.startswith("address."):
        return fitting(_send_fact(sight, state, name), type_)
    if path == "consent.status":
        found = _standing(sight, state.channel)
        return None if found is None else consent.status(found, state.at)
    if room == "attributes":
        said = attribute_value(sight, name)
    else:
        said = _address_fact(sight, state, name) if room == "send" else _person_fact(sight, path)
    said = _readable(sight.ruleset, path, fitting(said, type_))
    said = fitting(sight.ruleset.assume.get(path), type_) if said is None else said
    return lowered(sight.person.feedback, path, said, sight.now) if path in LOWERED else said


def _readable(ruleset: RuleSet, path: str, value: Value) -> Value:
    """The value, unless the fact holds only certain texts and this is none of them."""
    if value is None:
        return None
    texts = allowed_texts(ruleset, path)
    return value if texts is None or value in texts else None


def allowed_texts(ruleset: RuleSet, path: str) -> Container[str] | None:
    """The only texts that a fact may hold, None when it may hold any."""
    if path == "recipient.zone":
        return zones()
    if path == "recipient.country":
        return _COUNTRIES
    if path == "recipient.region":
        return REGIONS
    return ruleset.members.get(path) or _MEMBERS.get(path)


def _person_fact(sight: Sight, path: str) -> Value:
    return sight.person.id if path == "recipient.id" else sight.person.facts.get(path)


def attribute_value(sight: Sight, attribute: str) -> Value:
    """The person's value of an attribute, typed as registered; None when there is none that can be read."""
    values = sight.person.attributes
    found = values.get(attribute) if values is not None else None
    registered = sight.ruleset.attributes.get(attribute)
    type_ = Type(registered.type) if registered else Type.STRING
    said = read_text(found.value, type_) if found else None
    return fitting(sight.ruleset.assume.get(f"attributes.{attribute}"), type_) if said is None else said


def _address_fact(sight: Sight, state: State, name: str) -> Value:
    address = (sight.person.addresses or {}).get(state.channel)
    if address is None:
        return None
    return {
        "address.shared": address.shared,
        "address.origin": address.origin,
        "address.permission": address.permission,
        "address.suppressed": address.suppressed,
    }.get(name)


def _send_fact(sight: Sight, state: State, name: str) -> Value:  # noqa: C901  # one match over the send's facts
    campaign = sight.campaign
    match name:
        case "channel":
            return state.channel
        case "message_class":
            return campaign.message_class
        case "purpose":
            return send_purpose(sight.ruleset, campaign)
        case "program":
            return campaign.program
        case "campaign":
            return campaign.id
        case "provider":
            prepared = prepared_for(campaign, state.channel)
            return prepared.provider if prepared else None
        case "controller":
            return sight.controller
        case "at":
            return state.at
        case "rank":
            return rank(sight, state.channel)
        case "generic":
            return state.generic
        case "offers.personalised":
            offers = offers_of(campaign, state)
            return None if offers is None else left(offers, state.stripped, state.blend)
        case "offers.shown":
            offers = offers_of(campaign, state)
            return None if offers is None else offers.show
        case "helps":
            return campaign.helps or ""
        case "need":
            return campaign.need or ""
        case "delivers":
            return campaign.delivers or ""
        case "content.one_click" | "content.unsubscribe" | "content.postal_address":
            return content_fact(content_of(campaign, state), name)
        case _:
            return None
