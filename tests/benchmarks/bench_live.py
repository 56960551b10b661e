"""Guarded sends against plain ones: the same POSTs to a keep-alive server in another process, on loopback.

    python -m tests.benchmarks.bench_live [--sends 3000] [--rounds 9] [--json FILE]

Method. The demo workspace with its library of policies; its made-up people are imported into a SQLite
store, and 10,000 of those who may get the campaign's mail are sent to in turn, never one twice in a
round: every send is judged, reserved and recorded, and leaves untouched. Bodies are SendGrid's, about
2.3 kB. Plain and guarded blocks alternate, so that what else the machine does hits both; a guarded
block ends when the store has been told how its sends ended. What is shown is the ratio of medians.
The server answers at once, so the ratio is against the least that a POST can cost.

own work        time inside the gate (claims, plan, done), per send, as the guarded sends of requests met it
requests, httpx one session, one send after the other; goal 1.05
threads         sixteen, a session each: throughput, goal 0.9
aiohttp         one loop with 1,000 sends in flight: throughput, goal 0.9
asyncio         the same by httpx, whose own pool takes 40 ms a send then, so fewer are sent

`--answer-ms` makes the server wait before it answers, as a provider would; goals are for none.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import aiohttp
import httpx
import requests

from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.assemble.live import Live
from policykit.demo.library import library_path
from policykit.demo.write import write_demo
from policykit.enforce import guards
from policykit.enforce.gate import LiveGate
from policykit.enforce.plan import Gate, Plan
from policykit.facts.stored import person_of
from policykit.model import Micros, Verdict
from policykit.stores.base import Row, StoredPerson
from tests.benchmarks.loopback import server
from tests.benchmarks.timing import verdict

PEOPLE = 10_000
THREADS = 16
IN_FLIGHT = 1_000
START: Micros = 1_795_255_200_000_000  # 2026-11-21T10:00Z: the demo's people are made up around it
_CAMPAIGN = "basket"
_RELATIONS = ("people", "addresses", "consents", "history", "attributes")


# --- the workspace and its people -------------------------------------------------------------------


def make_world(folder: Path) -> list[str]:
    """A workspace with a filled store; the addresses of people who may be sent to."""
    write_demo(folder, library_path(), 4 * PEOPLE)
    stored = list(_people(folder / "data"))
    live = Live(folder, "enforce", lambda: START)
    rules = live.reloader.current()
    campaign = rules.manifests[_CAMPAIGN].campaign
    chosen: list[StoredPerson] = []
    for one in stored:
        decision = rules.engine.decide(campaign, person_of(rules.ruleset, rules.vocabulary, one), START, "email", START)
        if decision.verdict is Verdict.ALLOW and any(row["channel"] == "email" for row in one.addresses):
            chosen.append(one)
    assert len(chosen) >= PEOPLE, f"only {len(chosen)} people may be sent to"
    chosen = chosen[:PEOPLE]
    for relation in _RELATIONS:
        live.store.write(relation, [row for one in chosen for row in _rows(one, relation)])
    live.close()
    return [str(row["address"]) for one in chosen for row in one.addresses if row["channel"] == "email"]


def _people(data: Path) -> Iterator[StoredPerson]:
    """The demo's people as a store holds them."""
    related: dict[str, dict[str, list[Row]]] = {}
    for relation in _RELATIONS[1:]:
        by_person = related[relation] = {}
        for row in _read(data / f"{relation}.csv"):
            by_person.setdefault(str(row["person"]), []).append(row)
    for row in _read(data / "people.csv"):
        name = str(row["id"])
        rows = {relation: tuple(by_person.get(name, ())) for relation, by_person in related.items()}
        yield StoredPerson(name, row, **rows)


def _read(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {{"customer_no": "id"}.get(name, name): text or None for name, text in row.items()}


def _rows(one: StoredPerson, relation: str) -> tuple[Row, ...]:
    return (one.people,) if relation == "people" else getattr(one, relation)


def body_of(address: str, number: int) -> bytes:
    """A mail as SendGrid's library writes it, about 2.3 kB."""
    line = "<tr><td style='padding:8px 0'>Still thinking? What you left is in your basket.</td></tr>"
    return json.dumps({
        "personalizations": [
            {"to": [{"email": address}], "custom_args": {"campaign": _CAMPAIGN, "order": str(number)}}
        ],
        "from": {"email": "hello@shop.example.com", "name": "Acme"},
        "subject": "Your basket is waiting",
        "content": [
            {"type": "text/plain", "value": "Still thinking? What you left is in your basket."},
            {"type": "text/html", "value": "<html><body><table>" + line * 19 + "</table></body></html>"},
        ],
    }).encode()  # fmt: skip


# --- sends ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Timed:
    """A gate that notes how long it took over each send."""

    gate: LiveGate
    seconds: list[float] = field(default_factory=list)

    def claims(self, method: str, url: str) -> bool:
        return self.gate.claims(method, url)

    def plan(self, request: OutgoingRequest) -> Plan:
        start = time.perf_counter()
        claimed = self.gate.claims(request.method, request.url)
        plan = self.gate.plan(request)
        self.seconds.append(time.perf_counter() - start)
        assert claimed
        assert plan.forward is request, [record.reason for record in plan.records]
        return plan

    def done(self, plan: Plan, answer: Answer) -> Answer:
        start = time.perf_counter()
        told = self.gate.done(plan, answer)
        self.seconds[-1] += time.perf_counter() - start
        return told

    def failed(self, plan: Plan) -> None:
        self.gate.failed(plan)


@dataclass(slots=True)
class World:
    """A workspace with a filled store, and who may be sent to. url: of the server."""

    root: Path
    url: str
    addresses: list[str]
    _sent: int = 0

    def bodies(self, count: int) -> list[bytes]:
        """Mails to the next so many people."""
        numbers = range(self._sent, self._sent + count)
        self._sent += count
        return [body_of(self.addresses[number % PEOPLE], number) for number in numbers]

    @contextmanager
    def gate(self) -> Iterator[LiveGate]:
        """A gate over a copy of the workspace, in which nobody was sent anything yet."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copytree(self.root, Path(folder) / "world"))
            began = time.monotonic_ns()
            live = Live(copy, "enforce", lambda: START + (time.monotonic_ns() - began) // 1000)
            try:
                yield live.gate
            finally:
                live.close()


@contextmanager
def guarded(gate: Gate) -> Iterator[None]:
    take_off = guards.attach_all(gate)
    try:
        yield
    finally:
        take_off()


HEADERS = {"Authorization": "Bearer SG.a-key", "Content-Type": "application/json"}
Post = Callable[[bytes], None]


@contextmanager
def by_requests(url: str) -> Iterator[Post]:
    def post(body: bytes) -> None:
        answer = session.post(url, data=body, headers=HEADERS, timeout=30)
        assert answer.status_code == 202, answer.text

    with requests.Session() as session:
        yield post


@contextmanager
def by_httpx(url: str) -> Iterator[Post]:
    def post(body: bytes) -> None:
        answer = client.post(url, content=body, headers=HEADERS)
        assert answer.status_code == 202, answer.text

    with httpx.Client(timeout=30) as client:
        yield post


# --- measurements -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pair:
    """Seconds per send, plain and guarded: medians over rounds."""

    plain: float
    guarded: float

    @property
    def ratio(self) -> float:
        return self.guarded / self.plain


def one_by_one(world: World, client: Callable[[str], Any], sends: int, rounds: int) -> tuple[Pair, list[float]]:
    """Blocks of sends, plain and guarded in turn; the seconds the gate took over each guarded send."""
    plain: list[float] = []
    through: list[float] = []
    with world.gate() as gate, client(world.url) as post:
        timed = Timed(gate)
        for round_ in range(-1, rounds):  # the first one warms up
            bodies = world.bodies(sends // rounds)
            took = _timed(lambda bodies=bodies: [post(body) for body in bodies])  # type: ignore[misc]
            with guarded(timed):
                took_guarded = _timed(lambda bodies=bodies: [*map(post, bodies), gate.flush()])  # type: ignore[misc]
            if round_ < 0:
                timed.seconds.clear()
                continue
            plain.append(took / len(bodies))
            through.append(took_guarded / len(bodies))
    return Pair(statistics.median(plain), statistics.median(through)), timed.seconds


def in_threads(world: World, sends: int, rounds: int) -> Pair:
    """Throughput of sixteen threads, a session each."""
    with world.gate() as gate:

        def run(bodies: list[bytes]) -> None:
            def work(mine: list[bytes]) -> None:
                with by_requests(world.url) as post:
                    for body in mine:
                        post(body)

            threads = [Thread(target=work, args=(bodies[number::THREADS],)) for number in range(THREADS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        return _alternating(world, gate, run, sends, rounds)


AsyncPost = Callable[[bytes], Awaitable[None]]


@asynccontextmanager
async def by_async_httpx(url: str) -> AsyncIterator[AsyncPost]:
    async def post(body: bytes) -> None:
        answer = await client.post(url, content=body, headers=HEADERS)
        assert answer.status_code == 202, answer.text

    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    async with httpx.AsyncClient(timeout=300, limits=limits) as client:
        yield post


@asynccontextmanager
async def by_aiohttp(url: str) -> AsyncIterator[AsyncPost]:
    async def post(body: bytes) -> None:
        async with client.post(url, data=body, headers=HEADERS) as answer:
            assert answer.status == 202, await answer.text()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as client:
        yield post


def in_a_loop(world: World, client: Callable[[str], Any], sends: int, rounds: int) -> Pair:
    """Throughput of one loop with 1,000 sends in flight."""

    async def gathered(bodies: list[bytes]) -> None:
        async with client(world.url) as post:
            waiting = iter(bodies)

            async def work() -> None:
                for body in waiting:
                    await post(body)

            await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))

    with world.gate() as gate:
        return _alternating(world, gate, lambda bodies: asyncio.run(gathered(bodies)), sends, rounds)


def _alternating(world: World, gate: LiveGate, run: Callable[[list[bytes]], None], sends: int, rounds: int) -> Pair:
    plain: list[float] = []
    through: list[float] = []
    for _ in range(rounds):
        bodies = world.bodies(sends)
        plain.append(_timed(lambda bodies=bodies: run(bodies)) / sends)  # type: ignore[misc]
        with guarded(gate):
            through.append(_timed(lambda bodies=bodies: (run(bodies), gate.flush())) / sends)  # type: ignore[misc]
    return Pair(statistics.median(plain), statistics.median(through))


def _timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


# --- what is shown ----------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sends", type=int, default=3000, help="guarded sends per measurement, one by one")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=("requests", "httpx", "threads", "aiohttp", "asyncio"))
    parser.add_argument("--answer-ms", type=float, default=0.0, help="how long the server waits before it answers")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, server(options.answer_ms) as url:
        root = Path(folder) / "shop"
        world = World(root, url + "/v3/mail/send", make_world(root))
        for name, client in (("requests", by_requests), ("httpx", by_httpx)):
            if options.only in (None, name):
                pair, seconds = one_by_one(world, client, options.sends, options.rounds)
                results |= _shown_one_by_one(name, pair, seconds)
        together: dict[str, Callable[[], Pair]] = {
            "threads": lambda: in_threads(world, 2 * IN_FLIGHT, 5),
            "aiohttp": lambda: in_a_loop(world, by_aiohttp, 2 * IN_FLIGHT, 5),
            "asyncio": lambda: in_a_loop(world, by_async_httpx, IN_FLIGHT, 1),
        }
        for name, measure in together.items():
            if options.only in (None, name):
                pair = measure()
                results[name] = 1 / pair.ratio
                print(f"{name:9} plain {1 / pair.plain:6.0f}/s, guarded {1 / pair.guarded:6.0f}/s: "
                      f"{_at_least(1 / pair.ratio, 0.9)}")  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def _shown_one_by_one(name: str, pair: Pair, seconds: list[float]) -> dict[str, float]:
    own = sorted(seconds)
    median, p99 = statistics.median(own), own[len(own) * 99 // 100]
    print(f"{name:9} plain {pair.plain * 1e6:6.0f} us, guarded {pair.guarded * 1e6:6.0f} us: "
          f"{verdict(pair.ratio, 1.05)}")  # fmt: skip
    print(f"          own work {median * 1e6:.0f} us (goal below 100), p99 {p99 * 1e6:.0f} us")
    return {name: pair.ratio, f"{name} own work": median, f"{name} own work p99": p99}


def _at_least(ratio: float, goal: float) -> str:
    return f"{ratio:.2f} (goal at least {goal:g}: {'reached' if ratio >= goal else 'MISSED'})"


if __name__ == "__main__":
    main()
