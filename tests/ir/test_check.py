"""Trees that a third-party kind may build wrongly are told at the policy's place."""

from __future__ import annotations

from typing import Any

import pytest

from policykit.errors import Place
from policykit.ir.check import check
from policykit.ir.nodes import (
    TRUE,
    And,
    Arith,
    Compare,
    Const,
    ExistsUse,
    Expr,
    Fact,
    If,
    In,
    Not,
    Rank,
    Size,
    SumUses,
    Text,
    ToDouble,
    Type,
    UseFact,
)

AGE = Fact("recipient.age", Type.INT)
COUNTRY = Fact("recipient.country", Type.STRING)
RECITED = UseFact("recited", Type.BOOL)
BAD: Any = "no node"

WRONG: dict[str, Expr] = {
    "`Not` takes bool, found int": Not(AGE),
    "`And` takes bool, found string": And((TRUE, COUNTRY)),
    "`Compare` takes two of one type, found int and string": Compare("==", AGE, COUNTRY),
    "`If` takes bool, found int": If(AGE, TRUE, TRUE),
    "`If` takes two of one type, found bool and int": If(TRUE, TRUE, AGE),
    "`Arith` cannot compute string `+` string": Compare("==", Arith("+", COUNTRY, COUNTRY), COUNTRY),
    "`Text` takes string, found int": Text("contains", COUNTRY, AGE),
    "`Size` takes string, found int": Compare("==", Size(AGE), AGE),
    "`Rank` takes string, found int": Compare("==", Rank((), AGE), AGE),
    "`ToDouble` takes int, found string": Compare("==", ToDouble(COUNTRY), Const(1.0, Type.DOUBLE)),
    "`In` lists the unknown, which equals nothing": In(COUNTRY, (None,)),
    "`In` holds 1, which is no string": In(COUNTRY, (1,)),
    "`Const` holds True, which is no int": Compare("==", Const(True, Type.INT), AGE),
    "`Const` holds inf, outside of -9223372036854775808 to 9223372036854775807 or not finite": Compare(
        "<", Const(float("inf"), Type.DOUBLE), Const(1.0, Type.DOUBLE)
    ),
    "`UseFact` stands outside of a quantifier over uses": RECITED,
    "`ExistsUse` takes bool, found int": ExistsUse(AGE),
    "`SumUses` takes int, found bool": Compare("==", SumUses(RECITED), AGE),
    "`str` is not a node": Not(BAD),
    "`Fact` has type int, expected bool": AGE,
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_trees_are_told(message: str) -> None:
    (problem,) = check(WRONG[message])

    assert problem.message == f"the condition built here is wrong: {message}"


def test_the_nearest_place_above_is_named() -> None:
    place = Place("p.yaml", 4, 7)

    (problem,) = check(And((Not(AGE),), place=place))

    assert problem.place == place


def test_a_use_condition_may_stand_alone_when_asked() -> None:
    assert check(RECITED, in_use=True) == []
    assert check(ExistsUse(RECITED)) == []
