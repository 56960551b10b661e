"""People read back from the relations as records, for the reference and for `explain`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import duckdb

from policykit.dryrun.people import known_purposes
from policykit.dryrun.relations import Data, Table
from policykit.dryrun.sources import quoted
from policykit.facts.feedback import FREE, SUPPRESSED, degree_of
from policykit.facts.records import attribute_of, node_of, one_of
from policykit.ir.rules import RuleSet
from policykit.model import (
    FOREVER,
    UNREADABLE,
    Address,
    AttributeValue,
    ConsentRecord,
    FeedbackRecord,
    Person,
    SentRecord,
)
from policykit.vocabulary import BASES, CHANNELS, MESSAGE_CLASSES, ORIGINS, QUALITIES, STATUSES

Row = dict[str, Any]
Connection: TypeAlias = duckdb.DuckDBPyConnection


def people_of(
    connection: duckdb.DuckDBPyConnection, ruleset: RuleSet, data: Data, rows: Sequence[int]
) -> dict[int, Person]:
    """The person of each row of the audience, with everything the relations say of them."""
    if not rows:
        return {}
    found = _rows(connection, f"{data.people.sql} WHERE row IN ({', '.join(map(str, rows))})")
    keys = sorted({row["key"] for row in found})
    related = {name: _by_person(connection, table, keys) for name, table in data.tables.items() if name != "people"}
    return {
        row["row"]: _person(ruleset, data, row, {name: by.get(row["key"], []) for name, by in related.items()})
        for row in found
    }


def rows_of(connection: duckdb.DuckDBPyConnection, data: Data, person: str) -> list[int]:
    """Row numbers of one person in the audience."""
    return [
        row
        for (row,) in connection.execute(
            f"SELECT row FROM {data.people.sql} WHERE id = ? ORDER BY row", [person]
        ).fetchall()
    ]


def ids_of(connection: duckdb.DuckDBPyConnection, data: Data) -> Iterator[str]:
    """Every person of the audience, a batch at a time, for who looks for a pseudonym."""
    cursor = connection.execute(f"SELECT DISTINCT id FROM {data.people.sql}")
    while batch := cursor.fetchmany(10_000):
        yield from (person for (person,) in batch)


def _rows(connection: duckdb.DuckDBPyConnection, source: str) -> list[Row]:
    cursor = connection.execute(f"SELECT * FROM {source}")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _by_person(
    connection: duckdb.DuckDBPyConnection, table: Table, keys: Sequence[int | str]
) -> dict[int | str, list[Row]]:
    listed = ", ".join(str(key) if isinstance(key, int) else quoted(key) for key in keys)
    found: dict[int | str, list[Row]] = defaultdict(list)
    for row in _rows(connection, f"{table.sql} WHERE person IN ({listed})"):
        found[row["person"]].append(row)
    return found


def _person(ruleset: RuleSet, data: Data, row: Row, related: Mapping[str, list[Row]]) -> Person:
    return Person(
        id=row["id"],
        facts={path: row[column] for path, column in data.facts.items() if column != "id" and row[column] is not None},
        addresses=_addresses(data, row, related.get("addresses")),
        ranks={
            name.removeprefix("rank."): value
            for name, value in row.items()
            if name.startswith("rank.") and value is not None
        },
        consents=None
        if "consents" not in related
        else tuple(_consent(ruleset, r, i) for i, r in enumerate(related["consents"])),
        history=None if "history" not in related else tuple(_sent(ruleset, r) for r in related["history"]),
        attributes=_attributes(ruleset, data, row, related.get("attributes")),
        feedback=tuple(_told(dict(entry)) for entry in _each_once(related.get("feedback", ()))),
    )


def _consent(ruleset: RuleSet, row: Row, index: int) -> ConsentRecord:
    defects = row.get("defects")
    return ConsentRecord(
        id=row.get("id") or str(index + 1),
        status=one_of(row["status"], STATUSES),
        node=node_of(ruleset, row),
        channel=one_of(row.get("channel"), ("*", *CHANNELS, *ruleset.ranks)),
        quality=one_of(row.get("quality"), dict(QUALITIES)),
        basis=one_of(row.get("basis"), BASES),
        at=row["instant"],
        expires_at=FOREVER if row.get("endless", True) else row["expires_at"],
        defects=tuple(defects.split("|")) if defects else (),
        evidence=row.get("evidence"),
        controller=row.get("controller"),
        attribute=attribute_of(row.get("attribute"), ruleset.attributes),
    )


def _sent(ruleset: RuleSet, row: Row) -> SentRecord:
    return SentRecord(
        row["instant"], one_of(row.get("channel"), (*CHANNELS, *ruleset.ranks)),
        one_of(row.get("message_class"), MESSAGE_CLASSES),
        row.get("campaign"),
    )  # fmt: skip


def _each_once(rows: Iterable[Row]) -> Iterable[tuple[tuple[str, Any], ...]]:
    """A row that stands in the file twice is one, as in the store."""
    return dict.fromkeys(tuple(sorted(row.items())) for row in rows)


def _told(row: Row) -> FeedbackRecord:
    points = row.get("lower_tolerance", 0)
    return FeedbackRecord(row["instant"], None if points < 0 else points, degree_of(row.get("degree")))


_SUPPRESSED = {SUPPRESSED: True, FREE: False}


def _addresses(data: Data, row: Row, listed: list[Row] | None) -> Mapping[str, Address] | None:
    own = [name for name in row if name.startswith("address.") and not name.endswith((".shared", ".suppressed"))]
    if listed is None and not any(name.startswith("address.") for name in data.people.columns):
        return None
    columns = data.tables["addresses"].columns if listed is not None else frozenset[str]()
    found: dict[str, Address] = {}
    for entry in sorted((r for r in listed or [] if r["address"] is not None), key=_address_order, reverse=True):
        permission = bool(entry["permission"]) if "permission" in columns else None
        found[entry["channel"]] = Address(
            entry["address"], entry.get("shared"), one_of(entry.get("origin"), dict(ORIGINS)), permission,
            _SUPPRESSED.get(entry.get("suppressed", "")),
        )  # fmt: skip
    for name in own:
        if row[name] is not None:
            found[name.removeprefix("address.")] = Address(
                row[name], row.get(name + ".shared"), suppressed=row.get(name + ".suppressed")
            )
    return found


def _address_order(row: Row) -> tuple[str, ...]:
    """The address that sorts first is the one that counts, whatever the order of rows."""
    shared = row.get("shared")
    return (
        row["address"],
        row.get("suppressed") or "",
        "" if shared is None else str(shared).lower(),
        row.get("origin") or "",
        row.get("permission") or "",
    )


def _attributes(
    ruleset: RuleSet, data: Data, row: Row, listed: list[Row] | None
) -> Mapping[str, AttributeValue] | None:
    own = {name.removeprefix("attributes."): row[name] for name in row if name.startswith("attributes.")}
    if listed is None and not own:
        return None
    found: dict[str, AttributeValue] = {}
    for entry in sorted(listed or [], key=_value_order):
        found[entry["attribute"]] = AttributeValue(
            entry.get("value"), _origin(entry.get("origin")), _purposes(ruleset, entry.get("collected_for")),
            entry.get("collected_at"), entry.get("permission"),
        )  # fmt: skip
    for name, value in own.items():
        if value is not None:
            said = found.get(name, AttributeValue())
            found[name] = AttributeValue(value, said.origin, said.collected_for, said.collected_at, said.permission)
    return found


def _value_order(row: Row) -> tuple[int | str, ...]:
    """Of several rows for one attribute the one collected last counts, and among equals the greatest by its texts."""
    at = row.get("collected_at")
    texts = [row.get(field) or "" for field in ("value", "origin", "collected_for", "permission")]
    return (-(2**63) if at is None else at, *texts)


def _origin(said: str | None) -> str | None:
    return said if said is None or said in dict(ORIGINS) else UNREADABLE


def _purposes(ruleset: RuleSet, said: str | None) -> tuple[str, ...] | None:
    if said is None:
        return None
    members = tuple(said.split("|"))
    return members if set(members) <= {"*", *known_purposes(ruleset)} else (UNREADABLE,)
