"""README's live example: a refused text and a push that arrives as an email, with nothing leaving the machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import policykit
from policykit.demo.library import library_path
from policykit.demo.write import write_demo

pytest.importorskip("twilio")

ROOT = Path(__file__).parent.parent.parent
SECTION = (ROOT / "README.md").read_text(encoding="utf-8").split("## Hold real sends")[1].split("\n## ")[0]


def _block(language: str, number: int = 0) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)[number]


@pytest.mark.slow
def test_readmes_live_example_says_what_readme_shows(tmp_path):
    # The command's last step, by this interpreter: the first installs what the tests have.
    words = _block("sh").strip().split(" && ")[-1].replace(".venv/bin/", "").split()
    commands = Path(sys.executable).parent
    subprocess.run([commands / "policykit", "init", tmp_path / "demo", "--people", "100"], check=True)

    ran = subprocess.run(
        [commands / words[0], *words[1:]], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == _block("text")


def test_readmes_live_program_is_the_demos():
    program = (ROOT / "policykit/demo/workspace/shop.py").read_text(encoding="utf-8")

    assert _block("python").strip() in program


def test_readmes_test_for_applications_passes(tmp_path, monkeypatch, policykit_workspace, policykit_decisions):
    from twilio.base.exceptions import TwilioRestException
    from twilio.rest import Client

    def send_the_newsletter(to: str) -> None:
        with policykit.sending(campaign="new-home"):
            Client("AC" + "0" * 32, "token").messages.create(to=to, from_="+15005550006", body="News")

    write_demo(tmp_path / "demo", library_path(), people=1)
    monkeypatch.chdir(tmp_path)
    names = {"policykit": policykit, "pytest": pytest, "TwilioRestException": TwilioRestException,
             "send_the_newsletter": send_the_newsletter}  # fmt: skip
    exec(_block("python", 1), names)  # README's own words

    names["test_who_said_no_gets_no_newsletter"](policykit_workspace, policykit_decisions)  # type: ignore[operator]
