"""What is known about the attributes that shape a send: provenance per person, closed over lineage (M9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policykit.ir.nodes import UseCollectedFor, UseFact, UseLeaf, UseOrigin, Value
from policykit.ir.rules import RuleSet
from policykit.ir.unroll import sensitivity
from policykit.model import UNREADABLE, Attribute, AttributeValue, Micros, Person, Use
from policykit.vocabulary import covers


def own_origin(ruleset: RuleSet, person: Person, attribute: str, origin: str) -> bool | None:
    """Whether this person's value of the attribute itself, not of its inputs, has the origin."""
    found = _value(person, attribute)
    said = found.origin if found else None
    if said is None:
        registered = ruleset.attributes.get(attribute)
        said = registered.origin if registered else None
    return None if said is None or said == UNREADABLE else said == origin


def own_collected_for(ruleset: RuleSet, person: Person, attribute: str, purpose: str | None) -> bool | None:
    """Whether this person's value of the attribute itself was collected for a purpose that covers `purpose`."""
    found = _value(person, attribute)
    said = found.collected_for if found else None
    if said is None:
        registered = ruleset.attributes.get(attribute)
        said = registered.collected_for if registered else None
    if said is None or purpose is None or UNREADABLE in said:
        return None
    return any(covers(parent, purpose) for parent in said)


def collected_at(person: Person, attribute: str) -> Micros | None:
    found = _value(person, attribute)
    return found.collected_at if found else None


def has_permission(person: Person, attribute: str) -> bool | None:
    """Whether the value names the record it was collected under; None when no attributes were supplied."""
    if person.attributes is None:
        return None
    found = person.attributes.get(attribute)
    return bool(found and found.permission)


def _value(person: Person, attribute: str) -> AttributeValue | None:
    return person.attributes.get(attribute) if person.attributes is not None else None


# --- the use at hand ------------------------------------------------------------------------------


def use_value(
    ruleset: RuleSet, person: Person, use: Use, leaf: UseLeaf, *, at: Micros | None, purpose: str | None, known: bool
) -> Value:
    """The value of a leaf about one use, but for `refused`, which is a matter of the send.

    known: this person has a value of the attribute.
    """
    lineage = lineage_of(ruleset, use)
    match leaf:
        case UseOrigin(origin):
            return any_of(own_origin(ruleset, person, member, origin) for member in lineage)
        case UseCollectedFor(named):
            wanted = named if named is not None else purpose
            return all_of(own_collected_for(ruleset, person, member, wanted) for member in lineage)
        case UseFact("age"):
            collected = collected_at(person, use.attribute)
            return None if at is None or collected is None else at - collected
        case UseFact("permission"):
            return has_permission(person, use.attribute)
        case UseFact("known"):
            return known
        case UseFact(field):
            return use_constants(ruleset.attributes, use)[field]


def lineage_of(ruleset: RuleSet, use: Use) -> tuple[str, ...]:
    """The attribute of a use and all it was inferred from."""
    attribute = ruleset.attributes.get(use.attribute)
    return (attribute.lineage if attribute else ()) or (use.attribute,)


def use_constants(attributes: Mapping[str, Attribute], use: Use) -> dict[str, Value]:
    """Fields of a use that are the same for everybody; an attribute not registered has unknown ones."""
    registered = attributes.get(use.attribute)
    return {
        "attribute": use.attribute,
        "category": registered.category if registered else None,
        "sensitivity": sensitivity(registered, use),
        "controller": registered.controller if registered else None,
        "recited": use.recited,
        "selected": use.selected,
        "disclosed": bool(registered.disclosed_as) if registered else None,
    }


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """Kleene or: true wins over unknown."""
    unknown = False
    for answer in answers:
        if answer:
            return True
        unknown = unknown or answer is None
    return None if unknown else False


def all_of(answers: Iterable[bool | None]) -> bool | None:
    """Kleene and: false wins over unknown."""
    unknown = False
    for answer in answers:
        if answer is False:
            return False
        unknown = unknown or answer is None
    return None if unknown else True
