"""Mistakes that let marketing pass elsewhere. Here none of them does, through the command line as people use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

REGISTRY = """
attributes:
  - {id: basket, disclosed_as: what is in your basket,
     origin: observed, category: user.behavior.purchase_history, collected_for: [marketing.communications]}
  - {id: expecting, disclosed_as: that a child may be on the way,
     origin: inferred, inferred_from: [basket], category: user.health_and_medical,
     sensitivity: special_category, collected_for: [marketing.communications]}
"""
CAMPAIGN = """
campaign: spring
purpose: marketing.communications
audience: {from: people.csv, addresses: addresses.csv, consents: consents.csv, history: history.csv, selected_by: [%s]}
send: {at: "2026-11-27T09:00:00Z"}
channels:
  push: {provider: fcm, body: Our spring range is here.}
  email: {provider: sendgrid, subject: Spring, text: Our spring range is here.}
"""
PERSON = "id,zone,age\nana,%s,30\n"
ADDRESSES = "person,channel,address\nana,push,t1\nana,email,ana@example.com\n"
CONSENTS = "person,status,channel,purpose,quality,at,expires_at\n"
BY_PUSH = "ana,given,push,marketing.communications,double_opt_in,2026-01-01T00:00:00Z,%s\n"
BY_EMAIL = "ana,given,email,marketing.communications,double_opt_in,2026-01-01T00:00:00Z,\n"
NO_PUSH = "ana,refused,push,*,,2026-02-01T00:00:00Z,\n"
HISTORY = "person,at,channel,message_class,campaign\n"

INVITED = "{id: invited, kind: consent, for: {channel: push}, require: {names: [channel]}, on_breach: %s}"


class Shop:
    """A workspace with one person, one campaign and one policy; every part can be given otherwise."""

    def __init__(self, folder: Path, policykit) -> None:
        self.folder, self.policykit = folder, policykit
        self.write("policykit.yaml", "mode: enforce\n")
        self.write("policies/registry.yaml", REGISTRY)
        self.write("campaigns/spring.yaml", CAMPAIGN % "")
        self.write("people.csv", PERSON % "Europe/Paris")
        self.write("addresses.csv", ADDRESSES)
        self.write("consents.csv", CONSENTS + BY_PUSH % "" + BY_EMAIL)
        self.write("history.csv", HISTORY)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def policy(self, text: str) -> None:
        self.write("policies/policy.yaml", f"policies:\n  - {text}\n")

    def fate(self) -> str:
        """What becomes of the message, and by which channel it goes."""
        ran = self.policykit("dry-run", "spring", "--workspace", str(self.folder), "--known-at", "2026-11-26T00:00:00Z",
                             "--json")  # fmt: skip
        assert ran.code == 0, ran.err
        found = json.loads(ran.out)
        (verdict,) = (name for name in ("allowed", "downgraded", "blocked") if found[name])
        return " ".join([verdict, *found["channels"]])


@pytest.fixture
def shop(tmp_path, policykit) -> Shop:
    return Shop(tmp_path, policykit)


def test_with_nothing_against_it_the_push_goes(shop) -> None:
    shop.policy(INVITED % "block")

    assert shop.fate() == "allowed push"


def test_refused_push_and_allowed_email_gets_the_email(shop) -> None:
    less = "{downgrade: {channel: less_intrusive}}"
    shop.policy(f"{{id: not-here, kind: consent, forbid: {{refused_for: channel}}, on_breach: {less}}}")
    shop.write("consents.csv", CONSENTS + BY_PUSH % "" + BY_EMAIL + NO_PUSH)

    assert shop.fate() == "downgraded email"


def test_a_missing_record_is_no_consent(shop) -> None:
    shop.policy(INVITED % "block")
    shop.write("consents.csv", CONSENTS)

    assert shop.fate() == "blocked"


def test_an_expired_grant_is_no_consent(shop) -> None:
    shop.policy(INVITED % "block")
    shop.write("consents.csv", CONSENTS + BY_PUSH % "2026-11-27T09:00:00Z")

    assert shop.fate() == "blocked"


def test_no_ledger_is_no_consent(shop) -> None:
    shop.policy(INVITED % "block")
    shop.write("campaigns/spring.yaml", (CAMPAIGN % "").replace(" consents: consents.csv,", ""))

    assert shop.fate() == "blocked"


def test_a_campaign_without_purpose_has_no_consent(shop) -> None:
    shop.policy(INVITED % "block")
    shop.write("campaigns/spring.yaml", (CAMPAIGN % "").replace("purpose: marketing.communications\n", ""))

    assert shop.fate() == "blocked"


@pytest.mark.parametrize(("zone", "effect"), [
    ("Mars/Base", "block"),
    ("Mars/Base", "{downgrade: {send_at: next_allowed}}"),
    ("europe/paris", "{downgrade: {send_at: next_allowed}}"),
    ("", "{downgrade: {send_at: next_allowed}}"),
])  # fmt: skip
def test_a_zone_nobody_knows_is_no_daytime(shop, zone, effect) -> None:
    hours = '{local_time: [{from: "00:00", to: "24:00"}]}'
    shop.policy(f"{{id: hours, kind: quiet_hours, require: {hours}, on_breach: {effect}}}")
    shop.write("people.csv", PERSON % zone)

    assert shop.fate() == "blocked"


def test_a_cap_of_zero_lets_nothing_pass(shop) -> None:
    shop.policy("{id: none, kind: frequency, require: {at_most: 0, per: 7 days}, on_breach: block}")

    assert shop.fate() == "blocked"


def test_a_person_picked_by_a_sensitive_guess_that_the_text_never_mentions(shop) -> None:
    guess = "{sensitivity: special_category, origin: inferred}"
    shop.policy(f"{{id: no-guesses, kind: data, forbid: {guess}, on_breach: block}}")
    shop.write("campaigns/spring.yaml", CAMPAIGN % "expecting")

    assert shop.fate() == "blocked"


def test_nobody_says_what_picked_the_people(shop) -> None:
    shop.policy("{id: no-guesses, kind: data, forbid: {sensitivity: special_category}, on_breach: block}")
    shop.write("campaigns/spring.yaml", (CAMPAIGN % "").replace(", selected_by: []", ""))

    assert shop.fate() == "blocked"


@pytest.mark.parametrize("condition", [
    "recipient.age * 9223372036854775807 > 0",
    "recipient.tolerance > 3",
    "attributes.basket == 'tea'",
    "send.address.shared",
    "recipient.age > 90 || recipient.tolerance > 3",
])  # fmt: skip
def test_a_condition_that_cannot_be_worked_out_lets_nothing_pass(shop, condition) -> None:
    shop.policy(f'{{id: doubt, kind: rule, forbid: "{condition}", on_breach: block}}')

    assert shop.fate() == "blocked"


@pytest.mark.parametrize("policy", [
    "{id: typo, kind: consent, for: {chanel: push}, require: {}, on_breach: block}",
    "{id: typo, kind: consent, require: {qualty: written}, on_breach: block}",
    "{id: typo, kind: frequency, require: {at_most: 3, per: 7 days, counting: {chanel: [push]}}, on_breach: block}",
    "{id: typo, kind: data, forbid: {origen: purchased}, on_breach: block}",
    '{id: typo, kind: rule, forbid: "recipient.contry == \'FR\'", on_breach: block}',
    "{id: typo, kind: consent, require: {}, on_breech: block}",
])  # fmt: skip
def test_a_misspelt_key_matches_nothing_because_it_is_an_error(shop, policy) -> None:
    shop.policy(policy)

    ran = shop.policykit("dry-run", "spring", "--workspace", str(shop.folder))

    assert ran.code == 3
    assert "did you mean" in ran.err
    assert "policies/policy.yaml:2:" in ran.err


def test_a_send_that_only_calls_itself_transactional_must_be_called_so_by_its_manifest(shop) -> None:
    """M13: people data cannot say it; only the manifest does, and an absent class is marketing."""
    shop.policy(INVITED % "block")
    shop.write("consents.csv", CONSENTS)
    header = "id,zone,age,message_class,send.message_class"
    shop.write("people.csv", f"{header}\nana,Europe/Paris,30,transactional,transactional\n")

    assert shop.fate() == "blocked"


@pytest.mark.parametrize(
    ("given", "fate"), [("2026-02-01T00:00:00Z", "blocked"), ("2026-02-01T00:00:01Z", "allowed push")]
)
def test_a_strong_grant_at_the_instant_of_a_refusal_stays_taken_back(shop, given, fate) -> None:
    """M6: a later grant lifts the refusal, but does not bring back what was granted no later than it."""
    shop.policy("{id: strong, kind: consent, require: {quality: {at_least: double_opt_in}}, on_breach: block}")
    strong = f"ana,given,push,marketing.communications,double_opt_in,{given},\n"
    lifting = "ana,given,push,marketing.communications,single_opt_in,2026-03-01T00:00:00Z,\n"
    shop.write("consents.csv", CONSENTS + strong + NO_PUSH.replace("*", "marketing.communications") + lifting)

    assert shop.fate() == fate


@pytest.mark.parametrize(("other", "fate"), [
    ("2026-11-20T09:00:00Z", "allowed push"), ("2026-11-20T09:00:01Z", "blocked"),
    ("2026-12-04T09:00:00Z", "allowed push"), ("2026-12-04T08:59:59Z", "blocked"),
])  # fmt: skip
@pytest.mark.parametrize("moment", ['{at: "2026-11-27T09:00:00Z"}', '{at: "2026-11-27T10:00", zone: recipient}'])
def test_a_send_exactly_a_window_away_does_not_count_before_or_after(shop, moment, other, fate) -> None:
    """M7: a rolling window counts sends nearer than its width, past and scheduled."""
    shop.policy("{id: gap, kind: frequency, require: {gap: 7 days}, on_breach: block}")
    shop.write("history.csv", f"{HISTORY}ana,{other},push,marketing,other\n")
    shop.write("campaigns/spring.yaml", (CAMPAIGN % "").replace('{at: "2026-11-27T09:00:00Z"}', moment))

    assert shop.fate() == fate
