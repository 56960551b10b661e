"""M2, M5 for offers: what is blended, stripped of its offers or refused for want of others is so on every path."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.examples import examples
from tests.laws.strategies import Setting, settings_of
from tests.laws.strategies_policies import blending
from tests.laws.test_audience import FILES, QUICK, SEEDS, assert_one_meaning


@settings(QUICK, max_examples=examples(8))
@given(settings_of(blending(), offering=True), SEEDS, FILES)
def test_every_path_blends_alike(setting: Setting, seed: int, ending: str) -> None:
    assert_one_meaning(setting, seed, ending, 60)


@pytest.mark.slow
@settings(QUICK, max_examples=12)
@given(settings_of(blending(), offering=True), SEEDS, FILES)
def test_every_path_blends_alike_at_length(setting: Setting, seed: int, ending: str) -> None:
    assert_one_meaning(setting, seed, ending, 150)
