"""Threads in which async guards have requests judged, so that no event loop waits for a store.

Plans come back to their loop in batches: waking a loop costs more than anything else here.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from weakref import WeakKeyDictionary, ref

from policykit.adapters.wire import OutgoingRequest
from policykit.enforce.guards import shared
from policykit.enforce.plan import Gate, Plan
from policykit.errors import SendBlocked

# Judging waits for one store whose writes queue anyway; a few more threads keep replacements, which
# wait for the network, from holding up everybody.
MOST = 8


async def planned(gate: Gate, request: OutgoingRequest) -> Plan:
    """`gate.plan` in a worker thread that sees this task's context. Works under asyncio, and trio through anyio."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        import anyio.to_thread  # optional: only loops that are not asyncio's need it

        return await anyio.to_thread.run_sync(partial(copy_context().run, shared.planned, gate, request))
    job = _Job(gate, request, copy_context(), loop.create_future(), _mailbox(loop))
    _workers().take(job)
    try:
        return await job.told
    except asyncio.CancelledError:
        job.unwanted = True
        if job.told.done() and not job.told.cancelled():
            job.give_back(job.told.result())  # it came just before
        raise


@dataclass(slots=True)
class _Job:
    gate: Gate
    request: OutgoingRequest
    context: Context
    told: asyncio.Future[Plan]
    mailbox: _Mailbox
    unwanted: bool = False

    def run(self) -> None:
        """In a worker thread."""
        if self.told.cancelled():
            return
        try:
            plan = self.context.run(shared.planned, self.gate, self.request)
        except BaseException:  # even what ends threads must not leave a task waiting for good
            plan = Plan(None, error=SendBlocked(()))
        if self.unwanted:
            self.give_back(plan)
        else:
            self.mailbox.put(self, plan)

    def give_back(self, plan: Plan) -> None:
        """Nobody waits for this plan any more: what it reserved is settled as never answered."""
        if plan.forward is not None:
            shared.failed(self.gate, plan)


class _Mailbox:
    """Plans on their way back to one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = ref(loop)
        self._plans: deque[tuple[_Job, Plan]] = deque()
        self._waking = False

    def put(self, job: _Job, plan: Plan) -> None:
        """In a worker thread."""
        self._plans.append((job, plan))
        if self._waking:
            return
        self._waking = True
        loop = self._loop()
        try:
            if loop is not None:
                loop.call_soon_threadsafe(self._hand_out)
        except RuntimeError:
            loop = None
        if loop is None:  # closed, or gone
            self._waking = False
            while self._plans:
                job, plan = self._plans.popleft()
                job.give_back(plan)

    def _hand_out(self) -> None:
        # INVARIANT: reset before the first look; what is put later wakes the loop again.
        self._waking = False
        while self._plans:
            job, plan = self._plans.popleft()
            if job.told.done():
                job.give_back(plan)
            else:
                job.told.set_result(plan)


class _Workers:
    """At most `MOST` threads, started as they are needed."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._starting = threading.Lock()
        self._started = 0

    def take(self, job: _Job) -> None:
        self._jobs.put(job)
        if self._started < MOST and not self._jobs.empty():
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._started >= MOST:
                return
            thread = threading.Thread(target=self._work, name=f"policykit-gate-{self._started + 1}", daemon=True)
            try:
                thread.start()
                self._started += 1
            except RuntimeError:  # the process has no thread left, or is ending
                if not self._started:
                    self._jobs.get().run()  # rather here, while the loop waits, than never

    def _work(self) -> None:
        while True:
            self._jobs.get().run()


_kept: _Workers | None = None
_mailboxes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Mailbox] = WeakKeyDictionary()


def _workers() -> _Workers:
    global _kept
    if _kept is None:
        _kept = _Workers()
    return _kept


def _mailbox(loop: asyncio.AbstractEventLoop) -> _Mailbox:
    # Only a loop's own thread asks for its mailbox.
    found = _mailboxes.get(loop)
    if found is None:
        found = _mailboxes[loop] = _Mailbox(loop)
    return found


def _forget() -> None:
    """A forked child has the bookkeeping without the threads: it starts afresh."""
    global _kept
    _kept = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
