"""Partial evaluation: what is known when compiling folds away, and the meaning stays exactly.

Kleene-exact: for every row the folded tree has the value the tree had, unknown included. So
`If` on an unknown condition is unknown even when both branches agree, and nothing is said to be
equal to itself that may be unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from policykit.ir import values
from policykit.ir.nodes import (
    FALSE,
    TRUE,
    UNKNOWN,
    AllUses,
    And,
    Arith,
    Compare,
    Const,
    ExistsUse,
    Expr,
    If,
    In,
    Known,
    Not,
    Or,
    Present,
    Rank,
    Size,
    SumUses,
    Text,
    ToDouble,
    Type,
)
from policykit.ir.walk import is_leaf, is_use_leaf, leaves_of, rebuild, type_of, use_leaves_of

__all__ = ["fold", "leaves_of", "simplify", "use_leaves_of"]


def fold(expr: Expr, known: Mapping[Expr, Expr]) -> Expr:
    """The tree with known leaves put in and everything that then has one value computed.

    known: leaf -> `Const`, or another tree of the leaf's type, which is not folded again. Use
    leaves in it stand for the use at hand; those below a quantifier stay.
    """
    if is_leaf(expr) or is_use_leaf(expr):
        return known.get(expr, expr)
    if isinstance(expr, (ExistsUse, AllUses, SumUses)):  # its use leaves are about other uses
        known = {leaf: value for leaf, value in known.items() if not is_use_leaf(leaf)}
    return simplify(rebuild(expr, lambda child: fold(child, known)))


def simplify(expr: Expr) -> Expr:
    """The node computed as far as its children allow; they are already simplified."""
    match expr:
        case And():
            return _join(expr, FALSE, TRUE)
        case Or():
            return _join(expr, TRUE, FALSE)
        case Not():
            return _negate(expr)
        case If():
            return _choose(expr)
        case In():
            return _include(expr)
        case Known():
            return _known(expr)
        case Compare() | Arith() | Text():
            return _binary(expr)
        case Size() | Rank() | ToDouble():
            return _unary(expr)
        case ExistsUse() | AllUses() | SumUses() | Const():
            return expr
        case _:
            return expr


def _join(expr: And | Or, wins: Const, neutral: Const) -> Expr:
    kept: dict[Expr, None] = {}
    for item in expr.items:
        for part in item.items if isinstance(item, (And, Or)) and type(item) is type(expr) else (item,):
            if part == wins:
                return wins
            if part != neutral:
                kept.setdefault(part)
    if len(kept) == 1:
        return next(iter(kept))
    return type(expr)(tuple(kept), place=expr.place) if kept else neutral


def _negate(expr: Not) -> Expr:
    match expr.item:
        case Const(value=value):
            return UNKNOWN if value is None else FALSE if value else TRUE
        case Not(item=item):
            return item
        case _:
            return expr


def _choose(expr: If) -> Expr:
    if isinstance(expr.condition, Const):
        if expr.condition.value is None:
            return Const(None, type_of(expr), place=expr.place)
        return expr.then if expr.condition.value else expr.orelse
    if (expr.then, expr.orelse) == (TRUE, FALSE):
        return expr.condition
    if (expr.then, expr.orelse) == (FALSE, TRUE):
        return simplify(Not(expr.condition, place=expr.place))
    return expr


def _include(expr: In) -> Expr:
    if not expr.values:
        return FALSE
    if isinstance(expr.item, Const):
        value, of = expr.item.value, expr.item.type
        if value is None:
            return UNKNOWN
        return TRUE if any(values.same(value, member, of) for member in expr.values) else FALSE
    return expr


def _known(expr: Known) -> Expr:
    match expr.item:
        case Const(value=value):
            return TRUE if value is not None else FALSE
        case Known() | Present():
            return TRUE
        case And(items=()) | Or(items=()):
            return TRUE
        case _:
            return expr


def _binary(expr: Compare | Arith | Text) -> Expr:
    left, right = expr.left, expr.right
    if any(isinstance(side, Const) and side.value is None for side in (left, right)):
        return Const(None, type_of(expr), place=expr.place)
    if not (isinstance(left, Const) and isinstance(right, Const)):
        return expr
    match expr:
        case Compare():
            return TRUE if values.compare(expr, left.value, right.value) else FALSE
        case Arith():
            return Const(values.arith(expr, left.value, right.value), type_of(expr), place=expr.place)
        case Text():
            return TRUE if values.search(expr, left.value, right.value) else FALSE
        case _:
            assert_never(expr)


def _unary(expr: Size | Rank | ToDouble) -> Expr:
    if not isinstance(expr.item, Const):
        return expr
    value = expr.item.value
    if value is None:
        return Const(None, type_of(expr), place=expr.place)
    match expr:
        case Size():
            return Const(len(str(value)), Type.INT, place=expr.place)
        case Rank():
            return Const(values.rank(expr, value), Type.INT, place=expr.place)
        case ToDouble():
            return Const(float(value), Type.DOUBLE, place=expr.place)
        case _:
            assert_never(expr)
