"""One SQLite store and many who use it: locks, processes, forks and kills."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from policykit.errors import StoreUnavailable
from policykit.stores.base import LEASE, Asked, Entry, PutOff
from policykit.stores.sqlite import SQLiteStore
from policykit.testing.store_rows import ADDRESS, NO, NOW, YES, fill, read_ada, slot_of, take_slot

RACER = Path(__file__).parent / "racer.py"
ROOT = Path(__file__).parent.parent.parent


def _start(what, store, *words):
    return subprocess.Popen(
        [sys.executable, str(RACER), what, str(store.path), *map(str, words)],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def _said(process, seconds=120):
    out, _ = process.communicate(timeout=seconds)
    assert process.returncode == 0, out
    return out.split()


# --- locks ---


def test_a_store_locked_by_others_refuses_writes_and_gives_facts(tmp_path):
    store = SQLiteStore(tmp_path / "store.db", patience_s=0.05)
    fill(store)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    writes = [
        lambda: take_slot(store, slot_of("d1", seen=1)), lambda: store.write("consents", [NO]),
        lambda: store.hold("spring", "why", NOW), lambda: store.put_off(PutOff("d1", 1, "fcm", "{}")),
    ]  # fmt: skip
    for write in writes:
        with pytest.raises(StoreUnavailable, match=r"stayed locked for 0\.05 s"):
            write()
    known = store.known([ADDRESS], NOW)
    other.execute("ROLLBACK")
    other.close()

    assert known.people[0][0].consents == (YES,)
    assert (store.verify().lines, dict(store.holds()), store.waiting()) == (0, {}, ())
    assert read_ada(store).consents == (YES,)
    assert take_slot(store, slot_of("d1", seen=read_ada(store).seen))
    store.close()


def test_what_fails_half_way_leaves_nothing(store):
    fill(store)
    seen = read_ada(store).seen
    slots = [slot_of("d1", seen=seen), slot_of("d2", at=2**70, seen=seen)]
    entries = [Entry(slot.decision, '"line"', slot) for slot in slots]

    with pytest.raises(StoreUnavailable, match="cannot hold what it was given"):
        store.record(entries, NOW)

    assert store.verify().lines == 0
    assert len(read_ada(store).history) == 1
    assert take_slot(store, slot_of("d1", seen=seen))


def test_long_imports_let_others_in(store):
    done = threading.Event()
    waits = []

    def _import():
        store.write("people", ({"id": f"p{number}"} for number in range(4000)))
        done.set()

    thread = threading.Thread(target=_import)
    thread.start()
    other = SQLiteStore(store.path)
    while not done.is_set():
        waits.append(other.record([Entry(f"d{len(waits)}", '"line"')], NOW))
    thread.join()
    other.close()

    assert len(waits) > 5
    assert len(list(store.rows("people"))) == 4000


@pytest.mark.slow
def test_a_lock_longer_than_a_second_is_an_outage(store):
    store.holds()
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = time.monotonic()

    with pytest.raises(StoreUnavailable, match="stayed locked for 1 s"):
        store.record([Entry("d1", '"line"')], NOW)

    assert 0.9 < time.monotonic() - started < 3
    other.close()


# --- processes ---


@pytest.mark.slow
def test_eight_processes_at_a_cap_of_one_are_granted_one_each_of_a_thousand_rounds(store):
    start = time.time() + 2

    racers = [_start("race", store, number, 1000, start) for number in range(8)]
    counts = [tuple(map(int, _said(racer))) for racer in racers]

    held = [len(person.history) for person in _named(store, [f"p{round_}" for round_ in range(1000)])]
    assert held == [1] * 1000
    assert sum(granted for granted, _ in counts) == 1000
    assert sum(lost for _, lost in counts) > 0, "they did not meet"
    verified = store.verify()
    assert (verified.lines, verified.broken) == (1000, None)


def _named(store, names):
    return store.known([Asked("email", "", name) for name in names], NOW).named


@pytest.mark.slow
def test_a_kill_between_reserving_and_settling_keeps_the_decision_and_frees_the_slot(store):
    process = _start("reserve", store, "d1")
    assert process.stdout.readline() == "True\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()

    before, after = read_ada(store), read_ada(store, NOW + LEASE)

    assert store.decision("d1").line == '{"id":"d1"}'
    assert (store.verify().lines, store.verify().broken) == (1, None)
    assert ([row["id"] for row in before.history], after.history) == (["d1"], ())
    assert take_slot(store, slot_of("d2", seen=after.seen), NOW + LEASE)


@pytest.mark.slow
def test_kills_at_any_moment_lose_no_decision_that_was_told(store):
    told = 0
    for round_ in range(12):
        process = _start("write", store, told)
        for _ in range(40 + 7 * round_):
            told = int(process.stdout.readline()) + 1
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        told = max([told, *(int(number) + 1 for number in rest.split()[:-1])])

        verified = store.verify()
        assert verified.broken is None
        assert verified.lines >= told
        told = verified.lines


@pytest.mark.slow
def test_forks_of_a_busy_process_record_on(store):
    recorded, codes = map(int, _said(_start("fork", store, 12)))

    verified = store.verify()
    assert codes == 0
    assert (verified.lines, verified.broken) == (recorded + 12 * 20, None)
    assert [len(person.history) for person in _named(store, [f"p{n}-{m}" for n in range(12) for m in range(20)])] == [
        1
    ] * 240


@pytest.mark.slow
def test_a_fork_amid_a_transaction_leaves_the_child_without_a_store(store):
    store.hold("spring", "why", NOW)

    said = _said(_start("torn", store))

    assert said == ["7", "spring"]
