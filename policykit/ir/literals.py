"""Instants and lengths of time as CEL writes them."""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction

from policykit.ir.nodes import INT_MAX, INT_MIN
from policykit.model import HOUR, MINUTE, SECOND, to_micros

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_LENGTH = re.compile(r"([+-]?)((?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:h|ms|us|ns|m|s))+|0)")
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(h|ms|us|ns|m|s)")
_UNITS = {
    "h": Fraction(HOUR), "m": Fraction(MINUTE), "s": Fraction(SECOND), "ms": Fraction(1_000), "us": Fraction(1),
    "ns": Fraction(1, 1_000),
}  # fmt: skip
_LONGEST = 64  # characters; longer texts cannot be in range


def parse_timestamp(text: str) -> int | None:
    """Microseconds of an RFC 3339 instant; None for anything else, finer fractions included."""
    found = _INSTANT.fullmatch(text)
    if not found:
        return None
    fraction = (found[2] or "").ljust(9, "0")
    if fraction[6:] != "000":
        return None
    try:
        return to_micros(datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))) + int(fraction[:6])
    except (ValueError, OverflowError):
        return None


def parse_duration(text: str) -> int | None:
    """Microseconds of a length like `24h`, `1h30m`, `1.5s`, `-10m`; None for anything else, finer parts included."""
    found = _LENGTH.fullmatch(text) if len(text) <= _LONGEST else None
    if not found:
        return None
    total = sum((Fraction(f"0{number}") * _UNITS[unit] for number, unit in _PART.findall(found[2])), Fraction(0))
    total = -total if found[1] == "-" else total
    return int(total) if total.denominator == 1 and INT_MIN <= total <= INT_MAX else None
