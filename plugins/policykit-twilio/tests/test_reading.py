"""What a form is read as: channels, schedules, slots, and everything that cannot be read."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policykit.adapters.wire import OutgoingRequest
from policykit.errors import UnreadableSend
from policykit.sends import Send

from policykit_twilio import TwilioAdapter

TWILIO = TwilioAdapter()
SERVICE = "MG" + "0123456789abcdef" * 2
URL = "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json"
NINE = 1_795_770_000_000_000  # 2026-11-27T09:00:00Z


def form(*fields: tuple[str, str], **named: str) -> OutgoingRequest:
    body = urlencode([*fields, *named.items()]).encode()
    return OutgoingRequest("POST", URL, (("Content-Type", "application/x-www-form-urlencoded"),), body)


def read(*fields: tuple[str, str], **named: str) -> Send:
    (send,) = TWILIO.read(form(*fields, **named))
    return send


@pytest.mark.parametrize(
    ("fields", "channel", "address"),
    [
        ({"To": "+33612345678"}, "sms", "+33612345678"),
        ({"To": "0033 6 12 34 56 78"}, "sms", "+33612345678"),
        ({"To": "whatsapp:+33612345678"}, "whatsapp", "+33612345678"),
        ({"To": "whatsapp:+33612345678", "MediaUrl": "https://a.example/b.jpg"}, "whatsapp", "+33612345678"),
        ({"To": "+33612345678", "MediaUrl": "https://a.example/b.jpg"}, "mms", "+33612345678"),
        ({"To": "+33612345678", "SendAsMms": "true"}, "mms", "+33612345678"),
        ({"To": "+33612345678", "SendAsMms": "false", "MediaUrl": ""}, "sms", "+33612345678"),
    ],
)
def test_the_recipient_says_the_channel(fields, channel, address):
    send = read(**fields)

    assert (send.channel, send.address) == (channel, address)


def test_media_may_come_several_times():
    fields = [("To", "+33612345678"), ("MediaUrl", "https://a.example/1"), ("MediaUrl", "https://a.example/2")]

    assert read(*fields).channel == "mms"


@pytest.mark.parametrize("intent", ["otp", "notifications", "MARKETING", "marketing", "", None])
def test_only_the_stricter_intent_is_believed(intent):
    send = read(To="+33612345678", **({} if intent is None else {"MessageIntent": intent}))

    assert send.message_class == ("marketing" if intent in ("marketing", "MARKETING") else None)
    assert send.slots.get("MessageIntent") == ((intent,) if intent else None)


def test_slots_are_those_an_application_sets():
    send = read(
        To="+33612345678",
        MessagingServiceSid=SERVICE,
        StatusCallback="https://a.example/cb?campaign=spring&team=a&team=b#c",
    )

    assert send.slots == {
        "MessagingServiceSid": (SERVICE,),
        "StatusCallback.campaign": ("spring",),
        "StatusCallback.team": ("a", "b"),
    }


def test_variables_of_a_template_are_values_of_the_person():
    send = read(
        To="+33612345678", ContentSid="HX1", ContentVariables='{"1": "Ada", "2": 3, "3": {"a": null, "b": [1]}}'
    )

    assert (dict(send.values), dict(send.content)) == ({"1": "Ada", "2": "3", "3.b.0": "1"}, {})


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"SendAt": "2026-11-27T09:00:00Z", "ScheduleType": "fixed", "MessagingServiceSid": SERVICE}, NINE),
        ({"SendAt": "2026-11-27T10:00:00+01:00", "ScheduleType": "fixed", "From": SERVICE}, NINE),
        ({"SendAt": "2026-11-27T09:00:00Z", "ScheduleType": "fixed", "From": "+15005550006"}, None),
        ({"SendAt": "2026-11-27T09:00:00Z", "MessagingServiceSid": SERVICE}, None),
    ],
    ids=["service", "service as sender", "no service: at once", "no schedule type: at once"],
)
def test_a_schedule_counts_where_twilio_counts_it(fields, at):
    assert read(To="+33612345678", **fields).at == at


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ([("Body", "Hello")], "it names no recipient"),
        ([("To", "")], "it names no recipient"),
        ([("To", "camille")], "its recipient is no phone number"),
        ([("To", "+33612345678,+33612345679")], "its recipient is no phone number"),
        ([("To", "+33612345678"), ("To", "+33612345679")], "it has several values for `To`"),
        ([("To", "messenger:1234567")], "its recipient is on a channel that policykit does not know"),
        ([("To", "rcs:+33612345678")], "its recipient is on a channel that policykit does not know"),
        ([("To", "+33612345678"), ("ContentVariables", "[1]")], "`ContentVariables` is no JSON object"),
        ([("To", "+33612345678"), ("ContentVariables", "{" * 9000)], "`ContentVariables` is no JSON"),
        ([("To", "+33612345678"), ("MessagingServiceSid", SERVICE), ("ScheduleType", "fixed"), ("SendAt", "soon")],
         "`SendAt` is no instant"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(fields, why):
    with pytest.raises(UnreadableSend) as error:
        read(*fields)

    assert (error.value.adapter, error.value.why) == ("twilio", why)


FIELDS = (
    "To",
    "Body",
    "MediaUrl",
    "ContentVariables",
    "SendAt",
    "ScheduleType",
    "MessagingServiceSid",
    "StatusCallback",
)
TEXTS = st.text() | st.sampled_from(("+33612345678", "whatsapp:+33612345678", "https://[a/?b=c", "fixed", "{}"))


def read_or_said(body: bytes) -> Send | UnreadableSend:
    """The send, or the one error that reading may raise."""
    try:
        (send,) = TWILIO.read(OutgoingRequest("POST", URL, (), body))
    except UnreadableSend as error:
        return error
    return send


@given(st.dictionaries(st.sampled_from(FIELDS), TEXTS))
def test_any_form_is_read_or_said_to_be_unreadable(fields):
    found = read_or_said(urlencode(fields, errors="surrogatepass").encode())

    assert found.adapter == "twilio" if isinstance(found, UnreadableSend) else found.address


@given(st.binary(min_size=6))
def test_no_error_quotes_the_bytes_it_could_not_read(body):
    found = read_or_said(body)

    assert isinstance(found, UnreadableSend)
    assert repr(body)[2:-1] not in str(found)


def test_thirty_megabytes_are_read():
    send = read(To="+33612345678", Body="x" * 30_000_000)

    assert len(send.content["body"]) == 30_000_000


@pytest.mark.parametrize(
    ("method", "path", "claimed"),
    [
        ("POST", "/2010-04-01/Accounts/AC1/Messages.json", True),
        ("POST", "/2010-04-01/Accounts/AC1/Messages", True),
        ("POST", "/gateway/2010-04-01/Accounts/AC1/Messages.json", True),
        ("POST", "/2010-04-01/Accounts/AC1/SMS/Messages.json", True),
        ("GET", "/2010-04-01/Accounts/AC1/Messages.json", False),
        ("POST", "/2010-04-01/Accounts/AC1/Messages/SM1.json", False),
        ("POST", "/2010-04-01/Accounts/AC1/Calls.json", False),
        ("POST", "/v1/Messages.json", False),
    ],
)
def test_sends_are_told_by_method_and_path_on_any_host(method, path, claimed):
    for host in ("https://api.twilio.com", "https://api.dublin.ie1.twilio.com", "http://127.0.0.1:8080"):
        assert TWILIO.claims(OutgoingRequest(method, host + path)) is claimed
