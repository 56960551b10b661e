"""Decisions and slots in a SQLite store: one log, one chain, whoever writes.

Every function runs inside a transaction of its caller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Connection

from policykit.model import Micros
from policykit.stores.base import Ending, Entry, Logged, Reservation, Verified
from policykit.stores.chain import GENESIS, link, printable, walk
from policykit.stores.sqlite_facts import ENDED, RESERVED, SENT_STATE, move

_HEAD = "SELECT number, hash FROM decisions ORDER BY number DESC LIMIT 1"
_RESERVE = (
    "INSERT INTO sends (person, n, state, lease_until, decision, at, channel, message_class, campaign, logical) "
    "SELECT ?1, ?2 + 1, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9 "
    "WHERE coalesce((SELECT max(n) FROM sends WHERE person = ?1), 0) = ?2"
)
_PLACED = "SELECT s.person, s.n, s.state, s.lease_until FROM places p JOIN sends s USING (person, n) WHERE p.id = ?"


class Recording:
    """One call of `record`, inside its transaction."""

    def __init__(self, connection: Connection, now: Micros) -> None:
        self._connection, self._now = connection, now
        self._moved: Counter[str] = Counter()  # writes of this call, by person
        self._number: int
        self._hash: str
        self._number, self._hash = connection.execute(_HEAD).fetchone() or (0, GENESIS)

    def admit(self, entry: Entry) -> bool:
        """Whether the entry was granted."""
        slot = entry.reservation
        decision = printable(entry.id)
        logged = self._connection.execute("SELECT 1 FROM places WHERE id = ?", (decision,)).fetchone() is not None
        if logged and not (slot is not None and slot.retry):
            return True
        person, number = None, None
        if slot is not None:
            person = printable(slot.person)
            number = self._seen_after_earlier(decision, person) if slot.retry else slot.seen + self._moved[person]
            if number is None or not self._reserve(slot, decision, person, number):
                return False
            self._moved[person] += 1
            number += 1
        if logged:
            self._connection.execute("UPDATE places SET person = ?, n = ? WHERE id = ?", (person, number, decision))
        else:
            self._append(decision, printable(entry.line), person, number)
        return True

    def _reserve(self, slot: Reservation, decision: str, person: str, seen: int) -> bool:
        campaign = slot.campaign if slot.campaign is None else printable(slot.campaign)
        written = self._connection.execute(
            _RESERVE,
            (
                person,
                seen,
                slot.lease_until,
                decision,
                slot.at,
                slot.channel,
                slot.message_class,
                campaign,
                slot.logical,
            ),
        )
        return written.rowcount == 1

    def _seen_after_earlier(self, decision: str, person: str) -> int | None:
        """Frees the slot of an earlier attempt that ended; the person's number, None when there is no such slot."""
        earlier = self._connection.execute(_PLACED, (decision,)).fetchone()
        if earlier is None or earlier[2] != ENDED or earlier[3] <= self._now:
            return None
        move(self._connection, earlier[0])
        self._connection.execute("DELETE FROM sends WHERE person = ? AND n = ?", earlier[:2])
        self._moved[earlier[0]] += 1
        (seen,) = self._connection.execute(
            "SELECT coalesce(max(n), 0) FROM sends WHERE person = ?", (person,)
        ).fetchone()
        return int(seen)

    def _append(self, decision: str, line: str, person: str | None, n: int | None) -> None:
        self._number, self._hash = self._number + 1, link(self._hash, line)
        self._connection.execute("INSERT INTO decisions VALUES (?, ?, ?)", (self._number, line, self._hash))
        self._connection.execute("INSERT INTO places VALUES (?, ?, ?, ?)", (decision, self._number, person, n))


def record(connection: Connection, entries: Sequence[Entry], now: Micros) -> tuple[bool, ...]:
    recording = Recording(connection, now)
    return tuple([recording.admit(entry) for entry in entries])


def settle(
    connection: Connection, ended: Mapping[str, Ending], now: Micros, receipts: Mapping[str, str] | None
) -> None:
    for decision, ending in ended.items():
        placed = connection.execute(_PLACED, (printable(decision),)).fetchone()
        if placed is not None and placed[2] in (RESERVED, ENDED):
            _end(connection, printable(decision), placed, ending, now)
    for decision, receipt in (receipts or {}).items():
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


def find_decision(connection: Connection, decision: str) -> Logged | None:
    row = connection.execute(
        "SELECT d.number, d.line, d.hash FROM places JOIN decisions d USING (number) WHERE id = ?",
        (printable(decision),),
    ).fetchone()
    return None if row is None else Logged(*row)


def logged_after(connection: Connection, number: int, most: int) -> tuple[Logged, ...]:
    return tuple(
        Logged(*row)
        for row in connection.execute(
            "SELECT number, line, hash FROM decisions WHERE number > ? ORDER BY number LIMIT ?", (number, most)
        )
    )


def logged_last(connection: Connection, most: int) -> tuple[Logged, ...]:
    rows: Iterable[tuple[int, str, str]] = connection.execute(
        "SELECT number, line, hash FROM decisions ORDER BY number DESC LIMIT ?", (max(most, 0),)
    ).fetchall()
    return tuple(Logged(*row) for row in reversed(list(rows)))


def verify(connection: Connection) -> Verified:
    (known,) = connection.execute("SELECT count(*) FROM places").fetchone()
    lines = connection.execute("SELECT number, line, hash FROM decisions ORDER BY number")
    return walk((Logged(*row) for row in lines), known)
