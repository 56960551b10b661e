"""Rows given by code, made ready for the store: the columns and checks of data files, without reading any.

What cannot be read stays as it was written and counts as unknown, as in a file; what must be a
mistake (an unknown column, an instant without an offset, nobody named) is refused, all of it at once.
"""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

from policykit import addresses
from policykit.errors import BadData, Problem
from policykit.facts.values import read_text
from policykit.ir.nodes import Type
from policykit.language.spans import CLOCK_PATTERN, INSTANT_EXAMPLE, parse_instant
from policykit.language.suggest import did_you_mean, every
from policykit.stores.base import Cell, Row
from policykit.vocabulary import RELATIONS, Column, Relation, Vocabulary, is_column, relation_columns, short_name

_log = logging.getLogger("policykit")
_MOST = 5  # problems of one kind shown
_NAIVE = re.compile(CLOCK_PATTERN + "?")
_BY_NAME = {relation.name: relation for relation in RELATIONS}
_TYPES = {"bool": Type.BOOL, "int": Type.INT, "double": Type.DOUBLE}


def relation_named(name: str) -> Relation:
    if name not in _BY_NAME:
        raise BadData(Problem(None, f"there is no relation `{name}`{did_you_mean(name, _BY_NAME)}",
                              f"relations: {every(_BY_NAME)}", "data.relation"))  # fmt: skip
    return _BY_NAME[name]


def checked_rows(name: str, rows: Iterable[Mapping[str, object]], vocabulary: Vocabulary) -> list[Row]:
    """Rows as the store keeps them. Raises `BadData` with every problem."""
    checking = _Checking(relation_named(name), vocabulary)
    checked = [checking.row(number, row) for number, row in enumerate(rows, 1)]
    checking.end()
    return checked


class _Checking:
    """Reads rows one by one and remembers what is wrong, by what it is."""

    def __init__(self, relation: Relation, vocabulary: Vocabulary) -> None:
        self.relation = relation
        self.specs = relation_columns(relation, vocabulary)
        self.exact = {spec.name: spec for spec in self.specs}
        self.problems: dict[str, tuple[Problem, int]] = {}
        self.unread: Counter[str] = Counter()
        self.doubts = Doubts(relation.name)
        self.columns: dict[str, tuple[str, Column] | None] = {}

    def row(self, number: int, row: object) -> Row:
        if not isinstance(row, Mapping):
            self.say("row", number, f"is no mapping but a {type(row).__name__}", "give one mapping per row")
            return {}
        found: dict[str, Cell] = {}
        for key, value in row.items():
            column = self.column(number, key)
            if column is not None:
                found[column[0]] = self.cell(number, *column, value)
        for spec in self.specs:
            if spec.required and found.get(spec.name) in (None, "") and spec.name != "address":
                self.say(f"required.{spec.name}", number, f"has no `{spec.name}`", f"it is {spec.doc}")
        self.doubts.look(found)
        return found

    def column(self, number: int, key: object) -> tuple[str, Column] | None:
        name = short_name(str(key), self.relation)
        if name not in self.columns:
            known = isinstance(key, str) and is_column(name, self.specs)
            self.columns[name] = (name, self.spec(name)) if known else None
        if self.columns[name] is None:
            names = [spec.name for spec in self.specs]
            self.say(f"column.{name}", number, f"has the unknown column `{name[:60]}`{did_you_mean(name, names)}",
                     "`policykit facts --columns` lists them")  # fmt: skip
        return self.columns[name]

    def spec(self, name: str) -> Column:
        """What the vocabulary says of a column; one of a pattern is found by its first and last part."""
        found = self.exact.get(name)
        head, shared = name.split(".")[0] + ".<", name.startswith("address.") and name.endswith(".shared")
        wanted = (spec for spec in self.specs if spec.name.startswith(head) and spec.name.endswith(".shared") == shared)
        return found or next(wanted)

    def cell(self, number: int, name: str, spec: Column, value: object) -> Cell:
        """The cell as the store keeps it; what its type cannot be read from is counted."""
        cell = self.plain(number, name, spec, value)
        if spec.type == "timestamp" and isinstance(cell, str):
            if _NAIVE.fullmatch(cell):
                self.say(f"naive.{name}", number, f"has an instant without an offset under `{name}`",
                         f"nobody knows when that is; write e.g. `{INSTANT_EXAMPLE}`")  # fmt: skip
            elif cell and parse_instant(cell) is None:
                self.unread[name] += 1
        elif spec.type == "timestamp" and cell is not None:
            self.say(f"number.{name}", number, f"has a number for an instant under `{name}`",
                     f"seconds or microseconds, nobody knows; write e.g. `{INSTANT_EXAMPLE}`")  # fmt: skip
        elif spec.type in _TYPES and isinstance(cell, str) and cell and read_text(cell, _TYPES[spec.type]) is None:
            self.unread[name] += 1
        return cell

    def plain(self, number: int, name: str, spec: Column, value: object) -> Cell:
        match value:
            case None | str():
                return value
            case float() if not math.isfinite(value):
                return str(value)
            case bool() | int() | float():
                # A text column holds texts, or the same id given twice would be two people.
                return _as_text(value) if spec.type in ("text", "list") else value
            case datetime() if value.tzinfo is not None:
                return value.isoformat()
            case date():
                return value.isoformat()  # without an offset: told of as such where an instant is expected
            case list() | tuple() | set() | frozenset() if spec.type == "list":
                return "|".join(sorted(map(str, value)) if isinstance(value, set | frozenset) else map(str, value))
            case _:
                self.say(f"type.{name}", number, f"has a {type(value).__name__} under `{name}`",
                         "cells are texts, numbers, true or false, aware datetimes, or None")  # fmt: skip
                return None

    def say(self, kind: str, number: int, what: str, way_out: str) -> None:
        """Remember a problem by its kind: its first row is told, the others are counted. No cell is ever shown."""
        first, count = self.problems.get(kind, (None, 0))
        message = f"row {number} of {self.relation.name} {what}"
        self.problems[kind] = (first or Problem(None, message, way_out, f"data.{kind.split('.')[0]}"), count + 1)

    def end(self) -> None:
        if self.problems:
            raise BadData(_more(problem, count) for problem, count in self.problems.values())
        for name, count in self.unread.items():
            message = "%d cells of `%s` of %s cannot be read; they count as unknown"
            _log.warning(message, count, name, self.relation.name)
        for said in self.doubts.said():
            _log.warning("%s", said)


class Doubts:
    """Addresses by which a send may not be recognised, counted. They are kept as they are."""

    def __init__(self, relation: str) -> None:
        self._relation = relation
        self._found: Counter[tuple[str, str]] = Counter()

    def look(self, row: Row) -> None:
        for channel, address in _addresses(self._relation, row):
            why = addresses.doubt(channel, address)
            if why is not None:
                self._found[channel, why] += 1

    def said(self) -> list[str]:
        """One line for each kind; no address is shown."""
        return [f"{count} addresses of `{channel}` {why}: sends to them may not be recognised as theirs"
                for (channel, why), count in sorted(self._found.items())]  # fmt: skip


def _addresses(relation: str, row: Row) -> Iterator[tuple[str, str]]:
    """Channel and text of every address of a row."""
    if relation == "addresses":
        channel, address = row.get("channel"), row.get("address")
        if channel and address:
            yield str(channel), str(address)
    elif relation == "people":
        for column, cell in row.items():
            if cell and column.startswith("address.") and column.count(".") == 1:
                yield column.removeprefix("address."), str(cell)


def _more(problem: Problem, count: int) -> Problem:
    if count == 1:
        return problem
    return Problem(None, f"{problem.message} (and {count - 1} more rows)", problem.help, problem.code)


def _as_text(value: bool | float) -> str:  # noqa: FBT001  # a cell
    return str(value).lower() if isinstance(value, bool) else str(value)
