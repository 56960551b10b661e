"""M11: waivers mean one thing on every path, apply only where their scope is known to hold, and are told when used."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.engine import reference_judge
from policykit.facts.row import Sight, State, planned_at
from policykit.ir.rules import RuleSet
from policykit.model import WAIVER_MARK
from tests.examples import examples
from tests.laws import oracle
from tests.laws.oracle_compile import ruleset_of
from tests.laws.strategies import Document, Setting, settings_of
from tests.laws.strategies_audience import audience as audience_of
from tests.laws.strategies_policies import policies, watching
from tests.laws.strategies_waivers import with_waivers
from tests.laws.test_audience import FILES, QUICK, SEEDS, assert_one_meaning

WAIVED = with_waivers(settings_of(policies()), 1)
MANY = with_waivers(settings_of(policies() | watching()), 1)


@settings(QUICK, max_examples=examples(3))
@given(WAIVED, SEEDS, FILES)
def test_every_path_honours_waivers_alike(setting: Setting, seed: int, ending: str) -> None:
    assert_one_meaning(setting, seed, ending, 40)


@pytest.mark.slow
@settings(QUICK, max_examples=5)
@given(MANY, SEEDS, FILES)
def test_every_path_honours_waivers_alike_at_length(setting: Setting, seed: int, ending: str) -> None:
    assert_one_meaning(setting, seed, ending, 120)


def as_scope(waiver: Document) -> Document:
    """A policy that is breached exactly where the waiver's scope holds, and unknown where that is."""
    scope = {key: waiver[key] for key in ("for", "when", "starts", "ends", "zone") if key in waiver}
    return {"id": f"scope-of-{waiver['id']}", "kind": "rule", "forbid": "true", "on_breach": "block",
            "mode": "audit", **scope}  # fmt: skip


@settings(QUICK, max_examples=examples(20))
@given(WAIVED, SEEDS)
def test_a_policy_is_set_aside_exactly_where_a_scope_is_known_to_hold(setting: Setting, seed: int) -> None:
    waived, plain = ruleset_of(setting), ruleset_of(replace(setting, waivers=()))
    scopes = ruleset_of(replace(setting, waivers=(), policies=tuple(as_scope(waiver) for waiver in setting.waivers)))
    enforced = {rule.policy for rule in plain.rules}

    for person in oracle.people(audience_of(setting, seed, 12)):
        for prepared in setting.campaign.prepared:
            said = []
            for ruleset in (waived, plain, scopes):
                sight = Sight(ruleset, setting.campaign, person, setting.now)
                said.append(outcomes(ruleset, sight, State(prepared.channel, at=planned_at(sight))))
            with_, without, holds = said
            used = {waiver["id"]: holds[f"scope-of-{waiver['id']}"] is True for waiver in setting.waivers}
            for policy, outcome in without.items():
                aside = any(used[waiver["id"]] for waiver in setting.waivers if waiver["policy"] == policy)
                assert with_[policy] is (False if aside else outcome)
            for waiver in setting.waivers:
                if waiver["policy"] in enforced:
                    told = without[waiver["policy"]] if used[waiver["id"]] else False
                    assert with_[f"{WAIVER_MARK}{waiver['id']}"] is told


def outcomes(ruleset: RuleSet, sight: Sight, state: State) -> dict[str, bool | None]:
    """What each rule says: breached, not, or unknown."""
    judged = reference_judge(sight, state)
    return {
        rule.policy: None if judged.undetermined >> bit & 1 else bool(judged.breached >> bit & 1)
        for bit, rule in enumerate(ruleset.rules)
    }


@settings(QUICK, max_examples=examples(25))
@given(WAIVED, st.randoms(use_true_random=False))
def test_order_of_waivers_never_matters(setting: Setting, order: object) -> None:
    shuffled = order.sample(setting.waivers, len(setting.waivers))  # type: ignore[attr-defined]

    assert ruleset_of(setting).hash == ruleset_of(replace(setting, waivers=tuple(shuffled))).hash
