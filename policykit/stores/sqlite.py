"""A store in one SQLite file, shared by every process that opens it.

What a crash can lose. Transactions are written to SQLite's write-ahead log, so a process that is killed
loses nothing that a call of the store has returned from. When the power fails:

    consents, feedback,  nothing (each is on the disk when the call returns)
    suppressions, holds
    sends put off        nothing, likewise; that one was taken out may be lost: it is then judged once more
    decisions, slots     those of the last moments, always whole transactions from the end of the log,
                         whose chain still holds: what was lost was written after everything that is left
    how sends ended      likewise; a slot whose end was lost falls back to its lease
    other imports        the last rows; importing them again adds what is missing

`?synchronous=full` in the store's URL puts everything on the disk before a call returns. What that costs is the
disk's: measured on a virtual one (2026-11-21), a consent took 0.30 ms and would have taken 0.06 without, a hold
0.15 ms and 0.02; recording a decision with its slot takes 0.04 ms, and 0.30 with `full`.

Imports of many rows are written in batches, so that sends are judged and recorded in between: one that
is cut short has kept whole batches, and is repeated without harm.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import TypeVar
from uuid import uuid4

from policykit.model import Micros
from policykit.stores import sqlite_facts, sqlite_forget, sqlite_slots
from policykit.stores.base import (
    Asked,
    Ending,
    Entry,
    Forgotten,
    Known,
    Logged,
    PutOff,
    Row,
    Store,
    Suppression,
    SuppressionKey,
    Verified,
    Written,
)
from policykit.stores.cells import check_relation, checked
from policykit.stores.chain import GENESIS, printable
from policykit.stores.memory import system_clock
from policykit.stores.pool import PATIENCE_S, Pool
from policykit.stores.suppressed import forgotten_places, hashed

T = TypeVar("T")

_BATCH = 400  # rows of an import in one transaction: about 20 ms
_GAP_S = 0.003  # between them, longer than others pause between attempts to get in
# Endings in one transaction. In a busy process a thread may have to wait for the interpreter after every
# statement, up to 5 ms each, and senders wait as long for it.
_AT_ONCE = 40
_SCRUB_S = 30.0  # how long scrubbing waits for others
_LASTING = frozenset({"consents", "feedback"})  # what people told us outlives a power cut
_WAITING = "decision, due, provider, request, context, attempts"


class SQLiteStore(Store):
    """path: made when it is missing, in a folder that may be missing too. patience_s: how long a call waits
    for others before it raises `StoreUnavailable`. clock: only for `rows`, which is told no instant.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        synchronous: str = "normal",
        patience_s: float = PATIENCE_S,
        clock: Callable[[], Micros] = system_clock,
    ) -> None:
        self.path = Path(path).absolute()  # wherever the process goes
        self._pool = Pool(self.path, synchronous.upper(), patience_s)
        self._clock = clock
        self._head: sqlite_slots.Head = (0, GENESIS)  # of the log when it was last written here

    # --- facts

    def known(self, asked: Sequence[Asked], now: Micros, logical: Sequence[str] = ()) -> Known:
        if len(asked) == 1 and asked[0].person is None:
            one, attempt = asked[0], logical[0] if logical else None
            return self._pool.see(lambda connection: sqlite_facts.find_one(connection, one, now, attempt))
        return self._pool.read(lambda connection: sqlite_facts.find_known(connection, asked, now, logical))

    def write(self, relation: str, rows: Iterable[Row]) -> Written:
        check_relation(relation)
        written = total = 0
        number = uuid4().hex
        for batch in sqlite_facts.batches((checked(relation, row) for row in rows), _BATCH):
            if total:
                time.sleep(_GAP_S)
            written += self._pool.write(_import(relation, number, batch), full=relation in _LASTING)
            total += len(batch)
        return Written(written, total - written)

    def rows(self, relation: str) -> Iterator[Row]:
        check_relation(relation)
        return self._rows(relation, self._clock())

    def _rows(self, relation: str, now: Micros) -> Iterator[Row]:
        after: tuple[str, int] | None = ("", -1)
        while after is not None:
            rows, after = self._pool.read(_page(relation, after, now))
            yield from rows

    # --- decisions and slots

    def record(self, entries: Sequence[Entry], now: Micros) -> tuple[bool, ...]:
        if len(entries) == 1:
            granted = self._pool.put(lambda connection: self._record_one(connection, entries[0]))
            if granted is not None:
                return (granted,)
        return self._pool.write(lambda connection: self._record(connection, entries, now))

    # The end of the log is noted while no other thread writes, so that the next one goes on from it.

    def _record_one(self, connection: Connection, entry: Entry) -> bool | None:
        found = sqlite_slots.record_one(connection, entry, self._head)
        if found is None:
            return None
        granted, self._head = found
        return granted

    def _record(self, connection: Connection, entries: Sequence[Entry], now: Micros) -> tuple[bool, ...]:
        granted, self._head = sqlite_slots.record(connection, entries, now, self._head)
        return granted

    def settle(self, ended: Mapping[str, Ending], now: Micros, receipts: Mapping[str, str] | None = None) -> None:
        for slice_ in _sliced(ended, receipts or {}):
            self._pool.write(_settling(*slice_, now))
            if len(slice_[0]) == _AT_ONCE:
                time.sleep(_GAP_S)
        self._pool.tidy()

    def decisions(self, after: int = 0, most: int = 1000) -> tuple[Logged, ...]:
        return self._pool.read(lambda connection: sqlite_slots.logged_after(connection, after, most))

    def last(self, most: int) -> tuple[Logged, ...]:
        return self._pool.read(lambda connection: sqlite_slots.logged_last(connection, most))

    def decision(self, id: str) -> Logged | None:  # noqa: A002  # as in the contract
        return self._pool.read(lambda connection: sqlite_slots.find_decision(connection, id))

    def verify(self) -> Verified:
        return self._pool.read(sqlite_slots.verify)

    def verify_consents(self) -> Verified:
        return self._pool.read(sqlite_slots.verify_consents)

    # --- forgetting

    def forget(self, person: str, now: Micros, pseudonym: str | None = None) -> Forgotten:
        name = printable(person)
        traces, key = self._traces(name, pseudonym), self.suppression_key()
        suppressed: frozenset[sqlite_forget.Place] = frozenset()

        def _forget(connection: Connection) -> sqlite_forget.Plan:
            plan = sqlite_forget.plan(connection, name, pseudonym, traces)
            if plan.places <= suppressed and plan.counts != Forgotten():
                sqlite_forget.carry_out(connection, plan, now)
            return plan

        while True:
            plan = self._pool.write(_forget, full=True)
            if plan.places <= suppressed:
                return plan.counts
            # Before anything goes: somebody forgotten by half can be forgotten again, but is not to be mailed.
            suppressed |= plan.places
            self.suppress(forgotten_places(key, suppressed, now))

    def would_forget(self, person: str, pseudonym: str | None = None) -> Forgotten:
        name = printable(person)
        traces = self._traces(name, pseudonym)
        return self._pool.read(lambda connection: sqlite_forget.plan(connection, name, pseudonym, traces)).counts

    def _traces(self, name: str, pseudonym: str | None) -> sqlite_forget.Traces:
        """What the chains hold of a person now: they may be long, and others may write meanwhile."""
        nowhere = sqlite_forget.Traces()
        return self._pool.read(lambda connection: sqlite_forget.find_traces(connection, name, pseudonym, nowhere))

    def amend(self, relation: str, change: Callable[[Row], Row | None]) -> int:
        check_relation(relation)
        changed, after = 0, ("", -1)
        while True:
            some, next_ = self._pool.write(_amending(relation, after, change))
            changed += some
            if next_ is None:
                return changed
            after = next_
            time.sleep(_GAP_S)

    def note(self, event: str, line: str) -> None:
        name, text = printable(event), printable(line)
        self._pool.write(lambda connection: sqlite_forget.append_line(connection, name, text))

    def scrub(self) -> bool:
        return self._pool.scrub(_SCRUB_S)

    # --- suppressions and holds

    def suppress(self, entries: Iterable[Suppression]) -> Written:
        ready = hashed(self.suppression_key(), entries)
        written = self._pool.write(lambda connection: sqlite_facts.write_suppressions(connection, ready), full=True)
        return Written(written, len(ready) - written)

    def suppressions(self) -> tuple[Suppression, ...]:
        return self._pool.read(sqlite_facts.suppressions)

    def suppression_key(self) -> SuppressionKey:
        return self._pool.read(sqlite_facts.suppression_key)

    def hold(self, campaign: str, because: str, now: Micros) -> None:
        self._change(
            "INSERT OR REPLACE INTO holds VALUES (?, ?, ?)", (printable(campaign), printable(because), now), full=True
        )

    def release(self, campaign: str) -> bool:
        return self._change("DELETE FROM holds WHERE campaign = ?", (printable(campaign),), full=True) == 1

    def holds(self) -> Mapping[str, str]:
        return dict(
            self._pool.read(lambda connection: connection.execute("SELECT campaign, because FROM holds").fetchall())
        )

    # --- the outbox

    def put_off(self, waiting: PutOff) -> None:
        values = (waiting.decision, waiting.due, waiting.provider, waiting.request, waiting.context, waiting.attempts)
        self._change(f"INSERT OR REPLACE INTO outbox ({_WAITING}) VALUES (?, ?, ?, ?, ?, ?)", values, full=True)

    def take_due(self, now: Micros, lease_until: Micros, most: int = 100) -> tuple[PutOff, ...]:
        def _take(connection: Connection) -> tuple[PutOff, ...]:
            taken = connection.execute(
                "UPDATE outbox SET lease_until = ?, attempts = attempts + 1 WHERE decision IN (SELECT decision FROM "
                "outbox WHERE due <= ? AND lease_until <= ? ORDER BY due, decision LIMIT ?) "
                f"RETURNING {_WAITING}",
                (lease_until, now, now, most),
            ).fetchall()
            return tuple(sorted((PutOff(*row) for row in taken), key=lambda one: (one.due, one.decision)))

        return self._pool.write(_take)

    def drop(self, decision: str) -> None:
        self._change("DELETE FROM outbox WHERE decision = ?", (decision,))

    def waiting(self) -> tuple[PutOff, ...]:
        rows = self._pool.read(
            lambda connection: connection.execute(f"SELECT {_WAITING} FROM outbox ORDER BY due, decision").fetchall()
        )
        return tuple(PutOff(*row) for row in rows)

    # --- the file

    def close(self) -> None:
        self._pool.close()

    def _change(self, statement: str, values: tuple[object, ...], *, full: bool = False) -> int:
        """Runs one statement; how many rows it changed."""
        return self._pool.write(lambda connection: connection.execute(statement, values).rowcount, full=full)


def _import(
    relation: str, number: str, batch: list[tuple[str, dict[str, str | int | float | bool | None]]]
) -> Callable[[Connection], int]:
    if relation == "history":
        return lambda connection: sqlite_facts.write_history(connection, number, batch)
    return lambda connection: sqlite_facts.write_facts(connection, relation, batch)


def _sliced(
    ended: Mapping[str, Ending], receipts: Mapping[str, str]
) -> Iterator[tuple[dict[str, Ending], dict[str, str]]]:
    """Endings and receipts a few at a time; what is said of one decision stays together."""
    names = list(dict.fromkeys((*ended, *receipts)))
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        yield {n: ended[n] for n in some if n in ended}, {n: receipts[n] for n in some if n in receipts}


def _settling(ended: dict[str, Ending], receipts: dict[str, str], now: Micros) -> Callable[[Connection], None]:
    return lambda connection: sqlite_slots.settle(connection, ended, now, receipts)


def _amending(
    relation: str, after: tuple[str, int], change: Callable[[Row], Row | None]
) -> Callable[[Connection], tuple[int, tuple[str, int] | None]]:
    return lambda connection: sqlite_forget.amend(connection, relation, after, change)


def _page(
    relation: str, after: tuple[str, int], now: Micros
) -> Callable[[Connection], tuple[list[Row], tuple[str, int] | None]]:
    return lambda connection: sqlite_facts.page(connection, relation, after, now)
