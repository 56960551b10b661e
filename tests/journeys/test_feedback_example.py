"""README's view of a webhook, and the commands beside it, do what README says."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

import policykit
from policykit.cli.group import commands
from policykit.model import SECOND
from policykit.stores.base import Asked
from tests.feedback.signed import NOON, SECRET, WEBHOOK_KEY, app, mail, sendgrid, told

ROOT = Path(__file__).parent.parent.parent
SECTION = (ROOT / "README.md").read_text(encoding="utf-8").split("## Hear what people answer")[1].split("\n## ")[0]
CONFIG = """
policies: [policies/]
store: sqlite:///store.db
providers: {sendgrid: {credentials: {webhook_key: SENDGRID_WEBHOOK_KEY}}}
"""


def _block(language: str) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)[0]


@pytest.fixture
def shop(workspace, monkeypatch):
    monkeypatch.setenv("SENDGRID_WEBHOOK_KEY", WEBHOOK_KEY)
    monkeypatch.setenv("POLICYKIT_EVENTS_SECRET", SECRET)
    root = workspace({"policykit.yaml": CONFIG})
    monkeypatch.chdir(root)
    yield root
    policykit.uninstall()


def test_readmes_webhook_takes_events_in(shop):
    names: dict[str, object] = {}
    exec(_block("python"), names)  # README's own words
    headers, body = sendgrid([mail("spamreport")], at=int(time.time()) * SECOND)

    with policykit.install(shop) as it:
        answers = [
            names["webhook"](SimpleNamespace(headers=headers, body=each, url="https://acme.example/"))  # type: ignore[operator]
            for each in (body, body + b" ")
        ]
        known = it.store.known([Asked("email", "ana@example.com")], NOON)

    assert answers == [204, 401]
    assert known.suppressed == {("email", "ana@example.com")}


def test_readmes_commands_run(shop):
    headers, body = app(told("complaint", person="p1", campaign="spring"))
    line = {"headers": headers, "body": body.decode(), "received_at": "2026-03-02T11:00:00Z"}
    (shop / "webhooks.jsonl").write_text(json.dumps(line))
    lines = [line.partition("#")[0].split()[1:] for line in _block("sh").splitlines()]

    ran = [CliRunner().invoke(commands, line) for line in lines]

    assert [line[0] for line in lines] == ["feedback", "feedback", "dry-run"]
    assert [(each.exit_code, each.exception) for each in ran] == [(0, None)] * 3
    assert "consent objected" in ran[0].output
