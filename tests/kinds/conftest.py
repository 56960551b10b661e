"""Policies as text in; what they lower to, or what is wrong with them, out."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import pytest

from policykit.errors import Problem
from policykit.hookspecs import Context, Lowered
from policykit.kinds import BUILT_IN
from policykit.language.policy import Policy, PolicyReader
from policykit.language.registry import Registry, read_registry
from policykit.language.tree import ListNode, MapNode
from policykit.language.yaml import parse_yaml

KINDS = {kind.name: kind for kind in BUILT_IN}
REGISTRY = """
attributes:
  - {id: basket, category: user.behavior.purchase_history, origin: observed, collected_for: [marketing.communications]}
  - {id: moving, category: user.location, origin: inferred, collected_for: [functional]}
programs:
  - {id: new-home, purpose: marketing.communications}
"""

Lower: TypeAlias = Callable[[str], Lowered]
Wrong: TypeAlias = Callable[[str], list[str]]


@cache
def registry() -> Registry:
    problems: list[Problem] = []
    node, _ = parse_yaml(REGISTRY, "registry.yaml")
    assert isinstance(node, MapNode)
    found = read_registry([node], problems)
    assert problems == []
    return found


def read(text: str, problems: list[Problem]) -> Policy | None:
    """The policy of a text whose first line may leave out id and effect."""
    node, found = parse_yaml(f"- id: p\n  on_breach: block\n{text}", "p.yaml")
    assert isinstance(node, ListNode)
    problems += found
    return PolicyReader(registry(), KINDS, problems).read(node.items[0])


def context_of(policy: Policy, problems: list[Problem]) -> Context:
    known = registry()
    return Context(
        policy, known.vocabulary, known.attributes, known.programs, known.purposes, known.channels, problems,
        lambda quoted: pytest.fail(f"no expression expected, found {quoted}"),
    )  # fmt: skip


@pytest.fixture
def lower() -> Lower:
    def lowered(text: str) -> Lowered:
        problems: list[Problem] = []
        policy = read(text, problems)
        assert problems == []
        assert policy is not None
        found = KINDS[policy.kind].lower(policy, context_of(policy, problems))
        assert problems == []
        assert found is not None
        return found

    return lowered


@pytest.fixture
def wrong() -> Wrong:
    def messages(text: str) -> list[str]:
        problems: list[Problem] = []
        policy = read(text, problems)
        if policy is not None and policy.sound:
            assert KINDS[policy.kind].lower(policy, context_of(policy, problems)) is None
        assert problems != []
        return [f"{problem.place}: {problem.message}" for problem in problems]

    return messages
