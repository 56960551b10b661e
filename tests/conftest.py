"""What tests of several rooms share: the command line in process, one demo workspace, the size of laws."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from policykit.cli.main import main
from tests.examples import EVERYDAY


def pytest_configure(config: pytest.Config) -> None:
    """The everyday run tries laws with fewer examples; any other run tries them all."""
    if config.option.markexpr == "not slow":
        settings.register_profile(EVERYDAY, settings())
        settings.load_profile(EVERYDAY)


@dataclass(frozen=True)
class Ran:
    """How a command line ended."""

    code: int
    out: str
    err: str


def run_command(*words: str, columns: int = 100, stdin: bytes = b"") -> Ran:
    """Runs one command line in this process, as if its output went to a file."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    width = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = main(list(words))
    finally:
        sys.stdin = before
        os.environ.pop("COLUMNS") if width is None else os.environ.__setitem__("COLUMNS", width)
    return Ran(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def policykit() -> Callable[..., Ran]:
    return run_command


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace that `init` makes, with few people. Tests read it; what changes it copies it first."""
    folder = tmp_path_factory.mktemp("demo") / "shop"
    ran = run_command("init", str(folder), "--people", "2000")
    assert ran.code == 0, ran.err
    return folder


@pytest.fixture(scope="session")
def demo_report(policykit: Callable[..., Ran], demo: Path) -> Callable[[str], dict[str, Any]]:
    """What a dry run of one of the demo's campaigns says with `--json`, run once each."""

    @cache
    def report(campaign: str) -> dict[str, Any]:
        ran = policykit("dry-run", campaign, "--workspace", str(demo), "--known-at", DEMO_KNOWN_AT, "--json")
        assert ran.code == (1 if campaign == "draft" else 0), ran.err
        found: dict[str, Any] = json.loads(ran.out)
        return found

    return report


@pytest.fixture
def workspace(tmp_path: Path) -> Callable[[dict[str, str | bytes]], Path]:
    """Writes a small workspace that is right, with the files given put over it; the folder comes back."""

    def make(files: dict[str, str | bytes]) -> Path:
        root = tmp_path / "shop"
        for name, content in {**SMALL, **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return make


DEMO_KNOWN_AT = "2026-11-25T09:00:00Z"
SMALL: dict[str, str | bytes] = {
    "policykit.yaml": "mode: enforce\npolicies: [policies/]\n",
    "policies/registry.yaml": (
        "attributes:\n"
        "  - {id: basket, disclosed_as: what is in your basket, origin: observed, sensitivity: behavioural,\n"
        "     collected_for: [marketing.communications]}\n"
    ),
    "policies/adults.yaml": (
        "policies:\n"
        "  - id: adults-only\n"
        "    kind: rule\n"
        "    forbid: recipient.age < 18\n"
        "    on_breach: block\n"
        "    because: Children are not for sale.\n"
    ),
    "policies/adults.cases.yaml": (
        'now: "2026-03-02T10:00:00+01:00"\n'
        "given: {send: {channel: email, message_class: marketing}}\n"
        "cases:\n"
        "  - {case: a child, policy: adults-only, given: {recipient: {age: 12}}, expect: {breached: rule.breached}}\n"
        "  - {case: an adult, policy: adults-only, given: {recipient: {age: 40}}, expect: {met: true}}\n"
        "  - {case: who knows, policy: adults-only, expect: {unknown: [recipient.age]}}\n"
    ),
    "campaigns/spring.yaml": (
        "campaign: spring\n"
        "purpose: marketing.communications\n"
        "audience: {from: data/people.csv, selected_by: []}\n"
        'send: {at: "2026-03-02T10:00:00+01:00"}\n'
        'channels: {email: {provider: sendgrid, subject: Spring, body: "Hello"}}\n'
    ),
    "data/people.csv": "id,age,zone,address.email\np1,30,Europe/Paris,a@example.com\np2,12,,b@example.com\np3,,,\n",
}
