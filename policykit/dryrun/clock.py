"""The local clock as a table (M8): no backend knows time zones, so every (zone, instant) met is looked up here.

Zone number 0 stands for an unknown zone. Columns are asked for while rules are staged; rows are
computed in Python, a few hundred at most, when instants are met.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

import duckdb

from policykit.facts.hours import allowed, local_fields, resolve, zones
from policykit.ir.nodes import Allowed, Hours, LocalPart, Window
from policykit.model import DEADLINE, Campaign, LocalTime, Micros
from policykit.rounds.masks import asked_instant


@dataclass(frozen=True, slots=True)
class Asked:
    """The instant a schedule rule asks for: the instant itself if allowed, FOREVER when none comes in time."""

    hours: Hours


@dataclass(frozen=True, slots=True)
class Edge:
    """First or last instant of a calendar window."""

    window: Window
    last: bool


Part: TypeAlias = Allowed | LocalPart | Asked | Edge


@dataclass(slots=True)
class Clock:
    """names: zone number -> name (None = unknown); columns: what is looked up, by column name."""

    campaign: Campaign
    names: list[str | None] = field(default_factory=lambda: [None])
    columns: dict[str, Part] = field(default_factory=dict)
    met: set[tuple[int, Micros]] = field(default_factory=set)

    def column(self, part: Part) -> str:
        """The name of the column for a part, made on first use."""
        for name, known in self.columns.items():
            if known == part:
                return name
        name = f"z{len(self.columns)}"
        self.columns[name] = part
        return name

    def number(self, zone: str | None) -> int:
        if zone is None or zone not in zones():
            return 0
        if zone not in self.names:
            self.names.append(zone)
        return self.names.index(zone)

    def planned(self, zone: str | None) -> Micros | None:
        at = self.campaign.at
        return resolve(at, zone) if isinstance(at, LocalTime) else at

    def limit(self, zone: str | None, planned: Micros | None) -> Micros | None:
        """The last instant a send may leave; None when it is a local hour that cannot be known."""
        until = self.campaign.not_after
        if until is None:
            return None if planned is None else planned + DEADLINE
        return resolve(until, zone) if isinstance(until, LocalTime) else until

    def value(self, part: Part, zone: str | None, at: Micros) -> bool | int | None:
        match part:
            case Allowed():
                return allowed(part.hours, zone, at)
            case LocalPart():
                fields = local_fields(part.zone or zone, at)
                return None if fields is None else int(getattr(fields, part.part))
            case Asked():
                return asked_instant(part.hours, zone, at, self.limit(zone, self.planned(zone)))
            case Edge():
                return _edge(part, zone, at)
            case _:
                assert_never(part)

    def row(self, number: int, at: Micros) -> list[bool | int | None]:
        """Every column at one (zone, instant)."""
        zone = self.names[number]
        return [self.value(part, zone, at) for part in self.columns.values()]

    def make(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Makes the empty table `clock`, keyed by (zone_number, clock_at)."""
        kinds = "".join(f", {name} {sql_type(part)}" for name, part in self.columns.items())
        connection.execute(f"CREATE OR REPLACE TEMP TABLE clock (zone_number SMALLINT, clock_at BIGINT{kinds})")
        self.met.clear()

    def meet(self, connection: duckdb.DuckDBPyConnection, pairs: Iterable[tuple[int, Micros]]) -> None:
        """Adds the rows for pairs not met before."""
        new = sorted({pair for pair in pairs if pair not in self.met})
        if not new:
            return
        self.met.update(new)
        rows = ", ".join(f"({n}, {at}{''.join(f', {literal(v)}' for v in self.row(n, at))})" for n, at in new)
        connection.execute(f"INSERT INTO clock VALUES {rows}")


def _edge(part: Edge, zone: str | None, at: Micros) -> Micros | None:
    fields = local_fields(part.window.zone or zone, at)
    if fields is None:
        return None
    start, end = {
        "day": (fields.day_start, fields.day_end),
        "week": (fields.week_start, fields.week_end),
        "month": (fields.month_start, fields.month_end),
    }[part.window.calendar or "day"]
    return end - 1 if part.last else start


def sql_type(part: Part) -> str:
    return "BOOLEAN" if isinstance(part, Allowed) else "BIGINT"


def literal(value: bool | int | None) -> str:  # noqa: FBT001  # a value of the table
    if value is None:
        return "NULL"
    return str(value).upper() if isinstance(value, bool) else str(value)
