"""Values as the vocabulary types them: what does not fit its type is unknown, never converted silently."""

from __future__ import annotations

import math
import re

from policykit.ir.nodes import INT_MAX, INT_MIN, Type, Value
from policykit.language.spans import parse_instant

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?", re.ASCII)


def fitting(value: object, type_: Type) -> Value:
    """The value if it has exactly the type (instants and durations are integers), else unknown."""
    match type_:
        case Type.BOOL:
            return value if isinstance(value, bool) else None
        case Type.STRING:
            return value if isinstance(value, str) else None
        case Type.DOUBLE:
            return value if isinstance(value, float) and math.isfinite(value) else None
        case Type.INT | Type.TIMESTAMP | Type.DURATION:
            whole = isinstance(value, int) and not isinstance(value, bool)
            return value if whole and INT_MIN <= value <= INT_MAX else None  # type: ignore[operator, return-value]


def read_text(text: str | None, type_: Type) -> Value:
    """A value written as text in a data file; unreadable is unknown.

    true/false; integers in plain decimal; instants in ISO 8601 with an offset, or integers of
    microseconds; durations in microseconds.
    """
    if text is None or text == "":
        return None
    match type_:
        case Type.STRING:
            return text
        case Type.BOOL:
            return {"true": True, "false": False}.get(text)
        case Type.DOUBLE:
            return fitting(float(text), type_) if _DECIMAL.fullmatch(text) else None
        case Type.INT | Type.DURATION:
            return fitting(int(text), type_) if _INTEGER.fullmatch(text) else None
        case Type.TIMESTAMP:
            return _instant(text)


def _instant(text: str) -> int | None:
    if _INTEGER.fullmatch(text):
        return fitting(int(text), Type.TIMESTAMP)  # type: ignore[return-value]
    return parse_instant(text)
