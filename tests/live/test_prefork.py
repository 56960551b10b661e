"""Installed once, then forked, as servers do that load the application before their workers."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from typing import NoReturn

import pytest

import policykit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def test_every_worker_judges_and_records_and_the_chain_holds(shop, send, double, grown_up):
    it = policykit.install(shop)
    grown_up()
    assert send("ana@example.com") == 202

    workers = []
    for _ in range(4):
        worker = os.fork()
        if worker == 0:
            _work(send)
        workers.append(worker)
    ended = [os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers]

    lines = [json.loads(line.line) for line in it.store.last(100)]
    assert ended == [0] * 4
    assert Counter(line["effect"] for line in lines) == {"passed": 9, "refused": 4}
    assert it.store.verify().broken is None
    assert len(double.requests) == 9
    assert len([row for row in it.store.rows("history") if row["person"] == "ana"]) == 9


def _work(send: Callable[[str], int]) -> NoReturn:
    """What a worker does; pytest's own end of the world is the parent's alone."""
    status = 9
    try:
        statuses = [send("ana@example.com"), send("ben@example.com"), send("ana@example.com")]
        policykit.uninstall()
        status = 0 if statuses == [202, 403, 202] else 1
    finally:
        os._exit(status)
