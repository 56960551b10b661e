"""Sends that wait in the store: what they are, and their delivery."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from policykit.assemble.live import open_live
from policykit.assemble.stores import store_of
from policykit.enforce.outbox import OutboxRun
from policykit.stores.base import PutOff

_AT_A_TIME = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """A send that waits. due: UTC microseconds. attempts: deliveries that were tried."""

    decision: str
    due: int
    provider: str
    campaign: str | None
    attempts: int


def waiting(folder: Path | None) -> list[Waiting]:
    """Everything that waits, soonest first; no request and no address is shown."""
    with store_of(folder) as (_, store):
        return [_shown(each) for each in store.waiting()]


def run(folder: Path | None) -> OutboxRun:
    """Gives everything that is due to the gate again."""
    live = open_live(folder)
    try:
        return _everything_due(live.gate.run_outbox)
    finally:
        live.close()


def watch(folder: Path | None, every_s: float) -> Iterator[OutboxRun]:
    """As `run`, again and again until the caller stops; only runs that did something are given."""
    live = open_live(folder)
    try:
        while True:
            done = _everything_due(live.gate.run_outbox)
            if done != OutboxRun():
                yield done
            time.sleep(every_s)
    finally:
        live.close()


def _everything_due(run_outbox: Callable[[int], OutboxRun]) -> OutboxRun:
    total = OutboxRun()
    while True:
        done = run_outbox(_AT_A_TIME)
        total = OutboxRun(total.sent + done.sent, total.refused + done.refused, total.again + done.again)
        if done.sent + done.refused + done.again < _AT_A_TIME:
            return total


def _shown(each: PutOff) -> Waiting:
    context = json.loads(each.context)
    return Waiting(each.decision, each.due, each.provider, context.get("campaign"), each.attempts)
