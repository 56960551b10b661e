"""One data file as rows for a store: checked as for a dry run, cells as they are written.

What cannot be read stays as it is and is judged unknown, live and planned alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb

from policykit.dryrun import cells
from policykit.dryrun.relations import read_relation, typed_columns
from policykit.dryrun.sources import Opened, Raw, Source
from policykit.errors import BadData, Problem
from policykit.vocabulary import Column, Vocabulary

Cell = str | int | float | bool | None
_BATCH = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Columns without which a row says nothing that could be kept, beside the person.
_NEEDED = {"addresses": ("channel",), "attributes": ("attribute",)}


@dataclass(frozen=True, slots=True)
class FileRows:
    """A file that may be imported. rows: how many it gives; left_out: how many name nobody, or not what they say."""

    rows: int
    left_out: int
    warnings: tuple[Problem, ...]
    cells: Callable[[], Iterator[dict[str, Cell]]]


def file_rows(connection: duckdb.DuckDBPyConnection, relation: str, source: Source, vocabulary: Vocabulary) -> FileRows:
    """The rows of a file under the names of the vocabulary; raises `BadData` with all that is wrong with it."""
    table, warnings = read_relation(connection, relation, source, vocabulary)
    opened = table.opened
    columns = list(typed_columns(opened, vocabulary))
    key = "id" if relation == "people" else "person"
    needed = [raw for name, raw, _ in columns if name in (key, *_NEEDED.get(relation, ()))]
    whole = " AND ".join(f"{cells.as_text(raw)} IS NOT NULL" for raw in needed)
    kept = int(connection.execute(f"SELECT count(*) FILTER (WHERE {whole}) FROM {opened.scan}").fetchall()[0][0])
    left_out = table.rows - kept
    if left_out:
        _tell_left_out(opened, key, left_out, warnings)
    sql = f"SELECT {', '.join(_written(raw, spec) for _, raw, spec in columns)} FROM {opened.scan} WHERE {whole}"
    names = [name for name, _, _ in columns]
    moments = [place for place, (_, raw, _) in enumerate(columns) if _is_moment(raw)]
    return FileRows(kept, left_out, tuple(warnings), lambda: _rows(connection, sql, names, moments))


def _tell_left_out(opened: Opened, key: str, count: int, warnings: list[Problem]) -> None:
    if key == "id":
        more = f" (and {count - 1:,} more)" if count > 1 else ""
        raise BadData(Problem(opened.place(column=key), f"a person has no id{more}", "every row needs one",
                              "data.empty-id"))  # fmt: skip
    what = {"addresses": "person or channel", "attributes": "person or attribute"}.get(opened.relation.name, "person")
    message = f"{count:,} rows of {opened.relation.name} name no {what}; they are left out"
    warnings.append(Problem(opened.place(column=key), message, "fill in whom they are about", "data.no-person",
                            "warning"))  # fmt: skip


def _written(raw: Raw, spec: Column) -> str:
    """The cell as it is kept: text, or what Parquet types as a number, a boolean or an instant."""
    if _is_moment(raw):
        return f"epoch_us({raw.sql})"
    if spec.type in ("int", "double") and raw.type in (*cells.KEYS, "FLOAT", "DOUBLE"):
        return raw.sql
    return raw.sql if raw.type == "BOOLEAN" and spec.type == "bool" else cells.as_text(raw)


def _is_moment(raw: Raw) -> bool:
    return raw.type == "TIMESTAMP WITH TIME ZONE"


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str, names: list[str], moments: list[int]
) -> Iterator[dict[str, Cell]]:
    connection.execute("SET preserve_insertion_order = true")  # of two rows with one key the later one stays
    found = connection.execute(sql)
    while batch := found.fetchmany(_BATCH):
        for values in batch:
            row = dict(zip(names, values, strict=True))
            for place in moments:
                row[names[place]] = _iso(values[place])
            yield row


def _iso(at: int | None) -> str | None:
    if at is None:
        return None
    try:
        return (_EPOCH + timedelta(microseconds=at)).isoformat()
    except OverflowError:
        return str(at)  # outside of all calendars: nobody can read it, and it says so
