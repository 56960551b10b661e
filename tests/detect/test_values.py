"""Checks of cells: what passes, what looks like it and does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.detect.values import CHECKS, is_card, is_email, is_iban, is_ip, is_phone, shares
from tests.detect.labelled import BIRTHS, NIRS, NUMBERS, RECENT
from tests.examples import examples


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (is_email, ["a@example.com", "Ana <a.b+c@example.co.uk>", "é@exämple.org"],
         ["a@b", "a b@example.com", "@x.org"]),
        (is_phone, ["+99900000001", "+999 (0) 00-00 00 01", "0099900000001"],
         ["99900000001", "+12", "+abc", "2026-01-01"]),
        (is_ip, ["192.0.2.1", "2001:db8::1"], ["1234", "192.0.2", "192.0.2.999", "a.b.c.d", "12:30"]),
        (is_iban, ["DE75512108001245126199", "GB33 BUKB 2020 1555 5555 55"],
         ["DE75512108001245126198", "DE", "x" * 20]),
        (is_card, ["4111 1111 1111 1111"], ["4111111111111112", "1234567890123", "0000000000000000"]),
    ],
)  # fmt: skip
def test_a_check_takes_what_it_names_and_nothing_else(check, right, wrong):
    assert [text for text in right if not check(text)] == []
    assert [text for text in wrong if check(text)] == []


def test_dates_of_birth_lie_otherwise_than_other_dates():
    assert shares(BIRTHS).of("birth") == 1
    assert shares(RECENT).of("birth") == 0
    assert shares(["1999-02-30", *BIRTHS]).of("date") < 1


def test_numbers_of_a_state_are_told_by_their_check_digits():
    assert shares(NIRS).of("state") == 1
    assert shares([f"1801275116{n:05d}" for n in range(100, 200)]).of("state") == 0
    assert shares(NUMBERS).of("state") == 0


def test_empty_cells_count_for_nothing():
    assert shares([None, "", "  ", "a@example.com"]).of("email") == 1
    assert shares([None]).filled == 0


@settings(max_examples=examples(25))
@given(st.lists(st.text(max_size=40), max_size=12))
def test_any_cells_may_come(cells):
    seen = shares(cells)

    assert all(0 <= share <= 1 for share in seen.passed.values())
    assert not seen.filled or seen.passed.keys() >= CHECKS.keys()
