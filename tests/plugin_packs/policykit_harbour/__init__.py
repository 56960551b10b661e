"""A pack of policies that a third party brings: a folder of YAML and one function."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from policykit import hookimpl


@hookimpl
def policykit_packs() -> Iterable[Path]:
    return [Path(__file__).parent / "packs"]
