"""Policies that another one makes idle: wherever this one speaks, that one does, and asks for as much or more."""

from __future__ import annotations

from collections.abc import Iterator

from policykit.errors import Problem
from policykit.ir.nodes import And, Compare, Const, Expr, Fact, In, Sends
from policykit.ir.rules import Effect, Rule
from policykit.language.policy import Policy
from policykit.lint.base import Desk, Page, warning


def lint(desk: Desk) -> Iterator[Problem]:
    """A law's policy is not told of for another pack's sake: it says what this law asks, whatever else is loaded."""
    packs = {policy: pack for pack in desk.packs for policy in pack.policies}
    taken: set[str] = set()  # of two that say the same only the later one is told
    for place, rule in enumerate(desk.rules):
        for other in (*desk.rules[:place], *desk.rules[place + 1 :]):
            own = packs.get(rule.policy)
            if own is not None and own.jurisdiction and packs.get(other.policy) is not own:
                continue
            if other.policy not in taken and _shadows(other, rule, desk):
                taken.add(rule.policy)
                yield warning(
                    desk.of(rule).place_of("id"),
                    f"`{rule.policy}` never decides: `{other.policy}` is breached whenever it is, and asks for as much",
                    "remove one of the two, or say what this one is there for", "shadowed",
                )  # fmt: skip
                break


def _shadows(other: Rule, rule: Rule, desk: Desk) -> bool:
    one, two = desk.of(rule), desk.of(other)
    if rule.policy == other.policy or rule.mode != other.mode or _are_beside(one, two):
        return False
    return (
        _lasts_as_long(two, one)
        and _asks_as_much(other, rule)
        and implies(rule.breached, other.breached)
        and (rule.effect.part != "uses" or other.effect.part == "block" or rule.use_breached == other.use_breached)
    )


def _are_beside(one: Policy, two: Policy) -> bool:
    """An overlay's own version of a policy stands beside the company's on purpose (M11)."""
    return one.beside is not None or two.beside is not None


def _lasts_as_long(two: Policy, one: Policy) -> bool:
    """Whether dates bound one of them alone; with dates, `breached` holds them."""
    return (two.starts == one.starts and two.ends == one.ends) or (two.starts is None and two.ends is None)


def _asks_as_much(other: Rule, rule: Rule) -> bool:
    if other.effect.part == "block":
        return True
    if other.effect.part != rule.effect.part or other.hours != rule.hours or other.share != rule.share:
        return False
    return _channels(other.effect, rule.effect)


def _channels(other: Effect, rule: Effect) -> bool:
    return rule.channels == other.channels or (
        other.channels is not None and rule.channels is not None and other.channels <= rule.channels
    )


def implies(one: Expr, other: Expr) -> bool:
    """Whether a breach of one is a breach of the other, unknown ones included: of conditions that are and-ed, the
    other has no more, and each of its own follows from one of the first.
    """
    have = one.items if isinstance(one, And) else (one,)
    want = other.items if isinstance(other, And) else (other,)
    return all(any(_follows(item, wanted) for item in have) for wanted in want)


def _follows(item: Expr, wanted: Expr) -> bool:
    if item == wanted:
        return True
    match item, wanted:
        case Compare(op="==", left=Fact() as fact, right=Const(value=value)), In(item=other, values=values):
            return fact == other and value in values
        case In(item=fact, values=some), In(item=other, values=values):
            return fact == other and set(some) <= set(values)
        case (
            Compare(op=op, left=Sends() | Fact() as left, right=Const(value=low)),
            Compare(op=other_op, left=other, right=Const(value=high)),
        ) if op == other_op and left == other and _are_numbers(low, high):
            assert isinstance(low, int | float)  # narrowing: `_are_numbers` said so
            assert isinstance(high, int | float)
            return low >= high if op in (">=", ">") else low <= high if op in ("<=", "<") else False
        case _:
            return False


def _are_numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


_CALM = "  - {{id: {}, kind: rule, forbid: recipient.tolerance < {}, on_breach: block}}\n"

PAGES = (
    Page(
        "lint.shadowed", "A policy that never decides",
        "Wherever it is breached another one is too, for known and for unknown facts alike, and asks for as much or "
        "more. It costs time, and whoever loosens the other one believes that nothing else stands behind it. Policies "
        "of a law pack are told of only where another of the same pack stands before them.",
        {"policies/p.yaml": "policies:\n" + _CALM.format("calm", 10) + _CALM.format("calmer", 20)},
        {"policies/p.yaml": "policies:\n" + _CALM.format("calmer", 20)},
    ),
)  # fmt: skip
