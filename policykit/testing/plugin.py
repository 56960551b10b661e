"""The pytest plugin: fixtures of policykit, and the option that rewrites golden files.

Loaded by pytest wherever policykit is installed, so it imports nothing of policykit until a test asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from policykit.testing.workspace import Decisions, Workspaces

_LAWS = ("adapter", "adapter_laws", "reading", "rewriting", "answering", "store")
pytest.register_assert_rewrite(*(f"policykit.testing.{name}" for name in _LAWS))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("policykit").addoption(
        "--policykit-update",
        action="store_true",
        help="write what recordings are read as into their *.sends.yaml; refused where CI is set",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--policykit-update") and os.environ.get("CI"):
        raise pytest.UsageError("`--policykit-update` rewrites golden files, which is not done where `CI` is set")


@pytest.fixture
def policykit_workspace(tmp_path: Path) -> Iterator[Workspaces]:
    """Makes a workspace from YAML texts (or a copy of a folder), store in memory, and guards this process with it.

    `policykit_workspace({"policies/all.yaml": "..."})`; the guards are off again when the test ends.
    """
    from policykit.testing.workspace import Workspaces

    workspaces = Workspaces(tmp_path / "policykit")
    yield workspaces
    workspaces.close()


@pytest.fixture
def policykit_decisions() -> Decisions:
    """Every decision made during the test, oldest first: a sequence of `DecisionRecord`, read when it is looked at."""
    from policykit.testing.workspace import Decisions

    return Decisions()
