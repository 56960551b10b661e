"""A workspace folder to a rule set: what every command does first."""

from __future__ import annotations

from pathlib import Path

from policykit.compile import compile_ruleset
from policykit.ir.rules import RuleSet
from policykit.language.load import load_workspace
from policykit.plugins import discover


def compile_workspace(folder: Path) -> RuleSet:
    plugins = discover()
    workspace = load_workspace(folder, plugins.kinds, plugins.facts)
    return compile_ruleset(workspace.policies, workspace.registry, plugins.kinds)
