"""The relations of one dry run as SQL: typed, under the names of the vocabulary, with one kind of person key.

Parquet is scanned where it lies; CSV and JSONL are read once into a table. Rows of the audience
carry their number in the file, from 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from policykit.dryrun import cells
from policykit.dryrun.doubts import about_nobody, odd_words, overlooked
from policykit.dryrun.personal import ignored_in_vain, unregistered
from policykit.dryrun.sources import Opened, Raw, Source, Sources, named, open_source, quoted, reading
from policykit.dryrun.suppressed import marked
from policykit.errors import BadData, Place, Problem
from policykit.facts.feedback import EMPTY, FREE, SUPPRESSED, UNREAD
from policykit.model import Attribute
from policykit.vocabulary import RELATIONS, Column, Vocabulary, relation_columns

MAX_ROWS_OF_ONE = 16  # of one person in an audience; more is wrong input (M7)
_RELATIONS = {relation.name: relation for relation in RELATIONS}


@dataclass(frozen=True, slots=True)
class Table:
    """A typed relation. sql: what stands after FROM; columns: names of the vocabulary that the data has.

    People have `row` BIGINT, `key` and `id` VARCHAR; the others `person` of the type of `key`.
    """

    name: str
    sql: str
    columns: frozenset[str]
    rows: int
    opened: Opened


@dataclass(frozen=True, slots=True)
class Data:
    """Everything supplied. key_type: BIGINT when every file holds integer ids, else VARCHAR.

    repeated: rows beyond a person's first; most: the most rows one person has. Such people are in
    the table `repeated_rows` (row, key, turn from 1). facts: path -> column of people it is read from.
    """

    tables: Mapping[str, Table]
    key_type: str
    repeated: int
    most: int
    warnings: tuple[Problem, ...]
    facts: Mapping[str, str]

    @property
    def people(self) -> Table:
        return self.tables["people"]

    def get(self, name: str) -> Table | None:
        return self.tables.get(name)


def read_data(
    connection: duckdb.DuckDBPyConnection,
    sources: Sources,
    vocabulary: Vocabulary,
    attributes: Mapping[str, Attribute] | None = None,
) -> Data:
    """The relations of all files; every problem of every file at once raises `BadData`.

    attributes: those registered; then personal columns that are not are refused. None = nobody looks.
    """
    opened, problems = _open_all(connection, sources, vocabulary)
    if attributes is not None:
        problems += unregistered(connection, opened, attributes, sources.ignore)
    problems += [p for o in opened.values() for p in _mistyped(o, vocabulary)]
    if problems:
        raise BadData(problems)
    key_type = "BIGINT" if all(_key(o).type in cells.KEYS for o in opened.values()) else "VARCHAR"
    tables, warnings = _read_all(connection, opened, key_type, vocabulary)
    repeated, most = _check_people(connection, tables["people"])
    tables = marked(connection, tables, sources.suppressed)
    warnings += [warning for source in opened.values() for warning in overlooked(source, vocabulary)]
    warnings += ignored_in_vain(connection, opened, sources.ignore)
    warnings += [warning for table in tables.values() for warning in odd_words(connection, table.sql, table.opened)]
    warnings += about_nobody(connection, tables["people"].sql, _others(tables))
    columns = tables["people"].columns
    facts = {s.path: column_name(s.column) for s in vocabulary.facts.values() if s.column and s.column in columns}
    return Data(tables, key_type, repeated, most, tuple(warnings), facts)


def read_relation(
    connection: duckdb.DuckDBPyConnection, name: str, source: Source, vocabulary: Vocabulary
) -> tuple[Table, list[Problem]]:
    """One relation by itself, with warnings; every problem of its file at once raises `BadData`."""
    opened, problems = open_source(connection, _RELATIONS[name], source, vocabulary)
    problems += _mistyped(opened, vocabulary) if opened else ()
    if opened is None or problems:
        raise BadData(problems)
    with reading(opened):
        problems, warnings = _check_cells(connection, opened, vocabulary)
        if problems:
            raise BadData(problems)
        table = _table(connection, opened, "VARCHAR", vocabulary)
    return table, [*warnings, *overlooked(opened, vocabulary), *odd_words(connection, table.sql, opened)]


def _others(tables: Mapping[str, Table]) -> dict[str, tuple[str, Opened]]:
    return {name: (table.sql, table.opened) for name, table in tables.items() if name != "people"}


def _open_all(
    connection: duckdb.DuckDBPyConnection, sources: Sources, vocabulary: Vocabulary
) -> tuple[dict[str, Opened], list[Problem]]:
    opened: dict[str, Opened] = {}
    problems: list[Problem] = []
    for name, source in sources.given().items():
        found, wrong = open_source(connection, _RELATIONS[name], source, vocabulary)
        problems += wrong
        if found is not None:
            opened[name] = found
    return opened, problems


def _read_all(
    connection: duckdb.DuckDBPyConnection, opened: Mapping[str, Opened], key_type: str, vocabulary: Vocabulary
) -> tuple[dict[str, Table], list[Problem]]:
    """The typed tables by name, with warnings; every problem of every file at once raises `BadData`."""
    tables: dict[str, Table] = {}
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for name, source in opened.items():
        try:
            with reading(source):
                found, doubtful = _check_cells(connection, source, vocabulary)
                problems += found
                warnings += doubtful
                tables[name] = _table(connection, source, key_type, vocabulary)
        except BadData as error:
            problems += error.problems
    if problems:
        raise BadData(problems)
    return tables, warnings


def typed_columns(opened: Opened, vocabulary: Vocabulary) -> Iterator[tuple[str, Raw, Column]]:
    """The columns found, with what the vocabulary says of each."""
    specs = relation_columns(opened.relation, vocabulary)
    exact = {spec.name: spec for spec in specs}
    shared = next((spec for spec in specs if spec.name.endswith(".shared")), None)
    for name, raw in opened.columns.items():
        spec = exact.get(name)
        if spec is None:
            prefix = name.split(".")[0] + ".<"
            spec = shared if name.startswith("address.") and name.endswith(".shared") else None
            spec = spec or next(s for s in specs if s.name.startswith(prefix))
        yield name, raw, spec


def _mistyped(opened: Opened, vocabulary: Vocabulary) -> Iterator[Problem]:
    for name, raw, spec in typed_columns(opened, vocabulary):
        if name.startswith("attributes.") and opened.relation.name == "people":
            continue  # values of any type are read as the registry types them
        place = Place(opened.label, 1, raw.position)
        if spec.type == "timestamp" and cells.is_naive(raw):
            yield Problem(place, f"column `{raw.header}` holds instants without a zone",
                          "store them as instants with a zone (timestamp, isAdjustedToUTC = true)",
                          "data.naive-time")  # fmt: skip
        elif not cells.fits(raw, spec.type):
            yield Problem(place, f"column `{raw.header}` holds {raw.type.lower()}, expected {_WORDS[spec.type]}",
                          f"write {_WORDS[spec.type]}", "data.mistyped-column")  # fmt: skip


_MISTYPED_FROM = 10  # cells: a column of fewer, all unreadable, may be bad luck and is only warned of
_WORDS = {
    "text": "text", "bool": "`true` or `false`", "int": "whole numbers", "double": "numbers", "list": "texts separated "
        "by `|`",
    "timestamp": "instants with an offset, e.g. 2026-03-02T10:00:00+01:00",
}  # fmt: skip


def _key(opened: Opened) -> Raw:
    return opened.columns["id" if opened.relation.name == "people" else "person"]


# --- cells that cannot be read --------------------------------------------------------------------


def _check_cells(
    connection: duckdb.DuckDBPyConnection, opened: Opened, vocabulary: Vocabulary
) -> tuple[list[Problem], list[Problem]]:
    """Errors for instants without an offset and columns of which no cell can be read; warnings that count
    other cells that cannot be read.
    """
    doubtful = [
        (name, raw, spec) for name, raw, spec in typed_columns(opened, vocabulary)
        if cells.is_text(raw) and spec.type in ("bool", "int", "double", "timestamp")
    ]  # fmt: skip
    if not doubtful:
        return [], []
    counts = ", ".join(
        f"count(*) FILTER (WHERE {raw.sql} <> ''), "
        f"count(*) FILTER (WHERE {raw.sql} <> '' AND {cells.cell(raw, spec.type)} IS NULL), "
        + (f"count(*) FILTER (WHERE {cells.naive(raw)})" if spec.type == "timestamp" else "0")
        for _, raw, spec in doubtful
    )
    found = connection.execute(f"SELECT {counts} FROM {opened.scan}").fetchall()[0]
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for (name, raw, spec), filled, bad, naive in zip(doubtful, found[::3], found[1::3], found[2::3], strict=True):
        if naive:
            errors.append(_naive_problem(connection, opened, name, raw, naive))
        elif bad == filled >= _MISTYPED_FROM:
            errors.append(Problem(Place(opened.label, 1, raw.position), f"column `{raw.header}` is mistyped: none of "
                f"its {filled:,} cells can be read, expected {_WORDS[spec.type]}",
                f"write {_WORDS[spec.type]}, or map another column", "data.mistyped-column"))  # fmt: skip
        elif bad:
            place = Place(opened.label, 1, raw.position)
            becomes = "leave the company's rank" if name.startswith("rank.") else "count as unknown"
            message = f"{bad:,} cells of `{raw.header}` are not {_WORDS[spec.type]}; they {becomes}"
            warnings.append(Problem(place, message, None, "data.unreadable-cells", "warning"))
    return errors, warnings


def _naive_problem(connection: duckdb.DuckDBPyConnection, opened: Opened, name: str, raw: Raw, count: int) -> Problem:
    connection.execute("SET preserve_insertion_order = true")
    row, text = connection.execute(
        f"SELECT n, t FROM (SELECT row_number() OVER () AS n, {raw.sql} AS t, {cells.naive(raw)} AS wrong "
        f"FROM {opened.scan}) WHERE wrong ORDER BY n LIMIT 1"
    ).fetchall()[0]
    more = f" (and {count - 1:,} more in this column)" if count > 1 else ""
    return Problem(opened.place(row, name), f"`{text}` has no offset{more}",
                   f"write the offset too, e.g. `{text}Z` or `{text}+01:00`", "data.naive-time")  # fmt: skip


# --- typed tables -----------------------------------------------------------------------------------


def _table(connection: duckdb.DuckDBPyConnection, opened: Opened, key_type: str, vocabulary: Vocabulary) -> Table:
    people = opened.relation.name == "people"
    key = _key(opened)
    # Integers of every width become BIGINT; otherwise the id is its text.
    read_key = f"CAST({key.sql} AS BIGINT)" if key_type == "BIGINT" else cells.as_text(key)
    columns = [f"{read_key} AS {'key' if people else 'person'}"]
    members = {
        spec.column: spec.members for spec in vocabulary.facts.values() if people and spec.column and spec.members
    }
    if people:
        columns.append(f"{cells.as_text(key)} AS id")
    for name, raw, spec in typed_columns(opened, vocabulary):
        if raw is key and name in ("id", "person"):
            continue
        read = _person_cell(name, raw, spec, members.get(name)) if people else _record_cell(name, raw, spec)
        columns.append(f"{read} AS {named(column_name(name))}")
        if name == "expires_at":
            columns.append(f"{cells.as_text(raw)} IS NULL AS endless")
    listed = ", ".join(columns)
    if opened.format == "parquet":
        row = "file_row_number + 1 AS row, " if people else ""
        sql = f"(SELECT {row}{listed} FROM {opened.scan})"
    else:
        connection.execute(f"SET preserve_insertion_order = {'true' if people else 'false'}")
        connection.execute(f"CREATE TEMP TABLE {opened.relation.name}_read AS SELECT {listed} FROM {opened.scan}")
        connection.execute("SET preserve_insertion_order = false")
        row = "rowid + 1 AS row, " if people else ""
        sql = f"(SELECT {row}* FROM {opened.relation.name}_read)"
    rows = connection.execute(f"SELECT count(*) FROM {sql}").fetchall()[0][0]
    return Table(opened.relation.name, sql, frozenset(opened.columns), rows, opened)


def _person_cell(name: str, raw: Raw, spec: Column, members: Sequence[str] | None) -> str:
    """SQL of a cell of `people`. members: the only texts it may hold, None = any."""
    read = cells.as_text(raw) if name.startswith("attributes.") else cells.cell(raw, spec.type)
    return f"CASE WHEN {read} IN ({', '.join(map(quoted, members))}) THEN {read} END" if members else read


def _record_cell(name: str, raw: Raw, spec: Column) -> str:
    """SQL of a cell of any other relation."""
    read, said = cells.cell(raw, spec.type), cells.as_text(raw)
    match name:
        case "suppressed":  # an empty cell and one that cannot be read are two things
            return (
                f"CASE WHEN {said} IS NULL THEN '{EMPTY}' WHEN {read} THEN '{SUPPRESSED}' "
                f"WHEN NOT {read} THEN '{FREE}' ELSE '{UNREAD}' END"
            )
        case "lower_tolerance":  # likewise: 0 and -1
            return f"CASE WHEN {said} IS NULL THEN 0 WHEN {read} >= 0 THEN {read} ELSE -1 END"
        case "evidence" | "permission":  # `false` is how exports say that there is none
            return f"CASE WHEN lower({read}) <> 'false' THEN {read} END"
        case _:
            return read


def column_name(name: str) -> str:
    """The column of a typed table; `at` is a word of DuckDB's own, `row` and `key` are ours."""
    return {"at": "instant", "row": "fact.row", "key": "fact.key"}.get(name, name)


def _check_people(connection: duckdb.DuckDBPyConnection, people: Table) -> tuple[int, int]:
    """Rows beyond the first of a person, and the most of one person; raises what is wrong with the audience."""
    if people.rows == 0:
        raise BadData(
            Problem(
                people.opened.place(), "the audience is empty", "give a file with at least one person", "data.empty"
            )
        )
    connection.execute(
        f"CREATE TEMP TABLE repeated_people AS SELECT key, count(*) AS n FROM {people.sql} "
        "GROUP BY key HAVING count(*) > 1 OR key IS NULL"
    )
    repeated, most, empty = connection.execute(
        "SELECT coalesce(sum(n - 1), 0), coalesce(max(n), 1), coalesce(sum(n) FILTER (WHERE key IS "
        "NULL), 0) FROM repeated_people"
    ).fetchall()[0]
    connection.execute(
        "CREATE TEMP TABLE repeated_rows AS SELECT row, key, row_number() OVER (PARTITION BY key ORDER BY row) AS turn "
        f"FROM {people.sql} WHERE key IN (SELECT key FROM repeated_people)"
    )
    problems = []
    if empty:
        row = connection.execute(f"SELECT min(row) FROM {people.sql} WHERE key IS NULL").fetchall()[0][0]
        more = f" (and {empty - 1:,} more)" if empty > 1 else ""
        problems.append(
            Problem(people.opened.place(row, "id"), f"a person has no id{more}", "every row needs one", "data.empty-id")
        )
    elif most > MAX_ROWS_OF_ONE:
        row = connection.execute(f"SELECT min(row) FROM repeated_rows WHERE turn > {MAX_ROWS_OF_ONE}").fetchall()[0][0]
        problems.append(Problem(people.opened.place(row, "id"), f"one person has {most:,} rows, more than "
            f"{MAX_ROWS_OF_ONE}",
                                "an audience names each person once", "data.repeated-person"))  # fmt: skip
    if problems:
        raise BadData(problems)
    return int(repeated), int(most)
