"""Data as real exports have it: nothing that cannot be read passes as fine, and nothing of it ends in a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import run_command

POLICIES = """
policies:
  - {id: not-in-france, kind: rule, for: {recipient.country: FR}, forbid: "true", on_breach: block, because: b}
  - {id: they-said-no, kind: consent, forbid: {refused_for: [purpose, everything, channel]}, on_breach: block,
     because: b}
attributes:
  - {id: basket, origin: observed, category: user.behavior, collected_for: [marketing]}
"""
CAMPAIGN = """
campaign: c
purpose: marketing.communications
audience: {from: people.csv, consents: consents.csv, selected_by: []}
send: {at: "2026-11-27T10:00:00Z"}
channels:
  email: {subject: Hi, body: Hello}
"""
PEOPLE = "id,country,address.email\n1,DE,a@example.com\n2,DE,b@example.com\n"
CONSENTS = "person,status,channel,purpose,at\n1,given,*,*,2025-01-01T00:00:00Z\n2,refused,*,*,2025-01-01T00:00:00Z\n"

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def dry(tmp_path: Path) -> Run:
    """Dry-runs a small workspace with some of its files replaced; what it says as plain data."""

    def _run(policies: str = "", **files: str) -> dict[str, Any]:
        written = {
            "policykit.yaml": "mode: enforce\n", "policies/p.yaml": POLICIES, "campaigns/c.yaml": CAMPAIGN,
            "people.csv": PEOPLE, "consents.csv": CONSENTS,
            **({"policies/more.yaml": policies} if policies else {}),
            **{f"{name}.csv": content for name, content in files.items()},
        }  # fmt: skip
        for name, content in written.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, encoding="utf-8")
        ran = run_command("dry-run", "c", "--workspace", str(tmp_path), "--known-at", "2026-11-26T00:00:00Z", "--json")
        assert ran.code in (0, 2), ran.err
        return json.loads(ran.out) if ran.code == 0 else {"problems": ran.err}

    return _run


def verdicts(said: dict[str, Any]) -> tuple[int, int]:
    return said["allowed"], said["blocked"]


@pytest.mark.parametrize("country", ["fr", "France", "FRA", " FR", "UK", "XX", "FR\u200b"])
def test_what_is_no_country_may_be_every_country(dry: Run, country: str) -> None:
    said = dry(people=PEOPLE.replace("1,DE", f"1,{country}"))

    assert verdicts(said) == (0, 2)
    assert said["unknown"] == 1
