"""Types of trees. Every lowered rule is checked, so that a kind that builds a wrong tree is told so at once."""

from __future__ import annotations

from typing import assert_never

from policykit.errors import Place, Problem
from policykit.ir.nodes import (
    INT_MAX,
    INT_MIN,
    LEAVES,
    USE_LEAVES,
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
    Operator,
    Or,
    Rank,
    Size,
    SumUses,
    Text,
    ToDouble,
    Type,
    Value,
)
from policykit.ir.values import normal
from policykit.ir.walk import arith_type, type_of

_PYTHON: dict[Type, type] = {
    Type.BOOL: bool, Type.INT: int, Type.DOUBLE: float, Type.STRING: str, Type.TIMESTAMP: int, Type.DURATION: int,
}  # fmt: skip


def check(expr: Expr, expected: Type = Type.BOOL, *, in_use: bool = False) -> list[Problem]:
    """What is wrong with the types of a tree; empty for a well-typed one of the expected type.

    in_use: it is about a use at hand, so use leaves may stand at its top.
    """
    checker = _Checker()
    found = checker.type(expr, None, in_use=in_use)
    if found not in (None, expected):
        checker.report(expr, None, f"has type {found}, expected {expected}")
    return checker.problems


class _Checker:
    """place: that of the nearest node above which has one; a kind need not place every node."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def report(self, node: object, place: Place | None, message: str) -> None:
        where = getattr(node, "place", None) or place
        self.problems.append(
            Problem(
                where,
                f"the condition built here is wrong: `{type(node).__name__}` {message}",
                "this is a fault of the policy's kind, not of the policy: report it to the kind's author",
                "ir.type",
            )
        )

    def type(self, node: Expr, place: Place | None, *, in_use: bool) -> Type | None:
        """Type of the node, None when it has none or something below it is wrong already."""
        if isinstance(node, LEAVES):
            return type_of(node)
        if isinstance(node, USE_LEAVES):
            if not in_use:
                self.report(node, place, "stands outside of a quantifier over uses")
            return type_of(node)
        if not isinstance(node, _OPERATORS):
            self.report(node, place, "is not a node")  # type: ignore[unreachable]  # a plugin may pass anything
            return None
        return self.operator(node, node.place or place, in_use=in_use)

    def operator(self, node: Operator, place: Place | None, *, in_use: bool) -> Type | None:  # noqa: C901  # one case per node
        def _of(child: Expr) -> Type | None:
            return self.type(child, place, in_use=in_use)

        match node:
            case Const():
                self.value(node, node.value, node.type, place)
                return node.type
            case Not():
                self.expect(node, place, _of(node.item), Type.BOOL)
                return Type.BOOL
            case And() | Or():
                for item in node.items:
                    self.expect(node, place, _of(item), Type.BOOL)
                return Type.BOOL
            case Compare():
                self.alike(node, place, _of(node.left), _of(node.right))
                return Type.BOOL
            case In():
                self.members(node, place, _of(node.item))
                return Type.BOOL
            case If():
                self.expect(node, place, _of(node.condition), Type.BOOL)
                return self.alike(node, place, _of(node.then), _of(node.orelse))
            case Arith():
                return self.arith(node, place, _of(node.left), _of(node.right))
            case Text():
                self.expect(node, place, _of(node.left), Type.STRING)
                self.expect(node, place, _of(node.right), Type.STRING)
                return Type.BOOL
            case Size() | Rank():
                self.expect(node, place, _of(node.item), Type.STRING)
                return Type.INT
            case ToDouble():
                self.expect(node, place, _of(node.item), Type.INT)
                return Type.DOUBLE
            case Known():
                _of(node.item)
                return Type.BOOL
            case ExistsUse() | AllUses():
                self.expect(node, place, self.type(node.body, place, in_use=True), Type.BOOL)
                return Type.BOOL
            case SumUses():
                self.expect(node, place, self.type(node.body, place, in_use=True), Type.INT)
                return Type.INT
            case _:
                assert_never(node)

    def expect(self, node: Expr, place: Place | None, found: Type | None, expected: Type) -> None:
        if found not in (None, expected):
            self.report(node, place, f"takes {expected}, found {found}")

    def alike(self, node: Expr, place: Place | None, left: Type | None, right: Type | None) -> Type | None:
        if left and right and left is not right:
            self.report(node, place, f"takes two of one type, found {left} and {right}")
            return None
        return left

    def arith(self, node: Arith, place: Place | None, left: Type | None, right: Type | None) -> Type | None:
        if left is None or right is None:
            return None
        found = arith_type(node.op, left, right)
        if found is None:
            self.report(node, place, f"cannot compute {left} `{node.op}` {right}")
        return found

    def members(self, node: In, place: Place | None, of: Type | None) -> None:
        for value in node.values if of else ():
            if value is None:
                self.report(node, place, "lists the unknown, which equals nothing")
            else:
                self.value(node, value, of or Type.STRING, place)

    def value(self, node: Expr, value: Value, of: Type, place: Place | None) -> None:
        if value is None:
            return
        if type(value) is not _PYTHON[of]:
            self.report(node, place, f"holds {value!r}, which is no {of}")
        elif normal(value) is None:
            self.report(node, place, f"holds {value!r}, outside of {INT_MIN} to {INT_MAX} or not finite")


_OPERATORS = (
    Const, Not, And, Or, Compare, In, If, Arith, Text, Size, Rank, ToDouble, Known, ExistsUse, AllUses, SumUses,
)  # fmt: skip
