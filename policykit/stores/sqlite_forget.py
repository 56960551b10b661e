"""Taking people, and rows that are too old, out of a SQLite store.

Every function runs inside a transaction of its caller.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from sqlite3 import Connection
from typing import TypeAlias

from policykit.model import Micros
from policykit.stores.base import Cell, Forgotten, Logged
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
from policykit.stores.chain import add, forgetting, redacted, without_person
from policykit.stores.sqlite_facts import COLUMNS, SENT_STATE, move, sent_row

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


def find_places(connection: Connection, person: str) -> frozenset[Place]:
    """Where the person is reached."""
    return frozenset(reach(_facts(connection, person)[1]))


def forget(
    connection: Connection, person: str, pseudonym: str | None, now: Micros, traces: Traces, places: frozenset[Place]
) -> Forgotten | None:  # fmt: skip
    """What went with the person; None, and nothing done, when they are reached elsewhere by now than at `places`."""
    number, facts = _facts(connection, person)
    if reach(facts) - places:
        return None
    traces = find_traces(connection, person, pseudonym, traces)
    slots = _slots(connection, person)
    lines = _redact_lines(connection, {*traces.lines, *slots.values()})
    decisions = {*slots, *_decisions_of(connection, lines)}
    waiting = _drop_waiting(connection, person, decisions, places)
    history = _erase_history(connection, person)
    _erase_consents(connection, traces.consents)
    connection.execute("DELETE FROM addresses WHERE person = ?", (number,))
    connection.execute("DELETE FROM people WHERE n = ?", (number,))
    done = counted(facts, history, waiting, len(lines))
    if lines or traces.consents:
        _append_forgetting(connection, now, lines, traces.consents)
    return done


def _facts(connection: Connection, person: str) -> tuple[int, Facts]:
    found = connection.execute("SELECT n, facts FROM people WHERE id = ?", (person,)).fetchone()
    return (found[0], json.loads(found[1])) if found else (-1, nothing())


def _slots(connection: Connection, person: str) -> Mapping[str, int]:
    """Decisions that hold a slot in the person's history, and their numbers in the log."""
    return dict(
        connection.execute(
            "SELECT p.id, p.number FROM sends s CROSS JOIN places p ON p.id = s.decision "
            "WHERE s.person = ? AND p.person = s.person AND p.n = s.n",
            (person,),
        ).fetchall()
    )


def _redact_lines(connection: Connection, numbers: Iterable[int]) -> list[Logged]:
    """The lines as they stand from now on; those that were redacted before are left out."""
    done = []
    for number in sorted(numbers):
        row = connection.execute(f"SELECT {_LOGGED} FROM decisions WHERE number = ?", (number,)).fetchone()
        logged = Logged(*row)
        if logged.nonce:
            new = redacted(logged, without_person(logged.line))
            connection.execute(
                "UPDATE decisions SET line = ?, nonce = '', digest = ? WHERE number = ?", (new.line, new.digest, number)
            )
            done.append(new)
    return done


def _decisions_of(connection: Connection, lines: Iterable[Logged]) -> set[str]:
    found = set()
    for logged in lines:
        said = json.loads(logged.line)
        if isinstance(said, dict) and isinstance(said.get("id"), str):
            found.add(said["id"])
    return found


def _drop_waiting(connection: Connection, person: str, decisions: set[str], places: frozenset[Place]) -> int:
    rows = connection.execute("SELECT decision, request, context FROM outbox").fetchall()
    gone = [row[0] for row in rows if row[0] in decisions or is_for(person, places, row[1], row[2])]
    connection.executemany("DELETE FROM outbox WHERE decision = ?", [(decision,) for decision in gone])
    return len(gone)


def _erase_history(connection: Connection, person: str) -> int:
    """Sends of the person, and what is known of their import; how many sends."""
    sends = connection.execute(f"SELECT {COLUMNS} FROM sends WHERE person = ?", (person,)).fetchall()
    rows = [sent_row(person, row) for row in sends if row[1] != 3]
    contents = [blake2b(said.encode(), digest_size=16).digest() for row in rows for said in import_contents(row)]
    connection.executemany("DELETE FROM imported WHERE content = ?", [(content,) for content in contents])
    connection.execute("UPDATE places SET person = NULL, n = NULL WHERE id IN "
                       "(SELECT decision FROM sends WHERE person = ?)", (person,))  # fmt: skip
    connection.execute("DELETE FROM sends WHERE person = ?", (person,))
    return len(rows)


def _erase_consents(connection: Connection, numbers: Sequence[int]) -> None:
    for number in numbers:
        row = connection.execute(f"SELECT {_CONSENTS} FROM consents WHERE n = ?", (number,)).fetchone()
        digest = redacted(Logged(*row), "").digest
        connection.execute(
            "UPDATE consents SET person = '', row = '', nonce = '', digest = ? WHERE n = ?", (digest, number)
        )


def _append_forgetting(connection: Connection, now: Micros, lines: Sequence[Logged], consents: Sequence[int]) -> None:
    event = f"pf-{os.urandom(10).hex()}"
    append_line(connection, event, forgetting(event, now, lines, consents))


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
