"""Attributes that people refuse: reference = Python = DuckDB, with refusals lifted, narrow, tied and unreadable."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.laws.strategies import Document, Setting, settings_of
from tests.laws.strategies_policies import BLOCK, GENERIC, MOVE, STRIP, policy_of, use_bodies
from tests.laws.test_audience import FILES, QUICK, SEEDS, assert_one_meaning


@st.composite
def refusing(draw: Any) -> tuple[Document, ...]:
    """Policies about refused attributes beside others, some of which move the send to another channel."""
    said: list[Document] = [{"kind": "data", "forbid": {"refused": True}, "on_breach": draw(STRIP | STRIP | MOVE)}]
    if draw(st.booleans()):
        more = draw(use_bodies())
        demand = next(iter(more))
        body = {**more[demand], "refused": draw(st.booleans())}
        said.append({"kind": "data", demand: body, "on_breach": draw(STRIP | GENERIC | BLOCK)})
    said += [draw(policy_of(kind)) for kind in draw(st.lists(st.sampled_from(("consent", "quiet_hours")), max_size=2))]
    return tuple({"id": f"p{at}", **document} for at, document in enumerate(said))


@settings(QUICK, max_examples=examples(3))
@given(settings_of(refusing()), SEEDS, FILES)
def test_every_path_says_the_same_of_what_is_refused(setting: Setting, seed: int, ending: str) -> None:
    assert_one_meaning(setting, seed, ending, examples(80))


@pytest.mark.slow
@settings(QUICK, max_examples=12)
@given(settings_of(refusing()), SEEDS, FILES)
def test_every_path_says_the_same_of_what_is_refused_at_length(setting: Setting, seed: int, ending: str) -> None:
    assert_one_meaning(setting, seed, ending, 150)
