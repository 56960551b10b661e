"""Counting sends (M7): windows, and what is unknown about a send."""

from __future__ import annotations

from datetime import datetime

import pytest

from policykit.facts.counting import count_sends
from policykit.ir.nodes import Counting, Window
from policykit.model import DAY, HOUR, SentRecord, to_micros

ANY = Counting(classes=None)
WEEK = Window(rolling=7 * DAY)


def micros(text: str) -> int:
    return to_micros(datetime.fromisoformat(text))


NOW = micros("2026-03-02T12:00:00Z")


def count(
    *history: SentRecord,
    window: Window = WEEK,
    counting: Counting = ANY,
    at: int | None = NOW,
    zone: str | None = "Europe/Paris",
    campaign: str | None = "spring",
) -> int | None:
    return count_sends(history, window, counting, at=at, zone=zone, channel="push", campaign=campaign)


def test_no_history_at_hand_is_unknown_and_an_empty_one_is_none_sent() -> None:
    assert count_sends(None, WEEK, ANY, at=NOW, zone=None, channel="push", campaign=None) is None
    assert count() == 0


@pytest.mark.parametrize(
    ("offset", "counted"),
    [(0, 1), (-7 * DAY, 0), (-7 * DAY + 1, 1), (7 * DAY, 0), (7 * DAY - 1, 1)],
)
def test_a_rolling_window_counts_both_sides_and_not_its_edge(offset: int, counted: int) -> None:
    assert count(SentRecord(NOW + offset)) == counted


@pytest.mark.parametrize(
    ("calendar", "first", "last"),
    [
        ("day", "2026-03-02T00:00+01:00", "2026-03-03T00:00+01:00"),
        ("week", "2026-03-02T00:00+01:00", "2026-03-09T00:00+01:00"),
        ("month", "2026-03-01T00:00+01:00", "2026-04-01T00:00+02:00"),
    ],
)
def test_a_calendar_window_is_the_local_one(calendar: str, first: str, last: str) -> None:
    window = Window(calendar=calendar)  # type: ignore[arg-type]

    counted = [
        count(SentRecord(at), window=window)
        for at in (micros(first) - 1, micros(first), micros(last) - 1, micros(last))
    ]

    assert counted == [0, 1, 1, 0]


def test_a_day_with_a_repeated_hour_is_an_hour_longer() -> None:
    window, at = Window(calendar="day"), micros("2026-10-25T12:00Z")
    start = micros("2026-10-24T22:00Z")

    assert count(SentRecord(start + 25 * HOUR - 1), window=window, at=at) == 1
    assert count(SentRecord(start + 25 * HOUR), window=window, at=at) == 0


def test_a_calendar_window_needs_a_zone_even_when_nothing_was_sent() -> None:
    assert count(window=Window(calendar="day"), zone="Mars/Base") is None
    assert count(window=Window(calendar="day"), zone=None) is None
    assert count(window=Window(calendar="day", zone="Europe/Paris"), zone=None) == 0


def test_an_unknown_instant_of_the_send_is_unknown() -> None:
    assert count(SentRecord(NOW), at=None) is None


def test_a_send_at_an_unknown_time_lies_in_every_window() -> None:
    assert count(SentRecord(None)) == 1
    assert count(SentRecord(None), window=Window(calendar="day")) == 1


@pytest.mark.parametrize(
    ("counting", "sent", "counted"),
    [
        (Counting(), {"message_class": "marketing"}, 1),
        (Counting(), {"message_class": "transactional"}, 0),
        (Counting(), {"message_class": None}, 1),
        (Counting(classes=None), {"message_class": "transactional"}, 1),
        (Counting(classes=None, channels=frozenset({"sms"})), {"channel": "sms"}, 1),
        (Counting(classes=None, channels=frozenset({"sms"})), {"channel": "push"}, 0),
        (Counting(classes=None, channels=frozenset({"sms"})), {"channel": None}, 1),
        (Counting(classes=None, this_channel=True), {"channel": "push"}, 1),
        (Counting(classes=None, this_channel=True), {"channel": "sms"}, 0),
        (Counting(classes=None, this_channel=True), {"channel": None}, 1),
        (Counting(classes=None, this_campaign=True), {"campaign": "spring"}, 1),
        (Counting(classes=None, this_campaign=True), {"campaign": "autumn"}, 0),
        (Counting(classes=None, this_campaign=True), {"campaign": None}, 1),
    ],
)
def test_what_is_unknown_about_a_send_counts(counting: Counting, sent: dict[str, str | None], counted: int) -> None:
    known = {"channel": "push", "message_class": "marketing", "campaign": "spring"}

    assert count(SentRecord(NOW, **{**known, **sent}), counting=counting) == counted  # type: ignore[arg-type]


def test_a_cap_on_this_campaign_is_unknown_when_the_send_names_none() -> None:
    assert count(counting=Counting(this_campaign=True), campaign=None) is None
