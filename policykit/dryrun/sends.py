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
    history: Table, counters: Mapping[str, Counter], bounds: Bounds, campaign: Campaign, channels: Sequence[str], *, earlier: bool
) -> str:
    """A query: person and one column per counter, where the windows are the same for everybody."""
    known = [limits for limits in bounds.values() if limits is not None]
    columns = []
    for name, counter in counters.items():
        limits = bounds[name]
        when = "FALSE" if limits is None else _within(*map(str, limits), sole=len(known) == len(set(known)) == 1)
        columns.append(f"count(*) FILTER (WHERE {' AND '.join([when, *_kinds(counter, campaign)])}) AS {name}")
    first, last = min((b[0] for b in known), default=0), max((b[1] for b in known), default=0)
    near = f"(instant IS NULL OR instant BETWEEN {first} AND {last})"
    return f"SELECT person, {', '.join(columns)} FROM ({_history(history, counters.values(), near, channels, earlier=earlier)}) GROUP BY person"


def counts_by_row(
    history: Table, counters: Mapping[str, Counter], campaign: Campaign, rows: str, channels: Sequence[str], *, earlier: bool
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
        columns.append(f"count(*) FILTER (WHERE {' AND '.join([when, *_kinds(counter, campaign, 'h.')])}) AS {name}")
    sent = _history(history, counters.values(), "TRUE", channels, earlier=earlier)
    return f"SELECT w.row AS row, {', '.join(columns)} FROM {rows} AS w JOIN ({sent}) AS h ON h.person = w.key GROUP BY w.row"


def _within(first: str, last: str, *, sole: bool) -> str:
    return "TRUE" if sole else f"(instant IS NULL OR instant BETWEEN {first} AND {last})"


def _kinds(counter: Counter, campaign: Campaign, alias: str = "") -> list[str]:
    """What a send must be to be counted; what is unknown about it counts."""
    tests = []
    if counter.channels is not None:
        tests.append(_unknown_or_in(f"{alias}channel", sorted(counter.channels)))
    if counter.classes is not None:
        tests.append(_unknown_or_in(f"{alias}message_class", sorted(counter.classes)))
    if counter.this_campaign and campaign.id is not None:
        tests.append(f"({alias}campaign IS NULL OR {alias}campaign = {quoted(campaign.id)})")
    return tests


def _unknown_or_in(column: str, members: list[str]) -> str:
    return f"({column} IS NULL OR {column} IN ({', '.join(map(quoted, members))}))" if members else f"({column} IS NULL)"


def _history(history: Table, counters: Iterable[Counter], near: str, channels: Sequence[str], *, earlier: bool) -> str:
    """Sends with the columns the counters read; a channel or class that is no such thing is unknown."""
    counters = list(counters)
    wanted = {
        "channel": any(c.channels is not None for c in counters),
        "message_class": any(c.classes is not None for c in counters),
        "campaign": any(c.this_campaign for c in counters),
    }
    known = {"channel": channels, "message_class": MESSAGE_CLASSES}
    columns = ["person", "instant"]
    for name, needed in wanted.items():
        if not needed:
            continue
        if name not in history.columns:
            columns.append(f"CAST(NULL AS VARCHAR) AS {name}")
        elif name in known:
            columns.append(f"CASE WHEN {name} IN ({', '.join(map(quoted, known[name]))}) THEN {name} END AS {name}")
        else:
            columns.append(name)
    sent = f"SELECT {', '.join(columns)} FROM {history.sql} WHERE {near}"
    if not earlier:
        return sent
    names = ["person", "instant", *(name for name, needed in wanted.items() if needed)]
    return f"{sent} UNION ALL SELECT {', '.join(names)} FROM earlier WHERE {near}"
