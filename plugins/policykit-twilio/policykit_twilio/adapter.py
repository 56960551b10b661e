"""Twilio's Messages API: one message per call, as a form.

Source: https://www.twilio.com/docs/messaging/api/message-resource (read 2026-11-21).
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from policykit.adapters.base import NO_HEADERS, Adapter, Capability, Outcome, Replacement, Settings
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.errors import UnsupportedRewrite, UsageError
from policykit.model import Micros
from policykit.sends import Send

from policykit_twilio.message import NAME, Message, instant_text, message_of

_PATH = re.compile(r"/2010-04-01/Accounts/([^/]+)/(?:SMS/)?Messages(\.\w+|)\Z", re.IGNORECASE)
_MINUTE: Micros = 60_000_000
# Limits of Twilio's scheduler: https://www.twilio.com/docs/messaging/features/message-scheduling (read 2026-11-21).
# Its error pages have come to say 5 minutes; the longer of the two is safe under both.
_SOONEST, _LATEST = 15 * _MINUTE, 35 * 24 * 60 * _MINUTE
# What the SDK itself takes for a code when an answer has none. Every code of Twilio's own that fits a refusal
# makes some application act on it: 21610 opts the number out, 21211 and 21614 call it invalid, 20003 and 20403
# pause the account.
_CODE = 403


class TwilioAdapter(Adapter):
    name: ClassVar = NAME
    channels: ClassVar = frozenset({"sms", "mms", "whatsapp"})
    capabilities: ClassVar = frozenset({Capability.ANSWER, Capability.REWRITE, Capability.SCHEDULE, Capability.COMPOSE})
    hosts: ClassVar = ("api.twilio.com", ".twilio.com")
    campaign_slots: ClassVar = (
        "StatusCallback.campaign", "StatusCallback.campaign_id", "ContentSid", "MessagingServiceSid", "MessageIntent",
    )  # fmt: skip

    def claims(self, request: OutgoingRequest) -> bool:
        return request.method == "POST" and _PATH.search(request.route) is not None

    def read(self, request: OutgoingRequest) -> tuple[Send, ...]:
        return (message_of(request).send(),)

    def rewrite(
        self, request: OutgoingRequest, content: Mapping[str, str], headers: Mapping[str, str] = NO_HEADERS
    ) -> OutgoingRequest:
        """The text in place of text, template and media; a message with media stays an MMS."""
        message = message_of(request)
        if message.channel == "whatsapp" and message.first("ContentSid"):
            raise UnsupportedRewrite(self.name, "rewrite", "WhatsApp approved the template as it is")
        new = message.without("Body", "ContentSid", "ContentVariables", "MediaUrl", "PersistentAction", "SendAsMms")
        return _with_form(request, new.and_(Body=self._text(content, "rewrite"), **_mms(message.channel)))

    def schedule(self, request: OutgoingRequest, at: Micros, now: Micros) -> OutgoingRequest:
        message = message_of(request)
        if not message.service:
            raise UnsupportedRewrite(self.name, "schedule", "it names no messaging service")
        if not _SOONEST <= at - now <= _LATEST:
            raise UnsupportedRewrite(self.name, "schedule", "only 15 minutes to 35 days ahead")
        new = message.without("SendAt", "ScheduleType")
        return _with_form(request, new.and_(SendAt=instant_text(at), ScheduleType="fixed"))

    def compose(self, replacement: Replacement, settings: Settings) -> OutgoingRequest:
        """From `whatsapp_from`, `messaging_service` or `from` of the settings, in this order of what there is."""
        if replacement.channel not in self.channels:
            raise UnsupportedRewrite(self.name, "compose", f"it has no channel `{replacement.channel}`")
        whatsapp = replacement.channel == "whatsapp"
        service = None if whatsapp else settings.options.get("messaging_service")
        form = {"To": f"whatsapp:{replacement.address}" if whatsapp else replacement.address}
        if service:
            form["MessagingServiceSid"] = str(service)
        else:
            form["From"] = _sender(settings, "whatsapp_from" if whatsapp else "from")
        form |= {"Body": self._text(replacement.content, "compose"), **_mms(replacement.channel)}
        if replacement.at is not None:
            if not service:
                raise UnsupportedRewrite(self.name, "schedule", "`providers.twilio.messaging_service` is not set")
            form |= {"SendAt": instant_text(replacement.at), "ScheduleType": "fixed"}
        account = _setting(settings.options, "account_sid", "the account that sends")
        url = f"{settings.base_url or 'https://api.twilio.com'}/2010-04-01/Accounts/{account}/Messages.json"
        headers = (("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"))
        request = OutgoingRequest("POST", url, headers).with_body(urlencode(form).encode())
        return self.authorise(request, settings)

    def authorise(self, request: OutgoingRequest, settings: Settings) -> OutgoingRequest:
        """An API key where there is one, else the account with its token."""
        held = settings.credentials
        if held.get("api_key"):
            user, secret = held["api_key"], _setting(held, "credentials.api_secret", "the secret of that API key")
        else:
            user = _setting(settings.options, "account_sid", "the account that sends")
            secret = _setting(held, "credentials.auth_token", "the account's token")
        token = b64encode(f"{user}:{secret}".encode()).decode()
        return request.with_header("Authorization", f"Basic {token}")

    def answer(self, request: OutgoingRequest, sends: Sequence[Send], outcomes: Sequence[Outcome]) -> Answer:
        accepted = next((outcome for outcome in outcomes if outcome.accepted), None)
        if accepted is None:
            reason = next((outcome.reason for outcome in outcomes), "")
            return _answer(request, 403, "Forbidden", _refusal(reason), _refusal_xml(reason))
        return _answer(request, 201, "Created", _success(request, accepted.id), _success_xml(accepted.id))

    def receipts(self, answer: Answer, sends: Sequence[Send]) -> tuple[str | None, ...]:
        return (_sid(answer),) * len(sends)

    def _text(self, content: Mapping[str, str], effect: str) -> str:
        found = content.get("body") or content.get("text")
        if not found:
            raise UnsupportedRewrite(self.name, effect, "the content has no `body`")
        return found


def _mms(channel: str) -> dict[str, str]:
    return {"SendAsMms": "true"} if channel == "mms" else {}


def _with_form(request: OutgoingRequest, message: Message) -> OutgoingRequest:
    return request.without("Transfer-Encoding").with_body(urlencode(message.fields).encode())


def _sender(settings: Settings, key: str) -> str:
    found = _setting(settings.options, key, "the number that sends")
    return f"whatsapp:{found.removeprefix('whatsapp:')}" if key == "whatsapp_from" else found


def _setting(held: Mapping[str, object], key: str, what: str) -> str:
    found = held.get(key.rpartition(".")[2])
    if not found:
        raise UsageError(f"`policykit.yaml` has no `providers.{NAME}.{key}`", f"set it to {what}")
    return str(found)


# --- answers ----------------------------------------------------------------------------------------


def _answer(request: OutgoingRequest, status: int, reason: str, value: Mapping[str, object], xml: str) -> Answer:
    """As JSON, or as XML where the path asks for it as Twilio's does without `.json`."""
    found = _PATH.search(request.route)
    if found and found[2].lower() != ".json":
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<TwilioResponse>{xml}</TwilioResponse>'
        return Answer(status, reason, (("Content-Type", "application/xml"),), body.encode())
    return Answer(status, reason, (("Content-Type", "application/json"),), json.dumps(value).encode())


def _refusal(reason: str) -> dict[str, object]:
    # Never `type` and `title` beside these: the SDK then raises another class (9.13, base/version.py).
    return {"code": _CODE, "message": reason, "status": 403, "more_info": f"https://www.twilio.com/docs/errors/{_CODE}"}


def _refusal_xml(reason: str) -> str:
    fields = "".join(f"<{tag}>{escape(str(held))}</{tag}>" for tag, held in (
        ("Code", _CODE), ("Message", reason), ("Status", 403),
        ("MoreInfo", f"https://www.twilio.com/docs/errors/{_CODE}")))  # fmt: skip
    return f"<RestException>{fields}</RestException>"


def _success(request: OutgoingRequest, decision: str) -> dict[str, object]:
    """A message that waits, under the decision's id: no webhook of Twilio's will ever name it."""
    form = message_of(request)
    path = _PATH.search(request.route)
    return {
        "sid": decision, "account_sid": path[1] if path else None, "status": "queued", "to": form.first("To"),
        "from": form.first("From"), "messaging_service_sid": form.service, "body": form.first("Body"),
        "num_segments": "0", "num_media": "0", "direction": "outbound-api", "api_version": "2010-04-01",
        "date_created": None, "date_updated": None, "date_sent": None, "price": None, "price_unit": None,
        "error_code": None, "error_message": None, "uri": None, "subresource_uris": {},
    }  # fmt: skip


def _success_xml(decision: str) -> str:
    return f"<Message><Sid>{escape(decision)}</Sid><Status>queued</Status></Message>"


def _sid(answer: Answer) -> str | None:
    if not 200 <= answer.status < 300:
        return None
    try:
        held = answer.json()
    except (ValueError, RecursionError):
        return None
    sid = held.get("sid") if isinstance(held, dict) else None
    return sid if isinstance(sid, str) else None
