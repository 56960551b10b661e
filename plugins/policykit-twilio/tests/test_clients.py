"""Real clients between policykit's guards and a server on loopback: what each sees, and what the server saw."""

from __future__ import annotations

import policykit
import pytest
import requests
from policykit.testing import Double
from policykit.testing.recordings import read_recording
from twilio.base.exceptions import TwilioRestException

from . import record

BECAUSE = "Nothing leaves today."
STOP = {
    "policykit.yaml": "mode: enforce\n",
    "policies/stop.yaml": (
        f"policies:\n  - {{id: stop, kind: rule, forbid: 'true', on_breach: block, because: {BECAUSE}}}\n"
    ),
}
OPEN = {"policykit.yaml": "mode: enforce\n", "policies/none.yaml": "policies: []\n"}
CLIENTS = {name: send for name, (_, send) in record.CLIENTS.items()}
SDK = [name for name, (client, _) in record.CLIENTS.items() if client == "twilio"]

# twilio 9.13 calls aiohttp 3.14 by old names; Apprise 2.2 imports what Python 3.13 no longer has.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]


@pytest.mark.parametrize("name", CLIENTS)
def test_what_is_allowed_leaves_once_as_it_was_recorded(name, policykit_workspace, policykit_decisions):
    with Double() as plain:
        CLIENTS[name](plain.url)
    policykit_workspace(OPEN)

    with Double() as guarded:
        CLIENTS[name](guarded.url)

    (before,), (after,) = plain.requests, guarded.requests
    assert (after.method, after.path, after.body) == (before.method, before.path, before.body)
    assert [each.effect for each in policykit_decisions] == ["passed"]


@pytest.mark.parametrize("name", CLIENTS)
def test_a_recording_is_what_its_client_sends_today(name):
    recorded = read_recording(record.HERE / f"{name}.http").request

    with Double() as double:
        CLIENTS[name](double.url)

    sent = double.requests[0].as_sent_to("https://api.twilio.com")
    assert (sent.method, sent.url, sent.body) == (recorded.method, recorded.url, recorded.body)


@pytest.mark.parametrize("name", SDK)
def test_the_sdk_raises_its_own_refusal_with_our_reason(name, policykit_workspace, policykit_decisions):
    policykit_workspace(STOP)

    with Double() as double, pytest.raises(TwilioRestException) as error:
        CLIENTS[name](double.url)

    assert double.requests == []
    assert (error.value.status, error.value.code) == (403, 403)
    assert BECAUSE in error.value.msg
    assert policykit.decision_of(error.value) == policykit_decisions[0]


def test_a_request_by_hand_gets_a_403(policykit_workspace):
    policykit_workspace(STOP)

    with Double() as double, pytest.raises(requests.HTTPError) as error:
        record.by_requests(double.url)

    assert double.requests == []
    assert BECAUSE in error.value.response.json()["message"]


def test_apprise_says_it_failed(policykit_workspace):
    policykit_workspace(STOP)

    with Double() as double, pytest.raises(AssertionError):
        record.by_apprise(double.url)

    assert double.requests == []
