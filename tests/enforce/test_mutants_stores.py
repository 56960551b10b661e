"""What one wrong line of a store would do to a decision, each found by breaking it; the same of both stores."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from policykit.stores.base import LEASE, Asked, Entry, Reservation, Written
from policykit.stores.memory import MemoryStore
from policykit.stores.sqlite import SQLiteStore

NOW = 1_700_000_000_000_000
HOME = Asked("email", "home@example.com")
SENT = {"person": "ada", "at": NOW - 5, "channel": "email", "message_class": "marketing", "campaign": "spring"}


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    store = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "store.db")
    yield store
    store.close()


def take(store, decision, seen, *, person="ada", retry=False, now=NOW):
    slot = Reservation(
        decision, person, NOW, "email", "marketing", "spring", "logical", seen, now + LEASE, retry
    )  # fmt: skip
    return store.record([Entry(decision, f'"{decision}"', slot)], now)[0]


def ada(store, now=NOW):
    found = store.known([Asked("email", "", "ada")], now).named[0]
    assert found is not None
    return found


def at_home(store):
    """By the question about one address, and by the question about several."""
    alone, among = store.known([HOME], NOW), store.known([HOME, HOME], NOW)
    assert alone.people[0] == among.people[0]
    return [person.id for person in alone.people[0]]


def test_people_of_one_address_come_in_the_order_of_their_names(store):
    for person in ("zoe", "ada"):
        store.write("addresses", [{"person": person, "channel": "email", "address": "home@example.com"}])

    assert at_home(store) == ["ada", "zoe"]


def test_who_moves_out_leaves_the_others_at_home(store):
    for person in ("ada", "zoe"):
        store.write("addresses", [{"person": person, "channel": "email", "address": "home@example.com"}])
    store.write("addresses", [{"person": "ada", "channel": "email", "address": "new@example.com"}])

    assert at_home(store) == ["zoe"]


def test_send_that_holds_a_slot_is_not_imported_again(store):
    take(store, "d1", 0)
    store.settle({"d1": "sent"}, NOW)

    assert store.write("history", [{**SENT, "id": "d1"}]) == Written(0, 1)
    assert [row["id"] for row in ada(store).history] == ["d1"]


def test_send_whose_slot_was_given_back_can_be_imported(store):
    take(store, "d1", 0)
    store.settle({"d1": "released"}, NOW)

    assert store.write("history", [{**SENT, "id": "d1"}]) == Written(1, 0)
    assert len(ada(store).history) == 1


def test_number_that_becomes_a_truth_is_a_change(store):
    store.write("people", [{"id": "ada", "vip": 1}])

    assert store.write("people", [{"id": "ada", "vip": True}]) == Written(1, 0)
    assert ada(store).people["vip"] is True


def test_slot_taken_over_is_settled_where_it_stands(store):
    take(store, "d1", 0)
    store.settle({"d1": "ended"}, NOW)
    assert take(store, "d1", 0, retry=True)
    store.settle({"d1": "sent"}, NOW)

    assert [row["id"] for row in ada(store, NOW + 2 * LEASE).history] == ["d1"]


def test_slot_given_back_and_taken_by_another_is_no_unchanged_history(store):
    take(store, "d1", 0)
    seen = ada(store).seen
    store.settle({"d1": "released"}, NOW)
    assert take(store, "d2", ada(store).seen)

    assert not take(store, "d3", seen)


def test_send_known_to_have_left_as_its_lease_ends_counts_again_and_is_noticed(store):
    take(store, "d1", 0)
    before = ada(store, NOW + LEASE)
    store.settle({"d1": "sent"}, NOW + LEASE)

    assert (before.history, len(ada(store, NOW + LEASE).history)) == ((), 1)
    assert not take(store, "d2", before.seen, now=NOW + LEASE)


def test_refusal_is_recorded_once(store):
    entry = Entry("d1", '"no"')

    assert store.record([entry], NOW) == store.record([entry, entry], NOW)[:1] == (True,)
    assert [line.line for line in store.decisions()] == ['"no"']
    assert store.verify().broken is None


@pytest.mark.parametrize(("after", "rows"), [(LEASE - 1, 1), (LEASE, 0)])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_export_goes_by_the_lease_to_the_microsecond(tmp_path, kind, after, rows):
    def clock():
        return NOW + after

    store = MemoryStore(clock) if kind == "memory" else SQLiteStore(tmp_path / "store.db", clock=clock)
    take(store, "d1", 0)

    assert len(list(store.rows("history"))) == rows
    store.close()


@pytest.mark.parametrize("first", ["given", "refused"])
def test_refusal_under_an_id_that_is_known_is_kept(store, first):
    rows = [{"id": "c1", "person": "ada", "status": "given", "channel": "email"},
            {"id": "c1", "person": "ada", "status": "refused", "channel": "*"}]  # fmt: skip
    for row in rows if first == "given" else reversed(rows):
        assert store.write("consents", [row]) == Written(1, 0)

    assert sorted(str(row["status"]) for row in ada(store).consents) == ["given", "refused"]


def test_slot_of_an_attempt_that_ended_can_be_given_back(store):
    take(store, "d1", 0)
    store.settle({"d1": "ended"}, NOW)
    store.settle({"d1": "released"}, NOW)

    assert ada(store).history == ()


def test_attempt_that_turns_out_to_have_left_is_no_earlier_attempt(store):
    take(store, "d1", 0)
    store.settle({"d1": "ended"}, NOW)
    assert store.known([HOME], NOW, ["logical"]).retry == {0: "d1"}
    store.settle({"d1": "sent"}, NOW)

    assert store.known([HOME], NOW, ["logical"]).retry == {}
    assert store.known([HOME, HOME], NOW, ["logical", "else"]).retry == {}


def test_slot_taken_over_for_somebody_else_is_a_write_about_both(store):
    take(store, "d1", 0)
    store.settle({"d1": "ended"}, NOW)
    before = ada(store)
    assert take(store, "d1", 0, person="zoe", retry=True)

    assert (len(before.history), ada(store).history) == (1, ())
    assert not take(store, "d2", before.seen)
    assert take(store, "d3", ada(store).seen)


@pytest.mark.parametrize("person", ["ada", "zoe"])
def test_slot_taken_over_is_in_the_way_of_no_other_entry_of_its_call(store, person):
    take(store, "d1", 0)
    store.settle({"d1": "ended"}, NOW)
    seen = ada(store).seen

    def entry(decision, person, seen, *, retry):
        slot = Reservation(decision, person, NOW, "email", "marketing", "spring", decision, seen, NOW + LEASE, retry)
        return Entry(decision, f'"{decision}"', slot)

    entries = [entry("d1", person, 0, retry=True), entry("d2", "ada", seen, retry=False)]

    assert store.record(entries, NOW) == (True, True)


def test_receipts_are_kept(tmp_path):
    path = tmp_path / "store.db"
    store = SQLiteStore(path)
    for seen, decision in enumerate(("d1", "d2", "d3")):
        take(store, decision, seen)
    store.settle({"d1": "sent", "d2": "ended"}, NOW, {"d1": "r1", "d2": "r2"})
    store.settle({"d2": "sent"}, NOW)
    store.settle({}, NOW, {"d3": "r3"})
    store.close()

    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT decision, receipt FROM sends ORDER BY decision").fetchall() == [
            ("d1", "r1"), ("d2", "r2"), ("d3", "r3"),
        ]  # fmt: skip


def test_attempt_that_ended_counts_whatever_is_written_about_the_person(store):
    take(store, "d1", 0)
    store.settle({"d1": "ended"}, NOW)
    store.write("people", [{"id": "ada", "age": 36}])
    store.write("people", [{"id": "ada", "age": 37}])

    assert [row["id"] for row in ada(store).history] == ["d1"]
    assert store.known([HOME], NOW, ["logical"]).retry == {0: "d1"}
