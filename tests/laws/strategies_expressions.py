"""Well-typed conditions in the expression language, drawn from its whole grammar."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from policykit.model import from_micros
from policykit.vocabulary import (
    CONSENT_STANDINGS,
    DEGREES,
    MESSAGE_CLASSES,
    ORIGINS,
    REFUSED_LEVELS,
    SENSITIVITIES,
    STYLES,
)
from tests.laws.strategies import ATTRIBUTES, CATEGORIES, CONTROLLERS, INSTANTS, NEAR_CHANNELS, PURPOSES

BOOL_FACTS = (
    "recipient.customer",
    "recipient.vip",
    "send.address.shared",
    "send.address.suppressed",
    "send.address.permission",
    "send.generic",
    "attributes.mood",
)
INT_FACTS = ("recipient.age", "recipient.tolerance", "recipient.points", "send.rank", "attributes.income",
             "send.offers.personalised", "send.offers.shown")  # fmt: skip
DOUBLE_FACTS = ("recipient.spend",)
TIME_FACTS = ("send.at", "recipient.last_purchase_at", "recipient.joined_at", "attributes.moving_date")
TEXT_FACTS: dict[str, tuple[str, ...]] = {
    "recipient.country": ("FR", "DE", "US"),
    "recipient.language": ("fr", "en-GB"),
    "recipient.tier": ("gold", "silver", "ünïcode ☃"),
    "recipient.account_type": ("consumer", "business"),
    "recipient.degree": tuple(member for member, _ in DEGREES),
    "recipient.zone": ("Europe/Paris", "America/New_York"),
    "recipient.id": ("007", "ünïcode-1"),
    "send.channel": NEAR_CHANNELS,
    "send.message_class": MESSAGE_CLASSES,
    "send.purpose": PURPOSES,
    "send.controller": CONTROLLERS,
    "send.style": STYLES,
    "send.address.origin": tuple(member for member, _ in ORIGINS),
    "consent.status": CONSENT_STANDINGS,
    "attributes.basket": ("7", "crib", "0"),
    "loyalty.stage": ("new", "old"),
}
USE_TEXTS: dict[str, tuple[str, ...]] = {
    "attribute": ATTRIBUTES,
    "category": CATEGORIES,
    "sensitivity": tuple(member for member, _ in SENSITIVITIES),
    "controller": CONTROLLERS,
}
USE_BOOLS = ("recited", "selected", "disclosed", "permission", "refused", "known")
INTS = ("0", "1", "-1", "2", "16", "17", "18", "40", "65", "99", "100", "9223372036854775807", "3037000500")
DOUBLES = ("0.0", "0.5", "99.5", "100.0", "-1.25", "1e300")
TIMES = tuple(from_micros(at).strftime("%Y-%m-%dT%H:%M:%SZ") for at in INSTANTS)
DURATIONS = ("0s", "1h", "24h", "720h", "90m", "-1h")
ZONES = ("'Europe/Paris'", "'America/New_York'", "recipient.zone", "'Australia/Lord_Howe'")
GETTERS = ("getHours", "getMinutes", "getDayOfWeek", "getDate", "getMonth", "getFullYear")
COMPARE = ("==", "!=", "<", "<=", ">", ">=")


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def compared(side: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(side, st.sampled_from(COMPARE), side).map(" ".join)


_GETTERS = st.tuples(st.sampled_from(GETTERS), st.sampled_from(ZONES)).map(lambda part: f"send.at.{part[0]}({part[1]})")
_INT_ATOMS = st.one_of(
    st.sampled_from(INT_FACTS),
    st.sampled_from(INTS),
    _GETTERS,
    st.sampled_from(tuple(TEXT_FACTS)).map(lambda path: f"size({path})"),
)
_INTS = st.recursive(
    _INT_ATOMS,
    lambda side: st.tuples(side, st.sampled_from("+-*"), side).map(lambda s: f"({' '.join(s)})"),
    max_leaves=3,
)
_DOUBLE_ATOMS = st.sampled_from(DOUBLE_FACTS) | st.sampled_from(DOUBLES) | _INT_ATOMS.map(lambda i: f"double({i})")
_DOUBLES = st.recursive(
    _DOUBLE_ATOMS,
    lambda side: st.tuples(side, st.sampled_from("+-*"), side).map(lambda s: f"({' '.join(s)})"),
    max_leaves=2,
)
_SPANS = st.sampled_from(DURATIONS).map(lambda text: f"duration('{text}')")
_TIME_ATOMS = st.sampled_from(TIME_FACTS) | st.sampled_from(TIMES).map(lambda text: f"timestamp('{text}')")
_TIMES = st.one_of(
    _TIME_ATOMS,
    st.tuples(_TIME_ATOMS, st.sampled_from("+-"), _SPANS).map(lambda s: f"({' '.join(s)})"),
)
_LENGTHS = (
    st.just("recipient.patience")
    | _SPANS
    | st.tuples(_TIME_ATOMS, _TIME_ATOMS).map(lambda pair: f"({pair[0]} - {pair[1]})")
)


@st.composite
def _texts(draw: Any, facts: dict[str, tuple[str, ...]], prefix: str = "") -> str:
    path = draw(st.sampled_from(tuple(facts)))
    values, name = facts[path], prefix + path
    match draw(st.sampled_from(("compare", "in", "in", "search"))):
        case "compare":
            return f"{name} {draw(st.sampled_from(('==', '!=')))} {quoted(draw(st.sampled_from(values)))}"
        case "in":
            chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True))
            return f"{name} in [{', '.join(map(quoted, chosen))}]"
    call = draw(st.sampled_from(("startsWith", "endsWith", "contains")))
    part = draw(st.sampled_from(values))
    return f"{name}.{call}({quoted(draw(st.sampled_from((part, part[:2], part[-1:], '%', '_'))))})"


_HAS = st.sampled_from((*TEXT_FACTS, *INT_FACTS, *DOUBLE_FACTS, *TIME_FACTS, *BOOL_FACTS)).filter(
    lambda path: path not in {"send.style", "consent.status"}
)
_ATOMS = st.one_of(
    st.sampled_from(BOOL_FACTS),
    compared(_INTS),
    compared(_DOUBLES),
    compared(_TIMES),
    compared(_LENGTHS),
    _texts(TEXT_FACTS),
    _HAS.map(lambda path: f"has({path})"),
    st.sampled_from(REFUSED_LEVELS).map(lambda level: f"'{level}' in consent.refused_for"),
)
_USE_ATOMS = st.one_of(
    st.sampled_from(USE_BOOLS).map(lambda name: f"u.{name}"),
    _texts(USE_TEXTS, "u."),
    st.sampled_from(ORIGINS).map(lambda step: f"'{step[0]}' in u.origin"),
    st.sampled_from(PURPOSES).map(lambda key: f"'{key}' in u.collected_for"),
    st.tuples(st.sampled_from(("<", ">=")), _SPANS).map(lambda s: f"u.age {s[0]} {s[1]}"),
    st.sampled_from(("u.attribute == recipient.tier", "u.controller == send.controller", "recipient.customer")),
)


def _joined(side: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(side, st.sampled_from((" && ", " || ")), side).map(lambda s: f"({''.join(s)})"),
        side.map(lambda item: f"!({item})"),
        st.tuples(side, side, side).map(lambda s: f"({s[0]} ? {s[1]} : {s[2]})"),
    )


_ABOUT_USES = st.tuples(st.sampled_from(("exists", "all")), st.recursive(_USE_ATOMS, _joined, max_leaves=3)).map(
    lambda s: f"uses.{s[0]}(u, {s[1]})"
)


def conditions(leaves: int = 4) -> st.SearchStrategy[str]:
    """BOOL texts that the type checker accepts."""
    return st.recursive(_ATOMS | _ATOMS | _ABOUT_USES, _joined, max_leaves=leaves)
