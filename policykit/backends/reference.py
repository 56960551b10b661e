"""The meaning: a small interpreter that every other backend must equal (M2).

Nothing here is fast and nothing is clever. A value is True, False, a number, a text, or None for
unknown (M3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from policykit.ir import values
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
    Leaf,
    Not,
    Operator,
    Or,
    Rank,
    Size,
    SumUses,
    Text,
    ToDouble,
    UseLeaf,
    Value,
)
from policykit.ir.rows import FactRow, Judged
from policykit.ir.rules import Rule, RuleSet
from policykit.ir.specialise import SpecialisedRule

UseValues = Mapping[UseLeaf, Value]


@dataclass(frozen=True, slots=True)
class Facts:
    """Values by leaf. uses: one mapping per use, None = unknown. use: the one at hand, below a quantifier."""

    values: Mapping[Leaf, Value]
    uses: tuple[UseValues, ...] | None = None
    use: UseValues = field(default_factory=dict)


def facts_of(row: FactRow, leaves: Sequence[Leaf], use_leaves: Sequence[UseLeaf] = ()) -> Facts:
    """The row's values by leaf."""
    uses = None
    if row.uses is not None:
        uses = tuple(dict(zip(use_leaves, use, strict=True)) for use in row.uses)
    return Facts(dict(zip(leaves, row.values, strict=True)), uses)


def judge(ruleset: RuleSet, row: FactRow) -> Judged:
    """What every rule of the set says of one row."""
    return judge_rules(ruleset.rules, facts_of(row, ruleset.leaves, ruleset.use_leaves))


def judge_rules(rules: Sequence[Rule | SpecialisedRule], facts: Facts) -> Judged:
    """Masks over the rules; for specialised ones bit j of `in_breach` is the j-th of `use_terms`."""
    breached = undetermined = 0
    for index, rule in enumerate(rules):
        value = evaluate(rule.breached, facts)
        breached |= (value is not False) << index
        undetermined |= (value is None) << index
    in_breach = (_in_breach(rule, facts) if breached >> i & 1 else 0 for i, rule in enumerate(rules) if _strips(rule))
    return Judged(breached, undetermined, tuple(in_breach))


def _strips(rule: Rule | SpecialisedRule) -> bool:
    return (rule.rule if isinstance(rule, SpecialisedRule) else rule).use_breached is not None


def _in_breach(rule: Rule | SpecialisedRule, facts: Facts) -> int:
    """Uses in breach, true or unknown, as a mask; 0 where the uses are unknown."""
    if isinstance(rule, SpecialisedRule):
        answers = [evaluate(term, facts) for _, term in rule.use_terms or ()]
    elif facts.uses is None or rule.use_breached is None:
        answers = []
    else:
        answers = [evaluate(rule.use_breached, _about(facts, use)) for use in facts.uses]
    return sum((answer is not False) << index for index, answer in enumerate(answers))


def _about(facts: Facts, use: UseValues) -> Facts:
    return Facts(facts.values, facts.uses, use)


def evaluate(expr: Expr, facts: Facts) -> Value:
    """The value of a well-typed tree."""
    if isinstance(expr, LEAVES):
        return values.finite(facts.values[expr])
    if isinstance(expr, USE_LEAVES):
        return values.finite(facts.use[expr])
    return _operate(expr, facts)


def _operate(expr: Operator, facts: Facts) -> Value:  # one case per node
    match expr:
        case Const():
            return expr.value
        case Not():
            item = evaluate(expr.item, facts)
            return None if item is None else not item
        case And():
            return _all([evaluate(item, facts) for item in expr.items])
        case Or():
            return _any([evaluate(item, facts) for item in expr.items])
        case Compare() | Arith() | Text():
            return _binary(expr, evaluate(expr.left, facts), evaluate(expr.right, facts))
        case In():
            item = evaluate(expr.item, facts)
            return False if not expr.values else None if item is None else item in expr.values
        case If():
            condition = evaluate(expr.condition, facts)
            return None if condition is None else evaluate(expr.then if condition else expr.orelse, facts)
        case Size() | Rank() | ToDouble():
            return _unary(expr, evaluate(expr.item, facts))
        case Known():
            return evaluate(expr.item, facts) is not None
        case ExistsUse() | AllUses() | SumUses():
            return _quantify(expr, facts)
        case _:
            assert_never(expr)


def _all(items: list[Value]) -> Value:
    return False if False in items else None if None in items else True


def _any(items: list[Value]) -> Value:
    return True if True in items else None if None in items else False


def _binary(expr: Compare | Arith | Text, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    match expr:
        case Compare():
            return values.compare(expr, left, right)
        case Arith():
            return values.arith(expr, left, right)
        case Text():
            return values.search(expr, left, right)
        case _:
            assert_never(expr)


def _unary(expr: Size | Rank | ToDouble, item: Value) -> Value:
    if item is None:
        return None
    match expr:
        case Size():
            return len(str(item))
        case Rank():
            return values.rank(expr, item)
        case ToDouble():
            return float(item)
        case _:
            assert_never(expr)


def _quantify(expr: ExistsUse | AllUses | SumUses, facts: Facts) -> Value:
    if facts.uses is None:
        return None
    answers = [evaluate(expr.body, _about(facts, use)) for use in facts.uses]
    match expr:
        case ExistsUse():
            return _any(answers)
        case AllUses():
            return _all(answers)
        case SumUses():
            return _sum(answers)
        case _:
            assert_never(expr)


def _sum(terms: list[Value]) -> Value:
    """Left to right, like the sum that unrolling writes; a step outside 64 bits makes it unknown."""
    total = 0
    for term in terms:
        if not isinstance(term, int):
            return None
        total += term
        if not INT_MIN <= total <= INT_MAX:
            return None
    return total
