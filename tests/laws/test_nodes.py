"""M2 on conditions: reference, generated Python and DuckDB give every tree one value.

`hold_*` are the laws themselves; `break_nodes.py` runs them on broken backends.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.backends import reference
from policykit.backends.python import compile_rules
from policykit.ir import fold
from policykit.ir.nodes import And, Arith, Compare, Const, Expr, Fact, If, Known, Leaf, Or, Type
from policykit.ir.rows import FactRow, Judged
from policykit.ir.walk import type_of
from tests.examples import examples
from tests.laws import duck
from tests.laws.node_trees import ALL_LEAVES, ALL_USE_LEAVES, FOCUSES, Row, World, focused, rule, worlds

EVERYDAY = settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TREES = st.sampled_from(FOCUSES).flatmap(focused)
LEAVES = st.sets(st.sampled_from(ALL_LEAVES))


def hold_unrolling(world: World, exprs: list[Expr]) -> None:
    for row in world.rows:
        facts = world.facts(row)
        for expr in exprs:
            assert reference.evaluate(world.unrolled(expr), facts) == reference.evaluate(expr, facts)


def hold_folding(world: World, exprs: list[Expr], known: set[Leaf]) -> None:
    for row in world.rows:
        facts = world.facts(row)
        constants: dict[Expr, Expr] = {leaf: Const(facts_value, type_of(leaf)) for leaf, facts_value in
                                       ((leaf, reference.evaluate(leaf, facts)) for leaf in known)}  # fmt: skip
        for expr in exprs:
            expected = reference.evaluate(expr, facts)
            assert reference.evaluate(fold.fold(expr, constants), facts) == expected
            assert reference.evaluate(fold.fold(world.unrolled(expr), constants), facts) == expected


def hold_duckdb(world: World, exprs: list[Expr]) -> None:
    plain = [world.unrolled(expr) for expr in exprs]

    found = duck.evaluate(plain, ALL_LEAVES, [row.values for row in world.rows])

    assert found == [tuple(reference.evaluate(expr, world.facts(row)) for expr in plain) for row in world.rows]


def hold_python(world: World, exprs: list[Expr]) -> None:
    """Conditions as rules; a tree that is no condition is asked whether it has a value, and which.

    Each unrolled tree has a function of its own: one unknown value and the two-valued function of all hands over.
    """
    rules = [rule(expr if type_of(expr) is Type.BOOL else Known(expr)) for expr in exprs]
    together = compile_rules(rules, ALL_LEAVES, ALL_USE_LEAVES)
    plain = [rule(world.unrolled(r.breached)) for r in rules]
    alone = [compile_rules([r], ALL_LEAVES) for r in plain]
    for row in world.rows:
        expected = reference.judge_rules(rules, world.facts(row))

        assert reference.judge_rules(plain, world.facts(row)) == expected
        assert together(FactRow(row.values, row.uses)) == expected
        assert united([judge(FactRow(row.values)) for judge in alone]) == expected
        _hold_values(world, exprs, row)


def united(judged: list[Judged]) -> Judged:
    """Judgements of single rules as one of all."""
    return Judged(
        sum(one.breached << place for place, one in enumerate(judged)),
        sum(one.undetermined << place for place, one in enumerate(judged)),
    )


def _hold_values(world: World, exprs: list[Expr], row: Row) -> None:
    facts = world.facts(row)
    for expr in exprs:
        value = reference.evaluate(expr, facts)
        if value is not None:
            same = rule(Compare("==", expr, Const(value, type_of(expr))))
            judge = compile_rules([same], ALL_LEAVES, ALL_USE_LEAVES)
            assert judge(FactRow(row.values, row.uses)) == Judged(1, 0)


@EVERYDAY
@given(worlds(), TREES)
def test_unrolling_keeps_the_meaning(world: World, exprs: list[Expr]) -> None:
    hold_unrolling(world, exprs)


@EVERYDAY
@given(worlds(rows=2), TREES, LEAVES)
def test_folding_keeps_the_meaning(world: World, exprs: list[Expr], known: set[Leaf]) -> None:
    hold_folding(world, exprs, known)


@EVERYDAY
@given(worlds(rows=6), TREES)
def test_duckdb_equals_the_reference(world: World, exprs: list[Expr]) -> None:
    hold_duckdb(world, exprs)


@EVERYDAY
@given(worlds(rows=4), TREES)
def test_generated_python_equals_the_reference(world: World, exprs: list[Expr]) -> None:
    hold_python(world, exprs)


@EVERYDAY
@given(worlds(rows=4, all_known=True), TREES)
def test_generated_python_equals_the_reference_when_all_is_known(world: World, exprs: list[Expr]) -> None:
    hold_python(world, exprs)


@pytest.mark.slow
@settings(EVERYDAY, max_examples=1_200)
@given(worlds(rows=6), TREES, LEAVES)
def test_everything_agrees_for_long(world: World, exprs: list[Expr], known: set[Leaf]) -> None:
    hold_unrolling(world, exprs)
    hold_folding(world, exprs, known)
    hold_duckdb(world, exprs)
    hold_python(world, exprs)


SHARED = Arith("+", Fact("recipient.age", Type.INT), Fact("recipient.tolerance", Type.INT))


@EVERYDAY
@given(worlds(rows=6), st.sampled_from(["+", "-", "*"]))
def test_an_overflow_in_a_part_that_many_conditions_share_stays_unknown(world: World, op: Any) -> None:
    """An optimiser lifts shared parts out of what protects them; a query must not abort for it."""
    more = Arith(op, SHARED, SHARED)
    customer = Fact("recipient.customer", Type.BOOL)
    compared = [Compare(way, part, Const(5, Type.INT)) for way in ("<", ">=") for part in (SHARED, more)]

    hold_duckdb(world, [SHARED, more, If(customer, more, SHARED), And(tuple(compared)), Or(tuple(compared)), *compared])
