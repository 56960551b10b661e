"""The form of one message, and the send it stands for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from policykit import addresses
from policykit.adapters.payload import clean, flat
from policykit.adapters.wire import OutgoingRequest
from policykit.errors import UnreadableSend
from policykit.model import Micros
from policykit.sends import Send

NAME = "twilio"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONCE = (
    "To", "From", "Body", "MessagingServiceSid", "ContentSid", "ContentVariables", "SendAt", "ScheduleType",
    "MessageIntent", "StatusCallback", "SendAsMms",
)  # fmt: skip
_SLOTS = ("MessageIntent", "MessagingServiceSid", "ContentSid")


@dataclass(frozen=True, slots=True)
class Message:
    """Fields of a form in order, names as Twilio spells them; `MediaUrl` may come several times."""

    fields: tuple[tuple[str, str], ...] = field(repr=False)

    def first(self, name: str) -> str | None:
        """The value of a field, None when it is not there or empty."""
        return next((value for key, value in self.fields if key == name and value), None)

    @property
    def service(self) -> str | None:
        """The messaging service; Twilio takes its id in `From` too."""
        sender = self.first("From") or ""
        return self.first("MessagingServiceSid") or (sender if sender.startswith("MG") and len(sender) == 34 else None)

    @property
    def channel(self) -> str:
        if (self.first("To") or "").startswith("whatsapp:"):
            return "whatsapp"
        return "mms" if self.first("MediaUrl") or (self.first("SendAsMms") or "").lower() == "true" else "sms"

    def without(self, *names: str) -> Message:
        return Message(tuple(pair for pair in self.fields if pair[0] not in names))

    def and_(self, **fields: str) -> Message:
        return Message((*self.fields, *fields.items()))

    def send(self) -> Send:
        body = self.first("Body")
        content = {"body": body} if body else {}
        return Send(
            channel=self.channel,
            provider=NAME,
            address=self._address(),
            content=content,
            values=self._values(),
            at=self._at(),
            slots=self._slots(),
            # Only the stricter word is believed: anybody may write `otp` (M13).
            message_class="marketing" if (self.first("MessageIntent") or "").lower() == "marketing" else None,
            shows=(content, {}) if body and self.first("ContentSid") else (),  # Twilio has the template's text
        )

    def _address(self) -> str:
        to = self.first("To")
        if to is None:
            raise _unreadable("it names no recipient")
        kind, colon, _ = to.rpartition(":")
        if colon and kind != "whatsapp":
            raise _unreadable("its recipient is on a channel that policykit does not know")
        found = addresses.normal(self.channel, to)
        if found is None:
            raise _unreadable("its recipient is no phone number")
        return found

    def _values(self) -> Mapping[str, str]:
        held = self.first("ContentVariables")
        if held is None:
            return {}
        try:
            values = json.loads(held)
        except (ValueError, RecursionError):
            raise _unreadable("`ContentVariables` is no JSON") from None
        if not isinstance(values, dict):
            raise _unreadable("`ContentVariables` is no JSON object")
        return flat(values)

    def _at(self) -> Micros | None:
        """When Twilio delivers; without a messaging service it sends at once, whatever the form says."""
        text = self.first("SendAt")
        if text is None or self.first("ScheduleType") != "fixed" or not self.service:
            return None
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise _unreadable("`SendAt` is no instant") from None
        return (at.replace(tzinfo=at.tzinfo or UTC) - _EPOCH) // timedelta(microseconds=1)

    def _slots(self) -> Mapping[str, tuple[str, ...]]:
        found = {name: (held,) for name in _SLOTS if (held := self.first(name))}
        for key, value in _query(self.first("StatusCallback") or ""):
            name = f"StatusCallback.{key}"
            found[name] = (*found.get(name, ()), value)
        return found


def message_of(request: OutgoingRequest) -> Message:
    """The form a request carries. Raises UnreadableSend."""
    try:
        fields = tuple(request.form())
    except ValueError:  # no cause: it quotes the body
        raise _unreadable("the body is no form in UTF-8") from None
    given: dict[str, set[tuple[str, str]]] = {}
    for key, value in (*fields, *_query(request.url)):
        # As some server could read it: in any case, as a list, beside one of the query.
        given.setdefault(key.lower().removesuffix("[]"), set()).add((key, value))
    for name in _ONCE:
        if len(given.get(name.lower(), ())) > 1:
            raise _unreadable(f"it has several values for `{name}`")
    return Message(fields)


def instant_text(at: Micros) -> str:
    """As Twilio writes instants, in whole seconds and never sooner."""
    return (_EPOCH + timedelta(seconds=-(-at // 1_000_000))).strftime("%Y-%m-%dT%H:%M:%SZ")


def _query(url: str) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(urlsplit(url).query)
    except ValueError:  # brackets that are no IPv6 host
        return []
    return [(clean(key), clean(value)) for key, value in pairs if key]


def _unreadable(why: str) -> UnreadableSend:
    return UnreadableSend(NAME, why)
