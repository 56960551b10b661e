"""The adapter keeps the laws of every adapter."""

from __future__ import annotations

from typing import Any

from policykit.adapters.base import Settings
from policykit.testing import AdapterContract
from twilio.rest import Client

from policykit_twilio import TwilioAdapter

ACCOUNT = "AC" + "0123456789abcdef" * 2


class TestTwilio(AdapterContract):
    adapter = TwilioAdapter()
    secrets = (ACCOUNT,)
    settings = Settings(
        {"auth_token": "token-of-the-settings"},
        {"account_sid": ACCOUNT, "from": "+15005550006", "whatsapp_from": "+15005550007"},
    )

    def send(self, base_url: str) -> object:
        client = Client(ACCOUNT, "recorded-auth-token")
        client.api.base_url = base_url
        return client.messages.create(to="+33612345678", from_="+15005550006", body="Half price today")

    def refused(self, thing: Any) -> str:
        return str(thing.msg)
