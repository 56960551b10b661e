"""What a person tolerates and accepts after everything they told us back; the order of it never matters.

It only ever takes away: what is unknown stays unknown, so that nobody is sent more for having complained.
"""

from __future__ import annotations

from collections.abc import Iterable

from policykit.facts.values import fitting
from policykit.ir.nodes import Type, Value
from policykit.model import UNREADABLE, FeedbackRecord, Micros
from policykit.vocabulary import DEGREES

TOLERANCE, DEGREE = "recipient.tolerance", "recipient.degree"
LOWERED = (TOLERANCE, DEGREE)
RANKS = {degree: place for place, (degree, _) in enumerate(DEGREES)}  # of two on one rung the first is the lower


def lowered(told: Iterable[FeedbackRecord], path: str, value: Value, now: Micros) -> Value:
    """The fact after what was told by now; value: as stored or assumed, None = unknown."""
    if value is None:
        return None
    seen = [record for record in told if record.at is None or record.at <= now]
    if path == TOLERANCE:
        points = [record.points for record in seen]
        if not isinstance(value, int) or None in points:
            return None
        return fitting(value - sum(point or 0 for point in points), Type.INT)
    degrees = [record.degree for record in seen if record.degree is not None]
    if UNREADABLE in degrees or value not in RANKS:
        return None if degrees else value
    return min((str(value), *degrees), key=RANKS.__getitem__)


def suppressed_order(said: bool | None, *, is_empty: bool) -> str:  # noqa: FBT001  # a fact
    """By which of several rows of one address that one counts that suppresses it."""
    if said is None:
        return EMPTY if is_empty else UNREAD
    return SUPPRESSED if said else FREE


SUPPRESSED, UNREAD, FREE, EMPTY = "1", "2", "3", "4"


def points_of(value: object, *, given: bool = False) -> int | None:
    """Points that a row takes away: 0 when it names none, None when they cannot be read; nobody gets more back.

    given: the row names some, None is then unreadable.
    """
    if value in (None, "") and not given:
        return 0
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def degree_of(text: str | None) -> str | None:
    """The degree that a row names, `UNREADABLE` when it is none."""
    return text if text is None or text in RANKS else UNREADABLE
