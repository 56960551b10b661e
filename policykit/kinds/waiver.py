"""What waivers do to rules: a policy is not breached where one applies, and that it would have been is told (M11).

No plugin and no policy is of this kind: a waiver changes the rules it names, so every backend honours it alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from policykit.ir.fold import fold
from policykit.ir.nodes import And, Expr, Known, Not, Or
from policykit.ir.rules import Effect, Rule
from policykit.ir.walk import canonical
from policykit.kinds.base import text
from policykit.language.policy import OnBreach, Policy
from policykit.language.waivers import Waiver

WAIVER = "waiver"


def as_policy(waiver: Waiver) -> Policy:
    """The scope of a waiver as a policy that has only a scope, for what reads where policies apply."""
    return Policy(
        id=waiver.rule, kind=WAIVER, demand="forbid", body=None, effect=OnBreach("block"), applies_to=waiver.applies_to,
        when=waiver.when, starts=waiver.starts, ends=waiver.ends, place=waiver.place, node=waiver.node,
    )  # fmt: skip


def waived(rules: Sequence[Rule], waivers: Iterable[tuple[Waiver, Expr | None]]) -> list[Rule]:
    """The rules with every waiver honoured, and one rule that only watches per waiver of a rule that is judged.

    waivers: each with the sends it is for; None = something is wrong with it, and it sets nothing aside.
    """
    scopes: dict[str, list[Expr]] = {}
    told: list[Rule] = []
    for waiver, scope in waivers:
        named = [rule for rule in rules if rule.policy in waiver.policies]
        if scope is None or not named:
            continue
        for rule in named:
            scopes.setdefault(rule.policy, []).append(definitely(scope))
        told.append(_told(waiver, scope, named))
    return [*(_set_aside(rule, scopes.get(rule.policy, [])) for rule in rules), *told]


def definitely(scope: Expr) -> Expr:
    """True where the scope is known to hold, else false: a waiver never rests on what nobody knows."""
    return And((Known(scope), scope))


def _set_aside(rule: Rule, scopes: list[Expr]) -> Rule:
    if not scopes:
        return rule
    stands = [Not(scope) for scope in sorted(scopes, key=canonical)]

    def joined(expr: Expr) -> Expr:
        return fold(And((expr, *stands)), {})

    return replace(
        rule,
        breached=joined(rule.breached),
        use_breached=None if rule.use_breached is None else joined(rule.use_breached),
        applies=joined(rule.applies if rule.applies is not None else And(())),
    )


def _told(waiver: Waiver, scope: Expr, named: list[Rule]) -> Rule:
    """The rule that is breached where the waiver lets through what a policy it names would not."""
    objected = Or(tuple(rule.breached for rule in sorted(named, key=lambda rule: rule.policy)))
    return Rule(
        policy=waiver.rule, kind=WAIVER, breached=fold(And((definitely(scope), objected)), {}), effect=Effect("block"),
        reason=text("waiver.used"), mode="audit", because=waiver.because, owner=waiver.owner, place=waiver.place,
        applies=fold(definitely(scope), {}),
    )  # fmt: skip
