"""What a decision record says to a person."""

from __future__ import annotations

import pytest

from policykit.model import Changes, Decision, Verdict
from policykit.sends import DecisionRecord, from_line, to_line


def _record(campaign: str | None, undetermined: tuple[str, ...]) -> DecisionRecord:
    decision = Decision(Verdict.BLOCK, determining=("no-bought-data",), undetermined=undetermined)
    return DecisionRecord("pk-1", 0, decision, "email", "sendgrid", "refused", campaign=campaign,
                          because={"no-bought-data": "They never gave it to us."})  # fmt: skip


def test_a_send_without_a_campaign_is_told_what_it_lacks():
    assert _record(None, ("no-bought-data",)).reason == (
        "it names no campaign, so what it is for and what it uses are unknown "
        "(no-bought-data: They never gave it to us.)"
    )


@pytest.mark.parametrize(("campaign", "undetermined"), [("spring", ("no-bought-data",)), (None, ()), (None, ("cap",))])
def test_what_a_policy_knows_is_its_own_reason(campaign, undetermined):
    assert _record(campaign, undetermined).reason == "no-bought-data: They never gave it to us."


def test_a_record_read_from_its_line_says_the_same():
    record = _record(None, ("no-bought-data",))

    assert from_line(to_line(record)) == record


@pytest.mark.parametrize("blend", [0, 2])
def test_a_blend_is_read_from_its_line(blend):
    decision = Decision(Verdict.DOWNGRADE, Changes(blend=blend), ("mixed",), channel="email", at=0)
    record = DecisionRecord("pk-1", 0, decision, "email", "sendgrid", "replaced", campaign="spring")

    assert from_line(to_line(record)) == record
