"""The fact row in a hurry: readers made once for the leaves of one campaign, channel and content.

Equal to `row.leaf_value` leaf by leaf, which says what they mean; the tests hold the two against each
other. What depends on few words (the provenance of an attribute) is asked of it once and remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

from policykit.facts import consent
from policykit.facts.counting import window_around
from policykit.facts.feedback import LOWERED, lowered
from policykit.facts.row import Sight, State, allowed_texts, leaf_value, prepared_for
from policykit.facts.values import fitting
from policykit.ir.nodes import (
    INT_MAX,
    INT_MIN,
    AttributeCollectedAt,
    AttributeCollectedFor,
    AttributeOrigin,
    AttributePermission,
    AttributeRefused,
    ConsentMet,
    ConsentWasMet,
    Fact,
    Leaf,
    Member,
    Present,
    Requirement,
    Sends,
    Type,
    Value,
)
from policykit.ir.offers import left, offers_on
from policykit.ir.rules import RuleSet
from policykit.model import Campaign, SentRecord
from policykit.vocabulary import CHANNELS

Read: TypeAlias = Callable[[Sight, State], Value]
Block: TypeAlias = Callable[[Sight, State], Sequence[Value]]

_KEPT = 512  # provenances remembered of one attribute
_OF_ATTRIBUTES = (AttributeOrigin, AttributeCollectedFor, AttributeCollectedAt, AttributePermission)
_OF_THE_LEDGER = (ConsentMet, ConsentWasMet, Member)
_ADDRESS = {"send.address.shared", "send.address.origin", "send.address.permission", "send.address.suppressed"}


def row_reader(
    ruleset: RuleSet, campaign: Campaign, channel: str, generic: bool, leaves: Iterable[Leaf]  # noqa: FBT001  # the variant
) -> tuple[tuple[Leaf, ...], Callable[[Sight, State], list[Value]]]:  # fmt: skip
    """The leaves in the order in which they are read, and what reads them for sends of this campaign.

    Sights must be of campaigns that differ from this one in nothing but instants.
    """
    by_attribute: dict[str, list[Leaf]] = {}
    ledger: list[Leaf] = []
    single: list[Leaf] = []
    for leaf in leaves:
        if isinstance(leaf, _OF_ATTRIBUTES):
            by_attribute.setdefault(leaf.attribute, []).append(leaf)
        elif isinstance(leaf, _OF_THE_LEDGER) or leaf == _STATUS:
            ledger.append(leaf)
        else:
            single.append(leaf)
    blocks: list[tuple[list[Leaf], Block]] = [_attribute(name, found) for name, found in by_attribute.items()]
    if ledger:
        blocks.append((ledger, _ledger(ruleset, campaign, channel, ledger)))
    reads = [_single(ruleset, campaign, channel, generic, leaf) for leaf in single]
    order = (*(leaf for block, _ in blocks for leaf in block), *single)
    asked = [block for _, block in blocks]

    def _read(sight: Sight, state: State) -> list[Value]:
        values: list[Value] = []
        for block in asked:
            values += block(sight, state)
        return values + [read(sight, state) for read in reads]

    return order, _read


_STATUS = Fact("consent.status", Type.STRING)


# --- attributes ---------------------------------------------------------------------------------


def _attribute(name: str, leaves: list[Leaf]) -> tuple[list[Leaf], Block]:
    """Leaves about where a person's value of one attribute comes from."""
    worded: list[Leaf] = [leaf for leaf in leaves if isinstance(leaf, AttributeOrigin | AttributeCollectedFor)]
    rest = [leaf for leaf in leaves if leaf not in worded]
    tails = [_collected_at if isinstance(leaf, AttributeCollectedAt) else _permission for leaf in rest]
    order = [*worded, *rest]
    absent: dict[bool, list[Value]] = {}
    known: dict[tuple[object, ...], list[Value]] = {}

    def _read(sight: Sight, state: State) -> list[Value]:
        attributes = sight.person.attributes
        found = None if attributes is None else attributes.get(name)
        if found is None:
            supplied = attributes is not None
            if supplied not in absent:
                absent[supplied] = [leaf_value(sight, state, leaf) for leaf in order]
            return absent[supplied]
        key = (found.origin, found.collected_for)
        values = known.get(key)
        if values is None:
            if len(known) >= _KEPT:
                known.clear()
            values = known[key] = [leaf_value(sight, state, leaf) for leaf in worded]
        return values + [tail(found) for tail in tails] if tails else values

    return order, _read


_collected_at: Callable[[Any], Value] = attrgetter("collected_at")


def _permission(found: Any) -> Value:
    return bool(found.permission)


# --- the consent ledger -------------------------------------------------------------------------------


def _ledger(ruleset: RuleSet, campaign: Campaign, channel: str, leaves: Sequence[Leaf]) -> Block:
    """Leaves about the standing of consent on one channel."""
    path = consent.node_path(ruleset, campaign)
    unknown: list[Value] = [None] * len(leaves)
    if path is None:
        return lambda sight, state: unknown
    places = {node: place for place, node in enumerate(path)}
    controller = campaign.controller or ruleset.controller
    reads = [_of_standing(leaf, controller) for leaf in leaves]

    def _read(sight: Sight, state: State) -> list[Value]:
        standings = sight.standings
        found = standings.get(channel)
        if found is None:
            records = sight.person.consents
            if records is None:
                return unknown
            found = standings[channel] = consent.standing_on(records, places, channel, sight.now)
        at = state.at
        return [read(found, at) for read in reads]

    return _read


def _of_standing(leaf: Leaf, controller: str | None) -> Callable[[consent.Standing, int | None], Value]:
    match leaf:
        case ConsentMet(requirement):
            return _met(requirement, controller)
        case ConsentWasMet(requirement):
            return lambda found, _: consent.was_met(found, requirement, controller)
        case Member("consent.refused_for", member):
            return lambda found, _: consent.refused_for(found, member) if found.refusals else False
        case Fact():
            return consent.status
        case _:
            return lambda found, _: None


def _met(requirement: Requirement, controller: str | None) -> Callable[[consent.Standing, int | None], Value]:
    quality, max_age = requirement.quality, requirement.max_age
    more = bool(
        requirement.bases is not None
        or requirement.defect_free
        or requirement.evidence
        or requirement.same_controller
        or requirement.names
    )

    def _read(found: consent.Standing, at: int | None) -> Value:
        if found.refusals:
            return False
        answer: bool | None = False
        for grant in found.in_force:
            if quality is not None and grant.quality not in quality:
                continue
            if more and not consent.suits(grant, requirement, controller):
                continue
            lasts = consent.lasts(grant, max_age, at)
            if lasts:
                return True
            answer = None if lasts is None else answer
        return answer

    return _read


# --- the rest, leaf by leaf -----------------------------------------------------------------------------


def _single(ruleset: RuleSet, campaign: Campaign, channel: str, generic: bool, leaf: Leaf) -> Read:  # noqa: FBT001
    match leaf:
        case Fact("send.at", Type.TIMESTAMP):
            return _at
        case Fact("send.offers.personalised", Type.INT):
            return _personalised(campaign, channel, generic)
        case Fact("send.rank", Type.INT):
            return _rank(ruleset, channel)
        case Fact(path, type_) if path in _ADDRESS:
            return _address_fact(ruleset, channel, path, type_)
        case Fact(path, type_) if path in LOWERED:
            return _lowered(path, _person_fact(ruleset, path, type_))
        case Fact(path, type_) if path.partition(".")[0] not in ("send", "attributes", "consent") and path != _ID:
            return _person_fact(ruleset, path, type_)
        case Fact(path, Type.STRING) if path.startswith("attributes."):
            return _attribute_text(ruleset, leaf)
        case Present(attribute):
            return _present(campaign, channel, generic, attribute)
        case AttributeRefused(attribute):
            return _refused(ruleset, campaign, channel, attribute)
        case Sends():
            return _sends(leaf, channel, campaign.id)
        case _:
            return lambda sight, state: leaf_value(sight, state, leaf)


_ID = "recipient.id"


def _at(_: Sight, state: State) -> Value:
    at = state.at
    return at if at is None or INT_MIN <= at <= INT_MAX else None


def _personalised(campaign: Campaign, channel: str, generic: bool) -> Read:  # noqa: FBT001
    offers = offers_on(campaign, channel, generic=generic)
    if offers is None:
        return lambda sight, state: None
    every = len(offers.personalised)

    def _read(_: Sight, state: State) -> Value:
        return left(offers, state.stripped, state.blend) if state.stripped or state.blend is not None else every

    return _read


def _rank(ruleset: RuleSet, channel: str) -> Read:
    company = fitting(ruleset.ranks.get(channel, CHANNELS.get(channel)), Type.INT)

    def _read(sight: Sight, state: State) -> Value:
        own = sight.person.ranks.get(channel)
        return company if own is None else fitting(own, Type.INT)

    return _read


def _person_fact(ruleset: RuleSet, path: str, type_: Type) -> Read:
    assumed = fitting(ruleset.assume.get(path), type_)
    texts = allowed_texts(ruleset, path)
    own = {Type.STRING: str, Type.BOOL: bool}.get(type_)  # every value of this class fits

    def _read(sight: Sight, state: State) -> Value:
        said = sight.person.facts.get(path)
        if said is None:
            return assumed
        if said.__class__ is not own:
            said = fitting(said, type_)
        return assumed if said is None or (texts is not None and said not in texts) else said

    return _read


def _lowered(path: str, before: Read) -> Read:
    def _read(sight: Sight, state: State) -> Value:
        told, value = sight.person.feedback, before(sight, state)
        return lowered(told, path, value, sight.now) if told else value

    return _read


def _address_fact(ruleset: RuleSet, channel: str, path: str, type_: Type) -> Read:
    assumed = fitting(ruleset.assume.get(path), type_)
    texts = allowed_texts(ruleset, path)
    field = attrgetter(path.removeprefix("send.address."))

    def _read(sight: Sight, state: State) -> Value:
        addresses = sight.person.addresses
        found = None if addresses is None else addresses.get(channel)
        said = None if found is None else fitting(field(found), type_)
        return assumed if said is None or (texts is not None and said not in texts) else said

    return _read


def _attribute_text(ruleset: RuleSet, leaf: Fact) -> Read:
    """The value of an attribute that is registered as text; of others as ever."""
    name = leaf.path.removeprefix("attributes.")
    registered = ruleset.attributes.get(name)
    texts = allowed_texts(ruleset, leaf.path)
    if registered is None or registered.type != Type.STRING or leaf.path in ruleset.assume:
        return lambda sight, state: leaf_value(sight, state, leaf)

    def _read(sight: Sight, state: State) -> Value:
        attributes = sight.person.attributes
        found = None if attributes is None else attributes.get(name)
        said = None if found is None else found.value
        return said if said and (texts is None or said in texts) else None

    return _read


def _present(campaign: Campaign, channel: str, generic: bool, attribute: str) -> Read:  # noqa: FBT001
    prepared = prepared_for(campaign, channel)
    variant = (prepared.generic if generic else prepared.content) if prepared else None
    if not any(use.attribute == attribute for use in (variant.uses if variant else None) or ()):
        return lambda sight, state: False
    return lambda sight, state: attribute not in state.stripped


def _refused(ruleset: RuleSet, campaign: Campaign, channel: str, attribute: str) -> Read:
    path = consent.node_path(ruleset, campaign)
    if path is None:
        return lambda sight, state: None
    places = {node: place for place, node in enumerate(path)}

    def _read(sight: Sight, state: State) -> Value:
        records = sight.person.consents
        return None if records is None else bool(consent.refuses(records, attribute, places, channel, sight.now))

    return _read


def _sends(leaf: Sends, channel: str, campaign: str | None) -> Read:
    window, counting = leaf.window, leaf.counting
    if counting.this_campaign and campaign is None:
        return lambda sight, state: None
    channels = frozenset({channel}) if counting.this_channel else counting.channels
    classes, same = counting.classes, campaign if counting.this_campaign else None

    def _counts(sent: SentRecord, first: int, last: int) -> bool:
        return (
            (sent.at is None or first <= sent.at <= last)
            and (channels is None or sent.channel is None or sent.channel in channels)
            and (classes is None or sent.message_class is None or sent.message_class in classes)
            and (same is None or sent.campaign is None or sent.campaign == same)
        )

    def _read(sight: Sight, state: State) -> Value:
        history, at = sight.person.history, state.at
        if history is None or at is None:
            return None
        span = window_around(window, at, None if window.rolling is not None else sight.zone)
        if span is None:
            return None
        first, last = span
        count = 0
        for sent in history:
            if _counts(sent, first, last):
                count += 1
        return count

    return _read
