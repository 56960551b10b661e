"""How many sends lie in a window around an instant (M7)."""

from __future__ import annotations

from collections.abc import Iterable

from policykit.facts.hours import local_day, local_fields
from policykit.ir.nodes import Counting, Window
from policykit.model import Micros, SentRecord


def count_sends(
    history: Iterable[SentRecord] | None,
    window: Window,
    counting: Counting,
    *,
    at: Micros | None,
    zone: str | None,
    channel: str,
    campaign: str | None,
) -> int | None:
    """Sends that count and lie in the window; None without a history, an instant, or a zone it needs.

    zone: the recipient's, for calendar windows without one of their own. campaign: the send's; a
    cap on this campaign is unknown when the send names none.
    """
    if history is None or at is None or (counting.this_campaign and campaign is None):
        return None
    span = window_around(window, at, zone)
    if span is None:
        return None
    first, last = span
    return sum(
        1
        for sent in history
        if (sent.at is None or first <= sent.at <= last) and counts(counting, sent, channel, campaign)
    )


def counts(counting: Counting, sent: SentRecord, channel: str, campaign: str | None) -> bool:
    """Whether a send of the history is of the kind counted; what is unknown about it counts."""
    if sent.channel is not None:
        if counting.this_channel and sent.channel != channel:
            return False
        if not counting.this_channel and counting.channels is not None and sent.channel not in counting.channels:
            return False
    if counting.classes is not None and sent.message_class is not None and sent.message_class not in counting.classes:
        return False
    return not (counting.this_campaign and sent.campaign is not None and sent.campaign != campaign)


def window_around(window: Window, at: Micros, zone: str | None) -> tuple[Micros, Micros] | None:
    """First and last instant of the window, both inside it."""
    if window.rolling is not None:
        return at - window.rolling + 1, at + window.rolling - 1
    if window.calendar == "day":
        day = local_day(window.zone or zone, at)
        return None if day is None else (day[0], day[1] - 1)
    fields = local_fields(window.zone or zone, at)
    if fields is None:
        return None
    if window.calendar == "week":
        return fields.week_start, fields.week_end - 1
    return fields.month_start, fields.month_end - 1
