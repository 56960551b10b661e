"""Live enforcement attacked where it takes longer: processes that fork and die, a locked store, many runners."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

import policykit
from policykit.model import HOUR
from policykit.stores.base import LEASE
from policykit.stores.sqlite import SQLiteStore
from policykit.testing.double import Answer, Received

from .test_adversary_live import (
    EVENINGS,
    MAIL,
    NOON,
    ONE_A_DAY,
    OPT_OUT,
    PUSH,
    knows,
    mail,
    of_each_class,
    post,
    written_to,
)

# Fixtures, as their names are asked for here.
from .test_adversary_live import double as double
from .test_adversary_live import kept as kept
from .test_adversary_live import shop as shop

pytestmark = pytest.mark.slow
FORK = multiprocessing.get_context("fork")


def _history(it: Any) -> list[tuple[object, object]]:
    """Whom sends count for when every lease has ended."""
    rows = SQLiteStore(it.store.path, clock=lambda: NOON + LEASE).rows("history")
    return [(row["person"], row["channel"]) for row in rows]


def _in_children(count: int, work: Callable[[int], object]) -> list[Any]:
    """What forked processes found, in any order."""
    found = FORK.SimpleQueue()
    children = [FORK.Process(target=lambda number=number: found.put(work(number))) for number in range(count)]
    for child in children:
        child.start()
    for child in children:
        child.join(30)
    assert [child.exitcode for child in children] == [0] * count
    return [found.get() for _ in children]


# --- processes --------------------------------------------------------------------------------------


def test_what_forked_workers_send_as_they_end_still_counts(kept, double):
    it = kept(OPT_OUT + ONE_A_DAY)
    knows(it, "ana", email="a@example.com")

    codes = _in_children(6, lambda _: post(double, MAIL, mail("a@example.com")).status_code)

    assert sorted(codes) == [202, 403, 403, 403, 403, 403]
    assert _history(it) == [("ana", "email")]
    assert it.store.verify().broken is None


def test_a_fork_in_the_middle_of_many_sends_hangs_nobody(kept, double):
    it = kept()
    knows(it, "nora", refused=True, email="no@example.com")
    over = threading.Event()

    def keep_sending() -> None:
        while not over.is_set():
            post(double, MAIL, mail("no@example.com", "a@example.com"))

    senders = [threading.Thread(target=keep_sending) for _ in range(4)]
    for sender in senders:
        sender.start()
    try:
        codes = [code for _ in range(12) for code in _in_children(1, lambda _: of_each_class(double))]
    finally:
        over.set()
        for sender in senders:
            sender.join()

    assert codes == [(202, 202)] * 12
    assert "no@example.com" not in written_to(double)
    assert it.gate.flush()
    assert it.store.verify().broken is None


@pytest.mark.parametrize("moment", ["before it is answered", "after it is answered"])
def test_a_killed_worker_holds_its_slot_for_the_lease_and_no_longer(kept, double, moment):
    it = kept(OPT_OUT + ONE_A_DAY)
    knows(it, "ana", email="a@example.com")

    def killed(received: Received) -> Answer:
        if moment == "before it is answered":
            os.kill(child.pid, signal.SIGKILL)
        return Answer(202)

    def send_and_die() -> None:
        post(double, MAIL, mail("a@example.com"))
        os.kill(os.getpid(), signal.SIGKILL)

    double.answer(MAIL, killed, Answer(202))
    child = FORK.Process(target=send_and_die)
    child.start()
    child.join(30)
    it.gate._now = lambda: NOON + LEASE - 1
    within = post(double, MAIL, mail("a@example.com", subject="Within")).status_code
    it.gate._now = lambda: NOON + 2 * LEASE
    after = post(double, MAIL, mail("a@example.com", subject="After")).status_code

    assert child.exitcode == -signal.SIGKILL
    assert within == 403
    # Where the answer came, its ending may have been written in the last moment: then it counts for good.
    assert after == 202 or (after == 403 and moment == "after it is answered")
    assert it.store.verify().broken is None


@pytest.mark.parametrize("same", [True, False])
def test_processes_that_try_again_share_one_slot(kept, double, same):
    it = kept(OPT_OUT + ONE_A_DAY)
    knows(it, "ana", email="a@example.com")
    double.answer(MAIL, *[Answer(503)] * 5, Answer(202))

    def until_decided(number: int) -> list[int]:
        codes: list[int] = []
        while (not codes or codes[-1] == 503) and len(codes) < 20:
            codes.append(post(double, MAIL, mail("a@example.com", subject="Hi" if same else str(number))).status_code)
        return codes

    codes = [code for each in _in_children(6, until_decided) for code in each]

    assert codes.count(202) == 1
    assert codes.count(503) == 5
    assert len(double.requests) == 6
    assert _history(it) == [("ana", "email")]


# --- a store that is locked -------------------------------------------------------------------------


def test_no_event_loop_waits_for_a_locked_store(kept, double):
    it = kept()
    post(double, MAIL, mail("a@example.com"))
    lock = sqlite3.connect(it.store.path, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    gaps: list[float] = []

    async def tick() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.005)
            gaps.append(time.perf_counter() - last)
            last += gaps[-1]

    async def send() -> list[int]:
        ticking = asyncio.create_task(tick())
        async with httpx.AsyncClient(timeout=30) as client:
            answers = await asyncio.gather(*[client.post(double.url + MAIL, json=mail(f"p{number}@example.com"))
                                             for number in range(16)])  # fmt: skip
        ticking.cancel()
        return [answer.status_code for answer in answers]

    codes = asyncio.run(send())
    lock.execute("ROLLBACK")
    lock.close()

    assert codes == [403] * 16
    assert max(gaps) < 0.5
    assert it.gate.flush()
    assert len(it.store.decisions()) == 17
    assert it.store.verify().broken is None


# --- the outbox -------------------------------------------------------------------------------------


def _put_off(it: Any, double: Any, count: int) -> None:
    """Pushes that wait for the morning."""
    it.gate._now = lambda: NOON + 11 * HOUR
    for number in range(count):
        knows(it, f"p{number}", push=f"tok{number}")
        body = {"message": {"token": f"tok{number}", "notification": {"title": "Hi"}, "data": {"campaign": "spring"}}}
        assert post(double, PUSH, body).status_code == 200
    it.gate._now = lambda: NOON + 22 * HOUR


@pytest.fixture
def waiting(kept, double, monkeypatch) -> Callable[..., Any]:
    monkeypatch.setenv("FCM_TOKEN", "secret")
    fcm = f"providers:\n  fcm: {{credentials: {{access_token: FCM_TOKEN}}, base_url: '{double.url}'}}\n"

    def make(count: int, policies: str = OPT_OUT + EVENINGS) -> Any:
        it = kept(policies, fcm)
        _put_off(it, double, count)
        return it

    return make


def test_several_runners_deliver_each_waiting_send_once(waiting, double):
    it = waiting(12)

    runs = _in_children(4, lambda _: it.gate.run_outbox().sent)

    tokens = [call.json()["message"]["token"] for call in double.requests]
    assert sum(runs) == 12
    assert sorted(tokens) == sorted(f"tok{number}" for number in range(12))
    assert it.store.waiting() == ()


@pytest.mark.parametrize("happens", ["withdrawn", "hold", "stricter"])
def test_what_waits_is_judged_by_what_holds_as_it_leaves(waiting, double, happens):
    it = waiting(2)
    if happens == "withdrawn":
        for number in range(2):
            it.record("consents", [{"person": f"p{number}", "status": "withdrawn", "at": "2026-03-02T23:00:00Z"}])
    elif happens == "hold":
        it.store.hold("spring", "a wrong price", NOON)
    else:
        (it.root / "policies/more.yaml").write_text(
            "policies:\n  - {id: none, kind: rule, forbid: \"send.channel == 'push'\", on_breach: block}\n"
        )
        before = it.status().loads
        deadline = time.monotonic() + 10
        while it.status().loads == before and time.monotonic() < deadline:
            it.reloader.look()

    assert it.gate.run_outbox().refused == 2
    assert double.requests == []
    assert it.store.waiting() == ()


def test_taken_out_and_put_in_again_while_many_send(kept, double):
    it = kept()
    knows(it, "nora", refused=True, email="no@example.com")
    over, faults = threading.Event(), []

    def keep_sending() -> None:
        while not over.is_set():
            try:
                post(double, MAIL, mail("a@example.com"))
            except Exception as error:
                faults.append(error)

    senders = [threading.Thread(target=keep_sending) for _ in range(4)]
    for sender in senders:
        sender.start()
    for _ in range(8):
        policykit.uninstall()
        kept()
    over.set()
    for sender in senders:
        sender.join()

    assert faults == []
    assert post(double, MAIL, mail("no@example.com")).status_code == 403
