"""Conditions that exclude each other, as far as their constants show."""

from __future__ import annotations

from policykit.ir.nodes import FALSE, And, Compare, Const, Expr, Fact, In, Not, Value
from policykit.vocabulary import FactSpec, Vocabulary


def can_never_be(condition: Expr, vocabulary: Vocabulary) -> bool:
    """Whether conditions that are and-ed exclude each other, as far as their constants show."""
    return condition == FALSE or any(not values for values in possible(condition, vocabulary).values())


def possible(applies: Expr, vocabulary: Vocabulary) -> dict[str, frozenset[Value]]:
    """Per fact, the values it may have where all the and-ed conditions hold; facts that may have any are left out."""
    possible: dict[str, frozenset[Value]] = {}
    for item in applies.items if isinstance(applies, And) else (applies,):
        narrowed = _narrows(item, vocabulary)
        if narrowed:
            path, values = narrowed
            possible[path] = possible[path] & values if path in possible else values
    return possible


def _narrows(item: Expr, vocabulary: Vocabulary) -> tuple[str, frozenset[Value]] | None:
    match item:
        case Compare(op="==", left=Fact(path=path), right=Const(value=value)):
            return path, frozenset((value,))
        case In(item=Fact(path=path), values=values):
            return path, frozenset(values)
        case Compare(op="!=", left=Fact(path=path), right=Const(value=value)):
            return _without(vocabulary.get(path), frozenset((value,)))
        case Not(item=In(item=Fact(path=path), values=values)):
            return _without(vocabulary.get(path), frozenset(values))
        case _:
            return None


def _without(spec: FactSpec | None, values: frozenset[Value]) -> tuple[str, frozenset[Value]] | None:
    return (spec.path, frozenset(spec.members) - values) if spec and spec.members else None
