"""Lengths of time and instants, as authors write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from policykit.model import DAY, HOUR, MINUTE, SECOND, Micros, to_micros

INSTANT_EXAMPLE = "2026-03-02T10:00:00+01:00"
SPAN_EXAMPLE = "7 days"
NUMBER_WAY_OUT = 'write it as `"2026-03-02T10:00:00Z"`'

_UNITS = {"second": SECOND, "minute": MINUTE, "hour": HOUR, "day": DAY, "week": 7 * DAY}
_SPAN = re.compile(r"([0-9]{1,6}) (second|minute|hour|day|week|month|year)s?")
# What counts as an instant wherever one is read, by this module and in SQL: no 24:00, no second 60.
CLOCK_PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?)"
INSTANT_PATTERN = CLOCK_PATTERN + r"(Z|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])"
EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999  # years 1 to 9999: what a calendar can name
_INSTANT = re.compile(INSTANT_PATTERN)
_LOCAL = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class MonthSpan:
    """A length in calendar months, which has no fixed number of days."""

    count: int


def parse_span(text: object) -> Micros | MonthSpan | None:
    """Microseconds, or calendar months for months and years; None when it is not `<n> <unit>` with n above 0."""
    found = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if not found or int(found[1]) == 0:
        return None
    count, unit = int(found[1]), found[2]
    if unit in ("month", "year"):
        return MonthSpan(count * (12 if unit == "year" else 1))
    return count * _UNITS[unit]


def parse_instant(text: object) -> Micros | None:
    """Microseconds since 1970 UTC of an ISO instant with an offset or `Z`; None for anything else."""
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        return None
    try:
        at = to_micros(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None
    return at if EARLIEST <= at <= LATEST else None


def is_number(value: object) -> bool:
    """Whether somebody wrote a number for an instant by hand: a year, seconds or microseconds, nobody knows."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def parse_local(text: object) -> str | None:
    """The ISO form, to the second, of a wall-clock moment without an offset; None for anything else."""
    if not isinstance(text, str) or not _LOCAL.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).isoformat(timespec="seconds")
    except ValueError:
        return None


def parse_day(text: object, zone: str) -> tuple[Micros, Micros] | None:
    """First instant of a date in a known zone, and of the day after; None when it is not a date."""
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        return None
    try:
        day = date.fromisoformat(text)
        return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
    except (ValueError, OverflowError):
        return None


def _midnight(day: date, zone: str) -> Micros:
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=_zone(zone)))


@cache
def known_zones() -> frozenset[str]:
    """The names of the IANA zones, exact spelling, from the `tzdata` package."""
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


@cache
def _zone(name: str) -> ZoneInfo:
    # Never the machine's own zone files: two machines would disagree (M8).
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)
