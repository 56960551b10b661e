"""Addresses in one form, so that the wire, the store and the data files mean the same person.

`normal` is how a send carries an address (shown nowhere); `key` is what addresses are compared by.
"""

from __future__ import annotations

import re

PHONE_CHANNELS = frozenset({"voice", "sms", "mms", "whatsapp"})
_FILLING = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]")
_DIGITS = re.compile(r"\+?[0-9]{3,20}")


def normal(channel: str, text: str) -> str | None:
    """The address as a send carries it; None when the text is no address for this channel.

    Phone numbers are E.164 where the text says a country (`+` or `00`); an email's domain is lower-case.
    """
    text = text.strip()
    if channel in PHONE_CHANNELS:
        return _phone(text.removeprefix("whatsapp:"))
    if channel == "email":
        local, at, domain = text.rpartition("@")
        return f"{local}@{domain.lower()}" if at and local and domain and not re.search(r"\s", text) else None
    return text or None


def key(channel: str, text: str) -> str:
    """What two addresses of a channel share when they are the same: emails compare without case."""
    found = normal(channel, text)
    if found is None:
        return text.strip()
    return found.casefold() if channel == "email" else found.removeprefix("+") if channel in PHONE_CHANNELS else found


def _phone(text: str) -> str | None:
    digits = _FILLING.sub("", text)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return digits if _DIGITS.fullmatch(digits) else None
