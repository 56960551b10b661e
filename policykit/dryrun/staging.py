"""From leaves to columns: which relations must be joined, and the SQL that stands for each leaf.

`Staging.leaf` answers either a value that is one for everybody (then it folds away) or SQL over
staged columns and the state of a send: `at` (its instant) and `strip` (bits of stripped attributes).
The same SQL serves the first scan and later rounds; what moves with the instant (`clock` columns,
counts) is joined anew there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar, assert_never

import duckdb

from policykit.backends.primitives_duckdb import DUCKDB
from policykit.backends.sql import Printer
from policykit.dryrun import consents, feedback
from policykit.dryrun.blends import left_sql
from policykit.dryrun.clock import Clock, Edge
from policykit.dryrun.people import Known, PeopleFacts, Said, addresses_sql, known_purposes, values_sql
from policykit.dryrun.places import ZONE, ZONE_JOIN, Places
from policykit.dryrun.relations import Data
from policykit.dryrun.sends import Counter, counts_by_person, counts_by_row
from policykit.dryrun.sources import quoted
from policykit.facts.consent import node_path, program_path
from policykit.ir.nodes import (
    Allowed,
    AttributeCollectedAt,
    AttributeCollectedFor,
    AttributeOrigin,
    AttributePermission,
    AttributeRefused,
    ConsentMet,
    ConsentWasMet,
    Const,
    ContentSays,
    Fact,
    Joined,
    Leaf,
    LocalPart,
    Member,
    Present,
    Requirement,
    Sends,
)
from policykit.ir.rules import RuleSet
from policykit.ir.specialise import PERSONALISED
from policykit.ir.walk import type_of
from policykit.model import Campaign, Micros

T = TypeVar("T")


@dataclass(slots=True)
class Staging:
    """moves: whether some send may be moved to another instant. blends: whether one may be blended.

    columns: staged, by name, with their SQL over the joins. assumed: path -> SQL of "nothing was said".
    """

    ruleset: RuleSet
    campaign: Campaign
    data: Data
    now: Micros
    uses: Sequence[str] = ()
    moves: bool = True
    blends: bool = True
    clock: Clock = field(init=False)
    people: PeopleFacts = field(init=False)
    places: Places = field(init=False)
    columns: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, consents.Wanted] = field(default_factory=dict)
    memberships: dict[str, str] = field(default_factory=dict)
    refused_attributes: dict[str, str] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)
    assumed: dict[str, str] = field(default_factory=dict)
    _address_fields: set[str] = field(default_factory=set)
    _reads_refusals: bool = False
    _refused: bool = False  # whether anybody refused: then there is a table of them

    def __post_init__(self) -> None:
        self.clock = Clock(self.campaign)
        self.people = PeopleFacts(self.ruleset, self.data, [p.channel for p in self.campaign.prepared])
        self.places = Places(self.campaign, self.clock, self.people.fact(ZONE, 0), self.data.people.sql)

    # --- a leaf ---------------------------------------------------------------------------------------

    def constant(self, leaf: Leaf, k: int) -> Const | None:
        """The leaf's value on a channel where it is one for everybody, whatever is done to the send."""
        found = self._find(leaf, k)
        if not isinstance(found, Known):
            return None
        if isinstance(leaf, Fact) and found.value is not None and leaf.path in self.ruleset.assume:
            self.assumed[leaf.path] = "TRUE"
        return Const(found.value, type_of(leaf))

    def sql(self, leaf: Leaf, k: int) -> str:
        """SQL that stands for the leaf on a channel; stages what it needs."""
        found = self._find(leaf, k)
        if isinstance(found, Known):
            return self.printer(k).literal(found.value, type_of(leaf))
        if isinstance(found, Said):
            return self._stage_said(leaf, found)
        return found

    def printer(self, k: int) -> Printer:
        """Prints conditions for one channel."""
        return Printer(DUCKDB, lambda leaf: self.sql(leaf, k))

    def _find(self, leaf: Leaf, k: int) -> Known | Said | str:  # noqa: C901  # one match over every leaf
        match leaf:
            case Fact(path):
                return self._fact(leaf, path, k)
            case Member(path, member):
                if path != "consent.refused_for" or not self._has_ledger:
                    return Known(None)
                return self._stage(f"(coalesce(r.level_{k}, 0) & {consents.LEVELS.get(member, 0)}) <> 0", refusals=True)
            case ConsentMet(requirement):
                if not self._has_ledger:
                    return Known(None)
                return self._met(k, requirement)
            case ConsentWasMet(requirement):
                if not self._has_ledger:
                    return Known(None)
                return f"({self._want(consents.Wanted(k, requirement, timeless=True))} IS NOT NULL)"
            case Joined(program):
                return self._joined(program)
            case AttributeRefused(attribute):
                return self._refuses(attribute, k)
            case ContentSays():
                return Known(None)  # folded in before, as is all that is known of the send
            case Sends():
                return self._count(leaf, k)
            case Allowed() | LocalPart():
                return self.clock.column(leaf)
            case Present(attribute):
                bit = 1 << list(self.uses).index(attribute) if attribute in self.uses else 0
                return f"(strip & {bit} = 0)"
            case AttributeOrigin() | AttributeCollectedFor() | AttributeCollectedAt() | AttributePermission():
                return self.people.provenance(leaf)
            case _:
                assert_never(leaf)

    def _fact(self, leaf: Fact, path: str, k: int) -> Known | Said | str:
        if path == "send.at":
            return "instant"
        if path == "send.rank":
            return self.people.rank(k)
        if leaf == PERSONALISED and self.campaign.offers is not None:
            return left_sql(self.campaign.offers, self.uses, blend="blend" if self.blends else None)
        if path == "consent.status":
            return self._status(k) if self._has_ledger else Known(None)
        if path.startswith("send.") and not path.startswith("send.address."):
            return Known(None)  # what is known of the send was folded in before
        if path.startswith("send.address."):
            self._address_fields.add(path.removeprefix("send.address."))
        return self.people.fact(leaf, k)

    @property
    def _has_ledger(self) -> bool:
        return self.data.get("consents") is not None and node_path(self.ruleset, self.campaign) is not None

    def _status(self, k: int) -> str:
        end = self._want(consents.Wanted(k, None))
        standing = self._stage(f"coalesce(r.standing_{k}, 0)", refusals=True)
        return (
            f"CASE WHEN {standing} & {consents.OBJECTED} <> 0 THEN 'objected' WHEN {standing} & "
            f"{consents.WITHDRAWN} <> 0 "
            f"THEN 'withdrawn' WHEN {standing} <> 0 THEN 'refused' WHEN {end} IS NULL THEN 'missing' "
            f"WHEN instant < {end} THEN 'given' ELSE 'expired' END"
        )

    def _met(self, k: int, requirement: Requirement) -> str:
        at = None if self.moves else self.places.planned_for_all
        if at is None:
            return f"coalesce(instant < {self._want(consents.Wanted(k, requirement))}, FALSE)"
        return f"coalesce({self._want(consents.Wanted(k, requirement, holds_at=at))}, FALSE)"

    def _joined(self, program: str) -> Known | str:
        path = program_path(self.ruleset, program)
        if self.data.get("consents") is None or path is None:
            return Known(None)
        name = self.memberships.setdefault(program, f"j{len(self.memberships)}")
        self.columns[name] = f"{name}.ends"
        return f"coalesce(instant < {name}, FALSE)"

    def _refuses(self, attribute: str, k: int) -> Known | str:
        if not self._has_ledger:
            return Known(None)
        if "attribute" not in self.data.tables["consents"].columns:
            return Known(False)
        name = self.refused_attributes.setdefault(attribute, f"u{len(self.refused_attributes)}")
        return self._stage(f"coalesce({name}.live_{k}, FALSE)")

    def _want(self, want: consents.Wanted) -> str:
        name = _name_of(want, self.wanted, "m")
        self.columns[name] = f"g.{name}"
        return name

    def _count(self, leaf: Sends, k: int) -> Known | str:
        counting = leaf.counting
        if self.data.get("history") is None or (counting.this_campaign and self.campaign.id is None):
            return Known(None)
        edges = None
        if leaf.window.rolling is None:
            edges = (self.clock.column(Edge(leaf.window, last=False)), self.clock.column(Edge(leaf.window, last=True)))
        channels = frozenset({self.people.channels[k]}) if counting.this_channel else counting.channels
        counter = Counter(leaf.window, channels, counting.classes, counting.this_campaign, edges)
        name = _name_of(counter, self.counters, "n")
        return (
            f"coalesce({name}, 0)"
            if edges is None
            else f"CASE WHEN {edges[0]} IS NOT NULL THEN coalesce({name}, 0) END"
        )

    def _stage_said(self, leaf: Leaf, said: Said) -> str:
        literal = self.printer(0).literal(said.assumed, said.type)
        if said.assumed is not None and isinstance(leaf, Fact) and not leaf.path.startswith("send."):
            self.assumed[leaf.path] = f"({said.sql} IS NULL)"
        return self._stage(said.filled(literal))

    def _stage(self, sql: str, *, refusals: bool = False) -> str:
        self._reads_refusals = self._reads_refusals or refusals
        return _name_of(sql, self.columns, "s")

    @property
    def known_channels(self) -> tuple[str, ...]:
        return consents.channel_names(self.ruleset.ranks)

    # --- the joins ------------------------------------------------------------------------------------

    def attributes_read(self) -> list[str]:
        """Attributes of which a relation of values is asked."""
        return sorted({name for name in self._registered() if any(f'.{name}"' in sql for sql in self.columns.values())})

    def _registered(self) -> set[str]:
        used = {
            use.attribute for p in self.campaign.prepared for v in (p.content, p.generic) if v for use in v.uses or ()
        }
        return {
            *self.ruleset.attributes,
            *used,
            *(member for a in self.ruleset.attributes.values() for member in a.lineage),
        }

    def prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Makes the small tables that the scan joins: zones, refusals."""
        if where := self.places.assumed_where:
            self.assumed["recipient.zone"] = where
        self.places.make_zones(connection)
        if self._has_ledger and (self.wanted or self._reads_refusals):
            self._refused = consents.stage_refusals(connection, self.ledger()) > 0
            if not self._refused:
                connection.execute("DROP TABLE IF EXISTS refused")
        if self.refused_attributes:
            consents.stage_refused_attributes(
                connection, self.ledger(), list(self.refused_attributes), sorted(self.ruleset.attributes)
            )

    def ledger(self) -> consents.Ledger:
        path = node_path(self.ruleset, self.campaign)
        assert path is not None
        return self._ledger(path, self.people.channels)

    def _ledger(self, path: Sequence[str], channels: Sequence[str]) -> consents.Ledger:
        return consents.Ledger(
            self.data.tables["consents"], path, channels, self.known_channels,
            known_purposes(self.ruleset), sorted(self.ruleset.programs),
            self.campaign.controller or self.ruleset.controller, self.now,
        )  # fmt: skip

    def joins(self, *, earlier: bool, by_row: str | None) -> str:
        """The FROM clause of the scan. earlier: earlier rows of the same people count as sent (table `earlier`).

        by_row: the relation whose instants counts are taken around, None when one instant serves all.
        """
        parts = [f"{self.data.people.sql} AS p"]
        if self.wanted:
            parts.append(
                f"LEFT JOIN ({consents.granted_sql(self.ledger(), self.wanted, self._refused)}) AS g ON "
                "g.person = p.key"
            )
        if self._reads_refusals:
            parts.append(self._refusals_join())
        for program, name in self.memberships.items():
            path = program_path(self.ruleset, program)
            assert path is not None
            members = consents.members_sql(self._ledger(path, self.known_channels))
            parts.append(f"LEFT JOIN ({members}) AS {name} ON {name}.person = p.key")
        for attribute, name in self.refused_attributes.items():
            refused = f"(SELECT * FROM refused_attributes WHERE attribute = {quoted(attribute)})"
            parts.append(f"LEFT JOIN {refused} AS {name} ON {name}.person = p.key")
        if self.counters:
            parts.append(self._counts_join(by_row, earlier=earlier))
        values, addresses = self.data.get("attributes"), self.data.get("addresses")
        read = self.attributes_read()
        if values is not None and read:
            parts.append(f"LEFT JOIN ({values_sql(values, read)}) AS a ON a.person = p.key")
        if addresses is not None:
            wanted = addresses_sql(addresses, self.people.channels, sorted(self._address_fields))
            parts.append(f"LEFT JOIN ({wanted}) AS d ON d.person = p.key")
        told = self.data.get("feedback")
        if told is not None:
            parts.append(f"LEFT JOIN ({feedback.by_person(told, self.now)}) AS f ON f.person = p.key")
        if self.places.local:
            parts.append(ZONE_JOIN)
        return " ".join(parts)

    def _refusals_join(self) -> str:
        if self._refused:
            return "LEFT JOIN refused AS r ON r.person = p.key"
        ks = range(len(self.people.channels))
        empty = ", ".join(f"NULL::BIGINT AS level_{k}, NULL::BIGINT AS standing_{k}" for k in ks)
        return f"LEFT JOIN (SELECT NULL::{self.data.key_type} AS person, {empty} WHERE FALSE) AS r ON r.person = p.key"

    def _counts_join(self, by_row: str | None, *, earlier: bool) -> str:
        history, channels = self.data.tables["history"], self.known_channels
        if by_row is None:
            bounds = self._fixed_bounds()
            counts = counts_by_person(history, self.counters, bounds, self.campaign, channels, earlier=earlier)
            return f"LEFT JOIN ({counts}) AS h ON h.person = p.key"
        counts = counts_by_row(history, self.counters, self.campaign, by_row, channels, earlier=earlier)
        return f"LEFT JOIN ({counts}) AS h ON h.row = p.row"

    def _fixed_bounds(self) -> dict[str, tuple[Micros, Micros] | None]:
        """First and last instant that each counter counts; None when that cannot be known."""
        zone = self.places.assumed_zone if isinstance(self.places.zone, Known) else None
        planned = self.clock.planned(zone)
        bounds: dict[str, tuple[Micros, Micros] | None] = {}
        for name, counter in self.counters.items():
            if planned is None:
                bounds[name] = None
            elif counter.window.rolling is not None:
                bounds[name] = (planned - counter.window.rolling + 1, planned + counter.window.rolling - 1)
            else:
                first = self.clock.value(Edge(counter.window, last=False), zone, planned)
                last = self.clock.value(Edge(counter.window, last=True), zone, planned)
                bounds[name] = None if first is None or last is None else (first, last)
        return bounds


def _name_of(value: T, known: dict[str, T], letter: str) -> str:
    """The name that a value is known by, made on first use."""
    for name, each in known.items():
        if each == value:
            return name
    name = f"{letter}{len(known)}"
    known[name] = value
    return name
