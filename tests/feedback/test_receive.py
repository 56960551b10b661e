"""What people tell back is believed when it is signed, written at once, and obeyed by the very next send."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Mail

import policykit
from policykit import feedback
from policykit.adapters.events import Incoming
from policykit.assemble.feedback import Desk, desk
from policykit.model import DAY
from policykit.sends import Send
from policykit.stores.base import Asked
from policykit.stores.memory import MemoryStore
from policykit.testing.double import Double
from tests.feedback.signed import NOON, SECRET, WEBHOOK_KEY, app, mail, sendgrid, told

CONFIG = """
mode: enforce
policies: [policies/]
store: sqlite:///store.db
providers:
  sendgrid: {credentials: {webhook_key: SENDGRID_WEBHOOK_KEY}}
  app: {credentials: {events_secret: APP_SECRET}}
"""
POLICIES = """
policies:
  - {id: asked-first, kind: consent, require: {quality: {at_least: single_opt_in}}, on_breach: block}
  - id: never-again
    kind: rule
    forbid: "send.address.suppressed"
    on_breach: block
  - {id: as-much-as-they-bear, kind: rule, forbid: "send.rank > recipient.tolerance", on_breach: block}
"""
SPRING = """
campaign: spring
purpose: marketing.communications
audience: {selected_by: []}
channels: {email: {provider: sendgrid, subject: Spring, html: "<p>Hello</p>"}}
"""
PEOPLE = [{"id": "ana", "tolerance": 50}, {"id": "ben", "tolerance": 50}]  # an email has 40
ADDRESSES = [{"person": name, "channel": "email", "address": f"{name}@example.com"} for name in ("ana", "ben")]
YES = {"status": "given", "quality": "single_opt_in", "channel": "email", "purpose": "marketing.communications",
       "at": "2026-01-01T00:00:00Z"}  # fmt: skip


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SENDGRID_WEBHOOK_KEY", WEBHOOK_KEY)
    monkeypatch.setenv("APP_SECRET", SECRET)
    yield
    policykit.uninstall()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in (("policykit.yaml", CONFIG), ("policies/all.yaml", POLICIES), ("campaigns/spring.yaml", SPRING)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def send(shop: Path) -> Iterator[Callable[..., int]]:
    """The shop's own code: SendGrid's SDK, guarded, and Ana and Ben who agreed to it."""
    with Double() as double, policykit.install(shop, now=lambda: NOON) as it:
        it.record("people", PEOPLE)
        it.record("addresses", ADDRESSES)
        it.record("consents", [{**YES, "person": name} for name in ("ana", "ben")])
        client = SendGridAPIClient("SG.key", host=double.url)

        def send_one(address: str) -> int:
            letter = Mail("shop@example.com", address, "Spring", html_content="<p>Hello</p>")
            with policykit.sending(campaign="spring"):
                try:
                    return int(client.send(letter).status_code)
                except Exception as error:
                    return int(error.status_code)  # type: ignore[attr-defined]  # an HTTPError of the SDK

        yield send_one


@pytest.mark.parametrize("event", [
    mail("unsubscribe"), mail("group_unsubscribe"), mail("spamreport"), mail("bounce", type="bounce"),
    mail("dropped", reason="Bounced Address"),
])  # fmt: skip
def test_the_very_next_send_obeys(send: Callable[..., int], event: dict[str, object]) -> None:
    before = send("ana@example.com")

    received = feedback.receive(*sendgrid([event]), now=NOON)

    assert (received.provider, received.status, len(received.events)) == ("sendgrid", 204, 1)
    assert (before, send("ana@example.com"), send("ben@example.com")) == (202, 403, 202)


def test_what_is_too_personal_lowers_what_they_bear(send: Callable[..., int]) -> None:
    before = send("ana@example.com")

    received = feedback.receive(*app(told("too_personal", address="ANA@example.com", channel="email")), now=NOON)

    assert [event.done for event in received.events] == [("tolerance lowered by 20", "degree provided")]
    assert (before, send("ana@example.com"), send("ben@example.com")) == (202, 403, 202)


@pytest.mark.parametrize("event", [mail("open"), mail("delivered"), mail("deferred"), mail("bounce", type="blocked"),
                                   mail("group_resubscribe"), mail("dropped", reason="Invalid")])  # fmt: skip
def test_what_takes_nothing_away_changes_nothing(send: Callable[..., int], event: dict[str, object]) -> None:
    received = feedback.receive(*sendgrid([event]), now=NOON)

    assert (received.status, received.events, send("ana@example.com")) == (204, (), 202)


def test_an_address_nobody_knows_is_suppressed(send: Callable[..., int]) -> None:
    received = feedback.receive(*sendgrid([mail("unsubscribe", "Eve@Example.com")]), now=NOON)

    (event,) = received.events
    assert (event.people, event.done, event.again) == (0, ("address suppressed",), False)
    policykit.record("people", [{"id": "eve", "tolerance": 50}])
    policykit.record("addresses", [{"person": "eve", "channel": "email", "address": "eve@example.com"}])
    policykit.record("consents", [{**YES, "person": "eve", "at": "2026-02-01T00:00:00Z"}])
    assert send("eve@example.com") == 403


OPT_OUT = """
policies:
  - {id: said-no, kind: rule, forbid: "'channel' in consent.refused_for", on_breach: block}
  - {id: never-again, kind: rule, forbid: "send.address.suppressed", on_breach: block}
"""
ONLY_SUPPRESS = "responses: [{id: gone, on: {event: unsubscribe}, do: {suppress: address}}]"
ABOUT_PUSH = "responses: [{id: no-push, on: {event: unsubscribe, channel: push}, do: {lower_tolerance: 9}}]"
ZOE = "zoe@example.com"
SPARSE: dict[str, tuple[dict[str, object], str, str]] = {
    "a bounce that names a person alone": (told("bounce", person="ana", channel="email"), "ana@example.com", ""),
    "an address with no channel": (told("bounce", address="ana@example.com", person="ana"), "ana@example.com", ""),
    "no address to suppress": (told("unsubscribe", person="ana", channel="email"), "ana@example.com", ONLY_SUPPRESS),
    "a person nobody knows, at a known address": (
        told("unsubscribe", person="x-7", address="ana@example.com", channel="email"), "ana@example.com", ""),
    "a person nobody knows, at no known address": (
        told("unsubscribe", person="x-7", address=ZOE, channel="email"), ZOE, ""),
    "a person who is known elsewhere": (told("unsubscribe", person="ana", address=ZOE, channel="email"), ZOE, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", SPARSE)
def test_an_event_that_says_little_is_obeyed_all_the_same(shop: Path, name: str) -> None:
    event, address, responses = SPARSE[name]
    (shop / "policies/all.yaml").write_text(OPT_OUT + responses)
    letter = Send("email", "sendgrid", address, {"html": "<p>Hello</p>"})
    with policykit.install(shop, now=lambda: NOON) as it:
        it.record("people", PEOPLE)
        it.record("addresses", ADDRESSES)
        before = policykit.judge(letter, campaign="spring")

        received = feedback.receive(*app(event), now=NOON)

        assert [bool(each.done) for each in received.events] == [True]
        verdicts = [str(each.verdict) for each in (before, policykit.judge(letter, campaign="spring"))]
        assert verdicts == ["allow", "block"]


def test_a_response_to_one_channel_does_not_answer_an_event_of_no_channel(shop: Path) -> None:
    (shop / "policies/all.yaml").write_text(OPT_OUT + ABOUT_PUSH)
    store = MemoryStore()
    store.write("addresses", ADDRESSES)
    request = app(told("unsubscribe", person="ana"))

    (event,) = _desk(shop, store).receive(Incoming(tuple(request[0].items()), request[1]), NOON).events

    assert event.done == ("consent withdrawn", "tolerance lowered by 9")


def test_an_address_of_blanks_is_nobodys(shop: Path) -> None:
    store = MemoryStore()

    request = sendgrid([mail("bounce", " ", type="bounce")])
    received = _desk(shop, store).receive(Incoming(tuple(request[0].items()), request[1]), NOON)

    assert (received.status, store.suppressions()) == (204, ())


# --- what is not signed as it should be -----------------------------------------------------------------


def _without(request: tuple[dict[str, str], bytes], name: str) -> tuple[dict[str, str], bytes]:
    return {key: value for key, value in request[0].items() if name not in key}, request[1]


EVENT = [mail("unsubscribe")]
FORGED = {
    "changed": ((lambda r: (r[0], r[1].replace(b"ana", b"ben")))(sendgrid(EVENT)), "signature"),
    "another key": (sendgrid(EVENT, key=ec.derive_private_key(8, ec.SECP256R1())), "signature"),
    "no signature": (_without(sendgrid(EVENT), "Signature"), "unsigned"),
    "no instant": (_without(sendgrid(EVENT), "Timestamp"), "unsigned"),
    "no base64": (({**sendgrid(EVENT)[0], "X-Twilio-Email-Event-Webhook-Signature": "?"}, sendgrid(EVENT)[1]),
                  "signature"),
    "another instant": (({**sendgrid(EVENT)[0], "X-Twilio-Email-Event-Webhook-Timestamp": str(NOON // 10**6 + 1)},
                         sendgrid(EVENT)[1]), "signature"),
    "long ago": (sendgrid(EVENT, at=NOON - 4 * DAY), "stale"),
    "tomorrow": (sendgrid(EVENT, at=NOON + DAY), "stale"),
    "no list": (sendgrid({"email": "ana@example.com"}), "unreadable"),  # type: ignore[arg-type]
    "nobody's": (({"X-Other": "1"}, b"[]"), "unknown"),
    "app, changed": ((lambda r: (r[0], r[1] + b" "))(app(told("complaint", person="ana"))), "signature"),
    "app, another secret": (app(told("complaint", person="ana"), secret="other"), "signature"),
    "app, long ago": (app(told("complaint", person="ana"), at=NOON - 4 * DAY), "stale"),
    "app, unknown type": (app(told("party", person="ana")), "unreadable"),
    "app, about nobody": (app(told("complaint", channel="email")), "unreadable"),
    "app, no such channel": (app(told("complaint", person="ana", channel="pigeon")), "unreadable"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_what_is_not_signed_is_refused_told_and_not_applied(
    shop: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    request, why = FORGED[name]
    store = MemoryStore()
    store.write("addresses", ADDRESSES)

    with caplog.at_level(logging.WARNING, "policykit"):
        received = _desk(shop, store).receive(Incoming(tuple(request[0].items()), request[1]), NOON)

    status = 400 if why in ("unreadable", "unknown") else 401
    assert (received.refused, received.events, received.status) == (why, (), status)
    assert (store.suppressions(), [*store.rows("consents")], [*store.rows("feedback")]) == ((), [], [])
    assert len(caplog.messages) == 1
    assert "ana" not in caplog.text


def _desk(root: Path, store: MemoryStore) -> Desk:
    opened = desk(root).opened
    return Desk(opened, store, {"SENDGRID_WEBHOOK_KEY": WEBHOOK_KEY, "APP_SECRET": SECRET})


# --- any order, any number of times -------------------------------------------------------------------------


EVENTS = [
    sendgrid([mail("unsubscribe"), mail("spamreport", "ben@example.com")]), sendgrid([mail("unsubscribe")]),
    sendgrid([mail("bounce", "ANA@example.com", type="bounce")]), sendgrid([mail("spamreport", "ben@example.com")]),
    sendgrid([mail("unsubscribe", "eve@example.com")]), app(told("too_personal", person="ana", campaign="spring")),
    app(told("push_disabled", "e2", person="ben", channel="push"), told("complaint", "e3", person="ana")),
    app(told("too_personal", "e4", address="ana@example.com", channel="email")),
]  # fmt: skip


def _left(shop: Path, requests: list[tuple[dict[str, str], bytes]]) -> list[object]:
    """What is in the store after some requests, and what the dry run would be given."""
    store = MemoryStore()
    store.write("addresses", ADDRESSES)
    at = _desk(shop, store)
    for request in requests:
        at.receive(Incoming(tuple(request[0].items()), request[1]), NOON)
    rows = [sorted(json.dumps(row, sort_keys=True) for row in store.rows(name)) for name in ("consents", "feedback")]
    gone = sorted((one.channel, one.because, one.at, one.evidence) for one in store.suppressions())
    known = store.known([Asked("email", f"{name}@example.com") for name in ("ana", "ben", "eve")], NOON)
    return [*rows, gone, sorted(known.suppressed or ())]


@settings(max_examples=25, deadline=None)
@given(order=st.permutations([*range(len(EVENTS)), *range(len(EVENTS))]))
def test_the_order_of_events_means_nothing_and_each_counts_once(
    order: list[int], once: tuple[Path, list[object]]
) -> None:
    root, expected = once

    assert _left(root, [EVENTS[place] for place in order]) == expected


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[object]]:
    root = tmp_path_factory.mktemp("shop")
    (root / "policykit.yaml").write_text(CONFIG)
    (root / "policies").mkdir()
    return root, _left(root, EVENTS)


def test_an_event_that_comes_again_says_so(shop: Path) -> None:
    store = MemoryStore()
    store.write("addresses", ADDRESSES)
    request = Incoming(tuple(EVENTS[0][0].items()), EVENTS[0][1])

    first, second = (_desk(shop, store).receive(request, at) for at in (NOON, NOON + DAY))

    assert [event.again for event in (*first.events, *second.events)] == [False, False, True, True]
    assert first.ids == second.ids
