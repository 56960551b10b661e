"""Breaks every node kind in every backend in turn and shows that the laws about nodes notice.

    python -m tests.laws.break_nodes

prints one line per break and exits with 1 when one survives. Two breaks per kind: its value is
wrong, and its unknown is taken for a value.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from policykit.backends import reference
from policykit.backends.python_kleene import KleeneWriter
from policykit.backends.python_known import KnownWriter
from policykit.backends.sql import Printer
from policykit.ir import fold, unroll
from policykit.ir import nodes as n
from policykit.ir.nodes import Const, Expr, Type, Value
from policykit.ir.walk import type_of
from tests.laws import test_nodes as laws
from tests.laws.node_trees import FOCUSES, focused, worlds

ONCE = settings(
    max_examples=400, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False, derandomize=False,
)  # fmt: skip
Kind = type
Way = str  # "wrong" or "unknown"

USE_KINDS: tuple[Kind, ...] = n.USE_LEAVES
LEAF_KINDS: tuple[Kind, ...] = n.LEAVES
OPERATOR_KINDS: tuple[Kind, ...] = (
    n.Const, n.Not, n.And, n.Or, n.Compare, n.In, n.If, n.Arith, n.Text, n.Size, n.Rank, n.ToDouble, n.Known,
)  # fmt: skip
QUANTIFIERS: tuple[Kind, ...] = (n.ExistsUse, n.AllUses, n.SumUses)
NEVER_UNKNOWN: tuple[Kind, ...] = (n.Known, n.Present)


# --- how a value is broken ---------------------------------------------------------------------------


def broken(value: Value, of: Type, way: Way) -> Value:
    """A wrong value for a value, or a value for the unknown."""
    if way == "unknown":
        return _INSTEAD[of] if value is None else value
    if value is None:
        return None
    match of:
        case Type.BOOL:
            return not value
        case Type.STRING:
            return f"{value}~"
        case Type.DOUBLE:
            return float(value) / 2 + 1
        case _:
            return int(value) - 1 if int(value) > 0 else int(value) + 1


_INSTEAD: dict[Type, Value] = {
    Type.BOOL: False, Type.INT: 0, Type.DOUBLE: 0.0, Type.STRING: "", Type.TIMESTAMP: 0, Type.DURATION: 0,
}  # fmt: skip


def broken_python(text: str, of: Type, way: Way) -> str:
    if way == "unknown":
        return f"({_INSTEAD[of]!r} if ({text}) is None else ({text}))"
    wrong = {Type.BOOL: "not ({0})", Type.STRING: "({0}) + '~'", Type.DOUBLE: "({0}) / 2 + 1"}.get(
        of, "({0}) + (-1 if ({0}) > 0 else 1)"
    )
    return f"(None if ({text}) is None else {wrong.format(text)})"


def broken_sql(text: str, of: Type, way: Way) -> str:
    if way == "unknown":
        instead = {Type.BOOL: "FALSE", Type.STRING: "''", Type.DOUBLE: "CAST(0 AS DOUBLE)"}.get(of, "CAST(0 AS BIGINT)")
        return f"coalesce({text}, {instead})"
    wrong = {Type.BOOL: "(NOT {0})", Type.STRING: "({0} || '~')", Type.DOUBLE: "({0} / 2 + 1)"}.get(
        of, "({0} + CASE WHEN {0} > 0 THEN -1 ELSE 1 END)"
    )
    return wrong.format(text)


# --- one break per backend ---------------------------------------------------------------------------


@contextmanager
def break_reference(kind: Kind, way: Way) -> Iterator[None]:
    true_evaluate = reference.evaluate

    def evaluate(expr: Expr, facts: reference.Facts) -> Value:
        value = true_evaluate(expr, facts)
        return broken(value, type_of(expr), way) if isinstance(expr, kind) else value

    with patch.object(reference, "evaluate", evaluate):
        yield


@contextmanager
def break_known(kind: Kind, way: Way) -> Iterator[None]:
    """The two-valued function. Its unknown is the handing over: broken, it goes on with a value."""
    true_expr = KnownWriter.expr

    def expr(self: KnownWriter, node: Expr) -> str:
        text = true_expr(self, node)
        if not isinstance(node, kind):
            return text
        if way == "wrong":
            return broken_python(text, type_of(node), way)
        self.needed.discard(node)  # type: ignore[arg-type]  # leaves only
        return text.replace("unknown()", repr(_INSTEAD[type_of(node)]))

    with patch.object(KnownWriter, "expr", expr):
        yield


@contextmanager
def break_kleene(kind: Kind, way: Way) -> Iterator[None]:
    true_true, true_false, true_value = KleeneWriter.true, KleeneWriter.false, KleeneWriter.value

    def true(self: KleeneWriter, node: Expr) -> str:
        if isinstance(node, kind) and way == "wrong" and _by_sides(node):
            return true_false(self, node)
        return true_true(self, node)

    def false(self: KleeneWriter, node: Expr) -> str:
        if isinstance(node, kind) and _by_sides(node):
            return true_true(self, node) if way == "wrong" else f"(not {true_true(self, node)})"
        return true_false(self, node)

    def value(self: KleeneWriter, node: Expr) -> str:
        text = true_value(self, node)
        return broken_python(text, type_of(node), way) if isinstance(node, kind) and not _by_sides(node) else text

    with patch.multiple(KleeneWriter, true=true, false=false, value=value):
        yield


def _by_sides(node: Expr) -> bool:
    """Whether the Kleene function writes this node as "is true" and "is false"."""
    return isinstance(node, (n.Not, n.And, n.Or, n.Compare, n.In, n.Text, n.Known)) or (
        isinstance(node, Const) and node.type is Type.BOOL
    )


@contextmanager
def break_sql(kind: Kind, way: Way) -> Iterator[None]:
    true_raw = Printer._raw

    def raw(self: Printer, node: Expr) -> str:
        text = true_raw(self, node)
        return broken_sql(text, type_of(node), way) if isinstance(node, kind) else text

    with patch.object(Printer, "_raw", raw):
        yield


@contextmanager
def break_fold(kind: Kind, way: Way) -> Iterator[None]:
    """Folding: the constant that a node becomes."""
    true_simplify = fold.simplify

    def simplify(expr: Expr) -> Expr:
        found = true_simplify(expr)
        if isinstance(expr, kind) and isinstance(found, Const):
            return Const(broken(found.value, found.type, way), found.type)
        return found

    with patch.object(fold, "simplify", simplify), patch.object(unroll, "simplify", simplify):
        yield


@contextmanager
def break_unroll(kind: Kind, way: Way) -> Iterator[None]:
    """Unrolling: what a quantifier, or a leaf about a use, becomes."""
    true_unrolled, true_leaf = unroll._unrolled, unroll.use_leaf

    def unrolled(expr: Any, *rest: Any) -> Expr:
        return _bent(true_unrolled(expr, *rest), way) if isinstance(expr, kind) else true_unrolled(expr, *rest)

    def use_leaf(leaf: Any, *rest: Any) -> Expr:
        return _bent(true_leaf(leaf, *rest), way) if isinstance(leaf, kind) else true_leaf(leaf, *rest)

    with patch.object(unroll, "_unrolled", unrolled), patch.object(unroll, "use_leaf", use_leaf):
        yield


def _bent(expr: Expr, way: Way) -> Expr:
    of = type_of(expr)
    if way == "unknown":
        return n.If(n.Known(expr), expr, Const(_INSTEAD[of], of))
    if of is Type.BOOL:
        return n.Not(expr)
    if of is Type.STRING:
        return n.If(n.Compare("==", expr, Const("basket", of)), Const("crib", of), expr)
    return n.Arith("+", expr, Const(1, Type.DURATION if of is Type.DURATION else Type.INT))


# --- all of them ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Break:
    backend: str
    kind: Kind
    way: Way
    make: Callable[[Kind, Way], Any]
    hold: Callable[[Kind], None]

    def __str__(self) -> str:
        return f"{self.backend:<10} {self.kind.__name__:<22} {self.way}"


# What must be looked at for a leaf that only unrolling makes.
_THROUGH: dict[Kind, n.UseLeaf] = {
    n.AttributeOrigin: n.UseOrigin("observed"),
    n.AttributeCollectedFor: n.UseCollectedFor(None),
    n.AttributeCollectedAt: n.UseFact("age", Type.DURATION),
    n.AttributePermission: n.UseFact("permission", Type.BOOL),
    n.AttributeRefused: n.UseFact("refused", Type.BOOL),
    n.Present: n.UseFact("attribute", Type.STRING),
}


def _trees(kind: Kind) -> Any:
    """Trees in which the kind occurs often."""
    about = [leaf for leaf in FOCUSES if isinstance(leaf, kind)] or [_THROUGH.get(kind)]
    return st.sampled_from(about if about != [None] else FOCUSES).flatmap(focused)


def _python(kind: Kind) -> None:
    _hold(worlds(rows=3), _trees(kind), laws.hold_python)


def _python_known(kind: Kind) -> None:
    _hold(worlds(rows=3, all_known=True), _trees(kind), laws.hold_python)


def _duckdb(kind: Kind) -> None:
    _hold(worlds(rows=8), _trees(kind), laws.hold_duckdb)


def _folding(kind: Kind) -> None:
    _hold(worlds(rows=3), _trees(kind), laws.LEAVES, laws.hold_folding)


def _unrolling(kind: Kind) -> None:
    _hold(worlds(rows=3), _trees(kind), laws.hold_unrolling)


def _hold(*parts: Any) -> None:
    *strategies, law = parts
    # The same examples on every run, whatever was found before. What they are differs with the version of Hypothesis,
    # so what one draw of them passes over is looked for in two more.
    for seed in (20261121, 20261122, 20261123):
        seeded(seed)(ONCE(given(st.tuples(*strategies))(lambda drawn: law(*drawn))))()


def _breaks() -> Iterator[Break]:
    plain = (*LEAF_KINDS, *OPERATOR_KINDS)
    every = (*plain, *USE_KINDS, *QUANTIFIERS)
    operators = tuple(kind for kind in OPERATOR_KINDS if kind is not Const)  # a constant is folded already
    yield from _broken("reference", every, break_reference, _python)
    yield from _broken("kleene", every, break_kleene, _python)
    yield from _broken("known", every, break_known, _python_known, ("wrong",))
    yield from _broken("known", (Const, n.Arith), break_known, _python_known, ("unknown",))
    yield from _broken("known", (*LEAF_KINDS, *USE_KINDS), break_known, _python, ("unknown",))
    yield from _broken("sql", plain, break_sql, _duckdb)
    yield from _broken("fold", operators, break_fold, _folding)
    yield from _broken("unroll", (*QUANTIFIERS, *USE_KINDS), break_unroll, _unrolling)


def _broken(
    backend: str, kinds: tuple[Kind, ...], make: Callable[[Kind, Way], Any], hold: Callable[[Kind], None],
    ways: tuple[Way, ...] = ("wrong", "unknown"),
) -> Iterator[Break]:  # fmt: skip
    for kind in kinds:
        for way in ways:
            if way == "wrong" or kind not in NEVER_UNKNOWN:
                yield Break(backend, kind, way, make, hold)


BREAKS = tuple(_breaks())


def noticed(one: Break) -> str | None:
    """How the laws notice the break: by an answer that differs, or one that cannot be computed; None when they do not.

    A break that only makes text that cannot be read shows nothing about the laws, so it is raised.
    """
    with one.make(one.kind, one.way), warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # broken text may compare a literal with `is`
        try:
            one.hold(one.kind)
        except HypothesisException:
            raise
        except (AssertionError, TypeError, AttributeError) as error:
            return type(error).__name__
    return None


def main(only: list[str]) -> int:
    """Exit code. only: words that a line must have, e.g. `sql` or `known Arith`."""
    chosen = [one for one in BREAKS if all(word in str(one).split() for word in only)]
    left = 0
    for one in chosen:
        how = noticed(one)
        left += how is None
        sys.stdout.write(f"{one!s:<45} {f'noticed ({how})' if how else 'SURVIVES'}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen)} breaks, {left} survive\n")
    return 1 if left or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
