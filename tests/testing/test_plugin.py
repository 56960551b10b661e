"""The fixtures of the pytest plugin, on a workspace of YAML texts and on a folder."""

from __future__ import annotations

import subprocess
import sys

import pytest
import requests

from policykit.assemble import live
from policykit.model import Verdict
from policykit.testing.double import Double

STOP = {
    "policies/stop.yaml": (
        "policies:\n  - {id: stop, kind: rule, forbid: 'true', on_breach: block, because: Nothing leaves today.}\n"
    )
}


def mail(double: Double) -> requests.Response:
    """One email as SendGrid's API takes it."""
    body = {
        "personalizations": [{"to": [{"email": "camille@example.com"}]}], "from": {"email": "news@shop.example"},
        "subject": "Hello", "content": [{"type": "text/plain", "value": "Hello"}],
    }  # fmt: skip
    return requests.post(f"{double.url}/v3/mail/send", json=body, timeout=10)


def test_a_workspace_of_texts_guards_the_process(policykit_workspace, policykit_decisions):
    pytest.importorskip("policykit_sendgrid")
    policykit_workspace(STOP)

    with Double() as double:
        answer = mail(double)

    assert (answer.status_code, double.requests) == (403, [])
    (decision,) = policykit_decisions
    assert (decision.verdict, decision.because) == (Verdict.BLOCK, {"stop": "Nothing leaves today."})


def test_the_guards_are_off_when_the_test_is_over(policykit_workspace):
    workspace = policykit_workspace(STOP)
    assert live.installed() is workspace

    policykit_workspace.close()

    assert live.installed() is None


def test_a_folder_is_copied_and_its_store_left_alone(policykit_workspace, policykit_decisions, tmp_path):
    pytest.importorskip("policykit_sendgrid")
    shop = tmp_path / "shop"
    (shop / "policies").mkdir(parents=True)
    (shop / "policykit.yaml").write_text("mode: audit\nstore: sqlite:///kept.db\n")
    (shop / "policies/stop.yaml").write_text(STOP["policies/stop.yaml"])
    before = sorted(shop.rglob("*"))

    policykit_workspace(str(shop))
    with Double() as double:
        mail(double)

    assert sorted(shop.rglob("*")) == before
    assert [(each.mode, each.effect) for each in policykit_decisions] == [("audit", "passed")]


def test_the_mode_and_the_clock_may_be_given(policykit_workspace, policykit_decisions):
    pytest.importorskip("policykit_sendgrid")
    policykit_workspace(STOP, mode="audit", now=lambda: 1_795_860_000_000_000)

    with Double() as double:
        mail(double)

    assert [(each.mode, each.at) for each in policykit_decisions] == [("audit", 1_795_860_000_000_000)]


def test_one_test_may_use_several_workspaces(policykit_workspace, policykit_decisions):
    pytest.importorskip("policykit_sendgrid")
    with Double() as double:
        policykit_workspace(STOP)
        mail(double)
        policykit_workspace({"policies/none.yaml": "policies: []\n"})
        mail(double)

    assert [each.verdict for each in policykit_decisions] == [Verdict.BLOCK, Verdict.ALLOW]


def test_who_does_not_use_the_plugin_loads_nothing_of_policykit():
    look = "import sys, policykit.testing.plugin; print(*sorted(m for m in sys.modules if m.startswith('policykit')))"

    ran = subprocess.run([sys.executable, "-W", "error", "-c", look], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["policykit", "policykit.testing", "policykit.testing.plugin", "policykit.version"]
