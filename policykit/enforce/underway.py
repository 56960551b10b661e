"""Marks on requests that guards have seen: what is forwarded now, and to which hosts.

They keep a send from being judged twice, and tell the tripwire which requests found a way around the guards.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from contextvars import ContextVar

from policykit.adapters.wire import OutgoingRequest


class Mark:
    """A request on its way. gate: which let it go; None = no adapter claims it, nothing was decided.

    live: until it is answered. Tasks and threads that begin meanwhile inherit the mark, and outlive it.
    """

    __slots__ = ("gate", "live", "request")

    def __init__(self, gate: object = None, request: OutgoingRequest | None = None) -> None:
        self.gate, self.request, self.live = gate, request, True


# What this context sends at this moment. Sync transports resolve and connect in the thread that sends,
# so a context variable is enough for them.
UNDERWAY: ContextVar[Mark | None] = ContextVar("policykit_underway", default=None)

# asyncio resolves names in threads of its own that inherit no context: async guards name the host
# instead. While such a send is under way, a stray one to the same host goes unnoticed.
_HOSTS: Counter[str] = Counter()
_LOCK = threading.Lock()


def _after_fork() -> None:
    """What threads of the parent held or sent is none of the child's."""
    global _LOCK
    _LOCK = threading.Lock()
    _HOSTS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def is_underway(gate: object, request: OutgoingRequest) -> bool:
    """Whether this gate let this very request go already, in a guard above: one transport built on another."""
    mark = UNDERWAY.get()
    if mark is None or not mark.live or mark.gate is not gate or mark.request is None:
        return False
    sent = mark.request
    return sent.method == request.method and sent.url == request.url and sent.body == request.body


def expect(host: str) -> None:
    with _LOCK:
        _HOSTS[host] += 1


def expected_no_more(host: str) -> None:
    with _LOCK:
        _HOSTS[host] -= 1
        if _HOSTS[host] <= 0:
            del _HOSTS[host]


def seen(host: str) -> bool:
    """Whether a guard knows of what this thread does, or of an async send to this host."""
    mark = UNDERWAY.get()
    return (mark is not None and mark.live) or host in _HOSTS
