"""Sends that wait in the store: how they are kept, and how they are given to the gate again."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from policykit.adapters.base import Adapter
from policykit.adapters.wire import OutgoingRequest
from policykit.enforce.call import Waited
from policykit.enforce.context import Sending
from policykit.model import MINUTE, Micros
from policykit.stores.base import PutOff

MOST_ATTEMPTS = 8
LEASE: Micros = 5 * MINUTE  # one send is taken at a time; its delivery takes seconds
_KEYS = frozenset({"access_token", "api_key", "apikey", "auth_token", "key", "token"})
_FIRST_PAUSE: Micros = MINUTE


@dataclass(frozen=True, slots=True)
class OutboxRun:
    """What became of the sends that were due. again: put off once more, by policy or because delivery failed."""

    sent: int = 0
    refused: int = 0
    again: int = 0


def kept(
    adapter: Adapter, request: OutgoingRequest, sending: Sending | None, *,
    planned: Micros, decision: str, due: Micros, attempts: int = 0,
) -> PutOff:  # fmt: skip
    """A send as the outbox holds it: alone, without secrets, with the context it came in."""
    block = sending or Sending()
    context = {"campaign": block.campaign, "person": block.person, "values": dict(block.values), "planned": planned}
    text = _request_text(request.without(*adapter.secret_headers))
    return PutOff(decision, due, adapter.name, text, json.dumps(context), attempts)


def read_request(waiting: PutOff) -> OutgoingRequest:
    held = json.loads(waiting.request)
    headers = tuple((name, value) for name, value in held["headers"])
    return OutgoingRequest(held["method"], held["url"], headers, b64decode(held["body"]))


def read_context(waiting: PutOff) -> tuple[Sending, Waited]:
    held = json.loads(waiting.context)
    sending = Sending(held.get("campaign"), held.get("person"), held.get("values") or {})
    return sending, Waited(waiting.decision, held.get("planned", waiting.due))


def pause(attempts: int) -> Micros:
    """How long after a failed delivery it is tried again: a minute after the first, then twice as long each time."""
    return _FIRST_PAUSE << min(max(attempts - 1, 0), 10)


def _request_text(request: OutgoingRequest) -> str:
    return json.dumps({
        "method": request.method, "url": _without_credentials(request.url), "headers": list(request.headers),
        "body": b64encode(request.body).decode("ascii"),
    })  # fmt: skip


def _without_credentials(url: str) -> str:
    """The URL without user, password and keys in its query: `authorise` gives them anew."""
    parts = urlsplit(url)
    query = "&".join(each for each in parts.query.split("&") if each.partition("=")[0].lower() not in _KEYS)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query))
