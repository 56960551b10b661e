"""Trees evaluated by DuckDB: one table of leaf values, one query for many trees."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import duckdb

from policykit.backends.primitives_duckdb import DUCKDB
from policykit.backends.sql import WORD_BITS, mask, print_expr
from policykit.ir.nodes import Expr, Leaf, Value
from policykit.ir.specialise import SpecialisedRule
from policykit.ir.walk import type_of

CONNECTION = duckdb.connect(config={"threads": 1})


def evaluate(exprs: Sequence[Expr], leaves: Sequence[Leaf], rows: Sequence[Sequence[Value]]) -> list[tuple[Value, ...]]:
    """Per row the value of every tree."""
    column = _load(leaves, rows)
    return _select([print_expr(expr, column, DUCKDB) for expr in exprs])


def masks(
    rules: Sequence[SpecialisedRule], leaves: Sequence[Leaf], rows: Sequence[Sequence[Value]]
) -> list[tuple[int, int]]:
    """Per row the masks of breached and of undetermined rules."""
    breached, undetermined = mask(rules, _load(leaves, rows), DUCKDB)
    count = len(breached)
    return [(_number(row[:count]), _number(row[count:])) for row in _select([*breached, *undetermined])]


def _load(leaves: Sequence[Leaf], rows: Sequence[Sequence[Value]]) -> Callable[[Leaf], str]:
    names = {leaf: f"f{index}" for index, leaf in enumerate(leaves)}
    columns = ", ".join(f"{names[leaf]} {DUCKDB.types[type_of(leaf)]}" for leaf in leaves)
    CONNECTION.execute(f"CREATE OR REPLACE TEMP TABLE facts (row_no INTEGER, {columns})")
    marks = ", ".join("?" for _ in range(len(leaves) + 1))
    CONNECTION.executemany(f"INSERT INTO facts VALUES ({marks})", [(no, *row) for no, row in enumerate(rows)])
    return names.__getitem__


def _select(printed: Sequence[str]) -> list[tuple[Value, ...]]:
    found = CONNECTION.execute(f"SELECT {', '.join(printed)} FROM facts ORDER BY row_no").fetchall()
    return [tuple(row) for row in found]


def _number(words: Sequence[Value]) -> int:
    return sum(int(word or 0) << WORD_BITS * place for place, word in enumerate(words))
