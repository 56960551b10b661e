"""What operators give for known values: the one place where their arithmetic is decided.

`fold` and the reference interpreter both call these; the other backends must equal them. Every
function takes values that are known and gives `None` where the result is unknown.
"""

from __future__ import annotations

from math import isfinite
from typing import assert_never

from policykit.ir.nodes import INT_MAX, INT_MIN, Arith, Compare, Rank, Text, Type, Value


def finite(value: Value) -> Value:
    """The value of a fact as conditions see it: NaN and infinities are unknown. Integers in rows fit 64 bits."""
    return None if isinstance(value, float) and not isfinite(value) else value


def normal(value: Value) -> Value:
    """The value, or None for a number that is no result: NaN, infinite, outside 64 bits."""
    if isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
        return None
    return finite(value)


def compare(node: Compare, left: Value, right: Value) -> bool:
    match node.op:
        case "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right  # type: ignore[operator]  # both sides have one type (ir.check)
        case "<=":
            return left <= right  # type: ignore[operator]
        case ">":
            return left > right  # type: ignore[operator]
        case ">=":
            return left >= right  # type: ignore[operator]
        case _:
            assert_never(node.op)


def arith(node: Arith, left: Value, right: Value) -> Value:
    """Sum, difference or product; None outside 64 bits and for NaN and infinities."""
    match node.op:
        case "+":
            return normal(left + right)  # type: ignore[operator]  # numbers only (ir.check)
        case "-":
            return normal(left - right)  # type: ignore[operator]
        case "*":
            return normal(left * right)  # type: ignore[operator]
        case _:
            assert_never(node.op)


def search(node: Text, left: Value, right: Value) -> bool:
    text, part = str(left), str(right)
    match node.op:
        case "starts_with":
            return text.startswith(part)
        case "ends_with":
            return text.endswith(part)
        case "contains":
            return part in text
        case _:
            assert_never(node.op)


def rank(node: Rank, item: Value) -> int | None:
    """Rank of the text; the first pair of a member counts. None when it is not on the scale."""
    return next((rank for member, rank in node.steps if member == item), None)


def same(left: Value, right: Value, of: Type) -> bool:
    """Equality of two values of one type; True is not 1 here."""
    return left == right and isinstance(left, bool) == isinstance(right, bool) == (of is Type.BOOL)
