"""A small world for dry runs: rules by hand, files from rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from policykit.dryrun.sources import Source
from policykit.ir.nodes import (
    Allowed,
    Compare,
    ConsentMet,
    Const,
    Counting,
    ExistsUse,
    Expr,
    Fact,
    Hours,
    Leaf,
    Not,
    Opening,
    Requirement,
    Sends,
    Type,
    UseOrigin,
    Window,
)
from policykit.ir.rules import Effect, Rule, RuleSet
from policykit.ir.walk import leaves_of, use_leaves_of
from policykit.model import DAY, HOUR, Attribute, Campaign, Prepared, Use, Variant
from policykit.vocabulary import CHANNELS, PURPOSES

NOW = 1_772_442_000_000_000  # 2026-03-02T09:00Z, a Monday
BASKET = Attribute("basket", "user.behavior", "observed", ("marketing",), "behavioural", lineage=("basket",))
OBSERVED = UseOrigin("observed")
OFFICE = Hours((Opening(frozenset(range(5)), 8 * 60, 21 * 60),), None)
COUNTRY, AGE = Fact("recipient.country", Type.STRING), Fact("recipient.age", Type.INT)


def rule(policy: str, breached: Expr, part: str = "block", **more: object) -> Rule:
    channels = more.pop("channels", None)
    effect = Effect(part, channels)  # type: ignore[arg-type]
    return Rule(policy, str(more.pop("kind", "rule")), breached, effect, Const("rule.breached", Type.STRING), **more)  # type: ignore[arg-type]


def minors() -> Rule:
    return rule("minors", Compare("<", AGE, Const(18, Type.INT)))


def asked_first(part: str = "channel") -> Rule:
    return rule("asked-first", Not(ConsentMet(Requirement())), part, kind="consent")


def once_a_day() -> Rule:
    counted = Sends(Window(rolling=DAY), Counting(classes=None))
    return rule("once-a-day", Compare(">=", counted, Const(1, Type.INT)))


def office_hours() -> Rule:
    return rule("office-hours", Not(Allowed(OFFICE)), "send_at", hours=OFFICE)


def no_observed() -> Rule:
    return rule("no-observed", ExistsUse(OBSERVED), "uses", use_breached=OBSERVED)


def ruleset(*rules: Rule, **more: object) -> RuleSet:
    ordered = tuple(sorted(rules, key=lambda r: r.policy))
    exprs = [expr for r in ordered for expr in (r.breached, r.use_breached) if expr is not None]
    leaves: tuple[Leaf, ...] = tuple(sorted({leaf for e in exprs for leaf in leaves_of(e)}, key=repr))
    used = tuple(sorted({leaf for e in exprs for leaf in use_leaves_of(e)}, key=repr))
    return RuleSet(ordered, leaves, used, {"basket": BASKET}, {}, PURPOSES, dict(CHANNELS), **more)  # type: ignore[arg-type]


def campaign(*channels: str, **more: object) -> Campaign:
    """By push and email, with a basket in the text and a generic text beside it."""
    content, generic = Variant((Use("basket", recited=True),)), Variant(())
    prepared = tuple(Prepared(c, "acme", content, generic) for c in channels or ("push", "email"))
    values: dict[str, object] = {"id": "spring", "at": NOW + HOUR, "purpose": "marketing.communications"}
    return Campaign(prepared=prepared, **{**values, **more})  # type: ignore[arg-type]


def file(path: Path, header: str, rows: Iterable[Sequence[object]] = ()) -> Source:
    """A CSV file; header: names separated by spaces."""
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(header.split())
        writer.writerows(rows)
    return Source(path)
