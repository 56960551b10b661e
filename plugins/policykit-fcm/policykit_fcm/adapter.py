"""FCM's HTTP v1 API as the contract of adapters asks for it; what a message holds is in `message` and `words`.

Source: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages, read 2026-11-21.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from policykit.adapters.base import NO_HEADERS, Adapter, Capability, Outcome, Replacement, Settings
from policykit.adapters.payload import Reader, with_json
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.errors import UnsupportedRewrite, UsageError
from policykit.sends import Send

from policykit_fcm.credentials import bearer
from policykit_fcm.message import Fields, send
from policykit_fcm.words import composed, rewritten, whole, why_not, words

_HOST = "https://fcm.googleapis.com"
# Web Push for Chrome, topics and installations share the host, so the path alone decides.
_PATH = re.compile(r"/v1/projects/([^/]+)/messages:send", re.IGNORECASE)
_NO_WORDS = "a push needs a `title` or a `body`"
_NO_PHRASE = re.compile(r"[^\x20-\x7e]+")


class FCMAdapter(Adapter):
    """Push by `POST /v1/projects/PROJECT/messages:send`: one message, to one device or to a topic."""

    name: ClassVar[str] = "fcm"
    channels: ClassVar[frozenset[str]] = frozenset({"push"})
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.ANSWER, Capability.REWRITE, Capability.COMPOSE}
    )
    hosts: ClassVar[tuple[str, ...]] = ("fcm.googleapis.com",)
    campaign_slots: ClassVar[tuple[str, ...]] = ("data.campaign", "data.campaign_id", "fcm_options.analytics_label")
    _reader: ClassVar[Reader] = Reader("fcm")

    def claims(self, request: OutgoingRequest) -> bool:
        return request.method == "POST" and _project(request) is not None

    def read(self, request: OutgoingRequest) -> tuple[Send, ...]:
        return (send(self._reader, self._reader.body(request)),)

    def rewrite(
        self, request: OutgoingRequest, content: Mapping[str, str], headers: Mapping[str, str] = NO_HEADERS
    ) -> OutgoingRequest:
        payload = self._reader.body(request)
        send(self._reader, payload)
        message = Fields(self._reader, payload).below("message")
        new = words(content)
        reason = why_not(message) if new else _NO_WORDS
        if reason:
            raise self._cannot(Capability.REWRITE, reason)
        return with_json(request, whole(payload, rewritten(message, new)))

    def _cannot(self, effect: Capability, why: str) -> UnsupportedRewrite:
        return UnsupportedRewrite(self.name, effect.value, why)

    def compose(self, replacement: Replacement, settings: Settings) -> OutgoingRequest:
        project = settings.options.get("project")
        if not project:
            raise UsageError(
                "`providers.fcm.project` is missing", "name the Firebase project, e.g. `project: acme-app`"
            )
        if not words(replacement.content):
            raise self._cannot(Capability.COMPOSE, _NO_WORDS)
        if replacement.at is not None:
            raise self._cannot(Capability.SCHEDULE, "FCM delivers at once")
        url = f"{settings.base_url or _HOST}/v1/projects/{project}/messages:send"
        blank = OutgoingRequest("POST", url, (("Content-Type", "application/json"),))
        return self.authorise(with_json(blank, composed(replacement)), settings)

    def authorise(self, request: OutgoingRequest, settings: Settings) -> OutgoingRequest:
        return request.with_header("Authorization", f"Bearer {bearer(settings)}")

    def answer(self, request: OutgoingRequest, sends: Sequence[Send], outcomes: Sequence[Outcome]) -> Answer:
        (outcome,) = outcomes[:1]
        if outcome.accepted:
            return _json(200, "OK", {"name": f"projects/{_project(request)}/messages/{outcome.id}"})
        # Only this status: for 401 the client logs in again, and on UNREGISTERED (404) applications delete the token.
        told = outcome.reason if outcome.id in outcome.reason else f"{outcome.reason} ({outcome.id})"
        error = {"code": 403, "message": told, "status": "PERMISSION_DENIED", "details": []}
        return _json(403, _NO_PHRASE.sub(" ", outcome.code).strip() or "Forbidden", {"error": error})

    def receipts(self, answer: Answer, sends: Sequence[Send]) -> tuple[str | None, ...]:
        try:
            found = answer.json().get("name") if 200 <= answer.status < 300 else None
        except (ValueError, AttributeError, RecursionError):
            found = None
        return (found if isinstance(found, str) else None,) * len(sends)

    def gone(self, answer: Answer, sends: Sequence[Send]) -> tuple[bool, ...]:
        """A token that is registered no more: the app is gone from the device, or its pushes were switched off."""
        return (answer.status == 404 and _code(answer) == "UNREGISTERED",) * len(sends)


def _code(answer: Answer) -> str | None:
    """The error that FCM itself names in an answer."""
    try:
        details = answer.json()["error"]["details"]
        return next((str(each["errorCode"]) for each in details if "errorCode" in each), None)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _project(request: OutgoingRequest) -> str | None:
    route = request.route
    found = _PATH.search(route)
    return found[1] if found and found.end() == len(route) else None


def _json(status: int, phrase: str, value: object) -> Answer:
    body = json.dumps(value).encode()
    headers = (("Content-Type", "application/json; charset=UTF-8"), ("Content-Length", str(len(body))))
    return Answer(status, phrase, headers, body)
