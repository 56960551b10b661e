"""Cells of a store, read as their text would be in a data file; a number for an instant is microseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from policykit.facts.values import read_text as read_value
from policykit.ir.nodes import Type
from policykit.language.spans import EARLIEST, LATEST, parse_instant
from policykit.model import Micros
from policykit.stores.base import Cell

Value: TypeAlias = bool | int | float | str | None
Read: TypeAlias = Callable[[Cell], Value]

_TYPES = {"int": Type.INT, "double": Type.DOUBLE, "bool": Type.BOOL, "duration": Type.INT}
_KEPT = 16_384


def reader(type_: str, members: frozenset[str] | None = None) -> Read:
    """Reads cells of a column of this type of the vocabulary; a text that is no member is unknown."""
    if members is not None:
        return lambda cell: cell if cell in members else one_of(text(cell), members)
    if type_ == "timestamp":
        return instant
    if type_ not in _TYPES:
        return text
    wanted = _TYPES[type_]
    known: dict[str, Value] = {}

    def _read(cell: Cell) -> Value:
        if cell.__class__ is not str:
            return read_value(text(cell), wanted)
        try:
            return known[cell]
        except KeyError:
            if len(known) >= _KEPT:
                known.clear()
            value = known[cell] = read_value(cell, wanted)
            return value

    return _read


def text(cell: Cell) -> str | None:
    """The cell as a file would hold it; empty is none."""
    if cell.__class__ is str:
        return cell or None
    if cell is None:
        return None
    return str(cell).lower() if isinstance(cell, bool) else str(cell) or None


def proof(cell: Cell) -> str | None:
    """What a row refers to as its proof; `false` is how exports say that there is none."""
    if cell is None:
        return None
    said = text(cell)
    return None if said is None or (len(said) == 5 and said.lower() == "false") else said


def one_of(cell: Cell, known: frozenset[str]) -> str | None:
    return cell if isinstance(cell, str) and cell in known else None


def flag(cell: Cell) -> bool | None:
    """True, false, or nothing that can be read."""
    return cell if cell is None or isinstance(cell, bool) else _FLAGS.get(cell)


_FLAGS: Mapping[Cell, bool] = {"true": True, "false": False}


def instant(cell: Cell) -> Micros | None:
    """Microseconds since 1970 UTC."""
    if cell.__class__ is str:
        return _written(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return cell if EARLIEST <= cell <= LATEST else None
    return None


# An instant is the midnight of its day plus a time with its offset; days and whole seconds come again and again.
_DAYS: dict[str, Micros | None] = {}
_TIMES: dict[str, Micros | None] = {}
_MIDNIGHT = "2000-01-01"
_AT_MIDNIGHT = parse_instant(_MIDNIGHT + "T00:00:00Z") or 0


def _written(said: str) -> Micros | None:
    try:
        day, time = _DAYS[said[:10]], _TIMES[said[10:]]
    except KeyError:
        return _learned(said)
    if day is None or time is None:
        return None
    at = day + time
    return at if EARLIEST <= at <= LATEST else None


def _learned(said: str) -> Micros | None:
    """The instant; its parts are remembered, unless it is written to the fraction of a second."""
    at, day, time = parse_instant(said), said[:10], said[10:]
    if at is not None and len(time) <= len("T10:00:00+01:00"):
        if max(len(_DAYS), len(_TIMES)) >= _KEPT:
            _DAYS.clear()
            _TIMES.clear()
        midnight = parse_instant(day + "T00:00:00Z")
        late = parse_instant(_MIDNIGHT + time)
        if midnight is not None and late is not None:
            _DAYS[day], _TIMES[time] = midnight, late - _AT_MIDNIGHT
    return at
