"""A setting's documents through the real loader: written as YAML, read, checked, compiled."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import yaml

from policykit.compile import compile_ruleset
from policykit.errors import InvalidPolicies, Problem
from policykit.hookspecs import Kind
from policykit.ir.rules import RuleSet
from policykit.language.matching import read_assume
from policykit.language.policy import PolicyReader
from policykit.language.registry import Registry, read_registry, with_assumptions
from policykit.language.tree import ListNode, MapNode
from policykit.language.waivers import read_waivers
from policykit.language.yaml import parse_yaml
from policykit.plugins import discover
from tests.laws.strategies import Document, Setting


@cache
def kinds() -> dict[str, Kind]:
    return discover().kinds


def yaml_of(document: object) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10_000)


def _read(document: Document, file: str) -> MapNode:
    node, problems = parse_yaml(yaml_of(document), file)
    assert not problems, problems
    assert isinstance(node, MapNode)
    return node


def registry_of(setting: Setting) -> Registry:
    problems: list[Problem] = []
    registry = read_registry([_read(setting.registry, "registry.yaml")], problems, setting.config.get("controller"))
    config = _read({"assume": setting.config["assume"]}, "policykit.yaml")
    registry = with_assumptions(registry, read_assume(config.get("assume"), registry, problems))
    _refuse(problems)
    return registry


def ruleset_of(setting: Setting, policies: Sequence[Document] | None = None) -> RuleSet:
    """The rule set of the setting, or of other policies in its place and order."""
    registry, problems = registry_of(setting), list[Problem]()
    reader = PolicyReader(registry, kinds(), problems)
    documents = list(setting.policies if policies is None else policies)
    rows = _read({"policies": documents}, "policies.yaml").get("policies")
    assert isinstance(rows, ListNode)
    read = [policy for policy in (reader.read(node) for node in rows.items) if policy]
    written = _read({"waivers": list(setting.waivers)}, "waivers.yaml").get("waivers")
    assert isinstance(written, ListNode)
    waivers = read_waivers([written], read, reader, problems)
    _refuse(problems)
    return compile_ruleset(read, registry, kinds(), waivers)


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise InvalidPolicies(problems)
