"""Printed SQL, as people will read it in a query plan; that it means the same is law M2 in tests/laws."""

from __future__ import annotations

import pytest

from policykit.backends.primitives_duckdb import DUCKDB
from policykit.backends.sql import print_expr
from policykit.errors import InternalError
from policykit.ir.nodes import (
    INT_MAX,
    INT_MIN,
    UNKNOWN,
    And,
    Arith,
    Compare,
    Const,
    ExistsUse,
    Expr,
    Fact,
    If,
    In,
    Known,
    Leaf,
    Not,
    Or,
    Present,
    Rank,
    Size,
    Text,
    ToDouble,
    Type,
    UseFact,
)

AGE = Fact("age", Type.INT)
SPEND = Fact("spend", Type.DOUBLE)
COUNTRY = Fact("country", Type.STRING)
CUSTOMER = Fact("customer", Type.BOOL)
ONE = Const(1, Type.INT)
BASKET = Present("basket")

PRINTED: list[tuple[Expr, str]] = [
    (CUSTOMER, "customer"),
    (AGE, "CAST(age AS BIGINT)"),
    (SPEND, "CASE WHEN isfinite(CAST(spend AS DOUBLE)) THEN CAST(spend AS DOUBLE) END"),
    (UNKNOWN, "CAST(NULL AS BOOLEAN)"),
    (Const(INT_MIN, Type.INT), f"CAST({INT_MIN} AS BIGINT)"),
    (Const(0.1, Type.DOUBLE), "CAST('0.1' AS DOUBLE)"),
    (Const("it's", Type.STRING), "'it''s'"),
    (Const("a\0b", Type.STRING), "('a' || chr(0) || 'b')"),
    (And(()), "TRUE"),
    (Or((CUSTOMER, Not(CUSTOMER))), "(customer OR (NOT customer))"),
    (In(COUNTRY, ("FR", "DE")), "(CAST(country AS VARCHAR) IN ('FR', 'DE'))"),
    (In(COUNTRY, ()), "FALSE"),
    (Known(COUNTRY), "(CAST(country AS VARCHAR) IS NOT NULL)"),
    (Text("ends_with", COUNTRY, Const("R", Type.STRING)), "ends_with(CAST(country AS VARCHAR), 'R')"),
    (Size(COUNTRY), "CAST(length(CAST(country AS VARCHAR)) AS BIGINT)"),
    (ToDouble(ONE), "CAST(CAST(1 AS BIGINT) AS DOUBLE)"),
    (Arith("+", AGE, ONE), "TRY((CAST(age AS BIGINT) + CAST(1 AS BIGINT)))"),
    (Arith("+", If(BASKET, ONE, Const(0, Type.INT)), ONE),
     "(CASE WHEN basket THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END + CAST(1 AS BIGINT))"),
    (If(CUSTOMER, CUSTOMER, BASKET), "CASE customer WHEN TRUE THEN customer WHEN FALSE THEN basket END"),
    (Rank((("a", 1), ("b", 2)), COUNTRY),
     "CASE CAST(country AS VARCHAR) WHEN 'a' THEN CAST(1 AS BIGINT) WHEN 'b' THEN CAST(2 AS BIGINT) END"),
    (Compare("!=", AGE, Const(INT_MAX, Type.INT)), f"(CAST(age AS BIGINT) <> CAST({INT_MAX} AS BIGINT))"),
]  # fmt: skip


def column(leaf: Leaf) -> str:
    return leaf.attribute if isinstance(leaf, Present) else leaf.path  # type: ignore[union-attr]  # facts only


@pytest.mark.parametrize(("expr", "text"), PRINTED, ids=[text for _, text in PRINTED])
def test_expression_prints(expr: Expr, text: str) -> None:
    assert print_expr(expr, column, DUCKDB) == text


@pytest.mark.parametrize("expr", [ExistsUse(CUSTOMER), UseFact("recited", Type.BOOL)])
def test_uses_must_have_been_unrolled(expr: Expr) -> None:
    with pytest.raises(InternalError, match="was left in a tree"):
        print_expr(expr, column, DUCKDB)


def test_text_grows_with_the_tree_and_not_beyond() -> None:
    expr: Expr = SPEND
    for _ in range(30):
        expr = If(CUSTOMER, Arith("*", expr, SPEND), SPEND)

    assert len(print_expr(expr, column, DUCKDB)) < 10_000
