"""Law L14: a plugin's package says what it holds, and what it says is there."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from policykit.adapters.base import Adapter
from policykit.hookspecs import PROJECT
from policykit.plugins import discover


def faults(adapter: Adapter, test_file: Path) -> list[str]:
    """What is wrong with the package that the test file belongs to, in words; empty when nothing is.

    Its `pyproject.toml` is looked for beside the test file and above; installed or not, it is read from there.
    """
    point = _declared(adapter.name, test_file)
    if isinstance(point, str):
        return [point]
    others = [each for each in entry_points(group=PROJECT) if each.value != point.value]
    plugins = discover([*others, point])
    said = [str(problem) for problem in plugins.problems if f"`{point.name}`" in str(problem)]
    said += [
        str(problem) for problem in plugins.problems if f"`{adapter.name}`" in str(problem) and str(problem) not in said
    ]
    found = plugins.adapters.get(adapter.name)
    if found is None:
        said.append(f"the entry point gives no adapter `{adapter.name}` through `policykit_adapters`")
    elif type(found) is not type(adapter):
        said.append(f"the entry point gives another adapter, {type(found).__qualname__}, as `{adapter.name}`")
    return said


def _declared(name: str, test_file: Path) -> EntryPoint | str:
    """The entry point of this name in the nearest pyproject.toml, or what is missing."""
    held = next(
        (folder / "pyproject.toml" for folder in test_file.parents if (folder / "pyproject.toml").is_file()), None
    )
    if held is None:
        return "there is no `pyproject.toml` beside the test file or above it"
    groups = tomllib.loads(held.read_text(encoding="utf-8")).get("project", {}).get("entry-points", {})
    value = groups.get(PROJECT, {}).get(name)
    if value is None:
        return f"`pyproject.toml` has no entry point `{name}` under `[project.entry-points.{PROJECT}]`"
    return EntryPoint(name, value, PROJECT)
