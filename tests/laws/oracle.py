"""Reads the data files of a world into people as the documentation says, in plain Python.

Knows nothing of DuckDB: what the dry run reads by SQL is compared with this, row by row.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from policykit.model import (
    FOREVER,
    UNREADABLE,
    Address,
    AttributeValue,
    ConsentRecord,
    FeedbackRecord,
    Person,
    SentRecord,
    to_micros,
)
from policykit.vocabulary import (
    BASES,
    CHANNELS,
    DEFECTS,
    DEGREES,
    FACTS,
    MESSAGE_CLASSES,
    ORIGINS,
    PURPOSES,
    QUALITIES,
    STATUSES,
)
from tests.laws.strategies import ATTRIBUTES, EXTRA_FACTS, OWN_PURPOSES, PROGRAMS, Tables

Cell = str | None
Row = Mapping[str, Cell]
Scalar = bool | int | float | str

_MEMBERS = {spec.path: spec.members for spec in FACTS if spec.members} | {
    fact.path: fact.members for fact in EXTRA_FACTS if fact.members
}
COLUMNS = {spec.column: (spec.path, spec.type) for spec in FACTS if spec.column} | {
    fact.column: (fact.path, fact.type) for fact in EXTRA_FACTS
}


# --- cells ----------------------------------------------------------------------------------------


def read_bool(cell: Cell) -> bool | None:
    return {"true": True, "false": False}.get(cell or "")


def read_int(cell: Cell) -> int | None:
    if cell is None or not re.fullmatch(r"[+-]?\d{1,20}", cell, re.ASCII):
        return None
    number = int(cell)
    return number if -(2**63) <= number < 2**63 else None


def read_double(cell: Cell) -> float | None:
    if cell is None or not re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,4})?", cell, re.ASCII):
        return None
    number = float(cell)
    return number if math.isfinite(number) else None


def read_instant(cell: Cell) -> int | None:
    """A date, a clock time with at least minutes, an offset: nothing else of what ISO 8601 allows."""
    shape = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)"
    if cell is None or not re.fullmatch(shape, cell, re.ASCII):
        return None
    try:
        at = to_micros(datetime.fromisoformat(cell))
    except (ValueError, OverflowError):
        return None
    return (
        at if to_micros(datetime.min.replace(tzinfo=UTC)) <= at <= to_micros(datetime.max.replace(tzinfo=UTC)) else None
    )


def read_enum(cell: Cell, members: Sequence[str] | Mapping[str, int]) -> str | None:
    return cell if cell in members else None


def _typed(cell: Cell, kind: str) -> Scalar | None:
    match kind:
        case "bool":
            return read_bool(cell)
        case "int" | "duration":
            return read_int(cell)
        case "double":
            return read_double(cell)
        case "timestamp":
            return read_instant(cell)
    return cell or None


# --- relations --------------------------------------------------------------------------------------


def _facts(row: Row) -> dict[str, Scalar | None]:
    facts: dict[str, Scalar | None] = {}
    for column, (path, kind) in COLUMNS.items():
        value = _typed(row.get(column), kind)
        if path in _MEMBERS and value not in _MEMBERS[path]:
            value = None
        if value is not None:
            facts[path] = value
    return facts


def _addresses_of_columns(row: Row) -> dict[str, Address] | None:
    found = {
        channel: Address(row[f"address.{channel}"] or "", read_bool(row.get(f"address.{channel}.shared")))
        for channel in CHANNELS
        if row.get(f"address.{channel}")
    }
    return found if any(name.startswith("address.") for name in row) else None


def _address(row: Row) -> Address:
    return Address(
        row["address"] or "",
        read_bool(row["shared"]),
        read_enum(row["origin"], dict(ORIGINS)),
        bool(row["permission"]),
        read_bool(row["suppressed"]),
    )


def told_of(row: Row) -> FeedbackRecord:
    """What cannot be read is unknown, and nobody gets points back; an empty cell takes nothing."""
    points = read_int(row["lower_tolerance"])
    degree = row["degree"] or None
    return FeedbackRecord(
        read_instant(row["at"]),
        0 if not row["lower_tolerance"] else points if points is not None and points >= 0 else None,
        UNREADABLE if degree and degree not in dict(DEGREES) else degree,
    )


def consent_of(row: Row) -> ConsentRecord:
    defects = tuple((row["defects"] or "").split("|")) if row["defects"] else ()
    return ConsentRecord(
        row["id"] or "",
        read_enum(row["status"], STATUSES),
        _node(row),
        row["channel"] if row["channel"] == "*" else read_enum(row["channel"], CHANNELS),
        read_enum(row["quality"], dict(QUALITIES)),
        read_enum(row["basis"], BASES),
        read_instant(row["at"]),
        read_instant(row["expires_at"]) if row["expires_at"] else FOREVER,
        defects if all(defect in DEFECTS for defect in defects) else None,
        row["evidence"] or None,
        row["controller"] or None,
        UNREADABLE if row["attribute"] and row["attribute"] not in ATTRIBUTES else row["attribute"] or None,
    )


def _node(row: Row) -> str | None:
    """A program named wins over the purpose; what is not known cannot be read."""
    if row["program"]:
        return f"program:{row['program']}" if row["program"] in PROGRAMS else None
    return row["purpose"] if row["purpose"] in ("*", *PURPOSES, *OWN_PURPOSES) else None


def sent_of(row: Row) -> SentRecord:
    return SentRecord(
        read_instant(row["at"]),
        read_enum(row["channel"], CHANNELS),
        read_enum(row["message_class"], MESSAGE_CLASSES),
        row["campaign"] or None,
    )


def _value(row: Row) -> AttributeValue:
    purposes = tuple((row["collected_for"] or "").split("|")) if row["collected_for"] else None
    if purposes and not all(purpose in ("*", *PURPOSES, *OWN_PURPOSES) for purpose in purposes):
        purposes = (UNREADABLE,)
    origin = row["origin"] or None
    return AttributeValue(
        row["value"] or None,
        UNREADABLE if origin and origin not in dict(ORIGINS) else origin,
        purposes,
        read_instant(row["collected_at"]),
        row["permission"] or None,
    )


def people(tables: Tables) -> list[Person]:
    """One person per row of the audience, in order."""
    consents, history, values, addresses, told = map(
        _by_person, (tables.consents, tables.history, tables.attributes, tables.addresses, tables.feedback)
    )
    found = []
    for row in tables.people:
        identity = row["id"] or ""
        columns = {name: AttributeValue(row.get(f"attributes.{name}") or None) for name in ATTRIBUTES
                   if f"attributes.{name}" in row}  # fmt: skip
        attributes = None if values is None and not columns else dict(columns)
        for entry in values[identity] if values is not None else ():
            assert attributes is not None
            attributes[entry["attribute"] or ""] = _value(entry)
        reached = {entry["channel"] or "": _address(entry) for entry in addresses[identity] if entry["address"]} if (
            addresses is not None
        ) else _addresses_of_columns(row)  # fmt: skip
        found.append(
            Person(
                identity,
                _facts(row),
                reached,
                {channel: rank for channel in CHANNELS if (rank := read_int(row.get(f"rank.{channel}"))) is not None},
                None if consents is None else tuple(map(consent_of, consents[identity])),
                None if history is None else tuple(map(sent_of, history[identity])),
                attributes,
                () if told is None else tuple(map(told_of, told[identity])),
            )
        )
    return found


def _by_person(table: Sequence[Row] | None) -> defaultdict[str, list[Row]] | None:
    if table is None:
        return None
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    for row in table:
        rows[row["person"] or ""].append(row)
    return rows
