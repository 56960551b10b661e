"""What can be said of a tree's values without any facts: never unknown, and how large.

Backends leave out checks that cannot fail; nothing here changes a meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from policykit.ir.nodes import (
    INT_MAX,
    INT_MIN,
    And,
    Arith,
    Const,
    Expr,
    If,
    Known,
    LocalPart,
    Not,
    Or,
    Present,
    Rank,
    Sends,
    Size,
)

Bounds: TypeAlias = tuple[int, int]

ANY: Bounds = (INT_MIN, INT_MAX)
COUNT: Bounds = (0, 2**40)  # no history and no text is longer
CLOCK: Bounds = (0, 9999)


def never_unknown(expr: Expr) -> bool:
    match expr:
        case Known() | Present():
            return True
        case Const():
            return expr.value is not None
        case Not():
            return never_unknown(expr.item)
        case And() | Or():
            return all(never_unknown(item) for item in expr.items)
        case If():
            return all(never_unknown(part) for part in (expr.condition, expr.then, expr.orelse))
        case _:
            return False


def bounds(expr: Expr) -> Bounds:
    """Least and greatest value an integer tree can have when it is known."""
    match expr:
        case Const(value=int(value)):
            return (value, value)
        case Sends() | Size():
            return COUNT
        case LocalPart():
            return CLOCK
        case Rank() if expr.steps:
            ranks = [rank for _, rank in expr.steps]
            return (min(ranks), max(ranks))
        case If():
            then, orelse = bounds(expr.then), bounds(expr.orelse)
            return (min(then[0], orelse[0]), max(then[1], orelse[1]))
        case Arith():
            return _clamp(reach(expr))
        case _:
            return ANY


def reach(expr: Arith) -> Bounds:
    """Bounds of the operation before it is held to 64 bits."""
    (a, b), (c, d) = bounds(expr.left), bounds(expr.right)
    return _REACH[expr.op](a, b, c, d)


def may_overflow(expr: Arith) -> bool:
    low, high = reach(expr)
    return low < INT_MIN or high > INT_MAX


def _product(a: int, b: int, c: int, d: int) -> Bounds:
    corners = (a * c, a * d, b * c, b * d)
    return (min(corners), max(corners))


_REACH: dict[Literal["+", "-", "*"], Callable[[int, int, int, int], Bounds]] = {
    "+": lambda a, b, c, d: (a + c, b + d),
    "-": lambda a, b, c, d: (a - d, b - c),
    "*": _product,
}


def _clamp(found: Bounds) -> Bounds:
    return (max(found[0], INT_MIN), min(found[1], INT_MAX))
