"""Words in policies that no manifest spells that way: a policy that stays silent is said."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import run_command

POLICIES = """
policies:
  - {id: not-now, kind: rule, for: {campaign: sprnig}, forbid: "true", on_breach: block, because: b}
  - {id: not-them, kind: rule, forbid: "send.provider in ['sendgird', 'fcm']", on_breach: block, because: b}
"""
CAMPAIGN = """
campaign: spring
purpose: marketing.communications
audience: {selected_by: []}
channels:
  email: {provider: sendgrid, body: Hello}
"""


def test_a_campaign_or_provider_misspelt_in_a_policy_is_said(tmp_path: Path) -> None:
    for name, content in {"policykit.yaml": "mode: audit\n", "policies/p.yaml": POLICIES,
                          "campaigns/spring.yaml": CAMPAIGN}.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")

    ran = run_command("check", "--workspace", str(tmp_path), columns=200)

    assert ran.code == 0
    assert "no manifest names the campaign `sprnig`; did you mean `spring`?" in ran.out
    assert "no manifest names the provider `sendgird`; did you mean `sendgrid`?" in ran.out
    assert "`fcm`" not in ran.out
