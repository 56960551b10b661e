"""Twilio's webhooks: replies that say stop, and callbacks about numbers that are gone, signed with HMAC.

Source: https://www.twilio.com/docs/usage/security (X-Twilio-Signature), /docs/messaging/guides/webhook-request,
/docs/messaging/tutorials/advanced-opt-out (OptOutType) and /docs/api/errors, read 2026-11-22; signatures are tried
against `twilio.request_validator`.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from hashlib import sha1, sha256
from typing import Any, ClassVar
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlsplit

from policykit.adapters.base import Settings
from policykit.adapters.events import Event, Incoming, Receiver, are_equal, event_id, evidence_of
from policykit.errors import EventRefused, UsageError
from policykit.model import Micros

from policykit_twilio.stop import says_stop

SIGNATURE, ALGORITHM = "X-Twilio-Signature", "X-Twilio-Webhooks-Signature-Settings"
_HASHES: Mapping[str, Callable[..., Any]] = {"HMAC_SHA1": sha1, "HMAC_SHA256": sha256}
# 21610: the person said stop to Twilio. 30005, 21211: there is no such number.
# 30003 and 30004 may pass (a phone that is off, a message that was filtered); 30006 and 21614 are landlines, which
# can be called.
_ERRORS = {"21610": "stop", "30005": "bounce", "21211": "bounce"}


class TwilioEvents(Receiver):
    """Replies to our messages, and what became of messages."""

    name: ClassVar[str] = "twilio"

    def claims(self, incoming: Incoming) -> bool:
        return incoming.header(SIGNATURE) is not None

    def read(self, incoming: Incoming, settings: Settings, now: Micros) -> tuple[Event, ...]:
        algorithm = _algorithm(incoming.header(ALGORITHM))
        secret = _secret(settings, shared=incoming.header(ALGORITHM) is not None)
        signature = incoming.header(SIGNATURE)
        if signature is None:
            raise EventRefused(self.name, "unsigned")
        if incoming.url is None:
            raise UsageError("Twilio signs the address that it called, which was not given",
                             "write `receive(headers, body, url=...)` with the address as Twilio knows it")  # fmt: skip
        fields = _fields(incoming)
        if not _is_signed(secret, algorithm, incoming, fields, signature):
            raise EventRefused(self.name, "signature")
        event = _event({name: values[-1] for name, values in fields.items()}, _campaign(incoming.url), now)
        return (event,) if event is not None else ()


# --- signatures -----------------------------------------------------------------------------------------


def _algorithm(settings: str | None) -> Callable[..., Any]:
    """Which one the header names; a request without one is signed with the account's token."""
    named = dict(part.strip().partition("=")[::2] for part in (settings or "").split(","))
    found = _HASHES.get((named.get("algorithm") or "HMAC_SHA1").strip().upper())
    if found is None:
        raise EventRefused("twilio", "signature")
    return found


def _secret(settings: Settings, *, shared: bool) -> str:
    name = "webhook_secret" if shared else "auth_token"
    found = settings.credentials.get(name)
    if not found:
        what = f"`providers.twilio` has no credential `{name}`"
        raise UsageError(what, f"write `credentials: {{{name}: TWILIO_{name.upper()}}}`, and set that variable")
    return found


def _fields(incoming: Incoming) -> dict[str, list[str]]:
    if "json" in (incoming.header("Content-Type") or ""):
        raw = incoming.json("twilio") if incoming.body else {}
        return {str(key): [str(value)] for key, value in raw.items()} if isinstance(raw, dict) else {}
    try:
        return parse_qs(incoming.text("twilio"), keep_blank_values=True, max_num_fields=500)
    except ValueError:
        raise EventRefused("twilio", "unreadable") from None


def _is_signed(
    secret: str, algorithm: Callable[..., Any], incoming: Incoming, fields: Mapping[str, list[str]], signature: str
) -> bool:
    url = urlsplit(incoming.url or "")
    said = "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))
    digest = dict(parse_qsl(url.query)).get("bodySHA256")
    if digest is not None:  # a body that is no form is covered by its hash, which stands in the address
        if not are_equal(digest, sha256(incoming.body).hexdigest()):
            return False
        said = ""
    # With a port and without: Twilio itself is of two minds.
    return any(are_equal(signature, _sign(secret, algorithm, each + said)) for each in _spellings(url))


def _spellings(url: SplitResult) -> tuple[str, str]:
    try:
        host, port = url.netloc.rpartition("@")[2].partition(":")[0], url.port
    except ValueError:
        raise EventRefused("twilio", "signature") from None
    user = url.netloc[: len(url.netloc) - len(url.netloc.rpartition("@")[2])]
    named = port or (443 if url.scheme == "https" else 80)
    return url._replace(netloc=user + host).geturl(), url._replace(netloc=f"{user}{host}:{named}").geturl()


def _sign(secret: str, algorithm: Callable[..., Any], text: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), text.encode("utf-8", "replace"), algorithm).digest()).decode()


# --- events ---------------------------------------------------------------------------------------------


def _event(fields: Mapping[str, str], campaign: str | None, now: Micros) -> Event | None:
    """The event, None when it means nothing to us. Twilio says no instant: it is now."""
    status = fields.get("MessageStatus") or fields.get("SmsStatus") or ""
    kind, said = _ERRORS.get(fields.get("ErrorCode", "")), fields.get("To")
    if status in ("", "received"):
        kind, said = ("stop" if _is_stop(fields) else None), fields.get("From")
    number = fields.get("MessageSid") or fields.get("SmsSid")
    if kind is None or not said or not number:
        return None
    channel = "whatsapp" if said.startswith("whatsapp:") else "sms"
    said = said.removeprefix("rcs:")  # what is sent to a number as a text may go by RCS, and is answered there
    evidence = evidence_of(dict(fields))
    return Event(event_id("twilio", number, kind), kind, now, evidence, channel, said, campaign=campaign)


def _is_stop(fields: Mapping[str, str]) -> bool:
    opted = fields.get("OptOutType", "").upper()
    return opted == "STOP" or (not opted and says_stop(fields.get("Body", "")))


def _campaign(url: str) -> str | None:
    """From the query of the address, where an application may put it: Twilio has no slot for it."""
    return next((value for name, value in parse_qsl(urlsplit(url).query) if name in ("campaign", "campaign_id")), None)
