"""What is made of a message: other words, another instant, a message of our own, an answer in Twilio's place."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest
from policykit.adapters.base import Outcome, Replacement, Settings
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.errors import UnsupportedRewrite, UsageError

from policykit_twilio import TwilioAdapter

TWILIO = TwilioAdapter()
ACCOUNT, SERVICE = "AC" + "0123456789abcdef" * 2, "MG" + "0123456789abcdef" * 2
URL = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
NOW = 1_795_770_000_000_000  # 2026-11-27T09:00:00Z
MINUTE = 60_000_000
SETTINGS = Settings(
    {"auth_token": "token-of-settings"},
    {
        "account_sid": ACCOUNT,
        "from": "+15005550006",
        "whatsapp_from": "+15005550007",
        "base_url": "http://127.0.0.1:1/",
    },
)


def message(body: bytes) -> OutgoingRequest:
    return OutgoingRequest("POST", URL, (("Content-Length", str(len(body))),), body)


def test_a_rewrite_leaves_nothing_of_the_person_and_keeps_who_where_and_which_campaign():
    request = message(
        b"To=%2B33612345678&From=%2B15005550006&Body=Hi+Ada&MediaUrl=https%3A%2F%2Fa.example%2Fada.jpg"
        b"&MessageIntent=marketing&StatusCallback=https%3A%2F%2Fa.example%2F%3Fcampaign%3Dspring"
    )

    new = TWILIO.rewrite(request, {"body": "Hi & welcome"})

    assert new.form() == [
        ("To", "+33612345678"), ("From", "+15005550006"), ("MessageIntent", "marketing"),
        ("StatusCallback", "https://a.example/?campaign=spring"), ("Body", "Hi & welcome"), ("SendAsMms", "true"),
    ]  # fmt: skip
    assert new.header("Content-Length") == str(len(new.body))


def test_a_template_of_an_sms_is_replaced_by_text():
    new = TWILIO.rewrite(message(b"To=%2B33612345678&ContentSid=HX1&ContentVariables=%7B%7D"), {"body": "Hello"})

    assert new.form() == [("To", "+33612345678"), ("Body", "Hello")]


def test_an_approved_template_of_whatsapp_is_not_rewritten():
    with pytest.raises(UnsupportedRewrite, match="approved"):
        TWILIO.rewrite(message(b"To=whatsapp%3A%2B33612345678&ContentSid=HX1"), {"body": "Hello"})


@pytest.mark.parametrize(
    ("minutes", "possible"), [(14, False), (15, True), (35 * 24 * 60, True), (35 * 24 * 60 + 1, False), (-5, False)]
)
def test_twilio_schedules_from_15_minutes_to_35_days_ahead(minutes, possible):
    request = message(b"To=%2B33612345678&MessagingServiceSid=" + SERVICE.encode())
    at = NOW + minutes * MINUTE

    if possible:
        assert TWILIO.read(TWILIO.schedule(request, at, NOW))[0].at == at
    else:
        with pytest.raises(UnsupportedRewrite, match="15 minutes to 35 days"):
            TWILIO.schedule(request, at, NOW)


def test_without_a_messaging_service_there_is_no_schedule():
    with pytest.raises(UnsupportedRewrite, match="no messaging service"):
        TWILIO.schedule(message(b"To=%2B33612345678&From=%2B15005550006"), NOW + 60 * MINUTE, NOW)


def test_an_instant_between_two_seconds_is_never_sooner():
    request = message(b"To=%2B33612345678&MessagingServiceSid=" + SERVICE.encode())

    new = TWILIO.schedule(request, NOW + 60 * MINUTE + 1, NOW)

    assert dict(new.form())["SendAt"] == "2026-11-27T10:00:01Z"


@pytest.mark.parametrize(
    ("channel", "form"),
    [
        ("sms", {"To": "+33612345678", "From": "+15005550006", "Body": "Hello"}),
        ("mms", {"To": "+33612345678", "From": "+15005550006", "Body": "Hello", "SendAsMms": "true"}),
        ("whatsapp", {"To": "whatsapp:+33612345678", "From": "whatsapp:+15005550007", "Body": "Hello"}),
    ],
)
def test_a_message_is_composed_for_each_channel(channel, form):
    made = TWILIO.compose(Replacement(channel, "+33612345678", {"body": "Hello"}), SETTINGS)

    assert dict(made.form()) == form
    assert made.url == f"http://127.0.0.1:1/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    kind, token = (made.header("Authorization") or "").split()
    assert (kind, b64decode(token).decode()) == ("Basic", f"{ACCOUNT}:token-of-settings")


def test_a_messaging_service_is_taken_before_a_number_and_can_schedule():
    settings = Settings(SETTINGS.credentials, {**SETTINGS.options, "messaging_service": SERVICE})

    made = TWILIO.compose(Replacement("sms", "+33612345678", {"body": "Hello"}, at=NOW), settings)

    assert dict(made.form()) == {
        "To": "+33612345678", "MessagingServiceSid": SERVICE, "Body": "Hello", "SendAt": "2026-11-27T09:00:00Z",
        "ScheduleType": "fixed",
    }  # fmt: skip


def test_an_api_key_is_taken_before_the_accounts_token():
    settings = Settings({**SETTINGS.credentials, "api_key": "SK1", "api_secret": "secret"}, SETTINGS.options)

    made = TWILIO.authorise(message(b"To=1"), settings)

    assert b64decode((made.header("Authorization") or "").split()[1]) == b"SK1:secret"


@pytest.mark.parametrize(
    ("credentials", "options", "said"),
    [
        ({"auth_token": "t"}, {"from": "+1"}, "providers.twilio.account_sid"),
        ({}, {"account_sid": ACCOUNT, "from": "+1"}, "providers.twilio.credentials.auth_token"),
        ({"api_key": "SK1"}, {"account_sid": ACCOUNT, "from": "+1"}, "providers.twilio.credentials.api_secret"),
        ({"auth_token": "t"}, {"account_sid": ACCOUNT}, "providers.twilio.from"),
    ],
)
def test_what_the_configuration_lacks_is_named(credentials, options, said):
    with pytest.raises(UsageError, match=said):
        TWILIO.compose(Replacement("sms", "+33612345678", {"body": "Hello"}), Settings(credentials, options))


def test_what_can_be_sent_is_what_twilio_has():
    with pytest.raises(UnsupportedRewrite, match="no channel `email`"):
        TWILIO.compose(Replacement("email", "a@b.example", {"body": "Hello"}), SETTINGS)
    with pytest.raises(UnsupportedRewrite, match="messaging_service"):
        TWILIO.compose(Replacement("sms", "+33612345678", {"body": "Hello"}, at=NOW), SETTINGS)


def test_no_repr_shows_account_number_or_words():
    made = TWILIO.compose(Replacement("sms", "+33612345678", {"body": "Hello Ada"}), SETTINGS)
    shown = f"{made!r} {TWILIO.read(made)!r} {SETTINGS!r}"

    assert not [
        text
        for text in (ACCOUNT[2:], "33612345678", "Ada", "token-of")
        if text in shown.replace(repr(SETTINGS.options), "")
    ]


def test_a_refusal_has_twilios_shape_and_a_code_nobody_acts_on():
    request = message(b"To=%2B33612345678&Body=Hello")
    refused = [Outcome(accepted=False, id="pk-1", reason="quiet-hours: not now (pk-1)")]

    answer = TWILIO.answer(request, TWILIO.read(request), refused)

    assert (answer.status, answer.json()) == (
        403,
        {"code": 403, "message": "quiet-hours: not now (pk-1)", "status": 403,
         "more_info": "https://www.twilio.com/docs/errors/403"},
    )  # fmt: skip


def test_a_success_in_twilios_place_has_the_decision_for_an_id():
    request = message(b"To=%2B33612345678&From=%2B15005550006&Body=Hello")

    answer = TWILIO.answer(request, TWILIO.read(request), [Outcome(accepted=True, id="pk-1")])

    held = answer.json()
    assert (answer.status, held["sid"], held["status"], held["to"]) == (201, "pk-1", "queued", "+33612345678")
    assert TWILIO.receipts(answer, TWILIO.read(request)) == ("pk-1",)


def test_who_asks_for_xml_is_answered_in_xml():
    request = OutgoingRequest("POST", URL.removesuffix(".json"), (), b"To=%2B33612345678")
    refused = [Outcome(accepted=False, id="pk-1", reason="no <b> & no")]

    answer = TWILIO.answer(request, TWILIO.read(request), refused)

    assert answer.header("Content-Type") == "application/xml"
    assert b"<RestException><Code>403</Code><Message>no &lt;b&gt; &amp; no</Message>" in answer.body


@pytest.mark.parametrize(
    ("answer", "receipt"),
    [
        (Answer(201, body=b'{"sid": "SM1"}'), "SM1"),
        (Answer(201, body=b'{"sid": 1}'), None),
        (Answer(201, body=b"\xff"), None),
        (Answer(400, body=json.dumps({"code": 21610, "sid": "SM1"}).encode()), None),
    ],
)
def test_the_receipt_is_the_message_sid(answer, receipt):
    send = TWILIO.read(message(b"To=%2B33612345678"))

    assert TWILIO.receipts(answer, send) == (receipt,)
