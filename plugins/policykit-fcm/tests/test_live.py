"""Real clients under guards: what reaches FCM, told by what a server on loopback saw."""

import json
from datetime import UTC, datetime
from typing import Any

import policykit
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from firebase_admin import credentials, exceptions, messaging
from policykit.enforce.context import sending
from policykit.errors import SendBlocked
from policykit.stores.base import Asked
from policykit.testing import Double
from policykit.testing.double import Answer

from .clients import (
    CLIENTS,
    JANE,
    JOE,
    KIM,
    TOKEN,
    app,
    by_hand,
    by_hand_httpx,
    message,
    send,
    send_data,
    send_each,
    send_each_async,
    send_multicast,
    send_platforms,
    send_topic,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated. Use .*fid:DeprecationWarning")
NOON = int(datetime(2026, 3, 2, 11, tzinfo=UTC).timestamp()) * 1_000_000  # in Paris, a Monday
EVENING = NOON + 10 * 3_600_000_000
MORNING = NOON + 20 * 3_600_000_000
BECAUSE = "They did not ask for it."
CONSENT = f"""
policies:
  - id: asked-for
    kind: consent
    require: {{quality: {{at_least: single_opt_in}}}}
    on_breach: block
    because: {BECAUSE}
"""
QUIET = """
  - id: evenings-are-theirs
    kind: quiet_hours
    require: {local_time: [{days: mon-sun, from: "08:00", to: "21:00"}]}
    on_breach: {downgrade: {send_at: next_allowed}}
"""
STRIPPED = """
  - id: collected-for-this
    kind: purpose
    require: {collected_for: this_purpose}
    on_breach: {downgrade: {uses: strip}}
"""
EMAIL_RATHER = """
  - id: email-rather
    kind: rule
    for: {channel: push}
    forbid: "send.channel == 'push'"
    on_breach: {downgrade: {channel: less_intrusive}}
"""
BASKET = """
attributes:
  - {id: basket, category: user.behavior.purchase_history, origin: observed, collected_for: [sales],
     disclosed_as: what is in your basket}
"""
SPRING = """
campaign: spring
message_class: marketing
purpose: marketing.communications
audience: {selected_by: []}
channels:
  push: {provider: fcm, title: Spring, body: "{% if basket %}Your {{ basket }} waits{% else %}Come by{% endif %}"}
  email: {provider: sendgrid, subject: Spring, text: Come by}
"""


@pytest.fixture
def double():
    with Double() as double:
        yield double


@pytest.fixture
def shop(policykit_workspace, double, monkeypatch):
    """Guards this process with these policies; those who are named have asked for it."""
    monkeypatch.setenv("A_TOKEN", "ya29.policykits-own")
    monkeypatch.setenv("A_KEY", "SG.policykits-own")
    config = f"""
providers:
  fcm: {{on_block: ON_BLOCK, project: acme-app, credentials: {{access_token: A_TOKEN}}, base_url: "{double.url}"}}
  sendgrid: {{from: a@acme.example, credentials: {{api_key: A_KEY}}, base_url: "{double.url}"}}
"""

    def make(
        policies: str,
        *asked: str,
        at: int = NOON,
        mode: str = "enforce",
        campaign: str = SPRING,
        on_block: str = "answer",
    ) -> Any:
        files = {
            "policykit.yaml": f"mode: {mode}{config.replace('ON_BLOCK', on_block)}",
            "policies/all.yaml": policies, "policies/registry.yaml": BASKET, "campaigns/spring.yaml": campaign,
        }  # fmt: skip
        it = policykit_workspace(files, now=lambda: at)
        for token in (JANE, JOE, KIM):
            person = token[:4].strip("-")
            it.record("people", [{"id": person, "zone": "Europe/Paris"}])
            it.record("addresses", [
                {"person": person, "channel": "push", "address": token},
                {"person": person, "channel": "email", "address": f"{person}@example.com"},
            ])  # fmt: skip
            it.record("attributes", [{"person": person, "attribute": "basket", "value": "tent"}])
            if token in asked:
                it.record("consents", [{
                    "id": f"c-{person}", "person": person, "status": "given", "channel": "*", "basis": "consent",
                    "purpose": "marketing.communications", "quality": "double_opt_in", "at": "2026-01-01T09:00:00Z",
                }])  # fmt: skip
        return it

    return make


def seen(double: Double) -> list[tuple[str, bytes, list[tuple[str, str]]]]:
    """What came, without what belongs to the connection, in an order of its own: threads come in any."""
    own = ("host", "connection")
    return sorted(
        (each.path, each.body, sorted((name.lower(), value) for name, value in each.headers if name.lower() not in own))
        for each in double.requests
    )


def devices(double: Double) -> list[str]:
    return sorted(each.json()["message"]["token"] for each in double.requests)


def tried(client: Any, url: str) -> Any:
    try:
        return client(url)
    except Exception as error:
        return error


ALL = {name: client for name, (client, _) in CLIENTS.items()} | {"httpx-by-hand": by_hand_httpx}


@pytest.mark.parametrize("name", ALL)
def test_what_is_allowed_arrives_once_byte_for_byte(shop: Any, double: Double, name: str) -> None:
    ALL[name](double.url)
    unguarded = seen(double)
    double.clear()
    # A topic names nobody, so that as marketing it is refused, whatever policies say.
    shop("policies: []", campaign=SPRING, mode="audit" if name == "send-topic" else "enforce")

    ALL[name](double.url)

    assert unguarded
    assert seen(double) == unguarded


@pytest.mark.parametrize("name", [name for name in ALL if name != "send-data"])
def test_what_is_refused_never_arrives_and_says_why(
    shop: Any, double: Double, policykit_decisions: Any, name: str
) -> None:
    shop(CONSENT)

    thing = tried(ALL[name], double.url)

    assert double.requests == []
    assert {record.effect for record in policykit_decisions} == {"refused"}
    if name == "apprise-one":
        assert not thing
        return
    refusals = [each.exception for each in thing.responses] if hasattr(thing, "responses") else [thing]
    ids = {record.id for record in policykit_decisions}
    assert {policykit.decision_of(each).id for each in refusals} == ids
    if not name.endswith("by-hand"):
        assert {type(each) for each in refusals} == {exceptions.PermissionDeniedError}
        reason = "it names no person" if name == "send-topic" else BECAUSE
        assert all(reason in str(each) for each in refusals)


@pytest.mark.parametrize("client", [send_each, send_each_async])
def test_of_three_the_refused_one_is_missing_and_nothing_else_happens(
    shop: Any, double: Double, policykit_decisions: Any, client: Any
) -> None:
    shop(CONSENT, JANE, KIM)

    batch = client(double.url)

    assert [each.success for each in batch.responses] == [True, False, True]
    assert (batch.success_count, batch.failure_count) == (2, 1)
    assert BECAUSE in str(batch.responses[1].exception)
    assert devices(double) == [JANE, KIM]
    assert sorted(record.effect for record in policykit_decisions) == ["passed", "passed", "refused"]


def test_a_multicast_loses_the_refused_device(shop: Any, double: Double) -> None:
    shop(CONSENT, JANE)

    batch = send_multicast(double.url)

    assert [each.success for each in batch.responses] == [True, False]
    assert devices(double) == [JANE]


def test_what_shows_nothing_and_belongs_to_nothing_passes(shop: Any, double: Double, policykit_decisions: Any) -> None:
    shop(CONSENT)

    send_data(double.url)

    assert devices(double) == [JANE]
    assert list(policykit_decisions) == []


def test_a_silent_push_of_a_campaign_is_judged(shop: Any, double: Double) -> None:
    shop(CONSENT)

    with sending(campaign="spring"):
        thing = tried(send_data, double.url)

    assert double.requests == []
    assert BECAUSE in str(thing)


def test_a_stripped_attribute_is_in_nothing_that_leaves(shop: Any, double: Double) -> None:
    shop(CONSENT + STRIPPED, JANE)

    name = send_platforms(double.url)

    (call,) = double.requests
    assert call.json()["message"]["notification"] == {"title": "Spring", "body": "Come by"}
    assert b"crib" not in call.body.lower().replace(b"describ", b"")
    assert dict(call.headers)["authorization"] == f"Bearer {TOKEN}"
    assert name.startswith("projects/acme-app/messages/")


@pytest.mark.parametrize("client", [send, by_hand, by_hand_httpx])
def test_a_push_arrives_as_the_campaigns_email(
    shop: Any, double: Double, policykit_decisions: Any, client: Any
) -> None:
    shop(CONSENT + EMAIL_RATHER, JANE)

    with sending(campaign="spring"):
        thing = client(double.url)

    (mail,) = double.requests
    (record,) = policykit_decisions
    assert mail.path == "/v3/mail/send"
    assert mail.json() == {
        "personalizations": [{"to": [{"email": "jane@example.com"}]}],
        "from": {"email": "a@acme.example"},
        "custom_args": {"campaign": "spring", "policykit": record.id},
        "subject": "Spring",
        "content": [{"type": "text/plain", "value": "Come by"}],
    }
    assert dict(mail.headers)["Authorization"] == "Bearer SG.policykits-own"
    name = thing if isinstance(thing, str) else thing.json()["name"]
    assert name == f"projects/acme-app/messages/{record.id}"
    assert record.effect == "replaced"


def test_of_three_one_arrives_as_an_email(shop: Any, double: Double) -> None:
    shop(CONSENT.replace("on_breach: block", "on_breach: {downgrade: {channel: less_intrusive}}"), JANE, KIM)
    policykit.record("consents", [{
        "id": "c-joe", "person": "joe", "status": "given", "channel": "email", "basis": "consent",
        "purpose": "marketing.communications", "quality": "double_opt_in", "at": "2026-01-01T09:00:00Z",
    }])  # fmt: skip

    batch = send_each(double.url)

    mails = [each.json() for each in double.requests if each.path == "/v3/mail/send"]
    pushes = [each.json()["message"]["token"] for each in double.requests if each.path != "/v3/mail/send"]
    assert [each.success for each in batch.responses] == [True, True, True]
    assert [mail["personalizations"] for mail in mails] == [[{"to": [{"email": "joe@example.com"}]}]]
    assert sorted(pushes) == [JANE, KIM]


def test_the_evening_waits_in_the_outbox(shop: Any, double: Double, policykit_decisions: Any) -> None:
    it = shop(CONSENT + QUIET, JANE, at=EVENING)

    name = send(double.url)

    assert double.requests == []
    (record,) = policykit_decisions
    assert (record.effect, record.decision.changes.send_at) == ("put_off", MORNING)
    assert name == f"projects/acme-app/messages/{record.id}"
    it.gate._now = lambda: MORNING
    assert it.gate.run_outbox().sent == 1
    (call,) = double.requests
    assert call.json()["message"]["token"] == JANE
    assert dict(call.headers)["Authorization"] == "Bearer ya29.policykits-own"


def test_topics_are_refused_unless_they_are_known_to_be_transactional(shop: Any, double: Double) -> None:
    shop("policies: []")

    thing = tried(send_topic, double.url)

    assert double.requests == []
    assert "it names no person" in str(thing)


def test_a_hundred_at_once_are_each_judged(shop: Any, double: Double) -> None:
    shop(CONSENT, JANE)

    batch = send_each_async(double.url, [message(JANE if number % 2 else JOE) for number in range(100)])

    assert [each.success for each in batch.responses] == [bool(number % 2) for number in range(100)]
    assert devices(double) == [JANE] * 50


def test_what_cannot_be_read_is_refused_and_quotes_nothing(shop: Any, double: Double, caplog: Any) -> None:
    import requests

    shop("policies: []")
    body = json.dumps({"message": {"token": JANE, "notification": "a sentence of the message"}})

    url, headers = f"{double.url}/v1/projects/acme-app/messages:send", {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.post(url, body, headers=headers, timeout=10)

    assert double.requests == []
    assert (answer.status_code, "`message.notification` is no object" in answer.text) == (403, True)
    for text in (answer.text, caplog.text):
        assert not any(secret in text for secret in (JANE, TOKEN, "a sentence"))


def test_topic_subscriptions_pass_unread(shop: Any, double: Double, policykit_decisions: Any) -> None:
    import requests

    shop(CONSENT)

    requests.post(f"{double.url}/v1/projects/acme-app/registrations/{JANE}/topicSubscriptions", json={}, timeout=10)

    assert len(double.requests) == 1
    assert list(policykit_decisions) == []


def test_logging_in_is_none_of_our_business(shop: Any, double: Double, policykit_decisions: Any) -> None:
    """A real service account: the token is fetched through the same library, and is no send."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    account = {
        "type": "service_account", "project_id": "acme-app", "client_email": "a@acme.example", "private_key_id": "1",
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "token_uri": f"{double.url}/token",
    }  # fmt: skip
    shop(CONSENT)

    with app(double.url, credentials.Certificate(account)) as made:
        error = tried(lambda _: messaging.send(message(), app=made), "")

    assert type(error) is exceptions.PermissionDeniedError
    assert [each.path for each in double.requests] == ["/token"]
    assert len(policykit_decisions) == 1


@pytest.mark.parametrize("client", [send, by_hand, by_hand_httpx])
def test_whoever_asks_for_an_exception_gets_it(shop: Any, double: Double, client: Any) -> None:
    shop(CONSENT, on_block="raise")

    with pytest.raises(SendBlocked, match=BECAUSE) as caught:
        client(double.url)

    assert double.requests == []
    assert [record.effect for record in caught.value.decisions] == ["refused"]


GONE = {"error": {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND", "details": [
    {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "UNREGISTERED"}]}}  # fmt: skip
NOT_FOUND = {"error": {"code": 404, "message": "no such project", "status": "NOT_FOUND"}}


@pytest.mark.parametrize("client", [send, by_hand, by_hand_httpx])
@pytest.mark.parametrize(("body", "expected"), [(GONE, {("push", JANE)}), (NOT_FOUND, set()), ([], set())])
def test_a_token_that_is_registered_no_more_is_suppressed(
    shop: Any, double: Double, client: Any, body: object, expected: set[tuple[str, str]]
) -> None:
    it = shop(CONSENT, JANE)
    double.answer("/v1/", Answer(404, "Not Found", (("Content-Type", "application/json"),), json.dumps(body).encode()))

    tried(client, double.url)

    it.gate.flush()
    assert it.store.known([Asked("push", JANE)], NOON).suppressed == expected
