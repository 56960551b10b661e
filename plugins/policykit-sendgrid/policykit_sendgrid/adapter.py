"""SendGrid as the contract of adapters asks for it; what its payload holds is in `mail`.

Source: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send, read 2026-11-21.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from policykit import addresses
from policykit.adapters.base import NO_HEADERS, Adapter, Capability, Outcome, Replacement, Settings
from policykit.adapters.payload import Reader, with_json
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.errors import UnsupportedRewrite, UsageError
from policykit.model import Micros
from policykit.sends import Send

from policykit_sendgrid import mail

_HOST = "https://api.sendgrid.com"
_SECOND = 1_000_000
# "Emails can be scheduled up to 72 hours in advance" (Scheduling Parameters, read 2026-11-21).
_FURTHEST = 72 * 3600 * _SECOND
_NOT_WHOLE = "an email needs a `subject` and a `text` or `html`"
_NO_PHRASE = re.compile(r"[^\x20-\x7e]+")


class SendGridAdapter(Adapter):
    """Email by `POST /v3/mail/send`, on SendGrid's hosts, a gateway or a twin."""

    name: ClassVar[str] = "sendgrid"
    channels: ClassVar[frozenset[str]] = frozenset({"email"})
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability)
    hosts: ClassVar[tuple[str, ...]] = ("api.sendgrid.com", "api.eu.sendgrid.com")
    campaign_slots: ClassVar[tuple[str, ...]] = ("custom_args.campaign", "custom_args.campaign_id", "categories")
    _reader: ClassVar[Reader] = Reader("sendgrid")

    def claims(self, request: OutgoingRequest) -> bool:
        return request.method == "POST" and request.route.lower().endswith("/v3/mail/send")

    def read(self, request: OutgoingRequest) -> tuple[Send, ...]:
        return mail.sends(self._reader, self._reader.body(request))

    def keep(self, request: OutgoingRequest, mask: Sequence[bool]) -> OutgoingRequest | None:
        if all(mask):
            return request
        if not any(mask):
            return None
        return with_json(request, mail.kept(self._reader.body(request), mask))

    def rewrite(
        self, request: OutgoingRequest, content: Mapping[str, str], headers: Mapping[str, str] = NO_HEADERS
    ) -> OutgoingRequest:
        if not mail.is_whole(content):
            raise self._cannot(Capability.REWRITE, _NOT_WHOLE)
        return with_json(request, mail.rewritten(self._of_one(request, Capability.REWRITE), content, headers))

    def schedule(self, request: OutgoingRequest, at: Micros, now: Micros) -> OutgoingRequest:
        payload = self._of_one(request, Capability.SCHEDULE)
        return with_json(request, mail.scheduled(payload, self._send_at(at, now)))

    def _send_at(self, at: Micros, now: Micros | None) -> int:
        """Unix seconds, never before the instant."""
        if now is not None and at - now > _FURTHEST:
            raise self._cannot(Capability.SCHEDULE, "it takes mail at most 72 hours in advance")
        return -(-at // _SECOND)

    def _of_one(self, request: OutgoingRequest, effect: Capability) -> dict[str, Any]:
        payload = self._reader.body(request)
        if len(mail.sends(self._reader, payload)) != 1:
            raise self._cannot(effect, "it is for several people")
        return payload

    def _cannot(self, effect: Capability, why: str) -> UnsupportedRewrite:
        return UnsupportedRewrite(self.name, effect.value, why)

    def compose(self, replacement: Replacement, settings: Settings) -> OutgoingRequest:
        name, sender = mail.split_address(str(settings.options.get("from") or ""))
        if addresses.normal("email", sender) is None:
            what = "`providers.sendgrid.from` is missing, or is no address"
            raise UsageError(what, "say who sends, e.g. `from: Acme <news@acme.example>`")
        if not mail.is_whole(replacement.content):
            raise self._cannot(Capability.COMPOSE, _NOT_WHOLE)
        group = settings.options.get("unsubscribe_group")
        if group is not None and type(group) is not int:
            raise UsageError("`providers.sendgrid.unsubscribe_group` is no number", "write the id that SendGrid shows")
        whom = {"email": sender, "name": name} if name else {"email": sender}
        payload = mail.composed(replacement, whom, group)
        if replacement.at is not None:
            payload = mail.scheduled(payload, self._send_at(replacement.at, replacement.now))
        url = f"{settings.base_url or _HOST}/v3/mail/send"
        blank = OutgoingRequest("POST", url, (("Content-Type", "application/json"),))
        return self.authorise(with_json(blank, payload), settings)

    def authorise(self, request: OutgoingRequest, settings: Settings) -> OutgoingRequest:
        key = settings.credentials.get("api_key")
        if not key:
            what = "`providers.sendgrid` has no credential `api_key`"
            raise UsageError(what, "write `credentials: {api_key: SENDGRID_API_KEY}`, and set that variable")
        return request.with_header("Authorization", f"Bearer {key}")

    def answer(self, request: OutgoingRequest, sends: Sequence[Send], outcomes: Sequence[Outcome]) -> Answer:
        accepted = next((outcome for outcome in outcomes if outcome.accepted), None)
        if accepted:
            return Answer(202, "Accepted", (("X-Message-Id", accepted.id), ("Content-Length", "0")))
        # 403 is tried once by every client that was measured, and marks no address as dead.
        errors = [{"message": _told(outcome), "field": None, "help": None} for outcome in outcomes]
        body = json.dumps({"errors": errors}).encode()
        headers = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
        return Answer(403, _phrase(outcomes), headers, body)

    def receipts(self, answer: Answer, sends: Sequence[Send]) -> tuple[str | None, ...]:
        # One id for the whole call; webhooks tell each message as `<this id>.<more>`.
        found = answer.header("X-Message-Id") if 200 <= answer.status < 300 else None
        return (found,) * len(sends)


def _told(outcome: Outcome) -> str:
    return outcome.reason if outcome.id in outcome.reason else f"{outcome.reason} ({outcome.id})"


def _phrase(outcomes: Sequence[Outcome]) -> str:
    """The code for the status line, which is all that `str()` of SendGrid's own errors shows."""
    code = next((outcome.code for outcome in outcomes if outcome.code), "")
    return _NO_PHRASE.sub(" ", code).strip() or "Forbidden"
