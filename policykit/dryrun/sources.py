"""Data files, opened: their columns under the names of the vocabulary, as text or as Parquet types them.

Every finding about a file (missing, unreadable, a column that should be there) is collected, so
that one run reports them all.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import duckdb

from policykit.detect.values import is_value
from policykit.errors import BadData, Place, Problem
from policykit.vocabulary import RELATIONS, Column, Relation, Vocabulary, is_column, relation_columns, short_name

Format = Literal["csv", "jsonl", "parquet"]
_FORMATS: Mapping[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_DELIMITERS = (",", ";", "\t", "|")
_HEADER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A data file. columns: name of the vocabulary (`recipient.id` or `id`) -> header in the file.

    place: where the manifest or the command line names the file, for problems about the file itself.
    """

    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of one dry run; a relation that is None was not supplied, so it is unknown (M3).

    suppressed: whether the store suppresses an address (channel, text); None = no store was asked.
    ignore: headers of columns that may look personal and are nobody's business here.
    """

    people: Source
    addresses: Source | None = None
    consents: Source | None = None
    history: Source | None = None
    attributes: Source | None = None
    feedback: Source | None = None
    suppressed: Callable[[str, str], bool] | None = None
    ignore: frozenset[str] = frozenset()

    def given(self) -> dict[str, Source]:
        """Relations that were supplied, by name, in the order of the vocabulary."""
        return {r.name: source for r in RELATIONS if (source := getattr(self, r.name)) is not None}


@dataclass(frozen=True, slots=True)
class Raw:
    """A column as the file has it. sql: how to read it from `Opened.scan`; type: DuckDB's name of its type."""

    header: str
    sql: str
    type: str
    position: int  # from 1


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that can be read. scan: what stands after FROM; columns: by name of the vocabulary; unread: the others."""

    relation: Relation
    label: str
    format: Format
    scan: str
    columns: Mapping[str, Raw]
    unread: tuple[Raw, ...] = ()

    def place(self, row: int | None = None, column: str | None = None) -> Place:
        """Row counts from 1 without the header; the line of a CSV row is one more."""
        raw = self.columns.get(column) if column else None
        line = 1 if row is None else row + (self.format == "csv")
        return Place(self.label, line, raw.position if raw else 1)


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def named(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def file_literal(path: Path) -> str:
    """A path as an SQL literal that DuckDB takes letter by letter, not as a pattern."""
    return quoted("".join(f"[{c}]" if c in "*?[" else c for c in str(path)))


def open_source(
    connection: duckdb.DuckDBPyConnection, relation: Relation, source: Source, vocabulary: Vocabulary
) -> tuple[Opened | None, list[Problem]]:
    """The file with its columns found, or None with what is wrong with it."""
    label = str(source.path)
    if not source.path.is_file():
        what = "is a folder, not a file" if source.path.is_dir() else "does not exist"
        return None, [
            Problem(
                source.place,
                f"{relation.name} file `{label}` {what}",
                "give the path of a CSV, JSONL or Parquet file",
                "data.missing-file",
            )
        ]
    kind = _FORMATS.get(source.path.suffix.lower())
    if kind is None:
        return None, [Problem(source.place, f"{relation.name} file `{label}` is neither CSV, JSONL nor Parquet",
                              "the ending says which: .csv, .jsonl or .parquet", "data.format")]  # fmt: skip
    try:
        scan, raws = _READERS[kind](connection, source.path)
    except _Unreadable as error:
        return None, [error.at(label)]
    if any(is_value(raw.header) for raw in raws):
        return None, [Problem(Place(label), "the first line holds values, not the names of columns",
                              "begin the file with a line of names", "data.no-header")]  # fmt: skip
    columns, problems = _match(relation, source, raws, label, vocabulary)
    unread = tuple(raw for raw in raws if raw not in columns.values())
    opened = Opened(relation, label, kind, scan, columns, unread)
    return (None if problems else opened), problems


class _Unreadable(Exception):  # noqa: N818  # never leaves this module
    def __init__(self, message: str, help: str | None = None, line: int = 1) -> None:  # noqa: A002  # as in `Problem`
        super().__init__(message)
        self.help, self.line = help, line

    def at(self, label: str) -> Problem:
        return Problem(Place(label, self.line, 1), str(self), self.help, "data.unreadable")


# --- the three formats --------------------------------------------------------------------------


def _open_csv(_: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, list[Raw]]:
    headers, delimiter = _csv_header(path)
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(headers)))
    scan = (
        f"read_csv({file_literal(path)}, columns = {{{columns}}}, auto_detect = false, header = true, "
        f"delim = {quoted(delimiter)}, quote = '\"', escape = '\"', nullstr = '', strict_mode = true)"
    )
    return scan, [Raw(header, f"c{i}", "VARCHAR", i + 1) for i, header in enumerate(headers)]


def _csv_header(path: Path) -> tuple[list[str], str]:
    with path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    if not start.strip():
        raise _Unreadable("the file is empty", "the first line names the columns")
    first = start.splitlines()[0]
    if not first.strip():
        raise _Unreadable("the first line is empty", "the first line names the columns")
    try:
        text = first.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _Unreadable("the header is not UTF-8", "save the file as UTF-8") from None
    delimiter = max(_DELIMITERS, key=text.count)
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)), delimiter
    except csv.Error as error:
        raise _Unreadable(f"the header cannot be read: {error}", "name each column once, on one line") from None


def _open_jsonl(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, list[Raw]]:
    objects = f"read_json_objects({file_literal(path)}, format = 'newline_delimited')"
    wrong = run(connection, f"SELECT count(*) FILTER (WHERE json_type(json) <> 'OBJECT') FROM {objects}")[0][0]
    if wrong:
        raise _Unreadable(f"{wrong} lines are not JSON objects", 'each line is an object, e.g. {"id": "007"}')
    again = "len(list_distinct(json_keys(json))) < len(json_keys(json))"
    twice = run(connection, f"SELECT count(*) FROM {objects} WHERE {again}")[0][0]
    if twice:
        raise _Unreadable(f"{twice} lines name a key twice", "an object says each thing once")
    keys = run(connection, f"SELECT DISTINCT unnest(json_keys(json)) AS k FROM {objects} ORDER BY k")
    return objects, [Raw(str(key), _json_text(str(key)), "VARCHAR", i + 1) for i, (key,) in enumerate(keys)]


def _json_text(key: str) -> str:
    pointer = quoted("/" + key.replace("~", "~0").replace("/", "~1"))
    listed = f"array_to_string(CAST(json_extract(json, {pointer}) ->> '$[*]' AS VARCHAR[]), '|')"
    return f"CASE WHEN json_type(json, {pointer}) = 'ARRAY' THEN {listed} ELSE json ->> {pointer} END"


def _open_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, list[Raw]]:
    scan = f"read_parquet({file_literal(path)}, file_row_number = true)"
    described = run(connection, f"DESCRIBE SELECT * FROM read_parquet({file_literal(path)})")
    return scan, [Raw(str(row[0]), named(str(row[0])), str(row[1]), i + 1) for i, row in enumerate(described)]


_READERS = {"csv": _open_csv, "jsonl": _open_jsonl, "parquet": _open_parquet}


def run(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    """All rows of a statement; a file DuckDB cannot read raises `_Unreadable`."""
    try:
        return connection.execute(sql).fetchall()  # type: ignore[no-any-return]  # duckdb has no types here
    except duckdb.OutOfMemoryException:
        raise  # says nothing about the file
    except duckdb.Error as error:
        raise _unreadable(error) from None


@contextmanager
def reading(opened: Opened) -> Iterator[None]:
    """Around statements that read a file's rows: one that DuckDB cannot read raises `BadData`."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise  # says nothing about the file
    except duckdb.Error as error:
        raise BadData(_unreadable(error).at(opened.label)) from None


_KNOWN = (
    ("Invalid unicode", "the file is not UTF-8", "save the file as UTF-8"),
    ("invalid UTF-8", "the file is not UTF-8", "save the file as UTF-8"),
    ("Maximum line size of", "a line is longer than 2,000,000 bytes", "look for a quote that is never closed"),
    ("invalid state", "its lines end in two ways", "save it with one kind of line end"),
    ("unterminated quote", "a quote is never closed", "close it, or double a quote that belongs to the text"),
)
_COLUMNS = re.compile(r"Expected Number of Columns: ([0-9]+) Found: ([0-9]+)")


def _unreadable(error: duckdb.Error) -> _Unreadable:
    """DuckDB's complaint about a file, in our words; what stands in the file is never repeated."""
    text = str(error)
    line = _line_in(text)
    for sign, message, way in _KNOWN:
        if sign in text:
            return _Unreadable(message, way, line)
    if found := _COLUMNS.search(text):
        wanted, columns = found.groups()
        return _Unreadable(f"the row has {columns} cells, the header {wanted}", "give every row as many cells", line)
    first = text.split("\n")[0].removeprefix("Invalid Input Error: ")
    what = "" if "CSV Error" in first else f": {first.strip().rstrip('.').lower()[:200]}"
    return _Unreadable(f"the file cannot be read{what}", None, line)


def _line_in(text: str) -> int:
    for marker in ("CSV Error on Line: ", "in record/value ", "at line "):
        if marker in text:
            digits = text.split(marker, 1)[1].split()[0].strip(".,:")
            return int(digits) if digits.isdigit() else 1
    return 1


# --- columns ------------------------------------------------------------------------------------


def _match(
    relation: Relation, source: Source, raws: list[Raw], label: str, vocabulary: Vocabulary
) -> tuple[dict[str, Raw], list[Problem]]:
    """Columns of the file by name of the vocabulary; the mapping wins over equal names."""
    specs = relation_columns(relation, vocabulary)
    by_header: dict[str, Raw] = {}
    problems: list[Problem] = []
    for raw in raws:
        if raw.header in by_header:
            problems.append(Problem(Place(label, 1, raw.position), f"column `{raw.header}` appears twice",
                                    "name each column once", "data.duplicate-column"))  # fmt: skip
        by_header.setdefault(raw.header, raw)
    found: dict[str, Raw] = {}
    for name, header in source.columns.items():
        short = short_name(name, relation)
        if not is_column(short, specs):
            problems.append(Problem(source.place, f"`{name}` is no column of "
                f"{relation.name}{meant(short, _names(specs))}",
                                    "`policykit facts --columns` lists them", "data.unknown-column"))  # fmt: skip
        elif header not in by_header:
            problems.append(Problem(Place(label), f"`{name}` should be read from column `{header}`, which the file "
                                    f"does not have{meant(header, by_header)}", _has(by_header),
                                    "data.missing-column"))  # fmt: skip
        else:
            found[short] = by_header[header]
    mapped = {raw.header for raw in found.values()}
    for header, raw in by_header.items():
        short = short_name(header, relation)
        if header in mapped or not is_column(short, specs):
            continue
        first = found.setdefault(short, raw)
        if first is not raw and first.header not in mapped:
            problems.append(Problem(Place(label, 1, raw.position),
                                    f"column appears twice (`{first.header}` and `{header}`)",
                                    "name each column once", "data.duplicate-column"))  # fmt: skip
    problems += _alike(found, label)
    problems += [_missing(relation, spec, label, by_header) for spec in specs if _absent(spec, found, source, relation)]
    return found, problems


def _alike(found: Mapping[str, Raw], label: str) -> Iterator[Problem]:
    """Columns that DuckDB takes for one, because it does not tell `A` from `a`."""
    names: dict[str, str] = {}
    for name, raw in found.items():
        first = names.setdefault(name.lower(), name)
        if first != name:
            message = f"columns `{first}` and `{name}` differ in capital letters only"
            yield Problem(Place(label, 1, raw.position), message, "rename one of the two", "data.duplicate-column")


def _absent(spec: Column, found: Mapping[str, Raw], source: Source, relation: Relation) -> bool:
    named_ = {short_name(name, relation) for name in source.columns}
    return spec.required and spec.name not in found and spec.name not in named_


def _missing(relation: Relation, spec: Column, label: str, headers: Iterable[str]) -> Problem:
    return Problem(
        Place(label), f"column `{spec.name}` of {relation.name} is missing{meant(spec.name, headers)}",
        f"add it, or map it: `columns: {{{_long(spec.name, relation)}: <header>}}`; {_has(headers)}",
        "data.missing-column",
    )  # fmt: skip


def _long(name: str, relation: Relation) -> str:
    return f"recipient.{name}" if relation.name == "people" and "." not in name else name


def _names(specs: Iterable[Column]) -> list[str]:
    return [spec.name for spec in specs]


def meant(word: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """What was meant by a word, as the end of a sentence; empty when nothing is like it."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=likeness)
    return f"; did you mean `{near[0]}`?" if near else ""


def _has(headers: Iterable[str]) -> str:
    names = list(headers)
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return "the file has " + ", ".join(f"`{name}`" for name in names[:8]) + more if names else "the file has no columns"
