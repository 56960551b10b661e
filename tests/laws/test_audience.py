"""M2: one meaning, every path. Reference, generated Python and the dry run decide every row of an audience alike.

People reach the reference through `oracle`, which reads the files in plain Python, and the dry run
through SQL; how the dry run reads people back for its own check is compared as well.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.engine import Engine, audience, decide_audience, reference_decide
from policykit.ir.rules import RuleSet
from policykit.model import Decision, Person
from policykit.vocabulary import CHANNELS
from tests.examples import examples
from tests.laws import oracle
from tests.laws.oracle_compile import registry_of, ruleset_of
from tests.laws.oracle_files import ENDINGS, comparable, dry_decisions, readable, write_tables
from tests.laws.strategies import Setting, settings_of
from tests.laws.strategies_audience import audience as audience_of
from tests.laws.strategies_policies import policies, watching

SEEDS = st.integers(0, 2**32)
FILES = st.sampled_from(ENDINGS)
QUICK = settings(deadline=None, suppress_health_check=list(HealthCheck))


def live_decisions(setting: Setting, ruleset: RuleSet, people: list[Person]) -> list[Decision]:
    engine = Engine(ruleset)
    return audience(lambda person: engine.decide(setting.campaign, person, setting.now), setting.campaign, people)


def assert_one_meaning(setting: Setting, seed: int, ending: str, count: int) -> None:
    """All three paths decide every row alike, and read everybody alike."""
    ruleset, tables = ruleset_of(setting), audience_of(setting, seed, count)
    tables = readable(tables) if ending == "typed" else tables
    people = oracle.people(tables)

    said = decide_audience(ruleset, setting.campaign, people, setting.now)
    live = live_decisions(setting, ruleset, people)
    with TemporaryDirectory() as folder:
        sources = write_tables(tables, Path(folder), ending)
        planned, _ = dry_decisions(setting, ruleset, registry_of(setting).vocabulary, sources)

    assert live == said
    assert planned == [comparable(decision) for decision in said]


@settings(QUICK, max_examples=examples(25))
@given(settings_of(policies() | watching()), SEEDS)
def test_generated_python_decides_as_the_reference(setting: Setting, seed: int) -> None:
    ruleset, people = ruleset_of(setting), oracle.people(audience_of(setting, seed, 40))

    said = decide_audience(ruleset, setting.campaign, people, setting.now)

    assert live_decisions(setting, ruleset, people) == said


@settings(QUICK, max_examples=examples(15))
@given(settings_of(policies()), SEEDS, st.randoms(use_true_random=False))
def test_a_live_send_starts_where_it_was_going(setting: Setting, seed: int, chance: Random) -> None:
    ruleset, people = ruleset_of(setting), oracle.people(audience_of(setting, seed, 30))
    engine, channels = Engine(ruleset), [*CHANNELS]
    starts = [chance.choice(channels) for _ in people]

    said = [reference_decide(ruleset, setting.campaign, *pair) for pair in zip_now(people, setting.now, starts)]

    assert [engine.decide(setting.campaign, *pair) for pair in zip_now(people, setting.now, starts)] == said


def zip_now(people: list[Person], now: int, starts: list[str]) -> list[tuple[Person, int, str]]:
    return [(person, now, start) for person, start in zip(people, starts, strict=True)]


@settings(QUICK, max_examples=examples(4))
@given(settings_of(watching()), SEEDS, FILES)
def test_every_path_says_the_same_of_every_policy(setting: Setting, seed: int, ending: str) -> None:
    assert_one_meaning(setting, seed, ending, examples(300))


@settings(QUICK, max_examples=examples(8))
@given(settings_of(policies()), SEEDS, FILES)
def test_every_path_decides_every_row_alike(setting: Setting, seed: int, ending: str) -> None:
    assert_one_meaning(setting, seed, ending, 100)


@pytest.mark.slow
@settings(QUICK, max_examples=24)
@given(settings_of(policies() | watching(4)), SEEDS, FILES)
def test_every_path_decides_every_row_alike_at_length(setting: Setting, seed: int, ending: str) -> None:
    assert_one_meaning(setting, seed, ending, 400)


@pytest.mark.slow
@settings(QUICK, max_examples=3)
@given(settings_of(watching(8)), SEEDS, FILES)
def test_more_rules_than_a_word_has_bits_change_nothing(setting: Setting, seed: int, ending: str) -> None:
    assert_one_meaning(setting, seed, ending, 100)
