"""SendGrid's Event Webhook: what SendGrid's own helper accepts is believed, and nothing else."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from policykit.adapters.base import Settings
from policykit.adapters.events import Incoming
from policykit.errors import EventRefused, UsageError
from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader

from policykit_sendgrid import SendGridEvents

NOW = 1_772_442_000_000_000
SECONDS = str(NOW // 1_000_000)
KEY = ec.derive_private_key(7, ec.SECP256R1())


def public(key) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


SETTINGS = Settings({"webhook_key": public(KEY)})
LEFT = {"email": "ana@example.com", "event": "unsubscribe", "timestamp": 1_772_441_990, "sg_event_id": "e1",
        "sg_message_id": "m1", "campaign": "spring"}  # fmt: skip


def signed(body: bytes, seconds: str = SECONDS, key=KEY) -> Incoming:
    signature = base64.b64encode(key.sign(seconds.encode() + body, ec.ECDSA(SHA256()))).decode()
    return Incoming(((EventWebhookHeader.SIGNATURE, signature), (EventWebhookHeader.TIMESTAMP, seconds)), body)


def events(*raw: object) -> Incoming:
    return signed(json.dumps(raw).encode())


def read(incoming: Incoming, settings: Settings = SETTINGS):
    return SendGridEvents().read(incoming, settings, NOW)


def test_what_sendgrids_own_helper_accepts_is_believed():
    incoming = events(LEFT)
    signature, seconds = (value for _, value in incoming.headers)

    assert EventWebhook(public(KEY)).verify_signature(incoming.body.decode(), signature, seconds)
    assert SendGridEvents().claims(incoming)
    (event,) = read(incoming)
    assert (event.kind, event.channel, event.address, event.campaign, event.at) == (
        "unsubscribe", "email", "ana@example.com", "spring", 1_772_441_990_000_000,
    )  # fmt: skip


def test_an_event_is_the_same_whatever_it_comes_with():
    (alone,), (_, beside) = (
        read(events(LEFT)),
        read(events({**LEFT, "sg_event_id": "e0"}, dict(reversed(LEFT.items())))),
    )

    assert alone == beside


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"event": "unsubscribe"}, "unsubscribe"),
        ({"event": "group_unsubscribe", "asm_group_id": 7}, "unsubscribe"),
        ({"event": "spamreport"}, "complaint"),
        ({"event": "bounce", "type": "bounce"}, "bounce"),
        ({"event": "bounce", "type": "blocked"}, None),
        ({"event": "dropped", "reason": "Bounced Address"}, "bounce"),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, "unsubscribe"),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, "complaint"),
        ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, None),
        ({"event": "group_resubscribe"}, None),
        ({"event": "open"}, None),
        ({"event": ["unsubscribe"]}, None),
        ({"event": "unsubscribe", "email": None}, None),
    ],
)
def test_what_takes_something_away_is_an_event(raw, expected):
    assert [event.kind for event in read(events({**LEFT, **raw}))] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [({}, "spring"), ({"campaign": None, "category": ["news", "x"]}, "news"), ({"campaign": 1, "category": 7}, None)],
)
def test_the_campaign_is_what_the_send_said(raw, expected):
    assert [event.campaign for event in read(events({**LEFT, **raw}))] == [expected]


@pytest.mark.parametrize("timestamp", [None, "soon", -5, 1.5, True, 10**15])
def test_an_instant_that_cannot_be_read_is_now(timestamp):
    assert [event.at for event in read(events({**LEFT, "timestamp": timestamp}))] == [NOW]


HEADERS = dict(events(LEFT).headers)


@pytest.mark.parametrize(
    ("incoming", "why"),
    [
        (signed(json.dumps([LEFT]).encode(), key=ec.derive_private_key(8, ec.SECP256R1())), "signature"),
        (Incoming(events(LEFT).headers, b"[]"), "signature"),
        (Incoming(tuple({**HEADERS, EventWebhookHeader.SIGNATURE: "no base64"}.items()), b"[]"), "signature"),
        (Incoming(tuple({**HEADERS, EventWebhookHeader.SIGNATURE: ""}.items()), b"[]"), "signature"),
        (Incoming(((EventWebhookHeader.TIMESTAMP, SECONDS),), b"[]"), "unsigned"),
        (Incoming((), b"[]"), "unsigned"),
        (signed(b"[]", str(NOW // 10**6 - 4 * 86_400)), "stale"),
        (signed(b"[]", str(NOW // 10**6 + 3600)), "stale"),
        (signed(b"[]", "soon"), "unreadable"),
        (signed(b"{}"), "unreadable"),
        (signed(b"[" * 100_000), "unreadable"),
        (signed(b"\xff"), "unreadable"),
    ],
)
def test_what_sendgrid_did_not_sign_is_refused(incoming, why):
    with pytest.raises(EventRefused) as raised:
        read(incoming)

    assert raised.value.why == why
    assert "ana@example.com" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(), "no credential `webhook_key`"),
        (Settings({"webhook_key": "rubbish"}), "is no verification key"),
        (
            Settings({"webhook_key": public(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))}),
            "no verification key",
        ),
    ],
)
def test_a_key_that_is_missing_or_none_is_told(settings, says):
    with pytest.raises(UsageError, match=says) as raised:
        read(events(LEFT), settings)

    assert "rubbish" not in str(raised.value)
