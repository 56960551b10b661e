"""Generated trees, campaigns and rows for the laws about nodes: every node kind, aimed at boundaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from policykit.backends.reference import Facts, evaluate
from policykit.ir import nodes as n
from policykit.ir.nodes import Expr, Leaf, Type, UseLeaf, Value
from policykit.ir.rules import Effect, Rule
from policykit.ir.unroll import unroll, use_leaf
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
        n.AttributeCollectedAt(name),
        n.Fact(f"attributes.{name}", Type.STRING),
    )
)
ALL_LEAVES: tuple[Leaf, ...] = tuple(
    dict.fromkeys([*(leaf for group in LEAVES.values() for leaf in group), *ATTRIBUTE_LEAVES])
)

INTS = (0, 1, -1, 2, 3, 100, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, n.INT_MAX, n.INT_MIN, n.INT_MAX - 1, n.INT_MIN + 1)
SPANS = (0, 1, -1, 60_000_000, 86_400_000_000, n.INT_MAX, n.INT_MIN)
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
    Type.TIMESTAMP: INTS,
    Type.DURATION: SPANS,
}
STEPS = (("", 3), ("a", 1), ("ab", 2), ("FR", 2), ("behavioural", -4), ("special_category", 7), ("é", n.INT_MAX))
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


def constants(of: Type) -> st.SearchStrategy[Expr]:
    values: tuple[Value, ...] = (*KNOWN_VALUES[of], None)
    return st.sampled_from([n.Const(value, of) for value in values])


@st.composite
def trees(draw: st.DrawFn, of: Type = Type.BOOL, depth: int = 4, *, in_use: bool = False) -> Expr:
    """A well-typed tree. in_use: it stands below a quantifier, so use leaves may occur."""
    below = lambda kind, deeper=1: draw(trees(kind, depth - deeper, in_use=in_use))  # noqa: E731
    if depth <= 0 or draw(st.integers(0, 5)) == 0:
        return draw(_ends(of, in_use=in_use))
    if draw(st.integers(0, 6)) == 0:
        return n.If(below(Type.BOOL), below(of), below(of))
    match of:
        case Type.BOOL:
            return draw(_conditions(below, depth))
        case Type.INT:
            way = draw(st.sampled_from(["arith", "arith", "size", "rank", "sum"]))
            if way == "size":
                return n.Size(below(Type.STRING))
            if way == "rank":
                return n.Rank(STEPS, below(Type.STRING))
            if way == "sum":
                return n.SumUses(draw(trees(Type.INT, depth - 2, in_use=True)))
        case Type.DOUBLE:
            if draw(st.booleans()):
                return n.ToDouble(below(Type.INT))
        case Type.STRING:
            return n.If(below(Type.BOOL), below(of), below(of))
        case _:
            pass
    op, left, right = draw(st.sampled_from(SUMS[of]))
    return n.Arith(op, below(left), below(right))  # type: ignore[arg-type]  # from the table


def _ends(of: Type, *, in_use: bool) -> st.SearchStrategy[Expr]:
    leaves: list[Expr] = [*LEAVES[of], *(USE_LEAVES.get(of, ()) * 2 if in_use else ())]
    return st.one_of(st.sampled_from(leaves), st.sampled_from(leaves), constants(of))


@st.composite
def _conditions(draw: st.DrawFn, below: Any, depth: int) -> Expr:
    way = draw(st.sampled_from(["compare", "compare", "join", "join", "not", "in", "text", "known", "uses", "uses"]))
    if way == "compare":
        kind = draw(st.sampled_from(list(Type)))
        return n.Compare(draw(st.sampled_from(ORDERED)), below(kind), below(kind))  # type: ignore[arg-type]
    if way == "join":
        items = tuple(below(Type.BOOL) for _ in range(draw(st.integers(0, 3))))
        return draw(st.sampled_from([n.And, n.Or]))(items)
    if way == "not":
        return n.Not(below(Type.BOOL))
    if way == "in":
        kind = draw(st.sampled_from(list(Type)))
        return n.In(below(kind), tuple(draw(st.lists(st.sampled_from(KNOWN_VALUES[kind]), max_size=3))))
    if way == "text":
        op = draw(st.sampled_from(["starts_with", "ends_with", "contains"]))
        return n.Text(op, below(Type.STRING), below(Type.STRING))  # type: ignore[arg-type]
    if way == "known":
        return n.Known(below(draw(st.sampled_from(list(Type)))))
    quantifier = draw(st.sampled_from([n.ExistsUse, n.AllUses]))
    return quantifier(draw(trees(Type.BOOL, depth - 1, in_use=True)))


@st.composite
def values_of(draw: st.DrawFn, leaf: Leaf) -> Value:
    """A value of the leaf: boundaries, unknown, and at times a number that no backend may believe."""
    if isinstance(leaf, n.Present):
        return draw(st.booleans())
    of = n.Type.BOOL
    for kind, leaves in LEAVES.items():
        if leaf in leaves:
            of = kind
    if isinstance(leaf, n.AttributeCollectedAt):
        of = Type.TIMESTAMP
    if isinstance(leaf, n.Fact) and leaf.path.startswith("attributes."):
        of = Type.STRING
    if isinstance(leaf, n.Sends):
        return draw(st.sampled_from([None, 0, 1, 2, 100]))
    if isinstance(leaf, n.LocalPart):
        return draw(st.sampled_from([None, 0, 1, 23]))
    odd: tuple[Value, ...] = (float("nan"), float("inf"), float("-inf")) if of is Type.DOUBLE else ()
    return draw(st.sampled_from((None, *KNOWN_VALUES[of], *odd)))


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
    made = []
    for _ in range(rows):
        values = tuple(draw(values_of(leaf)) for leaf in ALL_LEAVES)
        if all_known:
            values = tuple(_filled(leaf, value) for leaf, value in zip(ALL_LEAVES, values, strict=True))
        made.append(Row(values, use_rows(None if unknown else uses, values)))
    return World(None if unknown else uses, tuple(made))


def _filled(leaf: Leaf, value: Value) -> Value:
    if value is not None and value == value and value not in (float("inf"), float("-inf")):  # NaN
        return value
    for kind, leaves in LEAVES.items():
        if leaf in leaves:
            return KNOWN_VALUES[kind][-1]
    if isinstance(leaf, n.AttributeCollectedAt):
        return 0
    return "a" if isinstance(leaf, n.Fact) else True


def rule(breached: Expr, use_breached: Expr | None = None) -> Rule:
    return Rule(
        "generated", "rule", breached, Effect("block"), n.Const("rule.breached", Type.STRING), use_breached=use_breached
    )
