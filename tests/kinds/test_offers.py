"""The kind `offers`: what it means, what it refuses, and that a share in percent is exact."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policykit.backends import reference
from policykit.hookspecs import Lowered
from policykit.ir.nodes import And, Arith, Compare, Const, Type
from policykit.ir.rules import Share
from policykit.ir.specialise import PERSONALISED, SHOWN

from .conftest import Lower, Wrong

REASON = Const("offers.personalised", Type.STRING)


def number(value: int) -> Const:
    return Const(value, Type.INT)


def test_at_most_breaches_above_the_share(lower: Lower) -> None:
    assert lower("  kind: offers\n  require: {personalised: {at_most: 37.5%}}") == Lowered(
        Compare(">", Arith("*", PERSONALISED, number(8)), Arith("*", SHOWN, number(3))), REASON, share=Share(3, 8)
    )


def test_forbidden_from_a_share_on_breaches_at_it(lower: Lower) -> None:
    assert lower("  kind: offers\n  forbid: {personalised: {at_least: 60%}}") == Lowered(
        And((
            Compare(">", PERSONALISED, number(0)),
            Compare(">=", Arith("*", PERSONALISED, number(5)), Arith("*", SHOWN, number(3))),
        )),
        REASON, share=Share(3, 5, itself=False),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("require: {personalised: {at_most: 50}}",
         "4:37: `require.personalised.at_most` is the number `50`; expected a share such as `5%`"),
        ("require: {personalised: {at_least: 50%}}", "4:28: unknown key `at_least`; did you mean `at_most`?"),
        ("forbid: {personalised: {at_least: 0%}}", "4:37: every message has at least 0 % of its offers personalised"),
        ("require: {personalized: {at_most: 50%}}", "4:13: unknown key `personalized`; did you mean `personalised`?"),
        ("require: {}", "4:12: `require` has no `personalised`"),
    ],
)  # fmt: skip
def test_what_it_refuses(wrong: Wrong, body: str, message: str) -> None:
    assert wrong(f"  kind: offers\n  {body}") == [f"p.yaml:{message}"]


@given(st.integers(0, 1_000_000), st.integers(0, 1000), st.booleans())
def test_what_a_share_leaves_is_the_most_that_does_not_breach(millionths: int, shown: int, itself: bool) -> None:
    limit = Fraction(max(millionths, 0 if itself else 1), 1_000_000)
    share = Share(limit.numerator, limit.denominator, itself)

    most = share.most(shown)

    def breached(personalised: int) -> bool:
        part = personalised * share.denominator
        return part > share.numerator * shown if itself else personalised > 0 and part >= share.numerator * shown

    assert not breached(most)
    assert most == shown or breached(most + 1)


def test_unknown_offers_are_neither_kept_nor_broken(lower: Lower) -> None:
    breach = lower("  kind: offers\n  require: {personalised: {at_most: 50%}}").breach

    values = {PERSONALISED: None, SHOWN: None}

    assert reference.evaluate(breach, reference.Facts(values)) is None
