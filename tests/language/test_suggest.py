"""Suggestions: near words, never words that only share what everything shares."""

from __future__ import annotations

import pytest

from policykit.language.suggest import did_you_mean, some
from policykit.vocabulary import FACTS, PURPOSES

PATHS = [fact.path for fact in FACTS]


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("recipient.contry", PATHS, "recipient.country"),
        ("recipient.timezone", PATHS, "recipient.zone"),
        ("recipent.country", PATHS, "recipient.country"),
        ("country", PATHS, "recipient.country"),
        ("Recipient.Country", PATHS, "recipient.country"),
        ("recipient.tier", PATHS, None),
        ("recipient.shoe_size", PATHS, None),
        ("marketing.comunications", PURPOSES, "marketing.communications"),
        ("markting.communications.email", PURPOSES, "marketing.communications.email"),
        ("on-breach", ["on_breach", "because"], "on_breach"),
        ("x" * 100_000, PATHS, None),
        (7, ["a"], None),
    ],
)
def test_only_near_words_are_suggested(word, known, meant):
    assert did_you_mean(word, known) == (f"; did you mean `{meant}`?" if meant else "")


def test_suggestions_do_not_depend_on_order():
    known = ["aab", "aac", "aad", "aae"]

    assert {did_you_mean("aaf", order) for order in (known, known[::-1], set(known))} == {"; did you mean `aae`?"}


def test_long_lists_are_cut():
    assert some("abcdefg") == "`a`, `b`, `c`, `d`, `e` and 2 more"
    assert some("ab") == "`a`, `b`"
