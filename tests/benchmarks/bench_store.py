"""What a send costs in a SQLite store: the facts of one person out, a decision with its slot in.

    python -m tests.benchmarks.bench_store [--people 20000] [--rounds 5000]

Everybody has two addresses, two attribute values, three consents and three sends. Beside it stands the
least that SQLite itself can do in the same file mode on the same machine: one row written in a
transaction of its own. Only ratios to it travel to other machines; calls are interleaved.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import quantiles
from time import perf_counter

from policykit.stores.base import LEASE, Asked, Entry, Reservation, Row
from policykit.stores.sqlite import SQLiteStore

NOW = 1_700_000_000_000_000
LINE = f'{{"id":"d","because":"{"a sentence " * 55}"}}'  # about as long as lines are


def main() -> None:
    parser = argparse.ArgumentParser(description="one person's facts and one decision, in microseconds")
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = SQLiteStore(Path(folder) / "store.db")
        fill(store, options.people)
        times = measure(store, bare(Path(folder) / "bare.db"), options.people, options.rounds)
        store.close()
    floor = quantiles(times["bare insert"], n=100)[49] * 1e6
    for name, seconds in times.items():
        middle, last = (quantiles(seconds, n=100)[place] * 1e6 for place in (49, 98))
        print(f"{name:<22}{middle:8.1f} us   p99 {last:8.1f}   x{middle / floor:.2f} of a bare insert")


def fill(store: SQLiteStore, people: int) -> None:
    def _rows(*made: Callable[[str], Row]) -> list[Row]:
        return [make(f"p{number}") for number in range(people) for make in made]

    store.write("people", _rows(lambda p: {"id": p, "country": "FR", "zone": "Europe/Paris", "age": 33}))
    store.write("addresses", _rows(
        lambda p: {"person": p, "channel": "email", "address": f"{p}@example.com", "shared": False},
        lambda p: {"person": p, "channel": "push", "address": f"token-{p}", "shared": False}))  # fmt: skip
    store.write("attributes", _rows(*[
        lambda p, a=name: {"person": p, "attribute": a, "value": "pram", "origin": "observed"}
        for name in ("basket", "size")]))  # fmt: skip
    store.write("consents", _rows(*[
        lambda p, n=number: {"id": f"{p}-{n}", "person": p, "status": "given", "channel": "email",
                             "purpose": "marketing.communications", "at": f"2023-0{n + 1}-01T00:00:00Z"}
        for number in range(3)]))  # fmt: skip
    store.write("history", _rows(*[
        lambda p, n=number: {"person": p, "at": f"2023-11-0{n + 1}T00:00:00Z", "channel": "email",
                             "message_class": "marketing", "campaign": "spring"}
        for number in range(3)]))  # fmt: skip


def bare(path: Path) -> Callable[[], object]:
    file = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "CREATE TABLE lines (line TEXT)"):
        file.execute(statement)
    return lambda: file.execute("INSERT INTO lines VALUES (?)", (LINE,))


def measure(store: SQLiteStore, insert: Callable[[], object], people: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of every call, by what was called."""
    random, times = Random(7), {name: [] for name in ("bare insert", "known", "record, with a slot", "settle")}

    def _time(name: str, call: Callable[[], object]) -> None:
        start = perf_counter()
        call()
        times[name].append(perf_counter() - start)

    for number in range(rounds):
        name, decision = f"p{random.randrange(people)}", f"pk-{random.getrandbits(80):020x}"
        asked = [Asked("email", f"{name}@example.com")]
        seen = store.known(asked, NOW).people[0][0].seen
        slot = Reservation(decision, name, NOW, "email", "marketing", "spring", f"{number}-0", seen, NOW + LEASE)
        entries = [Entry(decision, LINE, slot)]
        _time("bare insert", insert)
        _time("known", lambda asked=asked: store.known(asked, NOW, ["x-0"]))
        _time("record, with a slot", lambda entries=entries: store.record(entries, NOW))
        _time("settle", lambda decision=decision: store.settle({decision: "sent"}, NOW))
    return times


if __name__ == "__main__":
    main()
