"""Small workspaces with a gate before them: real policies, a real store, real adapters, a double for the provider."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from policykit_fcm import FCMAdapter
from policykit_sendgrid import SendGridAdapter
from policykit_twilio import TwilioAdapter

from policykit.adapters.base import Adapter, Settings
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.assemble.workspace import open_workspace
from policykit.enforce.gate import LiveGate
from policykit.enforce.plan import Plan
from policykit.enforce.rules import ProviderRules, Rules
from policykit.engine import Engine
from policykit.language.spans import parse_instant
from policykit.model import Micros
from policykit.sends import DecisionRecord, from_line
from policykit.stores.base import Store
from policykit.stores.memory import MemoryStore

NOW = parse_instant("2026-03-02T11:00:00Z") or 0  # noon in Paris, a Monday

POLICIES = """
attributes:
  - {id: basket, disclosed_as: what is in your basket,
     category: user.behavior.purchase_history, origin: observed, collected_for: [sales]}
  - {id: city, disclosed_as: the city you live in,
     category: user.location, origin: provided, collected_for: [marketing.communications]}
policies:
  - id: consent-first
    kind: consent
    require: {quality: {at_least: single_opt_in}}
    on_breach: block
    because: They did not ask for it.
  - id: refusal-is-final
    kind: consent
    forbid: {refused_for: [purpose, everything]}
    on_breach: block
    because: They said no.
"""
ONE_A_DAY = """
  - id: one-a-day
    kind: frequency
    require: {at_most: 1, per: 1 day}
    on_breach: block
"""
EVENINGS = """
  - id: evenings-are-theirs
    kind: quiet_hours
    for: {channel: [sms, push, email]}
    require: {local_time: [{days: mon-sun, from: "08:00", to: "21:00"}]}
    on_breach: {downgrade: {send_at: next_allowed}}
"""
EMAIL_RATHER = """
  - id: email-rather
    kind: rule
    for: {channel: push}
    forbid: "send.channel == 'push'"
    on_breach: {downgrade: {channel: less_intrusive}}
    because: Push is for invitations.
"""
STRIPPED = """
  - id: collected-for-this
    kind: purpose
    require: {collected_for: this_purpose}
    on_breach: {downgrade: {uses: strip}}
"""
SPRING = """
campaign: spring
message_class: marketing
purpose: marketing.communications
audience: {selected_by: []}
channels:
  push: {provider: fcm, body: "{% if basket %}Your {{ basket }} waits{% else %}Spring is here{% endif %}"}
  sms: {provider: twilio, body: "Spring in {{ city | default: 'town' }}"}
  email:
    provider: sendgrid
    subject: "Spring{% if basket %} and your {{ basket }}{% endif %}"
    text: "Come by, {{ city | default: 'you' }}"
"""
RECEIPT = """
campaign: receipt
message_class: transactional
purpose: essential.service
audience: {selected_by: []}
channels:
  email: {provider: sendgrid, subject: Receipt, text: Paid}
  sms: {provider: twilio, body: Paid}
"""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: Micros = NOW) -> None:
        self.now = now

    def __call__(self) -> Micros:
        return self.now


def rules_of(
    folder: Path,
    policies: str = POLICIES,
    campaigns: Sequence[str] = (SPRING, RECEIPT),
    config: str = "",
    **more: Any,
) -> Rules:
    """A workspace written, read and compiled."""
    (folder / "policies").mkdir(parents=True, exist_ok=True)
    (folder / "campaigns").mkdir(exist_ok=True)
    (folder / "policykit.yaml").write_text(f"mode: enforce\n{config}", encoding="utf-8")
    (folder / "policies" / "all.yaml").write_text(policies, encoding="utf-8")
    for number, campaign in enumerate(campaigns):
        (folder / "campaigns" / f"{number}.yaml").write_text(campaign, encoding="utf-8")
    opened = open_workspace(folder)
    return Rules(
        opened.ruleset, Engine(opened.ruleset), opened.vocabulary, opened.workspace.manifests,
        **{"mode": "enforce", **more},
    )  # fmt: skip


def providers(base: str) -> Mapping[str, ProviderRules]:
    """Settings of three providers at one address."""
    return {
        "sendgrid": ProviderRules(Settings({"api_key": "k"}, {"from": "a@acme.example", "base_url": base})),
        "fcm": ProviderRules(Settings({"access_token": "t"}, {"project": "acme", "base_url": base})),
        "twilio": ProviderRules(
            Settings({"auth_token": "t"}, {"account_sid": "AC1", "from": "+15550009999", "base_url": base})
        ),
    }


ADAPTERS: tuple[Adapter, ...] = (SendGridAdapter(), FCMAdapter(), TwilioAdapter())


@dataclass
class World:
    """A gate with everything behind it. `send` is what a guard does, without a network."""

    rules: Rules
    store: Store = None  # type: ignore[assignment]  # one in memory
    clock: Clock = field(default_factory=Clock)
    adapters: Sequence[Adapter] = ADAPTERS
    observers: Sequence[Callable[[Sequence[DecisionRecord]], None]] = ()
    gate: LiveGate = field(init=False)

    def __post_init__(self) -> None:
        if self.store is None:
            self.store = MemoryStore(self.clock)
        self.gate = LiveGate(
            lambda: self.rules, self.store, self.adapters, lambda person: f"~{person}", self.clock, self.observers
        )

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.close()
        self.store.close()

    def become(self, **more: Any) -> None:
        """The workspace as changed by its owner."""
        self.rules = replace(self.rules, **more)

    def knows(self, person: str, *, consent: Sequence[str] = ("*",), refused: bool = False, **addresses: str) -> None:
        """A person who gave consent to these channels."""
        self.store.write("people", [{"id": person, "zone": "Europe/Paris"}])
        self.store.write("addresses", [{"person": person, "channel": channel, "address": address}
                                       for channel, address in addresses.items()])  # fmt: skip
        for channel in consent:
            self.consents(person, "given", channel)
        if refused:
            self.consents(person, "objected", "*")

    def consents(self, person: str, status: str, channel: str, at: str = "2026-01-01T09:00:00Z") -> None:
        self.store.write("consents", [{
            "id": f"{person}-{status}-{channel}", "person": person, "status": status,
            "purpose": "marketing.communications",
            "channel": channel, "quality": "double_opt_in", "basis": "consent", "at": at,
        }])  # fmt: skip

    def remembers(self, person: str, **values: str) -> None:
        self.store.write("attributes", [{"person": person, "attribute": name, "value": value}
                                        for name, value in values.items()])  # fmt: skip

    def send(self, request: OutgoingRequest, status: int = 202) -> Plan:
        """Plans a call; what is forwarded is answered with this status."""
        plan = self.gate.plan(request)
        if plan.forward is not None:
            self.gate.done(plan, Answer(status))
        return plan

    def log(self) -> list[DecisionRecord]:
        return [from_line(each.line) for each in self.store.decisions()]

    def history(self, person: str) -> list[tuple[object, object, object]]:
        self.gate.flush()
        return [(row["channel"], row["at"], row["campaign"]) for row in self.store.rows("history")
                if row["person"] == person]  # fmt: skip


def email(
    *to: str, campaign: str | None = "spring", base: str = "https://api.sendgrid.com", **more: Any
) -> OutgoingRequest:
    """A mail of SendGrid's SDK, one personalization per address."""
    payload: dict[str, Any] = {
        "personalizations": [{"to": [{"email": address}]} for address in to],
        "from": {"email": "a@acme.example"}, "subject": "Spring and your tent",
        "content": [{"type": "text/plain", "value": "Come by, Paris"}], **more,
    }  # fmt: skip
    if campaign is not None:
        payload.setdefault("custom_args", {"campaign": campaign})
    return _post(f"{base}/v3/mail/send", json.dumps(payload).encode(), "application/json")


def push(
    token: str, campaign: str | None = "spring", base: str = "https://fcm.googleapis.com", **message: Any
) -> OutgoingRequest:
    data = {"data": {"campaign": campaign}} if campaign is not None else {}
    payload = {
        "message": {"token": token, "notification": {"title": "Spring", "body": "Your tent waits"}, **data, **message}
    }
    return _post(f"{base}/v1/projects/acme/messages:send", json.dumps(payload).encode(), "application/json")


def sms(to: str, campaign: str | None = "spring", base: str = "https://api.twilio.com", **more: str) -> OutgoingRequest:
    form = {"To": to, "From": "+15550009999", "Body": "Spring in Paris", **more}
    if campaign is not None:
        form["StatusCallback"] = f"https://acme.example/told?campaign={campaign}"
    return _post(
        f"{base}/2010-04-01/Accounts/AC1/Messages.json", urlencode(form).encode(), "application/x-www-form-urlencoded"
    )


def _post(url: str, body: bytes, kind: str) -> OutgoingRequest:
    headers = (("Content-Type", kind), ("Authorization", "Bearer secret-of-the-application"))
    return OutgoingRequest("POST", url, (*headers, ("Content-Length", str(len(body)))), body)
