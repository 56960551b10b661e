"""The example of `plugins/README.md` works as it stands."""

from __future__ import annotations

import re
import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from policykit.compile import compile_ruleset
from policykit.language.load import load_workspace
from policykit.plugins import discover

PAGE = (Path(__file__).parents[2] / "plugins/README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> EntryPoint:
    module = types.ModuleType("policykit_weekday")  # as if installed
    exec(block("python"), module.__dict__)
    monkeypatch.setitem(sys.modules, "policykit_weekday", module)
    return EntryPoint("weekday", "policykit_weekday", "policykit")


def test_the_example_kind_is_found_and_its_policy_compiles(plugin: EntryPoint, tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policykit.yaml").write_text("mode: enforce\n")
    (tmp_path / "policies/days.yaml").write_text(block("yaml"))

    found = discover([plugin])
    workspace = load_workspace(tmp_path, found.kinds, found.facts)

    assert not found.problems
    assert "recipient.tier" in workspace.registry.vocabulary.facts
    rules = compile_ruleset(workspace.policies, workspace.registry, found.kinds).rules
    assert [rule.policy for rule in rules] == ["never-on-sunday"]
