"""The pytest plugin: fixtures of policykit, and the option that rewrites golden files.

Loaded by pytest wherever policykit is installed, so it imports nothing of policykit until a test asks for it.
"""

from __future__ import annotations

import os

import pytest

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
