"""Programs people join: reference = Python = DuckDB, with memberships that end, are taken back and come back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.examples import examples
from tests.laws.strategies import Setting, settings_of
from tests.laws.strategies_policies import joining
from tests.laws.test_audience import FILES, QUICK, SEEDS, assert_one_meaning


@settings(QUICK, max_examples=examples(4))
@given(settings_of(joining(), joining=True), SEEDS, FILES)
def test_every_path_says_the_same_of_who_joined(setting: Setting, seed: int, ending: str) -> None:
    assert_one_meaning(setting, seed, ending, examples(100))


@pytest.mark.slow
@settings(QUICK, max_examples=10)
@given(settings_of(joining(), joining=True), SEEDS, FILES)
def test_every_path_says_the_same_of_who_joined_at_length(setting: Setting, seed: int, ending: str) -> None:
    assert_one_meaning(setting, seed, ending, 150)
