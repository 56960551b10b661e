"""What a stranger gets: the command and the library of policies, from a wheel and an editable install alike."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.slow


def _run(*words: str | Path, cwd: Path) -> str:
    ran = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def _fresh(folder: Path) -> Path:
    """A virtual environment with nothing in it; its folder of commands."""
    venv.create(folder, with_pip=True)
    return folder / "bin"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("policykit_core-*.whl")
    return built


@pytest.mark.parametrize("how", ["wheel", "editable"])
def test_the_library_is_found_however_it_was_installed(how, wheel, tmp_path):
    commands = _fresh(tmp_path / "venv")
    what = [wheel] if how == "wheel" else ["-e", ROOT]
    _run(commands / "pip", "install", "-q", *what, cwd=tmp_path)

    _run(commands / "policykit", "init", "shop", "--people", "200", cwd=tmp_path)
    tested = _run(commands / "policykit", "test", "--workspace", "shop", cwd=tmp_path)
    told = _run(commands / "policykit", "dry-run", "basket", "--workspace", "shop", cwd=tmp_path)

    assert "cases passed" in tested
    assert "Nothing was sent" in told
