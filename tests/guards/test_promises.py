"""What a message must hold, through the providers' own clients under the real gate (S18)."""

from collections.abc import Iterator

import firebase_admin
import pytest
import sendgrid
from firebase_admin import credentials, messaging
from google.oauth2.credentials import Credentials
from python_http_client.exceptions import ForbiddenError
from sendgrid.helpers.mail import CustomArg, Header, Mail
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # theirs, and of what they use
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # twilio leaves sockets of its sessions open
]
POLICIES = """
policies:
- {id: one-click-out, kind: content, for: {channel: email}, require: {one_click_unsubscribe: true}, on_breach: block}
- {id: way-out, kind: content, for: {channel: sms}, require: {unsubscribe: true}, on_breach: block}
- {id: label, kind: content, for: {channel: email}, require: {says: "(광고)", in: subject, at: start}, on_breach: block}
- {id: email-rather, kind: rule, for: {channel: push}, forbid: "send.channel == 'push'",
   on_breach: {downgrade: {channel: less_intrusive}}}
"""
SPRING = """
campaign: spring
message_class: marketing
purpose: marketing.communications
audience: {selected_by: []}
channels:
  push: {provider: fcm, body: Spring is here}
  sms: {provider: twilio, body: Spring. Reply STOP to end}
  email:
    provider: sendgrid
    headers: {List-Unsubscribe: "<{{ unsubscribe_url }}>", List-Unsubscribe-Post: List-Unsubscribe=One-Click}
    subject: (광고) Spring
    text: "Come by. Unsubscribe: {{ unsubscribe_url }}"
"""
OUT = {"List-Unsubscribe": "<https://acme.example/u/1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


@pytest.fixture
def shop(policykit_workspace, double, monkeypatch):
    monkeypatch.setenv("A_KEY", "SG.policykits-own")
    sendgrid_ = f"{{from: a@acme.example, credentials: {{api_key: A_KEY}}, base_url: '{double.url}'}}"
    config = f"mode: enforce\nproviders: {{sendgrid: {sendgrid_}}}\n"
    shop = policykit_workspace({"policykit.yaml": config, "policies/all.yaml": POLICIES, "campaigns/s.yaml": SPRING})
    shop.record("people", [{"id": "ana"}])
    shop.record("addresses", [
        {"person": "ana", "channel": channel, "address": address}
        for channel, address in (("email", "ana@example.org"), ("sms", "+33612345678"), ("push", "t1"))
    ])  # fmt: skip
    return shop


def mail(subject: str, **headers: str) -> Mail:
    made = Mail("a@acme.example", "ana@example.org", subject, "Come by. Unsubscribe: https://acme.example/u/1")
    made.add_custom_arg(CustomArg("campaign", "spring"))
    for name, text in headers.items():
        made.add_header(Header(name.replace("_", "-"), text))
    return made


def test_a_mail_leaves_with_its_headers_and_label_or_not_at_all(shop, double, policykit_decisions):
    client = sendgrid.SendGridAPIClient("SG.key", host=double.url)

    for bare in (
        mail("(광고) Spring"),
        mail("Spring", **OUT),
        mail("(광고) Spring", List_Unsubscribe="<mailto:out@a.b>"),
    ):
        with pytest.raises(ForbiddenError):
            client.send(bare)
    passed = client.send(mail("(광고) Spring", **OUT))

    (received,) = double.requests
    assert (passed.status_code, received.json()["headers"]) == (202, OUT)
    refused = [each.decision.determining for each in policykit_decisions]
    assert refused == [("one-click-out",), ("label",), ("one-click-out",), ()]


def test_a_text_leaves_with_its_way_out_or_not_at_all(shop, double, policykit_decisions):
    client = Client("AC1", "token")
    client.api.base_url = double.url
    told = {"to": "+33612345678", "from_": "+33700000000", "status_callback": "https://acme.example/?campaign=spring"}

    with pytest.raises(TwilioRestException):
        client.messages.create(body="Spring. Buy now", **told)
    client.messages.create(body="Spring. Reply STOP to end", **told)

    assert ["Body=Spring.+Reply+STOP+to+end" in each.body.decode() for each in double.requests] == [True]
    assert [each.decision.determining for each in policykit_decisions] == [("way-out",), ()]


class _Known(credentials.Base):
    def get_credential(self) -> Credentials:
        return Credentials("access")


@pytest.fixture
def app(double, monkeypatch) -> Iterator[firebase_admin.App]:
    monkeypatch.setattr(messaging._MessagingService, "FCM_URL", double.url + "/v1/projects/{0}/messages:send")
    app = firebase_admin.initialize_app(_Known(), {"projectId": "acme"}, name="promises")
    yield app
    firebase_admin.delete_app(app)


def test_a_mail_in_place_of_a_push_carries_the_headers_of_its_campaign(shop, double, app, policykit_decisions):
    data = {"campaign": "spring", "unsubscribe_url": "https://acme.example/u/7"}
    push = messaging.Message(token="t1", notification=messaging.Notification("Spring", "Spring"), data=data)

    messaging.send(push, app=app)

    (received,) = double.requests
    assert received.path == "/v3/mail/send"
    assert received.json()["headers"] == {**OUT, "List-Unsubscribe": "<https://acme.example/u/7>"}
    assert received.json()["subject"] == "(광고) Spring"
    assert [each.effect for each in policykit_decisions] == ["replaced"]
