"""Mistakes that let messages out of other engines, tried through the real loader: here none may pass.

Each is a policy file as somebody would write it and a send as somebody would describe it; what is
not said is unknown. Both engines must agree on every answer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policykit.assemble.workspace import Opened, open_workspace
from policykit.engine import Engine, reference_decide
from policykit.errors import InvalidPolicies, UsageError
from policykit.facts.given import read_given
from policykit.language.spans import parse_instant
from policykit.model import Changes, Decision, Impossible, Verdict

NOW = parse_instant("2026-03-02T10:00:00Z")
Open = Callable[[str], Opened]

REGISTRY = """
attributes:
  - {id: basket, disclosed_as: what is in your basket,
     category: user.behavior.purchase_history, origin: observed, collected_for: [marketing],
     sensitivity: behavioural}
  - {id: expecting, disclosed_as: that a child may be on the way,
     category: user.behavior, origin: inferred, collected_for: [marketing],
     sensitivity: special_category, inferred_from: [basket]}
facts:
  - {path: recipient.points, type: int, doc: points}
"""

SEND = {"channel": "push", "message_class": "marketing", "purpose": "marketing.communications", "uses": []}
RECIPIENT = {"zone": "Europe/Paris", "addresses": {"push": "t1", "email": "a@example.com"}}
GRANT = {
    "status": "given", "channel": "*", "purpose": "marketing.communications", "quality": "double_opt_in",
    "at": "2025-06-01T09:00:00Z",
}  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Open:
    """Writes the policies into a workspace of their own and opens it."""

    def write(policies: str) -> Opened:
        (tmp_path / "policykit.yaml").write_text("mode: enforce\n")
        (tmp_path / "policies").mkdir()
        (tmp_path / "policies" / "registry.yaml").write_text(REGISTRY)
        (tmp_path / "policies" / "policies.yaml").write_text("policies:\n" + policies)
        return open_workspace(tmp_path)

    return write


def decide(opened: Opened, **given: Any) -> Decision:
    """The decision of both engines for a send described as in a case."""
    assert NOW is not None
    described = {"send": SEND, "recipient": RECIPIENT, **given}
    read = read_given(opened.ruleset, opened.vocabulary, described, NOW)
    said = reference_decide(opened.ruleset, read.campaign, read.person, NOW, read.channel)
    assert Engine(opened.ruleset).decide(read.campaign, read.person, NOW, read.channel) == said
    return said


def blocked(policy: str, *, unknown: bool = False, **more: Any) -> Decision:
    return Decision(Verdict.BLOCK, determining=(policy,), undetermined=(policy,) if unknown else (), **more)


QUIET = """
  - {id: evenings, kind: quiet_hours, require: {local_time: [{from: "08:00", to: "21:00"}]}, on_breach: EFFECT}
"""


@pytest.mark.parametrize("zone", ["Mars/Base", "europe/paris", None])
def test_a_zone_nobody_knows_is_not_daytime(workspace: Open, zone: str | None) -> None:
    opened = workspace(QUIET.replace("EFFECT", "block"))

    decision = decide(opened, recipient={**RECIPIENT, "zone": zone})

    assert decision == blocked("evenings", unknown=True)


def test_a_send_that_cannot_be_put_off_for_want_of_a_zone_does_not_leave(workspace: Open) -> None:
    opened = workspace(QUIET.replace("EFFECT", "{downgrade: {send_at: next_allowed}}"))

    decision = decide(opened, recipient={**RECIPIENT, "zone": "Mars/Base"})

    assert decision == blocked("evenings", unknown=True, impossible="unknown_zone")


def test_a_cap_of_zero_is_not_no_cap(workspace: Open) -> None:
    opened = workspace("  - {id: none, kind: frequency, require: {at_most: 0, per: 7 days}, on_breach: block}\n")

    assert decide(opened, history=[]) == blocked("none")


def test_a_cap_without_a_history_is_not_zero_sends(workspace: Open) -> None:
    opened = workspace("  - {id: three, kind: frequency, require: {at_most: 3, per: 7 days}, on_breach: block}\n")

    assert decide(opened) == blocked("three", unknown=True)


@pytest.mark.parametrize(
    ("policy", "meant"),
    [
        ("{id: p, kind: data, forbid: {orgin: purchased}, on_breach: block}", "origin"),
        ("{id: p, kind: consent, for: {chanel: push}, require: {}, on_breach: block}", "channel"),
        ("{id: p, kind: consent, reqire: {quality: written}, on_breach: block}", "require"),
        ("{id: p, kind: rule, forbid: recipient.contry == 'FR', on_breach: block}", "recipient.country"),
        ("{id: p, kind: consent, forbid: {refused_for: [chanel]}, on_breach: block}", "channel"),
        ("{id: p, kind: frequency, require: {at_most: 3, per: {calendar: weak}}, on_breach: block}", "week"),
    ],
)
def test_a_misspelt_key_is_an_error_and_never_matches_everything(workspace: Open, policy: str, meant: str) -> None:
    with pytest.raises(InvalidPolicies) as raised:
        workspace(f"  - {policy}\n")

    assert f"did you mean `{meant}`" in str(raised.value)


CONSENT = """
  - {id: asked, kind: consent, require: {quality: {at_least: single_opt_in}, max_age: 24 months}, on_breach: block}
"""


def test_a_missing_consent_record_is_no_consent(workspace: Open) -> None:
    assert decide(workspace(CONSENT), consents=[]) == blocked("asked")


def test_a_missing_ledger_is_no_consent(workspace: Open) -> None:
    assert decide(workspace(CONSENT)) == blocked("asked", unknown=True)


@pytest.mark.parametrize(
    "grant",
    [
        {**GRANT, "expires_at": "2026-03-02T10:00:00Z"},
        {**GRANT, "at": "2024-03-02T10:00:00Z"},
        {**GRANT, "expires_at": "never"},
        {**GRANT, "channel": None},
        {**GRANT, "at": "yesterday"},
    ],
    ids=["expires now", "too old by nothing", "unreadable end", "names no channel", "unreadable time"],
)
def test_an_expired_or_unreadable_grant_is_no_consent(workspace: Open, grant: dict[str, Any]) -> None:
    assert decide(workspace(CONSENT), consents=[grant]) == blocked("asked")


def test_the_same_grant_a_moment_younger_is_consent(workspace: Open) -> None:
    decision = decide(workspace(CONSENT), consents=[{**GRANT, "at": "2024-03-02T10:00:00.000001Z"}])

    assert decision.verdict is Verdict.ALLOW


SECRETS = """
  - {id: no-secrets, kind: data, forbid: {origin: inferred, sensitivity: special_category}, on_breach: EFFECT}
"""


@pytest.mark.parametrize(("effect", "why"), [("block", None), ("{downgrade: {uses: strip}}", "selected_attribute")])
def test_a_person_picked_by_a_sensitive_inference_is_not_written_to(
    workspace: Open, effect: str, why: Impossible | None
) -> None:
    opened = workspace(SECRETS.replace("EFFECT", effect))
    picked = [{"attribute": "expecting", "recited": False, "selected": True, "strippable": False}]

    decision = decide(opened, send={**SEND, "uses": picked, "generic": {"uses": picked}})

    assert decision == blocked("no-secrets", impossible=why)


def test_a_send_whose_uses_nobody_states_may_use_anything(workspace: Open) -> None:
    opened = workspace(SECRETS.replace("EFFECT", "{downgrade: {uses: strip}}"))

    decision = decide(opened, send={key: value for key, value in SEND.items() if key != "uses"})

    assert decision == blocked("no-secrets", unknown=True, impossible="unknown_uses")


@pytest.mark.parametrize(
    "claim",
    [
        {"campaign": "transactional"},
        {"message_class": None},
        {"purpose": "essential.service.notifications"},
        {"provider": "transactional"},
    ],
)
def test_a_send_that_only_looks_transactional_is_marketing(workspace: Open, claim: dict[str, Any]) -> None:
    opened = workspace(CONSENT)

    assert decide(opened, send={**SEND, **claim}, consents=[]) == blocked("asked")


@pytest.mark.parametrize("claim", ["Transactional", "transactional ", "transaction", "any", True])
def test_a_class_that_does_not_exist_is_refused(workspace: Open, claim: object) -> None:
    opened = workspace(CONSENT)

    with pytest.raises(UsageError):
        decide(opened, send={**SEND, "message_class": claim}, consents=[])


@pytest.mark.parametrize(
    "condition",
    [
        "recipient.points * 9223372036854775807 < 0",
        "recipient.points - (-9223372036854775807) < 0",
        "recipient.age < 18",
        "send.at - recipient.last_purchase_at > duration('24h')",
        "recipient.points > 5 ? recipient.age < 18 : recipient.age < 16",
    ],
)
@pytest.mark.parametrize("demand", ["forbid", "require"])
def test_a_condition_that_cannot_be_worked_out_does_not_pass(workspace: Open, condition: str, demand: str) -> None:
    opened = workspace(f'  - {{id: odd, kind: rule, {demand}: "{condition}", on_breach: block}}\n')

    decision = decide(opened, recipient=RECIPIENT, facts={"recipient.points": 2})

    assert decision == blocked("odd", unknown=True)


def test_refused_push_but_allowed_email_gets_the_email(workspace: Open) -> None:
    opened = workspace("""
  - {id: asked, kind: consent, require: {}, on_breach: {downgrade: {channel: less_intrusive}}}
  - {id: not-here, kind: consent, forbid: {refused_for: channel}, on_breach: {downgrade: {channel: less_intrusive}}}
  - {id: final, kind: consent, forbid: {refused_for: [purpose, everything]}, on_breach: block}
""")
    refused = {
        "status": "refused",
        "channel": "push",
        "purpose": "marketing.communications",
        "at": "2026-01-05T09:00:00Z",
    }

    decision = decide(opened, consents=[GRANT, {**GRANT, "channel": "email", "at": "2026-01-06T09:00:00Z"}, refused])

    assert decision == Decision(
        Verdict.DOWNGRADE, Changes(channel="email"), determining=("asked", "not-here"), channel="email", at=NOW
    )


def test_refused_everywhere_gets_nothing(workspace: Open) -> None:
    opened = workspace("""
  - {id: not-here, kind: consent, forbid: {refused_for: channel}, on_breach: {downgrade: {channel: less_intrusive}}}
  - {id: final, kind: consent, forbid: {refused_for: [purpose, everything]}, on_breach: block}
""")

    assert decide(opened, consents=[GRANT, {"status": "objected", "at": "2026-01-05T09:00:00Z"}]) == blocked("final")
