"""Offers end to end: what a dry run blends is blended in the mail that SendGrid is really given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

pytest.importorskip("sendgrid")

from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import CustomArg, Mail

from policykit.language.spans import parse_instant
from policykit.model import Changes
from policykit.testing.double import Double
from tests.conftest import run_command

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NOON = "2026-03-02T12:00:00Z"
POLICIES = """
policies:
  - id: half-is-for-everybody
    kind: offers
    require: {personalised: {at_most: 50%}}
    on_breach: {downgrade: {offers: blend}}
    because: When every offer fits, people see how closely we look.
  - id: nothing-private
    kind: data
    forbid: {sensitivity: {at_least: special_category}}
    when: recipient.customer
    on_breach: {downgrade: {uses: strip}}
attributes:
  - {id: basket, origin: observed, collected_for: [marketing], sensitivity: behavioural, disclosed_as: your basket}
  - {id: expecting, origin: inferred, collected_for: [marketing], sensitivity: behavioural, disclosed_as: your family}
"""
SPRING = """
campaign: spring
purpose: marketing.communications
audience:
  from: people.csv
  selected_by: []
send: {at: "2026-03-02T12:00:00Z"}
offers:
  show: 4
  personalised:
    - {id: crib, chosen_by: [expecting], reveals: special_category, text: A crib & a "mobile"}
    - {id: tent, chosen_by: [basket], text: A tent}
    - {id: mat, chosen_by: [basket], text: A mat}
    - {id: stove, chosen_by: [basket], text: A stove}
  general:
    - {id: tea, text: Tea}
    - {id: soap, text: Soap}
    - {id: lamp, text: A lamp}
channels:
  email:
    provider: sendgrid
    subject: "{{ offers.size }} offers"
    html: "<ul>{% for offer in offers %}<li id={{ offer.id }}>{{ offer.text }}</li>{% endfor %}</ul>"
"""
PEOPLE = {"ann": "false", "bob": "false", "cyd": "true"}


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as double:
        yield double


@pytest.fixture
def shop(policykit_workspace: Any, double: Double, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("A_KEY", "SG.policykits-own")
    sender = f"{{from: a@acme.example, credentials: {{api_key: A_KEY}}, base_url: '{double.url}'}}"
    rows = [f"{person},{customer},{person}@example.com" for person, customer in PEOPLE.items()]
    it = policykit_workspace(
        {
            "policykit.yaml": f"mode: enforce\nproviders: {{sendgrid: {sender}}}\n",
            "policies/all.yaml": POLICIES,
            "campaigns/spring.yaml": SPRING,
            "people.csv": "\n".join(["id,customer,address.email", *rows, ""]),
        },
        now=lambda: parse_instant(NOON) or 0,
    )
    for person, customer in PEOPLE.items():
        it.record("people", [{"id": person, "customer": customer == "true"}])
        it.record("addresses", [{"person": person, "channel": "email", "address": f"{person}@example.com"}])
    return it


def test_a_blended_mail_shows_what_the_dry_run_said(
    shop: Any, double: Double, policykit_decisions: Any, tmp_path: Path
) -> None:
    root, out = shop.root, tmp_path / "decisions.parquet"
    dry = run_command("dry-run", "spring", "--workspace", str(root), "--known-at", NOON, "--out", str(out), "--json")
    assert dry.code == 0, dry.err
    planned = duckdb.sql(f"SELECT recipient_id, blend, stripped FROM '{out}' ORDER BY row").fetchall()
    told = {person: explained(root, person) for person in PEOPLE}

    client = SendGridAPIClient("loopback", host=double.url)
    for person in PEOPLE:
        mail = Mail("a@acme.example", f"{person}@example.com", "All for you", html_content="crib, tent, mat, stove")
        mail.add_custom_arg(CustomArg("campaign", "spring"))
        client.send(mail)

    assert json.loads(dry.out)["blended"] == 3
    assert planned == [("ann", 2, None), ("bob", 2, None), ("cyd", 2, "expecting")]
    assert [record.decision.changes for record in policykit_decisions] == [
        Changes(strip=(stripped,) if stripped else (), blend=blend) for _, blend, stripped in planned
    ]
    assert {person: offers_of(call) for person, call in zip(PEOPLE, double.requests, strict=True)} == told
    assert all(len(shown) == 4 for shown in told.values())
    assert "crib" not in told["cyd"]


def explained(root: Path, person: str) -> list[str]:
    """The offers that `explain` says the person's message shows."""
    ran = run_command("explain", "spring", person, "--workspace", str(root), "--known-at", NOON, "--json")
    assert ran.code == 0, ran.err
    offers: list[str] = json.loads(ran.out)["offers"]
    return offers


def offers_of(call: Any) -> list[str]:
    """Ids of the offers in a mail, in its order."""
    (html,) = (part["value"] for part in call.json()["content"] if part["type"] == "text/html")
    assert call.json()["subject"] == "4 offers"
    assert "<script" not in html
    return [item.split(">")[0] for item in html.split("<li id=")[1:]]
