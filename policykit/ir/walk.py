"""Going through trees: children, rebuilding, leaves, types."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import TypeGuard, assert_never

from policykit.ir.nodes import (
    LEAVES,
    USE_LEAVES,
    Allowed,
    AllUses,
    And,
    Arith,
    AttributeCollectedAt,
    AttributeCollectedFor,
    AttributeOrigin,
    AttributePermission,
    AttributeRefused,
    Compare,
    ConsentMet,
    ConsentWasMet,
    Const,
    ContentSays,
    ExistsUse,
    Expr,
    Fact,
    If,
    In,
    Joined,
    Known,
    Leaf,
    LocalPart,
    Member,
    Not,
    Or,
    Present,
    Rank,
    Sends,
    Size,
    SumUses,
    Text,
    ToDouble,
    Type,
    UseCollectedFor,
    UseFact,
    UseLeaf,
    UseOrigin,
)


def is_leaf(expr: Expr) -> TypeGuard[Leaf]:
    return isinstance(expr, LEAVES)


def is_use_leaf(expr: Expr) -> TypeGuard[UseLeaf]:
    return isinstance(expr, USE_LEAVES)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The nodes directly below, in reading order."""
    match expr:
        case And() | Or():
            return expr.items
        case Compare() | Arith() | Text():
            return (expr.left, expr.right)
        case If():
            return (expr.condition, expr.then, expr.orelse)
        case Not() | In() | Size() | Rank() | ToDouble() | Known():
            return (expr.item,)
        case ExistsUse() | AllUses() | SumUses():
            return (expr.body,)
        case _:
            return ()


def rebuild(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The same node over changed children; the node itself when none changed."""
    match expr:
        case And() | Or():
            items = tuple(change(item) for item in expr.items)
            return expr if _same(items, expr.items) else replace(expr, items=items)
        case Compare() | Arith() | Text():
            left, right = change(expr.left), change(expr.right)
            return expr if left is expr.left and right is expr.right else replace(expr, left=left, right=right)
        case If():
            condition, then, orelse = parts = tuple(change(part) for part in children(expr))
            return expr if _same(parts, children(expr)) else If(condition, then, orelse, place=expr.place)
        case Not() | In() | Size() | Rank() | ToDouble() | Known():
            item = change(expr.item)
            return expr if item is expr.item else replace(expr, item=item)
        case ExistsUse() | AllUses() | SumUses():
            body = change(expr.body)
            return expr if body is expr.body else replace(expr, body=body)
        case _:
            return expr


def _same(left: tuple[Expr, ...], right: tuple[Expr, ...]) -> bool:
    return all(a is b for a, b in zip(left, right, strict=True))


def transform(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The tree with every node replaced by `change(node)`, children first."""
    return change(rebuild(expr, lambda child: transform(child, change)))


def nodes(expr: Expr) -> Iterator[Expr]:
    """Every node of the tree, the root first, in reading order."""
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def leaves_of(expr: Expr) -> set[Leaf]:
    """Leaves about the send and the person; those below quantifiers too."""
    return {node for node in nodes(expr) if is_leaf(node)}


def use_leaves_of(expr: Expr) -> set[UseLeaf]:
    return {node for node in nodes(expr) if is_use_leaf(node)}


def ordered_use_leaves(exprs: Iterator[Expr] | tuple[Expr, ...]) -> tuple[UseLeaf, ...]:
    """The use leaves of several trees in a fixed order: what a use row is aligned with."""
    found = {leaf for expr in exprs for leaf in use_leaves_of(expr)}
    return tuple(sorted(found, key=canonical))


def canonical(node: object) -> str:
    """One text per meaning, the same in every process: what orders and hashes are made of.

    Sets are sorted, places left out.
    """
    if is_dataclass(node):
        shown = (canonical(getattr(node, field.name)) for field in fields(node) if field.compare)
        return f"{type(node).__name__}({', '.join(shown)})"
    if isinstance(node, (set, frozenset)):
        return f"{{{', '.join(sorted(canonical(item) for item in node))}}}"
    if isinstance(node, tuple):
        return f"[{', '.join(canonical(item) for item in node)}]"
    return repr(str(node)) if isinstance(node, str) else repr(node)


def type_of(expr: Expr) -> Type:
    """Static type of a well-typed tree (`ir.check` says whether it is one)."""
    match expr:
        case Fact() | UseFact() | Const():
            return expr.type
        case Sends() | LocalPart() | Size() | Rank() | SumUses():
            return Type.INT
        case AttributeCollectedAt():
            return Type.TIMESTAMP
        case ToDouble():
            return Type.DOUBLE
        case If():
            return type_of(expr.then)
        case Arith():
            return arith_type(expr.op, type_of(expr.left), type_of(expr.right)) or type_of(expr.left)
        case (
            Member() | ConsentMet() | ConsentWasMet() | Joined() | ContentSays() | Allowed() | Present()
            | AttributeOrigin() | AttributeCollectedFor() | AttributePermission() | AttributeRefused()
            | UseOrigin() | UseCollectedFor() | Not() | And() | Or() | Compare() | In() | Text() | Known()
            | ExistsUse() | AllUses()
        ):  # fmt: skip
            return Type.BOOL
        case _:
            assert_never(expr)


def arith_type(op: str, left: Type, right: Type) -> Type | None:
    """Type of `left op right`, None where there is no such operation."""
    return _ARITH.get((left, op, right))


_INT, _DOUBLE, _AT, _LENGTH = Type.INT, Type.DOUBLE, Type.TIMESTAMP, Type.DURATION
_ARITH: dict[tuple[Type, str, Type], Type] = {
    **{(number, op, number): number for number in (_INT, _DOUBLE) for op in ("+", "-", "*")},
    (_LENGTH, "+", _LENGTH): _LENGTH,
    (_LENGTH, "-", _LENGTH): _LENGTH,
    (_LENGTH, "*", _INT): _LENGTH,
    (_INT, "*", _LENGTH): _LENGTH,
    (_AT, "+", _LENGTH): _AT,
    (_LENGTH, "+", _AT): _AT,
    (_AT, "-", _LENGTH): _AT,
    (_AT, "-", _AT): _LENGTH,
}
