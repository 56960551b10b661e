"""Asking without sending: `judge`, and `decision_of` for whatever a client raised or returned."""

from __future__ import annotations

import json

import pytest
import requests

import policykit
from policykit.cli.main import main
from policykit.sends import Send


def _spring(address: str, **more: object) -> Send:
    return Send("email", "sendgrid", address, {"html": "<p>Hello</p>"}, **more)  # type: ignore[arg-type]


def test_judge_says_what_would_be_decided_and_leaves_no_trace(shop, grown_up):
    it = policykit.install(shop)
    grown_up()

    found = [policykit.judge(_spring(f"{name}@example.com"), campaign="spring") for name in ("ana", "ben")]

    assert [(str(each.verdict), each.because) for each in found] == [
        ("allow", {}), ("block", {"adults-only": "Children are not for sale."}),
    ]  # fmt: skip
    assert (it.store.last(10), list(it.store.rows("history"))) == ((), [])


def test_judge_works_without_guards(shop, grown_up, monkeypatch):
    monkeypatch.chdir(shop)
    grown_up()

    assert str(policykit.judge(_spring("ben@example.com"), campaign="spring").verdict) == "block"
    assert not policykit.status().installed


def test_judge_takes_the_campaign_from_the_block_it_stands_in(shop, grown_up):
    policykit.install(shop)
    grown_up()

    with policykit.sending(campaign="spring"):
        found = policykit.judge(_spring("ana@example.com"))

    assert (found.campaign, str(found.verdict)) == ("spring", "allow")


def test_a_named_person_who_is_not_at_the_address_is_judged_as_well(shop, grown_up):
    policykit.install(shop)
    grown_up()

    found = policykit.judge(_spring("ana@example.com"), campaign="spring", person="ben")

    assert (str(found.verdict), found.conflict) == ("block", ("context.person",))


def test_a_refusal_leads_to_its_decision(shop, double, grown_up):
    policykit.install(shop)
    grown_up()
    body = {
        "personalizations": [{"to": [{"email": "ben@example.com"}]}], "from": {"email": "shop@example.com"},
        "subject": "Spring", "content": [{"type": "text/plain", "value": "Hello"}], "categories": ["spring"],
    }  # fmt: skip

    answer = requests.post(f"{double.url}/v3/mail/send", json=body, timeout=5)

    found = policykit.decision_of(answer)
    assert found is not None
    assert (answer.status_code, found.campaign, found.effect) == (403, "spring", "refused")
    assert policykit.decision_of(found.id) == found
    assert found.id in answer.text


def test_a_decision_of_another_process_is_read_from_the_log(shop, send, grown_up, monkeypatch):
    it = policykit.install(shop)
    grown_up()
    send("ben@example.com")
    wanted = json.loads(it.store.last(1)[0].line)["id"]
    policykit.uninstall()
    monkeypatch.chdir(shop)

    found = policykit.decision_of(f"HTTP 403: no ({wanted})")

    assert found is not None
    assert found.id == wanted


@pytest.mark.parametrize("thing", [None, 7, "nothing of ours", ValueError("pk-no"), "pk-00000000000000000000"])
def test_what_no_decision_stands_behind_gives_none(thing, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert policykit.decision_of(thing) is None


def test_a_hold_stops_the_next_send_and_a_release_lets_it_go(shop, send, grown_up):
    policykit.install(shop)
    grown_up()
    words = ["--workspace", str(shop)]

    before = send("ana@example.com")
    assert main(["hold", "spring", "--because", "the price is wrong", *words]) == 0
    held = send("ana@example.com")
    assert main(["release", "spring", *words]) == 0
    after = send("ana@example.com")

    assert (before, held, after) == (202, 403, 202)
