"""The three-valued function: right for every row, unknown facts included.

Conditions are written twice, as "is true" and as "is false"; neither is the unknown. Values are
computed into names first, None for unknown. Nothing written here can raise, so computing what a
condition would have skipped is only work.
"""

from __future__ import annotations

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
    Not,
    Or,
    Quantifier,
    Rank,
    Size,
    SumUses,
    Text,
    ToDouble,
    Type,
)
from policykit.ir.specialise import SpecialisedRule
from policykit.ir.walk import type_of

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}  # nothing is NaN here


def kleene_function(source: Source) -> list[str]:
    """Lines of `kleene(row)`."""
    writer = KleeneWriter(source)
    rules = writer.rules()
    names = [source.leaf(leaf) for leaf in source.leaves]
    head = [*unpacked(names, "row.values"), *settled(source, source.leaves)]
    return ["def kleene(row):", *indented([*head, *rules, f"return new(Judged, (b, u, {writer.in_breach}))"])]


@dataclass
class KleeneWriter(Writer):
    """computed: names of values computed in the function so far; below a loop, only those of the loop."""

    computed: dict[Expr, str] = field(default_factory=dict)

    def rules(self) -> list[str]:
        found = [*self.loops(), "b = u = 0"]
        for index, rule in enumerate(self.source.rules):
            no, yes = self.false(rule.breached), self.true(rule.breached)
            if no != "True":
                found += [*self.taken(), title(rule), f"if not {no}:", f"    b |= {1 << index}"]
                found += [f"    if not {yes}: u |= {1 << index}"]
        return [*found, *self.strips()]

    # --- uses -----------------------------------------------------------------------------------

    def loops(self) -> list[str]:
        found = quantifiers_of(self.source)
        lines = ["uses = row.uses"] if self.source.use_leaves or found else []
        for level in sorted(set(found.values())):
            lines += self.loop([quantifier for quantifier, height in found.items() if height == level])
        return lines

    def loop(self, group: list[Quantifier]) -> list[str]:
        """One loop for quantifiers that do not stand inside each other; None where the uses are unknown."""
        names: dict[Expr, str] = {quantifier: self.temporary() for quantifier in group}
        outside = dict(self.computed)
        steps: list[str] = []
        for quantifier in group:
            step = self.step(quantifier, names[quantifier])
            steps += [*self.taken(), *step]
        self.computed = {**outside, **names}
        starts = [f"{names[quantifier]} = {START[type(quantifier)]}" for quantifier in group]
        head = unpacked([self.source.leaf(leaf) for leaf in self.source.use_leaves], "use")
        body = [*head, *settled(self.source, self.source.use_leaves), *steps]
        unknown = " = ".join(names.values())
        return [f"if uses is None: {unknown} = None", "else:",
                *indented([*starts, "for use in uses:", *indented(body)])]  # fmt: skip

    def step(self, quantifier: Quantifier, name: str) -> list[str]:
        body = quantifier.body
        match quantifier:
            case ExistsUse():
                return [f"if {self.true(body)}: {name} = True",
                        f"elif {name} is False and not {self.false(body)}: {name} = None"]  # fmt: skip
            case AllUses():
                return [f"if {self.false(body)}: {name} = False",
                        f"elif {name} is True and not {self.true(body)}: {name} = None"]  # fmt: skip
            case SumUses():
                term = self.where_known(f"{name} + {self.value(body)}", body)
                return [f"if {name} is not None: {name} = {term}",
                        f"if {name} is not None and not {in_range(name)}: {name} = None"]  # fmt: skip
            case _:
                assert_never(quantifier)

    def strip(self, rule: AnyRule, name: str) -> list[str] | None:
        """As of `Writer`; what is unknown is in breach too."""
        outside = dict(self.computed)
        if isinstance(rule, SpecialisedRule):
            if rule.rule.use_breached is None:
                return None
            lines = []
            for bit, (_, term) in enumerate(rule.use_terms or ()):
                no = self.false(term)
                lines += [*self.taken(), f"if not {no}: {name} |= {1 << bit}"]
            self.computed = outside
            return lines
        if rule.use_breached is None:
            return None
        no = self.false(rule.use_breached)
        head = unpacked([self.source.leaf(leaf) for leaf in self.source.use_leaves], "use")
        body = [*head, *settled(self.source, self.source.use_leaves), *self.taken()]
        body += [f"if not {no}: {name} |= bit", "bit <<= 1"]
        self.computed = outside
        return ["bit = 1", "for use in uses or ():", *indented(body)]

    # --- conditions -----------------------------------------------------------------------------

    def true(self, expr: Expr) -> str:
        """Python that is truthy exactly where the condition is true."""
        if expr in self.computed:
            return self.computed[expr]
        match expr:
            case Const():
                return "True" if expr.value is True else "False"
            case Not():
                return self.false(self.short(expr.item))
            case And():
                return joined("and", [self.true(self.short(item)) for item in expr.items], "True")
            case Or():
                return joined("or", [self.true(self.short(item)) for item in expr.items], "False")
            case Compare():
                return self.compare(expr, expr.op)
            case In():
                return f"({self.value(expr.item)} in {choices(expr.values)})" if expr.values else "False"
            case Text():
                return self.search(expr, "")
            case Known():
                return f"({self.value(expr.item)} is not None)" if _may_lack(expr.item) else "True"
            case _:
                return self.value(expr)

    def false(self, expr: Expr) -> str:
        """Python that is truthy exactly where the condition is false."""
        if expr in self.computed:
            return f"({self.computed[expr]} is False)"
        match expr:
            case Const():
                return "True" if expr.value is False else "False"
            case Not():
                return self.true(self.short(expr.item))
            case And():
                return joined("or", [self.false(self.short(item)) for item in expr.items], "False")
            case Or():
                return joined("and", [self.false(self.short(item)) for item in expr.items], "True")
            case Compare():
                return self.compare(expr, _OPPOSITE[expr.op])
            case In():
                item = self.value(expr.item)
                known = [*self.known(expr.item), f"{item} not in {choices(expr.values)}"]
                return f"({' and '.join(known)})" if expr.values else "True"
            case Text():
                return self.search(expr, "not ")
            case Known():
                return f"({self.value(expr.item)} is None)" if _may_lack(expr.item) else "False"
            case _:
                return f"({self.value(expr)} is False)"

    def short(self, expr: Expr) -> Expr:
        """The condition; where it is too tall for one line, its value is computed first."""
        if self.source.height(expr) % TALLEST == 0:
            self.value(expr)
        return expr

    def compare(self, expr: Compare, op: str) -> str:
        left, right = self.value(expr.left), self.value(expr.right)
        return f"({' and '.join([*self.known(expr.left, expr.right), f'{left} {op} {right}'])})"

    def search(self, expr: Text, negation: str) -> str:
        left, right = self.value(expr.left), self.value(expr.right)
        found = negation + SEARCH[expr.op].format(left, right)
        return f"({' and '.join([*self.known(expr.left, expr.right), found])})"

    def known(self, *sides: Expr) -> list[str]:
        """Tests that values are known, as far as they can be unknown."""
        return [f"{self.value(side)} is not None" for side in sides if _may_lack(side)]

    def where_known(self, text: str, *sides: Expr) -> str:
        """A computation that is only made of known values."""
        tests = self.known(*sides)
        return f"{text} if {' and '.join(tests)} else None" if tests else text

    # --- values ---------------------------------------------------------------------------------

    def value(self, expr: Expr) -> str:
        """A name or literal for the value, None for unknown, computed once."""
        if isinstance(expr, (*LEAVES, *USE_LEAVES)):
            return self.source.leaf(expr)
        if isinstance(expr, Const):
            return literal(expr.value)
        if expr not in self.computed:
            lines, name = self.compute(expr)
            self.lines += lines
            self.computed[expr] = name
        return self.computed[expr]

    def compute(self, expr: Expr) -> tuple[list[str], str]:
        match expr:
            case If():
                text = self.choose(expr)
            case Arith():
                return self.arith(expr)
            case Size():
                text = self.where_known(f"len({self.value(expr.item)})", expr.item)
            case Rank():
                text = f"{self.source.rank(expr)}.get({self.value(expr.item)})"
            case ToDouble():
                text = self.where_known(f"float({self.value(expr.item)})", expr.item)
            case _:
                yes, no = self.true(expr), self.false(expr)
                text = f"True if {yes} else False if {no} else None"
        name = self.temporary()
        return [f"{name} = {text}"], name

    def choose(self, expr: If) -> str:
        condition = self.value(expr.condition)
        then, orelse = self.value(expr.then), self.value(expr.orelse)
        return f"{then} if {condition} else {orelse} if {condition} is False else None"

    def arith(self, expr: Arith) -> tuple[list[str], str]:
        text = f"{self.value(expr.left)} {expr.op} {self.value(expr.right)}"
        name = self.temporary()
        lines = [f"{name} = {self.where_known(text, expr.left, expr.right)}"]
        if type_of(expr) is Type.DOUBLE:
            lines.append(f"if {name} is not None and {name} - {name} != 0.0: {name} = None")
        elif may_overflow(expr):
            lines.append(f"if {name} is not None and not {in_range(name)}: {name} = None")
        return lines, name


def _may_lack(expr: Expr) -> bool:
    """Whether a side has to be tested for None before it is compared."""
    return not isinstance(expr, Const) or expr.value is None
