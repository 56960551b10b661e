"""What tests of several rooms share: the command line in process, and one demo workspace."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from policykit.cli.main import main


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
