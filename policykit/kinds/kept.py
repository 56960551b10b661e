"""`within_keep`: whether a value is no older than the registry promises to keep it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import accumulate

from policykit.ir.nodes import TRUE, And, Compare, Const, Expr, Not, Or, Type, UseFact
from policykit.language.spans import MonthSpan, parse_span
from policykit.model import DAY, Attribute, Micros

_CYCLE = 400 * 12  # months after which the calendar begins again


def within_keep(attributes: Mapping[str, Attribute]) -> Expr:
    """BOOL of the use at hand: the person has no value, nothing was promised, or the value is younger than that.

    Months count as the fewest days they can have: a value is never used after its keep, and for at most four days
    less than it. Whose age nobody knows is unknown.
    """
    promises = [(name, span) for name, one in sorted(attributes.items()) if (span := _shortest(one.keep)) is not None]
    every = tuple(_kept(name, span) for name, span in promises)
    return every[0] if len(every) == 1 else And(every) if every else TRUE


def _kept(name: str, span: Micros) -> Expr:
    other = Not(Compare("==", UseFact("attribute", Type.STRING), Const(name, Type.STRING)))
    young = Compare("<", UseFact("age", Type.DURATION), Const(span, Type.DURATION))
    return Or((other, Not(UseFact("known", Type.BOOL)), young))


def _shortest(keep: str | None) -> Micros | None:
    span = parse_span(keep)
    return fewest_days(span.count) * DAY if isinstance(span, MonthSpan) else span


@cache
def fewest_days(months: int) -> int:
    """How many days lie between an instant and the same day that many calendar months later, at least (M6)."""
    lengths = [_length(month) for month in range(_CYCLE)]
    before = [0, *accumulate(lengths * (2 + months // _CYCLE))]
    return min(
        before[start + months] - before[start] - max(0, lengths[start] - lengths[(start + months) % _CYCLE])
        for start in range(_CYCLE)
    )


def _length(month: int) -> int:
    year, in_year = divmod(month, 12)
    if in_year == 1:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if in_year in (3, 5, 8, 10) else 31
