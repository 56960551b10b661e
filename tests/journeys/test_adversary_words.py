"""Words in policies that no manifest spells that way: a policy that stays silent is said."""

from __future__ import annotations

import json
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
CASES = """
now: "2026-03-02T10:00:00Z"
given: {send: {channel: email}}
cases: [{case: c, policy: b, expect: {breached: true}}]
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


def test_policies_in_linked_folders_and_with_loud_endings_are_read(tmp_path: Path) -> None:
    policy = "policies: [{{id: {}, kind: rule, forbid: 'true', on_breach: block, because: b}}]\n"
    root, shared = tmp_path / "w", tmp_path / "shared"
    for path, content in (
        (root / "policykit.yaml", "mode: audit\n"),
        (root / "policies" / "a.YAML", policy.format("a")),
        (shared / "deep" / "b.yml", policy.format("b")),
        (
            shared / "B.Cases.YAML",
            CASES,
        ),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (root / "policies" / "company").symlink_to(shared)
    (shared / "round").symlink_to(root / "policies")

    ran = run_command("test", "--workspace", str(root), "--json", columns=200)

    assert ran.code == 0, ran.err
    assert sorted(each["policy"] for each in json.loads(ran.out)["coverage"]) == ["a", "b"]


def test_a_link_to_no_policy_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "policykit.yaml").write_text("mode: audit\n", encoding="utf-8")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "push.yaml").symlink_to(tmp_path / "nowhere.yaml")

    ran = run_command("check", "--workspace", str(tmp_path), columns=200)

    assert ran.code == 3
    assert "push.yaml" in ran.out + ran.err
