"""Eight processes of an application send the same person something at the same moment, under a cap of one.

Each process is guarded on its own and shares nothing with the others but the store. A round is one
person; every process waits at a barrier, then sends by its own session. The server counts.
"""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from collections.abc import Mapping
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
import requests

import policykit
from policykit.stores.sqlite import SQLiteStore
from policykit.testing.double import Double

pytestmark = pytest.mark.slow

PROCESSES, ROUNDS = 8, 1_000

WORKSPACE: Mapping[str, str] = {
    "policykit.yaml": "mode: enforce\nstore: sqlite:///store.db\n",
    "policies/caps.yaml": (
        "policies:\n"
        "  - id: one-a-week\n"
        "    kind: frequency\n"
        "    require: {at_most: 1, per: 7 days}\n"
        "    on_breach: block\n"
        "    because: One message a week is enough.\n"
    ),
    "campaigns/sale.yaml": (
        "campaign: sale\n"
        "purpose: marketing.communications\n"
        "audience: {selected_by: []}\n"
        "channels:\n"
        "  email: {provider: sendgrid, subject: Sale, text: Sale}\n"
    ),
}


def _body(person: int, sender: int) -> dict[str, object]:
    """A mail as SendGrid takes it; `sender` makes the bodies differ, so that none is a retry of another."""
    return {
        "personalizations": [{"to": [{"email": f"p{person}@example.com"}]}], "from": {"email": "shop@acme.example"},
        "subject": "Sale", "content": [{"type": "text/plain", "value": "Sale"}],
        "custom_args": {"campaign": "sale", "sender": str(sender)},
    }  # fmt: skip


def _send_every_round(workspace: Path, url: str, sender: int, start: Barrier, rounds: int, same_body: bool) -> None:
    policykit.install(workspace)
    with requests.Session() as session:
        for person in range(rounds):
            body = _body(person, 0 if same_body else sender)
            start.wait(60)
            answer = session.post(f"{url}/v3/mail/send", json=body, timeout=30)
            assert answer.status_code in (202, 403), answer.status_code
    policykit.uninstall()


def _race(workspace: Path, double: Double, rounds: int, *, same_body: bool) -> list[int | None]:
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(PROCESSES)
    racers = [
        spawn.Process(target=_send_every_round, args=(workspace, double.url, sender, start, rounds, same_body))
        for sender in range(PROCESSES)
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(400)
        racer.kill()
    return [racer.exitcode for racer in racers]


@pytest.mark.parametrize(("rounds", "same_body"), [(ROUNDS, False), (100, True)])
def test_a_cap_of_one_lets_exactly_one_pass(tmp_path, rounds, same_body):
    for name, text in WORKSPACE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    store = SQLiteStore(tmp_path / "store.db")
    store.write("people", [{"id": f"p{person}"} for person in range(rounds)])
    store.write("addresses", [{"person": f"p{person}", "channel": "email", "address": f"p{person}@example.com"}
                              for person in range(rounds)])  # fmt: skip

    with Double() as double:
        ended = _race(tmp_path, double, rounds, same_body=same_body)
        arrived = Counter(json.loads(each.body)["personalizations"][0]["to"][0]["email"] for each in double.requests)

    assert ended == [0] * PROCESSES
    assert arrived == {f"p{person}@example.com": 1 for person in range(rounds)}
    verified = store.verify()
    store.close()
    assert (verified.broken, verified.lines) == (None, rounds * PROCESSES)
