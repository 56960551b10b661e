"""A newcomer's first hour: what README shows is what comes out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _block(language: str, number: int) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[number]


def _in_order(shown: list[str], real: list[str]) -> list[str]:
    """Lines of `shown` that do not come in `real`, in the same order."""
    rest = iter(real)
    return [line for line in shown if line.strip() != "..." and line not in rest]


@pytest.fixture(scope="module")
def summary(policykit, tmp_path_factory) -> str:
    """What README's first command prints, its last two steps run here."""
    steps = _block("sh", 0).strip().split(" && ")
    folder = tmp_path_factory.mktemp("first")
    before = Path.cwd()
    os.chdir(folder)
    try:
        made, run = (policykit(*step.split()[1:]) for step in steps[-2:])
    finally:
        os.chdir(before)
    assert (made.code, run.code) == (0, 0), made.err + run.err
    return run.out


def test_readmes_summary_is_the_real_one(summary):
    shown = _block("text", 0).splitlines()
    real = [line.rstrip() for line in summary.splitlines()]

    assert len(shown) > 20
    assert _in_order(shown, real) == []


def test_readmes_policy_is_one_that_works(policykit, workspace):
    root = workspace({"policies/push.yaml": _block("yaml", 0)})

    ran = policykit("check", "--workspace", str(root))

    assert ran.code == 0, ran.out
    assert len(_block("yaml", 0).splitlines()) <= 10


@pytest.mark.slow
def test_readmes_first_command_works_from_a_fresh_clone(tmp_path):
    clone = tmp_path / "clone"
    for name in ("pyproject.toml", "README.md", "LICENSE", "policykit", "policies"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            clone.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, clone / name)

    wide = {**os.environ, "COLUMNS": "100"}
    ran = subprocess.run(
        ["bash", "-c", _block("sh", 0)], cwd=clone, capture_output=True, text=True, env=wide, check=False
    )

    assert ran.returncode == 0, ran.stderr
    shown = _block("text", 0).splitlines()
    assert _in_order(shown, [line.rstrip() for line in ran.stdout.splitlines()]) == []
