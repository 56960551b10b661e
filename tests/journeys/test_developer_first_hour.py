"""The first hour of a developer, from `init`: import, install, send, read the decision, change a policy, hold.

One walk, in order: each step stands on what the one before left. The application is what a shop has,
Twilio's own client and SendGrid's own client; the providers are one double on loopback.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from python_http_client.exceptions import ForbiddenError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Category, Mail
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

import policykit as kit
from policykit.language.spans import parse_instant
from policykit.testing.double import Double

AT = parse_instant("2026-11-25T10:00:00Z") or 0  # a Wednesday morning, before the campaign's consents end
RELATIONS = ("people", "addresses", "consents", "attributes", "history")
CAP = """policies:
  - id: nobody-hears-from-us-today
    kind: frequency
    require: {at_most: 0, per: 1 day}
    on_breach: block
    because: The shop is closed today.
"""


@pytest.fixture(scope="module")
def double() -> Iterator[Double]:
    with Double() as server:
        yield server


@pytest.fixture(scope="module")
def shop(policykit, tmp_path_factory, double) -> Path:
    """Step one: a workspace, whose providers are reached on loopback."""
    root: Path = tmp_path_factory.mktemp("first") / "shop"
    assert policykit("init", str(root), "--people", "300").code == 0
    config = root / "policykit.yaml"
    lines = [
        line.replace("  sendgrid: {", f'  sendgrid: {{base_url: "{double.url}", ')
        for line in config.read_text(encoding="utf-8").splitlines()
    ]
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture(scope="module", autouse=True)
def imported(policykit, shop) -> list[Any]:
    """Step two: what the company knows already, into the store."""
    mapped = {"people": ["--columns", "recipient.id=customer_no"]}
    ran = [policykit("import", relation, str(shop / f"data/{relation}.csv"), "-w", str(shop), *mapped.get(relation, ()))
           for relation in RELATIONS]  # fmt: skip
    assert [each.code for each in ran] == [0] * 5, [each.err for each in ran]
    return ran


@pytest.fixture
def installed(shop, monkeypatch) -> Iterator[Any]:
    """Step three: one line."""
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.of-the-shop")
    with kit.install(shop, now=lambda: AT) as it:
        yield it


@pytest.fixture
def people(shop) -> Callable[[str, str], list[str]]:
    """Addresses by channel of those for whom a campaign ends with a verdict, as a dry run says it."""

    def addresses(channel: str, verdict: str) -> list[str]:
        with (shop / "data/addresses.csv").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["channel"] == channel and row["address"]]
        sends = [(row["address"], kit.Send(channel, {"sms": "twilio"}.get(channel, "sendgrid"), row["address"]))
                 for row in rows]  # fmt: skip
        campaign = {"sms": "new-home", "email": "basket"}[channel]
        return [address for address, send in sends if str(kit.judge(send, campaign=campaign).verdict) == verdict]

    return addresses


def _mail(double: Double, address: str) -> Any:
    """The shop's own code: SendGrid's SDK, the campaign named where SendGrid keeps such things."""
    mail = Mail(from_email="news@acme.example", to_emails=address, subject="Your basket is waiting",
                html_content="<p>Your basket is waiting.</p>")  # fmt: skip
    mail.add_category(Category("basket"))
    return SendGridAPIClient("SG.of-the-shop", host=double.url).send(mail)


def _text(double: Double, number: str) -> Any:
    """The shop's own code: Twilio's client."""
    client = Client("AC00000000000000000000000000000000", "token-of-the-shop")
    client.api.base_url = double.url
    return client.messages.create(to=number, from_="+99900000000", body="Moving? A month of data is on us.")


def test_importing_says_what_was_new(imported):
    assert imported[0].out == "people: 300 rows, 300 new or changed, 0 known already\n"
    assert all(" 0 known already" in each.out for each in imported)


@pytest.mark.slow
def test_a_dry_run_on_the_store_needs_no_files(policykit, shop):
    known = ("--known-at", "2026-11-25T10:00:00Z", "--json", "-w", str(shop))

    stored = json.loads(policykit("dry-run", "basket", "--store", *known).out)
    filed = json.loads(policykit("dry-run", "basket", *known).out)

    assert {key: stored[key] for key in ("audience", "allowed", "downgraded", "blocked")} == {
        key: filed[key] for key in ("audience", "allowed", "downgraded", "blocked")
    }


def test_an_allowed_mail_arrives_and_a_blocked_one_never_does(installed, people, double):
    allowed, blocked = people("email", "allow")[0], people("email", "block")[0]
    before = len(double.requests)

    answer = _mail(double, allowed)
    with pytest.raises(ForbiddenError) as refused:
        _mail(double, blocked)

    arrived = double.requests[before:]
    decision = kit.decision_of(refused.value)
    assert answer.status_code == 202
    assert [allowed in each.body.decode() for each in arrived] == [True]
    assert decision is not None
    assert (str(decision.verdict), decision.effect, decision.campaign) == ("block", "refused", "basket")
    assert decision.reason in refused.value.body.decode()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_blocked_text_is_twilios_own_exception_with_our_reason(installed, people, double):
    number = people("sms", "block")[0]
    before = len(double.requests)

    with kit.sending(campaign="new-home") as sent, pytest.raises(TwilioRestException) as refused:
        _text(double, number)

    (decision,) = sent.decisions
    assert double.requests[before:] == []
    assert kit.decision_of(refused.value) == decision
    assert decision.reason in str(refused.value)
    assert number not in decision.reason


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_text_that_is_too_intrusive_arrives_as_a_mail(installed, people, double):
    """The campaign's own mail, through SendGrid, with the shop's key from the environment."""
    moved = [
        number for number in people("sms", "downgrade")
        if kit.judge(kit.Send("sms", "twilio", number), campaign="new-home").decision.channel == "email"
    ]  # fmt: skip
    before = len(double.requests)

    with kit.sending(campaign="new-home") as sent:
        message = _text(double, moved[0])

    (arrived,) = double.requests[before:]
    (decision,) = sent.decisions
    mail = json.loads(arrived.body)
    assert (arrived.path, mail["subject"]) == ("/v3/mail/send", "A month of data is on us")
    assert dict(arrived.headers)["Authorization"] == "Bearer SG.of-the-shop"
    assert (decision.effect, decision.decision.changes.channel) == ("replaced", "email")
    assert message.sid


def test_every_decision_can_be_read_at_the_command_line(policykit, installed, people, double, shop):
    with pytest.raises(ForbiddenError) as refused:
        _mail(double, people("email", "block")[0])
    decision = kit.decision_of(refused.value)
    assert decision is not None

    shown = policykit("decisions", "show", decision.id, "-w", str(shop))
    tail = policykit("decisions", "tail", "-n", "1", "-w", str(shop))

    assert shown.code == 0
    assert "block; the send was refused" in shown.out
    assert decision.id in tail.out
    assert policykit("decisions", "verify", "-w", str(shop)).code == 0


@pytest.mark.slow
def test_a_changed_policy_is_obeyed_by_the_next_send_of_a_running_process(installed, people, double, shop):
    allowed = people("email", "allow")[1]
    closed = shop / "policies" / "closed.yaml"
    assert _mail(double, people("email", "allow")[2]).status_code == 202

    closed.write_text(CAP.replace("frequency", "frequenzy"), encoding="utf-8")
    assert _within(5.0, lambda: bool(kit.status().refused))
    still_open = _mail(double, people("email", "allow")[3]).status_code
    closed.write_text(CAP, encoding="utf-8")
    assert _within(5.0, lambda: kit.status().loads > 1)
    with pytest.raises(ForbiddenError) as refused:
        _mail(double, allowed)
    closed.unlink()

    assert still_open == 202
    assert "The shop is closed today." in refused.value.body.decode()


def test_a_campaign_on_hold_is_refused_and_goes_on_after_its_release(policykit, installed, people, double, shop):
    allowed = people("email", "allow")
    words = ("-w", str(shop))

    assert policykit("hold", "basket", "--because", "the price is wrong", *words).code == 0
    with pytest.raises(ForbiddenError) as refused:
        _mail(double, allowed[4])
    assert policykit("release", "basket", *words).code == 0
    after = _mail(double, allowed[4])

    assert "campaign `basket` is on hold: the price is wrong" in refused.value.body.decode()
    assert after.status_code == 202


def test_a_withdrawal_recorded_by_the_shop_is_obeyed_at_once(installed, people, double, shop):
    address = people("email", "allow")[5]
    with (shop / "data/addresses.csv").open(newline="", encoding="utf-8") as file:
        person = next(row["person"] for row in csv.DictReader(file) if row["address"] == address)

    kit.record("consents", [{"person": person, "status": "withdrawn", "channel": "*", "purpose": "*",
                             "at": "2026-11-25T09:59:00Z"}])  # fmt: skip
    with pytest.raises(ForbiddenError) as refused:
        _mail(double, address)

    decision = kit.decision_of(refused.value)
    assert decision is not None
    assert "refusal-is-final" in decision.because


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return holds()
