"""Async clients: judging never holds up the loop, contexts arrive, nothing piles up, nothing is lost on cancelling."""

import asyncio
import gc
import os
import threading
import time
from weakref import ref

import aiohttp
import httpx
import pytest

from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.enforce.guards import workers
from policykit.enforce.plan import Plan
from policykit.errors import SendBlocked
from tests.guards.gates import WHO

Client = httpx.AsyncClient | aiohttp.ClientSession
URL = "http://provider.example/send"


@pytest.fixture(params=[httpx.AsyncClient, aiohttp.ClientSession])
def client(request: pytest.FixtureRequest) -> type[Client]:
    return request.param


async def _status(client: Client, url: str) -> int:
    if isinstance(client, httpx.AsyncClient):
        return (await client.post(url, content=b"x")).status_code
    async with client.post(url, data=b"x") as told:
        return told.status


def test_a_gate_that_waits_does_not_hold_up_the_loop(client, gate):
    gate.held = threading.Event()

    async def tick_on() -> None:
        while len(gate.planned) < 4:
            await asyncio.sleep(0)
        for _ in range(1000):
            await asyncio.sleep(0)
        gate.held.set()

    async def go() -> list[int]:
        async with client() as session:
            sends = asyncio.gather(*[_status(session, f"{URL}/refused") for _ in range(4)])
            await tick_on()
            return await sends

    assert asyncio.run(go()) == [403] * 4
    assert gate.waited == [True] * 4
    assert not any(name == "MainThread" for name in gate.threads)


def test_the_context_of_each_task_reaches_the_gate(client, gate):
    async def one(session: Client, name: str) -> None:
        WHO.set(name)
        await _status(session, f"{URL}/refused")

    async def go() -> None:
        async with client() as session:
            await asyncio.gather(*[one(session, str(n)) for n in range(20)])

    asyncio.run(go())

    assert sorted(gate.contexts, key=int) == [str(n) for n in range(20)]


def test_a_thousand_sends_in_flight_are_judged_by_a_few_threads(client, gate):
    before = threading.active_count()

    async def go() -> tuple[list[int], int]:
        async with client() as session:
            sends = asyncio.gather(*[_status(session, f"{URL}/refused") for _ in range(1000)])
            await asyncio.sleep(0.05)
            during = threading.active_count()
            return await sends, during

    told, during = asyncio.run(go())

    assert told == [403] * 1000
    assert len(gate.planned) == 1000
    assert gate.most_at_once <= workers.MOST
    assert during - before <= workers.MOST


def test_a_send_cancelled_while_it_is_judged_gives_back_its_slot(client, gate, double):
    gate.held = threading.Event()

    async def go() -> None:
        async with client() as session:
            sending = asyncio.ensure_future(_status(session, f"{double.url}/send/x"))
            while not gate.planned:
                await asyncio.sleep(0.001)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            gate.held.set()
            while not gate.ended:
                await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(go(), 5))

    assert (gate.ended, gate.settled, double.requests) == (1, [], [])


def test_a_plan_that_comes_as_the_send_is_cancelled_gives_back_its_slot(gate):
    gate.held = threading.Event()
    request = OutgoingRequest("POST", f"{URL}/x")

    async def go() -> int:
        waiting = asyncio.ensure_future(workers.planned(gate, request))
        await asyncio.sleep(0)
        told = waiting._fut_waiter
        assert told is not None
        told.set_result(Plan(request))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return gate.ended

    assert asyncio.run(go()) == 1
    gate.held.set()


def test_a_plan_for_a_loop_that_is_closed_gives_back_its_slot(gate):
    gate.held = threading.Event()
    loop = asyncio.new_event_loop()
    task = loop.create_task(workers.planned(gate, OutgoingRequest("POST", f"{URL}/x")))
    while not gate.planned:
        loop.run_until_complete(asyncio.sleep(0.001))
    task._log_destroy_pending = False
    loop.close()

    gate.held.set()
    deadline = time.monotonic() + 5
    while not gate.ended and time.monotonic() < deadline:
        time.sleep(0.001)

    assert gate.ended == 1
    task.get_coro().close()


def test_loops_are_not_kept(gate):
    async def go() -> ref[asyncio.AbstractEventLoop]:
        await workers.planned(gate, OutgoingRequest("POST", f"{URL}/refused"))
        return ref(asyncio.get_running_loop())

    loop = asyncio.run(go())
    gc.collect()

    assert loop() is None


def test_a_worker_that_is_ended_leaves_no_task_waiting(gate, double):
    def exits(request: OutgoingRequest) -> Plan:
        raise SystemExit

    gate.plan = exits

    async def go() -> None:
        async with httpx.AsyncClient() as client:
            with pytest.raises(SendBlocked):
                await asyncio.wait_for(client.post(f"{double.url}/send/x"), 5)

    asyncio.run(go())

    assert double.requests == []


def test_a_send_cancelled_under_way_is_settled_as_failed(client, gate, double):
    held = threading.Event()
    double.answer("/send", lambda received: (held.wait(5) and Answer(200)) or Answer(200))

    async def go() -> None:
        async with client() as session:
            sending = asyncio.ensure_future(_status(session, f"{double.url}/send/x"))
            while not double.requests:
                await asyncio.sleep(0.001)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending

    asyncio.run(go())
    held.set()

    assert (gate.ended, gate.settled) == (1, [])


def test_a_timeout_of_the_caller_counts_while_it_is_judged(client, gate):
    gate.held = threading.Event()

    async def go() -> None:
        async with client() as session:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(_status(session, f"{URL}/x"), 0.05)
        gate.held.set()

    asyncio.run(go())


def test_unclaimed_requests_never_leave_the_loop(client, gate, double):
    async def go() -> int:
        async with client() as session:
            return await _status(session, f"{double.url}/status")

    assert asyncio.run(go()) == 200
    assert gate.threads == set()


def test_loops_in_several_threads_share_the_workers(client, gate, double):
    told: list[int] = []

    def run() -> None:
        async def go() -> int:
            async with client() as session:
                return await _status(session, f"{double.url}/send/x")

        told.append(asyncio.run(go()))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert (told, len(gate.planned)) == ([200] * 4, 4)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_judges_too(gate):
    def judge() -> int:
        async def go() -> int:
            async with httpx.AsyncClient() as session:
                return await asyncio.wait_for(_status(session, f"{URL}/refused"), 5)

        return asyncio.run(go())

    assert judge() == 403
    child = os.fork()
    if child == 0:
        try:
            os._exit(judge() - 400)
        finally:
            os._exit(99)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
