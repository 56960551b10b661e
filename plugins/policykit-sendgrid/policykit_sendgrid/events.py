"""SendGrid's Event Webhook: what people tell back by email, signed with ECDSA over P-256.

Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
and .../tracking-events/event, read 2026-11-22; signatures are tried against `sendgrid.helpers.eventwebhook`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, ClassVar

from policykit.adapters.base import Settings
from policykit.adapters.events import Event, Incoming, Receiver, check_age, event_id, evidence_of, text_of
from policykit.errors import EventRefused, UsageError
from policykit.model import SECOND, Micros

SIGNATURE, TIMESTAMP = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"
_KINDS = {"unsubscribe": "unsubscribe", "group_unsubscribe": "unsubscribe", "spamreport": "complaint"}
# Why SendGrid did not even try: what it remembers of the address from before we listened.
_DROPPED = {
    "bounced address": "bounce", "unsubscribed address": "unsubscribe", "spam reporting address": "complaint",
}  # fmt: skip


class SendGridEvents(Receiver):
    """Events of addresses that are gone, or whose owners want no more."""

    name: ClassVar[str] = "sendgrid"

    def claims(self, incoming: Incoming) -> bool:
        return incoming.header(SIGNATURE) is not None or incoming.header(TIMESTAMP) is not None

    def read(self, incoming: Incoming, settings: Settings, now: Micros) -> tuple[Event, ...]:
        key = settings.credentials.get("webhook_key")
        if not key:
            what = "`providers.sendgrid` has no credential `webhook_key`"
            raise UsageError(what, "write `credentials: {webhook_key: SENDGRID_WEBHOOK_KEY}`, and set that variable "
                             "to the verification key that SendGrid shows")  # fmt: skip
        signature, timestamp = incoming.header(SIGNATURE), incoming.header(TIMESTAMP)
        if signature is None or timestamp is None:
            raise EventRefused(self.name, "unsigned")
        _verify(key, signature, timestamp.encode("utf-8", "replace") + incoming.body)
        check_age(self.name, timestamp, now)
        batch = incoming.json(self.name)
        if not isinstance(batch, list):
            raise EventRefused(self.name, "unreadable")
        events = (_event(raw, now) for raw in batch if isinstance(raw, Mapping))
        return tuple(event for event in events if event is not None)


def _verify(key: str, signature: str, signed: bytes) -> None:
    try:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # optional: cryptography
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_der_public_key
    except ImportError:
        what = "events of `sendgrid` need cryptography"
        raise UsageError(what, "`pip install policykit-sendgrid[events]`") from None
    try:
        public: Any = load_der_public_key(base64.b64decode(key, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        public = None
    if not isinstance(public, ec.EllipticCurvePublicKey):
        what = "the credential `webhook_key` of `providers.sendgrid` is no verification key"
        raise UsageError(what, "copy it from SendGrid: Mail Settings, Event Webhook, Signature Verification")
    try:
        public.verify(base64.b64decode(signature, validate=True), signed, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError, binascii.Error):
        raise EventRefused("sendgrid", "signature") from None


def _event(raw: Mapping[str, object], now: Micros) -> Event | None:
    """The event, None when it means nothing to us: opens, clicks, deliveries, bounces that may pass."""
    kind, address = _kind(raw), text_of(raw, "email")
    if kind is None or address is None:
        return None
    at, evidence = raw.get("timestamp"), evidence_of(raw)
    instant = at * SECOND if type(at) is int and 0 <= at < 10**11 else now
    name = event_id("sendgrid", text_of(raw, "sg_event_id") or evidence)
    return Event(name, kind, instant, evidence, "email", address, campaign=_campaign(raw))


def _kind(raw: Mapping[str, object]) -> str | None:
    said = raw.get("event")
    if said == "bounce":  # `blocked` passes: a full mailbox, a server that is down, a list of spam
        return "bounce" if raw.get("type", "bounce") == "bounce" else None
    if said == "dropped":
        return _DROPPED.get(str(raw.get("reason", "")).strip().lower())
    return _KINDS.get(str(said))


def _campaign(raw: Mapping[str, object]) -> str | None:
    """As the send named it: custom arguments come back beside SendGrid's own keys."""
    found = text_of(raw, "campaign", "campaign_id")
    category = raw.get("category")
    first = category[0] if isinstance(category, list) and category else category
    return found or (first if isinstance(first, str) and first else None)
