"""Twilio's webhooks, signed by Twilio's own validator, and the words people say stop with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest
from policykit.adapters.base import Settings
from policykit.adapters.events import Event, Incoming
from policykit.errors import EventRefused, UsageError
from twilio.request_validator import RequestValidator

from policykit_twilio import TwilioEvents
from policykit_twilio.stop import says_stop

TOKEN, SHARED = "12345", "shared-67890"
URL = "https://acme.example/webhooks/twilio?campaign=spring"
NOW = 1_772_442_000_000_000
STOP = {"MessageSid": "SM1", "From": "+33600000001", "To": "+33900000000", "Body": "Stop"}
FAILED = {"MessageSid": "SM2", "MessageStatus": "undelivered", "To": "+33600000001", "From": "+33900000000"}
SETTINGS = Settings({"auth_token": TOKEN, "webhook_secret": SHARED})


def signed(fields: Mapping[str, str], url: str = URL, token: str = TOKEN, algorithm: str | None = None) -> Incoming:
    signature = RequestValidator(token).compute_signature(url, fields, algorithm)
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("x-twilio-signature", signature)]
    if algorithm:
        headers.append(("X-Twilio-Webhooks-Signature-Settings", f"key=webhooks_sharedkey_1, algorithm={algorithm}"))
    return Incoming(tuple(headers), urlencode(fields).encode(), URL)


def read(incoming: Incoming, settings: Settings = SETTINGS) -> tuple[Event, ...]:
    return TwilioEvents().read(incoming, settings, NOW)


def test_a_reply_that_says_stop_is_an_event():
    incoming = signed(STOP)

    (event,) = read(incoming)

    assert TwilioEvents().claims(incoming)
    assert (event.kind, event.channel, event.address, event.campaign, event.at) == (
        "stop", "sms", "+33600000001", "spring", NOW,
    )  # fmt: skip
    assert read(signed(STOP)) == (event,)
    assert "33600000001" not in repr(event)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({**STOP, "Body": "hello"}, None),
        ({**STOP, "Body": "yes please", "OptOutType": "STOP"}, "stop"),
        ({**STOP, "Body": "STOP", "OptOutType": "START"}, None),
        ({**STOP, "SmsStatus": "received"}, "stop"),
        ({**FAILED, "ErrorCode": "21610"}, "stop"),
        ({**FAILED, "ErrorCode": "30005"}, "bounce"),
        ({**FAILED, "ErrorCode": "30003"}, None),
        ({**FAILED, "ErrorCode": "30006"}, None),
        ({**FAILED, "MessageStatus": "delivered"}, None),
        ({**STOP, "MessageSid": ""}, None),
    ],
)
def test_what_takes_something_away_is_an_event(fields, expected):
    assert [event.kind for event in read(signed(fields))] == ([expected] if expected else [])


def test_a_reply_on_whatsapp_is_about_whatsapp():
    (event,) = read(signed({**STOP, "From": "whatsapp:+33600000001"}))

    assert (event.channel, event.address) == ("whatsapp", "whatsapp:+33600000001")


@pytest.mark.parametrize("fields", [{**STOP, "From": "rcs:+33600000001"},
                                    {**FAILED, "To": "rcs:+33600000001", "ErrorCode": "21610"}])  # fmt: skip
def test_a_text_that_went_by_rcs_is_a_text_to_that_number(fields):
    """A messaging service sends what was asked for as an SMS by RCS where it can, and the reply says so."""
    (event,) = read(signed(fields))

    assert (event.channel, event.address) == ("sms", "+33600000001")


@pytest.mark.parametrize("url", ["https://acme.example:443/webhooks/twilio?campaign=spring", URL])
def test_a_port_is_signed_or_not(url):
    assert len(read(signed(STOP, url))) == 1


def test_a_shared_key_signs_with_sha256():
    assert len(read(signed(STOP, token=SHARED, algorithm="HMAC_SHA256"))) == 1


def test_a_body_of_json_is_covered_by_its_hash():
    body = json.dumps({**FAILED, "ErrorCode": "21610"})
    url = f"{URL}&bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    headers = (("Content-Type", "application/json"),
               ("X-Twilio-Signature", RequestValidator(TOKEN).compute_signature(url, {})))  # fmt: skip
    assert RequestValidator(TOKEN).validate(url, body, headers[1][1])

    assert [event.kind for event in read(Incoming(headers, body.encode(), url))] == ["stop"]

    with pytest.raises(EventRefused):
        read(Incoming(headers, body.replace("33600000001", "33600000002").encode(), url))


@pytest.mark.parametrize(
    ("incoming", "why"),
    [
        (signed(STOP, token="another"), "signature"),
        (signed(STOP, url="https://evil.example/"), "signature"),
        (signed(STOP, token=TOKEN, algorithm="HMAC_SHA256"), "signature"),
        (Incoming(signed(STOP).headers, urlencode({**STOP, "From": "+33600000002"}).encode(), URL), "signature"),
        (Incoming(signed(STOP).headers, signed(STOP).body, URL.replace("spring", "autumn")), "signature"),
        (Incoming((("X-Twilio-Signature", "ü"),), signed(STOP).body, URL), "signature"),
        (Incoming((), signed(STOP).body, URL), "unsigned"),
        (Incoming(signed(STOP).headers, b"\xff=1", URL), "unreadable"),
        (Incoming((*signed(STOP).headers, ("X-Twilio-Webhooks-Signature-Settings", "algorithm=MD5")), b"", URL),
         "signature"),
    ],
)  # fmt: skip
def test_what_twilio_did_not_sign_is_refused(incoming, why):
    with pytest.raises(EventRefused) as raised:
        read(incoming)

    assert raised.value.why == why
    assert "33600000001" not in str(raised.value)


@pytest.mark.parametrize(
    ("incoming", "settings", "says"),
    [
        (signed(STOP), Settings(), "no credential `auth_token`"),
        (signed(STOP, token=SHARED, algorithm="HMAC_SHA256"), Settings({"auth_token": TOKEN}), "`webhook_secret`"),
        (Incoming(signed(STOP).headers, signed(STOP).body), SETTINGS, "which was not given"),
    ],
)
def test_what_is_missing_is_told(incoming, settings, says):
    with pytest.raises(UsageError, match=says):
        read(incoming, settings)


@pytest.mark.parametrize("text", [
    "STOP", "stop", " Stop. ", "stop!!!", "STOP please", "Stop texting me", "unsubscribe", "Quit", "END", "cancel",
    "opt out", "Opt-Out", "OPTOUT", "stop all", "STOPALL", "revoke", "arrêt", "ARRET", "Désabonner", "baja", "ALTO",
    "Abmelden", "stopp", "afmelden", "SAIR", "Отписаться", "退订", "停止", "수신거부",
    "बंद करें", "\uff53\uff54\uff4f\uff50", "توقف", "remove me", "no more", "Please stop",
    "pls, STOP texting me", "Cancel please", "Hi, unsubscribe thanks", "please remove me", "Bitte abmelden",
    "baja por favor",
])  # fmt: skip
def test_stop_is_understood(text):
    assert says_stop(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "yes",
        "When does it end?",
        "I did not cancel",
        "the end",
        "nonstop",
        "ret my order",
        "🙂",
        "0",
        "thank you",
        "please don't stop",
        "hello",
        "please cancel my order",
    ],
)
def test_other_replies_are_no_stop(text):
    assert not says_stop(text)
