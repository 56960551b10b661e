"""`intrusiveness`: a score of how much a send asks of a person, held against what they accept (S10)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from itertools import groupby
from typing import Any

from policykit.ir.nodes import (
    Arith,
    Compare,
    Const,
    Counting,
    Expr,
    Fact,
    If,
    Or,
    Sends,
    SumUses,
    Type,
    UseFact,
    UseOrigin,
    Window,
)  # fmt: skip
from policykit.kinds.base import CHANGES, Context, Kind, Lowered, read_fixed_span, text
from policykit.kinds.matchers import Subject, read_limit
from policykit.language.policy import Policy
from policykit.vocabulary import ORIGINS

PAGE = """\
Adds up what makes a message intrusive and bounds the sum.

```yaml
policies:
  - id: within-their-tolerance
    kind: intrusiveness
    require: {at_most: {fact: recipient.tolerance}}
    score: {channel: rank, per_recent_send: {points: 5, within: 7 days}, recites: {observed: 15, inferred: 40}}
    on_breach: {downgrade: {channel: less_intrusive}}
    because: Some people like to hear from us more than others.
```

`score` has at least one of: `channel: rank` (the channel's rank for this person),
`per_recent_send` (points for each other marketing send less than `within` away), `recites` (points
for each attribute the text recites, by origin: the highest of its origins counts). `at_most` is a
number or a fact. A score with an unknown part breaches.

Reason: `intrusiveness.score`.
"""

POINTS = {"type": "integer", "min": 0, "max": 1_000_000}
SCHEMA = {"at_most": {"type": ["integer", "dict"], "required": True, "meta": {"says": "points, or `{fact: path}`"}}}
SCORE = {
    "score": {
        "type": "dict",
        "required": True,
        "schema": {
            "channel": {"type": "string", "allowed": ["rank"]},
            "per_recent_send": {
                "type": "dict",
                "schema": {"points": {**POINTS, "required": True}, "within": {"type": "span", "required": True}},
            },
            "recites": {"type": "dict", "schema": {origin: POINTS for origin, _ in ORIGINS}},
        },
    }
}

_NOTHING = Const(0, Type.INT)


def lower(policy: Policy, context: Context) -> Lowered | None:
    limit = read_limit(context, ("require", "at_most"), policy.body["at_most"], Subject("at_most", Type.INT))
    score = _score(context, policy.extra["score"])
    if limit is None or score is None:
        return None
    return Lowered(Compare(">", score, limit), text("intrusiveness.score"))


def _score(context: Context, raw: Mapping[str, Any]) -> Expr | None:
    parts: list[Expr] = []
    if "channel" in raw:
        parts.append(Fact("send.rank", Type.INT))
    if "per_recent_send" in raw:
        recent = raw["per_recent_send"]
        within = read_fixed_span(context, ("score", "per_recent_send", "within"), recent["within"], "write it in days")
        if within is None:
            return None
        parts.append(Arith("*", Const(recent["points"], Type.INT), Sends(Window(rolling=within), Counting())))
    if raw.get("recites"):
        parts.append(SumUses(If(UseFact("recited", Type.BOOL), _points(raw["recites"]), _NOTHING)))
    if not parts:
        context.problem(
            ("score",), "`score` adds up nothing", "name `channel`, `per_recent_send` or `recites`", "shape"
        )
        return None
    return reduce(lambda total, part: Arith("+", total, part), parts)


def _points(recites: Mapping[str, int]) -> Expr:
    """Points of the use at hand: those of the highest of its origins that has any."""
    found: Expr = _NOTHING
    by_points = sorted((points, origin) for origin, points in recites.items() if points)
    for points, same in groupby(by_points, key=lambda pair: pair[0]):
        origins = tuple(UseOrigin(origin) for _, origin in same)
        found = If(origins[0] if len(origins) == 1 else Or(origins), Const(points, Type.INT), found)
    return found


KIND = Kind("intrusiveness", {"require": SCHEMA}, CHANGES, lower, PAGE, SCORE)
