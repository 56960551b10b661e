"""Data files into the store: read and checked as for a dry run, then written, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from policykit.assemble.records import Doubts, relation_named
from policykit.assemble.stores import check_columns, check_shared, opened_store, read_for_store
from policykit.dryrun.person import Connection
from policykit.dryrun.rows import FileRows, file_rows
from policykit.dryrun.run import Options, Workbench
from policykit.dryrun.sources import Source
from policykit.errors import BadData, Problem
from policykit.stores.base import Row
from policykit.vocabulary import Vocabulary

_MAPPING = re.compile(r"`columns: \{([^:`]+): <header>\}`")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. new: rows added or changed; known: rows that were there already, just so."""

    relation: str
    rows: int
    new: int
    known: int
    left_out: int
    warnings: tuple[Problem, ...]


def import_file(
    folder: Path | None, relation: str, file: Path, columns: Mapping[str, str],
    progress: Callable[[str], None] = lambda step: None,
) -> Imported:  # fmt: skip
    """Puts the rows of a file into the store. columns: name of the vocabulary -> header in the file.

    Raises `BadData` with everything that is wrong with the file; then nothing was written. Policies that are
    not valid stop no consent from being imported.
    """
    relation_named(relation)
    progress("loading the workspace")
    opened, errors = read_for_store(folder)
    check_columns(relation, errors)
    check_shared(opened)
    with Workbench(Options()) as bench, opened_store(opened) as store:
        progress(f"reading {file.name}")
        read = _read(bench.connection, relation, Source(file, columns), opened.vocabulary)
        progress(f"writing {read.rows:,} rows")
        doubts = Doubts(relation)
        written = store.write(relation, _looked_at(read.cells(), doubts))
    unsure = [Problem(None, said, "write numbers with `+` and their country", "data.address", "warning")
              for said in doubts.said()]  # fmt: skip
    return Imported(relation, read.rows, written.written, written.same, read.left_out, (*read.warnings, *unsure))


def _looked_at(rows: Iterable[Row], doubts: Doubts) -> Iterator[Row]:
    for row in rows:
        doubts.look(row)
        yield row


def _read(connection: Connection, relation: str, source: Source, vocabulary: Vocabulary) -> FileRows:
    try:
        return file_rows(connection, relation, source, vocabulary)
    except BadData as error:
        raise BadData(_as_option(problem) for problem in error.problems) from error


def _as_option(problem: Problem) -> Problem:
    """A way out that is written in a manifest, as it is written at the command line."""
    way_out = problem.help and _MAPPING.sub(r"`--columns \1=<header>`", problem.help)
    return replace(problem, help=way_out)
