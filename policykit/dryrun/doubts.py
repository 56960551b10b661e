"""What a file says and nobody will read: columns of nearly the right name, rows about nobody, words nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb

from policykit.dryrun.sources import Opened, meant, named, quoted
from policykit.errors import Place, Problem
from policykit.facts.zones import zones
from policykit.language.suggest import some
from policykit.vocabulary import (
    BASES,
    CHANNELS,
    COUNTRIES,
    DEGREES,
    MESSAGE_CLASSES,
    ORIGINS,
    QUALITIES,
    REGIONS,
    STATUSES,
    Shaped,
    Vocabulary,
    is_column,
    relation_columns,
    short_name,
)

_LOOKED_AT = 1000  # people of a relation looked for before all of them are
_LONG = 5  # shorter names are like too many others
_FIRST = 200_000  # rows in which words are looked at: who exports a wrong word exports it early

_UNKNOWN = "count as unknown"
_CHANNELS, _ORIGINS = tuple(CHANNELS), tuple(origin for origin, _ in ORIGINS)
# relation -> column -> the words it may hold, and what becomes of others
_WORDS: Mapping[str, Mapping[str, tuple[tuple[str, ...] | Shaped, str]]] = {
    "people": {
        "country": (COUNTRIES, _UNKNOWN),
        "region": (REGIONS, _UNKNOWN),
        "zone": (tuple(sorted(zones())), _UNKNOWN),
    },
    "addresses": {"channel": (_CHANNELS, "are read as no address"), "origin": (_ORIGINS, _UNKNOWN)},
    "consents": {
        "status": (STATUSES, "count as refusals"),
        "channel": (("*", *_CHANNELS), "mean every channel in a refusal, none in a grant"),
        "quality": (tuple(rung for rung, _ in QUALITIES), "count as no quality"),
        "basis": (BASES, "count as no basis"),
    },
    "history": {"channel": (_CHANNELS, "count in every cap"), "message_class": (MESSAGE_CLASSES, "count in every cap")},
    "attributes": {"origin": (_ORIGINS, _UNKNOWN)},
    "feedback": {"degree": (tuple(degree for degree, _ in DEGREES), "leave the person's degree unknown")},
}


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
    """A warning for each relation with rows that name no person, or none of which is about anybody in the audience.

    people: SQL of the audience; relations: name -> (SQL, file).
    """
    for name, (sql, opened) in relations.items():
        first = f"(SELECT person FROM {sql} LIMIT {_FIRST})"
        nameless = connection.execute(f"SELECT count(*) FROM {first} WHERE person IS NULL").fetchall()[0][0]
        if nameless:
            message = f"{nameless:,} rows of {name} name no person; what they say counts for nobody"
            yield Problem(opened.place(column="person"), message, "fill in whom they are about", "data.no-person",
                          "warning")  # fmt: skip
        some = f"(SELECT person FROM {sql} LIMIT {_LOOKED_AT})"
        if _any(connection, f"{people} WHERE key IN {some}") or not _any(connection, sql):
            continue
        if not _any(connection, f"{sql} WHERE person IN (SELECT key FROM {people})"):
            message = f"no row of {name} is about anybody in the audience"
            way_out = "ids are compared letter by letter: `007`, `7` and ` 7` are three people"
            yield Problem(opened.place(column="person"), message, way_out, "data.nobody", "warning")


def odd_words(connection: duckdb.DuckDBPyConnection, sql: str, opened: Opened) -> Iterator[Problem]:
    """A warning for each column that holds words nobody knows. sql: the typed table of the file."""
    found = {name: words for name, words in _WORDS[opened.relation.name].items() if name in opened.columns}
    if not found:
        return
    counts = ", ".join(
        f"count(*) FILTER (WHERE NOT {_among(named(name), words)})" for name, (words, _) in found.items()
    )
    read = f"SELECT {', '.join(map(named, found))} FROM {sql} LIMIT {_FIRST}"
    numbers = connection.execute(f"SELECT count(*), {counts} FROM ({read})").fetchall()[0]
    among = f" of the first {_FIRST:,}" if numbers[0] == _FIRST else ""
    for (name, (words, becomes)), odd in zip(found.items(), numbers[1:], strict=True):
        if odd:
            raw = opened.columns[name]
            message = f"{odd:,}{among} cells of `{raw.header}` hold no {name} that is known; they {becomes}"
            known = "write codes as `FL`" if isinstance(words, Shaped) else f"known are {some(words, 12)}, spelt so"
            yield Problem(Place(opened.label, 1, raw.position), message, known, "data.unknown-word", "warning")


def _among(column: str, words: tuple[str, ...] | Shaped) -> str:
    if isinstance(words, Shaped):
        return f"regexp_full_match({column}, {quoted(words.pattern)})"
    return f"({column} IN ({', '.join(map(quoted, words))}))"


def _any(connection: duckdb.DuckDBPyConnection, source: str) -> bool:
    return bool(connection.execute(f"SELECT 1 FROM {source} LIMIT 1").fetchall())
