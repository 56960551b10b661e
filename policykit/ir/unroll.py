"""Uses are constants of a campaign (M14): quantifiers over them become plain trees.

A use that may be stripped stays in the tree under its `Present` leaf; what differs from person
to person (origin, purposes, age, permission, value) becomes leaves about that attribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from policykit.ir.fold import fold, simplify
from policykit.ir.nodes import (
    AllUses,
    And,
    Arith,
    AttributeCollectedAt,
    AttributeCollectedFor,
    AttributeOrigin,
    AttributePermission,
    AttributeRefused,
    Const,
    ExistsUse,
    Expr,
    Fact,
    If,
    Known,
    Not,
    Or,
    Present,
    Quantifier,
    SumUses,
    Type,
    UseCollectedFor,
    UseFact,
    UseLeaf,
    UseOrigin,
)
from policykit.ir.walk import rebuild, type_of, use_leaves_of
from policykit.model import Attribute, Use
from policykit.vocabulary import SENSITIVITIES

NONE = Const(0, Type.INT)


def unroll(expr: Expr, uses: tuple[Use, ...] | None, attributes: Mapping[str, Attribute], purpose: str | None) -> Expr:
    """The tree without quantifiers, for a send with these uses.

    uses: None = unknown, then every quantifier is. purpose: the send's, for "this purpose"; None = unknown.
    """
    if isinstance(expr, (ExistsUse, AllUses, SumUses)):
        return _unrolled(expr, uses, attributes, purpose)
    return simplify(rebuild(expr, lambda child: unroll(child, uses, attributes, purpose)))


def unroll_use(expr: Expr, use: Use, attributes: Mapping[str, Attribute], purpose: str | None) -> Expr:
    """The body of a quantifier for one use; says nothing about whether it is present."""
    return fold(expr, {leaf: use_leaf(leaf, use, attributes, purpose) for leaf in use_leaves_of(expr)})


def _unrolled(
    expr: Quantifier, uses: tuple[Use, ...] | None, attributes: Mapping[str, Attribute], purpose: str | None
) -> Expr:
    if uses is None:
        return Const(None, type_of(expr), place=expr.place)
    body = unroll(expr.body, uses, attributes, purpose)
    terms = [(Present(use.attribute), unroll_use(body, use, attributes, purpose)) for use in uses]
    match expr:
        case ExistsUse():
            return simplify(Or(tuple(simplify(And((here, term))) for here, term in terms), place=expr.place))
        case AllUses():
            return simplify(And(tuple(simplify(Or((Not(here), term))) for here, term in terms), place=expr.place))
        case SumUses():
            total: Expr = NONE
            for here, term in terms:
                if term != NONE:
                    counted = If(here, term, NONE)
                    total = counted if total == NONE else Arith("+", total, counted)
            return total
        case _:
            assert_never(expr)


def use_leaf(leaf: UseLeaf, use: Use, attributes: Mapping[str, Attribute], purpose: str | None) -> Expr:
    """A leaf about a use, said of one attribute: constants, and leaves about the person's value (M9)."""
    attribute = attributes.get(use.attribute)
    match leaf:
        case UseFact():
            return _use_fact(leaf, use, attribute)
        case UseOrigin(origin=origin):
            return simplify(Or(tuple(AttributeOrigin(member, origin) for member in _lineage(use, attribute))))
        case UseCollectedFor(purpose=named):
            wanted = purpose if named is None else named
            if wanted is None:
                return Const(None, Type.BOOL)
            return simplify(And(tuple(AttributeCollectedFor(member, wanted) for member in _lineage(use, attribute))))
        case _:
            assert_never(leaf)


def sensitivity(attribute: Attribute | None, use: Use) -> str | None:
    """The registered sensitivity, or what an offer picked by the use tells of the person where that is more (M9)."""
    own = attribute.sensitivity if attribute else None
    if own is None or use.reveals is None:
        return own
    return max(own, use.reveals, key=lambda said: _RANKS.get(said, len(_RANKS)))


_RANKS = dict(SENSITIVITIES)


def _lineage(use: Use, attribute: Attribute | None) -> tuple[str, ...]:
    return (attribute.lineage if attribute else ()) or (use.attribute,)


def _use_fact(leaf: UseFact, use: Use, attribute: Attribute | None) -> Expr:
    """A field of the use; what only the registry says is unknown for an attribute that is not in it."""
    match leaf.field:
        case "attribute":
            return Const(use.attribute, Type.STRING)
        case "category":
            return Const(attribute.category if attribute else None, Type.STRING)
        case "sensitivity":
            return Const(sensitivity(attribute, use), Type.STRING)
        case "controller":
            return Const(attribute.controller if attribute else None, Type.STRING)
        case "disclosed":
            return Const(bool(attribute.disclosed_as) if attribute else None, Type.BOOL)
        case "recited":
            return Const(use.recited, Type.BOOL)
        case "selected":
            return Const(use.selected, Type.BOOL)
        case "permission":
            return AttributePermission(use.attribute)
        case "refused":
            return simplify(Or(tuple(AttributeRefused(member) for member in _lineage(use, attribute))))
        case "known":
            return Known(Fact(f"attributes.{use.attribute}", Type(attribute.type) if attribute else Type.STRING))
        case "age":
            return Arith("-", Fact("send.at", Type.TIMESTAMP), AttributeCollectedAt(use.attribute))
        case _:
            assert_never(leaf.field)
