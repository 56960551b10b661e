"""M4: policies, files and plugins may come in any order; no decision and no hash notices."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from itertools import permutations
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.compile import compile_ruleset
from policykit.engine import decide_audience
from policykit.language.policy import PolicyReader
from policykit.language.registry import Registry
from policykit.language.tree import ListNode, MapNode
from policykit.language.yaml import parse_yaml
from policykit.plugins import Plugins, discover
from policykit.vocabulary import Vocabulary
from tests.benchmarks.workspace import compile_workspace
from tests.examples import examples
from tests.laws import oracle
from tests.laws.oracle_compile import ruleset_of, yaml_of
from tests.laws.strategies import Document, Setting, settings_of
from tests.laws.strategies_audience import audience
from tests.laws.strategies_policies import policies
from tests.laws.strategies_waivers import with_waivers

MOVED_BY = ("consent", "intrusiveness", "data", "style", "frequency", "quiet_hours", "rule")
WORKLOAD = Path(__file__).parents[1] / "benchmarks" / "workload"
SECTIONS = ("attributes", "programs", "facts")


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(with_waivers(settings_of(policies(2, 8))), st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_order_of_policies_never_matters(setting: Setting, order: Random, seed: int) -> None:
    people = oracle.people(audience(setting, seed, 25))
    shuffled = order.sample(setting.policies, len(setting.policies))

    first, second = ruleset_of(setting), ruleset_of(setting, shuffled)

    assert first.hash == second.hash
    assert decide_audience(first, setting.campaign, people, setting.now) == decide_audience(
        second, setting.campaign, people, setting.now
    )


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(settings_of(policies(1, 4)), st.randoms(use_true_random=False))
def test_order_of_the_registry_never_matters(setting: Setting, order: Random) -> None:
    registry = {key: order.sample(rows, len(rows)) if key in SECTIONS else rows
                for key, rows in setting.registry.items()}  # fmt: skip
    shuffled = replace(setting, registry=registry)

    assert ruleset_of(setting).hash == ruleset_of(shuffled).hash


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(settings_of(policies(1, 4)), st.sampled_from(("effect", "mode")))
def test_the_hash_notices_a_policy_that_means_something_else(setting: Setting, part: str) -> None:
    document = setting.policies[0]
    mode = document.get("mode", "enforce")
    if part == "effect" and mode != "off":
        blocks = document["on_breach"] == "block"
        other = {**document, "on_breach": {"downgrade": {"channel": ["postal"]}} if blocks else "block"}
        other = other if document["kind"] in MOVED_BY or not blocks else {**document, "mode": "off"}
    else:
        other = {**document, "mode": "audit" if mode == "enforce" else "enforce"}

    assert ruleset_of(setting).hash != ruleset_of(setting, [other, *setting.policies[1:]]).hash


@pytest.mark.slow
def test_the_hash_is_the_same_in_every_process() -> None:
    said = {_hash_in_a_process(seed) for seed in ("0", "1", "2")}

    assert len(said) == 1


def _hash_in_a_process(seed: str) -> str:
    """The hash of the benchmark's workspace where sets of texts are in another order."""
    code = f"from pathlib import Path; from {compile_workspace.__module__} import compile_workspace as compiled\n"
    code += f"print(compiled(Path({str(WORKLOAD)!r})).hash)"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(WORKLOAD.parents[2])}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    return ran.stdout


# --- plugins ----------------------------------------------------------------------------------------

POINTS = tuple(
    EntryPoint(name, f"tests.laws.strategies_plugins:{plugin}", "policykit")
    for name, plugin in (("zeta", "First"), ("alpha", "Second"), ("broken", "Nothing"))
)
GROWN: Document = {
    "id": "adults", "kind": "grown", "when": "recipient.shoe_size > 40", "require": {}, "on_breach": "block",
}  # fmt: skip


def test_order_of_plugins_never_matters() -> None:
    found = {_compiled(discover(order)) for order in permutations(POINTS)}

    assert len(found) == 1


def _compiled(plugins: Plugins) -> tuple[str, tuple[str, ...]]:
    """The hash of a rule set that uses what the plugins add, and the warnings about what was left out."""
    registry = Registry(facts=plugins.facts, vocabulary=Vocabulary(plugins.facts))
    node, _ = parse_yaml(yaml_of({"policies": [GROWN]}), "policies.yaml")
    assert isinstance(node, MapNode)
    rows = node.get("policies")
    assert isinstance(rows, ListNode)
    problems = list[object]()
    policy = PolicyReader(registry, plugins.kinds, problems).read(rows.items[0])  # type: ignore[arg-type]
    assert policy is not None, problems
    ruleset = compile_ruleset([policy], registry, plugins.kinds)
    return ruleset.hash, tuple(sorted(str(problem) for problem in plugins.problems))
