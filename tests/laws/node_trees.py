"""Generated trees, campaigns and rows for the laws about nodes: every node kind, aimed at boundaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Protocol

from hypothesis import strategies as st

from policykit.backends.reference import Facts, evaluate
from policykit.ir import nodes as n
from policykit.ir.nodes import Expr, Leaf, Type, UseLeaf, Value
from policykit.ir.rules import Effect, Rule
from policykit.ir.unroll import unroll, use_leaf
from policykit.ir.values import finite
from policykit.ir.walk import is_leaf, is_use_leaf, type_of
from policykit.model import Attribute, Use

PURPOSE = "marketing.communications"
IDS = ("basket", "crib", "zip")
ATTRIBUTES: Mapping[str, Attribute] = {
    "basket": Attribute("basket", "user.behavior", "observed", (PURPOSE,), "behavioural", lineage=("basket",)),
    "crib": Attribute(
        "crib", None, "inferred", (PURPOSE,), "special_category", lineage=("basket", "crib"), disclosed_as="a crib"
    ),
    "zip": Attribute("zip", "user.contact", "provided", ("essential",), None, lineage=("zip",), controller="acme"),
}

LEAVES: dict[Type, tuple[Leaf, ...]] = {
    Type.BOOL: (
        n.Fact("recipient.customer", Type.BOOL),
        n.Fact("send.generic", Type.BOOL),
        n.Member("consent.refused_for", "channel"),
        n.ConsentMet(n.Requirement(quality=frozenset({"written", "double_opt_in"}))),
        n.ConsentWasMet(n.Requirement(max_age=n.Months(3))),
        n.Joined("new-home"),
        n.ContentSays("subject", "starts_with", "(ad)"),
        n.Allowed(n.Hours((n.Opening(frozenset({0, 1}), 480, 1440),))),
    ),
    Type.INT: (
        n.Fact("recipient.age", Type.INT),
        n.Fact("recipient.tolerance", Type.INT),
        n.Sends(n.Window(rolling=86_400_000_000), n.Counting()),
        n.LocalPart("hours"),
    ),
    Type.DOUBLE: (n.Fact("recipient.score", Type.DOUBLE), n.Fact("recipient.spend", Type.DOUBLE)),
    Type.STRING: (
        n.Fact("recipient.country", Type.STRING),
        n.Fact("attributes.basket", Type.STRING),
        n.Fact("send.channel", Type.STRING),
        n.Fact("send.purpose", Type.STRING),
    ),
    Type.TIMESTAMP: (n.Fact("send.at", Type.TIMESTAMP), n.Fact("recipient.last_purchase_at", Type.TIMESTAMP)),
    Type.DURATION: (n.Fact("recipient.patience", Type.DURATION),),
}
USE_LEAVES: dict[Type, tuple[UseLeaf, ...]] = {
    Type.BOOL: (
        n.UseFact("recited", Type.BOOL),
        n.UseFact("permission", Type.BOOL),
        n.UseFact("refused", Type.BOOL),
        n.UseFact("known", Type.BOOL),
        n.UseOrigin("observed"),
        n.UseCollectedFor(None),
        n.UseCollectedFor("essential"),
    ),
    Type.STRING: (n.UseFact("attribute", Type.STRING), n.UseFact("sensitivity", Type.STRING)),
    Type.DURATION: (n.UseFact("age", Type.DURATION),),
}
ALL_USE_LEAVES = tuple(leaf for group in USE_LEAVES.values() for leaf in group)
ATTRIBUTE_LEAVES: tuple[Leaf, ...] = tuple(
    leaf
    for name in IDS
    for leaf in (
        n.Present(name),
        n.AttributeOrigin(name, "observed"),
        n.AttributeCollectedFor(name, PURPOSE),
        n.AttributeCollectedFor(name, "essential"),
        n.AttributePermission(name),
        n.AttributeRefused(name),
        n.AttributeCollectedAt(name),
        n.Fact(f"attributes.{name}", Type.STRING),
    )
)
ALL_LEAVES: tuple[Leaf, ...] = tuple(
    dict.fromkeys([*(leaf for group in LEAVES.values() for leaf in group), *ATTRIBUTE_LEAVES])
)

INTS = (0, 1, -1, 2, 3, 100, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, n.INT_MAX, n.INT_MIN, n.INT_MAX - 1, n.INT_MIN + 1)
# Few near instants, so that their differences often are one of the spans, exactly or but for one.
INSTANTS = (*(0, 1, 60_000_000) * 3, 60_000_001, n.INT_MAX, n.INT_MIN, n.INT_MAX - 1)
SPANS = (*(0, 1, -1, 60_000_000, 59_999_999, -60_000_000) * 2, 86_400_000_000, n.INT_MAX, n.INT_MIN)
DOUBLES = (0.0, -0.0, 0.1, 0.2, 0.3, 0.1 + 0.2, 1.0, -1.5, float(2**53), 1e308, -1e308, 5e-324, 9.223372036854776e18)
TEXTS = (
    "",
    "a",
    "A",
    "ab",
    "b",
    "FR",
    "é",
    "e\u0301",
    "ß",
    "\uffff",
    "\U00010000",
    "a'b",
    'a"b',
    "a\0b",
    "{0}",
    "a\nb",
    "%",
    "_",
)
KNOWN_VALUES: dict[Type, tuple[Value, ...]] = {
    Type.BOOL: (True, False),
    Type.INT: INTS,
    Type.DOUBLE: DOUBLES,
    Type.STRING: TEXTS,
    Type.TIMESTAMP: INSTANTS,
    Type.DURATION: SPANS,
}
STEPS = (("", 3), ("a", 1), ("ab", 2), ("FR", 2), ("behavioural", -4), ("special_category", 7), ("é", n.INT_MAX))


class Below(Protocol):
    def __call__(self, of: Type) -> Expr: ...


ORDERED = ("==", "!=", "<", "<=", ">", ">=")
SUMS: dict[Type, tuple[tuple[str, Type, Type], ...]] = {
    Type.INT: tuple((op, Type.INT, Type.INT) for op in "+-*"),
    Type.DOUBLE: tuple((op, Type.DOUBLE, Type.DOUBLE) for op in "+-*"),
    Type.TIMESTAMP: (
        ("+", Type.TIMESTAMP, Type.DURATION),
        ("+", Type.DURATION, Type.TIMESTAMP),
        ("-", Type.TIMESTAMP, Type.DURATION),
    ),
    Type.DURATION: (
        ("-", Type.TIMESTAMP, Type.TIMESTAMP),
        ("+", Type.DURATION, Type.DURATION),
        ("-", Type.DURATION, Type.DURATION),
        ("*", Type.DURATION, Type.INT),
        ("*", Type.INT, Type.DURATION),
    ),
}


def randoms() -> st.SearchStrategy[Random]:
    """Bytes are drawn evenly, where integers would mostly be small and come again."""
    return st.binary(min_size=8, max_size=8).map(Random)


CONSTANTS = {of: tuple(n.Const(value, of) for value in (*values, None)) for of, values in KNOWN_VALUES.items()}
TYPES = tuple(Type)
WAYS = (*("compare", "edge", "edge", "join") * 2, "not", "in", "text", "known", *("uses",) * 6)


@dataclass(frozen=True)
class Grower:
    """Grows trees from a seed: a draw by Hypothesis per node would be most of a law's time.

    focus: a leaf to be met often, so that whatever goes wrong with it shows.
    """

    random: Random
    focus: Leaf | UseLeaf | None = None

    def tree(self, of: Type, depth: int, *, in_use: bool = False) -> Expr:
        """A well-typed tree. in_use: it stands below a quantifier, so use leaves may occur."""
        if depth <= 0 or self.random.random() < 0.1:
            return self.end(of, in_use=in_use)
        below = partial(self.tree, depth=depth - 1, in_use=in_use)
        if of is Type.STRING or self.random.random() < 0.12:
            return n.If(below(Type.BOOL), below(of), below(of))
        match of:
            case Type.BOOL:
                return self.condition(below, depth, in_use=in_use)
            case Type.INT if self.random.random() < 0.6:
                return self.integer(below, depth)
            case Type.DOUBLE if self.random.random() < 0.5:
                return n.ToDouble(below(Type.INT))
            case _:
                op, left, right = self.random.choice(SUMS[of])
                return n.Arith(op, below(left), below(right))  # type: ignore[arg-type]  # from the table

    def end(self, of: Type, *, in_use: bool) -> Expr:
        if self.random.random() < 0.3:
            return self.random.choice(CONSTANTS[of])
        return self.leaf(of, in_use=in_use)

    def leaf(self, of: Type, *, in_use: bool) -> Expr:
        focus = self.focus
        fits = focus is not None and type_of(focus) is of and (in_use or is_leaf(focus))
        if focus is not None and fits and self.random.random() < 0.6:
            return focus
        about_use = in_use and of in USE_LEAVES and self.random.random() < 0.7
        return self.random.choice(USE_LEAVES[of] if about_use else LEAVES[of])

    def integer(self, below: Below, depth: int) -> Expr:
        match self.random.choice(("size", "rank", "sum")):
            case "size":
                return n.Size(below(Type.STRING))
            case "rank":
                return n.Rank(STEPS, below(Type.STRING))
            case _:
                return n.SumUses(self.tree(Type.INT, depth - 2, in_use=True))

    def edge(self, of: Type, *, in_use: bool) -> Expr:
        """A leaf against a constant of the values it may have: where an error of one is seen."""
        if self.focus is not None and self.random.random() < 0.6:
            of = type_of(self.focus)
        leaf = self.leaf(of, in_use=in_use)
        op = self.random.choice(ORDERED)
        return n.Compare(op, leaf, self.random.choice(CONSTANTS[of]))  # type: ignore[arg-type]  # from the table

    def condition(self, below: Below, depth: int, *, in_use: bool) -> Expr:
        random = self.random
        of = random.choice(TYPES)
        if self.focus is not None and not in_use and is_use_leaf(self.focus) and random.random() < 0.5:
            return random.choice((n.ExistsUse, n.AllUses))(self.tree(Type.BOOL, depth - 1, in_use=True))
        match random.choice(
            ("compare", "compare", "join", "join", "not", "in", "text", "known", "uses", "uses", "uses", "uses")
        ):
            case "compare":
                return n.Compare(random.choice(ORDERED), below(of), below(of))  # type: ignore[arg-type]  # from the table
            case "edge":
                return self.edge(of, in_use=in_use)
            case "join":
                return random.choice((n.And, n.Or))(tuple(below(Type.BOOL) for _ in range(random.randint(0, 3))))
            case "not":
                return n.Not(below(Type.BOOL))
            case "in":
                return n.In(below(of), tuple(random.sample(KNOWN_VALUES[of], random.randint(0, 2))))
            case "text":
                op = random.choice(("starts_with", "ends_with", "contains"))
                return n.Text(op, below(Type.STRING), below(Type.STRING))  # type: ignore[arg-type]  # one of the three
            case "known":
                return n.Known(below(of))
            case _:
                return random.choice((n.ExistsUse, n.AllUses))(self.tree(Type.BOOL, depth - 1, in_use=True))


FOCUSES: tuple[Leaf | UseLeaf, ...] = (*(leaf for group in LEAVES.values() for leaf in group), *ALL_USE_LEAVES)


@st.composite
def trees(
    draw: st.DrawFn, of: Type = Type.BOOL, depth: int = 5, *, in_use: bool = False, focus: Leaf | UseLeaf | None = None
) -> Expr:
    """Trees of one type; shallower ones are simpler."""
    return Grower(draw(randoms()), focus).tree(of, draw(st.integers(min(2, depth), depth)), in_use=in_use)


@st.composite
def focused(draw: st.DrawFn, focus: Leaf | UseLeaf) -> list[Expr]:
    """Some trees, of any type but conditions most often, about one leaf."""
    grower = Grower(draw(randoms()), focus)
    depth = draw(st.integers(2, 5))
    types = [grower.random.choice((Type.BOOL, grower.random.choice(TYPES))) for _ in range(draw(st.integers(1, 6)))]
    return [grower.tree(of, depth) for of in types]


def values_of(leaf: Leaf) -> tuple[Value, ...]:
    """Values the leaf may have: boundaries, unknown, and numbers that no backend may believe."""
    if isinstance(leaf, n.Present):
        return (True, False)
    if isinstance(leaf, n.Sends):
        return (None, 0, 1, 2, 100)
    if isinstance(leaf, n.LocalPart):
        return (None, 0, 1, 23)
    of = type_of(leaf)
    odd: tuple[Value, ...] = (float("nan"), float("inf"), float("-inf")) if of is Type.DOUBLE else ()
    # Unknown as often as known where there are many values: both sides of every condition are met.
    return (None, *KNOWN_VALUES[of], *odd, *((None,) * (len(KNOWN_VALUES[of]) // 4)))


VALUES = {leaf: values_of(leaf) for leaf in ALL_LEAVES}
KNOWN = {leaf: tuple(value for value in values if finite(value) is not None) for leaf, values in VALUES.items()}


@dataclass(frozen=True)
class Row:
    values: tuple[Value, ...]
    uses: tuple[tuple[Value, ...], ...] | None


@dataclass(frozen=True)
class World:
    """Uses of a campaign and some people, in both forms: with use rows, and to be unrolled."""

    uses: tuple[Use, ...] | None
    rows: tuple[Row, ...]

    def unrolled(self, expr: Expr) -> Expr:
        return unroll(expr, self.uses, ATTRIBUTES, PURPOSE)

    def facts(self, row: Row) -> Facts:
        uses = None if row.uses is None else tuple(dict(zip(ALL_USE_LEAVES, use, strict=True)) for use in row.uses)
        return Facts(dict(zip(ALL_LEAVES, row.values, strict=True)), uses)


def use_rows(uses: tuple[Use, ...] | None, values: Sequence[Value]) -> tuple[tuple[Value, ...], ...] | None:
    """Use rows as the meaning of the unrolled leaves says; a use that is not present has no row."""
    if uses is None:
        return None
    facts = Facts(dict(zip(ALL_LEAVES, values, strict=True)))
    return tuple(
        tuple(evaluate(use_leaf(leaf, use, ATTRIBUTES, PURPOSE), facts) for leaf in ALL_USE_LEAVES)
        for use in uses
        if facts.values[n.Present(use.attribute)]
    )


@st.composite
def worlds(draw: st.DrawFn, rows: int = 4, *, all_known: bool = False) -> World:
    """all_known: no value is unknown, so that the two-valued function is the one that answers."""
    recited = st.sampled_from([True, False] if all_known else [True, False, None])
    picked = draw(st.lists(st.sampled_from(IDS), unique=True))
    uses = tuple(Use(name, recited=draw(recited), selected=draw(st.booleans())) for name in sorted(picked))
    unknown = not all_known and draw(st.integers(0, 9)) == 0
    random = draw(randoms())
    made = []
    for _ in range(rows):
        values = tuple(random.choice((KNOWN if all_known else VALUES)[leaf]) for leaf in ALL_LEAVES)
        made.append(Row(values, use_rows(None if unknown else uses, values)))
    return World(None if unknown else uses, tuple(made))


def rule(breached: Expr, use_breached: Expr | None = None) -> Rule:
    return Rule(
        "generated", "rule", breached, Effect("block"), n.Const("rule.breached", Type.STRING), use_breached=use_breached
    )
