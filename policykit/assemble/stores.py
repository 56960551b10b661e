"""The store of a workspace without its policies: for commands, and for code that records and does not send."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from policykit.addresses import family
from policykit.assemble.records import checked_rows
from policykit.assemble.workspace import Opened, in_order, read
from policykit.errors import InvalidPolicies, Problem, UsageError
from policykit.language.config import CONFIG_FILE
from policykit.sends import DecisionRecord, from_line
from policykit.stores.base import Cell, Store, Written
from policykit.stores.open import open_store
from policykit.stores.suppressed import address_hash
from policykit.vocabulary import RELATIONS, Relation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@contextmanager
def opened_store(opened: Opened) -> Iterator[Store]:
    """The store that `store:` names, closed at the end."""
    store = open_store(opened.workspace.config.store, opened.workspace.root, opened.plugins.stores)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def store_of(folder: Path | None) -> Iterator[tuple[Opened, Store]]:
    """A workspace and its store, also while its policies are not valid: decisions can be read, consents written and
    campaigns held then.
    """
    opened, _ = read_for_store(folder)
    check_shared(opened)
    with opened_store(opened) as store:
        yield opened, store


def read_for_store(folder: Path | None) -> tuple[Opened, list[Problem]]:
    """As much of a workspace as can be read, and the errors in it.

    Raises `UsageError` when `policykit.yaml` itself is wrong: which store is meant is not known then.
    """
    opened, problems = read(folder)
    errors = [problem for problem in problems if problem.severity == "error"]
    wrong = [problem for problem in errors if problem.place and Path(problem.place.file).name == CONFIG_FILE]
    if wrong:
        raise UsageError(in_order(wrong))
    return opened, errors


def check_columns(relation: str, errors: Collection[Problem]) -> None:
    """Raises where a relation has columns of the workspace's own, and what registers them may not have been read."""
    if relation == "people" and errors:
        raise InvalidPolicies(errors)


def check_shared(opened: Opened) -> None:
    """Raises where the store lives in one process only: a command would speak to an empty one of its own."""
    config = opened.workspace.config
    if config.store is not None and config.store.partition(":")[0] == "memory":
        raise UsageError(
            Problem(config.store_place, "the store `memory:` belongs to one process, and this command is another",
                    "name a file that both can open, e.g. `store: sqlite:///policykit.db`", "config.store")
        )  # fmt: skip


class StoreHere:
    """A workspace's store without its policies, which may be broken: a withdrawal is recorded nevertheless."""

    def __init__(self, root: Path) -> None:
        self.opened, self.errors = read_for_store(root)
        self.store = open_store(self.opened.workspace.config.store, root, self.opened.plugins.stores)

    def record(self, relation: str, rows: Iterable[Mapping[str, object]]) -> Written:
        check_columns(relation, self.errors)
        return self.store.write(relation, checked_rows(relation, rows, self.opened.vocabulary))

    def look_up(self, id: str) -> DecisionRecord | None:  # noqa: A002  # its name everywhere
        logged = self.store.decision(id)
        return from_line(logged.line) if logged else None


@contextmanager
def exported(store: Store, names: Collection[str]) -> Iterator[Mapping[str, Path]]:
    """Relations of a store as data files, which are gone at the end."""
    with tempfile.TemporaryDirectory(prefix="policykit-") as folder:
        yield {
            relation.name: _export(Path(folder), relation, store)
            for relation in RELATIONS if relation.name in names
        }  # fmt: skip


def is_suppressed(store: Store) -> Callable[[str, str], bool]:
    """Whether the store suppresses an address, without asking it again."""
    entries, key = store.suppressions(), store.suppression_key()
    hashes, families = {entry.hash for entry in entries}, {entry.channel for entry in entries}
    return lambda channel, address: family(channel) in families and address_hash(key, channel, address) in hashes


def _export(folder: Path, relation: Relation, store: Store) -> Path:
    """A table of a relation. A column that rows lack is empty in them: for a store the two mean the same."""
    path = folder / f"{relation.name}.csv"
    columns = _columns(relation, store)
    instants = [place for place, column in enumerate(relation.columns) if column.type == "timestamp"]
    instants = [] if relation.name == "people" else instants  # ours count microseconds, a person's are as written
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in store.rows(relation.name):
            cells = [row.get(column) for column in columns]
            for place in instants:
                cells[place] = _instant(cells[place])
            writer.writerow(cells if True not in cells and False not in cells else [_text(cell) for cell in cells])
    return path


def _columns(relation: Relation, store: Store) -> list[str]:
    """Those of the vocabulary; what is known of people differs, so theirs are asked for."""
    if relation.name != "people":
        return [column.name for column in relation.columns]
    found: dict[str, None] = {"id": None}
    for row in store.rows("people"):
        found.update(dict.fromkeys(row))
    return list(found)


def _text(cell: Cell) -> Cell:
    return str(cell).lower() if isinstance(cell, bool) else cell


def _instant(cell: Cell) -> Cell:
    if isinstance(cell, bool) or not isinstance(cell, int):
        return cell
    return (_EPOCH + timedelta(microseconds=cell)).isoformat()
