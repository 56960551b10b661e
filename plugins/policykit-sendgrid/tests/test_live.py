"""Real clients under guards: what reaches SendGrid, told by what a server on loopback saw."""

import json
from datetime import UTC, datetime
from typing import Any

import policykit
import pytest
import requests
from policykit.enforce.context import sending
from policykit.errors import SendBlocked
from policykit.testing import Double

from .clients import CLIENTS, KEY, anymail_batch, anymail_one, apprise_one, requests_one, sdk_copies, sdk_one

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
  email: {provider: sendgrid, subject: "Spring{% if basket %} and your {{ basket }}{% endif %}", text: Come by}
"""


@pytest.fixture
def double():
    with Double() as double:
        yield double


@pytest.fixture
def shop(policykit_workspace, double, monkeypatch):
    """Guards this process with these policies; everybody named has given consent to email."""
    monkeypatch.setenv("A_KEY", "SG.policykits-own")
    sender = "{from: a@acme.example, credentials: {api_key: A_KEY}"

    def make(policies: str, *asked: str, at: int = NOON, mode: str = "enforce", on_block: str = "answer") -> Any:
        config = f"mode: {mode}\nproviders:\n  sendgrid: {sender}, on_block: {on_block}, base_url: '{double.url}'}}"
        files = {
            "policykit.yaml": config, "policies/all.yaml": policies, "policies/registry.yaml": BASKET,
            "campaigns/spring.yaml": SPRING,
        }  # fmt: skip
        it = policykit_workspace(files, now=lambda: at)
        for person in ("jane@example.com", "joe@example.com", "kim@example.com", *asked):
            it.record("people", [{"id": person, "zone": "Europe/Paris"}])
            it.record("addresses", [{"person": person, "channel": "email", "address": person}])
            it.record("attributes", [{"person": person, "attribute": "basket", "value": "tent"}])
        for person in asked:
            it.record("consents", [{
                "id": f"c-{person}", "person": person, "status": "given", "purpose": "marketing.communications",
                "channel": "email", "quality": "double_opt_in", "basis": "consent", "at": "2026-01-01T09:00:00Z",
            }])  # fmt: skip
        return it

    return make


def seen(double: Double) -> list[tuple[str, bytes, list[tuple[str, str]]]]:
    """What came, without what belongs to the connection."""
    own = ("host", "connection")
    return [
        (each.path, each.body, sorted((name.lower(), value) for name, value in each.headers if name.lower() not in own))
        for each in double.requests
    ]


def people(double: Double) -> list[list[str]]:
    """Who was written to, one list for each personalization."""
    (call,) = double.requests
    return [
        [f"{field}:{each['email']}" for field in ("to", "cc", "bcc") for each in one.get(field, [])]
        for one in call.json()["personalizations"]
    ]


def post_by_hand(url: str, *personalizations: dict[str, Any]) -> requests.Response:
    content = [{"type": "text/plain", "value": "Hi -what-"}]
    payload = {
        "personalizations": personalizations,
        "from": {"email": "a@acme.example"},
        "subject": "S",
        "content": content,
    }
    return requests.post(f"{url}/v3/mail/send", json=payload, headers={"Authorization": f"Bearer {KEY}"}, timeout=10)


def tried(send: Any, url: str) -> Any:
    try:
        return send(url)
    except Exception as error:
        return error


@pytest.mark.parametrize("name", CLIENTS)
def test_what_is_allowed_arrives_once_byte_for_byte(shop: Any, double: Double, name: str) -> None:
    send, _ = CLIENTS[name]
    send(double.url)
    unguarded = seen(double)
    double.clear()
    shop("policies: []")

    send(double.url)

    assert seen(double) == unguarded
    assert len(unguarded) == 1


@pytest.mark.parametrize("name", CLIENTS)
def test_what_is_refused_never_arrives_and_says_why(
    shop: Any, double: Double, policykit_decisions: Any, name: str
) -> None:
    shop(CONSENT)

    thing = tried(CLIENTS[name][0], double.url)

    assert double.requests == []
    assert {record.effect for record in policykit_decisions} == {"refused"}
    if name.startswith("sdk"):
        assert type(thing).__name__ == "ForbiddenError"
        assert BECAUSE in thing.to_dict["errors"][0]["message"]
    if name.startswith("anymail"):
        assert type(thing).__name__ == "AnymailRequestsAPIError"
        assert BECAUSE in str(thing)
    if name.startswith("requests"):
        assert thing.status_code == 403
        assert BECAUSE in thing.text
    if name.startswith("apprise"):
        assert not thing
    else:
        assert policykit.decision_of(thing) == policykit_decisions[0]


def test_exactly_the_refused_are_taken_out(shop: Any, double: Double) -> None:
    shop(CONSENT, "joe@example.com", "lee@example.net")

    with sending(campaign="spring") as sent:
        sdk_copies(double.url)

    assert people(double) == [["to:joe@example.com", "bcc:lee@example.net"]]
    assert [record.effect for record in sent.decisions] == ["refused", "passed", "refused", "refused", "passed"]


def test_copies_of_a_refused_recipient_are_sent_apart(shop: Any, double: Double) -> None:
    shop(CONSENT, "kim@example.com", "lee@example.net")

    with sending(campaign="spring"):
        sdk_copies(double.url)

    assert people(double) == [["to:Kim@Example.COM"], ["to:lee@example.net"]]


def test_anymails_batch_loses_the_refused(shop: Any, double: Double) -> None:
    shop(CONSENT, "joe@example.com", "lee@example.net")

    status = anymail_one(double.url)

    assert people(double) == [["to:joe@example.com"], ["to:lee@example.net"]]
    assert status.status == {"queued"}


def test_each_of_a_batch_belongs_to_the_campaign_of_its_own_custom_arguments(shop: Any, double: Double) -> None:
    it = shop("policies: []")
    it.store.hold("spring", "the price is wrong", NOON)

    anymail_batch(double.url)

    assert people(double) == [["to:joe@example.com"]]


@pytest.mark.parametrize("send", [sdk_one, requests_one])
def test_an_audit_lets_everything_pass(shop: Any, double: Double, policykit_decisions: Any, send: Any) -> None:
    send(double.url)
    unguarded = seen(double)
    double.clear()
    shop(CONSENT, mode="audit")

    send(double.url)

    assert seen(double) == unguarded
    assert [(record.effect, str(record.verdict)) for record in policykit_decisions] == [("passed", "block")]


def test_a_stripped_attribute_is_in_nothing_that_leaves(shop: Any, double: Double, policykit_decisions: Any) -> None:
    shop(CONSENT + STRIPPED, "jane@example.com")

    response = sdk_one(double.url)

    (call,) = double.requests
    assert (call.json()["subject"], call.json()["content"]) == ("Spring", [{"type": "text/plain", "value": "Come by"}])
    assert call.json()["custom_args"] == {"campaign": "spring"}
    assert dict(call.headers)["Authorization"] == f"Bearer {KEY}"
    assert response.status_code == 202
    assert [record.effect for record in policykit_decisions] == ["replaced"]


@pytest.mark.parametrize("name", ["subject", "substitutions"])
def test_a_remembered_value_is_told_wherever_it_is_put(
    shop: Any, double: Double, policykit_decisions: Any, name: str
) -> None:
    shop("policies: []")
    own = {"subject": "Your tent waits"} if name == "subject" else {"substitutions": {"-what-": "Tent"}}

    post_by_hand(double.url, {"to": [{"email": "jane@example.com"}], **own})

    assert [record.recites for record in policykit_decisions] == [("basket",)]


def test_the_evening_is_left_to_sendgrids_scheduler(shop: Any, double: Double) -> None:
    shop(CONSENT + QUIET, "jane@example.com", at=EVENING)

    response = sdk_one(double.url)

    (call,) = double.requests
    assert call.json()["send_at"] * 1_000_000 == MORNING
    assert response.status_code == 202


def test_of_a_batch_each_is_scheduled_alone(shop: Any, double: Double) -> None:
    shop(CONSENT + QUIET, "joe@example.com", "lee@example.net", at=EVENING)

    with sending(campaign="spring"):
        response = sdk_copies(double.url)

    assert sorted(
        (each.json()["personalizations"][0]["to"][0]["email"], each.json()["send_at"] * 1_000_000)
        for each in double.requests
    ) == [("joe@example.com", MORNING), ("lee@example.net", MORNING)]
    assert response.status_code == 202


def test_what_cannot_be_read_is_refused_and_quotes_nothing(shop: Any, double: Double, caplog: Any) -> None:
    shop("policies: []")
    secret = "a sentence of the message"

    answer = requests.post(
        f"{double.url}/v3/mail/send",
        data=json.dumps({"personalizations": secret}),
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=10,
    )

    assert double.requests == []
    assert (answer.status_code, "`personalizations` is no list" in answer.text) == (403, True)
    for text in (answer.text, caplog.text):
        assert secret not in text
        assert KEY not in text


def test_other_calls_of_the_same_api_pass_unread(shop: Any, double: Double, policykit_decisions: Any) -> None:
    from sendgrid import SendGridAPIClient

    shop(CONSENT)

    SendGridAPIClient(KEY, host=double.url).client.mail.batch.post()

    assert [each.path for each in double.requests] == ["/v3/mail/batch"]
    assert list(policykit_decisions) == []


def test_apprise_hears_no_for_the_one_and_yes_for_the_others(shop: Any, double: Double) -> None:
    shop(CONSENT, "jane@example.com")

    with sending(campaign="spring"):
        assert apprise_one(double.url)

    assert people(double) == [["to:jane@example.com"]]


@pytest.mark.parametrize("send", [sdk_one, requests_one])
def test_whoever_asks_for_an_exception_gets_it(shop: Any, double: Double, send: Any) -> None:
    shop(CONSENT, on_block="raise")

    with pytest.raises(SendBlocked, match=BECAUSE) as caught:
        send(double.url)

    assert double.requests == []
    assert [record.effect for record in caught.value.decisions] == ["refused"]
