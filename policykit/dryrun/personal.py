"""Columns of data files that look personal and that no registry speaks of (S21): names and a bounded sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import duckdb

from policykit.detect.found import Found, look
from policykit.detect.registered import Registered, registered
from policykit.detect.slots import fields_within
from policykit.detect.values import LONGEST, is_value
from policykit.dryrun.sources import Opened, Raw, meant, quoted, reading
from policykit.errors import Place, Problem
from policykit.model import Attribute

_LOOKED_AT = 1000  # rows: what a column holds shows early, and ten million rows must not cost more
_LISTED = 200_000  # rows of attribute values in which ids are looked for
_MOST_COLUMNS = 500
_OBJECTS, _LONGEST_OBJECT = 200, 20_000  # rows of a column of objects, and characters of each
_CELLS = 30_000  # of a wide file, together: a thousand columns must not cost more than thirty


def sample(
    connection: duckdb.DuckDBPyConnection, opened: Opened, raws: Iterable[Raw], rows: int = _LOOKED_AT
) -> dict[Raw, list[str | None]]:
    """The first cells of columns, as texts, cut. The whole file is never read for it.

    Raises `BadData` when a row cannot be read.
    """
    raws = tuple(raws)[:_MOST_COLUMNS]
    if not raws:
        return {}
    rows = max(min(rows, _CELLS // len(raws)), 50)
    read = ", ".join(f"left(CAST({raw.sql} AS VARCHAR), {LONGEST})" for raw in raws)
    with reading(opened):
        found = connection.execute(f"SELECT {read} FROM {opened.scan} LIMIT {rows}").fetchall()
    return {raw: [row[at] for row in found] for at, raw in enumerate(raws)}


def listed_attributes(connection: duckdb.DuckDBPyConnection, opened: Opened) -> tuple[str, ...]:
    """The ids that a file of attribute values speaks of, sorted."""
    column = opened.columns["attribute"].sql
    first = f"(SELECT left(CAST({column} AS VARCHAR), {LONGEST}) AS a FROM {opened.scan} LIMIT {_LISTED})"
    ids = connection.execute(f"SELECT DISTINCT a FROM {first} WHERE a <> '' ORDER BY a LIMIT {_MOST_COLUMNS}")
    return tuple(str(row[0]) for row in ids.fetchall() if not is_value(str(row[0])))


def values_of(
    connection: duckdb.DuckDBPyConnection, opened: Opened, attribute: str, rows: int = _LOOKED_AT
) -> list[str | None]:
    """The first values of one id in a file of attribute values."""
    if "value" not in opened.columns:
        return []
    column, value = opened.columns["attribute"].sql, opened.columns["value"].sql
    return [
        row[0] for row in connection.execute(
            f"SELECT left(CAST({value} AS VARCHAR), {LONGEST}) FROM {opened.scan} "
            f"WHERE CAST({column} AS VARCHAR) = {quoted(attribute)} LIMIT {rows}"
        ).fetchall()
    ]  # fmt: skip


def unregistered(
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[str, Opened],
    attributes: Mapping[str, Attribute],
    ignore: frozenset[str] = frozenset(),
) -> Iterator[Problem]:
    """An error for each field that surely is personal and that no registered attribute stands for.

    ignore: headers that the manifest says are not about the person, or not for this campaign to know of.
    """
    known = registered(attributes.values())
    for name, opened in files.items():
        here = [raw for raw in _open_columns(opened, known) if raw.header not in ignore]
        for raw, cells in sample(connection, opened, here).items():
            found = look(raw.header.removeprefix("attributes."), cells)
            if found is not None and found.confidence == "high":
                yield _refused(Place(opened.label, 1, raw.position), f"column `{raw.header}`", raw.header, found)
            elif any(cell is not None and cell.lstrip()[:1] in ("{", "[") for cell in cells):
                yield from _within(connection, opened, raw, known)
        for listed in listed_attributes(connection, opened) if name == "attributes" else ():
            found = None if listed in ignore or known.knows(listed, opened.label) else look(listed)
            if found is not None and found.confidence == "high":
                yield _refused(opened.place(column="attribute"), f"attribute `{listed}`", listed, found)


def _within(connection: duckdb.DuckDBPyConnection, opened: Opened, raw: Raw, known: Registered) -> Iterator[Problem]:
    """An error for a column that holds objects or lists in which something surely is personal."""
    texts = raw.sql if raw.type in ("VARCHAR", "JSON") else f"CAST(to_json({raw.sql}) AS VARCHAR)"
    rows = connection.execute(f"SELECT left({texts}, {_LONGEST_OBJECT}) FROM {opened.scan} LIMIT {_OBJECTS}").fetchall()
    for name, values in fields_within(row[0] for row in rows).items():
        found = None if known.knows(name, opened.label) else look(name or raw.header, values)
        if found is not None and found.confidence == "high":
            what = f"`{name}` in column `{raw.header}`" if name else f"column `{raw.header}`"
            yield _refused(Place(opened.label, 1, raw.position), what, raw.header, found, whole=not name)
            return


def ignored_in_vain(
    connection: duckdb.DuckDBPyConnection, files: Mapping[str, Opened], ignore: frozenset[str]
) -> Iterator[Problem]:
    """A warning for each name under `ignore:` that no file has: most likely misspelt, or left behind."""
    raws = [raw for opened in files.values() for raw in (*opened.unread, *opened.columns.values())]
    headers = {raw.header for raw in raws}
    if ignore and "attributes" in files:
        headers.update(listed_attributes(connection, files["attributes"]))
    for name in sorted(ignore - headers):
        message = f"no file has the column `{name}` that `ignore` names{meant(name, headers)}"
        yield Problem(Place(files["people"].label), message, "correct it, or take it out", "data.ignored", "warning")


def _open_columns(opened: Opened, known: Registered) -> Iterator[Raw]:
    """Columns that the vocabulary does not have, or has only as the value of an attribute nobody registered."""
    values = (raw for name, raw in opened.columns.items() if name.startswith("attributes."))
    for raw in (*opened.unread, *values):
        if not known.knows(_attribute_of(opened, raw), opened.label):
            yield raw


def _attribute_of(opened: Opened, raw: Raw) -> str:
    return next((name for name, each in opened.columns.items() if each is raw), raw.header)


def _refused(place: Place, what: str, name: str, found: Found, *, whole: bool = True) -> Problem:
    """whole: whether all of the column is what was found, and not a field of the objects in it."""
    message = f"{what} looks personal ({found.concept.plain}: {found.why}) and is not registered"
    column = f"map it (`columns: {{{found.concept.column}: {name}}}`), " if whole and found.concept.column else ""
    register = "register it (`policykit scan` writes the entry) or name it under `sources:` of an attribute"
    way_out = f"{column}{register}, or say `audience: {{ignore: [{name}]}}`"
    return Problem(place, message, way_out, "data.unregistered")
