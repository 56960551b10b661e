"""Trees evaluated by DuckDB: one table of leaf values, one query for many trees."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from policykit.backends.primitives_duckdb import DUCKDB
from policykit.backends.sql import print_expr
from policykit.ir.nodes import Expr, Leaf, Value
from policykit.ir.walk import type_of

CONNECTION = duckdb.connect(config={"threads": 1})


def evaluate(exprs: Sequence[Expr], leaves: Sequence[Leaf], rows: Sequence[Sequence[Value]]) -> list[tuple[Value, ...]]:
    """Per row the value of every tree."""
    names = {leaf: f"f{index}" for index, leaf in enumerate(leaves)}
    columns = ", ".join(f"{names[leaf]} {DUCKDB.types[type_of(leaf)]}" for leaf in leaves)
    CONNECTION.execute(f"CREATE OR REPLACE TEMP TABLE facts (row_no INTEGER, {columns})")
    marks = ", ".join("?" for _ in range(len(leaves) + 1))
    CONNECTION.executemany(f"INSERT INTO facts VALUES ({marks})", [(no, *row) for no, row in enumerate(rows)])
    printed = ", ".join(print_expr(expr, names.__getitem__, DUCKDB) for expr in exprs)
    found = CONNECTION.execute(f"SELECT {printed} FROM facts ORDER BY row_no").fetchall()
    return [tuple(row) for row in found]
