"""Rows written by code: the columns and checks of data files, all problems at once, nothing half-written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

import policykit
from policykit.assemble.records import checked_rows
from policykit.errors import BadData
from policykit.stores.base import Written
from policykit.vocabulary import FactSpec, Vocabulary

WORDS = Vocabulary([FactSpec("recipient.tier", "string", "rung", column="tier")])


def _complaints(relation: str, rows: list[dict[str, object]]) -> list[str]:
    with pytest.raises(BadData) as raised:
        checked_rows(relation, rows, WORDS)
    return [problem.message for problem in raised.value.problems]


def test_what_is_recorded_decides_the_next_send(shop, send, grown_up):
    policykit.install(shop)
    grown_up()
    before = send("ben@example.com")

    policykit.record("people", [{"id": "ben", "age": 18}])

    assert (before, send("ben@example.com")) == (403, 202)


def test_it_says_what_was_new(shop):
    policykit.install(shop)
    events = [{"person": "ana", "status": "given", "at": "2026-01-01T09:00:00Z", "channel": "email"}]

    assert policykit.record("consents", events) == Written(1, 0)
    assert policykit.record("consents", [*events, {**events[0], "status": "withdrawn"}]) == Written(1, 1)


def test_it_works_where_nothing_is_installed(shop, monkeypatch):
    monkeypatch.chdir(shop)

    assert policykit.record("people", [{"id": "ana", "age": 30}]) == Written(1, 0)

    with policykit.install() as it:
        assert list(it.store.rows("people")) == [{"id": "ana", "age": 30}]


def test_values_of_python_are_kept_as_a_file_would_hold_them():
    at = datetime(2026, 1, 1, 10, tzinfo=timezone(timedelta(hours=1)))
    row = {
        "person": 7, "status": "given", "at": at, "defects": ["bundled", "pre_ticked"], "evidence": False,
        "expires_at": None, "channel": "email",
    }  # fmt: skip

    assert checked_rows("consents", [row], WORDS) == [{
        "person": "7", "status": "given", "at": "2026-01-01T10:00:00+01:00", "defects": "bundled|pre_ticked",
        "evidence": "false", "expires_at": None, "channel": "email",
    }]  # fmt: skip


def test_long_names_facts_of_plugins_and_columns_per_channel_are_known():
    row = {"recipient.id": "7", "tier": "gold", "address.push": "t1", "address.push.shared": True, "rank.sms": 90,
           "attributes.basket": "a chair"}  # fmt: skip

    assert checked_rows("people", [row], WORDS) == [{
        "id": "7", "tier": "gold", "address.push": "t1", "address.push.shared": True, "rank.sms": 90,
        "attributes.basket": "a chair",
    }]  # fmt: skip


def test_every_mistake_is_told_at_once_and_no_cell_is():
    rows: list[dict[str, object]] = [
        {"person": "secret-7", "statuss": "given", "at": "2026-01-01T10:00:00"},
        {"person": "", "status": "given", "at": 1767260000},
        {"person": "secret-8", "status": {"is": "given"}, "at": date(2026, 1, 1)},
        {"person": "secret-9", "status": "given", "at": datetime(2026, 1, 1), "chanel": "sms"},  # noqa: DTZ001
    ]

    said = _complaints("consents", rows)

    assert sorted(said) == [
        "row 1 of consents has an instant without an offset under `at` (and 2 more rows)",
        "row 1 of consents has no `status` (and 1 more rows)",
        "row 1 of consents has the unknown column `statuss`; did you mean `status`?",
        "row 2 of consents has a number for an instant under `at`",
        "row 2 of consents has no `person`",
        "row 3 of consents has a dict under `status`",
        "row 4 of consents has the unknown column `chanel`; did you mean `channel`?",
    ]
    assert "secret" not in " ".join(said)


def test_nothing_is_written_when_something_is_wrong(shop):
    it = policykit.install(shop)

    with pytest.raises(BadData):
        policykit.record("people", [{"id": "ana"}, {"id": "ben", "aeg": 12}])

    assert list(it.store.rows("people")) == []


def test_what_cannot_be_read_is_kept_as_it_is_and_told(caplog):
    found = checked_rows("people", [{"id": "7", "age": "twelve", "last_purchase_at": "lately"}], WORDS)

    assert found == [{"id": "7", "age": "twelve", "last_purchase_at": "lately"}]
    assert [record.getMessage() for record in caplog.records] == [
        "1 cells of `age` of people cannot be read; they count as unknown",
        "1 cells of `last_purchase_at` of people cannot be read; they count as unknown",
    ]


def test_a_relation_that_does_not_exist_is_told_with_what_was_meant():
    assert _complaints("consent", []) == ["there is no relation `consent`; did you mean `consents`?"]


def test_an_empty_address_takes_the_address_away(shop, send, grown_up):
    policykit.install(shop)
    grown_up()

    policykit.record("addresses", [{"person": "ana", "channel": "email", "address": None}])

    assert send("ana@example.com") == 403  # nobody is known there now, and a stranger's age is unknown


def test_an_aware_instant_is_written_to_the_microsecond():
    at = datetime(2026, 1, 1, 9, 0, 0, 123456, tzinfo=UTC)

    assert checked_rows("history", [{"person": "7", "at": at}], WORDS)[0]["at"] == "2026-01-01T09:00:00.123456+00:00"


def test_a_withdrawal_is_recorded_while_policies_are_broken(shop, monkeypatch):
    monkeypatch.chdir(shop)
    (shop / "policies" / "adults.yaml").write_text("policies: [")
    event = {"person": "ana", "status": "withdrawn", "at": "2026-01-01T09:00:00Z", "channel": "*"}

    assert policykit.record("consents", [event]) == Written(1, 0)
    with pytest.raises(policykit.InvalidPolicies):
        policykit.record("people", [{"id": "ana"}])  # which columns of its own the workspace has is not known


def test_a_decision_can_be_looked_up_while_policies_are_broken(shop, send, grown_up, monkeypatch):
    with policykit.install(shop) as it:
        grown_up()
        send("ben@example.com")
        line = it.store.last(1)[0].line
    monkeypatch.chdir(shop)
    (shop / "policies" / "adults.yaml").write_text("policies: [")

    found = policykit.decision_of(line)

    assert found is not None
    assert found.effect == "refused"
