"""What policies read and nobody in the audience has, said before anything is judged."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from policykit.dryrun.facts_read import facts_read
from policykit.dryrun.relations import Data
from policykit.dryrun.sources import named, quoted
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
    readers.setdefault("addresses", set())
    lacking = [fact for fact in sorted(readers) if not _somebody_has(connection, fact, data)]
    return tuple(_lack(fact, sorted(readers[fact]), ruleset) for fact in lacking)


def _somebody_has(connection: duckdb.DuckDBPyConnection, fact: str, data: Data) -> bool:
    if fact in ("consents", "history"):
        table = data.get(fact)
        return table is not None and table.rows > 0
    if fact == "addresses":
        return data.get("addresses") is not None or any(name.startswith("address.") for name in data.people.columns)
    if fact == "recipient.id":
        return True
    if fact.startswith("send.address."):
        field = fact.removeprefix("send.address.")
        addresses = data.get("addresses")
        return (addresses is not None and field in addresses.columns) or any(
            name.startswith("address.") and name.endswith("." + field) for name in data.people.columns
        )
    column = data.facts.get(fact, fact if fact in data.people.columns else None)
    if column is not None and _any(connection, data.people.sql, f"{named(column)} IS NOT NULL"):
        return True
    values = data.get("attributes")
    if fact.startswith("attributes.") and values is not None:
        return _any(connection, values.sql, f"attribute = {quoted(fact.removeprefix('attributes.'))}")
    return False


def _any(connection: duckdb.DuckDBPyConnection, sql: str, test: str) -> bool:
    return bool(connection.execute(f"SELECT 1 FROM {sql} WHERE {test} LIMIT 1").fetchall())


def _lack(fact: str, policies: list[str], ruleset: RuleSet) -> Lack:
    if fact in ("consents", "history", "addresses"):
        option = "" if fact == "addresses" else f", or give `--{fact} FILE`"
        ways: tuple[str, ...] = (f"name the file under `audience:` as `{fact}: FILE`{option}",)
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
