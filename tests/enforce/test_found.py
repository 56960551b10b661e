"""The decision behind what real clients raise and return when a send was refused."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

pytest.importorskip("firebase_admin")

import anymail.exceptions
import firebase_admin
import google.auth.credentials
import httpx
import requests
from firebase_admin import credentials, exceptions, messaging
from python_http_client.exceptions import HTTPError as SendGridError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Mail
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from policykit.adapters.base import Outcome
from policykit.adapters.wire import Answer
from policykit.enforce.found import Recent, decision_of
from policykit.errors import SendBlocked
from policykit.model import Decision, Verdict
from policykit.sends import DecisionRecord
from policykit.testing.double import Double
from tests.enforce.worlds import ADAPTERS, email, push, sms

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def record(number, effect="refused"):
    return DecisionRecord(f"pk-{number:020x}", 0, Decision(Verdict.BLOCK), "email", "sendgrid", effect)


REFUSED, PASSED = record(1), record(2, "passed")
KNOWN = {each.id: each for each in (REFUSED, PASSED)}
BODY = f"quiet hours ({REFUSED.id})"


def refusal(request, *, header=False):
    """What the gate answers for a refused call, without the header that gives it away."""
    (adapter,) = [each for each in ADAPTERS if each.claims(request)]
    sends = adapter.read(request)
    answer = adapter.answer(request, sends, [Outcome(accepted=False, id=REFUSED.id, reason=BODY, code="quiet-hours")])
    headers = (*answer.headers, ("X-Policykit-Decision", REFUSED.id)) if header else answer.headers
    return Answer(answer.status, answer.reason, headers, answer.body)


@pytest.fixture
def double():
    with Double() as double:
        for prefix, request in (("/v3", email("a@b.example")), ("/v1", push("t")), ("/2010", sms("+33600000001"))):
            double.answer(prefix, refusal(request))
        double.answer(
            "/header", Answer(403, "Forbidden", (("x-policykit-DECISION", f"{PASSED.id}, {REFUSED.id}"),), b"")
        )
        double.answer("/foreign", Answer(403, "Forbidden", (("Server", "nginx"),), b'{"error": "pk-nonsense"}'))
        yield double


def found(thing):
    return decision_of(thing, KNOWN.get)


def test_response_of_requests(double):
    assert found(requests.post(double.url + "/v3/mail/send")) is REFUSED
    assert found(requests.post(double.url + "/header")) is REFUSED


def test_response_of_requests_whose_body_was_not_read(double):
    response = requests.post(double.url + "/v3/mail/send", stream=True)

    assert found(response) is None
    assert REFUSED.id in response.text
    assert found(response) is REFUSED


def test_error_of_requests(double):
    response = requests.post(double.url + "/header")
    with pytest.raises(requests.HTTPError) as raised:
        response.raise_for_status()

    assert found(raised.value) is REFUSED


def test_response_and_error_of_httpx(double):
    response = httpx.post(double.url + "/v3/mail/send")
    with pytest.raises(httpx.HTTPStatusError) as raised:
        response.raise_for_status()

    assert (found(response), found(raised.value)) == (REFUSED, REFUSED)


def test_httpx_response_whose_body_was_not_read(double):
    with httpx.stream("POST", double.url + "/header") as response:
        assert found(response) is REFUSED


def test_error_of_urllib_by_its_header(double):
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(double.url + "/header", b"x")

    with raised.value:
        assert found(raised.value) is REFUSED


def test_error_of_twilio(double):
    client = Client("AC1", "token")
    client.api.base_url = double.url
    with pytest.raises(TwilioRestException) as raised:
        client.messages.create(to="+33600000001", from_="+15550009999", body="x")

    assert found(raised.value) is REFUSED


def test_error_of_sendgrid(double):
    with pytest.raises(SendGridError) as raised:
        SendGridAPIClient("key", host=double.url).send(Mail("a@b.example", "c@d.example", "x", "y"))

    assert found(raised.value) is REFUSED


class NoToken(credentials.Base):
    def get_credential(self):
        return google.auth.credentials.AnonymousCredentials()


@pytest.fixture
def firebase(double, monkeypatch):
    monkeypatch.setattr(messaging._MessagingService, "FCM_URL", double.url + "/v1/projects/{0}/messages:send")
    app = firebase_admin.initialize_app(NoToken(), {"projectId": "acme"}, name="found")
    yield app
    firebase_admin.delete_app(app)


def test_error_of_firebase(firebase):
    with pytest.raises(exceptions.PermissionDeniedError) as raised:
        messaging.send(messaging.Message(token="t"), app=firebase)

    assert found(raised.value) is REFUSED


def test_each_response_of_a_firebase_batch(firebase):
    batch = messaging.send_each([messaging.Message(token="t"), messaging.Message(token="u")], app=firebase)

    assert [found(each) for each in batch.responses] == [REFUSED, REFUSED]


def test_error_of_anymail(double):
    response = requests.post(double.url + "/v3/mail/send")

    assert found(anymail.exceptions.AnymailRequestsAPIError("refused", response=response)) is REFUSED


def test_error_of_policykit():
    assert found(SendBlocked([PASSED, REFUSED])) is REFUSED
    assert found(SendBlocked([])) is None


def test_error_beneath_another():
    above = LookupError("wrapped")
    above.__cause__ = ValueError(BODY)

    assert found(above) is REFUSED


def test_first_decision_when_none_is_a_refusal(double):
    assert found(f"{PASSED.id}") is PASSED


@pytest.mark.parametrize("thing", [None, 7, "pk-00000000000000000001x"[:10], ValueError(), [], {}, object(), b"\xff"])
def test_things_that_speak_of_no_decision(thing):
    assert found(thing) is None


def test_foreign_answer(double):
    assert found(requests.post(double.url + "/foreign")) is None


def test_things_that_lead_in_circles_end():
    error = ValueError("x")
    error.response = error

    assert found(error) is None


def test_decision_nobody_remembers():
    assert found("pk-" + "a" * 20) is None


def test_recent_decisions_are_bounded():
    recent = Recent(most=3)
    for number in range(5):
        recent.add([record(number)])

    assert [recent.get(f"pk-{number:020x}") is not None for number in range(5)] == [False, False, True, True, True]
