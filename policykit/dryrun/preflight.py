"""What policies read and nobody in the audience has, said before anything is judged."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from policykit.dryrun.facts_read import facts_read
from policykit.dryrun.relations import Data
from policykit.dryrun.sources import named, quoted
from policykit.facts.zones import zones
from policykit.ir.rules import RuleSet
from policykit.ir.specialise import specialise
from policykit.ir.walk import leaves_of
from policykit.model import Campaign


@dataclass(frozen=True, slots=True)
class Lack:
    """A fact that policies read and nobody has. fact: a path, or a relation (`consents`, `history`, `addresses`).

    assumed: an `assume` says what its absence means. ways: what to do about it, one line each.
    """

    fact: str
    policies: tuple[str, ...]
    assumed: bool
    ways: tuple[str, ...]


def preflight(
    connection: duckdb.DuckDBPyConnection, ruleset: RuleSet, campaign: Campaign, data: Data
) -> tuple[Lack, ...]:
    """Facts that some policy reads on some prepared channel, and that no row has."""
    readers: dict[str, set[str]] = {}
    for prepared in campaign.prepared:
        for rule in specialise(ruleset, campaign, prepared, generic=False):
            for leaf in leaves_of(rule.breached):
                for fact in facts_read(leaf):
                    readers.setdefault(fact, set()).add(rule.policy)
    lacking = [fact for fact in sorted(readers) if not _somebody_has(connection, fact, data)]
    if not _somebody_can_be_reached(connection, [prepared.channel for prepared in campaign.prepared], data):
        readers["addresses"] = set()
        lacking = ["addresses", *lacking]
    return tuple(_lack(fact, sorted(readers[fact]), ruleset, empty=data.get(fact) is not None) for fact in lacking)


def _somebody_has(connection: duckdb.DuckDBPyConnection, fact: str, data: Data) -> bool:
    if fact in ("consents", "history"):
        table = data.get(fact)
        return table is not None and table.rows > 0
    if fact == "recipient.id":
        return True
    if fact.startswith("send.address."):
        field = fact.removeprefix("send.address.")
        addresses = data.get("addresses")
        return (addresses is not None and field in addresses.columns) or any(
            name.startswith("address.") and name.endswith("." + field) for name in data.people.columns
        )
    column = data.facts.get(fact, fact if fact in data.people.columns else None)
    test = f"IN ({', '.join(map(quoted, sorted(zones())))})" if fact == "recipient.zone" else "IS NOT NULL"
    if column is not None and _any(connection, data.people.sql, f"{named(column)} {test}"):
        return True
    values = data.get("attributes")
    if fact.startswith("attributes.") and values is not None:
        return _any(connection, values.sql, f"attribute = {quoted(fact.removeprefix('attributes.'))}")
    return False


def _somebody_can_be_reached(connection: duckdb.DuckDBPyConnection, channels: list[str], data: Data) -> bool:
    """Whether anybody has an address for a prepared channel."""
    listed, columns = data.get("addresses"), [f"address.{channel}" for channel in channels]
    here = [named(name) for name in columns if name in data.people.columns]
    if here and _any(connection, data.people.sql, " OR ".join(f"{name} IS NOT NULL" for name in here)):
        return True
    reached = f"address IS NOT NULL AND channel IN ({', '.join(map(quoted, channels))})"
    return bool(channels) and listed is not None and _any(connection, listed.sql, reached)


def _any(connection: duckdb.DuckDBPyConnection, sql: str, test: str) -> bool:
    return bool(connection.execute(f"SELECT 1 FROM {sql} WHERE {test} LIMIT 1").fetchall())


def _lack(fact: str, policies: list[str], ruleset: RuleSet, *, empty: bool) -> Lack:
    """empty: the relation was given, and has no rows."""
    if empty:
        ways: tuple[str, ...] = ("the file given has no rows; see that it is the right one",)
    elif fact in ("consents", "history", "addresses"):
        ways = (f"name the file under `audience:` as `{fact}: FILE`, or give `--{fact} FILE`",)
        if fact == "addresses":
            ways += ("give the people file a column per channel, e.g. `address.email`",)
    elif fact.startswith("send.address."):
        ways = (
            "give the column in the addresses file",
            f"say what absence means: `assume: {{{fact}: ...}}` in policykit.yaml",
        )
    else:
        ways = (
            f"name the column under `audience:`: `columns: {{{fact}: <header>}}`",
            f"say what absence means: `assume: {{{fact}: ...}}` in policykit.yaml",
        )
    return Lack(fact, tuple(policies), fact in ruleset.assume, ways)
