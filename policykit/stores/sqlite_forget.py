"""Taking people, and rows that are too old, out of a SQLite store.

Every function runs inside a transaction of its caller.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from sqlite3 import Connection
from typing import TypeAlias

from policykit.model import Micros
from policykit.stores.base import Cell, Forgotten, Logged, Row
from policykit.stores.cells import (
    Change,
    Facts,
    amend_facts,
    compact,
    counted,
    import_contents,
    is_for,
    names,
    nothing,
    reach,
)
from policykit.stores.chain import add, forgetting, id_of, redacted, without_person
from policykit.stores.sqlite_facts import COLUMNS, MARK, SENT_STATE, move, sent_row

Place: TypeAlias = tuple[str, str]  # `cells.found_at`

_LOGGED = "number, line, hash, nonce, digest"
_CONSENTS = "n, row, hash, nonce, digest"
_BATCH = 200  # people in one transaction


@dataclass(frozen=True, slots=True)
class Traces:
    """Where two chains speak of a person, up to the lines they ended in: looked for before anything is locked."""

    lines: tuple[int, ...] = ()
    consents: tuple[int, ...] = ()
    last_line: int = 0
    last_consent: int = 0


def find_traces(connection: Connection, person: str, pseudonym: str | None, after: Traces) -> Traces:
    """With those of `after`, what both chains hold behind the ends that it has."""
    execute = connection.execute
    lines: Iterable[tuple[int]] = ()
    if pseudonym is not None:
        lines = execute(
            "SELECT number FROM decisions WHERE number > ? AND instr(line, ?)", (after.last_line, names(pseudonym))
        )
    consents = execute("SELECT n FROM consents WHERE n > ? AND person = ?", (after.last_consent, person))
    (last_line,) = execute("SELECT coalesce(max(number), 0) FROM decisions").fetchone()
    (last_consent,) = execute("SELECT coalesce(max(n), 0) FROM consents").fetchone()
    return Traces(
        (*after.lines, *(number for (number,) in lines)), (*after.consents, *(number for (number,) in consents)),
        last_line, last_consent,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that goes with a person. number: in people, -1 where they have no row. lines: of the log, as they
    are now. waiting: decisions in the outbox. history: rows of sends.
    """

    person: str
    number: int
    facts: Facts
    lines: tuple[Logged, ...]
    consents: tuple[int, ...]
    waiting: tuple[str, ...]
    history: tuple[Row, ...]

    @property
    def places(self) -> frozenset[Place]:
        return frozenset(reach(self.facts))

    @property
    def counts(self) -> Forgotten:
        done = counted(self.facts, len(self.history), len(self.waiting), len(self.lines))
        return replace(done, suppressed=len(self.places))


def plan(connection: Connection, person: str, pseudonym: str | None, traces: Traces) -> Plan:
    """traces: what was found before; what came since is looked for."""
    traces = find_traces(connection, person, pseudonym, traces)
    found = connection.execute("SELECT n, facts FROM people WHERE id = ?", (person,)).fetchone()
    facts: Facts = json.loads(found[1]) if found else nothing()
    slots = dict(connection.execute(_SLOTS, (person,)).fetchall())
    lines = _lines(connection, {*traces.lines, *slots.values()})
    decisions = {*slots, *filter(None, (id_of(each.line) for each in lines))}
    places = reach(facts)
    waiting = connection.execute("SELECT decision, request, context FROM outbox").fetchall()
    sends = connection.execute(f"SELECT {COLUMNS} FROM sends WHERE person = ?", (person,)).fetchall()
    return Plan(
        person, found[0] if found else -1, facts, lines, traces.consents,
        tuple(row[0] for row in waiting if row[0] in decisions or is_for(person, places, row[1], row[2])),
        tuple(sent_row(person, row) for row in sends if row[1] != MARK),
    )  # fmt: skip


_SLOTS = (  # decisions that hold a slot in the person's history, and their numbers in the log
    "SELECT p.id, p.number FROM sends s CROSS JOIN places p ON p.id = s.decision "
    "WHERE s.person = ? AND p.person = s.person AND p.n = s.n"
)


def _lines(connection: Connection, numbers: Iterable[int]) -> tuple[Logged, ...]:
    """Without those that were redacted before."""
    asks = f"SELECT {_LOGGED} FROM decisions WHERE number = ? AND nonce <> ''"
    rows = [connection.execute(asks, (number,)).fetchone() for number in sorted(numbers)]
    return tuple(Logged(*row) for row in rows if row is not None)


def carry_out(connection: Connection, gone: Plan, now: Micros) -> None:
    execute = connection.execute
    lines = [redacted(each, without_person(each.line)) for each in gone.lines]
    connection.executemany(
        "UPDATE decisions SET line = ?, nonce = '', digest = ? WHERE number = ?",
        [(each.line, each.digest, each.number) for each in lines],
    )
    connection.executemany("DELETE FROM outbox WHERE decision = ?", [(decision,) for decision in gone.waiting])
    contents = [
        blake2b(said.encode(), digest_size=16).digest() for row in gone.history for said in import_contents(row)
    ]
    connection.executemany("DELETE FROM imported WHERE content = ?", [(content,) for content in contents])
    execute("UPDATE places SET person = NULL, n = NULL WHERE id IN (SELECT decision FROM sends WHERE person = ?)",
            (gone.person,))  # fmt: skip
    execute("DELETE FROM sends WHERE person = ?", (gone.person,))
    for number in gone.consents:
        row = execute(f"SELECT {_CONSENTS} FROM consents WHERE n = ?", (number,)).fetchone()
        execute("UPDATE consents SET person = '', row = '', nonce = '', digest = ? WHERE n = ?",
                (redacted(Logged(*row), "").digest, number))  # fmt: skip
    execute("DELETE FROM addresses WHERE person = ?", (gone.number,))
    execute("DELETE FROM people WHERE n = ?", (gone.number,))
    if lines or gone.consents:
        event = f"pf-{os.urandom(10).hex()}"
        append_line(connection, event, forgetting(event, now, lines, gone.consents))


def append_line(connection: Connection, event: str, line: str) -> None:
    """Adds a line that is no decision to the log."""
    last = connection.execute(f"SELECT {_LOGGED} FROM decisions ORDER BY number DESC LIMIT 1").fetchone()
    new = add(Logged(*last) if last else None, line)
    connection.execute(
        "INSERT INTO decisions (number, line, hash, nonce) VALUES (?, ?, ?, ?)",
        (new.number, new.line, new.hash, new.nonce),
    )
    connection.execute("INSERT INTO places (id, number) VALUES (?, ?)", (event, new.number))


# --- rows that are too old ----------------------------------------------------------------------------


def amend(
    connection: Connection, relation: str, after: tuple[str, int], change: Change
) -> tuple[int, tuple[str, int] | None]:
    """Changes rows of some people, see `Store.amend`; how many, and where the next ones begin."""
    if relation == "history":
        return _amend_history(connection, after, change)
    people = connection.execute(
        "SELECT n, id, facts FROM people WHERE n > ? ORDER BY n LIMIT ?", (after[1], _BATCH)
    ).fetchall()
    changed = 0
    for number, person, text in people:
        facts: Facts = json.loads(text)
        more = amend_facts(facts, relation, change)
        if more:
            connection.execute("UPDATE people SET facts = ? WHERE n = ?", (compact(facts), number))
            move(connection, person)
            changed += more
    return changed, ("", people[-1][0]) if people else None


def _amend_history(
    connection: Connection, after: tuple[str, int], change: Change
) -> tuple[int, tuple[str, int] | None]:
    sends: list[tuple[Cell, ...]] = connection.execute(
        f"SELECT {COLUMNS}, person FROM sends WHERE (person, n) > (?, ?) ORDER BY person, n LIMIT ?", (*after, _BATCH)
    ).fetchall()
    gone = [row for row in sends if row[1] == SENT_STATE and change(sent_row(str(row[-1]), row)) is None]
    for person in {str(row[-1]) for row in gone}:
        move(connection, person)  # before they go: whoever read them must not find the same number
    for row in gone:
        connection.execute("UPDATE places SET person = NULL, n = NULL WHERE id = ?", (row[4],))
        connection.execute("DELETE FROM sends WHERE person = ? AND n = ?", (row[-1], row[0]))
    return len(gone), (str(sends[-1][-1]), int(str(sends[-1][0]))) if sends else None
