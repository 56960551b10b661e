"""The contract of adapters, held against what real clients send."""

from typing import Any

import pytest
from policykit.adapters.base import Settings
from policykit.testing import AdapterContract

from policykit_fcm import FCMAdapter

from . import clients

pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated. Use .*fid:DeprecationWarning")


class TestFCM(AdapterContract):
    adapter = FCMAdapter()
    settings = Settings({"access_token": clients.TOKEN}, {"project": "acme-app"})

    def send(self, base_url: str) -> object:
        return clients.send(base_url)

    def refused(self, thing: Any) -> str:
        return str(thing)
