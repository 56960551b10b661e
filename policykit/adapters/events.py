"""What people tell back through a provider: the events it sends us, and the contract of who reads them.

A receiver is pure like an adapter: no clock, no network, no state. It believes nothing that is not signed.
"""

from __future__ import annotations

import hmac
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from typing import ClassVar

from policykit.adapters.base import Settings
from policykit.errors import EventRefused
from policykit.model import DAY, MINUTE, SECOND, Micros

# Providers repeat for days what we did not take, and an unsubscribe that comes late is better than none. That an old
# event is played again does no harm: events only take away, and each counts once.
OLDEST: Micros = 3 * DAY
AHEAD: Micros = 10 * MINUTE  # clocks differ


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request that a provider made to us, as it came. url: the whole address it called, where that is signed."""

    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    url: str | None = field(default=None, repr=False)

    def header(self, name: str) -> str | None:
        """The value under a name in any case; None when it has none."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)

    def text(self, provider: str) -> str:
        try:
            return self.body.decode()
        except UnicodeDecodeError:
            raise EventRefused(provider, "unreadable") from None

    def json(self, provider: str) -> object:
        try:
            return json.loads(self.text(provider))
        except (ValueError, RecursionError):
            raise EventRefused(provider, "unreadable") from None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that somebody told us back.

    id: the same each time it comes, and no other event's. kind: one of `vocabulary.TOLD`. evidence: SHA-256 of the
    event as it came. channel: by which they were reached, None when nobody says. address, person: whom it is about,
    at least one. at: when it happened. campaign: None when nobody says.
    """

    id: str
    kind: str
    at: Micros
    evidence: str
    channel: str | None = None
    address: str | None = field(default=None, repr=False)
    person: str | None = None
    campaign: str | None = None


class Receiver(ABC):
    """Reads the events of one provider. name: as under `providers:` of policykit.yaml."""

    name: ClassVar[str]

    @abstractmethod
    def claims(self, incoming: Incoming) -> bool:
        """Whether a request looks like this provider's; from its headers, never from what it says."""

    @abstractmethod
    def read(self, incoming: Incoming, settings: Settings, now: Micros) -> tuple[Event, ...]:
        """The events of a request whose signature holds; those that mean nothing to us are left out.

        Raises `EventRefused`, never with anything of the request, and `UsageError` naming what
        `policykit.yaml` lacks.
        """


def event_id(provider: str, *parts: str) -> str:
    """An id from what the provider says identifies an event."""
    return "fb-" + blake2b("\0".join((provider, *parts)).encode("utf-8", "replace"), digest_size=12).hexdigest()


def evidence_of(raw: object) -> str:
    """SHA-256 of an event, whichever other events it came with and whatever the order of its keys."""
    text = raw if isinstance(raw, bytes) else json.dumps(raw, sort_keys=True, separators=(",", ":")).encode()
    return sha256(text).hexdigest()


def check_age(provider: str, seconds: str | None, now: Micros) -> None:
    """Raises `EventRefused` for a signed instant (Unix seconds) that is missing, unreadable, past or to come."""
    if seconds is None or not seconds.isascii() or not seconds.isdigit() or len(seconds) > 12:
        raise EventRefused(provider, "unsigned" if seconds is None else "unreadable")
    if not now - OLDEST <= int(seconds) * SECOND <= now + AHEAD:
        raise EventRefused(provider, "stale")


def are_equal(given: str, expected: str) -> bool:
    """Compared in a time that tells nothing."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def text_of(raw: Mapping[str, object], *names: str) -> str | None:
    """The first of the names that holds a text."""
    found: Iterable[object] = (raw.get(name) for name in names)
    return next((value for value in found if isinstance(value, str) and value), None)
