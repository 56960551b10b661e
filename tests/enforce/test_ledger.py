"""The store away, coming back, forked, raced for: marketing is refused, transactional passes, nothing is lost."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from policykit.adapters.wire import Answer
from policykit.enforce.context import sending
from policykit.enforce.ledger import Ended, Ledger
from policykit.errors import StoreUnavailable
from policykit.stores.memory import MemoryStore
from policykit.stores.sqlite import SQLiteStore
from tests.enforce.worlds import EVENINGS, NOW, ONE_A_DAY, POLICIES, Clock, World, email, providers, push, rules_of

ANN = "ann@example.com"


class Unsteady(MemoryStore):
    """A store that can go away. away: names of methods that cannot reach it."""

    def __init__(self, clock):
        super().__init__(clock)
        self.away = set()
        self.settled = threading.Event()

    def _reach(self, method):
        if method in self.away:
            raise StoreUnavailable("the store cannot be reached")

    def known(self, *args, **kwargs):
        self._reach("known")
        return super().known(*args, **kwargs)

    def record(self, *args, **kwargs):
        self._reach("record")
        return super().record(*args, **kwargs)

    def settle(self, *args, **kwargs):
        self._reach("settle")
        super().settle(*args, **kwargs)
        self.settled.set()

    def put_off(self, *args, **kwargs):
        self._reach("put_off")
        super().put_off(*args, **kwargs)


@pytest.fixture
def world(tmp_path):
    clock = Clock()
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY), Unsteady(clock), clock) as world:
        world.knows("ann", email=ANN)
        yield world


@pytest.mark.parametrize("away", [{"known", "record", "settle"}, {"record", "settle"}])
def test_store_away_refuses_marketing_and_lets_transactional_pass(world, away):
    world.store.away = away

    marketing, transactional = world.send(email(ANN)), world.send(email(ANN, campaign="receipt"))

    said = [(record.effect, record.failed) for plan in (marketing, transactional) for record in plan.records]
    assert said == [("refused", "the store cannot be reached"), ("passed", "the store cannot be reached")]
    assert transactional.forward is not None
    assert world.log() == []
    world.store.away = set()
    assert world.gate.flush()
    assert world.log() == [*marketing.records, *transactional.records]


def test_locked_store_refuses_marketing_and_records_it_when_it_is_free(tmp_path):
    path = tmp_path / "s.db"
    with World(rules_of(tmp_path / "shop"), SQLiteStore(path, patience_s=0.05)) as world:
        world.knows("ann", email=ANN)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        plans = [world.send(email(ANN, campaign=name)) for name in ("spring", "receipt")]
        other.execute("ROLLBACK")
        other.close()

        assert [plan.records[0].effect for plan in plans] == ["refused", "passed"]
        assert world.gate.flush()
        assert [record.effect for record in world.log()] == ["refused", "passed"]
        assert world.store.verify().broken is None


def test_on_error_of_the_workspace_is_obeyed(world):
    world.become(on_error={"marketing": "allow", "transactional": "block"})
    world.store.away = {"known", "record"}

    effects = [world.send(email(ANN, campaign=name)).records[0].effect for name in ("spring", "receipt", None)]

    assert effects == ["passed", "refused", "passed"]


def test_campaign_on_hold_stays_refused_while_the_store_is_away(world):
    world.become(on_error={"marketing": "allow"})
    world.store.hold("spring", "wrong price", NOW)
    world.send(email(ANN))
    world.store.away = {"known", "record"}

    assert world.send(email(ANN)).records[0].effect == "refused"


def test_outage_is_logged_once_and_its_end_too(world, caplog):
    with caplog.at_level(logging.WARNING, "policykit"):
        world.store.away = {"known", "record", "settle"}
        for _ in range(3):
            world.send(email(ANN))
        world.store.away = set()
        for _ in range(3):
            world.send(email(ANN))
        world.gate.flush()

    assert [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING] == [
        "the store cannot be reached; `on_error` decides", "the store is back",
    ]  # fmt: skip


def test_endings_wait_for_the_store(world):
    world.store.away = {"settle"}
    world.send(email(ANN), status=400)
    assert not world.gate.flush()
    assert len(list(world.store.rows("history"))) == 1

    world.store.away = set()
    assert world.gate.flush()
    assert list(world.store.rows("history")) == []


def test_what_cannot_be_put_off_is_refused(tmp_path):
    clock = Clock(NOW + 11 * 3600 * 1_000_000)
    rules = rules_of(tmp_path, POLICIES + EVENINGS, providers=providers("http://127.0.0.1:9"))
    with World(rules, Unsteady(clock), clock) as world:
        world.knows("ann", push="token-ann")
        world.store.away = {"put_off"}
        plan = world.send(push("token-ann"))

        assert [(record.effect, record.failed) for record in plan.records] == [
            ("refused", "the store cannot be reached")
        ]
        assert [record.effect for record in world.log()] == ["put_off", "refused"]
        assert world.history("ann") == []


def test_writer_settles_by_itself(world):
    world.send(email(ANN))

    assert world.store.settled.wait(timeout=5)


def test_fault_of_ours_is_decided_by_class_and_says_nothing_personal(world, caplog):
    def broken(person):
        raise ValueError(person)

    world.gate._current().writer._pseudonym = broken
    with caplog.at_level(logging.ERROR, "policykit"):
        refused, passed = world.send(email(ANN)), world.send(email("nobody@example.com", campaign="receipt"))

    assert [(record.effect, record.failed) for record in refused.records] == [("refused", "a fault of policykit")]
    assert refused.forward is None
    assert [record.effect for record in passed.records] == ["passed"]
    assert [each.getMessage().partition(" at ")[0] for each in caplog.records] == ["fault of policykit: ValueError"]
    assert "ann" not in caplog.text


def test_broken_rules_refuse_sends_and_never_reach_the_application(world, caplog):
    def broken():
        raise RuntimeError("no rules")

    world.gate._rules = broken
    request = email(ANN)

    assert world.gate.claims("POST", request.url)
    assert not world.gate.claims("POST", "https://api.sendgrid.com/v3/templates")
    plan = world.gate.plan(request)
    assert (plan.forward, type(plan.error).__name__) == (None, "SendBlocked")


# --- races


@pytest.mark.parametrize("round_", range(10))
def test_one_of_eight_threads_gets_the_only_slot(tmp_path, round_):
    clock = Clock()
    with World(rules_of(tmp_path / "shop", POLICIES + ONE_A_DAY), SQLiteStore(tmp_path / "s.db", clock=clock)) as world:
        world.knows("ann", email=ANN)
        start = threading.Barrier(8)

        def one(place):
            start.wait()
            return world.send(email(ANN, subject=str(place))).records[0].effect

        with ThreadPoolExecutor(8) as pool:
            effects = sorted(pool.map(one, range(8)))

        assert effects == ["passed"] + ["refused"] * 7
        assert len(world.history("ann")) == 1
        assert len(world.log()) == 8
        assert world.store.verify().broken is None


def test_sends_that_nothing_counts_all_pass_whoever_races(tmp_path):
    with World(rules_of(tmp_path / "shop"), SQLiteStore(tmp_path / "s.db")) as world:
        world.knows("ann", email=ANN)

        with ThreadPoolExecutor(8) as pool:
            plans = list(pool.map(lambda place: world.send(email(ANN, subject=str(place))), range(40)))

        assert {record.effect for plan in plans for record in plan.records} == {"passed"}
        assert len(world.history("ann")) == 40


def test_slot_lost_again_and_again_is_a_refusal_that_says_so(world):
    class Elbowed(MemoryStore):
        def known(self, asked, now, logical=()):
            found = super().known(asked, now, logical)
            self.write(
                "consents",
                [{"id": f"c{len(self._chains.log)}-{os.urandom(4).hex()}", "person": "ann", "status": "given"}],
            )
            self.write(
                "history",
                [{"person": "ann", "at": "2025-01-01T00:00:00Z", "channel": "push", "campaign": os.urandom(4).hex()}],
            )
            return found

    store = Elbowed(world.clock)
    with World(world.rules, store, world.clock) as elbowed:
        elbowed.knows("ann", email=ANN)
        (record,) = elbowed.send(email(ANN)).records

    assert (record.effect, record.failed) == ("refused", "its slot was lost to other sends")
    assert record.reason == "could not be judged: its slot was lost to other sends"


# --- the thread behind


def test_flush_in_a_forked_child_writes_only_what_the_child_did(tmp_path):
    path = tmp_path / "s.db"
    told = tmp_path / "told"
    with World(rules_of(tmp_path / "shop"), SQLiteStore(path)) as world:
        world.knows("ann", email=ANN)

        def tell(records):
            with told.open("a") as file:
                file.write(f"{os.getpid()} {records[0].id}\n")

        world.gate._ledger._observers = (tell,)
        first = world.send(email(ANN)).records[0]
        child = os.fork()
        if child == 0:
            code = 1
            try:
                second = world.send(email(ANN, subject="child")).records[0]
                code = 0 if world.gate.flush() and second.effect == "passed" else 2
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert world.gate.flush()

        assert len(world.history("ann")) == 2
        lines = told.read_text().splitlines()
        assert sorted(line.split()[0] for line in lines) == sorted([str(os.getpid()), str(child)])
        assert f"{os.getpid()} {first.id}" in lines


def test_queue_is_bounded(monkeypatch, caplog):
    monkeypatch.setattr("policykit.enforce.ledger.MOST_WAITING", 3)
    clock = Clock()
    store = Unsteady(clock)
    store.away = {"settle"}
    ledger = Ledger(store, clock)
    with caplog.at_level(logging.WARNING, "policykit"):
        for place in range(10):
            ledger.ended(Ended((f"pk-{place}",), "sent"))
            ledger.flush()

    assert len(ledger._unsettled) <= 3
    store.away = set()
    ledger.close()


def test_receipts_reach_the_store(world):
    plan = world.gate.plan(email(ANN))
    world.gate.done(plan, Answer(202, "Accepted", (("X-Message-Id", "sg-1"),)))
    world.gate.flush()

    assert [slot.receipt for slot in world.store._slots.values()] == ["sg-1"]


def test_decisions_of_inner_blocks_are_theirs(world):
    with sending(campaign="spring") as outer:
        with sending(campaign="receipt") as inner:
            world.send(email(ANN, campaign=None))
        world.send(email(ANN, campaign=None))

    assert [record.campaign for record in inner.decisions] == ["receipt"]
    assert [record.campaign for record in outer.decisions] == ["spring"]


def test_observer_may_send_something_itself(world):
    told = []

    def observer(records):
        told.extend(records)
        if len(told) == 1:
            world.send(email(ANN, campaign="receipt"), status=503)
            world.send(email(ANN, campaign="receipt", subject="again"))
            world.gate.flush()

    world.gate._ledger._observers = (observer,)
    world.send(email(ANN), status=503)

    assert world.gate.flush()
    assert [record.campaign for record in told] == ["spring", "receipt", "receipt"]


def test_decisions_that_are_lost_at_the_end_are_counted(tmp_path, caplog):
    clock = Clock()
    store = Unsteady(clock)
    with World(rules_of(tmp_path), store, clock) as world:
        store.away = {"known", "record", "settle"}
        for _ in range(3):
            world.send(email(ANN))

    assert "3 decisions were never recorded: the store did not come back" in caplog.text
