"""Sends that were put off, at the command line: listed, delivered when due, judged again as they leave."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

import policykit as kit
from policykit.language.spans import parse_instant
from policykit.stores.open import open_store
from policykit.testing.double import Double

QUIET = """
policies:
  - id: evenings-are-theirs
    kind: quiet_hours
    for: {channel: push}
    require: {local_time: [{days: mon-sun, from: "08:00", to: "20:00"}]}
    on_breach: {downgrade: {send_at: next_allowed}}
    because: Nobody wants to be woken.
    ends: "2026-03-31"
"""
# Night in Paris. The policy has ended when a command is run, by the clock of this machine.
NIGHT = parse_instant("2026-03-02T22:00:00+01:00") or 0


@pytest.fixture
def double():
    with Double() as server:
        yield server


@pytest.fixture
def shop(workspace, double, monkeypatch) -> Path:
    """FCM has no schedule of its own, so what is to wait waits here."""
    monkeypatch.setenv("KEY_OF_THE_SHOP", "ya29.token")
    return workspace({
        "policykit.yaml": "mode: enforce\nstore: sqlite:///store.db\nproviders:\n"
                          "  fcm: {project: shop, credentials: {access_token: KEY_OF_THE_SHOP}, "
                          f'base_url: "{double.url}"}}\n',
        "policies/quiet.yaml": QUIET,
        "campaigns/spring.yaml": "campaign: spring\npurpose: marketing.communications\n"
                                 "audience: {from: data/people.csv, selected_by: []}\n"
                                 'send: {at: "2026-03-02T22:00:00+01:00", not_after: "2100-01-01T00:00:00Z"}\n'
                                 "channels: {push: {provider: fcm, body: Hello}}\n",
    })  # fmt: skip


@pytest.fixture
def put_off(shop, double) -> str:
    """The id of a push that came at night and waits for the morning."""
    body = {"message": {"token": "t1", "notification": {"body": "Hello"}}}
    with kit.install(shop, now=lambda: NIGHT):
        kit.record("people", [{"id": "ana", "age": 30, "zone": "Europe/Paris", "address.push": "t1"}])
        with kit.sending(campaign="spring") as sent:
            answer = requests.post(f"{double.url}/v1/projects/shop/messages:send", json=body, timeout=5)
    (decision,) = sent.decisions
    assert (answer.status_code, decision.effect) == (200, "put_off"), decision.reason
    assert double.requests == []
    return decision.id


def test_what_waits_is_listed_soonest_first(policykit, shop, put_off):
    ran = policykit("outbox", "list", "-w", str(shop))
    found = json.loads(policykit("outbox", "list", "--json", "-w", str(shop)).out)

    assert ran.out == f"2026-03-03 07:00:00 UTC  fcm        spring       {put_off}\n"
    assert found == [{"decision": put_off, "due": "2026-03-03T07:00:00+00:00", "provider": "fcm",
                      "campaign": "spring", "attempts": 0}]  # fmt: skip


def test_nothing_waiting_says_so(policykit, shop):
    assert policykit("outbox", "list", "-w", str(shop)).out == "nothing waits\n"
    assert policykit("outbox", "run", "-w", str(shop)).out == "0 sent, 0 refused, 0 put off again\n"


def test_what_is_due_is_judged_again_and_delivered_once(policykit, shop, put_off, double):
    first = policykit("outbox", "run", "--json", "-w", str(shop))
    second = policykit("outbox", "run", "--json", "-w", str(shop))

    (arrived,) = double.requests
    assert json.loads(first.out) == {"sent": 1, "refused": 0, "again": 0}
    assert json.loads(second.out) == {"sent": 0, "refused": 0, "again": 0}
    assert dict(arrived.headers)["Authorization"] == "Bearer ya29.token"
    assert json.loads(arrived.body)["message"]["notification"] == {"body": "Hello"}


def test_a_campaign_held_meanwhile_is_not_delivered(policykit, shop, put_off, double):
    policykit("hold", "spring", "--because", "a wrong price", "-w", str(shop))

    ran = policykit("outbox", "run", "-w", str(shop))

    assert ran.out == "0 sent, 1 refused, 0 put off again\n"
    assert double.requests == []
    assert policykit("outbox", "list", "-w", str(shop)).out == "nothing waits\n"


def test_a_person_who_refuses_meanwhile_gets_nothing(policykit, shop, put_off, double):
    (shop / "policies" / "refusals.yaml").write_text(
        "policies:\n  - {id: no-is-no, kind: consent, forbid: {refused_for: [purpose, everything]}, on_breach: block}\n"
    )
    store = open_store("sqlite:///store.db", shop)
    store.write("consents", [{"person": "ana", "status": "withdrawn", "channel": "*", "at": "2026-03-02T21:30:00Z"}])
    store.close()

    assert policykit("outbox", "run", "-w", str(shop)).out == "0 sent, 1 refused, 0 put off again\n"
    assert double.requests == []


@pytest.mark.slow
def test_watching_delivers_as_sends_become_due_and_ends_when_interrupted(shop, put_off):
    words = [sys.executable, "-m", "policykit", "outbox", "run", "--watch", "--every", "0.1", "-w", str(shop)]
    watching = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    store = open_store("sqlite:///store.db", shop)
    end = time.monotonic() + 20
    while len(store.last(10)) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    watching.send_signal(2)

    _, err = watching.communicate(timeout=20)

    assert (watching.returncode, err) == (130, "interrupted\n")
    assert len(store.last(10)) == 2
    store.close()
