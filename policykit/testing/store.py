"""The contract of a store: laws L1 to L24, one test each.

    class TestRedis(StoreContract):
        def open(self, tmp_path):
            return RedisStore(...)          # empty

        def again(self, store):             # the same data, as another process would open it
            return RedisStore(...)

A law is left out only by `exceptions = {"L12": "reason, link"}`, and must then fail. Instants are far
from today on purpose: a store goes by the instants it is told, and by its own clock only in `rows`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from policykit.errors import StoreUnavailable
from policykit.stores.base import Entry, Logged, PutOff, Row, Store
from policykit.stores.chain import digest_of, link
from policykit.testing.store_facts import FactLaws
from policykit.testing.store_feedback import BOUNCED, FeedbackLaws
from policykit.testing.store_forget import ForgetLaws
from policykit.testing.store_rows import (
    ADA,
    ADDRESS,
    AT,
    FOREVER,
    LIKES,
    NO,
    NOW,
    YES,
    are_same_rows,
    fill,
    hashes,
    read_seen,
    slot_of,
    take_slot,
)
from policykit.testing.store_slots import SlotLaws

__all__ = ["StoreContract"]


class StoreContract(FactLaws, SlotLaws, FeedbackLaws, ForgetLaws):
    """Subclass it, name it `Test...`, and say how the store is opened; `StoreLaws` says what else it may say."""

    # --- the log

    def test_l13_the_log_is_a_chain(self, store: Store) -> None:
        assert store.verify().lines == 0
        lines = [f'{{"id":"d{number}","text":"Zoë \u2603"}}' for number in range(1, 8)]
        for number, line in enumerate(lines, 1):
            one = store if number % 2 else self.again(store)
            assert one.record([Entry(f"d{number}", line)], NOW) == (True,)

        log = store.decisions()

        assert [(logged.number, logged.line) for logged in log] == list(enumerate(lines, 1))
        assert [logged.hash for logged in log] == hashes(log)
        assert (store.decisions(2, 3), store.decisions(7), store.last(2), store.last(0)) == (log[2:5], (), log[5:], ())
        assert (store.decision("d3"), store.decision("d9")) == (log[2], None)
        verified = store.verify()
        assert (verified.lines, verified.head, verified.broken) == (7, log[-1].hash, None)

    def test_l14_a_line_changed_removed_or_added_is_found(self, store: Store) -> None:
        for number in range(1, 6):
            store.record([Entry(f"d{number}", f'"line {number}"')], NOW)
        log = list(store.decisions())
        crossed = [replace(log[2], number=2), replace(log[1], number=3)]
        other, more = replace(log[2], line='"other"'), replace(log[4], number=6, line='"more"')
        bare = replace(log[2], line="{}", nonce="", digest=digest_of(log[2].nonce, log[2].line))
        damages = {
            "changed": ([*log[:2], other, *log[3:]], 3),
            "changed with its hash": ([*log[:2], _linked(log[1], other), *log[3:]], 4),
            "removed": ([*log[:2], *log[3:]], 3),
            "first removed": (log[1:], 1),
            "last removed": (log[:4], 5),
            "added": ([*log, more], 6),
            "added in the chain": ([*log, _linked(log[4], more)], 6),
            "redacted without a forgetting": ([*log[:2], bare, *log[3:]], 3),
            "exchanged": ([log[0], *crossed, *log[3:]], 2),
        }  # fmt: skip
        for name, (damaged, first) in damages.items():
            if self.rewrite(store, damaged):
                assert store.verify().broken == first, name
        if self.rewrite(store, log):
            assert store.verify().broken is None

    # --- holds, outbox, exports

    def test_l15_a_hold_lasts_until_it_is_released(self, store: Store) -> None:
        store.hold("spring", "a wrong price", NOW)
        store.hold("spring", "a wrong link", NOW + 1)
        store.hold("autumn", "not yet", NOW)

        released = [store.release("autumn"), store.release("autumn"), store.release("winter")]

        assert released == [True, False, False]
        assert store.holds() == self.again(store).holds() == {"spring": "a wrong link"}
        assert self.again(store).known([ADDRESS], NOW).holds == {"spring": "a wrong link"}

    def test_l16_the_outbox_gives_each_send_to_one_taker(self, store: Store) -> None:
        soon, later, far = (PutOff(name, due, "sendgrid", "{}") for name, due in (("b", 5), ("a", 6), ("c", 50)))
        for waiting in (far, later, PutOff("b", 40, "fcm", "{}"), soon):
            store.put_off(waiting)

        first = store.take_due(10, 20)
        nobody = self.again(store).take_due(19, 40)
        again = self.again(store).take_due(20, 40, most=1)
        store.drop("b")
        store.drop("unheard-of")

        assert [one.decision for one in first] == ["b", "a"]
        assert [one.attempts for one in (*first, *again)] == [1, 1, 2]
        assert (nobody, [one.decision for one in again]) == ((), ["b"])
        assert [one.decision for one in store.waiting()] == ["a", "c"]
        store.put_off(PutOff("a", 7, "sendgrid", "again", attempts=4))
        assert store.take_due(21, 40) == (PutOff("a", 7, "sendgrid", "again", attempts=5),), "a new entry has no taker"

    def test_l17_an_export_has_every_row_that_counts_once(self, store: Store) -> None:
        people: list[Row] = [{"id": f"p{number}", "age": number} for number in range(1203)]
        store.write("people", people)
        fill(store)
        store.write("consents", [NO])
        for name, lease_until in (("kept", FOREVER), ("lapsed", NOW + 1), ("gone", FOREVER), ("sent", NOW + 1)):
            assert take_slot(store, slot_of(name, seen=read_seen(store, "ada"), lease_until=lease_until))
        store.settle({"gone": "released", "sent": "sent"}, NOW)

        other = self.again(store)

        assert are_same_rows(other.rows("people"), [*people, ADA])
        assert are_same_rows(other.rows("addresses"), [AT])
        assert are_same_rows(other.rows("attributes"), [LIKES])
        assert are_same_rows(other.rows("consents"), [YES, NO])
        assert sorted(str(row["id"]) for row in other.rows("history")) == ["None", "kept", "sent"]

    def test_l18_a_store_that_cannot_be_reached_says_so(self, tmp_path: Path) -> None:
        store = self.unreachable(tmp_path)
        if store is None:
            return
        calls: list[Callable[[], object]] = [
            lambda: store.known([ADDRESS], NOW), lambda: store.record([Entry("d1", '"secret"')], NOW),
            lambda: store.settle({"d1": "sent"}, NOW), lambda: store.write("people", [ADA]),
            lambda: list(store.rows("people")), lambda: store.hold("spring", "secret", NOW),
            lambda: store.release("spring"), store.holds, lambda: store.put_off(PutOff("d1", 1, "fcm", "secret")),
            lambda: store.take_due(1, 2), lambda: store.drop("d1"), store.waiting, store.decisions,
            lambda: store.last(1), lambda: store.decision("d1"), store.verify,
            store.verify_consents, lambda: store.forget("ada", NOW, "secret"),
            lambda: store.amend("attributes", lambda row: row), lambda: store.would_forget("ada", "secret"),
            lambda: store.note("d1", '"secret"'), store.scrub,
            lambda: store.suppress([BOUNCED]),
            store.suppressions, store.suppression_key,
        ]  # fmt: skip
        for call in calls:
            with pytest.raises(StoreUnavailable) as raised:
                call()
            assert not any(word in str(raised.value) for word in ("secret", "ada", "Paris", "d1"))
        store.close()


def _linked(previous: Logged, line: Logged) -> Logged:
    """The line with the hash that it has after `previous`."""
    return replace(line, hash=link(previous.hash, digest_of(line.nonce, line.line)))
