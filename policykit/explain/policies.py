"""A policy in words, and its cases, for somebody who will never read an expression."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from policykit.ir import say
from policykit.ir.nodes import Allowed, ConsentMet, Sends
from policykit.ir.rules import Rule
from policykit.ir.walk import nodes
from policykit.language.cases import Case
from policykit.language.policy import OnBreach, Policy, Quoted
from policykit.model import HOUR
from policykit.reports.packs import CaseLine
from policykit.reports.words import channel_name, jurisdiction_name, listed
from policykit.vocabulary import COUNTRY_GROUPS, SENSITIVITIES

__all__ = ["Demanded", "case_line", "demanded", "otherwise", "speaks_of"]


class Demanded(NamedTuple):
    """What a policy asks, as a sentence; with alternatives, one of them will do."""

    asks: str
    alternatives: tuple[str, ...] = ()


# --- where it applies -----------------------------------------------------------------------------


def speaks_of(policy: Policy) -> str:
    """`marketing messages by SMS to people in the United States, from 1 November 2022`."""
    scope = {path: [str(value) for value in values] for path, values in policy.applies_to.items()}
    classes = scope.pop("send.message_class", ["marketing"])
    parts = ["messages of every class" if "any" in classes else f"{listed(classes, 'or')} messages"]
    if channels := scope.pop("send.channel", None):
        parts.append(f"by {listed((channel_name(each) for each in channels), 'or')}")
    parts += _place(scope.pop("recipient.country", None), scope.pop("recipient.region", None))
    parts += [f"where {say.plain(path)} is {listed(values, 'or')}" for path, values in scope.items()]
    return " ".join(parts) + "".join(f", {each}" for each in _conditions(policy))


def _place(countries: list[str] | None, regions: list[str] | None) -> list[str]:
    if countries is None and regions is None:
        return []
    group = next((name for name, members in COUNTRY_GROUPS.items() if set(members) == set(countries or ())), None)
    named = [group] if group else countries or []
    if regions and len(named) == 1:
        named = [f"{named[0]}-{region}" for region in regions]
    elif regions:
        named = [f"{listed(regions, 'or')} of {each}" for each in named] or regions
    return [f"to people in {listed(map(jurisdiction_name, named), 'or')}"]


def _conditions(policy: Policy) -> Iterator[str]:
    if policy.when is not None:
        yield f"if {condition(policy.when.text)}"
    if policy.starts is not None:
        yield f"from {say.day(policy.starts)}"
    if policy.ends is not None:
        yield f"until {say.day(policy.ends - 1)}"


_CONDITIONS = {
    "!recipient.customer": "they have not bought from us",
    "recipient.customer": "they have bought from us",
    "!recipient.night_consent": "they have not agreed to messages at night",
}


def condition(text: str) -> str:
    """A condition as one says it, or as it is written."""
    plain = " ".join(text.split())
    return _CONDITIONS.get(plain, f"`{plain}`")


# --- what it asks ---------------------------------------------------------------------------------


_NEAR = re.compile(r"send\.at < (?P<fact>recipient\.\w+) \+ duration\('(?P<hours>\d+)h'\)")


def demanded(policy: Policy, rule: Rule) -> Demanded:
    body = policy.body
    if isinstance(body, Quoted):
        if policy.demand == "require" and (near := _NEAR.fullmatch(" ".join(body.text.split()))):
            since = say.plain(near["fact"].removesuffix("_at"))
            return Demanded(f"that it leaves less than {say.span(int(near['hours']) * HOUR)} after {since}")
        lead = "that this is so" if policy.demand == "require" else "that this is not so"
        return Demanded(f"{lead}: {' '.join(body.text.split())}")
    match policy.kind:
        case "consent":
            return _consent(policy, rule)
        case "quiet_hours":
            hours = next(node.hours for node in nodes(rule.breached) if isinstance(node, Allowed))
            clock = f"of {hours.zone}" if hours.zone else "where they live"
            return Demanded(f"that it leaves {say.hours(hours)}, on the clock {clock}")
        case "frequency":
            return Demanded(_cap(policy, rule))
        case "content":
            return Demanded(f"that the message has {listed(_content(body))}")
        case "data" | "purpose" | "style":
            lead = "that it uses no data" if policy.demand == "forbid" else "that all data it uses is such"
            return Demanded(f"{lead} {listed(map(_use, body.items()))}")
        case _:
            return Demanded(f"{policy.kind.replace('_', ' ')}: {_plain(body)}")


def _consent(policy: Policy, rule: Rule) -> Demanded:
    if policy.demand == "forbid":
        levels = policy.body["refused_for"]
        levels = [levels] if isinstance(levels, str) else levels
        told = {"channel": "this channel", "purpose": "this purpose", "everything": "everything"}
        return Demanded(f"that they have not said no to {listed((told[each] for each in levels), 'or')}")
    asked = [node.requirement for node in nodes(rule.breached) if isinstance(node, ConsentMet)]
    named = [say.requirement(each, "the channel") for each in asked]
    return Demanded(f"for {named[0]}") if len(named) == 1 else Demanded("for one of", tuple(named))


def _cap(policy: Policy, rule: Rule) -> str:
    sends = next(node for node in nodes(rule.breached) if isinstance(node, Sends))
    body = policy.body
    if "at_most" not in body:
        return f"that no other {say.counted(sends.counting)} lie nearer than {body['gap']}"
    counted = say.counted(sends.counting)
    counted = counted.replace("messages", "message", 1) if body["at_most"] == 1 else counted
    return f"for at most {_plain(body['at_most'])} {counted} {say.window(sends.window)}, this one counted"


_FLAGS = {
    "one_click_unsubscribe": "the headers for unsubscribing with one click (RFC 8058)",
    "unsubscribe": "a visible way to unsubscribe",
    "postal_address": "the sender's postal address",
}


def _content(body: Mapping[str, Any]) -> Iterator[str]:
    yield from (said for key, said in _FLAGS.items() if key in body)
    if "says" in body:
        end = {"start": " at the start", "end": " at the end"}.get(body.get("at", ""), "")
        part = {"opening": "what is shown first"}.get(body.get("in", ""), f"its {body.get('in')}")
        where = f" {'of' if end else 'in'} {part}" if "in" in body else ""
        yield f"the words {body['says']}{end}{where}"


def _use(item: tuple[str, Any]) -> str:
    """One field of a use matcher, as it goes on after "data"."""
    key, value = item
    match key, value:
        case "permission", bool():
            return f"that {'has' if value else 'names no'} record of their permission"
        case "recited", bool():
            return f"whose value {'shows' if value else 'does not show'} in the text"
        case "selected", bool():
            return f"that {'picked' if value else 'did not pick'} the people or an offer"
        case "disclosed", bool():
            return f"that the registry {'discloses' if value else 'does not disclose'}"
        case "sensitivity", {"at_least": least} if least == SENSITIVITIES[-1][0]:
            return f"whose sensitivity is {least.replace('_', ' ')}"
        case "collected_for", {"not": purpose}:
            return f"that was not collected for {_plain(purpose).replace('_', ' ')}"
        case "collected_for", _:
            return f"that was collected for {_plain(value).replace('_', ' ')}"
        case "age", {"at_least": least}:
            return f"that is {least} old or older"
        case "age", {"at_most": most}:
            return f"that is at most {most} old"
        case _:
            return f"whose {key} is {_plain(value).replace('_', ' ')}"


def _plain(value: Any) -> str:
    match value:
        case {"at_least": least}:
            return f"{_plain(least)} or more"
        case {"at_most": most}:
            return f"{_plain(most)} at most"
        case {"not": other}:
            return f"not {_plain(other)}"
        case {"fact": path}:
            return say.plain(str(path))
        case dict():
            return ", ".join(f"{key.replace('_', ' ')} {_plain(inner)}" for key, inner in value.items())
        case list():
            return listed(map(_plain, value), "or")
        case _:
            return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


# --- what happens otherwise -----------------------------------------------------------------------

_OTHERWISE = {
    "block": "it is not sent",
    "channel": "a gentler channel is tried; without one it is not sent",
    "uses": "the text goes out without that data; where it cannot, it is not sent",
    "content": "the generic text goes out; without one it is not sent",
    "send_at": "it waits for the next moment that is allowed",
    "offers": "offers for everybody take the place of personal ones",
}


def otherwise(effect: OnBreach) -> str:
    if effect.channels:
        return f"it goes by {listed(map(channel_name, sorted(effect.channels)), 'or')}, or not at all"
    return _OTHERWISE[effect.part]


_THEN = {"block": "not sent", "channel": "a gentler channel", "uses": "without that data",
         "content": "the generic text", "send_at": "waits", "offers": "other offers"}  # fmt: skip


def case_line(case: Case, policy: Policy) -> CaseLine:
    """A case by what it expects, which is what running it shows."""
    expect = case.expect
    if expect.get("applies") is False:
        return CaseLine(case.name, "not meant")
    if expect.get("met"):
        return CaseLine(case.name, "passes")
    then = ", ".join(_changes(expect)) or None
    if "unknown" in expect:
        missing = expect["unknown"]
        names = [str(name) for name in missing] if isinstance(missing, list) else []
        told = listed(dict.fromkeys(map(say.missing, names))) if names else "what it needs"
        return CaseLine(case.name, "unknown", f"nobody says {told}")
    if "breached" in expect:
        return CaseLine(case.name, "breached", then or _THEN[policy.effect.part])
    return CaseLine(case.name, "passes" if expect.get("verdict") == "allow" else "breached", then)


def _changes(expect: Mapping[str, Any]) -> Iterator[str]:
    changes = expect.get("changes") or {}
    if channel := changes.get("channel"):
        yield f"goes by {channel_name(channel)} instead"
    if at := changes.get("send_at"):
        yield f"waits until {say.moment(datetime.fromisoformat(at))}"
    if strip := changes.get("strip"):
        yield f"goes without {listed(f'`{each}`' for each in strip)}"
    if changes.get("content"):
        yield "the generic text goes out"
    if expect.get("verdict") == "block":
        yield "not sent"
