"""Facts in a SQLite store: what is known of people, and how imports get there.

Every function runs inside a transaction of its caller.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from sqlite3 import Connection
from typing import Any

from policykit.model import Micros
from policykit.stores.base import Asked, Cell, Known, Logged, Row, StoredPerson, Suppression, SuppressionKey
from policykit.stores.cells import SENT, Facts, canonical, compact, found_at, nothing, put, reach, text
from policykit.stores.chain import add, printable
from policykit.stores.suppressed import hash_of, in_order

SENT_STATE, RESERVED, ENDED, MARK = 0, 1, 2, 3  # of `sends`, see schema.py
_REACHING = frozenset({"people", "addresses"})  # relations that say where people are reached
_PAGE = 500
COLUMNS = "n, state, lease_until, odd, decision, at, channel, message_class, campaign"
_FITTING = frozenset(("id", "person", *SENT))

# --- facts out --------------------------------------------------------------------------------------

_LIVING = "SELECT p.id, p.facts FROM addresses a JOIN people p ON p.n = a.person WHERE a.channel = ? AND a.address = ?"
_NAMED = "SELECT facts FROM people WHERE id = ?"
_NOTHING = (compact(nothing()),)
_SENDS = f"SELECT {COLUMNS} FROM sends WHERE person = ?"
_HOLDS = "SELECT campaign, because FROM holds"
_ATTEMPT = "SELECT decision FROM sends WHERE logical = ? AND state = 2 AND lease_until > ? LIMIT 1"
_WHO = "FROM addresses a CROSS JOIN people p ON p.n = a.person"
_ONE = f"""
SELECT 0, p.id, p.facts, 0, 0, 0, 0, 0, 0, 0, 0 {_WHO} WHERE a.channel = ? AND a.address = ?
UNION ALL SELECT 1, p.id, {", ".join(f"s.{column}" for column in COLUMNS.split(", "))}
  {_WHO} CROSS JOIN sends s ON s.person = p.id WHERE a.channel = ? AND a.address = ?
UNION ALL SELECT 2, campaign, because, 0, 0, 0, 0, 0, 0, 0, 0 FROM holds
UNION ALL SELECT 3, decision, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM ({_ATTEMPT})
UNION ALL SELECT 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM (SELECT 1 FROM suppressions LIMIT 1)
"""


def find_one(connection: Connection, asked: Asked, now: Micros, logical: str | None) -> Known:
    """What `find_known` says of one address, nobody being named, in a single statement: for most sends."""
    place = found_at(asked.channel, asked.address)
    facts: dict[str, Facts] = {}
    sends: dict[str, list[tuple[Cell, ...]]] = {}
    holds: dict[str, str] = {}
    retry: dict[int, str] = {}
    suppressed: frozenset[tuple[str, str]] = frozenset()
    for row in connection.execute(_ONE, (*place, *place, logical, now)).fetchall():
        match row[0]:
            case 0:
                facts[row[1]] = json.loads(row[2])
            case 1:
                sends.setdefault(row[1], []).append(row[2:])
            case 2:
                holds[row[1]] = row[2]
            case 3:
                retry[0] = row[1]
            case _:  # a later snapshot: by then there are at most more of them
                suppressed = _suppressed(connection, {place}.union(*map(reach, facts.values())))
    names = sorted(facts) if len(facts) > 1 else facts
    living = tuple([_person(name, facts[name], sends.get(name, ()), now) for name in names])
    return Known((living,), (None,), holds, retry, suppressed)


def find_known(connection: Connection, asked: Sequence[Asked], now: Micros, logical: Sequence[str]) -> Known:
    execute = connection.execute
    living = [sorted(execute(_LIVING, found_at(one.channel, one.address)).fetchall()) for one in asked]
    names = [None if one.person is None else printable(one.person) for one in asked]
    facts = {name: text_ for rows in living for name, text_ in rows}
    for name in names:
        if name is not None and name not in facts:
            facts[name] = (execute(_NAMED, (name,)).fetchone() or _NOTHING)[0]
    # Read in one piece: the rows of a thousand people then share the names of their columns.
    read = json.loads(f"[{','.join(facts.values())}]")
    stored = {name: _stored(connection, name, own, now) for name, own in zip(facts, read, strict=True)}
    suppressed: frozenset[tuple[str, str]] = frozenset()
    if execute("SELECT 1 FROM suppressions LIMIT 1").fetchone():
        places = {found_at(one.channel, one.address) for one in asked}
        suppressed = _suppressed(connection, places.union(*map(reach, read)))
    return Known(
        tuple([tuple([stored[name] for name, _ in rows]) for rows in living]),
        tuple([None if name is None else _unless_nobody(stored[name]) for name in names]),
        dict(execute(_HOLDS).fetchall()),
        {place: found[0] for place, each in enumerate(logical) if (found := execute(_ATTEMPT, (each, now)).fetchone())},
        suppressed,
    )


# --- suppressions -------------------------------------------------------------------------------------


def suppression_key(connection: Connection) -> SuppressionKey:
    (secret,) = connection.execute("SELECT secret FROM secrets WHERE name = 'suppressions'").fetchone()
    return SuppressionKey(bytes.fromhex(secret))


def _suppressed(connection: Connection, places: set[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Those of the places whose hash is among the suppressions."""
    key = suppression_key(connection)
    asks = "SELECT 1 FROM suppressions WHERE hash = ? LIMIT 1"
    return frozenset(place for place in places if connection.execute(asks, (hash_of(key, place),)).fetchone())


def write_suppressions(connection: Connection, entries: Iterable[Suppression]) -> int:
    """How many were new."""
    before = connection.total_changes
    connection.executemany(
        "INSERT OR IGNORE INTO suppressions (hash, because, at, evidence, channel) VALUES (?, ?, ?, ?, ?)",
        [(one.hash, one.because, one.at, one.evidence or "", one.channel) for one in entries],
    )
    return connection.total_changes - before


def suppressions(connection: Connection) -> tuple[Suppression, ...]:
    rows = connection.execute("SELECT channel, because, at, evidence, hash FROM suppressions").fetchall()
    found = (Suppression(row[0], None, row[1], row[2], row[3] or None, row[4]) for row in rows)
    return tuple(sorted(found, key=in_order))


def _unless_nobody(person: StoredPerson) -> StoredPerson | None:
    """The person, also one of whom nothing is known but sends; None when nothing was ever written about them."""
    return person if person.seen else None


def _stored(connection: Connection, name: str, facts: Facts, now: Micros) -> StoredPerson:
    return _person(name, facts, connection.execute(_SENDS, (name,)).fetchall(), now)


def _person(name: str, facts: Facts, sends: Iterable[tuple[Any, ...]], now: Micros) -> StoredPerson:
    """A person with what counts of the rows of `COLUMNS`."""
    history, seen = [], 0
    for row in sends:
        seen = max(seen, row[0])
        if row[1] == SENT_STATE or (row[1] != MARK and row[2] > now):
            history.append(sent_row(name, row))
    return StoredPerson(
        name, facts["people"], tuple(facts["addresses"]), tuple(facts["attributes"]), tuple(facts["consents"]),
        tuple(history), seen, tuple(facts.get("feedback", ())),
    )  # fmt: skip


def sent_row(name: str, row: tuple[Cell, ...]) -> Row:
    """A send of somebody's history, from `COLUMNS`."""
    if row[3] is not None:
        odd: Row = {"id": None, **json.loads(str(row[3]))}
        return odd
    return {
        "id": row[4], "person": name, "at": row[5], "channel": row[6], "message_class": row[7], "campaign": row[8],
    }  # fmt: skip


def page(
    connection: Connection, relation: str, after: tuple[str, int], now: Micros
) -> tuple[list[Row], tuple[str, int] | None]:
    """Some rows of a relation, and where the next ones begin; None after the last."""
    if relation == "consents":
        found = connection.execute("SELECT n, row FROM consents WHERE n > ? LIMIT ?", (after[1], _PAGE)).fetchall()
        # What is left of a consent that was forgotten is no row.
        return [json.loads(row) for _, row in found if row], ("", found[-1][0]) if found else None
    if relation == "history":
        sends = connection.execute(
            f"SELECT {COLUMNS}, person FROM sends WHERE (person, n) > (?, ?) ORDER BY person, n LIMIT ?",
            (*after, _PAGE),
        ).fetchall()
        counting = [r for r in sends if r[1] == SENT_STATE or (r[1] != MARK and r[2] > now)]
        return [sent_row(row[-1], row) for row in counting], (sends[-1][-1], sends[-1][0]) if sends else None
    people = connection.execute("SELECT n, facts FROM people WHERE n > ? LIMIT ?", (after[1], _PAGE)).fetchall()
    rows: list[Row] = []
    for _, text_ in people:
        facts = json.loads(text_).get(relation, ())
        rows.extend(([facts] if facts else []) if relation == "people" else facts)
    return rows, ("", people[-1][0]) if people else None


# --- imports ----------------------------------------------------------------------------------------


def move(connection: Connection, name: str) -> None:
    """Numbers a write about a person, so that whoever read before it is not granted a slot."""
    (seen,) = connection.execute("SELECT coalesce(max(n), 0) FROM sends WHERE person = ?", (name,)).fetchone()
    if seen:
        connection.execute("DELETE FROM sends WHERE person = ? AND state = 3", (name,))
    connection.execute("INSERT INTO sends (person, n, state, lease_until) VALUES (?, ?, 3, 0)", (name, seen + 1))


def write_facts(connection: Connection, relation: str, rows: Iterable[tuple[str, dict[str, Cell]]]) -> int:
    """Puts checked rows among the facts of their people; how many changed something."""
    by_person: dict[str, list[dict[str, Cell]]] = {}
    for name, row in rows:
        by_person.setdefault(name, []).append(row)
    return sum(_write_person(connection, relation, name, some) for name, some in by_person.items())


def _write_person(connection: Connection, relation: str, name: str, rows: list[dict[str, Cell]]) -> int:
    found = connection.execute("SELECT n, facts FROM people WHERE id = ?", (name,)).fetchone()
    facts: Facts = json.loads(found[1]) if found else nothing()
    before = reach(facts) if found and relation in _REACHING else set()
    changed = [row for row in rows if put(facts, relation, row)]
    if not changed:
        return 0
    kept = compact(facts)
    if found:
        number = found[0]
        connection.execute("UPDATE people SET facts = ? WHERE n = ?", (kept, number))
    else:
        number = connection.execute("INSERT INTO people (id, facts) VALUES (?, ?)", (name, kept)).lastrowid
    after = reach(facts) if relation in _REACHING else set()
    for gone in before - after:
        connection.execute("DELETE FROM addresses WHERE channel = ? AND address = ? AND person = ?", (*gone, number))
    for come in after - before:
        connection.execute("INSERT INTO addresses VALUES (?, ?, ?)", (*come, number))
    if relation == "consents":
        _append_consents(connection, name, [compact(row) for row in changed])
    move(connection, name)
    return len(changed)


def _append_consents(connection: Connection, name: str, rows: Iterable[str]) -> None:
    """Adds rows of a person to the ledger."""
    last = connection.execute("SELECT n, row, hash, nonce, digest FROM consents ORDER BY n DESC LIMIT 1").fetchone()
    end = Logged(*last) if last else None
    for row in rows:
        end = add(end, row)
        connection.execute(
            "INSERT INTO consents (n, person, row, hash, nonce) VALUES (?, ?, ?, ?, ?)",
            (end.number, name, end.line, end.hash, end.nonce),
        )


def write_history(connection: Connection, number: str, rows: Iterable[tuple[str, dict[str, Cell]]]) -> int:
    """Adds sends of an import; how many were new. number: of the import, which may come in several calls."""
    return sum(_write_sent(connection, number, name, row) for name, row in rows)


def _write_sent(connection: Connection, number: str, name: str, row: dict[str, Cell]) -> bool:
    """Once by id; equal rows without one as often as one import has them."""
    own = text(row.get("id"))
    said = canonical({"id": own}) if own is not None else canonical(row)
    content = blake2b(said.encode(), digest_size=16).digest()
    kept, last, met = connection.execute(
        "SELECT kept, import, met FROM imported WHERE content = ?", (content,)
    ).fetchone() or (0, "", 0)
    if own is not None and (kept or _holds_slot(connection, own)):
        return False
    met = met + 1 if last == number else 1
    is_new = met > kept
    connection.execute(
        "INSERT INTO imported (content, kept, import, met) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET kept = excluded.kept, import = excluded.import, met = excluded.met",
        (content, max(kept, met), number, met),
    )
    if is_new:
        connection.execute(
            f"INSERT INTO sends (person, {COLUMNS}) "
            "SELECT ?, coalesce(max(n), 0) + 1, 0, 0, ?, ?, ?, ?, ?, ? FROM sends WHERE person = ?",
            (name, *_cells(row), name),
        )
    return is_new


def _holds_slot(connection: Connection, decision: str) -> bool:
    found = connection.execute("SELECT person FROM places WHERE id = ?", (printable(decision),)).fetchone()
    return found is not None and found[0] is not None


def _cells(row: Mapping[str, Cell]) -> tuple[Cell, ...]:
    """odd, id and the columns of `SENT`; a row that a table would not give back as it came is kept whole in odd."""
    whole = _FITTING - {"id"} <= row.keys() <= _FITTING
    if whole and all(_fits(cell) for cell in row.values()) and isinstance(row.get("id"), str | None):
        return (None, row.get("id"), *(row.get(column) for column in SENT))
    return (compact(row), None, None, None, None, None)


def _fits(cell: Cell) -> bool:
    match cell:
        case bool():
            return False
        case int():
            return -(2**63) <= cell < 2**63
        case float():
            return math.isfinite(cell)
        case str():
            return printable(cell) == cell
        case None:
            return True


def batches(rows: Iterator[tuple[str, dict[str, Cell]]], size: int) -> Iterator[list[tuple[str, dict[str, Cell]]]]:
    batch: list[tuple[str, dict[str, Cell]]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
