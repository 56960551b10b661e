"""M2 on conditions: reference, generated Python and DuckDB give every tree one value."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.backends.reference import evaluate
from policykit.ir.fold import fold
from policykit.ir.nodes import Const, Type
from policykit.ir.walk import type_of
from tests.laws import duck
from tests.laws.node_trees import ALL_LEAVES, World, trees, worlds

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
