"""The separate package really installed: its policy checked, cased and dry-run from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

PACKAGE = Path(__file__).parent.parent / "plugin_kind"
Run: TypeAlias = Callable[..., str]

pytestmark = pytest.mark.slow

FILES = {
    "policykit.yaml": "mode: enforce\n",
    "policies/days.yaml": """
policies:
  - id: never-on-sunday
    kind: weekday
    forbid: {days: [sun]}
    on_breach: block
    because: Sunday is a day of rest.
  - id: strangers-by-email
    kind: rule
    forbid: "recipient.tier == 'none'"
    on_breach: {downgrade: {channel: [email]}}
    because: We do not push at people who hardly know us.
""",
    "policies/days.cases.yaml": """
now: "2026-03-01T12:00:00Z"
given:
  send: {channel: push, purpose: marketing.communications, uses: []}
  recipient: {zone: Europe/Paris, tier: gold, addresses: {push: t1, email: a@example.com}}
cases:
  - {case: sunday, policy: never-on-sunday, expect: {breached: weekday.closed, verdict: block}}
  - {case: monday, policy: never-on-sunday, now: "2026-03-02T12:00:00Z", expect: {met: true}}
  - {case: nobody knows, policy: never-on-sunday, given: {recipient: {zone: null}}, expect: {unknown: [recipient.zone]}}
  - {case: stranger, policy: strangers-by-email, given: {recipient: {tier: none}}, expect: {changes: {channel: email}}}
  - {case: friend, policy: strangers-by-email, expect: {met: true}}
  - {case: who, policy: strangers-by-email, given: {recipient: {tier: null}}, expect: {unknown: [recipient.tier]}}
""",
    "campaigns/spring.yaml": """
campaign: spring
message_class: marketing
purpose: marketing.communications
audience: {from: data/people.csv, selected_by: []}
send: {at: "2026-03-01T23:30:00Z"}
channels:
  push: {provider: fcm, body: Spring is here}
  email: {provider: sendgrid, subject: Spring, body: Spring is here}
""",
    "data/people.csv": """
id,zone,tier,address.push,address.email
still-sunday,Europe/London,gold,t1,a@example.com
monday-there,Europe/Paris,gold,t2,b@example.com
stranger,Europe/Paris,none,t3,c@example.com
nowhere,,silver,t4,d@example.com
misread,Europe/Paris,platinum,t5,e@example.com
""",
}


def _install(target: Path, shop: Path) -> None:
    """The package where an installer puts it, and a workspace that uses it."""
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(PACKAGE)], check=True, capture_output=True, text=True)
    for name, text in FILES.items():
        path = shop / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.lstrip())


def _policykit(target: Path, shop: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(target)}
    command = [sys.executable, "-m", "policykit", *words]
    return subprocess.run(command, cwd=shop, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs `policykit` where the package is installed, in a workspace that uses it."""
    target, shop = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("shop")
    _install(target, shop)

    def command(*words: str) -> str:
        ran = _policykit(target, shop, *words)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    return command


def _json(text: str) -> Any:
    return json.loads(text)


def test_it_is_listed(run: Run) -> None:
    plugin = next(each for each in _json(run("plugins", "--json")) if each["distribution"] == "policykit-weekday")

    assert (plugin["kinds"], plugin["facts"], plugin["error"]) == (["weekday"], ["recipient.tier"], None)
    assert "never-on-sunday" in run("kinds", "weekday")
    assert "loyalty" in run("facts", "recipient.tier")


def test_its_policy_is_checked_and_cased(run: Run) -> None:
    assert "no problems" in run("check")
    assert "6 cases passed" in run("test")


def test_its_policy_is_dry_run(run: Run) -> None:
    """One person is blocked by the day, one for want of a zone; two go by email, one for an unreadable tier."""
    summary = _json(run("dry-run", "spring", "--json"))

    counts = {key: summary[key] for key in ("audience", "allowed", "downgraded", "blocked", "unknown", "moved")}
    assert counts == {
        "audience": 5, "allowed": 1, "downgraded": 2, "blocked": 2, "unknown": 2, "moved": {"email": 2},
    }  # fmt: skip
    assert {row["policy"]: (row["breached"], row["unknown"]) for row in summary["policies"]} == {
        "never-on-sunday": (2, 1),
        "strangers-by-email": (2, 1),
    }


@pytest.mark.parametrize(
    ("person", "story"),
    [
        ("still-sunday", "does not get `spring`.\nWhy: Sunday is a day of rest"),
        ("monday-there", "gets `spring` by push, as planned"),
        ("stranger", "gets `spring` by email instead of push"),
        ("nowhere", "does not get `spring`"),
        ("misread", "gets `spring` by email instead of push"),
    ],
)
def test_its_policy_is_explained(run: Run, person: str, story: str) -> None:
    assert f"{person} {story}" in run("explain", "spring", person)


def test_what_needs_a_plugin_that_fails_says_so(tmp_path: Path) -> None:
    target, shop = tmp_path / "site", tmp_path / "shop"
    shop.mkdir()
    _install(target, shop)
    (target / "policykit_weekday.py").write_text("raise RuntimeError('needs another version')\n")

    ran = _policykit(target, shop, "check")

    assert ran.returncode == 3
    assert ran.stdout.startswith(
        "warning: plugin `weekday` of `policykit-weekday` could not be used: RuntimeError: needs another version\n"
    )
    assert "policies/days.yaml:3:11: unknown kind `weekday`" in ran.stdout
