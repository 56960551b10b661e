"""A process that is killed: its decisions are in the log, its slots free after their lease, nothing leaves twice."""

from __future__ import annotations

import os
import signal

import pytest

from policykit.enforce import carry, runner
from policykit.model import HOUR
from policykit.stores.base import LEASE
from policykit.stores.sqlite import SQLiteStore
from policykit.testing.double import Double
from tests.enforce.worlds import (
    EMAIL_RATHER,
    EVENINGS,
    ONE_A_DAY,
    POLICIES,
    Clock,
    World,
    email,
    providers,
    push,
    rules_of,
)

ANN = "ann@example.com"


@pytest.fixture
def double():
    with Double() as double:
        yield double


def world_of(folder, double, policies):
    clock = Clock()
    rules = rules_of(folder / "shop", POLICIES + policies, providers=providers(double.url))
    world = World(rules, SQLiteStore(folder / "store.db", clock=clock), clock)
    world.knows("ann", email=ANN, push="token-ann")
    return world


def killed(act):
    """Runs it in a child that is killed as soon as it is done, or earlier."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def test_decision_of_a_killed_process_is_kept_and_its_slot_freed_after_the_lease(tmp_path, double):
    with world_of(tmp_path, double, ONE_A_DAY) as world:
        killed(lambda: world.gate.plan(email(ANN)))

        assert [record.effect for record in world.log()] == ["passed"]
        assert world.store.verify().broken is None
        assert world.send(email(ANN, subject="soon")).records[0].effect == "refused"
        world.clock.now += LEASE
        assert world.send(email(ANN, subject="later")).records[0].effect == "passed"


def test_process_killed_before_a_replacement_leaves_frees_the_slot(tmp_path, double, monkeypatch):
    with world_of(tmp_path, double, EMAIL_RATHER + ONE_A_DAY) as world:
        monkeypatch.setattr(carry, "deliver", lambda request: os.kill(os.getpid(), signal.SIGKILL))
        killed(lambda: world.gate.plan(push("token-ann")))
        monkeypatch.undo()

        assert [record.effect for record in world.log()] == ["replaced"]
        assert double.requests == []
        world.clock.now += LEASE
        assert world.send(push("token-ann", collapse="2")).records[0].effect == "replaced"
        assert len(double.requests) == 1


def test_put_off_send_outlives_the_process_that_put_it_off(tmp_path, double):
    with world_of(tmp_path, double, EVENINGS + ONE_A_DAY) as world:
        world.clock.now += 11 * HOUR
        killed(lambda: world.gate.plan(push("token-ann", base=double.url)))

        (waiting,) = world.store.waiting()
        world.clock.now = waiting.due
        assert world.gate.run_outbox().sent == 1
        assert len(double.requests) == 1


def test_runner_killed_before_delivery_leaves_the_send_to_the_next(tmp_path, double, monkeypatch):
    with world_of(tmp_path, double, EVENINGS + ONE_A_DAY) as world:
        world.clock.now += 11 * HOUR
        world.send(push("token-ann", base=double.url))
        world.clock.now = world.store.waiting()[0].due
        monkeypatch.setattr(runner, "deliver", lambda request: os.kill(os.getpid(), signal.SIGKILL))
        killed(world.gate.run_outbox)
        monkeypatch.undo()

        assert world.gate.run_outbox().sent == 0
        world.clock.now += 5 * HOUR // 60
        run = world.gate.run_outbox()

        assert (run.sent, run.refused) == (1, 0)
        assert len(double.requests) == 1
        assert len(world.history("ann")) == 1
