"""Consent (M6): which refusals live, which grants are in force, and what a policy may ask of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from policykit.facts.consent import (
    Standing,
    later_by,
    met,
    node_path,
    refused_for,
    standing,
    status,
    was_met,
)
from policykit.ir.nodes import Months, Requirement
from policykit.ir.rules import RuleSet
from policykit.ir.specialise import send_purpose
from policykit.model import DAY, FOREVER, Campaign, ConsentRecord, Program, to_micros

PATH = ("program:new-home", "marketing.communications", "marketing", "*")


def micros(text: str) -> int:
    return to_micros(datetime.fromisoformat(text))


NOW = micros("2026-03-02T12:00:00Z")
GRANT = ConsentRecord(
    "g", "given", "marketing.communications", "email", "double_opt_in", "consent", at=NOW - 100 * DAY, evidence="form"
)
REFUSAL = ConsentRecord("r", "refused", "marketing.communications", "email", at=NOW - 50 * DAY)
ANYTHING = Requirement()


def seen(*records: ConsentRecord, channel: str = "email") -> Standing:
    return standing(records, PATH, channel, NOW)


def is_met(
    *records: ConsentRecord, asks: Requirement = ANYTHING, at: int | None = NOW, controller: str | None = None
) -> bool | None:
    return met(seen(*records), asks, at, controller)


# --- the path of a send -----------------------------------------------------------------------------


def test_a_send_is_covered_by_its_program_its_purpose_and_all_above() -> None:
    rules = RuleSet((), (), programs={"new-home": Program("new-home", "marketing.communications")})

    assert node_path(rules, Campaign("c", (), NOW, program="new-home")) == PATH
    assert node_path(rules, Campaign("c", (), NOW, purpose="marketing.communications")) == PATH[1:]
    assert send_purpose(rules, Campaign("c", (), NOW, program="new-home")) == "marketing.communications"


def test_without_purpose_and_program_consent_is_unknown() -> None:
    assert node_path(RuleSet((), ()), Campaign("c", (), NOW)) is None
    assert node_path(RuleSet((), ()), Campaign("c", (), NOW, program="nobody-knows-it")) is None


# --- grants --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("node", PATH)
@pytest.mark.parametrize("channel", ["email", "*"])
def test_a_grant_covers_its_scope_and_all_below(node: str, channel: str) -> None:
    assert is_met(replace(GRANT, node=node, channel=channel)) is True


@pytest.mark.parametrize(
    "scope",
    [
        {"node": "marketing.advertising"}, {"node": "program:other"}, {"node": "market"}, {"node": None},
        {"channel": "sms"}, {"channel": None}, {"node": "marketing.communications.email"},
    ],
)  # fmt: skip
def test_a_grant_for_something_else_or_unreadable_covers_nothing(scope: dict[str, str | None]) -> None:
    grant = replace(GRANT, **scope)  # type: ignore[arg-type]

    assert is_met(grant) is False
    assert status(seen(grant), NOW) == "missing"


def test_no_record_is_missing_consent_not_unknown() -> None:
    assert is_met() is False
    assert status(seen(), NOW) == "missing"
    assert refused_for(seen(), "everything") is False


@pytest.mark.parametrize("said", ["requested", "unknown", "expired"])
def test_other_statuses_count_for_nothing(said: str) -> None:
    assert status(seen(replace(GRANT, status=said)), NOW) == "missing"


@pytest.mark.parametrize("said", ["GIVEN", "Withdrawn", "opted_out", None])
def test_a_status_nobody_can_read_counts_as_a_refusal(said: str | None) -> None:
    assert status(seen(GRANT, replace(REFUSAL, status=said)), NOW) == "refused"
    assert is_met(GRANT, replace(REFUSAL, status=said)) is False


def test_the_future_is_not_seen_and_this_instant_is() -> None:
    assert is_met(replace(GRANT, at=NOW)) is True
    assert is_met(replace(GRANT, at=NOW + 1)) is False
    assert is_met(GRANT, replace(REFUSAL, at=NOW + 1)) is True


def test_a_grant_ends_at_the_instant_of_expiry() -> None:
    assert is_met(replace(GRANT, expires_at=NOW + 1)) is True
    assert is_met(replace(GRANT, expires_at=NOW)) is False
    assert status(seen(replace(GRANT, expires_at=NOW)), NOW) == "expired"
    assert was_met(seen(replace(GRANT, expires_at=NOW)), ANYTHING, None) is True


def test_expiry_is_taken_at_the_sends_instant() -> None:
    assert is_met(replace(GRANT, expires_at=NOW + DAY), at=NOW + DAY) is False


def test_an_unreadable_grant_counts_for_nothing() -> None:
    assert is_met(replace(GRANT, expires_at=None)) is False
    assert is_met(replace(GRANT, at=None)) is False


def test_some_grant_is_enough() -> None:
    assert is_met(replace(GRANT, expires_at=NOW), replace(GRANT, at=NOW - 200 * DAY)) is True


def test_only_an_unknown_instant_leaves_it_unknown() -> None:
    ending = replace(GRANT, expires_at=NOW + DAY)

    assert is_met(ending, at=None) is None
    assert is_met(GRANT, at=None) is True
    assert is_met(at=None) is False
    assert (status(seen(ending), None), status(seen(GRANT), None)) == (None, "given")


# --- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["refused", "withdrawn", "objected", "revoked", "invalidated"])
def test_a_later_refusal_ends_consent(said: str) -> None:
    assert is_met(GRANT, replace(REFUSAL, status=said)) is False


def test_an_earlier_refusal_is_lifted_by_an_own_act_as_narrow() -> None:
    assert is_met(replace(REFUSAL, at=GRANT.at - 1), GRANT) is True  # type: ignore[operator]


def test_at_equal_times_the_refusal_comes_after() -> None:
    assert is_met(GRANT, replace(REFUSAL, at=GRANT.at)) is False


@pytest.mark.parametrize(
    ("refused", "granted", "lifted"),
    [
        (("*", "*"), ("*", "*"), True),
        (("*", "*"), ("marketing", "email"), True),
        (("marketing", "*"), ("marketing.communications", "*"), True),
        (("marketing.communications", "*"), ("marketing", "*"), False),
        (("*", "email"), ("*", "*"), False),
        (("marketing", "email"), ("*", "email"), False),
        (("marketing", "*"), ("program:new-home", "email"), True),
        (("program:new-home", "*"), ("marketing.communications", "email"), False),
    ],
)
def test_only_a_grant_as_narrow_on_both_axes_lifts(
    refused: tuple[str, str], granted: tuple[str, str], lifted: bool
) -> None:
    refusal = replace(REFUSAL, node=refused[0], channel=refused[1])
    grant = replace(GRANT, node=granted[0], channel=granted[1], at=REFUSAL.at + 1)  # type: ignore[operator]

    assert is_met(refusal, grant) is lifted


@pytest.mark.parametrize(
    ("quality", "lifted"),
    [
        ("single_opt_in", True),
        ("written", True),
        ("soft_opt_in", False),
        ("assumed", False),
        (None, False),
        ("gold", False),
    ],
)
def test_only_the_persons_own_act_lifts(quality: str | None, lifted: bool) -> None:
    assert is_met(REFUSAL, replace(GRANT, at=NOW, quality=quality)) is lifted


@pytest.mark.parametrize("defects", [("pre_ticked",), ("bundled",), ("conditional",), ("bundled", "conditional"), None])
def test_what_they_did_not_freely_do_themselves_lifts_nothing(defects: tuple[str, ...] | None) -> None:
    assert is_met(REFUSAL, replace(GRANT, at=NOW, quality="written", defects=defects)) is False


def test_a_lifting_grant_that_expires_leaves_the_refusal_lifted() -> None:
    lifting = replace(GRANT, at=NOW - 10 * DAY, expires_at=NOW - DAY)
    found = seen(REFUSAL, lifting)

    assert found.refusals == ()
    assert status(found, NOW) == "expired"


def test_a_grant_before_a_lifted_refusal_is_not_in_force_again() -> None:
    old, lifting = GRANT, replace(GRANT, id="l", at=NOW - 10 * DAY, expires_at=NOW - DAY)

    assert is_met(old, REFUSAL, lifting) is False


def test_a_refusal_without_a_readable_time_is_never_lifted() -> None:
    found = seen(replace(REFUSAL, at=None), replace(GRANT, at=NOW))

    assert status(found, NOW) == "refused"
    assert found.in_force == ()


def test_a_refusal_that_does_not_say_about_what_is_about_everything() -> None:
    bare = replace(REFUSAL, node=None, channel=None)

    assert is_met(GRANT, bare) is False
    assert refused_for(seen(bare), "everything") is True


def test_an_objection_is_about_everything_whatever_it_says() -> None:
    found = seen(GRANT, replace(REFUSAL, status="objected", node="sales", channel="sms"))

    assert status(found, NOW) == "objected"
    assert refused_for(found, "everything") is True
    assert refused_for(found, "channel") is False


def test_a_refusal_elsewhere_does_not_touch_this_send() -> None:
    assert is_met(GRANT, replace(REFUSAL, channel="push")) is True
    assert is_met(GRANT, replace(REFUSAL, node="marketing.advertising", channel="*")) is True


@pytest.mark.parametrize(
    ("node", "channel", "level"),
    [("*", "email", "channel"), ("marketing", "email", "channel"), ("marketing", "*", "purpose"),
     ("program:new-home", "*", "purpose"), ("*", "*", "everything"), (None, "email", "channel"),
     ("marketing", None, "purpose")],
)  # fmt: skip
def test_levels_of_a_refusal(node: str | None, channel: str | None, level: str) -> None:
    found = seen(replace(REFUSAL, node=node, channel=channel))

    assert [name for name in ("channel", "purpose", "everything") if refused_for(found, name)] == [level]


def test_the_strictest_standing_is_named() -> None:
    withdrawn, objected = replace(REFUSAL, status="withdrawn"), replace(REFUSAL, status="objected")

    assert status(seen(REFUSAL, withdrawn, objected), NOW) == "objected"
    assert status(seen(REFUSAL, withdrawn), NOW) == "withdrawn"
    assert status(seen(replace(REFUSAL, status="revoked")), NOW) == "refused"
    assert status(seen(GRANT), NOW) == "given"


def test_the_order_of_records_never_matters() -> None:
    records = (GRANT, REFUSAL, replace(GRANT, id="l", at=NOW - DAY), replace(REFUSAL, at=GRANT.at))

    assert {is_met(*order) for order in (records, records[::-1], records[2:] + records[:2])} == {True}


# --- requirements --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asks", "record", "answer"),
    [
        (Requirement(quality=frozenset({"double_opt_in"})), {}, True),
        (Requirement(quality=frozenset({"double_opt_in"})), {"quality": "single_opt_in"}, False),
        (Requirement(quality=frozenset({"double_opt_in"})), {"quality": None}, False),
        (Requirement(bases=frozenset({"consent"})), {}, True),
        (Requirement(bases=frozenset({"consent"})), {"basis": "legitimate_interest"}, False),
        (Requirement(bases=frozenset({"consent"})), {"basis": None}, False),
        (Requirement(defect_free=True), {}, True),
        (Requirement(defect_free=True), {"defects": ("pre_ticked",)}, False),
        (Requirement(defect_free=True), {"defects": None}, False),
        (Requirement(evidence=True), {}, True),
        (Requirement(evidence=True), {"evidence": None}, False),
        (Requirement(evidence=True), {"evidence": ""}, False),
        (Requirement(names=frozenset({"channel"})), {}, True),
        (Requirement(names=frozenset({"channel"})), {"channel": "*"}, False),
        (Requirement(names=frozenset({"purpose"})), {}, True),
        (Requirement(names=frozenset({"purpose"})), {"node": "*"}, False),
        (Requirement(names=frozenset({"purpose"})), {"node": "program:new-home"}, True),
        (Requirement(names=frozenset({"program"})), {"node": "program:new-home"}, True),
        (Requirement(names=frozenset({"program"})), {}, False),
        (Requirement(same_controller=True), {"controller": "acme"}, True),
        (Requirement(same_controller=True), {"controller": "other"}, False),
        (Requirement(same_controller=True), {"controller": None}, False),
        (Requirement(max_age=100 * DAY + 1), {}, True),
        (Requirement(max_age=100 * DAY), {}, False),
    ],
)
def test_each_part_of_a_requirement(asks: Requirement, record: dict[str, object], answer: bool) -> None:
    assert is_met(replace(GRANT, **record), asks=asks, controller="acme") is answer  # type: ignore[arg-type]


def test_one_grant_must_meet_all_of_it() -> None:
    asks = Requirement(quality=frozenset({"double_opt_in"}), names=frozenset({"channel"}))

    assert is_met(replace(GRANT, channel="*"), replace(GRANT, quality="written"), asks=asks) is False


def test_an_unknown_controller_of_the_send_is_not_the_same() -> None:
    assert is_met(GRANT, asks=Requirement(same_controller=True), controller=None) is False


def test_age_is_a_matter_of_time_not_of_kind() -> None:
    assert was_met(seen(GRANT), Requirement(max_age=DAY), None) is True
    assert was_met(seen(GRANT), Requirement(max_age=DAY, evidence=True, quality=frozenset()), None) is False


@pytest.mark.parametrize(
    ("given_at", "count", "end"),
    [
        ("2024-01-31T10:00Z", 1, "2024-02-29T10:00Z"),
        ("2023-01-31T10:00Z", 1, "2023-02-28T10:00Z"),
        ("2024-02-29T00:00Z", 12, "2025-02-28T00:00Z"),
        ("2023-01-31T00:00Z", 13, "2024-02-29T00:00Z"),
        ("2024-02-29T00:00Z", 48, "2028-02-29T00:00Z"),
        ("2025-10-31T23:59:59.999999Z", 1, "2025-11-30T23:59:59.999999Z"),
        ("2025-12-15T00:00Z", 24, "2027-12-15T00:00Z"),
        ("2026-03-31T00:30+02:00", 1, "2026-04-30T22:30Z"),
    ],
)
def test_months_are_added_in_utc_and_clamped(given_at: str, count: int, end: str) -> None:
    assert later_by(micros(given_at), Months(count)) == micros(end)


def test_spans_never_pass_the_end_of_time() -> None:
    assert later_by(micros("9999-06-01T00:00Z"), Months(12)) == FOREVER
    assert later_by(micros("9998-06-01T00:00Z"), Months(12)) == micros("9999-06-01T00:00Z")
    assert later_by(NOW, FOREVER) == FOREVER
