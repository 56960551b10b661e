"""README's live example: a refused text and a push that arrives as an email, with nothing leaving the machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("twilio")

ROOT = Path(__file__).parent.parent.parent
SECTION = (ROOT / "README.md").read_text(encoding="utf-8").split("## Hold real sends")[1].split("\n## ")[0]


def _block(language: str) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)[0]


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
