"""How many sends lie in each window (M7), for everybody at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from policykit.dryrun.relations import Table
from policykit.dryrun.sources import quoted
from policykit.ir.nodes import Window
from policykit.model import Campaign, Micros
from policykit.vocabulary import MESSAGE_CLASSES


@dataclass(frozen=True, slots=True)
class Counter:
    """One count: sends in a window, on these channels, of these classes (None = any).

    edges: for calendar windows, the clock columns of their first and last instant.
    """

    window: Window
    channels: frozenset[str] | None
    classes: frozenset[str] | None
    this_campaign: bool
    edges: tuple[str, str] | None = None


Bounds = Mapping[str, tuple[Micros, Micros] | None]


def counts_by_person(
    history: Table,
    counters: Mapping[str, Counter],
    bounds: Bounds,
    campaign: Campaign,
    channels: Sequence[str],
    *,
    earlier: bool,
) -> str:
    """A query: person and one column per counter, where the windows are the same for everybody."""
    known = [limits for limits in bounds.values() if limits is not None]
    columns = []
    for name, counter in counters.items():
        limits = bounds[name]
        when = "FALSE" if limits is None else _within(*map(str, limits), sole=len(known) == len(set(known)) == 1)
        columns.append(_counted([when, *_kinds(counter, campaign, channels)], name))
    first, last = min((b[0] for b in known), default=0), max((b[1] for b in known), default=0)
    near = f"(instant IS NULL OR instant BETWEEN {first} AND {last})"
    return (
        f"SELECT person, {', '.join(columns)} FROM "
        f"({_history(history, counters.values(), near, earlier=earlier)}) GROUP BY person"
    )


def counts_by_row(
    history: Table,
    counters: Mapping[str, Counter],
    campaign: Campaign,
    rows: str,
    channels: Sequence[str],
    *,
    earlier: bool,
) -> str:
    """A query: row and one column per counter, around each row's own instant.

    channels: those that data may name. rows: a relation of row, key, at, and the clock columns of calendar windows.
    """
    columns = []
    for name, counter in counters.items():
        if counter.edges is None:
            width = counter.window.rolling
            when = f"(h.instant IS NULL OR (h.instant > w.instant - {width} AND h.instant < w.instant + {width}))"
        else:
            when = f"(h.instant IS NULL OR h.instant BETWEEN w.{counter.edges[0]} AND w.{counter.edges[1]})"
        columns.append(_counted([when, *_kinds(counter, campaign, channels, "h.")], name))
    sent = _history(history, counters.values(), "TRUE", earlier=earlier)
    return (
        f"SELECT w.row AS row, {', '.join(columns)} FROM {rows} AS w JOIN ({sent}) AS h ON h.person = w.key "
        "GROUP BY w.row"
    )


def _counted(tests: list[str], name: str) -> str:
    """Half the memory of a BIGINT; nobody is sent two thousand million messages."""
    return f"CAST(count(*) FILTER (WHERE {' AND '.join(tests)}) AS INTEGER) AS {name}"


def _within(first: str, last: str, *, sole: bool) -> str:
    return "TRUE" if sole else f"(instant IS NULL OR instant BETWEEN {first} AND {last})"


def _kinds(counter: Counter, campaign: Campaign, channels: Sequence[str], alias: str = "") -> list[str]:
    """What a send must not be to be counted: of another known channel or class, or another campaign.

    Said that way round, what is unknown or no such thing counts without a look at the whole list.
    """
    tests = []
    if counter.channels is not None:
        tests.append(_not_other(f"{alias}channel", set(channels) - counter.channels))
    if counter.classes is not None:
        tests.append(_not_other(f"{alias}message_class", set(MESSAGE_CLASSES) - counter.classes))
    if counter.this_campaign and campaign.id is not None:
        tests.append(f"coalesce({alias}campaign = {quoted(campaign.id)}, TRUE)")
    return [test for test in tests if test]


def _not_other(column: str, others: set[str]) -> str:
    tests = " OR ".join(f"{column} = {quoted(other)}" for other in sorted(others))
    return f"NOT coalesce({tests}, FALSE)" if tests else ""


def _history(history: Table, counters: Iterable[Counter], near: str, *, earlier: bool) -> str:
    """Sends with the columns the counters read."""
    counters = list(counters)
    wanted = {
        "channel": any(c.channels is not None for c in counters),
        "message_class": any(c.classes is not None for c in counters),
        "campaign": any(c.this_campaign for c in counters),
    }
    columns = ["person", "instant"]
    for name, needed in wanted.items():
        if not needed:
            continue
        if name not in history.columns:
            columns.append(f"CAST(NULL AS VARCHAR) AS {name}")
        else:
            columns.append(name)
    sent = f"SELECT {', '.join(columns)} FROM {history.sql} WHERE {near}"
    if not earlier:
        return sent
    names = ["person", "instant", *(name for name, needed in wanted.items() if needed)]
    return f"{sent} UNION ALL SELECT {', '.join(names)} FROM earlier WHERE {near}"
