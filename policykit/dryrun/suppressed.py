"""Which addresses of the data are suppressed, by the store or by a row of `addresses`: the tables say so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from policykit import addresses
from policykit.dryrun.sources import named, quoted
from policykit.facts.feedback import EMPTY, FREE, SUPPRESSED, UNREAD
from policykit.vocabulary import CHANNELS

if TYPE_CHECKING:
    from policykit.dryrun.relations import Table  # which marks its tables by this

_BATCH = 50_000


def marked(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Table], is_suppressed: Callable[[str, str], bool] | None
) -> dict[str, Table]:
    """The tables, with what is known of the addresses in them. is_suppressed: whether the store suppresses an address,
    of which every address is looked up once; None = no store was asked, and what no row says is unknown.
    """
    connection.execute("CREATE TEMP TABLE suppressed_addresses (channel VARCHAR, address VARCHAR)")
    people, listed = tables["people"], tables.get("addresses")
    own = [channel for channel in CHANNELS if f"address.{channel}" in people.columns]
    by_row = _marked_by_row(connection, people, own, listed)
    if is_suppressed is None:
        return {**tables, "people": _people(people, by_row, {}, by_row)}
    for channel in own:
        column = named(f"address.{channel}")
        _look_up(connection, f"SELECT DISTINCT {quoted(channel)}, {column} FROM {people.sql}", is_suppressed)
    if listed is not None:
        _look_up(connection, f"SELECT DISTINCT channel, address FROM {listed.sql}", is_suppressed)
    found = {**tables, "people": _people(people, own, dict.fromkeys(own, _BY_STORE), by_row)}
    return found if listed is None else {**found, "addresses": _addresses(listed)}


def _marked_by_row(
    connection: duckdb.DuckDBPyConnection, people: Table, own: Sequence[str], listed: Table | None
) -> frozenset[str]:
    """Channels in which a row speaks against an address that people have in a column of their own, and stays unheard.

    What such rows say is kept in the table `marked_addresses`: that it is suppressed, or something nobody can read.
    """
    if listed is None or "suppressed" not in listed.columns:
        return frozenset()
    connection.execute(
        f"CREATE TEMP TABLE marked_addresses AS SELECT person, channel, suppressed FROM {listed.sql} LIMIT 0"
    )
    met: list[tuple[object, str, str]] = []
    for channel in own:
        column = f"p.{named(f'address.{channel}')}"
        spoken = (
            f"FROM {listed.sql} d JOIN {people.sql} p ON p.key = d.person WHERE d.channel = {quoted(channel)} "
            f"AND d.suppressed IN ('{SUPPRESSED}', '{UNREAD}') AND {column} <> '' AND d.address <> ''"
        )
        # Nearly all are spelled alike; the others are few enough for Python.
        connection.execute(
            f"INSERT INTO marked_addresses SELECT d.person, d.channel, d.suppressed {spoken} AND {column} = d.address"
        )
        cursor = connection.execute(
            f"SELECT d.person, {column}, d.address, d.suppressed {spoken} AND {column} <> d.address"
        )
        while batch := cursor.fetchmany(_BATCH):
            met += [
                (person, channel, said) for person, one, other, said in batch
                if addresses.key(channel, one) == addresses.key(channel, other)
            ]  # fmt: skip
    if met:
        connection.executemany("INSERT INTO marked_addresses VALUES (?, ?, ?)", met)
    found = connection.execute("SELECT DISTINCT channel FROM marked_addresses").fetchall()
    return frozenset(channel for (channel,) in found)


def _look_up(connection: duckdb.DuckDBPyConnection, sql: str, is_suppressed: Callable[[str, str], bool]) -> None:
    met: list[tuple[str, str]] = []
    cursor = connection.execute(f"SELECT channel, address FROM ({sql}) AS a(channel, address) WHERE address <> ''")
    while batch := cursor.fetchmany(_BATCH):
        met += [(channel, address) for channel, address in batch if is_suppressed(channel or "", address)]
    if met:
        connection.executemany("INSERT INTO suppressed_addresses VALUES (?, ?)", met)


_BY_STORE = "coalesce({address} IN (SELECT address FROM suppressed_addresses WHERE channel = {channel}), FALSE)"
_BY_ROW = "key IN (SELECT person FROM marked_addresses WHERE channel = {channel} AND suppressed = '{said}')"


def _people(table: Table, channels: Collection[str], otherwise: Mapping[str, str], by_row: Collection[str]) -> Table:
    """With a column `address.<channel>.suppressed` for each of the channels."""
    if not channels:
        return table
    listed = ", ".join(
        _column(channel, otherwise.get(channel, "NULL"), has_rows=channel in by_row) for channel in channels
    )
    columns = {f"address.{channel}.suppressed" for channel in channels}
    return replace(table, sql=f"(SELECT *, {listed} FROM {table.sql})", columns=table.columns | columns)


def _column(channel: str, store: str, *, has_rows: bool) -> str:
    said = store.format(address=named(f"address.{channel}"), channel=quoted(channel))
    if has_rows:
        known, unread = (_BY_ROW.format(channel=quoted(channel), said=each) for each in (SUPPRESSED, UNREAD))
        said = f"CASE WHEN {said} OR {known} THEN TRUE WHEN {unread} THEN NULL ELSE {said} END"
    return f"CAST({said} AS BOOLEAN) AS {named(f'address.{channel}.suppressed')}"


def _addresses(table: Table) -> Table:
    said = f"CASE WHEN suppressed = '{EMPTY}' THEN '{FREE}' ELSE suppressed END"
    met = "(channel, address) IN (SELECT (channel, address) FROM suppressed_addresses)"
    has = "suppressed" in table.columns
    listed = f"CASE WHEN {met} THEN '{SUPPRESSED}' ELSE {said if has else quoted(FREE)} END AS suppressed"
    rest = "* EXCLUDE (suppressed)" if has else "*"
    return replace(table, sql=f"(SELECT {rest}, {listed} FROM {table.sql})", columns=table.columns | {"suppressed"})
