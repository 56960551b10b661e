"""What an app hears about its pushes, in policykit's own envelope."""

from __future__ import annotations

import json

import pytest
from policykit.adapters.base import Settings
from policykit.adapters.envelope import sign
from policykit.adapters.events import Incoming
from policykit.errors import EventRefused, UsageError

from policykit_fcm import FCMEvents

NOW = 1_772_442_000_000_000
SETTINGS = Settings({"events_secret": "s3cret"})
OFF = {"specversion": "1.0", "id": "1", "source": "app", "type": "policykit.push_disabled",
       "time": "2026-03-02T09:00:00Z", "data": {"address": "token-1"}}  # fmt: skip


def signed(raw: object, secret: str = "s3cret", provider: str = "fcm") -> Incoming:
    body, seconds = json.dumps(raw).encode(), str(NOW // 10**6)
    return Incoming((("X-Policykit-Signature", f"t={seconds},v1={sign(secret, seconds, body)}"),
                     ("X-Policykit-Provider", provider)), body)  # fmt: skip


def test_an_app_whose_pushes_were_switched_off_says_so():
    (event,) = FCMEvents().read(signed(OFF), SETTINGS, NOW)

    assert (event.kind, event.channel, event.address) == ("push_disabled", "push", "token-1")


@pytest.mark.parametrize(("provider", "expected"), [("fcm", True), ("app", False), ("twilio", False)])
def test_only_its_own_envelopes_are_claimed(provider, expected):
    assert FCMEvents().claims(signed(OFF, provider=provider)) is expected


def test_another_secret_is_refused():
    with pytest.raises(EventRefused):
        FCMEvents().read(signed(OFF, "another"), SETTINGS, NOW)


def test_a_secret_that_is_missing_is_told():
    with pytest.raises(UsageError, match=r"`providers\.fcm` has no credential `events_secret`"):
        FCMEvents().read(signed(OFF), Settings(), NOW)
