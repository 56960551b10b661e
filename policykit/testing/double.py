"""A provider on loopback: a small real HTTP server that records what reached it and answers as scripted.

    with Double() as double:
        client = Client(base_url=double.url)
        ...
        assert [each.path for each in double.requests] == ["/v3/mail/send"]

One thread serves any number of connections. Plain HTTP/1.1 with keep-alive; bodies up to 64 MiB.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TypeAlias

from policykit.adapters.wire import Answer
from policykit.testing.http1 import HEAD_LIMIT, BrokenRequest, Received, answer_bytes, keeps_alive, read_request

__all__ = ["Answer", "Cut", "Double", "Received", "Slow", "redirect"]

_MOST_CONNECTIONS = 2048
_CALLABLES_AT_ONCE = 16
_LOOK_S = 0.005  # how often a slow answer looks whether it may go


@dataclass(frozen=True, slots=True)
class Cut:
    """Instead of an answer: the connection is closed."""


@dataclass(frozen=True, slots=True)
class Slow:
    """An answer that waits for an event; leaving the double's block lets it go unanswered."""

    until: threading.Event
    then: Answer | None = None  # None = what is answered by default


Scripted: TypeAlias = Answer | Cut | Slow | Callable[[Received], "Answer | Cut | Slow"]


def redirect(to: str, status: int = 307) -> Answer:
    return Answer(status, headers=(("Location", to),))


class Double:
    """A loopback server in its own thread, serving while its `with` block lasts."""

    def __init__(self) -> None:
        self.connections = 0  # accepted so far
        self._requests: list[Received] = []
        self._scripts: list[tuple[str, list[Scripted]]] = []
        self._changed = threading.Condition()
        self._closing = False
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where it listens, `http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[Received]:
        """Everything received so far, in order of arrival."""
        with self._changed:
            return list(self._requests)

    def answer(self, path_prefix: str, *answers: Scripted) -> None:
        """Script answers for paths that begin so: one after the other, the last for good.

        A callable is given the request, and runs in a thread. The latest script that fits a path wins.
        """
        if not answers:
            raise ValueError("expected at least one answer")
        with self._changed:
            self._scripts.insert(0, (path_prefix, list(answers)))

    def clear(self) -> None:
        """Forget requests and scripts."""
        with self._changed:
            self._requests.clear()
            self._scripts.clear()

    def wait_for(self, count: int, timeout_s: float = 5.0) -> bool:
        """Whether at least so many requests came within the time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._requests) >= count, timeout_s)

    # --- serving ----------------------------------------------------------------------------------

    def __enter__(self) -> Double:
        self._thread = threading.Thread(target=self._run, name="policykit-double", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failed:
            self._thread.join()
            raise self._failed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        self._pool = ThreadPoolExecutor(_CALLABLES_AT_ONCE, "policykit-double-answer")
        try:
            with asyncio.Runner() as runner:
                runner.run(self._serve())
        except BaseException as error:  # told to whoever opened the double
            self._failed = error
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=HEAD_LIMIT, backlog=1024)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._closing or len(self._open) >= _MOST_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.ensure_future(self._talk(reader, writer))
        self._open[task] = writer
        task.add_done_callback(lambda done: self._open.pop(done, None))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """All requests of one connection."""
        try:
            while (received := await read_request(reader, writer)) is not None:
                scripted = self._note(received)
                answer = await self._answer(scripted, received)
                if answer is None:
                    return
                alive = keeps_alive(received)
                writer.write(answer_bytes(answer, alive, received.method == "HEAD"))
                await writer.drain()
                if not alive:
                    return
        except (BrokenRequest, ConnectionError):
            pass
        finally:
            writer.transport.abort() if self._closing else writer.close()

    def _note(self, received: Received) -> Scripted | None:
        """Record a request; what was scripted for it, None when nothing was."""
        with self._changed:
            self._requests.append(received)
            self._changed.notify_all()
            for prefix, answers in self._scripts:
                if received.path.startswith(prefix):
                    return answers.pop(0) if len(answers) > 1 else answers[0]
            return None

    async def _answer(self, scripted: Scripted | None, received: Received) -> Answer | None:
        """None when the connection is to be cut."""
        if scripted is None:
            return default_answer(received)
        if isinstance(scripted, Slow):
            while not scripted.until.is_set():
                await asyncio.sleep(_LOOK_S)
            return scripted.then or default_answer(received)
        if isinstance(scripted, Answer):
            return scripted
        if isinstance(scripted, Cut):
            return None
        try:
            given = await self._loop.run_in_executor(self._pool, scripted, received)
        except Exception as error:  # the test that scripted it sees it in the answer
            return Answer(500, "Broken Script", body=f"the scripted answer raised {error!r}".encode())
        return await self._answer(given, received)


# --- what providers answer --------------------------------------------------------------------------


def default_answer(received: Received) -> Answer:
    """A success of the provider that the path belongs to; `{}` for paths of nobody."""
    count = time.monotonic_ns()
    if received.path.endswith("/mail/send"):
        return Answer(202, headers=(("X-Message-Id", f"sg{count:020d}"),))
    if received.path.endswith("/messages:send"):
        project = received.path.rpartition("/messages:send")[0].removeprefix("/v1/")
        return _json(200, {"name": f"{project}/messages/{count}"})
    if received.path.endswith("/Messages.json"):
        return _json(201, _twilio(received, f"SM{count:032x}"))
    if received.path.endswith("/token"):
        return _json(200, {"access_token": "double", "token_type": "Bearer", "expires_in": 3600})
    return _json(200, {})


def _twilio(received: Received, sid: str) -> dict[str, object]:
    try:
        form = dict(received.form())
    except ValueError:
        form = {}
    return {
        "sid": sid, "account_sid": received.path.split("/")[3], "status": "queued", "to": form.get("To"),
        "from": form.get("From"), "body": form.get("Body"), "num_segments": "1", "num_media": "0",
        "direction": "outbound-api", "api_version": "2010-04-01", "error_code": None, "error_message": None,
        "uri": received.path.replace("Messages.json", f"Messages/{sid}.json"),
    }  # fmt: skip


def _json(status: int, value: object) -> Answer:
    return Answer(status, headers=(("Content-Type", "application/json"),), body=json.dumps(value).encode())
