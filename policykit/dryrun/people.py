"""What the people file, addresses and attribute values say, as staged columns.

A staged column is a name and the SQL that makes it from the joined relations: `p` people,
`d` addresses per person, `a` attribute values per person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from policykit.dryrun import cells, feedback
from policykit.dryrun.relations import Data, Table
from policykit.dryrun.sources import named, quoted
from policykit.facts.feedback import FREE, SUPPRESSED
from policykit.facts.values import fitting
from policykit.facts.zones import zones
from policykit.ir.nodes import (
    AttributeCollectedAt,
    AttributeCollectedFor,
    AttributeOrigin,
    AttributePermission,
    Fact,
    Type,
    Value,
)
from policykit.ir.rules import RuleSet
from policykit.vocabulary import CHANNELS, COUNTRIES, FACTS, ORIGINS, PURPOSES, REGIONS, covers

_MEMBERS = {spec.path: spec.members for spec in FACTS if spec.members and not spec.column}  # the others at reading
# Every country as one pattern, a few times faster in DuckDB than a list of this length.
_COUNTRY = "|".join(
    f"{first}[{''.join(code[1] for code in codes)}]" for first, codes in groupby(sorted(COUNTRIES), itemgetter(0))
)
_TYPES = {Type.BOOL: "bool", Type.INT: "int", Type.DOUBLE: "double", Type.STRING: "text", Type.TIMESTAMP: "timestamp",
          Type.DURATION: "duration"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """A value that is one for everybody."""

    value: Value


@dataclass(frozen=True, slots=True)
class Said:
    """SQL of what the data says of each person; assumed: what stands in where it says nothing."""

    sql: str
    type: Type
    assumed: Value = None
    after: Callable[[str], str] | None = None  # what happens to it, said or assumed

    def filled(self, literal: str) -> str:
        sql = self.sql if self.assumed is None else f"coalesce({self.sql}, {literal})"
        return sql if self.after is None else self.after(sql)


@dataclass(slots=True)
class PeopleFacts:
    """Answers where a fact of a person comes from. channels: those prepared, in order."""

    ruleset: RuleSet
    data: Data
    channels: Sequence[str]

    @property
    def has_attributes(self) -> bool:
        """Whether any attribute values were supplied at all."""
        columns = self.data.people.columns
        return self.data.get("attributes") is not None or any(name.startswith("attributes.") for name in columns)

    # --- facts of the person ----------------------------------------------------------------------

    def fact(self, leaf: Fact, channel: int) -> Known | Said:
        """A `recipient.*`, `attributes.*` or `send.address.*` fact, or one added by the workspace."""
        assumed = fitting(self.ruleset.assume.get(leaf.path), leaf.type)
        room, _, name = leaf.path.partition(".")
        if leaf.path == "recipient.id":
            return Said("p.id", Type.STRING)
        if room == "attributes":
            sql = self._attribute(name, leaf.type)
        elif room == "send":
            sql = self._address_fact(name, channel)
        else:
            sql = self._column(leaf)
        after = feedback.after(leaf.path) if self.data.get("feedback") is not None else None
        if sql is None and (after is None or assumed is None):
            return Known(assumed)
        said = _readable(leaf.path, sql) if sql is not None else feedback.NOTHING[leaf.path]
        return Said(said, leaf.type, assumed, after)

    def _column(self, leaf: Fact) -> str | None:
        name = self.data.facts.get(leaf.path)
        return None if name is None else f"p.{named(name)}"

    def _attribute(self, attribute: str, type_: Type) -> str | None:
        registered = self.ruleset.attributes.get(attribute)
        if (Type(registered.type) if registered else Type.STRING) is not type_:
            return None
        text = self._attribute_text(attribute)
        return None if text is None else cells.read_value(text, _TYPES[type_])

    def _attribute_text(self, attribute: str) -> str | None:
        sources = []
        if f"attributes.{attribute}" in self.data.people.columns:
            sources.append(f"p.{named('attributes.' + attribute)}")
        values = self.data.get("attributes")
        if values is not None and "value" in values.columns:
            sources.append(f"a.{value_column(attribute, 'value')}")
        return f"coalesce({', '.join(sources)})" if len(sources) > 1 else sources[0] if sources else None

    # --- provenance -------------------------------------------------------------------------------

    def provenance(
        self, leaf: AttributeOrigin | AttributeCollectedFor | AttributeCollectedAt | AttributePermission
    ) -> Known | Said:
        """What is known of where a person's value comes from; an empty field means as registered (M9)."""
        values = self.data.get("attributes")
        columns = values.columns if values else frozenset[str]()
        match leaf:
            case AttributePermission(attribute):
                if not self.has_attributes:
                    return Known(None)
                if "permission" not in columns:
                    return Known(value=False)
                return Said(f"(a.{value_column(attribute, 'permission')} IS NOT NULL)", Type.BOOL)
            case AttributeCollectedAt(attribute):
                if "collected_at" not in columns:
                    return Known(None)
                return Said(f"a.{value_column(attribute, 'collected_at')}", Type.TIMESTAMP)
            case AttributeOrigin(attribute, origin):
                registered = self.ruleset.attributes.get(attribute)
                as_registered = registered.origin == origin if registered else None
                if "origin" not in columns:
                    return Known(as_registered)
                said = f"a.{value_column(attribute, 'origin')}"
                return Said(_origin(said, origin, as_registered), Type.BOOL)
            case AttributeCollectedFor(attribute, purpose):
                registered = self.ruleset.attributes.get(attribute)
                as_registered = any(covers(p, purpose) for p in registered.collected_for) if registered else None
                if "collected_for" not in columns:
                    return Known(as_registered)
                said = f"a.{value_column(attribute, 'collected_for')}"
                return Said(self._collected_for(said, purpose, as_registered), Type.BOOL)

    def _collected_for(self, said: str, purpose: str, as_registered: bool | None) -> str:  # noqa: FBT001  # a fact
        known = ", ".join(map(quoted, known_purposes(self.ruleset)))
        fits = " OR ".join(
            f"contains('|' || {said} || '|', {quoted('|' + parent + '|')})"
            for parent in known_purposes(self.ruleset) if covers(parent, purpose)
        )  # fmt: skip
        readable = f"list_has_all([{known}], string_split({said}, '|'))"
        return f"CASE WHEN {said} IS NULL THEN {_bool(as_registered)} WHEN {readable} THEN ({fits or 'FALSE'}) END"

    # --- addresses and ranks -----------------------------------------------------------------------

    def has_address(self, channel: int) -> str:
        """SQL: whether the person has an address for a prepared channel."""
        name = f"address.{self.channels[channel]}"
        tests = [f"p.{named(name)} IS NOT NULL"] if name in self.data.people.columns else []
        if self.data.get("addresses") is not None:
            tests.append(f"coalesce(d.has_{channel}, FALSE)")
        return f"({' OR '.join(tests)})" if tests else "FALSE"

    def _address_fact(self, name: str, channel: int) -> str | None:
        field = name.removeprefix("address.")
        column = f"address.{self.channels[channel]}"
        people, relation = self.data.people.columns, self.data.get("addresses")
        # The people file's own address wins; it says `shared`, and whether the store suppresses it.
        own = column in people
        said = f"{column}.{field}"
        own_says = f"p.{named(said)}" if field in ("shared", "suppressed") and said in people else "NULL"
        listed = f"d.{field}_{channel}" if relation is not None and field in relation.columns else "NULL"
        if own and relation is not None:
            return f"CASE WHEN p.{named(column)} IS NOT NULL THEN {own_says} ELSE {listed} END"
        if own and own_says != "NULL":
            return f"CASE WHEN p.{named(column)} IS NOT NULL THEN {own_says} END"
        return None if listed == "NULL" else listed

    def rank(self, channel: int) -> Known | Said:
        name = self.channels[channel]
        company = self.ruleset.ranks.get(name, CHANNELS.get(name))
        if f"rank.{name}" not in self.data.people.columns:
            return Known(company)
        return Said(f"p.{named('rank.' + name)}", Type.INT, company)


def _readable(path: str, sql: str) -> str:
    if path == "recipient.country":
        return f"CASE WHEN regexp_full_match({sql}, {quoted(_COUNTRY)}) THEN {sql} END"
    if path == "recipient.region":
        return f"CASE WHEN regexp_full_match({sql}, {quoted(REGIONS.pattern)}) THEN {sql} END"
    members = sorted(zones()) if path == "recipient.zone" else _MEMBERS.get(path)
    return f"CASE WHEN {sql} IN ({', '.join(map(quoted, members))}) THEN {sql} END" if members else sql


def _origin(said: str, origin: str, as_registered: bool | None) -> str:  # noqa: FBT001  # a fact
    origins = ", ".join(quoted(name) for name, _ in ORIGINS)
    return (
        f"CASE WHEN {said} IS NULL THEN {_bool(as_registered)} WHEN {said} IN ({origins}) THEN {said} = "
        f"{quoted(origin)} END"
    )


def _bool(value: bool | None) -> str:  # noqa: FBT001  # a value
    return "CAST(NULL AS BOOLEAN)" if value is None else str(value).upper()


def known_purposes(ruleset: RuleSet) -> tuple[str, ...]:
    return tuple(sorted({*ruleset.purposes, *PURPOSES}))


# --- one row per person ------------------------------------------------------------------------------

VALUE_FIELDS = ("collected_at", "value", "origin", "collected_for", "permission")


def value_column(attribute: str, field: str) -> str:
    return named(f"{field}.{attribute}")


def values_sql(table: Table, attributes: Iterable[str]) -> str:
    """One row per person with the fields of each attribute; of several rows for one attribute the one collected
    last counts, and among equals the greatest by its texts, so that the order of rows never matters.
    """
    fields = [field for field in VALUE_FIELDS if field in table.columns]
    if not fields:
        return f"SELECT DISTINCT person FROM {table.sql}"
    latest = ", ".join(f"{field} := {_least(table, field)}" for field in fields)
    inner, outer = [], []
    for attribute in attributes:
        picked = named("row." + attribute)
        inner.append(f"max(struct_pack({latest})) FILTER (WHERE attribute = {quoted(attribute)}) AS {picked}")
        outer += [f"{_unless(f'{picked}.{field}', field)} AS {value_column(attribute, field)}" for field in fields]
    wanted = ", ".join(map(quoted, attributes))
    return (
        f"SELECT person{''.join(', ' + column for column in outer)} FROM (SELECT "
        f"person{''.join(', ' + c for c in inner)} "
        f"FROM {table.sql} WHERE attribute IN ({wanted}) GROUP BY person)"
    )


_NEVER = -(2**63) + 1


def _least(table: Table, field: str) -> str:
    return f"coalesce({field}, {_NEVER})" if field == "collected_at" else f"coalesce({field}, '')"


def _unless(sql: str, field: str) -> str:
    return f"nullif({sql}, {_NEVER})" if field == "collected_at" else f"nullif({sql}, '')"


_ADDRESS_FIELDS = ("suppressed", "shared", "origin", "permission")  # in the order in which they are compared


def addresses_sql(table: Table, channels: Sequence[str], fields: Iterable[str]) -> str:
    """One row per person: per prepared channel k `has_k`, and the fields asked for of the address that sorts first."""
    wanted = [field for field in _ADDRESS_FIELDS if field in table.columns and field in set(fields)]
    columns, outer = [], []
    for k, channel in enumerate(channels):
        here = f"FILTER (WHERE channel = {quoted(channel)} AND address IS NOT NULL)"
        columns.append(f"count(*) {here} > 0 AS has_{k}")
        if wanted:
            shown = [f for f in _ADDRESS_FIELDS if f in table.columns]
            packed = ", ".join(["address := address", *(f"{f} := coalesce(CAST({f} AS VARCHAR), '')" for f in shown)])
            columns.append(f"min(struct_pack({packed})) {here} AS address_{k}")
            outer += [f"{_address_field(f'address_{k}', f)} AS {f}_{k}" for f in wanted]
    named_channels = ", ".join(map(quoted, channels))
    has = "".join(f", has_{k}" for k in range(len(channels)))
    return (
        f"SELECT person{has}{''.join(', ' + column for column in outer)} FROM (SELECT person, {', '.join(columns)} "
        f"FROM {table.sql} WHERE channel IN ({named_channels}) GROUP BY person)"
    )


def _address_field(packed: str, field: str) -> str:
    if field == "shared":
        return f"CASE {packed}.shared WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END"
    if field == "suppressed":
        return f"CASE {packed}.suppressed WHEN '{SUPPRESSED}' THEN TRUE WHEN '{FREE}' THEN FALSE END"
    return f"({packed}.permission <> '')" if field == "permission" else f"nullif({packed}.origin, '')"
