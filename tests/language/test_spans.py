"""Lengths of time and instants, as authors write them."""

from __future__ import annotations

import pytest

from policykit.language.spans import MonthSpan, known_zones, parse_day, parse_instant, parse_local, parse_span
from policykit.model import DAY, HOUR, MINUTE, SECOND


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("7 days", 7 * DAY), ("1 day", DAY), ("16 hours", 16 * HOUR), ("90 minutes", 90 * MINUTE),
        ("30 seconds", 30 * SECOND), ("2 weeks", 14 * DAY), ("24 months", MonthSpan(24)), ("1 year", MonthSpan(12)),
        ("0 days", None), ("7", None), (7, None), ("7days", None), ("seven days", None), ("-1 days", None),
        ("1.5 hours", None), ("7 dayss", None), ("7 moons", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_spans(text, span):
    assert parse_span(text) == span


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:01Z", SECOND),
        ("1970-01-01T01:00+01:00", 0),
        ("1970-01-01 00:00:00.000001+00:00", 1),
        ("2026-03-02T10:00:00", None),
        ("2026-03-02", None),
        ("2026-02-30T10:00Z", None),
        ("20260302T100000Z", None),
        (7, None),
    ],
)
def test_instants_need_an_offset(text, instant):
    assert parse_instant(text) == instant


def test_local_times_have_none():
    assert parse_local("2026-11-27T10:00") == "2026-11-27T10:00:00"
    assert parse_local("2026-11-27T10:00Z") is None
    assert parse_local("2026-13-27T10:00") is None


def test_a_day_lasts_as_long_as_its_zone_says():
    start, end = parse_day("2026-03-29", "Europe/Paris")

    assert (start, end - start) == (parse_instant("2026-03-28T23:00Z"), 23 * HOUR)
    assert parse_day("2026-03-32", "UTC") is None


def test_zones_are_those_of_the_package():
    assert "Europe/Paris" in known_zones()
    assert "Mars/Base" not in known_zones()
    assert "europe/paris" not in known_zones()
