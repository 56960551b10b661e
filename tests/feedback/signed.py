"""Events as providers sign them, made with the keys of their own helpers."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from policykit.adapters.envelope import sign
from policykit.language.spans import parse_instant
from policykit.model import SECOND

NOON = parse_instant("2026-03-02T11:00:00Z") or 0
KEY = ec.derive_private_key(7, ec.SECP256R1())
WEBHOOK_KEY = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
SECRET = "a secret of two"
Request = tuple[dict[str, str], bytes]


def sendgrid(events: Sequence[Mapping[str, object]], at: int = NOON, key: ec.EllipticCurvePrivateKey = KEY) -> Request:
    """A call of SendGrid's Event Webhook."""
    body, seconds = json.dumps(events).encode(), str(at // SECOND)
    signature = base64.b64encode(key.sign(seconds.encode() + body, ec.ECDSA(SHA256()))).decode()
    return {"X-Twilio-Email-Event-Webhook-Signature": signature,
            "X-Twilio-Email-Event-Webhook-Timestamp": seconds}, body  # fmt: skip


def mail(event: str, address: str = "ana@example.com", **more: object) -> dict[str, object]:
    name = f"{event}-{address}-{sorted(more.items())}"
    return {"email": address, "event": event, "timestamp": NOON // SECOND - 60, "sg_event_id": name, **more}


def app(*events: Mapping[str, object], at: int = NOON, secret: str = SECRET, provider: str | None = None) -> Request:
    """A call in policykit's own envelope."""
    body = json.dumps(events[0] if len(events) == 1 else events).encode()
    seconds = str(at // SECOND)
    headers = {"X-Policykit-Signature": f"t={seconds},v1={sign(secret, seconds, body)}"}
    return headers | ({"X-Policykit-Provider": provider} if provider else {}), body


def told(kind: str, name: str = "e1", **data: object) -> dict[str, object]:
    return {"specversion": "1.0", "id": name, "source": "app", "type": f"policykit.{kind}",
            "time": "2026-03-02T10:59:00Z", "data": data}  # fmt: skip
