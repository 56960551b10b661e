"""The house itself: its tools find nothing, and nothing stands where it has no room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOP = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "policykit", "plugins", "policies", "tests"}


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: what is tracked cannot be known")
    return listed.stdout.splitlines()


def test_the_top_level_is_exactly_what_the_design_lists():
    top = {path.split("/")[0] for path in _tracked() if not path.startswith(".")}

    assert top == TOP


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["lint-imports", "--no-cache"],
    ],
    ids=["ruff", "format", "mypy", "floors"],
)
def test_the_tools_find_nothing(words):
    tool = Path(sys.executable).parent / words[0]

    ran = subprocess.run([str(tool), *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_readme_names_exactly_two_commands_that_set_everything_up():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()

    commands = [line for line in lines if line.startswith("python3 -m venv")]

    assert len(commands) == 2
    assert "policykit dry-run basket" in commands[0]
    assert "pytest" in commands[1]
