"""How DuckDB (1.4 to 2.0) says each primitive of the printer. One table; nothing else names DuckDB functions.

`{0}`, `{1}`, ... are printed operands. What each entry must give is the reference's meaning with
NULL for unknown; `tests/laws` holds it to that.
"""

from __future__ import annotations

from policykit.backends.sql import Primitives
from policykit.ir.nodes import Type

DUCKDB = Primitives(
    types={
        Type.BOOL: "BOOLEAN",
        Type.INT: "BIGINT",
        Type.DOUBLE: "DOUBLE",
        Type.STRING: "VARCHAR",
        Type.TIMESTAMP: "BIGINT",
        Type.DURATION: "BIGINT",
    },
    operators={
        "==": "({0} = {1})",
        "!=": "({0} <> {1})",
        "<": "({0} < {1})",
        "<=": "({0} <= {1})",
        ">": "({0} > {1})",
        ">=": "({0} >= {1})",
        "+": "({0} + {1})",
        "-": "({0} - {1})",
        "*": "({0} * {1})",
        "not": "(NOT {0})",
        "starts_with": "starts_with({0}, {1})",
        "ends_with": "ends_with({0}, {1})",
        "contains": "contains({0}, {1})",
        "size": "length({0})",  # code points; length_grapheme would count what a reader sees
        "known": "({0} IS NOT NULL)",
        "or_true": "coalesce({0}, TRUE)",
        "unknown": "({0} IS NULL)",
        "cast": "CAST({0} AS {1})",
        "in": "({0} IN ({1}))",
        # An overflow would abort the whole query; TRY makes it NULL. Each operation has its own, because a
        # shared part that the optimiser lifts out of a larger TRY would abort after all.
        "try": "TRY({0})",
        "finite": "CASE WHEN isfinite({0}) THEN {0} END",
        "choose": "CASE WHEN {0} THEN {1} ELSE {2} END",
        # Simple CASE: an unknown condition equals neither, so no ELSE is taken.
        "choose_known": "CASE {0} WHEN TRUE THEN {1} WHEN FALSE THEN {2} END",
        "nul": "chr(0)",
    },
)
