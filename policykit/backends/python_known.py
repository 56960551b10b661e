"""The two-valued function: every fact is known, so conditions are plain Python.

Where a value is unknown all the same, it hands over to the Kleene function, which is always right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from policykit.backends.python_source import (
    SEARCH,
    START,
    TALLEST,
    AnyRule,
    Source,
    Writer,
    choices,
    in_range,
    indented,
    is_atom,
    joined,
    literal,
    quantifiers_of,
    settled,
    title,
    unpacked,
)
from policykit.ir.bounds import may_overflow
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
    Present,
    Quantifier,
    Rank,
    Size,
    SumUses,
    Text,
    ToDouble,
    Type,
    UseLeaf,
)
from policykit.ir.specialise import SpecialisedRule
from policykit.ir.walk import children, type_of


def known_function(source: Source) -> list[str]:
    """Lines of `judge(row)`."""
    writer = KnownWriter(source)
    rules = writer.rules()
    names = [source.leaf(leaf) for leaf in source.leaves]
    return [
        "def judge(row):",
        *indented(
            [
                *unpacked(names, "row.values"),
                *settled(source, source.leaves),
                *writer.hand_over(source.leaves),
                "try:",
                *indented(rules),
                "except (Unknown, KeyError):",
                "    return kleene(row)",
                f"return new(Judged, (b, 0, {writer.in_breach}))",
            ]
        ),
    ]


@dataclass
class KnownWriter(Writer):
    """needed: leaves that the function cannot do without. quantified: the names of quantifiers' values so far."""

    needed: set[Leaf | UseLeaf] = field(default_factory=set)
    quantified: dict[Quantifier, str] = field(default_factory=dict)

    def rules(self) -> list[str]:
        quantifiers = self.loops()
        judged: list[str] = ["b = 0"]
        for index, rule in enumerate(self.source.rules):
            condition = self.expr(rule.breached)
            if condition != "False":
                judged += [*self.taken(), title(rule), f"if {condition}: b |= {1 << index}"]
        return [*quantifiers, *judged, *self.strips()]

    def hand_over(self, leaves: Sequence[Leaf | UseLeaf]) -> list[str]:
        """The test that chooses: lines that leave for the Kleene function when a needed value is unknown."""
        names = [self.source.leaf(leaf) for leaf in leaves if leaf in self.needed and not isinstance(leaf, Present)]
        return [f"if {' or '.join(f'{name} is None' for name in names)}: return kleene(row)"] if names else []

    # --- uses -----------------------------------------------------------------------------------

    def loops(self) -> list[str]:
        """One fused loop over the uses; quantifiers inside others need one before."""
        found = quantifiers_of(self.source)
        if not found:
            return []
        lines = ["uses = row.uses", "if uses is None: return kleene(row)"]
        for level in sorted(set(found.values())):
            group = [quantifier for quantifier, height in found.items() if height == level]
            lines += self.loop(group)
        return lines

    def loop(self, group: list[Quantifier]) -> list[str]:
        starts, steps = [], []
        for quantifier in group:
            name = f"q{len(self.quantified)}"
            step = self.step(quantifier, name)
            starts.append(f"{name} = {START[type(quantifier)]}")
            steps += [*self.taken(), *step]
            self.quantified[quantifier] = name
        leaves = self.source.use_leaves
        names = [self.source.leaf(leaf) for leaf in leaves]
        body = [*settled(self.source, leaves), *self.hand_over(leaves), *steps]
        return [*starts, "for use in uses:", *indented([*unpacked(names, "use"), *body])]

    def step(self, quantifier: Quantifier, name: str) -> list[str]:
        body = self.expr(quantifier.body)
        match quantifier:
            case ExistsUse():
                return [f"if {body}: {name} = True"]
            case AllUses():
                return [f"if not {body}: {name} = False"]
            case SumUses():
                return [f"{name} += {body}", f"if not {in_range(name)}: unknown()"]
            case _:
                assert_never(quantifier)

    def strip(self, rule: AnyRule, name: str) -> list[str] | None:
        if isinstance(rule, SpecialisedRule):
            if rule.rule.use_breached is None:
                return None
            terms = []
            for bit, (_, term) in enumerate(rule.use_terms or ()):
                condition = self.expr(term)
                terms += [*self.taken(), f"if {condition}: {name} |= {1 << bit}"]
            return terms
        if rule.use_breached is None:
            return None
        condition = self.expr(rule.use_breached)
        names = [self.source.leaf(leaf) for leaf in self.source.use_leaves]
        test = self.hand_over(self.source.use_leaves)
        step = [*self.taken(), f"if {condition}: {name} |= bit", "bit <<= 1"]
        body = indented([*unpacked(names, "use"), *settled(self.source, self.source.use_leaves), *test, *step])
        return ["uses = row.uses", "if uses is None: return kleene(row)", "bit = 1", "for use in uses:", *body]

    # --- values ---------------------------------------------------------------------------------

    def expr(self, expr: Expr) -> str:
        """The value as one Python expression; parts too tall for one are computed before it."""
        if isinstance(expr, (*LEAVES, *USE_LEAVES)):
            self.needed.add(expr)
            return self.source.leaf(expr)
        return self.operator(expr)

    def part(self, expr: Expr) -> str:
        """As `expr`, for an operand."""
        height = self.source.height(expr)
        text = self.expr(expr)
        if height % TALLEST:
            return text
        # INVARIANT: computing a part that would have been skipped can only hand over, never mislead.
        name = self.temporary()
        self.lines.append(f"{name} = {text}")
        return name

    def operator(self, expr: Operator) -> str:  # noqa: C901  # one case per node
        match expr:
            case Const():
                return "unknown()" if expr.value is None else literal(expr.value)
            case Not():
                return f"(not {self.part(expr.item)})"
            case And():
                return joined("and", [self.part(item) for item in expr.items], "True")
            case Or():
                return joined("or", [self.part(item) for item in expr.items], "False")
            case Compare():
                return f"({self.part(expr.left)} {expr.op} {self.part(expr.right)})"
            case In():
                item = self.part(expr.item)
                return f"({item} in {choices(expr.values)})" if expr.values else "False"
            case If():
                parts = (self.part(expr.then), self.part(expr.condition), self.part(expr.orelse))
                return "({} if {} else {})".format(*parts)
            case Arith():
                return self.arith(expr)
            case Text():
                return SEARCH[expr.op].format(self.part(expr.left), self.part(expr.right))
            case Size():
                return f"len({self.part(expr.item)})"
            case Rank():
                return f"{self.source.rank(expr)}[{self.part(expr.item)}]"
            case ToDouble():
                return f"float({self.part(expr.item)})"
            case Known():
                return self.known(expr.item)
            case ExistsUse() | AllUses() | SumUses():
                return self.quantified[expr]
            case _:
                assert_never(expr)

    def arith(self, expr: Arith) -> str:
        text = f"{self.part(expr.left)} {expr.op} {self.part(expr.right)}"
        name = self.temporary()
        if type_of(expr) is Type.DOUBLE:
            return f"({name} if ({name} := {text}) - {name} == 0.0 else unknown())"
        return f"({name} if {in_range(f'({name} := {text})')} else unknown())" if may_overflow(expr) else f"({text})"

    def known(self, item: Expr) -> str:
        if is_atom(item):
            return f"({self.source.names[item]} is not None)"
        self.part(item)  # its leaves are needed
        self.taken()
        return "unknown()" if _may_turn_unknown(item) else "True"


def _may_turn_unknown(expr: Expr) -> bool:
    """Whether it can be unknown although every leaf is known."""
    match expr:
        case Const():
            return expr.value is None
        case Rank():
            return True
        case Arith() if type_of(expr) is Type.DOUBLE or may_overflow(expr):
            return True
        case SumUses():
            return True
        case _:
            return any(_may_turn_unknown(child) for child in children(expr))
