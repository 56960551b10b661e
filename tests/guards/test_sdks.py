"""The providers' own clients through the guards: what they make of a pass, a refusal and an acceptance."""

import asyncio
from collections.abc import Iterator

import firebase_admin
import pytest
import sendgrid
from firebase_admin import credentials, exceptions, messaging
from google.oauth2.credentials import Credentials
from python_http_client.exceptions import ForbiddenError
from sendgrid.helpers.mail import Mail
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from policykit.enforce.guards import attach_all
from tests.guards.gates import ScriptedGate

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # theirs, and of what they use
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # twilio leaves sockets of its sessions open
]


@pytest.fixture
def gate() -> Iterator[ScriptedGate]:
    """Refuses what says so in its body."""
    gate = ScriptedGate(
        sends=("/mail/send", "/Messages.json", "/messages:send"),
        decides=lambda request: "refused" if b"refuse" in request.body else "passed",
    )
    detach = attach_all(gate)
    yield gate
    detach()


def test_sendgrid(double, gate):
    client = sendgrid.SendGridAPIClient("SG.key", host=double.url)

    passed = client.send(Mail("a@b.example", "c@d.example", "hi", "text"))
    with pytest.raises(ForbiddenError) as refused:
        client.send(Mail("a@b.example", "c@d.example", "refuse", "text"))

    assert (passed.status_code, len(double.requests)) == (202, 1)
    assert (passed.headers["X-Message-Id"] == double.requests[0] and False) or passed.headers["X-Message-Id"]
    assert gate.planned[0].body == double.requests[0].body
    assert (refused.value.status_code, refused.value.reason) == (403, "Quiet hours")
    assert refused.value.to_dict == {"message": "quiet hours (pk-1)"}
    assert refused.value.headers["X-Policykit-Decision"] == "pk-1"


def test_twilio(double, gate):
    client = Client("AC1", "token")
    client.api.base_url = double.url

    passed = client.messages.create(to="+33612345678", from_="+33700000000", body="hello")
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(to="+33612345678", from_="+33700000000", body="refuse")

    assert (passed.status, passed.body, len(double.requests)) == ("queued", "hello", 1)
    assert gate.planned[0].body == double.requests[0].body
    assert (refused.value.status, refused.value.msg) == (403, "Unable to create record: quiet hours (pk-1)")


@pytest.mark.parametrize("retries", [None, 3])
def test_twilio_async(double, gate, retries):
    async def go() -> tuple[str, TwilioRestException]:
        transport = AsyncTwilioHttpClient(max_retries=retries)
        client = Client("AC1", "token", http_client=transport)
        client.api.base_url = double.url
        passed = await client.messages.create_async(to="+33612345678", from_="+33700000000", body="hello")
        with pytest.raises(TwilioRestException) as refused:
            await client.messages.create_async(to="+33612345678", from_="+33700000000", body="refuse")
        await transport.close()
        return passed.status, refused.value

    status, error = asyncio.run(go())

    assert (status, len(double.requests), len(gate.planned)) == ("queued", 1, 2)
    assert gate.planned[0].body == double.requests[0].body
    assert (gate.planned[0].header("Authorization") or "").startswith("Basic ")
    assert (error.status, error.msg) == (403, "Unable to create record: quiet hours (pk-1)")


class _Known(credentials.Base):
    def get_credential(self) -> Credentials:
        return Credentials("access")


@pytest.fixture
def app(double, monkeypatch) -> Iterator[firebase_admin.App]:
    monkeypatch.setattr(messaging._MessagingService, "FCM_URL", double.url + "/v1/projects/{0}/messages:send")
    app = firebase_admin.initialize_app(_Known(), {"projectId": "acme"}, name="guards")
    yield app
    firebase_admin.delete_app(app)


def _push(text: str) -> messaging.Message:
    return messaging.Message(token=text, notification=messaging.Notification(text, text))


def test_firebase_loses_exactly_the_refused(double, gate, app):
    told = messaging.send_each([_push("one"), _push("refuse"), _push("three")], app=app)

    assert [each.success for each in told.responses] == [True, False, True]
    assert (told.success_count, told.failure_count) == (2, 1)
    assert isinstance(told.responses[1].exception, exceptions.PermissionDeniedError)
    assert sorted(each.json()["message"]["token"] for each in double.requests) == ["one", "three"]
    assert (len(gate.planned), sorted(gate.settled)) == (3, [200, 200])


def test_firebase_async(double, gate, app):
    async def go() -> messaging.BatchResponse:
        told = await messaging.send_each_async([_push("one"), _push("refuse"), _push("three")], app=app)
        await messaging._get_messaging_service(app)._async_client.aclose()
        return told

    told = asyncio.run(go())

    assert [each.success for each in told.responses] == [True, False, True]
    assert len(double.requests) == 2
