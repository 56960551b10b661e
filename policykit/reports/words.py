"""Numbers, channels and changes as a marketer says them."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "CHANNEL_NAMES",
    "IMPOSSIBLE",
    "IMPOSSIBLE_IN_SHORT",
    "STYLE_NAMES",
    "channel_name",
    "count",
    "jurisdiction_name",
    "listed",
    "share",
]

CHANNEL_NAMES = {
    "voice": "a phone call", "sms": "SMS", "mms": "MMS", "whatsapp": "WhatsApp", "push": "push", "web_push": "web push",
    "email": "email", "postal": "post", "in_app": "a message inside the app",
}  # fmt: skip

STYLE_NAMES = {
    "help_me": "help me: finishes something the person began",
    "prove_you_know_me": "prove you know me: what we know shapes it",
    "generic": "generic: nothing we know shapes it",
}

# Countries, groups of them and regions that shipped packs name; any other is called by its code.
_PLACES = {
    "US": "the United States", "USA": "the United States and its territories",
    "US-FL": "Florida, United States", "US-OK": "Oklahoma, United States",
    "US-VA": "Virginia, United States", "US-TX": "Texas, United States", "US-CT": "Connecticut, United States",
    "US-WA": "Washington, United States", "CA": "Canada", "EU": "the European Union",
    "EEA": "the European Economic Area", "GB": "the United Kingdom", "DE": "Germany", "FR": "France", "IT": "Italy",
    "KR": "South Korea", "IN": "India", "AU": "Australia", "BR": "Brazil",
}  # fmt: skip

# Why a change that a policy asks for could not be made (model.Impossible)
IMPOSSIBLE = {
    "no_address": "there is no address for any prepared channel",
    "no_instant": "the local hour cannot be worked out without a time zone",
    "no_generic": "no generic text is prepared",
    "required_attribute": "the text cannot do without the data it would have to drop",
    "selected_attribute": "the data that picked these people cannot be taken back",
    "unknown_uses": "nobody says which data shapes this message",
    "unknown_zone": "the time zone is unknown, so no allowed hour can be found",
    "past_deadline": "it could leave only after the campaign's last moment",
    "no_channel_left": "no gentler channel is prepared that the person can be reached on and that is allowed",
    "unknown_offers": "nobody says which offers this message shows",
    "no_general_offer": "the campaign has too few general offers to put in their place",
}

IMPOSSIBLE_IN_SHORT = {
    "no_address": "no address", "no_instant": "no time zone", "no_generic": "no generic text prepared",
    "required_attribute": "the text needs the data", "selected_attribute": "the data picked the people",
    "unknown_uses": "its data is unknown", "unknown_zone": "no time zone", "past_deadline": "too late by then",
    "no_channel_left": "no gentler channel left", "unknown_offers": "its offers are unknown",
    "no_general_offer": "too few general offers",
}  # fmt: skip


def channel_name(channel: str | None) -> str:
    """The channel as one says it; a channel of the workspace's own by its key."""
    return "no channel" if channel is None else CHANNEL_NAMES.get(channel, channel)


def jurisdiction_name(place: str) -> str:
    """A country or a region of it as one says it: `US-FL` is Florida; a platform is called as it is."""
    return _PLACES.get(place, place)


def count(number: int, noun: str = "") -> str:
    """`1,234`, or with a noun `1 person`, `2 people`."""
    if not noun:
        return f"{number:,}"
    plural = "people" if noun == "person" else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def share(part: int, whole: int) -> str:
    """A percentage that never rounds something to nothing, nor nearly all to all."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def listed(items: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *head, tail = list(items) or [""]
    return f"{', '.join(head)} {last} {tail}" if head else tail
