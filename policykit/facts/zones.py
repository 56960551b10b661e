"""Time zones: the list of those known, and the stretches of time in which a zone's offset stands still.

The `tzdata` package is the only source, so that two machines never disagree; the system's own
files are not read. Everything in `hours.py` is computed from `segments`.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from policykit.model import DAY, SECOND, Micros, to_micros

EARLIEST: Micros = to_micros(datetime(2, 1, 1, tzinfo=UTC))
LATEST: Micros = to_micros(datetime(9999, 1, 1, tzinfo=UTC))  # instants outside have no local time here

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Segment(NamedTuple):
    """[start, end) in which local clock = UTC + offset."""

    start: Micros
    end: Micros
    offset: Micros


class _Zone(NamedTuple):
    """transitions: the explicit ones, sorted. settled: from the last of them on the offset never changes again."""

    info: ZoneInfo
    transitions: tuple[Micros, ...]
    settled: bool


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """Every zone name that is known; anything else, other spellings included, is unknown (M8)."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def segments(zone: str, start: Micros, end: Micros) -> list[Segment]:
    """The offset segments of a known zone that lie in [start, end), clipped to it, in order."""
    start, end = max(start, EARLIEST), min(end, LATEST)
    if start >= end:
        return []
    known = _load(zone)
    bounds = [start, *_changes(known, start, end), end]
    return [Segment(left, right, _offset(known.info, left)) for left, right in pairwise(bounds)]


def offset_at(zone: str, at: Micros) -> Micros:
    """Offset of a known zone at an instant between `EARLIEST` and `LATEST`."""
    last = _LAST.get(zone)
    if last is None or not last.start <= at < last.end:
        last = _LAST[zone] = _around(_load(zone), at)
    return last.offset


# The stretch asked about last, by zone: live sends ask about one instant after the other.
_LAST: dict[str, Segment] = {}


def _around(known: _Zone, at: Micros) -> Segment:
    """A stretch with one offset around an instant; where only a standing rule could tell, at most a day."""
    transitions, offset = known.transitions, _offset(known.info, at)
    place = bisect_right(transitions, at)
    start = transitions[place - 1] if place else EARLIEST
    if place < len(transitions):
        return Segment(start, transitions[place], offset)
    if known.settled:
        return Segment(start, LATEST, offset)
    start, end = max(start, at // DAY * DAY), (at // DAY + 1) * DAY
    if _offset(known.info, start) == offset == _offset(known.info, end - 1):
        return Segment(start, end, offset)
    return Segment(at, at + 1, offset)


def _changes(known: _Zone, start: Micros, end: Micros) -> list[Micros]:
    """Instants in (start, end) at which the offset may change."""
    transitions = known.transitions
    low, high = bisect_right(transitions, start), bisect_right(transitions, end - 1)
    changes = list(transitions[low:high])
    last = transitions[-1] if transitions else EARLIEST
    if not known.settled and end > last:
        changes += _probe(known.info, max(start, last), end)
    return changes


def _probe(info: ZoneInfo, start: Micros, end: Micros) -> list[Micros]:
    """Changes of offset by the zone's standing rule: looked for day by day, then narrowed to the second.

    A standing rule changes the clock twice a year, never twice in a day (RFC 8536, footer).
    """
    found: list[Micros] = []
    left, offset = start, _offset(info, start)
    while left < end:
        right = min(left + DAY, end)
        at_right = _offset(info, right)
        if at_right != offset:
            change = _narrow(info, left, right, offset)
            if change < end:
                found.append(change)
        left, offset = right, at_right
    return found


def _narrow(info: ZoneInfo, left: Micros, right: Micros, offset: Micros) -> Micros:
    low, high = left // SECOND, -(-right // SECOND)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(info, middle * SECOND) == offset:
            low = middle
        else:
            high = middle
    return high * SECOND


def _offset(info: ZoneInfo, at: Micros) -> Micros:
    delta = (_EPOCH + timedelta(microseconds=at)).astimezone(info).utcoffset()
    assert delta is not None
    return (delta.days * 86_400 + delta.seconds) * SECOND


@lru_cache(maxsize=1024)
def _load(zone: str) -> _Zone:
    data = files("tzdata").joinpath("zoneinfo", *zone.split("/")).read_bytes()
    transitions, footer = _read_tzif(data)
    return _Zone(ZoneInfo.from_file(BytesIO(data), key=zone), transitions, "," not in footer)


def _read_tzif(data: bytes) -> tuple[tuple[Micros, ...], str]:
    """Explicit transitions and the standing rule of a TZif file, version 2 or later (RFC 8536)."""
    isutc, isstd, leap, times, types, chars = struct.unpack(">6l", data[20:44])
    second = 44 + times * 5 + types * 6 + chars + leap * 8 + isstd + isutc
    isutc, isstd, leap, times, types, chars = struct.unpack(">6l", data[second + 20 : second + 44])
    body = second + 44
    transitions = struct.unpack(f">{times}q", data[body : body + times * 8])
    footer = data[body + times * 9 + types * 6 + chars + leap * 12 + isstd + isutc :]
    return tuple(at * SECOND for at in transitions), footer.decode("ascii").strip()
