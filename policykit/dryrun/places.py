"""Where people are: whose clock counts, and what it says at the instant planned for them (M8).

People whose zone nobody knows, or says, count as being in the assumed zone, else nowhere. The table
`zoned` holds a row per zone that occurs; where nothing follows people's own clocks there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from policykit.dryrun.clock import Clock, literal, sql_type
from policykit.dryrun.people import Known, Said
from policykit.dryrun.sources import quoted
from policykit.facts.zones import zones
from policykit.ir.nodes import Fact, Type, Window
from policykit.model import Campaign, LocalTime

ZONE = Fact("recipient.zone", Type.STRING)
ZONE_JOIN = "LEFT JOIN zoned AS z ON z.zone = p.zone"


@dataclass(frozen=True, slots=True)
class Places:
    """zone: what is known of people's zones; people: what stands after FROM for them."""

    campaign: Campaign
    clock: Clock
    zone: Known | Said
    people: str

    @property
    def follows_people(self) -> bool:
        """Whether anything goes by the recipient's own clock."""
        own = _is_own(self.campaign.at) or _is_own(self.campaign.not_after)
        return own or any(_of_recipient(part) for part in self.clock.columns.values())

    @property
    def local(self) -> bool:
        """Whether anything depends on each person's own zone."""
        return isinstance(self.zone, Said) and self.follows_people

    @property
    def assumed_where(self) -> str | None:
        """SQL of where the assumed zone stands in for one; None where none is assumed or needed."""
        if self.assumed_zone is None or not self.follows_people:
            return None
        return f"({self.zone.sql} IS NULL)" if isinstance(self.zone, Said) else "TRUE"

    @property
    def assumed_zone(self) -> str | None:
        """The zone of people whose zone nobody says."""
        assumed = self.zone.value if isinstance(self.zone, Known) else self.zone.assumed
        return assumed if isinstance(assumed, str) else None

    def one_instant(self, windows: Iterable[Window]) -> bool:
        """Whether windows are around one instant in one zone, so that people need not be joined to be counted."""
        own = any(window.rolling is None and window.zone is None for window in windows)
        return not self.local or not (own or _is_own(self.campaign.at))

    @property
    def planned_for_all(self) -> int | None:
        """The planned instant where it is one for everybody."""
        return None if _is_own(self.campaign.at) else self.clock.planned(None)

    def make_zones(self, connection: duckdb.DuckDBPyConnection) -> None:
        """`zoned`: zone, zone_number, planned, last_at, the clock at the planned instant; only where it is needed."""
        if not self.local:
            return
        known = ", ".join(map(quoted, sorted(zones())))
        found = connection.execute(
            f"SELECT DISTINCT zone FROM {self.people} WHERE zone IN ({known}) ORDER BY zone"
        ).fetchall()
        kinds = "".join(f", {name} BIGINT" for name in self.clock.columns)
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE zoned "
            f"(zone VARCHAR, zone_number SMALLINT, planned BIGINT, last_at BIGINT{kinds})"
        )
        for (zone,) in found:
            self.clock.number(zone)
        rows = [
            f"({quoted(zone)}, {number}, {', '.join(self._values(zone))})"
            for number, zone in enumerate(self.clock.names)
            if zone is not None
        ]
        if rows:
            connection.execute(f"INSERT INTO zoned VALUES {', '.join(rows)}")

    def _values(self, zone: str | None) -> list[str]:
        """planned, last_at and every clock column for people of one zone, as literals."""
        planned = self.clock.planned(zone)
        limit = self.clock.limit(zone, planned)
        parts = self.clock.columns.values()
        clock = [None if planned is None else self.clock.value(part, zone, planned) for part in parts]
        return ["NULL" if value is None else str(int(value)) for value in (planned, limit, *clock)]

    def columns(self) -> dict[str, str]:
        """zone_number, instant, last_at and the clock columns, as SQL over the joins."""
        zone = self.assumed_zone
        names = ["instant", "last_at", *self.clock.columns]
        kinds = ["BIGINT", "BIGINT", *(sql_type(part) for part in self.clock.columns.values())]
        values = self._values(zone)
        number = self.clock.number(zone)
        if not self.local:
            plain = {n: f"CAST({v} AS {t})" for n, v, t in zip(names, values, kinds, strict=True)}
            return {"zone_number": f"CAST({number} AS SMALLINT)", **plain}
        sources = ["z.planned", "z.last_at", *(f"z.{name}" for name in self.clock.columns)]
        placed = {
            n: f"CAST(CASE WHEN z.zone_number IS NULL THEN {v} ELSE {s} END AS {t})"
            for n, v, s, t in zip(names, values, sources, kinds, strict=True)
        }
        return {"zone_number": f"coalesce(z.zone_number, {number})", **placed}

    def constants(self) -> dict[str, str]:
        """Of zone_number, instant and last_at those that are one for everybody, with their value."""
        own_at = self.local and _is_own(self.campaign.at)
        own_end = own_at if self.campaign.not_after is None else self.local and _is_own(self.campaign.not_after)
        zone = None if self.local else self.assumed_zone
        planned = self.clock.planned(zone)
        found = {}
        if not own_at:
            found["instant"] = f"CAST({literal(planned)} AS BIGINT)"
        if not own_end:
            found["last_at"] = f"CAST({literal(self.clock.limit(zone, planned))} AS BIGINT)"
        if not self.local:
            found["zone_number"] = f"CAST({self.clock.number(self.assumed_zone)} AS SMALLINT)"
        return found


def _is_own(moment: object) -> bool:
    """Whether it is a moment on each recipient's own clock."""
    return isinstance(moment, LocalTime) and moment.zone is None


def _of_recipient(part: object) -> bool:
    """Whether a clock column follows the recipient's own zone."""
    for holder in (part, getattr(part, "hours", None), getattr(part, "window", None)):
        if holder is not None and hasattr(holder, "zone") and holder.zone is None:
            return True
    return False
