"""An adapter for a provider that does not exist, with every capability: the contract's own reference."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from policykit import addresses, hookimpl
from policykit.adapters.base import Adapter, Capability, Outcome, Replacement, Settings
from policykit.adapters.payload import Reader, flat, with_json
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.errors import UnsupportedRewrite
from policykit.sends import Send

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PATH = re.compile(r"/acme/v1/messages\Z")
READER = Reader("acme")


class AcmeAdapter(Adapter):
    name = "acme"
    channels = frozenset({"email"})
    capabilities = frozenset(Capability)
    hosts = ("api.acme.example",)
    campaign_slots = ("campaign",)
    secret_headers = ("X-Acme-Key",)

    def claims(self, request: OutgoingRequest) -> bool:
        return request.method == "POST" and PATH.search(request.path) is not None

    def read(self, request: OutgoingRequest) -> tuple[Send, ...]:
        mail = READER.body(request)
        people = READER.objects(mail, "to")
        if not people:
            raise READER.unreadable("it names no recipient")
        content = {part: text for part in ("subject", "text") if (text := READER.text(mail, part))}
        slots = {slot: (text,) for slot in ("campaign", "kind") if (text := READER.text(mail, slot))}
        at = self.instant(READER.text(mail, "at"))
        return tuple(
            Send("email", "acme", self.address(each), content, flat(READER.mapping(each, "data")), at, slots)
            for each in people
        )

    def address(self, person: Mapping[str, Any]) -> str:
        found = addresses.normal("email", READER.text(person, "email") or "")
        if found is None:
            raise READER.unreadable("a recipient is no email address")
        return found

    def instant(self, text: str | None) -> int | None:
        try:
            at = datetime.fromisoformat(text) if text else None
        except ValueError:
            raise READER.unreadable("`at` is no instant") from None
        return None if at is None else (at.replace(tzinfo=at.tzinfo or UTC) - EPOCH) // timedelta(microseconds=1)

    def keep(self, request: OutgoingRequest, mask: Sequence[bool]) -> OutgoingRequest | None:
        if all(mask):
            return request
        mail = READER.body(request)
        mail["to"] = [person for person, keep in zip(mail["to"], mask, strict=True) if keep]
        return with_json(request, mail) if mail["to"] else None

    def rewrite(self, request: OutgoingRequest, content: Mapping[str, str]) -> OutgoingRequest:
        mail = READER.body(request)
        mail["to"] = [{"email": person["email"]} for person in mail["to"]]
        kept = {key: value for key, value in mail.items() if key in ("to", "campaign", "kind", "at")}
        return with_json(request, {**kept, **content})

    def schedule(self, request: OutgoingRequest, at: int, now: int) -> OutgoingRequest:
        text = (EPOCH + timedelta(microseconds=at)).isoformat()
        return with_json(request, {**READER.body(request), "at": text})

    def compose(self, replacement: Replacement, settings: Settings) -> OutgoingRequest:
        if replacement.channel != "email":
            raise UnsupportedRewrite(self.name, "compose")
        mail = {**replacement.content, "to": [{"email": replacement.address}], "campaign": replacement.campaign}
        request = OutgoingRequest("POST", f"{settings.base_url or 'https://api.acme.example'}/acme/v1/messages")
        return self.authorise(with_json(request, mail), settings)

    def authorise(self, request: OutgoingRequest, settings: Settings) -> OutgoingRequest:
        return request.with_header("X-Acme-Key", settings.credentials["key"])

    def answer(self, request: OutgoingRequest, sends: Sequence[Send], outcomes: Sequence[Outcome]) -> Answer:
        if any(outcome.accepted for outcome in outcomes):
            return Answer(202, body=json.dumps({"ids": [outcome.id for outcome in outcomes]}).encode())
        return Answer(422, body=json.dumps({"error": "; ".join(outcome.reason for outcome in outcomes)}).encode())

    def mend(self, answer: Answer, sends: Sequence[Send], outcomes: Sequence[Outcome]) -> Answer:
        """Ids at the places of the whole call, null for those who were taken out."""
        ids = iter(json.loads(answer.body)["ids"])
        whole = [next(ids) if outcome.accepted else None for outcome in outcomes]
        return replace(answer, body=json.dumps({"ids": whole}).encode())

    def receipts(self, answer: Answer, sends: Sequence[Send]) -> tuple[str | None, ...]:
        try:
            held = json.loads(answer.body) if answer.status == 202 else None
        except ValueError:
            held = None
        ids = held.get("ids") if isinstance(held, dict) else None
        if not isinstance(ids, list) or len(ids) != len(sends):
            return (None,) * len(sends)
        return tuple(each if isinstance(each, str) else None for each in ids)


@hookimpl
def policykit_adapters() -> list[Adapter]:
    return [AcmeAdapter()]
