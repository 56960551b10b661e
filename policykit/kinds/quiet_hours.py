"""`quiet_hours`: when, on the clock at the person's place, a send may leave (M8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from policykit.ir.nodes import Allowed, Hours, Not, Opening
from policykit.kinds.base import CHANGES, Context, Kind, Lowered, Path, did_you_mean, known_zone, text
from policykit.language.policy import Policy

PAGE = """\
Says when a send may leave, on the clock at the person's place.

```yaml
policies:
  - id: evenings-are-theirs
    kind: quiet_hours
    for: {channel: [sms, push, voice]}
    require: {local_time: [{days: mon-sat, from: "08:00", to: "21:00"}]}
    on_breach: {downgrade: {send_at: next_allowed}}
    because: Evenings are theirs.
```

`require` lists when it may leave, `forbid` when it may not. `to` is exclusive; a window over
midnight belongs to the day it starts on; `"24:00"` is midnight at the end. `days` is `all`, a day,
a range like `mon-sat`, or a list. `zone` names one clock for everybody instead of the recipient's.
A recipient whose zone is unknown breaches.

Reason: `quiet_hours.closed`.
"""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = {
    "type": "dict",
    "schema": {
        "days": {"type": ["string", "list"], "empty": False, "meta": {"says": "`all`, `mon`, `mon-sat` or a list"}},
        "from": {"type": "string", "required": True, "meta": {"says": 'quoted, e.g. "08:00"'}},
        "to": {"type": "string", "required": True, "meta": {"says": 'quoted and exclusive, e.g. "21:00"'}},
    },
}
SCHEMA = {
    "local_time": {"type": "list", "required": True, "empty": False, "schema": _WINDOW},
    "zone": {"type": "string", "meta": {"says": "`recipient` unless told, or an IANA name"}},
}

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_DAY = 24 * 60
_WEEK = 7 * _DAY


def lower(policy: Policy, context: Context) -> Lowered | None:
    zone = policy.body.get("zone", "recipient")
    known = known_zone(context, (policy.demand, "zone"), zone)
    path = (policy.demand, "local_time")
    read = [_opening(context, (*path, i), raw) for i, raw in enumerate(policy.body["local_time"])]
    openings = tuple(opening for opening in read if opening)
    if not known or len(openings) < len(read):
        return None
    if policy.demand == "forbid":
        openings = complement(openings)
        if not openings:
            context.problem(path, "no minute of the week is left", "leave some time to send in", "shape")
            return None
    hours = Hours(tuple(sorted(set(openings), key=_order)), None if zone == "recipient" else zone)
    return Lowered(Not(Allowed(hours)), text("quiet_hours.closed"), hours=hours)


def _order(opening: Opening) -> tuple[int, int, tuple[int, ...]]:
    return (opening.start, opening.end, tuple(sorted(opening.days)))


def _opening(context: Context, path: Path, raw: Mapping[str, Any]) -> Opening | None:
    days = read_days(context, (*path, "days"), raw.get("days", "all"))
    start = _minute(context, (*path, "from"), raw["from"])
    end = _minute(context, (*path, "to"), raw["to"])
    if days is None or start is None or end is None:
        return None
    if start == _DAY:
        context.problem((*path, "from"), "a window cannot start at `24:00`", 'write `"00:00"` of the next day', "time")
        return None
    if start == end:
        way_out = 'for the whole day write `from: "00:00", to: "24:00"`'
        context.problem(
            (*path, "to"), f"`from` and `to` are both `{raw['to']}`: nothing, or a whole day?", way_out, "time"
        )
        return None
    return Opening(days, start, end)


def _minute(context: Context, path: Path, raw: str) -> int | None:
    """Minutes since local midnight."""
    match = _CLOCK.fullmatch(raw)
    if match is None:
        context.problem(
            path, f"`{raw}` is not a time of day", 'write hours and minutes in quotes, e.g. `"08:00"`', "time"
        )
        return None
    return int(match[1]) * 60 + int(match[2]) if match[1] else _DAY


def read_days(context: Context, path: Path, raw: Any) -> frozenset[int] | None:
    """Days of the week, 0 = Monday; None after reporting what is wrong. `fri-mon` goes over the weekend."""
    if isinstance(raw, list):
        read = [read_days(context, (*path, i), each) for i, each in enumerate(raw)]
        known = [days for days in read if days is not None]
        return frozenset().union(*known) if len(known) == len(read) else None
    if raw == "all":
        return frozenset(range(7))
    ends = str(raw).split("-")
    if len(ends) > 2 or any(end not in DAYS for end in ends):
        wrong = next((end for end in ends if end not in DAYS), raw)
        near = did_you_mean(wrong, ("all", *DAYS))
        context.problem(path, f"`{raw}` is not a day{near}", "write `all`, `mon`, `mon-sat` or `[mon, wed]`", "day")
        return None
    first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
    return frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))


def complement(openings: tuple[Opening, ...]) -> tuple[Opening, ...]:
    """The minutes of the week outside all openings, as openings that stay within their day."""
    taken = bytearray(_WEEK)
    for opening in openings:
        length = opening.end - opening.start if opening.end > opening.start else opening.end + _DAY - opening.start
        for day in opening.days:
            for minute in range(length):
                taken[(day * _DAY + opening.start + minute) % _WEEK] = 1
    days_of: dict[tuple[int, int], set[int]] = {}
    for day in range(7):
        for window in _free(taken[day * _DAY : (day + 1) * _DAY]):
            days_of.setdefault(window, set()).add(day)
    return tuple(Opening(frozenset(days), start, end) for (start, end), days in sorted(days_of.items()))


def _free(day: bytearray) -> list[tuple[int, int]]:
    """Runs of free minutes of one day as [start, end)."""
    edges = [
        minute for minute in range(_DAY + 1) if (minute == _DAY or day[minute]) != (minute == 0 or day[minute - 1])
    ]
    return list(zip(edges[::2], edges[1::2], strict=True))


KIND = Kind("quiet_hours", {"require": SCHEMA, "forbid": SCHEMA}, CHANGES | {"send_at"}, lower, PAGE)
