"""Waivers for a setting's policies, as the documents an author would write; their edges lie next to the send."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from policykit.model import DAY, from_micros
from tests.laws.strategies import Document, Setting, some
from tests.laws.strategies_expressions import conditions
from tests.laws.strategies_policies import SCOPES

ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "UTC")
_SCOPES = {key: values for key, values in SCOPES.items() if key != "recipient.account_type"}


def with_waivers(settings: st.SearchStrategy[Setting], least: int = 0) -> st.SearchStrategy[Setting]:
    """The settings with up to three waivers; least: 0 = most have none."""
    return settings.flatmap(lambda setting: waivers_of(setting, least).map(
        lambda waivers: replace(setting, waivers=waivers)
    ))  # fmt: skip


@st.composite
def waivers_of(draw: Any, setting: Setting, least: int) -> tuple[Document, ...]:
    if not setting.policies:
        return ()
    count = draw(st.integers(least, 3) if least else st.sampled_from((0, 0, 1, 2)))
    return tuple(draw(waiver_of(setting, f"w{index}")) for index in range(count))


@st.composite
def waiver_of(draw: Any, setting: Setting, name: str) -> Document:
    """One waiver: of any policy, for few or all sends, ending far away or at the very edge."""
    at = setting.instants[0]
    edges = (at, at + 1, at - 1, at + DAY, at + 400 * DAY)
    days = (at - DAY, at, at + DAY, at + 400 * DAY)
    document: Document = {
        "id": name,
        "policy": draw(st.sampled_from([policy["id"] for policy in setting.policies])),
        "owner": "somebody",
        "because": "a reason",
        "ends": draw(st.sampled_from([from_micros(edge).isoformat() for edge in edges] + [_day(day) for day in days])),
    }
    if draw(st.integers(0, 3)) == 3:
        document["zone"] = draw(st.sampled_from(ZONES))
    if draw(st.integers(0, 3)) == 3:
        starts = st.sampled_from(
            [from_micros(at - 1).isoformat(), from_micros(at).isoformat(), _day(at), _day(at - DAY)]
        )
        document["starts"] = draw(starts)
        document["ends"] = _day(at + 400 * DAY)
    if keys := draw(some(tuple(_SCOPES), 0, draw(st.sampled_from((0, 1, 1, 2))))):
        document["for"] = {key: draw(_SCOPES[key]) for key in keys}
    if draw(st.integers(0, 2)) == 2:
        document["when"] = draw(conditions())
    return document


def _day(at: int) -> str:
    return from_micros(at).date().isoformat()
