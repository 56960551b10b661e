"""Cells as the vocabulary types them: SQL that reads a column, NULL where the cell is empty or unreadable.

Text cells (CSV, JSONL, Parquet strings) are read by our own rules and never guessed: ids stay
text, integers are plain decimal, instants are ISO 8601 with an offset. Parquet's own types are
taken as they are, except an instant without a zone.
"""

from __future__ import annotations

from policykit.dryrun.sources import Raw
from policykit.language.spans import CLOCK_PATTERN, EARLIEST, INSTANT_PATTERN, LATEST
from policykit.vocabulary import ColumnType

INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "HUGEINT",
    "UHUGEINT",
)
KEYS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")  # fit a BIGINT
_FLOATS = ("FLOAT", "DOUBLE")
_TEXTS = ("VARCHAR", "UUID", *INTEGERS)
_AWARE = "TIMESTAMP WITH TIME ZONE"

_INT = "'[+-]?[0-9]{1,20}'"
_DOUBLE = r"'[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?'"
_INSTANT = f"'{INSTANT_PATTERN}'"
_NAIVE = f"'{CLOCK_PATTERN}?'"


def is_text(raw: Raw) -> bool:
    return raw.type == "VARCHAR"


def is_naive(raw: Raw) -> bool:
    """Whether Parquet says that these instants have no zone."""
    return raw.type.startswith(("TIMESTAMP", "DATE")) and raw.type != _AWARE


def fits(raw: Raw, type_: ColumnType) -> bool:
    """Whether a column of this type can be read as the vocabulary wants it."""
    if is_text(raw) or raw.type.startswith("ENUM("):
        return True
    if raw.type.startswith("DECIMAL"):
        return type_ == "double"
    match type_:
        case "text":
            return raw.type in _TEXTS
        case "bool":
            return raw.type == "BOOLEAN"
        case "int":
            return raw.type in INTEGERS
        case "double":
            return raw.type in (*_FLOATS, *INTEGERS)
        case "timestamp":
            return raw.type == _AWARE
        case "list":
            return raw.type == "VARCHAR[]"


def as_text(raw: Raw) -> str:
    """The cell as text, NULL where empty."""
    if is_text(raw):
        return f"nullif({raw.sql}, '')"
    if raw.type == _AWARE:
        return f"CAST(epoch_us({raw.sql}) AS VARCHAR)"
    if raw.type == "VARCHAR[]":
        return f"nullif(array_to_string({raw.sql}, '|'), '')"
    return f"nullif(CAST({raw.sql} AS VARCHAR), '')"


def cell(raw: Raw, type_: ColumnType) -> str:
    """The typed cell: VARCHAR, BOOLEAN, BIGINT, DOUBLE, or BIGINT microseconds; lists as texts separated by `|`."""
    if is_text(raw) or raw.type.startswith("ENUM("):
        return read_text(as_text(raw), type_)
    match type_:
        case "text" | "list":
            return as_text(raw)
        case "bool":
            return raw.sql
        case "int":
            return f"TRY_CAST({raw.sql} AS BIGINT)"
        case "double":
            return f"CASE WHEN isfinite(CAST({raw.sql} AS DOUBLE)) THEN CAST({raw.sql} AS DOUBLE) END"
        case "timestamp":
            return _bounded(f"epoch_us({raw.sql})")


def read_text(text: str, type_: ColumnType) -> str:
    """A text (SQL, NULL where empty) read as a type; unreadable is NULL."""
    match type_:
        case "text" | "list":
            return text
        case "bool":
            return f"CASE {text} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END"
        case "int":
            return f"CASE WHEN regexp_full_match({text}, {_INT}) THEN TRY_CAST({text} AS BIGINT) END"
        case "double":
            number = f"TRY_CAST({text} AS DOUBLE)"
            return f"CASE WHEN regexp_full_match({text}, {_DOUBLE}) AND isfinite({number}) THEN {number} END"
        case "timestamp":
            moment = f"epoch_us(TRY_CAST({text} AS TIMESTAMPTZ))"
            return f"CASE WHEN regexp_full_match({text}, {_INSTANT}) THEN {_bounded(moment)} END"


def read_value(text: str, type_: str) -> str:
    """As `read_text` for a value of a registered attribute: its type, and instants may be microseconds."""
    match type_:
        case "bool" | "int" | "double":
            return read_text(text, type_)
        case "duration":
            return read_text(text, "int")
        case "timestamp":
            return f"coalesce({read_text(text, 'int')}, {read_text(text, 'timestamp')})"
        case _:
            return text


def naive(raw: Raw) -> str:
    """Whether the cell is an instant without an offset: somebody's local time, and nobody says whose."""
    return f"coalesce(regexp_full_match({raw.sql}, {_NAIVE}), FALSE)"


def _bounded(moment: str) -> str:
    return f"CASE WHEN {moment} BETWEEN {EARLIEST} AND {LATEST} THEN {moment} END"
