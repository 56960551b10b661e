"""Which addresses of the data the store suppresses: every address is looked up once, and the tables say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from policykit.dryrun.sources import named, quoted
from policykit.facts.feedback import EMPTY, FREE, SUPPRESSED
from policykit.vocabulary import CHANNELS

if TYPE_CHECKING:
    from policykit.dryrun.relations import Table  # which marks its tables by this

_BATCH = 50_000


def marked(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Table], is_suppressed: Callable[[str, str], bool]
) -> dict[str, Table]:
    """The tables, with what the store says of the addresses in them; the store says it of every address."""
    connection.execute("CREATE TEMP TABLE suppressed_addresses (channel VARCHAR, address VARCHAR)")
    people, listed = tables["people"], tables.get("addresses")
    own = [channel for channel in CHANNELS if f"address.{channel}" in people.columns]
    for channel in own:
        column = named(f"address.{channel}")
        _look_up(connection, f"SELECT DISTINCT {quoted(channel)}, {column} FROM {people.sql}", is_suppressed)
    if listed is not None:
        _look_up(connection, f"SELECT DISTINCT channel, address FROM {listed.sql}", is_suppressed)
    found = {**tables, "people": _people(people, own)}
    return found if listed is None else {**found, "addresses": _addresses(listed)}


def _look_up(connection: duckdb.DuckDBPyConnection, sql: str, is_suppressed: Callable[[str, str], bool]) -> None:
    met: list[tuple[str, str]] = []
    cursor = connection.execute(f"SELECT channel, address FROM ({sql}) AS a(channel, address) WHERE address <> ''")
    while batch := cursor.fetchmany(_BATCH):
        met += [(channel, address) for channel, address in batch if is_suppressed(channel or "", address)]
    if met:
        connection.executemany("INSERT INTO suppressed_addresses VALUES (?, ?)", met)


def _people(table: Table, channels: list[str]) -> Table:
    """With a column `address.<channel>.suppressed` for each of the channels."""
    if not channels:
        return table
    columns = [f"address.{channel}.suppressed" for channel in channels]
    listed = ", ".join(
        f"coalesce({named(f'address.{channel}')} IN "
        f"(SELECT address FROM suppressed_addresses WHERE channel = {quoted(channel)}), FALSE) AS {named(column)}"
        for channel, column in zip(channels, columns, strict=True)
    )
    return replace(table, sql=f"(SELECT *, {listed} FROM {table.sql})", columns=table.columns | set(columns))


def _addresses(table: Table) -> Table:
    said = f"CASE WHEN suppressed = '{EMPTY}' THEN '{FREE}' ELSE suppressed END"
    met = "(channel, address) IN (SELECT (channel, address) FROM suppressed_addresses)"
    has = "suppressed" in table.columns
    listed = f"CASE WHEN {met} THEN '{SUPPRESSED}' ELSE {said if has else quoted(FREE)} END AS suppressed"
    rest = "* EXCLUDE (suppressed)" if has else "*"
    return replace(table, sql=f"(SELECT {rest}, {listed} FROM {table.sql})", columns=table.columns | {"suppressed"})
