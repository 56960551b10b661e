"""What waits is judged again as it leaves, is delivered once, and never counts twice."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from policykit.adapters.wire import Answer
from policykit.enforce.context import sending
from policykit.enforce.outbox import OutboxRun
from policykit.language.spans import parse_instant
from policykit.model import DAY
from policykit.stores.sqlite import SQLiteStore
from policykit.testing.double import Double
from tests.enforce.worlds import EVENINGS, ONE_A_DAY, POLICIES, Clock, World, providers, push, rules_of

EVENING = parse_instant("2026-03-02T21:30:00Z") or 0
MORNING = parse_instant("2026-03-03T07:00:00Z") or 0


@pytest.fixture
def double():
    with Double() as double:
        yield double


@pytest.fixture
def world(tmp_path, double):
    """One push waits for the morning."""
    rules = rules_of(tmp_path / "shop", POLICIES + EVENINGS + ONE_A_DAY, providers=providers(double.url))
    clock = Clock(EVENING)
    with World(rules, SQLiteStore(tmp_path / "store.db", clock=clock), clock) as world:
        world.knows("ann", push="token-ann")
        assert world.send(push("token-ann", base=double.url)).records[0].effect == "put_off"
        world.clock.now = MORNING
        yield world


def test_own_slot_is_not_counted(world, double):
    assert world.gate.run_outbox().sent == 1
    assert len(double.requests) == 1
    assert len(world.history("ann")) == 1


def test_waiting_send_counts_for_others(world):
    assert world.send(push("token-ann", collapse="other")).records[0].effect == "refused"


def test_stop_in_between_refuses(world, double):
    world.consents("ann", "objected", "*", "2026-03-03T05:00:00Z")

    run = world.gate.run_outbox()

    assert (run.sent, run.refused) == (0, 1)
    assert double.requests == []
    assert world.store.waiting() == ()
    assert world.history("ann") == []
    assert [record.effect for record in world.log()] == ["put_off", "refused"]


def test_hold_refuses(world, double):
    world.store.hold("spring", "wrong price", MORNING)

    assert world.gate.run_outbox().refused == 1
    assert double.requests == []


def test_still_night_is_put_off_again(world, double):
    world.clock.now = MORNING + 14 * 3600 * 1_000_000  # 22:00 in Paris

    run = world.gate.run_outbox()

    assert (run.sent, run.again) == (0, 1)
    (waiting,) = world.store.waiting()
    assert waiting.due == MORNING + DAY
    assert len(world.history("ann")) == 1


def test_what_waited_beyond_its_deadline_does_not_leave(world, double):
    world.clock.now = MORNING + 8 * DAY

    assert world.gate.run_outbox().refused == 1
    assert world.log()[-1].decision.impossible == "past_deadline"
    assert double.requests == []


def test_failed_delivery_is_tried_again_later_and_given_up_in_the_end(world, double):
    double.answer("/", Answer(503))
    runs = []
    for _ in range(12):
        runs.append(world.gate.run_outbox())
        world.clock.now += 3 * 3600 * 1_000_000 if world.clock.now < MORNING + 8 * 3600 * 1_000_000 else 600 * 1_000_000
        waiting = world.store.waiting()
        if not waiting:
            break
        world.clock.now = waiting[0].due

    assert [run.again for run in runs] == [1] * 7 + [0]
    assert runs[-1].refused == 1
    assert len(double.requests) == 8
    assert world.store.waiting() == ()
    assert world.history("ann") == []


def test_send_refused_by_the_provider_is_not_tried_again(world, double):
    double.answer("/", Answer(404))

    assert world.gate.run_outbox().refused == 1
    assert world.store.waiting() == ()


def test_two_runners_deliver_once(world, double, tmp_path):
    other = World(world.rules, SQLiteStore(tmp_path / "store.db"), world.clock)
    runs = []
    with other:
        runners = [threading.Thread(target=lambda w=w: runs.append(w.gate.run_outbox())) for w in (world, other)]
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join()

    assert sorted(run.sent for run in runs) == [0, 1]
    assert len(double.requests) == 1


def test_runner_that_died_leaves_the_send_to_another(world, double):
    world.store.take_due(world.clock.now, world.clock.now + DAY // 24)
    assert world.gate.run_outbox().sent == 0

    world.clock.now += DAY // 24
    assert world.gate.run_outbox().sent == 1


def test_mode_off_leaves_everything_waiting(world, double):
    world.become(mode="off")

    assert world.gate.run_outbox() == OutboxRun()
    assert len(world.store.waiting()) == 1


def test_we_send_nothing_that_is_refused_even_in_audit(world, double):
    world.become(mode="audit")
    world.consents("ann", "objected", "*", "2026-03-03T05:00:00Z")

    assert world.gate.run_outbox().refused == 1
    assert double.requests == []


def test_entry_that_cannot_be_read_is_given_up(world, double, caplog):
    (waiting,) = world.store.waiting()
    world.store.put_off(replace(waiting, request='{"method": "POST"}'))

    assert world.gate.run_outbox().refused == 1
    assert world.store.waiting() == ()
    assert "cannot be read and is given up" in caplog.text


def test_entry_of_a_provider_nobody_knows_waits_for_its_adapter(world, double):
    (waiting,) = world.store.waiting()
    world.store.put_off(replace(waiting, provider="elsewhere"))

    assert world.gate.run_outbox().again == 1
    assert world.store.waiting()[0].due > world.clock.now
    assert double.requests == []


NOT_IN_PARIS = """
  - {id: not-in-paris, kind: rule, forbid: "attributes.city == 'Paris'", on_breach: block}
"""


def test_context_waits_with_the_send(tmp_path, double):
    rules = rules_of(tmp_path, POLICIES + EVENINGS + NOT_IN_PARIS, providers=providers(double.url))
    with World(rules, clock=Clock(EVENING)) as world:
        world.knows("ann")
        world.remembers("ann", city="Paris")
        with sending(campaign="spring", person="ann", values={"city": "Lyon"}):
            put_off = world.send(push("token-nobody-knows", campaign=None, base=double.url)).records[0]
        world.clock.now = MORNING

        assert world.gate.run_outbox().sent == 1
        assert [(record.effect, record.person, record.campaign) for record in world.log()] == [
            ("put_off", "~ann", "spring"), ("passed", "~ann", "spring"),
        ]  # fmt: skip
        assert put_off.id != world.log()[-1].id
