"""`frequency`: how many other sends lie near this one (M7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from policykit.ir.nodes import Compare, Const, Counting, Expr, Sends, Type, Window
from policykit.kinds.base import (
    CHANGES,
    Context,
    Kind,
    Lowered,
    did_you_mean,
    known_zone,
    names_shape,
    one_of_names,
    read_fixed_span,
    text,
)  # fmt: skip
from policykit.kinds.matchers import Subject, read_limit
from policykit.language.policy import Policy
from policykit.vocabulary import CHANNELS, MESSAGE_CLASSES

PAGE = """\
Bounds how many sends one person gets.

```yaml
policies:
  - id: three-a-week
    kind: frequency
    require: {at_most: 3, per: 7 days, counting: {channel: [push, sms, email]}}
    on_breach: block
    because: Attention is theirs.
```

`per: 7 days` counts sends less than seven days away, past and scheduled. `per: {calendar: week,
zone: recipient}` counts those of the local day, week (from Monday) or month; `zone` may be an IANA
name. `gap: 16 hours` alone means that no other send is nearer than that.

`counting` says which sends count: `channel` (names, or `this_channel`; all unless told),
`message_class` (names, or `any`; marketing unless told), `campaign: this_campaign`. A send whose
channel, class or campaign is unknown counts always. `at_most: 0` lets nothing pass.

Reason: `frequency.cap`.
"""

CALENDARS = ("day", "week", "month")
SCHEMA = {
    "at_most": {"type": ["integer", "dict"], "min": 0, "meta": {"says": "a whole number, or `{fact: path}`"}},
    "per": {"type": ["span", "dict"], "meta": {"says": "a length of time, or `{calendar: week, zone: recipient}`"}},
    "gap": {"type": "span", "meta": {"says": "no other send nearer than this"}},
    "counting": {
        "type": "dict",
        "schema": {
            "channel": names_shape("channels, or `this_channel`", ("this_channel", *CHANNELS)),
            "message_class": names_shape("message classes, or `any`", ("any", *MESSAGE_CLASSES)),
            "campaign": {"type": "string", "allowed": ["this_campaign"]},
        },
    },
}

_HOW_PER = "write `per: 7 days`, or `per: {calendar: week, zone: recipient}`; there are day, week and month"


def lower(policy: Policy, context: Context) -> Lowered | None:
    body: Mapping[str, Any] = policy.body
    counting = _counting(context, body.get("counting", {}))
    bound = _gap(context, body) if "gap" in body else _cap(context, body)
    if counting is None or bound is None:
        return None
    window, limit = bound
    return Lowered(Compare(">=", Sends(window, counting), limit), text("frequency.cap"))


def _gap(context: Context, body: Mapping[str, Any]) -> tuple[Window, Expr] | None:
    for key in ("at_most", "per"):
        if key in body:
            context.problem(("require", key), f"`gap` and `{key}` do not go together", "make it two policies", "shape")
            return None
    span = read_fixed_span(context, ("require", "gap"), body["gap"], "write it in days, e.g. `30 days`")
    return None if span is None else (Window(rolling=span), Const(1, Type.INT))


def _cap(context: Context, body: Mapping[str, Any]) -> tuple[Window, Expr] | None:
    missing = [key for key in ("at_most", "per") if key not in body]
    if missing:
        what = " and ".join(f"`{key}`" for key in missing)
        context.problem(("require",), f"missing {what}", "write `at_most: 3, per: 7 days`, or `gap: 16 hours`", "shape")
        return None
    limit = read_limit(context, ("require", "at_most"), body["at_most"], Subject("at_most", Type.INT))
    window = _window(context, body["per"])
    return (window, limit) if window and limit else None


def _window(context: Context, per: Any) -> Window | None:
    path = ("require", "per")
    if isinstance(per, str):
        span = read_fixed_span(context, path, per, "write `per: {calendar: month, zone: recipient}`, or days")
        return None if span is None else Window(rolling=span)
    for key in per.keys() - {"calendar", "zone"}:
        near = did_you_mean(key, ("calendar", "zone"))
        context.problem((*path, key), f"unknown key `{key}`{near}", _HOW_PER, "shape")
        return None
    calendar, zone = per.get("calendar"), per.get("zone", "recipient")
    if calendar not in CALENDARS:
        unknown = f"unknown calendar `{calendar}`{did_you_mean(calendar, CALENDARS)}"
        found = unknown if calendar else "`per` names no calendar"
        context.problem((*path, "calendar"), found, _HOW_PER, "shape")
        return None
    if not known_zone(context, (*path, "zone"), zone):
        return None
    calendar = cast(Literal["day", "week", "month"], calendar)
    return Window(calendar=calendar, zone=None if zone == "recipient" else zone)


def _counting(context: Context, raw: Mapping[str, Any]) -> Counting | None:
    path = ("require", "counting")
    before = len(context.problems)
    this_channel = raw.get("channel") == "this_channel"
    channels: frozenset[str] | None = None
    classes: frozenset[str] | None = frozenset({"marketing"})
    if "channel" in raw and not this_channel:
        channels = one_of_names(context, (*path, "channel"), raw["channel"], context.channels, "channel")
    if raw.get("message_class") == "any":
        classes = None
    elif "message_class" in raw:
        where = (*path, "message_class")
        classes = one_of_names(context, where, raw["message_class"], MESSAGE_CLASSES, "message class")
    if len(context.problems) > before:
        return None
    return Counting(channels, this_channel, classes, raw.get("campaign") == "this_campaign")


KIND = Kind("frequency", {"require": SCHEMA}, CHANGES, lower, PAGE)
