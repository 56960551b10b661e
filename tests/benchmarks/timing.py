"""Interleaved rounds and medians: what a shared machine's noise leaves standing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def interleaved(
    runs: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Median seconds of each run; every round times all of them, each first warmed up once.

    clock: `time.process_time` where all work is this process' own, so that others' does not count.
    """
    for run in runs.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = clock()
            run()
            seconds[name].append(clock() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def verdict(ratio: float, goal: float) -> str:
    """A ratio beside its goal, in words that can be searched for."""
    return f"{ratio:.2f} (goal at most {goal:g}: {'reached' if ratio <= goal else 'MISSED'})"
