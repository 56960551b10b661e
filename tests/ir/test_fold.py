"""Folding, unrolling and specialising on small trees one can read; the laws hold for all of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from policykit.ir.fold import fold
from policykit.ir.nodes import (
    FALSE,
    INT_MAX,
    TRUE,
    UNKNOWN,
    AllUses,
    And,
    Arith,
    AttributeOrigin,
    AttributePermission,
    Compare,
    ConsentMet,
    Const,
    ExistsUse,
    Expr,
    Fact,
    If,
    In,
    Known,
    Not,
    Or,
    Present,
    Rank,
    Requirement,
    SumUses,
    Type,
    UseCollectedFor,
    UseFact,
    UseOrigin,
)
from policykit.ir.rules import Effect, Rule, RuleSet
from policykit.ir.specialise import leaves_left, specialise
from policykit.ir.unroll import unroll
from policykit.ir.walk import canonical, leaves_of
from policykit.model import Attribute, Campaign, Prepared, Program, Use, Variant

CHANNEL = Fact("send.channel", Type.STRING)
AGE = Fact("recipient.age", Type.INT)
ADULT = Compare(">=", AGE, Const(18, Type.INT))
PUSH = {CHANNEL: Const("push", Type.STRING)}
NUMBER = Const(3, Type.INT)

FOLDED: list[tuple[Expr, Expr]] = [
    (In(CHANNEL, ("push", "sms")), TRUE),
    (In(CHANNEL, ("email",)), FALSE),
    (And((In(CHANNEL, ("push",)), ADULT)), ADULT),
    (And((In(CHANNEL, ("email",)), ADULT)), FALSE),
    (Or((ADULT, Not(In(CHANNEL, ("push",))))), ADULT),
    (Or((ADULT, UNKNOWN)), Or((ADULT, UNKNOWN))),
    (And((ADULT, And((ADULT, UNKNOWN)))), And((ADULT, UNKNOWN))),
    (Not(Not(ADULT)), ADULT),
    (Not(UNKNOWN), UNKNOWN),
    (If(UNKNOWN, TRUE, TRUE), UNKNOWN),
    (If(ADULT, TRUE, TRUE), If(ADULT, TRUE, TRUE)),
    (If(ADULT, TRUE, FALSE), ADULT),
    (If(ADULT, FALSE, TRUE), Not(ADULT)),
    (If(Known(CHANNEL), NUMBER, AGE), NUMBER),
    (Compare("==", AGE, AGE), Compare("==", AGE, AGE)),
    (Compare("==", AGE, Const(None, Type.INT)), UNKNOWN),
    (Arith("+", Const(INT_MAX, Type.INT), NUMBER), Const(None, Type.INT)),
    (Rank((("push", 65),), CHANNEL), Const(65, Type.INT)),
    (Rank((("sms", 75),), CHANNEL), Const(None, Type.INT)),
]


@pytest.mark.parametrize(("expr", "folded"), FOLDED, ids=lambda expr: canonical(expr))
def test_folds(expr: Expr, folded: Expr) -> None:
    assert fold(expr, PUSH) == folded


ATTRIBUTES = {
    "basket": Attribute("basket", "user.behavior", "observed", (), "behavioural", lineage=("basket",)),
    "crib": Attribute("crib", None, "inferred", (), "special_category", lineage=("basket", "crib")),
}
BASKET, CRIB = Use("basket", recited=True), Use("crib", recited=None)
RECITED = UseFact("recited", Type.BOOL)


def test_constants_of_uses_fold_and_presence_stays() -> None:
    sensitive = ExistsUse(In(UseFact("sensitivity", Type.STRING), ("special_category",)))

    assert unroll(sensitive, (BASKET, CRIB), ATTRIBUTES, None) == Present("crib")
    assert unroll(sensitive, (BASKET,), ATTRIBUTES, None) == FALSE
    assert unroll(sensitive, None, ATTRIBUTES, None) == UNKNOWN


def test_all_uses_asks_only_those_present() -> None:
    assert unroll(AllUses(RECITED), (BASKET, CRIB), ATTRIBUTES, None) == Or((Not(Present("crib")), UNKNOWN))


def test_origins_are_those_of_the_whole_lineage() -> None:
    observed = ExistsUse(UseOrigin("observed"))

    assert unroll(observed, (CRIB,), ATTRIBUTES, None) == And(
        (Present("crib"), Or((AttributeOrigin("basket", "observed"), AttributeOrigin("crib", "observed"))))
    )


def test_this_purpose_is_unknown_without_one() -> None:
    assert unroll(AllUses(UseCollectedFor(None)), (BASKET,), ATTRIBUTES, None) == Or((Not(Present("basket")), UNKNOWN))


def test_sums_count_present_uses() -> None:
    assert unroll(SumUses(NUMBER), (BASKET, CRIB), ATTRIBUTES, None) == Arith(
        "+", If(Present("basket"), NUMBER, Const(0, Type.INT)), If(Present("crib"), NUMBER, Const(0, Type.INT))
    )
    assert unroll(SumUses(NUMBER), (), ATTRIBUTES, None) == Const(0, Type.INT)


def test_a_quantifier_inside_another_is_about_its_own_use() -> None:
    is_basket = Compare("==", UseFact("attribute", Type.STRING), Const("basket", Type.STRING))
    both = ExistsUse(And((is_basket, AllUses(Not(is_basket)))))

    assert unroll(both, (BASKET,), ATTRIBUTES, None) == And((Present("basket"), Not(Present("basket"))))


def test_specialised_rules_keep_their_bit_and_name_the_uses_in_breach() -> None:
    applies = In(Fact("send.purpose", Type.STRING), ("marketing",))
    breach = And((applies, UseFact("permission", Type.BOOL)))
    reason = Const("rule.breached", Type.STRING)
    strip = Rule("b-strip", "data", ExistsUse(breach), Effect("uses"), reason, use_breached=breach)
    push = Rule("a-push", "rule", In(CHANNEL, ("push",)), Effect("block"), reason)
    ruleset = RuleSet(
        (push, strip), (), attributes=ATTRIBUTES, programs={"club": Program("club", "marketing")}, controller="acme"
    )
    prepared = Prepared("email", content=Variant((BASKET, CRIB)), generic=Variant(()))
    campaign = Campaign("spring", (prepared,), 0, program="club")

    full, generic = (specialise(ruleset, campaign, prepared, generic=way) for way in (False, True))

    held = [And((Present(name), AttributePermission(name))) for name in ("basket", "crib")]
    assert [(one.policy, one.breached, one.use_terms) for one in full] == [
        ("a-push", FALSE, ()),
        ("b-strip", Or(tuple(held)), (("basket", held[0]), ("crib", held[1]))),
    ]
    assert [(one.breached, one.use_terms) for one in generic] == [(FALSE, ()), (FALSE, ())]
    assert set(leaves_left(full)) == leaves_of(full[1].breached)


def test_canonical_text_is_the_same_in_every_process() -> None:
    node = "ConsentMet(Requirement(quality=frozenset({'written', 'double_opt_in', 'soft_opt_in', 'single_opt_in'})))"
    program = f"from policykit.ir.nodes import *; from policykit.ir.walk import canonical; print(canonical({node}))"

    texts = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1", "2", "3")
    }

    assert len(texts) == 1


def test_places_never_take_part() -> None:
    assert canonical(ConsentMet(Requirement())) == canonical(ConsentMet(Requirement(), place=None))
