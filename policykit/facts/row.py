"""The fact row of one person for one (channel, content, instant): the one pure function every path shares (M1).

`Sight` is one person seen by one campaign at one `now`; it remembers what does not change between
the rounds of a decision. Nothing here reads a clock, a file or a global.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, assert_never

from policykit.facts import consent, lineage
from policykit.facts.counting import count_sends
from policykit.facts.hours import allowed, local_fields, resolve, zones
from policykit.facts.values import fitting, read_text
from policykit.ir.nodes import (
    Allowed,
    AttributeCollectedAt,
    AttributeCollectedFor,
    AttributeOrigin,
    AttributePermission,
    ConsentMet,
    ConsentWasMet,
    Fact,
    Leaf,
    LocalPart,
    Member,
    Present,
    Sends,
    Type,
    UseLeaf,
    Value,
)
from policykit.ir.rows import FactRow, UseRow
from policykit.ir.rules import RuleSet
from policykit.model import DAY, Campaign, LocalTime, Micros, Person, Prepared, Use
from policykit.vocabulary import CHANNELS, FACTS

_DEADLINE_DAYS = 7  # after the planned instant, when the manifest names no `not_after` (M5)
_MEMBERS: Mapping[str, frozenset[str]] = {spec.path: frozenset(spec.members) for spec in FACTS if spec.members}


class State(NamedTuple):
    """How a send stands in a round: by which channel, with which content, stripped of what, when."""

    channel: str
    generic: bool = False
    stripped: frozenset[str] = frozenset()
    at: Micros | None = None


@dataclass(slots=True)
class Sight:
    """One person seen by one campaign; `standings` remembers the ledger per channel."""

    ruleset: RuleSet
    campaign: Campaign
    person: Person
    now: Micros
    standings: dict[str, consent.Standing | None] = field(default_factory=dict)

    @property
    def controller(self) -> str | None:
        return self.campaign.controller or self.ruleset.controller

    @property
    def zone(self) -> str | None:
        found = fact(self, State(""), "recipient.zone", Type.STRING)
        return found if isinstance(found, str) else None


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
    purpose = consent.purpose_of(sight.ruleset, sight.campaign)
    known = attribute_value(sight, use.attribute) is not None
    return tuple(
        [
            lineage.use_value(sight.ruleset, sight.person, use, leaf, at=state.at, purpose=purpose, known=known)
            for leaf in leaves
        ]
    )


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


def planned_at(sight: Sight) -> Micros | None:
    """The instant planned for this person; None when a local hour's zone is unknown or it does not exist there."""
    at = sight.campaign.at
    return resolve(at, sight.zone) if isinstance(at, LocalTime) else at


def deadline(sight: Sight, planned: Micros) -> Micros | None:
    """The last instant a send may be moved to; None when it is a local hour that cannot be known."""
    limit = sight.campaign.not_after
    if limit is None:
        return planned + _DEADLINE_DAYS * DAY
    return resolve(limit, sight.zone) if isinstance(limit, LocalTime) else limit


def rank(sight: Sight, channel: str) -> int | None:
    """The person's rank of a channel, else the company's."""
    own = sight.person.ranks.get(channel)
    return own if own is not None else sight.ruleset.ranks.get(channel, CHANNELS.get(channel))


# --- one leaf -----------------------------------------------------------------------------------------


def leaf_value(sight: Sight, state: State, leaf: Leaf) -> Value:  # noqa: C901  # one match over every leaf
    """The value of one leaf, None when unknown."""
    match leaf:
        case Fact(path, type_):
            return fact(sight, state, path, type_)
        case ConsentMet(requirement):
            found = _standing(sight, state.channel)
            return None if found is None else consent.met(found, requirement, state.at, sight.controller)
        case ConsentWasMet(requirement):
            found = _standing(sight, state.channel)
            return None if found is None else consent.was_met(found, requirement, sight.controller)
        case Member(path, member):
            found = _standing(sight, state.channel) if path == "consent.refused_for" else None
            return None if found is None else consent.refused_for(found, member)
        case Sends(window, counting):
            return count_sends(
                sight.person.history, window, counting,
                at=state.at, zone=sight.zone, channel=state.channel, campaign=sight.campaign.id,
            )  # fmt: skip
        case Allowed(hours):
            return allowed(hours, sight.zone, state.at)
        case LocalPart(part, zone):
            fields = local_fields(zone or sight.zone, state.at)
            return None if fields is None else getattr(fields, part)
        case Present(attribute):
            return any(use.attribute == attribute for use in uses_of(sight.campaign, state) or ())
        case AttributeOrigin(attribute, origin):
            return lineage.own_origin(sight.ruleset, sight.person, attribute, origin)
        case AttributeCollectedFor(attribute, purpose):
            return lineage.own_collected_for(sight.ruleset, sight.person, attribute, purpose)
        case AttributeCollectedAt(attribute):
            return lineage.collected_at(sight.person, attribute)
        case AttributePermission(attribute):
            return lineage.has_permission(sight.person, attribute)
        case _:
            assert_never(leaf)


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
    said = _readable(path, fitting(said, type_))
    return fitting(sight.ruleset.assume.get(path), type_) if said is None else said


def _readable(path: str, value: Value) -> Value:
    members = _MEMBERS.get(path)
    if members is not None and value not in members:
        return None
    return None if path == "recipient.zone" and value not in zones() else value


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
    }.get(name)


def _send_fact(sight: Sight, state: State, name: str) -> Value:  # noqa: C901  # one match over the send's facts
    campaign = sight.campaign
    match name:
        case "channel":
            return state.channel
        case "message_class":
            return campaign.message_class
        case "purpose":
            return consent.purpose_of(sight.ruleset, campaign)
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
        case "helps":
            return campaign.helps or ""
        case "need":
            return campaign.need or ""
        case _:
            return None
