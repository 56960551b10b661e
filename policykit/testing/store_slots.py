"""Laws of stores about slots: taken, kept, freed and taken over."""

from __future__ import annotations

import threading
from collections.abc import Callable

from policykit.stores.base import LEASE, Asked, Entry, Store
from policykit.testing.store_rows import (
    ADA,
    ADDRESS,
    AT,
    LIKES,
    NO,
    NOW,
    SENT,
    StoreLaws,
    fill,
    read_ada,
    read_seen,
    run_together,
    slot_of,
    take_slot,
)


class SlotLaws(StoreLaws):
    """L7 to L12."""

    def test_l7_a_slot_is_granted_only_while_nothing_was_written(self, store: Store) -> None:
        fill(store)
        writes: list[Callable[[], object]] = [
            lambda: take_slot(store, slot_of("other", seen=read_ada(store).seen)),
            lambda: store.settle({"other": "released"}, NOW),
            lambda: store.write("people", [{**ADA, "age": 37}]),
            lambda: store.write("addresses", [{**AT, "shared": True}]),
            lambda: store.write("attributes", [{**LIKES, "value": "cot"}]),
            lambda: store.write("consents", [NO]),
            lambda: store.write("history", [{**SENT, "at": NOW}]),
        ]
        for number, write in enumerate(writes):
            seen = read_ada(store).seen
            write()

            assert not take_slot(store, slot_of(f"late{number}", seen=seen)), f"granted in spite of write {number}"
            assert store.decision(f"late{number}") is None, "what is not granted left a trace"

        seen, before = read_ada(store).seen, len(read_ada(store).history)
        store.write("consents", [NO])
        store.write("people", [{"id": "bob"}])
        assert take_slot(store, slot_of("right", seen=seen)), "writes that change nothing, or about others, took a slot"
        assert len(read_ada(store).history) == before + 1

    def test_l8_two_threads_at_a_cap_of_one_are_granted_one(self, store: Store) -> None:
        for round_ in range(25):
            name = f"r{round_}"
            granted: list[bool] = []
            start = threading.Barrier(2)

            def _race(
                number: int, name: str = name, granted: list[bool] = granted, start: threading.Barrier = start
            ) -> None:
                found = store.known([Asked("email", "", name)], NOW).named[0]
                start.wait(10)
                granted.append(
                    take_slot(store, slot_of(f"{name}-{number}", person=name, seen=found.seen if found else 0))
                )

            run_together([lambda: _race(0), lambda: _race(1)])

            found = store.known([Asked("email", "", name)], NOW).named[0]
            assert sorted(granted) == [False, True]
            assert found is not None
            assert len(found.history) == 1

    def test_l9_entries_of_one_call_are_granted_together(self, store: Store) -> None:
        fill(store)
        seen = read_ada(store).seen

        entries = [
            Entry("d1", '"one"', slot_of("d1", seen=seen)), Entry("d2", '"two"'),
            Entry("d3", '"3"', slot_of("d3", seen=seen)), Entry("d4", '"four"', slot_of("d4", seen=seen + 9)),
            Entry("d5", '"five"', slot_of("d5", seen=seen)),
        ]  # fmt: skip
        granted = store.record(entries, NOW)

        assert granted == (True, True, True, False, True)
        assert [row["id"] for row in read_ada(store).history if row["id"]] == ["d1", "d3", "d5"]
        assert [logged.line for logged in store.last(9)] == ['"one"', '"two"', '"3"', '"five"']

    def test_l10_a_decision_is_recorded_once(self, store: Store) -> None:
        fill(store)
        entry = Entry("d1", '"once"', slot_of("d1", seen=read_ada(store).seen))

        granted = [store.record([entry], NOW), self.again(store).record([entry, entry], NOW)]

        assert granted == [(True,), (True, True)]
        assert len(store.decisions()) == 1
        assert [row["id"] for row in read_ada(store).history] == [None, "d1"]

    def test_l11_a_slot_counts_until_it_is_free(self, store: Store) -> None:
        for name in ("kept", "lapsed", "released", "sent", "ended", "late"):
            slot = slot_of(name, person="ada", seen=read_seen(store, "ada"))
            assert take_slot(store, slot)
        store.settle({"released": "released", "sent": "sent", "ended": "ended", "unheard-of": "sent"}, NOW)
        store.settle({"sent": "released"}, NOW, {"sent": "receipt"})

        during, after = read_ada(store), read_ada(store, NOW + LEASE)
        store.settle({"late": "sent"}, NOW + LEASE + 1)

        assert [row["id"] for row in during.history] == ["kept", "lapsed", "sent", "ended", "late"]
        assert during.history[0] == {
            "id": "kept", "person": "ada", "at": NOW, "channel": "email", "message_class": "marketing",
            "campaign": "spring",
        }  # fmt: skip
        assert [row["id"] for row in after.history] == ["sent"]
        assert sorted(str(row["id"]) for row in read_ada(store, NOW + LEASE + 2).history) == ["late", "sent"]
        assert not take_slot(store, slot_of("d9", seen=after.seen), NOW + LEASE + 2), (
            "a send that counts again was not seen"
        )

    def test_l12_a_retry_takes_over_once(self, store: Store) -> None:
        assert take_slot(store, slot_of("d1", seen=0))
        assert not store.known([ADDRESS], NOW, ["logical"]).retry, "an attempt under way is no earlier one"
        assert not take_slot(store, slot_of("d1", retry=True)), "took over a send under way"
        store.settle({"d1": "ended"}, NOW)

        found = store.known([ADDRESS, ADDRESS], NOW, ["else", "logical"]).retry
        late = store.known([ADDRESS], NOW + LEASE, ["logical"]).retry
        taken = [take_slot(store, slot_of("d1", retry=True, at=NOW + 7, lease_until=NOW + 2 * LEASE)) for _ in range(2)]

        assert (found, late) == ({1: "d1"}, {})
        assert taken == [True, False]
        assert [(row["id"], row["at"]) for row in read_ada(store).history] == [("d1", NOW + 7)]
        assert not store.known([ADDRESS], NOW, ["logical"]).retry
        assert len(store.decisions()) == 1
        store.settle({"d1": "ended"}, NOW)
        assert not take_slot(store, slot_of("d1", retry=True), NOW + 2 * LEASE), "took over a slot that is free"
        assert not take_slot(store, slot_of("d0", retry=True)), "took over a slot that never was"
        assert len(store.decisions()) == 1
