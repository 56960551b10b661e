"""Decisions and slots in a SQLite store: one log, one chain, whoever writes.

Every function runs inside a transaction of its caller, but `record_one`, which is one by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from sqlite3 import Connection, IntegrityError
from typing import TypeAlias

from policykit.model import Micros
from policykit.stores.base import Ending, Entry, Logged, Reservation, Verified
from policykit.stores.cells import compact
from policykit.stores.chain import GENESIS, Kept, digest_of, link, new_nonce, printable, walk, walk_consents
from policykit.stores.sqlite_facts import ENDED, RESERVED, SENT_STATE, move

Head: TypeAlias = tuple[int, str]  # number and hash of the last line of the log

_HEAD = "SELECT number, hash FROM decisions ORDER BY number DESC LIMIT 1"
_APPEND = (
    "INSERT INTO decisions (number, line, hash, nonce) SELECT ?, ?, ?, ? "
    "WHERE coalesce((SELECT hash FROM decisions ORDER BY number DESC LIMIT 1), '') = ?"
)
_PLACE = "INSERT INTO places (id, number, person, n) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_PLACED = "SELECT s.person, s.n, s.state, s.lease_until FROM places p JOIN sends s USING (person, n) WHERE p.id = ?"
_SENT = (
    "UPDATE sends SET state = 0, receipt = coalesce(?, receipt) "
    "WHERE (person, n) = (SELECT person, n FROM places WHERE id = ?) AND state IN (1, 2) AND lease_until > ?"
)
_RESERVE = (
    "INSERT INTO sends (person, n, state, lease_until, decision, at, channel, message_class, campaign, logical) "
    "SELECT ?, ?, 1, ?, ?, ?, ?, ?, ?, ? WHERE coalesce((SELECT max(n) FROM sends WHERE person = ?), 0) = ?"
)

_RECORD = "INSERT INTO recording VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_NO_SLOT = (None,) * 8


def record_one(connection: Connection, entry: Entry, head: Head) -> tuple[bool, Head] | None:
    """Whether the entry was granted and where the log ends after it, by a single statement: the write
    lock is never held while Python runs. None, and nothing done, where that is not enough: another
    process wrote to the log, or an earlier attempt's slot is taken over.
    """
    slot, decision, line = entry.reservation, printable(entry.id), printable(entry.line)
    (last, before), nonce = head, new_nonce()
    grown = last + 1, link(before, digest_of(nonce, line))
    said: tuple[object, ...] = _NO_SLOT
    if slot is not None:
        if slot.retry:
            return None
        campaign = slot.campaign if slot.campaign is None else printable(slot.campaign)
        said = (printable(slot.person), slot.seen + 1, slot.lease_until, slot.at, slot.channel, slot.message_class,
                campaign, slot.logical)  # fmt: skip
    try:
        connection.execute(_RECORD, (decision, grown[0], line, grown[1], nonce, before, *said))
    except IntegrityError as refused:
        match str(refused):
            case "moved":
                return False, head
            case "there":
                return True, head
            case "elsewhere":
                return None
            case _:
                raise
    return True, grown


class _Recording:
    """One call of `record`, inside its transaction. head: the end of the log, as this process last saw it."""

    def __init__(self, connection: Connection, now: Micros, head: Head) -> None:
        self._connection, self._execute, self._now, self.head = connection, connection.execute, now, head
        self._moved: dict[str, int] = {}  # writes of this call, by person

    def admit(self, entry: Entry) -> bool:
        """Whether the entry was granted."""
        slot, decision = entry.reservation, printable(entry.id)
        if slot is None:
            if self._place(decision, None, None):
                self._append(decision, printable(entry.line))
            return True
        if slot.retry:
            return self._take_over(slot, decision)
        person = printable(slot.person)
        n = slot.seen + self._moved.get(person, 0) + 1
        if not self._place(decision, person, n):
            return True
        if not self._reserve(slot, decision, person, n):
            self._execute("DELETE FROM places WHERE id = ?", (decision,))
            return False
        self._append(decision, printable(entry.line))
        return True

    def _place(self, decision: str, person: str | None, n: int | None) -> bool:
        """Notes where a decision and its slot will stand; False when it is in the log already."""
        return self._execute(_PLACE, (decision, self.head[0] + 1, person, n)).rowcount == 1

    def _reserve(self, slot: Reservation, decision: str, person: str, n: int) -> bool:
        """Takes the slot with the number `n`, if that is the next one of the person."""
        campaign = slot.campaign if slot.campaign is None else printable(slot.campaign)
        taken = self._execute(
            _RESERVE,
            (person, n, slot.lease_until, decision, slot.at, slot.channel, slot.message_class, campaign, slot.logical,
             person, n - 1),
        )  # fmt: skip
        if taken.rowcount != 1:
            return False
        self._moved[person] = self._moved.get(person, 0) + 1
        return True

    def _append(self, decision: str, line: str) -> None:
        if not self._links(line):  # another process was here
            self.head = self._execute(_HEAD).fetchone() or (0, GENESIS)
            self._links(line)
            self._execute("UPDATE places SET number = ? WHERE id = ?", (self.head[0], decision))

    def _links(self, line: str) -> bool:
        """Appends a line to the log; False when the log does not end where it was last seen to."""
        (last, before), nonce = self.head, new_nonce()
        head = last + 1, link(before, digest_of(nonce, line))
        if self._execute(_APPEND, (head[0], line, head[1], nonce, before)).rowcount != 1:
            return False
        self.head = head
        return True

    def _take_over(self, slot: Reservation, decision: str) -> bool:
        """Puts a new slot in place of that of an earlier attempt that ended."""
        earlier = self._execute(_PLACED, (decision,)).fetchone()
        if earlier is None or earlier[2] != ENDED or earlier[3] <= self._now:
            return False
        person = printable(slot.person)
        (seen,) = self._execute("SELECT coalesce(max(n), 0) FROM sends WHERE person = ?", (person,)).fetchone()
        self._reserve(slot, decision, person, seen + 1)
        if earlier[0] != person:  # before the slot goes: whoever read it there must not find the same number
            move(self._connection, earlier[0])
            self._moved[earlier[0]] = self._moved.get(earlier[0], 0) + 1
        self._execute("DELETE FROM sends WHERE person = ? AND n = ?", earlier[:2])
        self._execute("UPDATE places SET person = ?, n = ? WHERE id = ?", (person, seen + 1, decision))
        return True


def record(connection: Connection, entries: Sequence[Entry], now: Micros, head: Head) -> tuple[tuple[bool, ...], Head]:
    """Which entries were granted, and where the log ends after them."""
    recording = _Recording(connection, now, head)
    return tuple([recording.admit(entry) for entry in entries]), recording.head


def settle(
    connection: Connection, ended: Mapping[str, Ending], now: Micros, receipts: Mapping[str, str] | None
) -> None:
    late = dict(receipts or {})
    for decision, ending in ended.items():
        name = printable(decision)
        if ending == "sent":  # most of all: one statement, receipt and all
            receipt = late.get(decision)
            said = receipt if receipt is None else printable(receipt)
            if connection.execute(_SENT, (said, name, now)).rowcount == 1:
                late.pop(decision, None)
                continue
        placed = connection.execute(_PLACED, (name,)).fetchone()
        if placed is not None and placed[2] in (RESERVED, ENDED):
            _end(connection, name, placed, ending, now)
    for decision, receipt in late.items():
        placed = connection.execute(_PLACED, (printable(decision),)).fetchone()
        if placed is not None:
            connection.execute(
                "UPDATE sends SET receipt = ? WHERE person = ? AND n = ?", (printable(receipt), *placed[:2])
            )


def _end(connection: Connection, decision: str, placed: tuple[str, int, int, int], ending: Ending, now: Micros) -> None:
    person, n, _, lease_until = placed
    if ending == "released":
        move(connection, person)
        connection.execute("DELETE FROM sends WHERE person = ? AND n = ?", (person, n))
        connection.execute("UPDATE places SET person = NULL, n = NULL WHERE id = ?", (decision,))
        return
    if ending == "sent" and lease_until <= now:
        move(connection, person)  # it counts again
    state = SENT_STATE if ending == "sent" else ENDED
    connection.execute("UPDATE sends SET state = ? WHERE person = ? AND n = ?", (state, person, n))


# --- the log ----------------------------------------------------------------------------------------


_LOGGED = "number, line, hash, nonce, digest"


def find_decision(connection: Connection, decision: str) -> Logged | None:
    row = connection.execute(
        f"SELECT {_LOGGED} FROM places JOIN decisions USING (number) WHERE id = ?", (printable(decision),)
    ).fetchone()
    return None if row is None else Logged(*row)


def logged_after(connection: Connection, number: int, most: int) -> tuple[Logged, ...]:
    rows = connection.execute(
        f"SELECT {_LOGGED} FROM decisions WHERE number > ? ORDER BY number LIMIT ?", (number, most)
    )
    return tuple(Logged(*row) for row in rows)


def logged_last(connection: Connection, most: int) -> tuple[Logged, ...]:
    rows: Iterable[tuple[int, str, str, str, str | None]] = connection.execute(
        f"SELECT {_LOGGED} FROM decisions ORDER BY number DESC LIMIT ?", (max(most, 0),)
    ).fetchall()
    return tuple(Logged(*row) for row in reversed(list(rows)))


def verify(connection: Connection) -> Verified:
    return _walk(connection)[0]


def _walk(connection: Connection) -> tuple[Verified, frozenset[int]]:
    (known,) = connection.execute("SELECT count(*) FROM places").fetchone()
    lines = connection.execute(f"SELECT {_LOGGED} FROM decisions ORDER BY number")
    return walk((Logged(*row) for row in lines), known)


def verify_consents(connection: Connection) -> Verified:
    """Whether the ledger is a chain, and holds exactly what people are judged by."""
    forgotten = _walk(connection)[1]
    kept = Kept()
    found = walk_consents(kept.watched(_ledger(connection)), forgotten)
    for (facts,) in connection.execute("SELECT facts FROM people"):
        kept.take(compact(row) for row in json.loads(facts)["consents"])
    return found if found.broken is not None or kept.is_even else replace(found, broken=found.lines + 1)


def _ledger(connection: Connection) -> Iterator[Logged]:
    for row in connection.execute("SELECT n, row, hash, nonce, digest FROM consents ORDER BY n"):
        yield Logged(*row)
