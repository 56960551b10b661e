"""Local time: what the clock says at a place, when sending is allowed there, when a local hour comes (M8).

All of it is read off the local clock as it stands: an hour that is skipped is never allowed, an
hour that comes twice is allowed twice.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from policykit.facts.zones import EARLIEST, LATEST, offset_at, segments, zones
from policykit.ir.nodes import Hours, Opening
from policykit.model import DAY, FOREVER, MINUTE, LocalTime, Micros, to_micros

__all__ = ["Interval", "LocalFields", "allowed", "intervals", "local_fields", "next_allowed", "resolve", "zones"]

Interval = tuple[Micros, Micros]

_DAY_MINUTES = 1440
_FIRST_WEEKDAY = 3  # 1970-01-01 was a Thursday
_SEARCH = 60 * DAY  # a weekly opening comes again within it, whatever the clock changes
_REACH = 2 * DAY  # no offset, and no change of one, is larger
_MARGIN = 40 * DAY  # a month's end must be computable too
_FIRST, _LAST = EARLIEST + _MARGIN, LATEST - _MARGIN
_SOON = 2 * DAY


class LocalFields(NamedTuple):
    """The local clock at one instant; starts and ends are UTC instants, [start, end).

    weekday: 0 = Monday; day_of_week: 0 = Sunday; month: 0 = January (as CEL counts).
    """

    minute_of_day: int
    weekday: int
    hours: int
    minutes: int
    day_of_week: int
    date: int
    month: int
    full_year: int
    day_start: Micros
    day_end: Micros
    week_start: Micros
    week_end: Micros
    month_start: Micros
    month_end: Micros


# --- one instant ------------------------------------------------------------------------------


@lru_cache(maxsize=65_536)
def local_fields(zone: str | None, at: Micros | None) -> LocalFields | None:
    """The clock of a zone at an instant, or None when the zone or the instant is unknown."""
    clock = local_clock(zone, at)
    if clock is None or zone is None:
        return None
    day, minute = clock
    monday = day - _weekday(day)
    today = date(1970, 1, 1) + timedelta(days=day)
    first = day - (today.day - 1)
    after = _days(date(today.year + today.month // 12, today.month % 12 + 1, 1))
    return LocalFields(
        minute, _weekday(day), minute // 60, minute % 60, (_weekday(day) + 1) % 7,
        today.day, today.month - 1, today.year,
        _start_of(zone, day), _start_of(zone, day + 1), _start_of(zone, monday), _start_of(zone, monday + 7),
        _start_of(zone, first), _start_of(zone, after),
    )  # fmt: skip


def local_clock(zone: str | None, at: Micros | None) -> tuple[int, int] | None:
    """(days since 1970, minute of the day) on the clock of a zone, or None when unknown."""
    if zone is None or at is None or zone not in zones() or not _FIRST <= at < _LAST:
        return None
    day, rest = divmod(at + offset_at(zone, at), DAY)
    return day, rest // MINUTE


def allowed(hours: Hours, zone: str | None, at: Micros | None) -> bool | None:
    """Whether the instant lies in the hours; None when the zone or the instant is unknown.

    zone: the recipient's; hours with a zone of their own ignore it.
    """
    clock = local_clock(hours.zone or zone, at)
    if clock is None:
        return None
    day, minute = clock
    weekday = _weekday(day)
    return any(_opens(opening, weekday, minute) for opening in hours.openings)


def _opens(opening: Opening, weekday: int, minute: int) -> bool:
    if opening.start < opening.end:
        return weekday in opening.days and opening.start <= minute < opening.end
    if minute >= opening.start:
        return weekday in opening.days
    return minute < opening.end and (weekday - 1) % 7 in opening.days


def next_allowed(hours: Hours, zone: str | None, at: Micros, deadline: Micros) -> Micros | None:
    """The instant itself if allowed, else the next interval's start; None when unknown or past the deadline."""
    at_zone = hours.zone or zone
    if at_zone is None or at_zone not in zones():
        return None
    if allowed(hours, zone, at):
        return at
    # Most hours come again within two days; what begins in them is the first whatever comes later.
    for reach in (_SOON, _SEARCH):
        for start, _ in intervals(hours, at_zone, at, min(deadline + 1, at + reach)):
            return start
    return None


def local_day(zone: str | None, at: Micros) -> Interval | None:
    """The local day around an instant, [start, end), or None when it cannot be known."""
    clock = local_clock(zone, at)
    if clock is None or zone is None:
        return None
    return _start_of(zone, clock[0]), _start_of(zone, clock[0] + 1)


# --- stretches of time -----------------------------------------------------------------------------


@lru_cache(maxsize=65_536)
def intervals(hours: Hours, zone: str | None, start: Micros, end: Micros) -> tuple[Interval, ...]:
    """Allowed stretches [from, to) within [start, end), touching ones joined; none when the zone is unknown."""
    at_zone = hours.zone or zone
    if at_zone is None or at_zone not in zones():
        return ()
    found: list[Interval] = []
    for begins, ends, offset in segments(at_zone, start, end):
        for opens, closes in _local_openings(hours.openings, begins + offset, ends + offset):
            left, right = max(opens - offset, begins), min(closes - offset, ends)
            if left < right:
                found.append((left, right))
    return tuple(_joined(found))


def _local_openings(openings: tuple[Opening, ...], start: Micros, end: Micros) -> list[Interval]:
    """Openings on a clock that never changes, from the day before `start` to `end`, in local microseconds."""
    found: list[Interval] = []
    for day in range(start // DAY - 1, end // DAY + 1):
        midnight, weekday = day * DAY, _weekday(day)
        for opening in openings:
            if weekday in opening.days:
                closes = opening.end if opening.start < opening.end else opening.end + _DAY_MINUTES
                found.append((midnight + opening.start * MINUTE, midnight + closes * MINUTE))
    return found


def _joined(found: list[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


# --- a local hour, resolved ---------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def resolve(moment: LocalTime, zone: str | None) -> Micros | None:
    """First instant of the local date at or after the clock time; None when the zone is unknown.

    None too when the date does not exist there, or when a gap swallows all that is left of it.
    zone: the recipient's; a moment with a zone of its own ignores it.
    """
    at_zone = moment.zone or zone
    if at_zone is None or at_zone not in zones():
        return None
    wall = to_micros(datetime.fromisoformat(moment.at).replace(tzinfo=UTC))
    return _first(at_zone, wall, (wall // DAY + 1) * DAY)


def _first(zone: str, wall: Micros, before: Micros) -> Micros | None:
    """First instant whose local clock reads in [wall, before)."""
    for start, end, offset in segments(zone, wall - _REACH, wall + _REACH):
        at = max(start, wall - offset)
        if at < end and at + offset < before:
            return at
    return None


@lru_cache(maxsize=65_536)
def _start_of(zone: str, day: int) -> Micros:
    """First instant of a local day; of the next one that exists where the day is skipped."""
    start = _first(zone, day * DAY, FOREVER)
    assert start is not None  # a clock that reads less than `day` today reads more in two days
    return start


def _weekday(day: int) -> int:
    return (day + _FIRST_WEEKDAY) % 7


def _days(day: date) -> int:
    return (day - date(1970, 1, 1)).days
