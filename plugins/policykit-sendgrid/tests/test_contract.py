"""The contract of adapters, held against what real clients send."""

from typing import Any

from policykit.adapters.base import Settings
from policykit.testing import AdapterContract

from policykit_sendgrid import SendGridAdapter

from .clients import KEY, sdk_one


class TestSendGrid(AdapterContract):
    adapter = SendGridAdapter()
    settings = Settings({"api_key": KEY}, {"from": "Acme <news@acme.example>"})

    def send(self, base_url: str) -> object:
        return sdk_one(base_url)

    def refused(self, thing: Any) -> str:
        return str(thing.to_dict["errors"][0]["message"])
