"""What both generated functions share: names of leaves, tables, lines, masks, when to break a line in two."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field

from policykit.errors import InternalError
from policykit.ir.nodes import (
    INT_MAX,
    INT_MIN,
    AllUses,
    ExistsUse,
    Expr,
    Leaf,
    Quantifier,
    Rank,
    SumUses,
    Type,
    UseLeaf,
    Value,
)
from policykit.ir.rules import Rule
from policykit.ir.specialise import SpecialisedRule
from policykit.ir.walk import children, is_leaf, is_use_leaf, nodes, type_of

TALLEST = 15  # levels of a tree in one Python expression; Python reads at most 200 open brackets
AnyRule = Rule | SpecialisedRule
SEARCH = {"starts_with": "{0}.startswith({1})", "ends_with": "{0}.endswith({1})", "contains": "({1} in {0})"}
START = {ExistsUse: "False", AllUses: "True", SumUses: "0"}  # of a quantifier, before the first use


class Unknown(Exception):  # noqa: N818  # a signal from the two-valued function: ask the other one
    """A value turned out unknown although every fact is known."""


@dataclass
class Source:
    """The rules and the names that stand for what they read. tables: lines of constants made on the way."""

    rules: tuple[AnyRule, ...]
    leaves: tuple[Leaf, ...]
    use_leaves: tuple[UseLeaf, ...]
    tables: list[str] = field(default_factory=list)
    ranks: dict[tuple[tuple[str, int], ...], str] = field(default_factory=dict)
    names: dict[Expr, str] = field(default_factory=dict)
    heights: dict[Expr, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names |= {leaf: f"f{index}" for index, leaf in enumerate(self.leaves)}
        self.names |= {leaf: f"u{index}" for index, leaf in enumerate(self.use_leaves)}

    def leaf(self, leaf: Leaf | UseLeaf) -> str:
        name = self.names.get(leaf)
        if name is None:
            raise InternalError(f"a rule reads a leaf that its rows do not carry: {leaf!r}")
        return name

    def rank(self, expr: Rank) -> str:
        """Name of the table of a scale."""
        if expr.steps not in self.ranks:
            self.ranks[expr.steps] = f"RANK{len(self.ranks)}"
            first = dict(reversed(expr.steps))  # the first pair of a member counts
            self.tables.append(f"{self.ranks[expr.steps]} = {first!r}")
        return self.ranks[expr.steps]

    def height(self, expr: Expr) -> int:
        """Levels of the tree below and with this node."""
        if expr not in self.heights:
            self.heights[expr] = 1 + max((self.height(child) for child in children(expr)), default=0)
        return self.heights[expr]


@dataclass
class Writer(ABC):
    """Writes conditions; `lines` collects statements that must come before the one being written.

    in_breach: Python of the masks of uses in breach, one for each rule that strips; known once `strips` was called.
    """

    source: Source
    lines: list[str] = field(default_factory=list)
    temporaries: int = 0
    in_breach: str = "()"

    def taken(self) -> list[str]:
        lines, self.lines = self.lines, []
        return lines

    def temporary(self) -> str:
        self.temporaries += 1
        return f"t{self.temporaries}"

    def strips(self) -> list[str]:
        """Lines that look for uses in breach, only under rules that are breached."""
        lines: list[str] = []
        names: list[str] = []
        for index, rule in enumerate(self.source.rules):
            body = self.strip(rule, f"m{len(names)}")
            if body is not None:
                names.append(f"m{len(names)}")
                lines += [f"{names[-1]} = 0", f"if b & {1 << index}:", *indented(body or ["pass"])]
        if names:
            self.in_breach = f"({', '.join(names)},)"
        return lines

    @abstractmethod
    def strip(self, rule: AnyRule, name: str) -> list[str] | None:
        """Lines that set the bits of the uses in breach in `name`; None for a rule that strips nothing."""


def literal(value: Value) -> str:
    """A constant as Python; every value a tree may hold is written by its repr."""
    return f"({value!r})" if isinstance(value, (int, float)) and value < 0 else repr(value)


def choices(values: Iterable[Value]) -> str:
    """A set display of constants, which Python keeps as one frozenset."""
    return "{" + ", ".join(literal(value) for value in dict.fromkeys(values)) + "}"


def unpacked(names: list[str], row: str) -> list[str]:
    """The line that gives every value of a row its name."""
    return [f"{', '.join(names)}, = {row}"] if names else []


def in_range(value: str) -> str:
    return f"{INT_MIN} <= {value} <= {INT_MAX}"


def settled(source: Source, leaves: Iterable[Leaf | UseLeaf]) -> list[str]:
    """Lines that make NaN and infinities unknown where doubles come in."""
    doubles = [source.leaf(leaf) for leaf in leaves if type_of(leaf) is Type.DOUBLE]
    return [f"if {name} is not None and {name} - {name} != 0.0: {name} = None" for name in doubles]


def indented(lines: Iterable[str], by: int = 1) -> list[str]:
    return ["    " * by + line for line in lines]


def title(rule: AnyRule) -> str:
    return f"# {rule.policy!r}"


def is_atom(expr: Expr) -> bool:
    return is_leaf(expr) or is_use_leaf(expr)


def joined(word: str, parts: Iterable[str], empty: str) -> str:
    """Conditions made one by `and` or `or`. empty: what no conditions are."""
    parts = list(parts)
    return f"({f' {word} '.join(parts)})" if parts else empty


def quantifiers_of(source: Source) -> dict[Quantifier, int]:
    """Every quantifier of the rules with how many levels of quantifiers stand inside it."""
    found: dict[Quantifier, int] = {}
    for rule in source.rules:
        below = rule.use_breached if isinstance(rule, Rule) else None
        for expr in (rule.breached, below):
            for node in nodes(expr) if expr is not None else ():
                if isinstance(node, (ExistsUse, AllUses, SumUses)):
                    found[node] = _levels(node.body)
    return found


def _levels(expr: Expr) -> int:
    inner = [_levels(child) for child in children(expr)]
    return max(inner, default=0) + isinstance(expr, (ExistsUse, AllUses, SumUses))
