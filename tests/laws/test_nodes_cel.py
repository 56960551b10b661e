"""The expression language is CEL: the official engine gives the same answers.

Where our documented departures do not apply: facts are present or absent (CEL: an error, ours:
unknown) but never null, doubles stay finite, sets of purposes are compared member by member.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from policykit.backends.reference import Facts, evaluate
from policykit.errors import Place, Problem
from policykit.facts.hours import local_fields
from policykit.ir import nodes as n
from policykit.ir.expression import parse_expression
from policykit.ir.nodes import Expr, Leaf, Type, UseLeaf, Value
from policykit.ir.walk import leaves_of, use_leaves_of
from policykit.model import from_micros, to_micros
from policykit.vocabulary import REFUSED_LEVELS, FactSpec, Vocabulary
from tests.examples import examples
from tests.laws.strategies_expressions import INT_FACTS, TEXT_FACTS, USE_TEXTS, conditions

cel = pytest.importorskip("cel_expr_python.cel", reason="the official CEL engine comes with the test extra")

SETTINGS = settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow])
GROUPS = ("send", "recipient", "consent", "attributes", "loyalty")
NOW = to_micros(datetime(2026, 3, 29, 1, 30, tzinfo=UTC))
VOCABULARY = Vocabulary(
    [
        FactSpec("recipient.vip", "bool", "a test fact"),
        FactSpec("recipient.points", "int", "a test fact"),
        FactSpec("recipient.spend", "double", "a test fact"),
        FactSpec("recipient.tier", "string", "a test fact"),
        FactSpec("loyalty.stage", "string", "a test fact"),
        FactSpec("attributes.basket", "string", "a test fact"),
        FactSpec("attributes.income", "int", "a test fact"),
        FactSpec("attributes.mood", "bool", "a test fact"),
        FactSpec("attributes.moving_date", "timestamp", "a test fact"),
        FactSpec("recipient.joined_at", "timestamp", "a test fact"),
        FactSpec("recipient.patience", "duration", "a test fact"),
    ]
)
TEXTS = sorted({text for texts in (*TEXT_FACTS.values(), *USE_TEXTS.values()) for text in texts} | {"", "%", "é"})
CLOCK: set[Leaf] = {n.Fact("send.at", Type.TIMESTAMP), n.Fact("recipient.zone", Type.STRING)}
POOLS: Mapping[Type, tuple[Value, ...]] = {
    Type.BOOL: (True, False),
    Type.INT: (0, 1, -1, 16, 17, 18, 99, 100, n.INT_MAX, n.INT_MIN),
    Type.DOUBLE: (0.0, 0.5, 99.5, -1.25, 100.0),
    Type.STRING: tuple(TEXTS),
    Type.TIMESTAMP: (NOW, NOW - 3_600_000_000, NOW + 1, to_micros(datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC))),
    Type.DURATION: (0, 1, 3_600_000_000, 86_400_000_000, -3_600_000_000),
}


class Text:
    """An expression that stands at the start of a file."""

    def __init__(self, text: str) -> None:
        self.text = text

    def at(self, offset: int) -> Place:
        return Place("test.yaml", 1, offset + 1)


def parse(text: str) -> Expr:
    problems: list[Problem] = []
    found = parse_expression(Text(text), VOCABULARY, problems)
    assert found is not None, problems
    return found


@cache
def environment() -> Any:
    variables = {name: cel.Type.Map(cel.Type.STRING, cel.Type.DYN) for name in GROUPS}
    return cel.NewEnv(variables={**variables, "uses": cel.Type.List(cel.Type.DYN)})


# The Python face of the engine takes no instants inside maps, so they travel as texts.
_INSTANTS = re.compile(
    r"(?<!has\()\b(send\.at|recipient\.last_purchase_at|recipient\.joined_at|attributes\.moving_date)\b"
)
_AGES = re.compile(r"(?<!has\()\b(u\.age|recipient\.patience)\b")


def by_cel(text: str, data: Mapping[str, Any]) -> Value:
    """What the official engine says; None for an error."""
    told = _AGES.sub(r"duration(\1)", _INSTANTS.sub(r"timestamp(\1)", text))
    found = environment().compile(told).eval(data=data)
    return None if found.type() == cel.Type.ERROR else found.value()


def told(value: Value, of: Type) -> Any:
    if of is Type.TIMESTAMP:
        return from_micros(int(value or 0)).isoformat()
    if of is Type.DURATION:
        return f"{timedelta(microseconds=int(value or 0)) / timedelta(microseconds=1):.0f}us"
    return value


@st.composite
def sends(draw: st.DrawFn, expr: Expr) -> tuple[Facts, dict[str, Any]]:
    """Facts for the leaves of a condition, for us and for CEL. Unknown is absent there."""
    values: dict[Leaf, Value] = {}
    refused = draw(st.none() | st.lists(st.sampled_from(REFUSED_LEVELS), unique=True))
    facts: dict[str, Value] = {}
    for leaf in sorted(
        leaves_of(expr) | {n.Fact("send.at", Type.TIMESTAMP), n.Fact("recipient.zone", Type.STRING)}, key=repr
    ):
        if isinstance(leaf, n.Fact):
            values[leaf] = facts[leaf.path] = draw(st.sampled_from((None, *fit(leaf), *fit(leaf))))
        elif isinstance(leaf, n.Member):
            values[leaf] = None if refused is None else leaf.member in refused
    for leaf in leaves_of(expr):
        if isinstance(leaf, n.LocalPart):
            fields = local_fields(leaf.zone or facts["recipient.zone"], facts["send.at"])  # type: ignore[arg-type]
            values[leaf] = getattr(fields, leaf.part) if fields else None
    uses = draw(st.none() | st.lists(use_rows(use_leaves_of(expr)), max_size=3))
    data: dict[str, Any] = {group: {} for group in GROUPS} | {"send": {"address": {}, "content": {}, "offers": {}}}
    for leaf, value in values.items():
        if isinstance(leaf, n.Fact) and value is not None:
            group, name = leaf.path.split(".", 1)
            _put(data[group], name, told(value, leaf.type))
    if refused is not None:
        data["consent"]["refused_for"] = refused
    if uses is not None:
        data["uses"] = [use for _, use in uses]
    return Facts(values, None if uses is None else tuple(row for row, _ in uses)), data


def _put(group: dict[str, Any], name: str, value: Any) -> None:
    head, _, rest = name.partition(".")
    if rest:
        _put(group.setdefault(head, {}), rest, value)
    else:
        group[head] = value


def fit(leaf: n.Fact) -> tuple[Value, ...]:
    if leaf.path in TEXT_FACTS and leaf.path != "recipient.id":
        return TEXT_FACTS[leaf.path]
    assert leaf.type is not Type.INT or leaf.path in INT_FACTS
    return POOLS[leaf.type]


@st.composite
def use_rows(draw: st.DrawFn, leaves: set[UseLeaf]) -> tuple[dict[UseLeaf, Value], dict[str, Any]]:
    row: dict[UseLeaf, Value] = {}
    data: dict[str, Any] = {}
    for leaf in sorted(leaves, key=repr):
        if isinstance(leaf, n.UseFact):
            pool = USE_TEXTS.get(leaf.field, POOLS[leaf.type])
            row[leaf] = draw(st.sampled_from((None, *pool, *pool)))
            if row[leaf] is not None:
                data[leaf.field] = told(row[leaf], leaf.type)
        else:
            row[leaf] = draw(st.booleans())
            name, member = ("origin", leaf.origin) if isinstance(leaf, n.UseOrigin) else ("collected_for", leaf.purpose)
            data.setdefault(name, []).extend([member] if row[leaf] else [])
    return row, data


@SETTINGS
@given(conditions(), st.data())
@example("1 + 2 * 3 - -4 == 11 && !(1 > 2) || false ? 'a' in ['a', 'b'] : 2.5 < 1.0", None)
@example("true || false && false", None)
@example("(true ? false : true) ? true : true ? true : false", None)
@example("'\\u00e9\\x41\\101\\n' == \"éAA\\n\" && r'\\n' == '\\\\n' && '''a'b''' == \"a'b\"", None)
@example("size('e\\u0301') == 2 && 'abc'.contains('') && 'abc'.endsWith('c') && !'abc'.startsWith('b')", None)
@example("1e3 == 1000.0 && .5 < 1.0 && 0x10 == 16 && -9223372036854775808 < 9223372036854775807", None)
@example("['a', 'b'].exists(x, x == 'b') && ![].exists(x, x == 1) && [1, 2].all(x, x > 0)", None)
@example("duration('1h30m') == duration('5400s') && duration('-1.5s') < duration('0s')", None)
@example("timestamp('2024-02-29T23:59:59.5+01:00') - timestamp('2024-02-29T22:59:59Z') == duration('500ms')", None)
def test_cel_says_the_same(text: str, data: Any) -> None:
    hold_cel(text, data)


@pytest.mark.slow
@settings(SETTINGS, max_examples=1_500)
@given(conditions(6), st.data())
def test_cel_says_the_same_for_long(text: str, data: Any) -> None:
    hold_cel(text, data)


def hold_cel(text: str, data: Any) -> None:
    expr = parse(text)
    facts, activation = (Facts({}), {group: {} for group in GROUPS}) if data is None else data.draw(sends(expr))

    expected = by_cel(text, activation)

    found = evaluate(expr, facts)
    if "1e300" in text and found is None:
        return  # a product of doubles that is infinite is unknown here
    assert found == expected, (text, activation)
