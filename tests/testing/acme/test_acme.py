"""The reference adapter keeps every law."""

from __future__ import annotations

from typing import Any

import requests
from policykit.adapters.base import Settings
from policykit.testing import AdapterContract

from policykit_acme import AcmeAdapter


class AcmeError(Exception):
    def __init__(self, said: str) -> None:
        super().__init__(said)


class AcmeClient:
    """What stands for Acme's own SDK: tries a second time when the server is unwell."""

    def __init__(self, base_url: str) -> None:
        self.url = f"{base_url}/acme/v1/messages"

    def send(self, *to: str, **mail: str) -> list[str]:
        body = {**mail, "to": [{"email": each} for each in to]}
        for attempt in (1, 2):
            headers = {"X-Acme-Key": "not-the-real-key", "X-Attempt": str(attempt)}
            answer = requests.post(self.url, json=body, headers=headers, timeout=10)
            if answer.status_code < 500:
                break
        if answer.status_code >= 400:
            raise AcmeError(answer.json()["error"])
        return answer.json().get("ids", [])


class TestAcme(AdapterContract):
    adapter = AcmeAdapter()
    settings = Settings({"key": "key-of-the-settings"})

    def send(self, base_url: str) -> object:
        return AcmeClient(base_url).send("camille@example.com", subject="Hello", text="Boots are here")

    def refused(self, thing: Any) -> str:
        return str(thing)
