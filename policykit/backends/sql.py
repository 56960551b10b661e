"""SQL text of trees, for whole audiences (M2).

The printer walks the tree; a table of primitives says how a dialect spells each operation. Rules
of the printed text: unknown is NULL and only NULL; integers are 64-bit and never overflow into an
error; instants and durations are integers; no zones, lists, lambdas or aggregates. Uses must have
been unrolled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, assert_never

from policykit.errors import InternalError
from policykit.ir.bounds import may_overflow, never_unknown
from policykit.ir.nodes import (
    LEAVES,
    USE_LEAVES,
    AllUses,
    And,
    Arith,
    Compare,
    Const,
    ExistsUse,
    Expr,
    If,
    In,
    Known,
    Leaf,
    Not,
    Operator,
    Or,
    Rank,
    Size,
    SumUses,
    Text,
    ToDouble,
    Type,
    Value,
)
from policykit.ir.walk import type_of

Column: TypeAlias = Callable[[Leaf], str]


class Judgeable(Protocol):
    """A rule, specialised or not, as far as printing reads it."""

    @property
    def breached(self) -> Expr: ...


WORD_BITS = 62  # rules per mask column: BIGINT keeps its sign bit, and one to spare


@dataclass(frozen=True, slots=True)
class Primitives:
    """How one dialect spells types and operations; see `primitives_duckdb`."""

    types: Mapping[Type, str]
    operators: Mapping[str, str]

    def say(self, operator: str, *operands: str) -> str:
        return self.operators[operator].format(*operands)


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints trees in one dialect. column: the SQL that stands for a leaf, short (it may be repeated)."""

    dialect: Primitives
    column: Column

    def expr(self, expr: Expr) -> str:
        """The value of the tree, NULL where it is unknown."""
        text = self._raw(expr)
        return (
            self._say("finite", text)
            if type_of(expr) is Type.DOUBLE and not isinstance(expr, (Const, ToDouble))
            else text
        )

    def _say(self, operator: str, *operands: str) -> str:
        return self.dialect.say(operator, *operands)

    def _raw(self, expr: Expr) -> str:
        """As `expr`, but a double may still be NaN or infinite.

        Neither becomes finite again by + - *, so one check where the double is used will do.
        """
        if isinstance(expr, LEAVES):
            return self._leaf(expr)
        if isinstance(expr, USE_LEAVES):
            raise InternalError(f"a use leaf was left in a tree to be printed as SQL: {expr!r}")
        return self._operator(expr)

    def _leaf(self, leaf: Leaf) -> str:
        of = type_of(leaf)
        column = self.column(leaf)
        # Narrow integers would overflow early and enums order by position: widen and plain text.
        return column if of is Type.BOOL else self._say("cast", column, self.dialect.types[of])

    def _operator(self, expr: Operator) -> str:  # noqa: C901  # one case per node
        match expr:
            case Const():
                return self.literal(expr.value, expr.type)
            case Not():
                return self._say("not", self.expr(expr.item))
            case And():
                return self._join(expr.items, " AND ", "TRUE")
            case Or():
                return self._join(expr.items, " OR ", "FALSE")
            case Compare() | Text():
                return self._say(expr.op, self.expr(expr.left), self.expr(expr.right))
            case In():
                return self._include(expr)
            case If():
                return self._choose(expr)
            case Arith():
                return self._arith(expr)
            case Size():
                return self._say("cast", self._say("size", self.expr(expr.item)), self.dialect.types[Type.INT])
            case Rank():
                return self._rank(expr)
            case ToDouble():
                return self._say("cast", self.expr(expr.item), self.dialect.types[Type.DOUBLE])
            case Known():
                return self._say("known", self.expr(expr.item))
            case ExistsUse() | AllUses() | SumUses():
                raise InternalError("a quantifier was left in a tree to be printed as SQL: unroll uses first")
            case _:
                assert_never(expr)

    def _join(self, items: Sequence[Expr], word: str, empty: str) -> str:
        return f"({word.join(self.expr(item) for item in items)})" if items else empty

    def _include(self, expr: In) -> str:
        of = type_of(expr.item)
        members = ", ".join(self.literal(value, of) for value in expr.values)
        return self._say("in", self.expr(expr.item), members) if members else "FALSE"

    def _choose(self, expr: If) -> str:
        way = "choose" if never_unknown(expr.condition) else "choose_known"
        return self._say(way, self.expr(expr.condition), self._raw(expr.then), self._raw(expr.orelse))

    def _arith(self, expr: Arith) -> str:
        text = self._say(expr.op, self._raw(expr.left), self._raw(expr.right))
        return self._say("try", text) if type_of(expr) is not Type.DOUBLE and may_overflow(expr) else text

    def _rank(self, expr: Rank) -> str:
        if not expr.steps:
            return self.literal(None, Type.INT)
        steps = " ".join(
            f"WHEN {self.literal(member, Type.STRING)} THEN {self.literal(rank, Type.INT)}"
            for member, rank in expr.steps
        )
        return f"CASE {self.expr(expr.item)} {steps} END"

    def literal(self, value: Value, of: Type) -> str:
        """A value as typed SQL."""
        name = self.dialect.types[of]
        if value is None:
            return self._say("cast", "NULL", name)
        match of:
            case Type.BOOL:
                return "TRUE" if value else "FALSE"
            case Type.STRING:
                return self._text(str(value))
            case Type.INT | Type.TIMESTAMP | Type.DURATION:
                return self._say("cast", str(int(value)), name)
            case Type.DOUBLE:
                return self._say("cast", f"'{float(value)!r}'", name)
            case _:
                assert_never(of)

    def _text(self, text: str) -> str:
        """A quoted text; a NUL is spelled out, for clients that end SQL at one."""
        parts = ["'" + part.replace("'", "''") + "'" for part in text.split("\0")]
        glue = f" || {self._say('nul')} || "
        return parts[0] if len(parts) == 1 else f"({glue.join(parts)})"

    def truth(self, rules: Sequence[Judgeable]) -> tuple[str, ...]:
        """Per rule its `breached` as a three-valued BOOLEAN."""
        return tuple(self.expr(rule.breached) for rule in rules)

    def words(self, truths: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Mask columns over truths: (breached, undetermined), rule i in bit i % 62 of word i // 62.

        truths: SQL of type BOOLEAN, best names of columns, since each is said twice.
        """
        return self._masks("or_true", truths), self._masks("unknown", truths)

    def _masks(self, test: str, truths: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            self._mask(test, truths[start : start + WORD_BITS]) for start in range(0, max(len(truths), 1), WORD_BITS)
        )

    def _mask(self, test: str, truths: Sequence[str]) -> str:
        zero = self.literal(0, Type.INT)
        bits = [
            self._say("choose", self._say(test, truth), self.literal(1 << bit, Type.INT), zero)
            for bit, truth in enumerate(truths)
            if truth != "FALSE"
        ]
        return f"({' + '.join(bits)})" if bits else zero


def print_expr(expr: Expr, column: Column, dialect: Primitives) -> str:
    """The tree as SQL of type BOOLEAN, BIGINT, DOUBLE or VARCHAR."""
    return Printer(dialect, column).expr(expr)


def mask(rules: Sequence[Judgeable], column: Column, dialect: Primitives) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Breached and undetermined rules as BIGINT words of 62 bits."""
    say = Printer(dialect, column)
    return say.words(say.truth(rules))
