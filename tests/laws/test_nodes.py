"""M2 on conditions: reference, generated Python and DuckDB give every tree one value."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.backends.python import compile_rules
from policykit.backends.reference import evaluate, judge_rules
from policykit.ir.fold import fold
from policykit.ir.nodes import Compare, Const, Known, Type
from policykit.ir.rows import FactRow
from policykit.ir.walk import type_of
from tests.laws import duck
from tests.laws.node_trees import ALL_LEAVES, ALL_USE_LEAVES, Row, World, rule, trees, worlds

EVERYDAY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TREES = st.lists(st.sampled_from(list(Type)).flatmap(lambda of: trees(of, 4)), min_size=4, max_size=8)


@EVERYDAY
@given(worlds(), TREES)
def test_unrolling_keeps_the_meaning(world: World, exprs: list) -> None:
    for row in world.rows:
        facts = world.facts(row)
        for expr in exprs:
            assert evaluate(world.unrolled(expr), facts) == evaluate(expr, facts)


@EVERYDAY
@given(worlds(rows=2), TREES, st.sets(st.sampled_from(ALL_LEAVES)))
def test_folding_keeps_the_meaning(world: World, exprs: list, known: set) -> None:
    for row in world.rows:
        facts = world.facts(row)
        constants = {leaf: Const(evaluate(leaf, facts), type_of(leaf)) for leaf in known}
        for expr in exprs:
            assert evaluate(fold(expr, constants), facts) == evaluate(expr, facts)
            assert evaluate(fold(world.unrolled(expr), constants), facts) == evaluate(expr, facts)


@EVERYDAY
@given(worlds(rows=6), TREES)
def test_duckdb_equals_the_reference(world: World, exprs: list) -> None:
    plain = [world.unrolled(expr) for expr in exprs]

    found = duck.evaluate(plain, ALL_LEAVES, [row.values for row in world.rows])

    assert found == [tuple(evaluate(expr, world.facts(row)) for expr in plain) for row in world.rows]


def _rules(exprs: list) -> list:
    """The trees as rules; those that are no conditions are asked for their value below."""
    return [rule(expr if type_of(expr) is Type.BOOL else Known(expr)) for expr in exprs]


@EVERYDAY
@given(worlds(rows=4), TREES)
def test_generated_python_equals_the_reference(world: World, exprs: list) -> None:
    _hold_python_to_the_reference(world, exprs)


@EVERYDAY
@given(worlds(rows=4, all_known=True), TREES)
def test_generated_python_equals_the_reference_when_all_is_known(world: World, exprs: list) -> None:
    _hold_python_to_the_reference(world, exprs)


def _hold_python_to_the_reference(world: World, exprs: list) -> None:
    rules = _rules(exprs)
    plain = [rule(world.unrolled(r.breached)) for r in rules]
    with_uses = compile_rules(rules, ALL_LEAVES, ALL_USE_LEAVES)
    without = compile_rules(plain, ALL_LEAVES)
    for row in world.rows:
        fact_row = FactRow(row.values, row.uses)
        expected = judge_rules(rules, world.facts(row))
        assert with_uses(fact_row) == expected
        assert without(FactRow(row.values)) == expected
        _hold_values(world, exprs, row)


def _hold_values(world: World, exprs: list, row: Row) -> None:
    """Every tree is compared with the value that the reference gives it, whatever its type."""
    facts = world.facts(row)
    values = [(expr, evaluate(expr, facts)) for expr in exprs]
    same = [rule(Compare("==", expr, Const(value, type_of(expr)))) for expr, value in values if value is not None]
    judged = compile_rules(same, ALL_LEAVES, ALL_USE_LEAVES)(FactRow(row.values, row.uses))
    assert (judged.breached, judged.undetermined) == ((1 << len(same)) - 1, 0)
