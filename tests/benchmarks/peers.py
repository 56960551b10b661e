"""The same rules in other engines' words: our IR printed as zen-engine's expressions and as CEL.

Every leaf becomes one key of a flat payload, so no peer derives anything that we do not. Only what
the workload uses is printed; anything else raises. Payloads are fully known: neither peer has a
third truth value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

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
    Fact,
    If,
    In,
    Leaf,
    Member,
    Not,
    Or,
    Rank,
    SumUses,
    Text,
    Type,
    UseCollectedFor,
    UseFact,
    UseLeaf,
    UseOrigin,
)
from policykit.ir.rows import FactRow
from policykit.ir.rules import RuleSet

Payload = dict[str, Any]


def name_of(leaf: Leaf, index: int) -> str:
    match leaf:
        case Fact(path):
            return path.replace(".", "_")
        case Member(path, member):
            return f"{path.replace('.', '_')}_{member}"
    return f"{type(leaf).__name__.lower()}_{index}"


def use_name(leaf: UseLeaf) -> str:
    match leaf:
        case UseFact(field):
            return field
        case UseOrigin(origin):
            return f"origin_{origin}"
        case UseCollectedFor():
            return "for_this_purpose"


def payload_of(ruleset: RuleSet, row: FactRow) -> Payload:
    """A fact row as the dictionary a caller of the peers would hand in."""
    payload: Payload = {name_of(leaf, i): row.values[i] for i, leaf in enumerate(ruleset.leaves)}
    names = [use_name(leaf) for leaf in ruleset.use_leaves]
    payload["uses"] = [dict(zip(names, use, strict=True)) for use in row.uses or ()]
    return payload


class Printer:
    """An expression as text; subclasses say what differs between the two languages."""

    true_and, true_or, negated = "&&", "||", "!({})"

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        self.names = {leaf: name_of(leaf, index) for index, leaf in enumerate(leaves)}

    def expr(self, expr: Expr) -> str:
        if isinstance(expr, LEAVES):
            return self.names[expr]
        if isinstance(expr, USE_LEAVES):
            return self.use(expr)
        match expr:
            case Const(value):
                return json.dumps(value)
            case Not(item):
                return self.negated.format(self.expr(item))
            case And(items):
                return self.joined(self.true_and, items, "true")
            case Or(items):
                return self.joined(self.true_or, items, "false")
            case Compare(op, left, right) | Arith(op, left, right):
                return f"({self.expr(left)} {op} {self.expr(right)})"
            case In(item, values):
                return f"({self.expr(item)} in {json.dumps(list(values))})"
            case If(condition, then, orelse):
                return f"({self.expr(condition)} ? {self.expr(then)} : {self.expr(orelse)})"
            case Rank(steps, item):
                return self.rank(steps, item)
            case Text() | ExistsUse() | AllUses() | SumUses():
                return self.own(expr)
            case _:
                raise NotImplementedError(f"the workload should not need {expr}")

    def joined(self, word: str, items: Sequence[Expr], none: str) -> str:
        return f"({f' {word} '.join(map(self.expr, items))})" if items else none

    def rank(self, steps: Sequence[tuple[str, int]], item: Expr) -> str:
        """A chain of conditions; the payloads hold no text that is off the scale."""
        text, found = self.expr(item), "-1"
        for member, place in steps:
            found = f"({text} == {json.dumps(member)} ? {place} : {found})"
        return found

    def use(self, leaf: UseLeaf) -> str:
        raise NotImplementedError

    def own(self, expr: Expr) -> str:
        raise NotImplementedError


class Zen(Printer):
    true_and, true_or, negated = "and", "or", "(not ({}))"

    def use(self, leaf: UseLeaf) -> str:
        return f"#.{use_name(leaf)}"

    def own(self, expr: Expr) -> str:
        match expr:
            case Text("starts_with", left, right):
                return f"startsWith({self.expr(left)}, {self.expr(right)})"
            case ExistsUse(body):
                return f"some(uses, {self.expr(body)})"
            case AllUses(body):
                return f"all(uses, {self.expr(body)})"
            case SumUses(body):  # sum([]) is an error there
                return f"(len(uses) > 0 ? sum(map(uses, {self.expr(body)})) : 0)"
        raise NotImplementedError(str(expr))


class Cel(Printer):
    def use(self, leaf: UseLeaf) -> str:
        return f"u.{use_name(leaf)}"

    def own(self, expr: Expr) -> str:
        match expr:
            case Text("starts_with", left, right):
                return f"{self.expr(left)}.startsWith({self.expr(right)})"
            case ExistsUse(body):
                return f"uses.exists(u, {self.expr(body)})"
            case AllUses(body):
                return f"uses.all(u, {self.expr(body)})"
            case SumUses(body):  # the language has no sum: count the uses of every branch
                counted = (f"{value} * size(uses.filter(u, {test}))" for test, value in self.branches(body) if value)
                return f"({' + '.join(counted)})"
        raise NotImplementedError(str(expr))

    def branches(self, body: Expr) -> Iterator[tuple[str, int]]:
        """Each constant a chain of conditions can come to, with the test that leads to it."""
        match body:
            case Const(value):
                yield "true", int(value or 0)
            case If(condition, then, orelse):
                test = self.expr(condition)
                for side, deeper in ((test, then), (f"!({test})", orelse)):
                    yield from ((f"({side} && {further})", value) for further, value in self.branches(deeper))
            case _:
                raise NotImplementedError(str(body))


def zen_judge(ruleset: RuleSet) -> Callable[[Payload], Sequence[bool]]:
    """All rules as one compiled expression that gives a list of truth values."""
    import zen  # optional: only in the benchmark's own environment

    printer = Zen(ruleset.leaves)
    compiled = zen.compile_expression(f"[{', '.join(printer.expr(rule.breached) for rule in ruleset.rules)}]")
    return compiled.evaluate  # type: ignore[no-any-return]


def cel_judge(ruleset: RuleSet) -> Callable[[Payload], Sequence[bool]]:
    from cel_expr_python import cel  # optional: only in the benchmark's own environment

    types = {
        Type.BOOL: cel.Type.BOOL, Type.INT: cel.Type.INT, Type.TIMESTAMP: cel.Type.INT, Type.DURATION: cel.Type.INT,
        Type.DOUBLE: cel.Type.DOUBLE, Type.STRING: cel.Type.STRING,
    }  # fmt: skip
    printer = Cel(ruleset.leaves)
    variables: Mapping[str, Any] = {
        printer.names[leaf]: types[_type(leaf)] for leaf in ruleset.leaves
    } | {"uses": cel.Type.List(cel.Type.Map(cel.Type.STRING, cel.Type.DYN))}  # fmt: skip
    env = cel.NewEnv(variables=variables)
    compiled = env.compile(f"[{', '.join(printer.expr(rule.breached) for rule in ruleset.rules)}]")

    def judge(payload: Payload) -> Sequence[bool]:
        return compiled.eval(data=payload).plain_value()  # type: ignore[no-any-return]

    return judge


def _type(leaf: Leaf) -> Type:
    from policykit.ir.walk import type_of  # kept beside its one use

    return type_of(leaf)
