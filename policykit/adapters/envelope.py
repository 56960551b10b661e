"""Events in an envelope of our own, for what an application hears itself: CloudEvents, signed with a shared secret.

    POST  Content-Type: application/cloudevents+json
          X-Policykit-Signature: t=1772442000,v1=<HMAC-SHA256 of "1772442000." and the body, hexadecimal>
    {"specversion": "1.0", "id": "7f3", "source": "app", "type": "policykit.too_personal",
     "time": "2026-03-02T09:00:00Z", "data": {"person": "p-7", "channel": "push", "campaign": "basket"}}

`data` names a `person`, or an `address` with its `channel`; a list of events is a batch. With
`X-Policykit-Provider: NAME` it is signed with that provider's `events_secret`, else with that of `app`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import ClassVar

from policykit.adapters.base import Settings
from policykit.adapters.events import (
    Event,
    Incoming,
    Receiver,
    are_equal,
    check_age,
    event_id,
    evidence_of,
    text_of,
)
from policykit.errors import EventRefused, NaiveTime, UsageError
from policykit.model import Micros, to_micros
from policykit.vocabulary import CHANNELS, TOLD

SIGNATURE, PROVIDER = "X-Policykit-Signature", "X-Policykit-Provider"
SECRET = "events_secret"  # noqa: S105  # the name of a credential
_FORM = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")
_TYPES = {f"policykit.{kind}": kind for kind in TOLD}


class Envelope(Receiver):
    """The envelope for one name under `providers:`; `app` is built in."""

    name: ClassVar[str] = "app"
    channel: ClassVar[str | None] = None  # of an event that names none

    def claims(self, incoming: Incoming) -> bool:
        return incoming.header(SIGNATURE) is not None and (incoming.header(PROVIDER) or "app") == self.name

    def read(self, incoming: Incoming, settings: Settings, now: Micros) -> tuple[Event, ...]:
        secret = settings.credentials.get(SECRET)
        if not secret:
            raise UsageError(
                f"`providers.{self.name}` has no credential `{SECRET}`",
                f"write `credentials: {{{SECRET}: NAME_OF_THE_VARIABLE}}`, and set that variable",
            )
        said = incoming.header(SIGNATURE)
        if said is None:
            raise EventRefused(self.name, "unsigned")
        found = _FORM.fullmatch(said.strip())
        if found is None or not are_equal(found[2], sign(secret, found[1], incoming.body)):
            raise EventRefused(self.name, "signature")
        check_age(self.name, found[1], now)
        raw = incoming.json(self.name)
        return tuple(self._event(each) for each in (raw if isinstance(raw, list) else [raw]))

    def _event(self, raw: object) -> Event:
        """One event. Who signs for us says it in our words: what cannot be read is refused with all it came with."""
        data = raw.get("data") if isinstance(raw, Mapping) else None
        if not isinstance(raw, Mapping) or not isinstance(data, Mapping):
            raise EventRefused(self.name, "unreadable")
        kind, at, name = _TYPES.get(str(raw.get("type"))), _instant(raw.get("time")), text_of(raw, "id")
        channel = text_of(data, "channel") or self.channel
        person, address = text_of(data, "person"), text_of(data, "address")
        is_whole = kind is not None and at is not None and name is not None and (channel is None or channel in CHANNELS)
        if not is_whole or (person is None and (address is None or channel is None)):
            raise EventRefused(self.name, "unreadable")
        assert kind is not None  # INVARIANT: as are the others, by `is_whole`
        assert at is not None
        assert name is not None
        return Event(
            event_id(self.name, text_of(raw, "source") or "", name), kind, at, evidence_of(raw), channel, address,
            person, text_of(data, "campaign"),
        )  # fmt: skip


def _instant(said: object) -> Micros | None:
    try:
        return to_micros(datetime.fromisoformat(said)) if isinstance(said, str) else None
    except (ValueError, NaiveTime, OverflowError):
        return None


def sign(secret: str, seconds: str, body: bytes) -> str:
    """The signature of a body at a Unix second."""
    return hmac.new(secret.encode(), f"{seconds}.".encode() + body, sha256).hexdigest()
