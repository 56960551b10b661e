"""A process of its own that uses a SQLite store, as tests ask: `python racer.py WHAT STORE ...`."""

from __future__ import annotations

import os
import sys
import threading
import time

from policykit.errors import StoreUnavailable
from policykit.stores import pool
from policykit.stores.base import Asked, Entry, Reservation
from policykit.stores.sqlite import SQLiteStore

NOW = 1_700_000_000_000_000
LEASE = 120_000_000


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def take(store, decision, person, now=NOW):
    """Takes a slot unless the person has one: (granted, attempts that lost). A cap of one, as a gate keeps it."""
    lost = 0
    while True:
        found = store.known([Asked("email", "", person)], now).named[0]
        if found is not None and found.history:
            return False, lost
        slot = Reservation(
            decision, person, now, "email", "marketing", None, decision, found.seen if found else 0, now + LEASE
        )
        if store.record([Entry(decision, f'{{"id":"{decision}"}}', slot)], now) == (True,):
            return True, lost
        lost += 1


def race(store, number, rounds, start):
    """Every round, at an instant all racers know, a slot of a person of that round."""
    granted = lost = 0
    for round_ in range(int(rounds)):
        time.sleep(max(0.0, float(start) + round_ * 0.006 - time.time()))
        won, losses = take(store, f"{number}-{round_}", f"p{round_}")
        granted, lost = granted + won, lost + losses
    say(granted, lost)


def reserve(store, decision):
    """Takes a slot and waits to be killed before it is settled."""
    say(take(store, decision, "ada")[0])
    time.sleep(60)


def write(store, first):
    """Records decisions without an end, and says so of each."""
    for number in range(int(first), 10**9):
        store.record([Entry(f"d{number}", f'"line {number}"')], NOW)
        say(number)


def fork(store, children):
    """Children of a busy process all record, and so does the parent meanwhile."""
    stop, recorded = threading.Event(), 0

    def _busy():
        nonlocal recorded
        while not stop.is_set():
            store.record([Entry(f"parent-{recorded}", '"parent"')], NOW)
            recorded += 1

    threads = [threading.Thread(target=_busy)]
    threads[0].start()
    pids = []
    for number in range(int(children)):
        pid = os.fork()
        if not pid:
            took = [take(store, f"child-{number}-{place}", f"p{number}-{place}")[0] for place in range(20)]
            sys.exit(0 if all(took) else 1)
        pids.append(pid)
    codes = [os.waitpid(pid, 0)[1] for pid in pids]
    stop.set()
    threads[0].join()
    say(recorded, sum(codes))


def torn(store):
    """A fork that could not wait for a transaction: the child has no store, the parent has."""
    pool.PATIENCE_S = 0.05
    inside, leave = threading.Event(), threading.Event()

    def _linger(connection):
        inside.set()
        leave.wait(20)

    thread = threading.Thread(target=lambda: store._pool.read(_linger))
    thread.start()
    inside.wait(20)
    pid = os.fork()
    if not pid:
        try:
            store.holds()
        except StoreUnavailable:
            os._exit(7)
        os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    leave.set()
    thread.join()
    say(code, *store.holds())


if __name__ == "__main__":
    _, what, path, *words = sys.argv
    globals()[what](SQLiteStore(path, patience_s=20.0), *words)
