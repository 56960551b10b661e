"""What SQLite alone can do wrong with its file, and that it means what memory means."""

from __future__ import annotations

import random
import re
import sqlite3
import traceback
from dataclasses import replace

import pytest

from policykit.errors import StoreUnavailable
from policykit.stores.base import LEASE, Asked, Entry, PutOff, Written
from policykit.stores.memory import MemoryStore
from policykit.stores.open import open_store
from policykit.stores.sqlite import SQLiteStore
from policykit.testing.store_feedback import BOUNCED
from policykit.testing.store_rows import (
    ADA,
    ADDRESS,
    FOREVER,
    NO,
    NOW,
    SENT,
    TOLD,
    YES,
    fill,
    read_ada,
    slot_of,
    take_slot,
)


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
        (lambda path: _newer(path), "has format 3, this policykit reads formats up to 2"),
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
    _run_sql(path, "PRAGMA user_version = 3", "PRAGMA wal_checkpoint(TRUNCATE)")


def test_a_file_of_the_first_version_is_brought_up_to_date_with_what_is_in_it(tmp_path):
    path = tmp_path / "store.db"
    older = SQLiteStore(path)
    fill(older)
    older.close()
    _run_sql(path, "DROP TABLE suppressions", "DROP TABLE secrets", "PRAGMA user_version = 1",
             "UPDATE people SET facts = json_remove(facts, '$.feedback')")  # fmt: skip

    stores = [SQLiteStore(path), SQLiteStore(path)]
    written = stores[0].suppress([BOUNCED])
    told = stores[1].write("feedback", [TOLD])

    assert (written, told) == (Written(1, 0), Written(1, 0))
    assert stores[1].known([ADDRESS], NOW).suppressed == {("email", "ada@example.com")}
    assert stores[0].suppression_key() == stores[1].suppression_key()
    assert read_ada(stores[0]).consents == (YES,)
    for store in stores:
        store.close()


@pytest.mark.parametrize("statement", ["DELETE FROM suppressions", "UPDATE suppressions SET at = 0"])
def test_suppressions_are_only_added(store, statement):
    store.suppress([BOUNCED])

    with pytest.raises(sqlite3.IntegrityError, match="suppressions are only added"):
        _run_sql(store.path, statement)

    assert len(store.suppressions()) == 1


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
        "INSERT OR REPLACE INTO consents SELECT n, person, '{}', hash, nonce, digest FROM consents",
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

    if not any(statement.startswith("PRAGMA") for statement in statements):
        assert not synced
        return
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


def test_the_write_ahead_log_stays_short_while_sends_are_settled(store):
    wal = store.path.with_name("store.db-wal")
    longest = 0
    for number in range(1500):
        name = f"d{number}"
        store.record([Entry(name, f'"{"x" * 700}"', slot_of(name, person=name))], NOW)
        store.settle({name: "sent"}, NOW)
        longest = max(longest, wal.stat().st_size)

    assert longest < 12_000_000, "it is never moved into the file"


def _look_again(store):
    """As if the moment had passed in which a process does not look at the path."""
    store._pool._look_at = 0.0


def test_a_store_that_was_deleted_is_an_outage_until_it_is_back(store, tmp_path):
    fill(store)
    store.path.rename(tmp_path / "away.db")
    _look_again(store)

    with pytest.raises(StoreUnavailable, match="is gone"):
        store.known([ADDRESS], NOW)
    assert not store.path.exists(), "an empty one was made, in which nobody ever refused anything"
    (tmp_path / "away.db").rename(store.path)

    assert read_ada(store).consents == (YES,)


def test_a_store_put_in_its_place_counts_and_its_log_goes_on(store, tmp_path):
    other = SQLiteStore(tmp_path / "other.db")
    for number, one in enumerate((store, other)):
        one.record([Entry(f"d{number}", f'"line {number}"')], NOW)
    other.hold("spring", "why", NOW)
    other.close()
    store.close()
    (tmp_path / "other.db").replace(store.path)
    _look_again(store)

    store.record([Entry("d2", '"line 2"')], NOW)

    assert dict(store.holds()) == {"spring": "why"}
    assert [logged.line for logged in store.decisions()] == ['"line 1"', '"line 2"']
    assert (store.verify().lines, store.verify().broken) == (2, None)


# --- memory and SQLite ---------------------------------------------------------------------------


def test_both_stores_say_the_same_after_anything(tmp_path):
    """A walk of a thousand random steps; instants are few, so that leases end and retries meet."""
    rng = random.Random(7)
    store, other = SQLiteStore(tmp_path / "store.db", clock=lambda: FOREVER), MemoryStore(clock=lambda: FOREVER)
    for step in range(1000):
        now = NOW + rng.randrange(3) * LEASE
        told = [_step(one, random.Random(step), now) for one in (store, other)]

        assert told[0] == told[1], f"step {step}"
    drawn = re.compile(r"pf-[0-9a-f]{20}")
    logs = [
        [(each.number, drawn.sub("pf", each.line)) for each in one.decisions(most=10_000)] for one in (store, other)
    ]
    assert logs[0] == logs[1] != []
    assert [one.verify_consents().broken for one in (store, other)] == [None, None]
    for relation in ("people", "addresses", "consents", "history"):
        assert sorted(map(repr, store.rows(relation))) == sorted(map(repr, other.rows(relation)))
    store.close()


def _step(store, rng, now):
    name, decision = f"p{rng.randrange(3)}", f"d{rng.randrange(40)}"
    address = f"{name}@example.com"
    found = store.known([Asked("email", address, name), Asked("push", "tok")], now, ["l0", f"l{rng.randrange(4)}"])
    match rng.randrange(9):
        case 8:
            return rng.randrange(4) == 0 and store.forget(name, now)
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
