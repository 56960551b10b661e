"""The generated function: what it looks like to those who debug it, and which of the two answers."""

from __future__ import annotations

import linecache
import traceback

import pytest

from policykit.backends.python import compile_rules, source_of
from policykit.errors import InternalError
from policykit.ir.nodes import (
    INT_MAX,
    AllUses,
    And,
    Arith,
    Compare,
    Const,
    ExistsUse,
    Expr,
    Fact,
    In,
    Known,
    Or,
    Rank,
    SumUses,
    Type,
    UseFact,
)
from policykit.ir.rows import FactRow, Judged
from policykit.ir.rules import Effect, Rule

AGE = Fact("recipient.age", Type.INT)
COUNTRY = Fact("recipient.country", Type.STRING)
RECITED = UseFact("recited", Type.BOOL)
ADULT = Compare(">=", AGE, Const(18, Type.INT))
FRENCH = In(COUNTRY, ("FR",))


def rule(policy: str, breached: Expr, use_breached: Expr | None = None) -> Rule:
    reason = Const("rule.breached", Type.STRING)
    return Rule(policy, "rule", breached, Effect("block"), reason, use_breached=use_breached)


def test_bit_i_is_rule_i() -> None:
    judge = compile_rules([rule("a", ADULT), rule("b", FRENCH), rule("c", Or((ADULT, FRENCH)))], (AGE, COUNTRY))

    assert judge(FactRow((18, "DE"))) == Judged(0b101, 0)
    assert judge(FactRow((17, "FR"))) == Judged(0b110, 0)


def test_unknown_facts_breach_and_are_undetermined() -> None:
    judge = compile_rules([rule("a", ADULT), rule("b", FRENCH), rule("c", Or((ADULT, FRENCH)))], (AGE, COUNTRY))

    assert judge(FactRow((None, "FR"))) == Judged(0b111, 0b001)
    assert judge(FactRow((17, None))) == Judged(0b110, 0b110)


def test_an_overflow_is_unknown_although_every_fact_is_known() -> None:
    judge = compile_rules([rule("a", Compare(">", Arith("+", AGE, Const(1, Type.INT)), AGE))], (AGE,))

    assert judge(FactRow((INT_MAX,))) == Judged(1, 1)
    assert judge(FactRow((INT_MAX - 1,))) == Judged(1, 0)


def test_a_text_on_no_scale_is_unknown() -> None:
    judge = compile_rules([rule("a", Compare("<", Rank((("FR", 1),), COUNTRY), Const(1, Type.INT)))], (COUNTRY,))

    assert judge(FactRow(("FR",))) == Judged(0, 0)
    assert judge(FactRow(("XX",))) == Judged(1, 1)


def test_a_fact_only_asked_for_by_has_does_not_need_the_kleene_function() -> None:
    text = source_of([rule("a", And((Known(AGE), FRENCH)))], (AGE, COUNTRY))

    assert "if f1 is None: return kleene(row)" in text


def test_quantifiers_over_dynamic_uses() -> None:
    count = Compare(">", SumUses(Const(1, Type.INT)), Const(1, Type.INT))
    judge = compile_rules(
        [rule("a", ExistsUse(RECITED)), rule("b", AllUses(RECITED)), rule("c", count)], (), (RECITED,)
    )

    assert judge(FactRow((), ())) == Judged(0b010, 0)
    assert judge(FactRow((), ((True,), (False,)))) == Judged(0b101, 0)
    assert judge(FactRow((), ((None,), (False,)))) == Judged(0b101, 0b001)
    assert judge(FactRow((), None)) == Judged(0b111, 0b111)


def test_uses_in_breach_are_told_for_breached_rules_only() -> None:
    rules = [rule("a", ExistsUse(RECITED), RECITED), rule("b", And((ADULT, ExistsUse(RECITED))), And((ADULT, RECITED)))]
    judge = compile_rules(rules, (AGE,), (RECITED,))

    assert judge(FactRow((17,), ((True,), (False,), (None,)))) == Judged(0b01, 0, (0b101, 0))
    assert judge(FactRow((18,), ((False,), (True,)))) == Judged(0b11, 0, (0b10, 0b10))
    assert judge(FactRow((18,), None)) == Judged(0b11, 0b11, (0, 0))


def test_a_policy_id_is_text_in_the_source_and_never_code() -> None:
    judge = compile_rules([rule("a\nraise SystemExit  # '\"", FRENCH)], (COUNTRY,))

    assert judge(FactRow(("FR",))) == Judged(1, 0)


def test_texts_of_policies_are_never_code() -> None:
    evil = "'] or __import__('os').abort() or ['"
    judge = compile_rules([rule("a", In(COUNTRY, (evil, "\\", "\n", "\0")))], (COUNTRY,))

    assert judge(FactRow((evil,))) == Judged(1, 0)
    assert judge(FactRow(("FR",))) == Judged(0, 0)


def test_tracebacks_show_the_line_and_its_policy() -> None:
    judge = compile_rules([rule("adults-only", Compare("<", AGE, Const(18, Type.INT)))], (AGE,))

    with pytest.raises(TypeError) as caught:
        judge(FactRow(("young",)))

    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    lines = linecache.getlines(frame.filename)
    assert frame.line == "if (f0 < 18): b |= 1"
    assert lines[(frame.lineno or 0) - 2].strip() == "# 'adults-only'"


def test_equal_rules_share_one_function() -> None:
    assert compile_rules([rule("a", FRENCH)], (COUNTRY,)) is compile_rules([rule("a", FRENCH)], (COUNTRY,))


def test_a_leaf_that_rows_do_not_carry_is_our_fault() -> None:
    with pytest.raises(InternalError, match=r"recipient\.age"):
        compile_rules([rule("a", ADULT)], (COUNTRY,))


def test_deep_and_wide_conditions_compile() -> None:
    deep: Expr = FRENCH
    for _ in range(40):  # deeper than the deepest expression that is read
        deep = Or((And((deep, ADULT)), FRENCH))
    wide = Or(tuple(Compare("==", AGE, Const(number, Type.INT)) for number in range(2_000)))

    judge = compile_rules([rule("a", deep), rule("b", wide)], (COUNTRY, AGE))

    assert judge(FactRow(("DE", 1_999))) == Judged(0b10, 0)
    assert judge(FactRow(("FR", None))) == Judged(0b11, 0b10)
