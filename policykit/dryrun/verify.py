"""A sample of rows judged again by the reference: any difference is our fault and stops the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import duckdb

from policykit.dryrun.numbers import Outcome, read_decisions
from policykit.dryrun.person import people_of
from policykit.dryrun.plan import Plan
from policykit.dryrun.relations import Data
from policykit.errors import EnginesDisagree
from policykit.model import Decision, Micros
from policykit.rounds.reference import decide_audience


def verify(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    data: Data,
    found: list[Outcome],
    now: Micros,
    pseudonym: Callable[[str], str],
    sample: int,
) -> int:
    """How many rows were judged twice; raises `EnginesDisagree` naming the person and the policies.

    sample: about how many; all when the audience is no larger.
    """
    rows = _sample(connection, data, found, sample)
    people = people_of(connection, plan.ruleset, data, rows)
    ordered = [people[row] for row in rows]
    expected = decide_audience(plan.ruleset, plan.campaign, ordered, now)
    decided = read_decisions(connection, plan, rows)
    for (row, (_, decision)), wanted in zip(decided, expected, strict=True):
        if decision != replace(wanted, skipped=()):
            raise EnginesDisagree(_difference(pseudonym(people[row].id), row, decision, wanted))
    return len(rows)


def _sample(connection: duckdb.DuckDBPyConnection, data: Data, found: list[Outcome], sample: int) -> list[int]:
    """Row numbers: the first row of the commonest outcomes and others picked evenly, with every row of those people."""
    total = data.people.rows
    if total <= sample:
        return list(range(1, total + 1))
    rows = {outcome.row for outcome in found[: sample // 2]}
    step = max(1, total // (sample - len(rows)))
    rows |= set(range(1, total + 1, step))
    listed = ", ".join(map(str, sorted(rows)))
    more = connection.execute(
        f"SELECT row FROM repeated_rows WHERE key IN (SELECT key FROM repeated_rows WHERE row IN ({listed}))"
    ).fetchall()
    return sorted(rows | {row for (row,) in more})


def _difference(person: str, row: int, found: Decision, wanted: Decision) -> str:
    policies = sorted({*found.determining, *wanted.determining, *found.undetermined, *wanted.undetermined})
    return (
        f"row {row}, person `{person}`: the dry run says {_say(found)}, the reference {_say(wanted)}; "
        f"policies {', '.join(f'`{policy}`' for policy in policies) or 'none'}"
    )


def _say(decision: Decision) -> str:
    why = f" ({decision.impossible})" if decision.impossible else ""
    return (
        f"{decision.verdict}{why} by {list(decision.determining)}, unknown {list(decision.undetermined)}, "
        f"{decision.changes}"
    )
