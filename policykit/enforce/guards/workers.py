"""Threads in which async guards have requests judged, so that no event loop waits for a store."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

from policykit.adapters.wire import OutgoingRequest
from policykit.enforce.guards import shared
from policykit.enforce.plan import Gate, Plan

# Judging waits for one store whose writes queue anyway; a few more threads keep replacements, which
# wait for the network, from holding up everybody.
MOST = 8

_pool: ThreadPoolExecutor | None = None


def _forget() -> None:
    """A forked child has the pool's bookkeeping without its threads: it starts afresh."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _workers() -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(MOST, thread_name_prefix="policykit-gate")
    return _pool


async def planned(gate: Gate, request: OutgoingRequest) -> Plan:
    """`gate.plan` in a worker thread that sees this task's context. Works under asyncio, and trio through anyio."""
    judge = partial(copy_context().run, shared.planned, gate, request)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        import anyio.to_thread  # optional: only loops that are not asyncio's need it

        return await anyio.to_thread.run_sync(judge)
    job = _workers().submit(judge)
    try:
        return await asyncio.wrap_future(job)
    except asyncio.CancelledError:
        job.add_done_callback(partial(_abandoned, gate))
        raise


def _abandoned(gate: Gate, job: Future[Plan]) -> None:
    """Nobody waits for this plan any more: what it reserved is given back."""
    if not job.cancelled() and job.exception() is None and job.result().forward is not None:
        shared.failed(gate, job.result())
