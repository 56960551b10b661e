"""Addresses in one form, so that the wire, the store and the data files mean the same person.

`normal` is how a send carries an address (shown nowhere); `key` is what addresses are compared by.
"""

from __future__ import annotations

import re
import unicodedata

PHONE_CHANNELS = frozenset({"voice", "sms", "mms", "whatsapp"})
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_BLANKS = re.compile(r"[\s\u00a0]")
_FILLING = re.compile(r"[().\-/\u2010-\u2015]")
_LOCAL = re.compile(r'[^\s@,;:<>()"]+|"[^\s"]+"')  # a quoted name may hold nearly anything
_SEVERAL = re.compile(r'@[^"]*[,;<]|<')  # before the last address of a list stands another one
_DOMAIN = re.compile(r"[^\s,;<>]+")
_DIGITS = re.compile(r"\+?[0-9]{3,20}")
_TRUNK = re.compile(r"^(\+[0-9]{1,3})\(0\)")  # `+44 (0) 20`: dialled only inside of the country


def normal(channel: str, text: str) -> str | None:
    """The address as a send carries it; None when the text is no address for this channel.

    Phone numbers are E.164 where the text says a country (`+` or `00`); an email's domain is lower-case.
    What copying leaves behind goes: names around an email, `tel:` and `mailto:`, characters nobody sees.
    """
    text = (text if text.isascii() else _INVISIBLE.sub("", text)).strip()
    if channel in PHONE_CHANNELS:
        return _phone(text.removeprefix("whatsapp:").removeprefix("tel:"))
    if channel == "email":
        if text.endswith(">"):
            name, _, text = text[:-1].rpartition("<")
            if _SEVERAL.search(name):
                return None
            text = text.strip()
        local, at, domain = text.removeprefix("mailto:").rpartition("@")
        domain = domain.rstrip(".")
        return f"{local}@{domain.lower()}" if at and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) else None
    return text or None


def key(channel: str, text: str) -> str:
    """What two addresses of a channel share when they are the same.

    Emails compare without case, and foreign names of domains in either spelling (`xn--...`).
    """
    found = normal(channel, text)
    if found is None:
        return text.strip()
    return _email(found) if channel == "email" else found.removeprefix("+") if channel in PHONE_CHANNELS else found


def doubt(channel: str, text: str) -> str | None:
    """Why a send to this address could miss the person it belongs to; None when it is written as it should be."""
    found = normal(channel, text)
    if found is None:
        return "cannot be read"
    return "name no country" if channel in PHONE_CHANNELS and not found.startswith("+") else None


def family(channel: str) -> str:
    """What channels share when an address of one is an address of the others: one number takes calls and texts."""
    return "phone" if channel in PHONE_CHANNELS else channel


def _phone(text: str) -> str | None:
    digits = _BLANKS.sub("", text)
    if digits[:-2].removeprefix("+").isdigit():
        digits = digits.removesuffix(".0")  # of a table that took it for a number
    if digits.startswith(("00", "+00")):
        digits = "+" + digits.removeprefix("+")[2:]
    digits = _FILLING.sub("", _TRUNK.sub(r"\1", digits))
    return digits if _DIGITS.fullmatch(digits) else None


def _email(text: str) -> str:
    if text.isascii() and "xn--" not in text.lower():
        return text.lower()
    local, _, domain = text.rpartition("@")
    domain = ".".join([_unicode(label) for label in re.split("[.\u3002\uff0e\uff61]", domain)])
    # Twice: folding can undo the form, and the form can bring back capitals.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", f"{local}@{domain}").casefold())


def _unicode(label: str) -> str:
    """A label of a domain as people write it; one that cannot be read stays."""
    if not label.lower().startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label
