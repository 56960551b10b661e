"""Conditions in words: what a leaf is called, what it found, what a requirement asks for.

Everything here is half a sentence in lower case, for a reader who has never seen an expression.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from policykit.ir.nodes import (
    Allowed,
    AttributeCollectedAt,
    AttributeCollectedFor,
    AttributeOrigin,
    AttributePermission,
    AttributeRefused,
    ConsentMet,
    ConsentWasMet,
    ContentSays,
    Counting,
    Fact,
    Hours,
    Joined,
    Leaf,
    LocalPart,
    Member,
    Months,
    Opening,
    Present,
    Requirement,
    Sends,
    Span,
    Window,
)
from policykit.model import DAY, HOUR, MINUTE, SECOND, Micros, from_micros
from policykit.reports.words import channel_name
from policykit.vocabulary import QUALITIES

__all__ = [
    "counted", "day", "either", "fact_name", "hours", "missing", "moment", "plain", "quality", "requirement", "span",
    "window",
]  # fmt: skip

_UNITS = ((7 * DAY, "week"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_QUALITY = {
    "none": "no yes at all", "assumed": "an assumed yes", "implied_ebr": "an implied yes of a customer",
    "soft_opt_in": "a soft opt-in", "single_opt_in": "a single opt-in", "double_opt_in": "a double opt-in",
    "written": "a written yes",
}  # fmt: skip


def fact_name(leaf: Leaf) -> str:
    """The fact behind a leaf, as cases and decisions name it when it is unknown."""
    match leaf:
        case ConsentMet() | ConsentWasMet() | Member() | Joined() | AttributeRefused():
            return "consents"
        case ContentSays():
            return "send.content"
        case Sends(window=found):
            return "recipient.zone" if found.calendar and found.zone is None else "history"
        case Allowed(hours=found_hours):
            return "send.at" if found_hours.zone else "recipient.zone"
        case LocalPart(zone=zone):
            return "send.at" if zone else "recipient.zone"
        case Fact(path=path):
            return "consents" if path.startswith("consent.") else "send.offers" if path in _OFFERS else path
        case AttributeOrigin() | AttributeCollectedFor() | AttributeCollectedAt() | AttributePermission() | Present():
            return f"attributes.{leaf.attribute}"


_OFFERS = frozenset({"send.offers.personalised", "send.offers.shown"})


def missing(name: str) -> str:
    """What nobody says, from the name of a fact."""
    told = {
        "consents": "what they consented to",
        "history": "what else they were sent",
        "recipient.zone": "in which time zone they are",
        "send.at": "when it would leave",
        "send.purpose": "what the message is for",
        "uses": "which data shapes the message",
        "send.offers": "which offers the message shows",
        "send.content": "what the message says",
        "send.content.one_click": "whether one click unsubscribes",
        "send.content.unsubscribe": "whether the message names a way out",
        "send.content.postal_address": "whether the message has the postal address of who sends",
        "send.address.shared": "whether others read along at this address",
        "send.address.origin": "where the address comes from",
        "send.address.permission": "whether they permitted us to use the address",
        "send.address.suppressed": "whether anything may still be sent to the address",
        "recipient.country": "in which country they live",
        "recipient.region": "in which region they live",
        "recipient.last_contact_at": "when they last turned to us",
        "recipient.last_message_at": "when they last wrote to us",
        "recipient.customer": "whether they have bought from us",
        "recipient.degree": "how far they let us use data",
        "recipient.tolerance": "how much they put up with",
    }
    if name in told:
        return told[name]
    return f"enough about {plain(name)}" if name.startswith("attributes.") else plain(name)


def plain(path: str) -> str:
    """A fact as one speaks of it: `their age`, their `basket`."""
    room, _, rest = path.partition(".")
    if room == "attributes":
        return f"their `{rest}`"
    words = rest.replace("_", " ").replace(".", " ")
    return f"their {words}" if room == "recipient" else f"the {words}" if room == "send" else path


def span(length: Span) -> str:
    """`16 hours`, `24 months`: in the largest unit that divides it."""
    if isinstance(length, Months):
        years, months = divmod(length.count, 12)
        return _counted(years, "year") if years and not months and years > 2 else _counted(length.count, "month")
    for size, unit in _UNITS:
        if length % size == 0 and (unit != "week" or length > 4 * size):
            return _counted(length // size, unit)
    return f"{length / SECOND:g} seconds"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def day(at: Micros) -> str:
    """`3 May 2026`."""
    found = from_micros(at)
    return f"{found.day} {found:%B %Y}"


def moment(local: datetime) -> str:
    """`Friday 27 November 2026 at 08:00`, as the clock reads."""
    return f"{_DAYS[local.weekday()]} {local.day} {local:%B %Y} at {local:%H:%M}"


def either(items: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *head, tail = list(items) or [""]
    return f"{', '.join(head)} or {tail}" if head else tail


def hours(allowed: Hours) -> str:
    """`between 08:00 and 21:00 on Monday to Saturday`."""
    return either(_opening(opening) for opening in allowed.openings)


def _opening(opening: Opening) -> str:
    clock = f"between {_clock(opening.start)} and {_clock(opening.end)}"
    return clock if len(opening.days) == 7 else f"{clock} on {_days(sorted(opening.days))}"


def _clock(minute: int) -> str:
    return "midnight" if minute in (0, 1440) else f"{minute // 60:02}:{minute % 60:02}"


def _days(days: list[int]) -> str:
    names = [_DAYS[each] for each in days]
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{names[0]} to {names[-1]}"
    *head, tail = names
    return f"{', '.join(head)} and {tail}" if head else tail


def window(found: Window) -> str:
    """`within 7 days`, `in the same calendar week`."""
    if found.rolling is not None:
        return f"within {span(found.rolling)}"
    return f"in the same calendar {found.calendar}"


def counted(counting: Counting) -> str:
    """What a cap counts: `marketing messages by push or SMS`."""
    classes = f"{either(sorted(counting.classes))} messages" if counting.classes else "messages"
    where = " by this channel" if counting.this_channel else ""
    if counting.channels:
        where = f" by {either(channel_name(channel) for channel in sorted(counting.channels))}"
    return f"{classes}{where}{' of this campaign' if counting.this_campaign else ''}"


def quality(rung: str | None) -> str:
    return _QUALITY.get(rung or "", "a yes of unknown quality")


def requirement(asked: Requirement, channel: str) -> str:
    """What a grant must be: `a consent that names push (at least a single opt-in)`."""
    parts = [_rungs(asked.quality)] if asked.quality else []
    if asked.max_age is not None:
        parts.append(f"not older than {span(asked.max_age)}")
    if asked.bases:
        parts.append(f"resting on {either(sorted(asked.bases)).replace('_', ' ')}")
    if asked.evidence:
        parts.append("with proof")
    if asked.defect_free:
        parts.append("not pre-ticked, bundled or a condition")
    if asked.same_controller:
        parts.append("given to the company that sends")
    named = f" that names {either(_named(name, channel) for name in sorted(asked.names))}" if asked.names else ""
    return f"a consent{named}{_within_brackets(parts)}"


def _within_brackets(parts: list[str]) -> str:
    return f" ({', '.join(parts)})" if parts else ""


def _named(name: str, channel: str) -> str:
    return channel if name == "channel" else f"the {name}"


def _rungs(allowed: frozenset[str]) -> str:
    ladder = [rung for rung, _ in QUALITIES]
    lowest = min(allowed, key=ladder.index)
    if set(ladder[ladder.index(lowest) :]) == allowed:
        return f"at least {quality(lowest)}"
    return either(quality(rung) for rung in ladder if rung in allowed)
