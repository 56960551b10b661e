"""What people told us back, as SQL: what it leaves of a person's tolerance and degree (`facts.feedback`)."""

from __future__ import annotations

from collections.abc import Callable

from policykit.dryrun.relations import Table
from policykit.dryrun.sources import quoted
from policykit.facts.feedback import DEGREE, RANKS, TOLERANCE
from policykit.ir.nodes import INT_MAX, INT_MIN
from policykit.model import Micros

_ODD = len(RANKS)  # the place of a degree that is none
NOTHING = {TOLERANCE: "CAST(NULL AS BIGINT)", DEGREE: "CAST(NULL AS VARCHAR)"}  # where no column says anything


def by_person(table: Table, now: Micros) -> str:
    """One row per person: `points` lowered, NULL where some cannot be read; `lowest` and `highest` place of a degree.

    A row that stands in the file twice is one, as in the store.
    INVARIANT: `lower_tolerance` is -1 where it cannot be read (see `relations`).
    """
    points, degree = "CAST(0 AS HUGEINT)", "CAST(NULL AS INTEGER)"
    if "lower_tolerance" in table.columns:
        points = "CASE WHEN min(lower_tolerance) >= 0 THEN sum(lower_tolerance) END"
    if "degree" in table.columns:
        places = " ".join(f"WHEN {quoted(name)} THEN {place}" for name, place in RANKS.items())
        degree = f"CASE WHEN degree IS NOT NULL THEN CASE degree {places} ELSE {_ODD} END END"
    seen = f"instant IS NULL OR instant <= {now}"
    return (
        f"SELECT person, TRUE AS told, {points} AS points, min({degree}) AS lowest, max({degree}) AS highest "
        f"FROM (SELECT DISTINCT * FROM {table.sql}) WHERE {seen} GROUP BY person"
    )


def after(path: str) -> Callable[[str], str] | None:
    """What becomes of a fact, given its SQL; None for facts that nothing anybody tells us changes."""
    return {TOLERANCE: _tolerance, DEGREE: _degree}.get(path)


def _tolerance(sql: str) -> str:
    left = f"(CAST({sql} AS HUGEINT) - f.points)"
    fits = f"{left} BETWEEN {INT_MIN} AND {INT_MAX}"
    return f"CASE WHEN f.told IS NULL THEN {sql} WHEN {fits} THEN CAST({left} AS BIGINT) END"


def _degree(sql: str) -> str:
    places = " ".join(f"WHEN {quoted(name)} THEN {place}" for name, place in RANKS.items())
    names = " ".join(f"WHEN {place} THEN {quoted(name)}" for name, place in RANKS.items())
    lower = f"CASE least(f.lowest, CASE {sql} {places} END) {names} END"
    return f"CASE WHEN f.lowest IS NULL THEN {sql} WHEN f.highest < {_ODD} AND {sql} IS NOT NULL THEN {lower} END"
