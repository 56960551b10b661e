"""Who a send is for: everybody it may reach, each judged, because a wrong allow is worse than a wrong refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from policykit import addresses
from policykit.enforce.context import Sending
from policykit.enforce.resolve import PERSON
from policykit.enforce.rules import Rules
from policykit.facts.stored import person_of, stranger
from policykit.model import AttributeValue, Person, SentRecord
from policykit.sends import Send
from policykit.stores.base import Asked, StoredPerson


@dataclass(frozen=True, slots=True)
class Subject:
    """One person a send may reach. id: in the store, None for a stranger. seen: see `StoredPerson`.

    elsewhere: named by the application, while the address is somebody else's: nothing of theirs is written there.
    """

    id: str | None
    person: Person = field(repr=False)
    seen: int = 0
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Everybody a send may reach, at least one."""

    subjects: tuple[Subject, ...]
    conflict: tuple[str, ...] = ()


def asked(send: Send, sending: Sending | None) -> Asked:
    """What the store is asked about a send; an address nobody can tell asks for the named person alone."""
    key = addresses.key(send.channel, send.address) if send.address is not None else ""
    return Asked(send.channel, key, _named(sending))


def subjects(
    rules: Rules,
    send: Send,
    people: tuple[StoredPerson, ...],
    named: StoredPerson | None,
    sending: Sending | None,
    *,
    alone: bool,
    without: str | None = None,
    suppressed: frozenset[tuple[str, str]] | None = None,
) -> Found:
    """Everybody a send may reach. people, named: as the store knows them.

    Values of the application are those of the person it names; where it names nobody, everybody's.
    alone: whether it is the only address of its call: a person named for a call of several is not
    believed to own an address that nobody knows. without: a decision whose slot does not count.
    suppressed: see `stores.base.Known`.
    """
    at = (send.channel, send.address or "")
    values = (sending.values or None) if sending is not None else None
    name = _named(sending)

    def _known(stored: StoredPerson) -> Subject:
        person = person_of(
            rules.ruleset,
            rules.vocabulary,
            stored,
            without=without,
            address=at if send.address else None,
            values=values if name in (None, stored.id) else None,
            suppressed=suppressed,
        )
        return Subject(stored.id, person, stored.seen)

    living = tuple(_known(stored) for stored in people)
    if name is None:
        return Found(living or (_stranger(at, values, suppressed),))
    if any(stored.id == name for stored in people):
        return Found(living)
    own = _known(named if named is not None else StoredPerson(name))
    if living or not alone:
        return Found((replace(own, elsewhere=True), *(living or (_stranger(at, None, suppressed),))), (PERSON,))
    return Found((own,))


def _named(sending: Sending | None) -> str | None:
    return (sending.person or None) if sending is not None else None


def _stranger(
    at: tuple[str, str], values: Mapping[str, str] | None, suppressed: frozenset[tuple[str, str]] | None
) -> Subject:
    person = stranger(*at, suppressed)
    if values:
        person = replace(person, attributes={name: AttributeValue(text or None) for name, text in values.items()})
    return Subject(None, person)


def with_earlier(subject: Subject, earlier: tuple[SentRecord, ...]) -> Subject:
    """The person with sends of the same call that leave before this one."""
    person = subject.person
    return replace(subject, person=replace(person, history=(*(person.history or ()), *earlier)))
