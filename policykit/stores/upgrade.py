"""Making a SQLite store of an earlier format one of ours: what is in it stays, whoever has it open is told or goes on.

Format 1 had no suppressions, and chained lines without nonces. Its log is chained anew; a line at the end of
it says under which head it stood before, and where it was broken, if it was.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from sqlite3 import Connection

from policykit.stores.base import Logged, Verified
from policykit.stores.chain import GENESIS, add, moved
from policykit.stores.memory import system_clock
from policykit.stores.schema import TABLES, VERSION

EARLIER = frozenset({1})  # formats that can be made ours
_CREATED = re.compile(r"\s*CREATE (TABLE|VIEW|TRIGGER|INDEX) (\w+)")
_CHAINED = ("decisions", "consents")


def upgrade(connection: Connection) -> None:
    """Inside a transaction that nobody else writes beside."""
    execute = connection.execute
    execute("DROP VIEW recording")
    triggers = execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        execute(f"DROP TRIGGER {name}")
    for name in _CHAINED:
        execute(f"ALTER TABLE {name} RENAME TO {name}_before")
    _create_missing(connection)
    _move_log(connection)
    end: Logged | None = None
    for person, row in execute("SELECT person, row FROM consents_before ORDER BY n"):
        end = add(end, row)
        execute("INSERT INTO consents VALUES (?, ?, ?, ?, ?, NULL)", (end.number, person, row, end.hash, end.nonce))
    for name in _CHAINED:
        execute(f"DROP TABLE {name}_before")
    execute(f"PRAGMA user_version = {VERSION}")


def _create_missing(connection: Connection) -> None:
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    made: set[str] = set()
    for statement in TABLES:
        found = _CREATED.match(statement)
        if found is None:  # rows that come with a table
            if statement.split()[2] in made:
                connection.execute(statement)
        elif found[2] not in there:
            connection.execute(statement)
            made.add(found[2])


def _move_log(connection: Connection) -> None:
    rows = connection.execute("SELECT number, line, hash FROM decisions_before ORDER BY number")
    (known,) = connection.execute("SELECT count(*) FROM places").fetchone()
    head, count, broken = GENESIS, 0, None
    end: Logged | None = None
    for number, line, hash_ in rows:
        head, count = sha256((head + line).encode()).hexdigest(), count + 1
        if broken is None and (number != count or hash_ != head):
            broken = count
        end = add(end, line)
        _insert(connection, end)
        if number != count:
            connection.execute("UPDATE places SET number = ? WHERE number = ?", (count, number))
    if broken is None and known != count:
        broken = min(known, count) + 1
    if count or broken:
        event = f"pm-{os.urandom(10).hex()}"
        _insert(connection, add(end, moved(event, system_clock(), Verified(count, head, broken))))
        connection.execute("INSERT INTO places (id, number) VALUES (?, ?)", (event, count + 1))


def _insert(connection: Connection, logged: Logged) -> None:
    connection.execute(
        "INSERT INTO decisions (number, line, hash, nonce) VALUES (?, ?, ?, ?)",
        (logged.number, logged.line, logged.hash, logged.nonce),
    )
