"""What SQLite alone can do wrong: files, locks, processes, forks and kills."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from policykit.errors import StoreUnavailable
from policykit.stores.base import LEASE, Asked, Entry, PutOff
from policykit.stores.memory import MemoryStore
from policykit.stores.open import open_store
from policykit.stores.sqlite import SQLiteStore
from policykit.testing.store_rows import ADA, ADDRESS, FOREVER, NO, NOW, SENT, YES, fill, read_ada, slot_of, take_slot

RACER = Path(__file__).parent / "racer.py"
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def store(tmp_path):
    store = SQLiteStore(tmp_path / "store.db")
    yield store
    store.close()


def _start(what, store, *words):
    return subprocess.Popen(
        [sys.executable, str(RACER), what, str(store.path), *map(str, words)],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def _said(process, seconds=120):
    out, _ = process.communicate(timeout=seconds)
    assert process.returncode == 0, out
    return out.split()


# --- the file -----------------------------------------------------------------------------------------


def test_nothing_is_made_before_the_first_use(tmp_path):
    store = SQLiteStore(tmp_path / "new" / "store.db")

    before = list(tmp_path.iterdir())
    store.holds()
    store.close()

    assert before == []
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["store.db"]


def test_the_file_is_for_its_user_alone(store):
    store.holds()

    modes = {path.name: path.stat().st_mode & 0o777 for path in store.path.parent.iterdir()}

    assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.mkdir(), "cannot be opened: Is a directory"),
        (lambda path: path.write_bytes(b"x" * 4096), "cannot be used: it is no SQLite file"),
        (lambda path: _run_sql(path, "CREATE TABLE orders (id)"), "is a SQLite file of something else"),
        (lambda path: _newer(path), "has format 2, this policykit reads format 1"),
    ],
    ids=["folder", "text", "somebody else's", "newer"],
)
def test_a_file_that_is_no_store_is_said_and_left_alone(tmp_path, make, says):
    path = tmp_path / "store.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None

    with pytest.raises(StoreUnavailable) as raised:
        SQLiteStore(path).known([ADDRESS], NOW)

    assert str(raised.value) == f"the store `{path}` {says}"
    assert (path.read_bytes() if path.is_file() else None) == before


def _run_sql(path, *statements):
    file = sqlite3.connect(path, isolation_level=None)
    try:
        for statement in statements:
            file.execute(statement)
    finally:
        file.close()


def _newer(path):
    store = SQLiteStore(path)
    store.holds()
    store.close()
    _run_sql(path, "PRAGMA user_version = 2", "PRAGMA wal_checkpoint(TRUNCATE)")


def test_a_store_that_comes_back_is_used_again(tmp_path):
    store = SQLiteStore(tmp_path / "gone" / "far" / "store.db")
    with pytest.raises(StoreUnavailable):
        store.hold("spring", "why", NOW)

    (tmp_path / "gone" / "far").mkdir(parents=True)

    assert store.holds() == {}
    store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consents SET row = '{}'",
        "DELETE FROM consents",
        "INSERT OR REPLACE INTO consents SELECT n, person, '{}' FROM consents",
        "UPDATE decisions SET line = ''",
        "DELETE FROM decisions",
    ],
)
def test_consents_and_decisions_are_only_added(store, statement):
    store.write("consents", [YES, NO])
    store.record([Entry("d1", '"line"')], NOW)

    with pytest.raises(sqlite3.IntegrityError):
        _run_sql(store.path, statement)

    assert len(list(store.rows("consents"))) == 2
    assert store.verify().broken is None


def test_a_damaged_file_is_an_outage_without_a_word_of_what_is_in_it(store):
    fill(store)
    store.close()
    content = store.path.read_bytes()
    store.path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))

    with pytest.raises(StoreUnavailable) as raised:
        store.known([ADDRESS], NOW)

    assert str(raised.value) == f"the store `{store.path}` cannot be used: the file is damaged"


@pytest.mark.parametrize(
    ("write", "synced"),
    [
        (lambda store: store.write("consents", [YES]), True),
        (lambda store: store.hold("spring", "why", NOW), True),
        (lambda store: store.release("spring"), True),
        (lambda store: store.put_off(PutOff("d1", 1, "fcm", "{}")), True),
        (lambda store: store.write("people", [ADA]), False),
        (lambda store: store.write("history", [SENT]), False),
        (lambda store: store.record([Entry("d1", '"line"')], NOW), False),
        (lambda store: store.settle({"d1": "sent"}, NOW), False),
    ],
    ids=["consents", "hold", "release", "outbox", "people", "history", "decisions", "endings"],
)
def test_what_power_may_not_lose_is_on_the_disk_before_the_call_returns(store, write, synced):
    store.holds()
    statements = []
    store._pool._idle[-1].set_trace_callback(statements.append)

    write(store)

    begin, commit = statements.index("BEGIN IMMEDIATE"), statements.index("COMMIT")
    assert ("PRAGMA synchronous = FULL" in statements[:begin]) == synced
    assert statements[commit + 1 :] == (["PRAGMA synchronous = NORMAL"] if synced else [])


def test_everything_is_on_the_disk_where_the_url_asks_for_it(tmp_path):
    store = open_store("sqlite:///store.db?synchronous=full", tmp_path)

    levels = [store._pool.write(lambda one: one.execute("PRAGMA synchronous").fetchone(), full=full)
              for full in (False, True, False)]  # fmt: skip

    assert levels == [(2,)] * 3
    store.close()


@pytest.mark.parametrize("text", ["'{\"people\": Paris'", "CAST(x'506172697380' AS TEXT)"], ids=["JSON", "UTF-8"])
def test_a_text_nobody_can_read_is_an_outage_without_the_text(store, text):
    fill(store)
    _run_sql(store.path, f"UPDATE people SET facts = {text}")

    for asked in (ADDRESS, replace(ADDRESS, person="ada")):
        with pytest.raises(StoreUnavailable, match="the file is damaged") as raised:
            store.known([asked], NOW)
        assert "Paris" not in "".join(traceback.format_exception(raised.value))


# --- locks ---------------------------------------------------------------------------------------------


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


# --- processes -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_eight_processes_at_a_cap_of_one_are_granted_one_each_of_a_thousand_rounds(store):
    start = time.time() + 2

    racers = [_start("race", store, number, 1000, start) for number in range(8)]
    counts = [tuple(map(int, _said(racer))) for racer in racers]

    held = [len(person.history) for person in _named(store, [f"p{round_}" for round_ in range(1000)])]
    assert held == [1] * 1000
    assert sum(granted for granted, _ in counts) == 1000
    assert sum(lost for _, lost in counts) > 100, "they did not meet"
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


# --- memory and SQLite -------------------------------------------------------------------------------------


def test_both_stores_say_the_same_after_anything(store):
    """A walk of a thousand random steps; instants are few, so that leases end and retries meet."""
    rng = random.Random(7)
    other = MemoryStore(clock=lambda: FOREVER)
    for step in range(1000):
        now = NOW + rng.randrange(3) * LEASE
        told = [_step(one, random.Random(step), now) for one in (store, other)]

        assert told[0] == told[1], f"step {step}"


def _step(store, rng, now):
    name, decision = f"p{rng.randrange(3)}", f"d{rng.randrange(40)}"
    address = f"{name}@example.com"
    found = store.known([Asked("email", address, name), Asked("push", "tok")], now, ["l0", f"l{rng.randrange(4)}"])
    match rng.randrange(8):
        case 0:
            return store.write("addresses", [{"person": name, "channel": "push", "address": rng.choice(["tok", ""])}])
        case 1:
            return store.write("consents", [{"person": name, "status": "given", "at": rng.randrange(4)}])
        case 2:
            return store.write("history", [{"person": name, "at": rng.randrange(3)} for _ in range(rng.randrange(3))])
        case 3:
            return store.write("people", [{"id": name, "address.email": address, "age": rng.randrange(3)}])
        case 4 | 5:
            seen = found.named[0].seen if found.named[0] else 0
            slot = slot_of(decision, person=name, seen=seen - (_behind(rng)), at=now, lease_until=now + LEASE)
            return take_slot(store, _with(slot, rng), now), _shape(found)
        case _:
            ending = rng.choice(["sent", "released", "ended", "ended"])
            store.settle({decision: ending, f"d{rng.randrange(40)}": "ended"}, now, {decision: "receipt"})
            return _shape(found)


def _behind(rng):
    return rng.randrange(5) == 0


def _with(slot, rng):
    return replace(slot, retry=rng.randrange(3) == 0, logical=f"l{rng.randrange(4)}")


def _shape(found):
    """What was found, but for the numbers of writes and, of several attempts of one logical send, which."""
    people = [
        [(p.id, p.people, p.addresses, p.consents, sorted(map(repr, p.history))) for p in group if p is not None]
        for group in (*found.people, found.named)
    ]
    return people, sorted(found.retry)
