"""A world's tables as data files, and what the dry run says of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from policykit.dryrun.numbers import read_decisions
from policykit.dryrun.person import people_of
from policykit.dryrun.relations import read_data
from policykit.dryrun.run import Options, Workbench, judge
from policykit.dryrun.sources import Source, Sources
from policykit.ir.rules import RuleSet
from policykit.model import Decision, Person
from policykit.vocabulary import Vocabulary
from tests.laws import oracle
from tests.laws.strategies import Setting, Tables

_HEADERS = {
    "addresses": ("person", "channel", "address", "shared", "origin", "permission", "suppressed"),
    "consents": (
        "id", "person", "status", "channel", "purpose", "program", "quality", "basis", "at", "expires_at", "defects",
        "evidence", "controller", "attribute",
    ),
    "history": ("person", "at", "channel", "message_class", "campaign"),
    "attributes": ("person", "attribute", "value", "origin", "collected_for", "collected_at", "permission"),
    "feedback": ("person", "id", "at", "kind", "channel", "campaign", "lower_tolerance", "degree"),
}  # fmt: skip
Row = Mapping[str, str | None]


ENDINGS = ("csv", "parquet", "jsonl", "typed")


def write_tables(tables: Tables, folder: Path, ending: str) -> Sources:
    """The files; relations that are None have none. `typed` is Parquet with its own types, else all is text.

    Half of the columns of people are under other headers and mapped.
    """
    people = _write(folder / f"people.{ending}", tuple(tables.people[0]), tables.people, mapped=True)
    others = {
        name: _write(folder / f"{name}.{ending}", headers, rows)
        for name, headers in _HEADERS.items()
        if (rows := getattr(tables, name)) is not None
    }
    return Sources(people, **others)


def _write(path: Path, columns: Sequence[str], rows: Sequence[Row], *, mapped: bool = False) -> Source:
    headers = {name: f"Col {place}" if mapped and place % 2 else name for place, name in enumerate(columns)}
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(headers.values())
            writer.writerows([[row[name] or "" for name in columns] for row in rows])
    elif path.suffix == ".jsonl":
        lines = [json.dumps({headers[name]: row[name] for name in columns}, ensure_ascii=False) for row in rows]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    else:
        typed = path.suffix == ".typed"
        path = path.with_suffix(".parquet")
        arrays = {headers[name]: _array(name, [row[name] for row in rows], typed=typed) for name in columns}
        pq.write_table(pa.table(arrays), path)
    return Source(path, {name: header for name, header in headers.items() if name != header})


def _array(column: str, cells: list[str | None], *, typed: bool) -> pa.Array:
    """A column as text; or, when all of it can be read, as Parquet types such a column."""
    kind = column_type(column)
    if typed and kind == "list":
        return pa.array([cell.split("|") if cell else None for cell in cells], pa.list_(pa.string()))
    reader = _READERS.get(kind)
    if not typed or reader is None or any(cell and reader[0](cell) is None for cell in cells):
        return pa.array(cells, pa.string())
    return pa.array([reader[0](cell) for cell in cells], reader[1])


_READERS: Mapping[str, tuple[Callable[[str | None], Any], pa.DataType]] = {
    "bool": (oracle.read_bool, pa.bool_()),
    "int": (oracle.read_int, pa.int64()),
    "double": (oracle.read_double, pa.float64()),
    "timestamp": (oracle.read_instant, pa.timestamp("us", "UTC")),
}


def readable(tables: Tables) -> Tables:
    """The tables without cells that cannot be read, so that every column can have its type."""
    return Tables(
        *(
            rows if rows is None else tuple({name: _readable(name, cell) for name, cell in row.items()} for row in rows)
            for rows in (
                tables.people,
                tables.addresses,
                tables.consents,
                tables.history,
                tables.attributes,
                tables.feedback,
            )
        )
    )


def _readable(column: str, cell: str | None) -> str | None:
    reader = _READERS.get(column_type(column))
    return None if reader and reader[0](cell) is None else cell


def column_type(column: str) -> str:
    if column.startswith("rank.") or column == "lower_tolerance":
        return "int"
    if column.endswith((".shared", "shared", "suppressed")):
        return "bool"
    if column in ("at", "expires_at", "collected_at"):
        return "timestamp"
    if column in ("defects", "collected_for"):
        return "list"
    return oracle.COLUMNS[column][1].replace("duration", "int") if column in oracle.COLUMNS else "text"


def dry_decisions(
    setting: Setting, ruleset: RuleSet, vocabulary: Vocabulary, sources: Sources
) -> tuple[list[Decision], list[Person]]:
    """The dry run's decision for every row, and the people as it reads them back for the reference."""
    with Workbench(Options(threads=1)) as bench:
        data = read_data(bench.connection, sources, vocabulary)
        plan, _ = judge(bench.connection, ruleset, setting.campaign, data, setting.now)
        rows = list(range(1, data.people.rows + 1))
        decisions = [decision for _, (_, decision) in read_decisions(bench.connection, plan, rows)]
        people = people_of(bench.connection, ruleset, data, rows)
        return decisions, [people[row] for row in rows]


def comparable(decision: Decision) -> Decision:
    """Without the candidates passed over, which the dry run does not keep."""
    return replace(decision, skipped=())
