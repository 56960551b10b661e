"""Catches pure code at looking around: clock, chance, network, files, environment."""

from __future__ import annotations

import builtins
import datetime
import gc
import os
import random
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_CLOCK = frozenset(
    {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time",
     "process_time_ns", "thread_time", "clock_gettime", "sleep"}
)  # fmt: skip
_NOW = frozenset({"now", "utcnow", "today"})
_PURE_POSIX = frozenset({"fspath"})
_ENVIRONMENT = type(os.environ).__getitem__.__code__


@contextmanager
def watched() -> Iterator[list[str]]:
    """What the code of this block looked at beside its arguments, in words; this thread only."""
    seen: list[str] = []

    def watch(frame: FrameType, event: str, called: Any) -> None:
        found = _look(called) if event == "c_call" else None
        if event == "call" and frame.f_code is _ENVIRONMENT:
            found = "the environment"
        if found and found not in seen:
            seen.append(found)

    before, collects = sys.getprofile(), gc.isenabled()
    gc.disable()  # Hypothesis times collections, which would look like the code's own look at the clock
    sys.setprofile(watch)
    try:
        yield seen
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()


def _look(called: Any) -> str | None:
    """What a function written in C looks at, None when nothing."""
    name, module, owner = called.__name__, called.__module__, getattr(called, "__self__", None)
    if (module == "time" and name in _CLOCK) or (
        name in _NOW and isinstance(owner, type) and issubclass(owner, datetime.date)
    ):
        return f"the clock (`{name}`)"
    if module == "_socket" or isinstance(owner, socket.socket):
        return f"the network (`{name}`)"
    if called is builtins.open or (module == "posix" and name not in _PURE_POSIX | {"urandom"}):
        return f"the file system (`{name}`)"
    if isinstance(owner, random.Random) or name == "urandom":
        return f"chance (`{name}`)"
    return None
