"""What a file says and nobody will read: columns of nearly the right name, and rows about nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb

from policykit.dryrun.sources import Opened, is_column, meant, relation_columns, short_name
from policykit.errors import Place, Problem
from policykit.vocabulary import Vocabulary

_LOOKED_AT = 1000  # people of a relation looked for before all of them are
_LONG = 5  # shorter names are like too many others


def overlooked(opened: Opened, vocabulary: Vocabulary) -> Iterator[Problem]:
    """A warning for each column that is not read and was perhaps meant to be."""
    specs = relation_columns(opened.relation, vocabulary)
    long = (spec.name for spec in specs if len(spec.name) >= _LONG and "<" not in spec.name)
    free = [name for name in long if name not in opened.columns]
    for raw in opened.unread:
        plain = short_name(raw.header.strip().lower().replace(" ", "_").replace("-", "_"), opened.relation)
        if plain in opened.columns:
            continue
        near = f"; did you mean `{plain}`?" if is_column(plain, specs) else meant(plain, free, 0.8)
        if near:
            message = f"column `{raw.header}` of {opened.relation.name} is not read{near}"
            way_out = "rename it, or map it under `columns:`; a column that is not read says nothing"
            yield Problem(Place(opened.label, 1, raw.position), message, way_out, "data.unread-column",
                          "warning")  # fmt: skip


def about_nobody(
    connection: duckdb.DuckDBPyConnection, people: str, relations: Mapping[str, tuple[str, Opened]]
) -> Iterator[Problem]:
    """A warning for each relation with rows, none of which is about anybody in the audience.

    people: SQL of the audience; relations: name -> (SQL, file).
    """
    for name, (sql, opened) in relations.items():
        some = f"(SELECT person FROM {sql} LIMIT {_LOOKED_AT})"
        if _any(connection, f"{people} WHERE key IN {some}") or not _any(connection, sql):
            continue
        if not _any(connection, f"{sql} WHERE person IN (SELECT key FROM {people})"):
            message = f"no row of {name} is about anybody in the audience"
            way_out = "ids are compared letter by letter: `007`, `7` and ` 7` are three people"
            yield Problem(opened.place(column="person"), message, way_out, "data.nobody", "warning")


def _any(connection: duckdb.DuckDBPyConnection, source: str) -> bool:
    return bool(connection.execute(f"SELECT 1 FROM {source} LIMIT 1").fetchall())
