"""A world's tables as data files, and what the dry run says of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

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
from tests.laws.strategies import Setting, Tables

_HEADERS = {
    "addresses": ("person", "channel", "address", "shared", "origin", "permission"),
    "consents": (
        "id", "person", "status", "channel", "purpose", "program", "quality", "basis", "at", "expires_at", "defects",
        "evidence", "controller",
    ),
    "history": ("person", "at", "channel", "message_class", "campaign"),
    "attributes": ("person", "attribute", "value", "origin", "collected_for", "collected_at", "permission"),
}  # fmt: skip
Row = Mapping[str, str | None]


def write_tables(tables: Tables, folder: Path, ending: str) -> Sources:
    """The files as CSV or Parquet (texts as they are); relations that are None have none."""
    people = _write(folder / f"people.{ending}", tuple(tables.people[0]), tables.people)
    others = {
        name: _write(folder / f"{name}.{ending}", headers, rows)
        for name, headers in _HEADERS.items()
        if (rows := getattr(tables, name)) is not None
    }
    return Sources(people, **others)


def _write(path: Path, headers: Sequence[str], rows: Sequence[Row]) -> Source:
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(headers)
            writer.writerows([[row[header] or "" for header in headers] for row in rows])
    else:
        columns = {header: pa.array([row[header] for row in rows], pa.string()) for header in headers}
        pq.write_table(pa.table(columns), path)
    return Source(path)


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
