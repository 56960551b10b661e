"""M2 on whole rules: specialised to a campaign they say what they said before, uses in breach included."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.backends.python import compile_rules
from policykit.backends.reference import judge, judge_rules
from policykit.backends.sql import WORD_BITS, mask
from policykit.ir.nodes import FALSE, UNKNOWN, And, Const, ExistsUse, Present
from policykit.ir.rows import FactRow, Judged
from policykit.ir.rules import Rule, RuleSet
from policykit.ir.specialise import SpecialisedRule, leaves_left, send_constants, specialise
from policykit.model import Campaign, Prepared, Variant
from tests.examples import examples
from tests.laws import duck
from tests.laws.node_trees import (
    ALL_LEAVES,
    ALL_USE_LEAVES,
    ATTRIBUTES,
    PURPOSE,
    Row,
    World,
    rule,
    trees,
    use_rows,
    worlds,
)

SETTINGS = settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """A rule; half of them strip, their breach being that some use is in breach where the rule applies."""
    if draw(st.booleans()):
        return rule(draw(trees(depth=3)))
    body = And((draw(trees(depth=2)), draw(trees(depth=2, in_use=True))))
    return rule(ExistsUse(body), use_breached=body)


def campaign_of(world: World) -> tuple[Campaign, Prepared]:
    prepared = Prepared("a", "fcm", Variant(world.uses))
    return Campaign("spring", (prepared,), 0, purpose=PURPOSE), prepared


def as_sent(row: Row, ruleset: RuleSet, world: World) -> Row:
    """The row with what the campaign says put in, as the fact layer would."""
    constants = send_constants(ruleset, *campaign_of(world), generic=False)
    values = tuple(
        found.value if isinstance(found := constants.get(leaf), Const) else value
        for leaf, value in zip(ALL_LEAVES, row.values, strict=True)
    )
    return replace(row, values=values, uses=use_rows(world.uses, values))


def names_in_breach(judged: Judged, names: list[tuple[str, ...]]) -> list[set[str]]:
    return [
        {name for bit, name in enumerate(group) if bits >> bit & 1}
        for bits, group in zip(judged.in_breach, names, strict=True)
    ]


def stripping(found: tuple[SpecialisedRule, ...]) -> list[tuple[str, ...]]:
    return [tuple(name for name, _ in r.use_terms or ()) for r in found if r.rule.use_breached is not None]


@SETTINGS
@given(worlds(rows=4), st.lists(rules(), min_size=1, max_size=5))
def test_specialised_rules_say_what_the_rules_say(world: World, made: list[Rule]) -> None:
    ruleset = RuleSet(tuple(made), ALL_LEAVES, ALL_USE_LEAVES, ATTRIBUTES)
    found = specialise(ruleset, *campaign_of(world), generic=False)
    with_uses = compile_rules(made, ALL_LEAVES, ALL_USE_LEAVES)
    leaves = leaves_left(found)
    without = compile_rules(found, leaves)

    for row in (as_sent(row, ruleset, world) for row in world.rows):
        fact_row = FactRow(row.values, row.uses)
        expected = judge(ruleset, fact_row)
        facts = world.facts(row)
        present = tuple(use.attribute for use in world.uses or () if facts.values[Present(use.attribute)])
        in_breach = names_in_breach(expected, [present] * len(expected.in_breach))
        short = without(FactRow(tuple(facts.values[leaf] for leaf in leaves)))

        assert with_uses(fact_row) == expected
        assert judge_rules(found, facts) == short
        assert short[:2] == expected[:2]
        assert names_in_breach(short, stripping(found)) == in_breach


@SETTINGS
@given(worlds(rows=6), st.lists(rules(), min_size=1, max_size=5))
def test_masks_in_sql_are_those_of_the_reference(world: World, made: list[Rule]) -> None:
    ruleset = RuleSet(tuple(made), ALL_LEAVES, ALL_USE_LEAVES, ATTRIBUTES)
    found = specialise(ruleset, *campaign_of(world), generic=False)
    rows = [as_sent(row, ruleset, world) for row in world.rows]

    words = duck.masks(found, ALL_LEAVES, [row.values for row in rows])

    assert words == [judge(ruleset, FactRow(row.values, row.uses))[:2] for row in rows]


def test_masks_go_on_in_a_second_word() -> None:
    made = [rule(UNKNOWN if place % 3 else FALSE) for place in range(130)]
    breached, undetermined = mask(made, lambda _: "", duck.DUCKDB)

    row = duck.CONNECTION.execute(f"SELECT {', '.join((*breached, *undetermined))}").fetchone()

    bits = sum(1 << i for i in range(130) if i % 3)
    assert [sum(word << WORD_BITS * i for i, word in enumerate(part)) for part in (row[:3], row[3:])] == [bits, bits]
