"""A store in this process's memory, for tests and trials: the same meaning as SQLite, nothing outlives the process.

After a fork each process goes on with a copy of its own.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count

from policykit.model import Micros
from policykit.stores.base import (
    Asked,
    Cell,
    Ending,
    Entry,
    Forgotten,
    Known,
    Logged,
    PutOff,
    Reservation,
    Row,
    Store,
    StoredPerson,
    Suppression,
    SuppressionKey,
    Verified,
    Written,
)
from policykit.stores.cells import (
    Facts,
    amend_facts,
    canonical,
    check_relation,
    checked,
    compact,
    counted,
    found_at,
    import_contents,
    is_for,
    nothing,
    put,
    reach,
    text,
)
from policykit.stores.chain import id_of, printable
from policykit.stores.memory_log import Chains
from policykit.stores.suppressed import KEY_BYTES, forgotten_places, hash_of, hashed, in_order


@dataclass(slots=True)
class _Slot:
    """A send in somebody's history. state: sent, reserved or ended; lease_until counts for the last two."""

    person: str
    row: Row
    state: str = "sent"
    lease_until: Micros = 0
    logical: str | None = None
    receipt: str | None = None

    def counts(self, now: Micros) -> bool:
        return self.state == "sent" or self.lease_until > now


@dataclass(slots=True)
class _Person:
    facts: Facts = field(default_factory=nothing)
    slots: dict[str | int, _Slot] = field(default_factory=dict)  # by decision id, imported ones by number
    seen: int = 0


def system_clock() -> Micros:
    """UTC microseconds."""
    return time.time_ns() // 1000


class MemoryStore(Store):
    """clock: only for `rows`, which is told no instant."""

    def __init__(self, clock: Callable[[], Micros] = system_clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._people: dict[str, _Person] = {}
        self._reached: dict[tuple[str, str], set[str]] = {}
        self._slots: dict[str, _Slot] = {}  # by decision id
        self._ended: dict[str, list[str]] = {}  # logical send -> decisions of attempts that ended
        self._imported: Counter[str] = Counter()
        self._numbers = count(1)
        self._holds: dict[str, str] = {}
        self._suppressions: dict[tuple[object, ...], Suppression] = {}  # by everything but the instant
        self._hashes: set[str | None] = set()  # of the suppressions
        self._key = SuppressionKey(secrets.token_bytes(KEY_BYTES))
        self._outbox: dict[str, tuple[PutOff, Micros]] = {}
        self._chains = Chains()
        _STORES.add(self)

    # --- facts out

    def known(self, asked: Sequence[Asked], now: Micros, logical: Sequence[str] = ()) -> Known:
        with self._lock:
            people = tuple(self._living_at(one, now) for one in asked)
            named = tuple(
                self._stored(one.person, now) if one.person is not None and one.person in self._people else None
                for one in asked
            )
            attempts = {place: self._attempt(one, now) for place, one in enumerate(logical)}
            retry = {place: decision for place, decision in attempts.items() if decision is not None}
            suppressed = self._suppressed(asked, (*chain.from_iterable(people), *filter(None, named)))
            return Known(people, named, dict(self._holds), retry, suppressed)

    def _living_at(self, asked: Asked, now: Micros) -> tuple[StoredPerson, ...]:
        names = self._reached.get(found_at(asked.channel, asked.address), ())
        return tuple(self._stored(name, now) for name in sorted(names))

    def _suppressed(self, asked: Sequence[Asked], people: Iterable[StoredPerson]) -> frozenset[tuple[str, str]]:
        if not self._hashes:
            return frozenset()
        places = {found_at(one.channel, one.address) for one in asked}
        places.update(*(reach(self._people[person.id].facts) for person in people))
        return frozenset(place for place in places if hash_of(self._key, place) in self._hashes)

    def _attempt(self, logical: str, now: Micros) -> str | None:
        """The first attempt of a logical send that ended without success and still holds its slot."""
        for decision in self._ended.get(logical, ()):
            slot = self._slots.get(decision)
            if slot is not None and slot.state == "ended" and slot.lease_until > now:
                return decision
        return None

    def _stored(self, name: str, now: Micros) -> StoredPerson:
        person = self._people[name]
        facts = person.facts
        return StoredPerson(
            name, facts["people"], tuple(facts["addresses"]), tuple(facts["attributes"]), tuple(facts["consents"]),
            tuple(slot.row for slot in person.slots.values() if slot.counts(now)), person.seen,
            tuple(facts.get("feedback", ())),
        )  # fmt: skip

    # --- decisions and slots in

    def record(self, entries: Sequence[Entry], now: Micros) -> tuple[bool, ...]:
        with self._lock:
            moved: Counter[str] = Counter()
            return tuple(self._admit(entry, now, moved) for entry in entries)

    def _admit(self, entry: Entry, now: Micros, moved: Counter[str]) -> bool:
        """Whether the entry was granted. moved: writes of this call, by person."""
        slot, logged = entry.reservation, entry.id in self._chains.numbered
        if logged and not (slot is not None and slot.retry):
            return True
        if slot is not None and not self._is_free(slot, now, moved):
            return False
        if slot is not None:
            self._reserve(slot)
            moved[printable(slot.person)] += 1
        if not logged:
            self._append(entry)
        return True

    def _is_free(self, slot: Reservation, now: Micros, moved: Counter[str]) -> bool:
        return self._take_over(slot, now, moved) if slot.retry else self._is_as_seen(slot, moved)

    def _is_as_seen(self, slot: Reservation, moved: Counter[str]) -> bool:
        name = printable(slot.person)
        person = self._people.get(name)
        return (person.seen if person else 0) == slot.seen + moved[name]

    def _take_over(self, slot: Reservation, now: Micros, moved: Counter[str]) -> bool:
        """Frees the slot of an earlier attempt that ended, for the attempt that follows it."""
        earlier = self._slots.get(slot.decision)
        if earlier is None or earlier.state != "ended" or earlier.lease_until <= now:
            return False
        self._free(slot.decision)
        moved[earlier.person] += 1
        return True

    def _reserve(self, slot: Reservation) -> None:
        name = printable(slot.person)
        person = self._people.setdefault(name, _Person())
        row: Row = {
            "id": slot.decision, "person": name, "at": slot.at, "channel": slot.channel,
            "message_class": slot.message_class, "campaign": slot.campaign,
        }  # fmt: skip
        taken = _Slot(name, row, "reserved", slot.lease_until, slot.logical)
        self._slots[slot.decision] = person.slots[slot.decision] = taken
        person.seen += 1

    def _append(self, entry: Entry) -> None:
        self._chains.note(entry.id, entry.line)

    def _free(self, decision: str) -> None:
        slot = self._slots.pop(decision)
        if slot.state == "ended":
            self._ended[slot.logical or ""].remove(decision)
        person = self._people[slot.person]
        del person.slots[decision]
        person.seen += 1

    def settle(self, ended: Mapping[str, Ending], now: Micros, receipts: Mapping[str, str] | None = None) -> None:
        with self._lock:
            for decision, ending in ended.items():
                slot = self._slots.get(decision)
                if slot is None or slot.state == "sent":
                    continue
                if ending == "released":
                    self._free(decision)
                    continue
                if ending == "sent" and not slot.counts(now):
                    self._people[slot.person].seen += 1  # it counts again
                if ending == "ended" and slot.state != "ended":
                    self._ended.setdefault(slot.logical or "", []).append(decision)
                slot.state = ending
            for decision, receipt in (receipts or {}).items():
                if decision in self._slots:
                    self._slots[decision].receipt = receipt

    # --- imports

    def write(self, relation: str, rows: Iterable[Row]) -> Written:
        check_relation(relation)
        ready = [checked(relation, row) for row in rows]
        written = 0
        with self._lock:
            met: Counter[str] = Counter()
            for name, row in ready:
                if relation == "history":
                    changed = self._write_sent(name, row, met)
                else:
                    changed = self._write_fact(name, relation, row)
                if changed:
                    self._people[name].seen += 1
                    written += 1
        return Written(written, len(ready) - written)

    def _write_fact(self, name: str, relation: str, row: dict[str, Cell]) -> bool:
        person = self._people.setdefault(name, _Person())
        before = reach(person.facts)
        changed = put(person.facts, relation, row)
        after = reach(person.facts)
        for where in before - after:
            self._reached[where].discard(name)
        for where in after - before:
            self._reached.setdefault(where, set()).add(name)
        if changed and relation == "consents":
            self._chains.add_consent(name, compact(row))
        return changed

    def _write_sent(self, person: str, row: dict[str, Cell], met: Counter[str]) -> bool:
        """A send of an import: once by id; equal rows without one as often as one import has them."""
        own = text(row.get("id"))
        content = canonical({"id": own}) if own is not None else canonical(row)
        if own is not None and (own in self._slots or self._imported[content]):
            return False
        met[content] += 1
        if met[content] <= self._imported[content]:
            return False
        self._imported[content] += 1
        self._people.setdefault(person, _Person()).slots[next(self._numbers)] = _Slot(person, {"id": None, **row})
        return True

    def rows(self, relation: str) -> Iterator[Row]:
        check_relation(relation)
        return self._rows(relation)

    def _rows(self, relation: str) -> Iterator[Row]:
        now = self._clock()
        with self._lock:
            people = [self._stored(name, now) for name in self._people]
        for person in people:
            match relation:
                case "people":
                    yield from [person.people] if person.people else []
                case "addresses":
                    yield from person.addresses
                case "attributes":
                    yield from person.attributes
                case "consents":
                    yield from person.consents
                case "feedback":
                    yield from person.feedback
                case _:
                    yield from person.history

    # --- suppressions, holds and the outbox

    def suppress(self, entries: Iterable[Suppression]) -> Written:
        ready = hashed(self._key, entries)
        with self._lock:
            before = len(self._suppressions)
            self._suppress(ready)
            written = len(self._suppressions) - before
        return Written(written, len(ready) - written)

    def _suppress(self, ready: Iterable[Suppression]) -> None:
        for entry in ready:
            self._suppressions.setdefault((entry.hash, entry.because, entry.evidence), entry)
            self._hashes.add(entry.hash)

    def suppressions(self) -> tuple[Suppression, ...]:
        with self._lock:
            return tuple(sorted(self._suppressions.values(), key=in_order))

    def suppression_key(self) -> SuppressionKey:
        return self._key

    def hold(self, campaign: str, because: str, now: Micros) -> None:
        self._holds[campaign] = because

    def release(self, campaign: str) -> bool:
        return self._holds.pop(campaign, None) is not None

    def holds(self) -> Mapping[str, str]:
        return dict(self._holds)

    def put_off(self, waiting: PutOff) -> None:
        with self._lock:
            self._outbox[waiting.decision] = (waiting, 0)

    def take_due(self, now: Micros, lease_until: Micros, most: int = 100) -> tuple[PutOff, ...]:
        with self._lock:
            due = [one for one, leased in self._outbox.values() if one.due <= now and leased <= now]
            taken = [replace(one, attempts=one.attempts + 1) for one in sorted(due, key=_soonest)[:most]]
            self._outbox.update({one.decision: (one, lease_until) for one in taken})
            return tuple(taken)

    def drop(self, decision: str) -> None:
        with self._lock:
            self._outbox.pop(decision, None)

    def waiting(self) -> tuple[PutOff, ...]:
        with self._lock:
            return tuple(sorted((one for one, _ in self._outbox.values()), key=_soonest))

    # --- the log

    def decisions(self, after: int = 0, most: int = 1000) -> tuple[Logged, ...]:
        with self._lock:
            return tuple(self._chains.log[max(after, 0) : max(after, 0) + most])

    def last(self, most: int) -> tuple[Logged, ...]:
        with self._lock:
            return tuple(self._chains.log[-most:] if most > 0 else ())

    def decision(self, id: str) -> Logged | None:  # noqa: A002  # as in the contract
        with self._lock:
            return self._chains.find(id)

    def verify(self) -> Verified:
        with self._lock:
            return self._chains.verify()

    def verify_consents(self) -> Verified:
        with self._lock:
            people = self._people.values()
            return self._chains.verify_consents(compact(row) for one in people for row in one.facts["consents"])

    # --- forgetting

    def forget(self, person: str, now: Micros, pseudonym: str | None = None) -> Forgotten:
        with self._lock:
            name = printable(person)
            known = self._people.get(name, _Person())
            lines = self._chains.lines_of(known.slots, pseudonym)
            waiting = self._waiting_for(name, known, lines)
            done = self._counts(known, waiting, lines)
            places = reach(known.facts)
            self._suppress(hashed(self._key, forgotten_places(self._key, places, now)))
            for decision in waiting:
                del self._outbox[decision]
            self._erase(name, known, places)
            self._chains.forget(name, lines, now)
            return done

    def would_forget(self, person: str, pseudonym: str | None = None) -> Forgotten:
        with self._lock:
            name = printable(person)
            known = self._people.get(name, _Person())
            lines = self._chains.lines_of(known.slots, pseudonym)
            return self._counts(known, self._waiting_for(name, known, lines), lines)

    def _counts(self, person: _Person, waiting: Sequence[str], lines: Sequence[Logged]) -> Forgotten:
        done = counted(person.facts, len(person.slots), len(waiting), len(lines))
        return replace(done, suppressed=len(reach(person.facts)))

    def _waiting_for(self, name: str, person: _Person, lines: Iterable[Logged]) -> list[str]:
        decisions: set[object] = {*person.slots, *(id_of(each.line) for each in lines)}
        places = reach(person.facts)
        return [
            one.decision for one, _ in self._outbox.values()
            if one.decision in decisions or is_for(name, places, one.request, one.context)
        ]  # fmt: skip

    def _erase(self, name: str, person: _Person, places: Iterable[tuple[str, str]]) -> None:
        for where in places:
            self._reached[where].discard(name)
        for key, slot in person.slots.items():
            if isinstance(key, str):
                del self._slots[key]
                if slot.state == "ended":
                    self._ended[slot.logical or ""].remove(key)
            else:
                for content in import_contents(slot.row):
                    del self._imported[content]
        self._people.pop(name, None)

    def amend(self, relation: str, change: Callable[[Row], Row | None]) -> int:
        check_relation(relation)
        with self._lock:
            return sum(self._amend(person, relation, change) for person in self._people.values())

    def _amend(self, person: _Person, relation: str, change: Callable[[Row], Row | None]) -> int:
        if relation == "history":
            gone = [key for key, slot in person.slots.items() if slot.state == "sent" and change(slot.row) is None]
            for key in gone:
                del person.slots[key]
                self._slots.pop(str(key), None)
            changed = len(gone)
        else:
            changed = amend_facts(person.facts, relation, change)
        person.seen += changed
        return changed

    def note(self, event: str, line: str) -> None:
        with self._lock:
            self._chains.note(event, line)

    def scrub(self) -> bool:
        return True

    def close(self) -> None:
        pass


def _soonest(waiting: PutOff) -> tuple[Micros, str]:
    return waiting.due, waiting.decision


_STORES: weakref.WeakSet[MemoryStore] = weakref.WeakSet()


def _after_fork() -> None:
    """A lock that another thread held as the process forked is nobody's in the child."""
    for store in list(_STORES):
        store._lock = threading.Lock()  # noqa: SLF001  # one module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
