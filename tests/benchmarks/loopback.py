"""A keep-alive server on loopback that takes every POST, in a process of its own.

python -m tests.benchmarks.loopback MS     prints its port, answers after so long, serves until its input ends
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_ANSWER = (
    b"HTTP/1.1 202 Accepted\r\nServer: nginx\r\nX-Message-Id: TGgBFZ8oR2ycMrDSjY9L0A\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 0\r\nConnection: keep-alive\r\n\r\n"
)


class _Connection(asyncio.Protocol):
    """Answers once for every request that has come in whole."""

    def __init__(self, pause_s: float) -> None:
        self.pause_s = pause_s
        self.waiting = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        assert self.transport is not None
        while (length := _length(self.waiting)) is not None:
            self.waiting = self.waiting[length:]
            if self.pause_s:
                asyncio.get_running_loop().call_later(self.pause_s, self.transport.write, _ANSWER)
            else:
                self.transport.write(_ANSWER)


def _length(data: bytes) -> int | None:
    """Bytes of the first request, None when it has not come in whole."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return None
    place = data[:head].lower().find(b"content-length:")
    body = int(data[place + 15 : head].split(b"\r\n")[0]) if place >= 0 else 0
    return head + 4 + body if len(data) >= head + 4 + body else None


async def _serve(pause_s: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(pause_s), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@contextmanager
def server(answer_ms: float = 0.0) -> Iterator[str]:
    """The URL of a server in another process, which ends with the block."""
    command = [sys.executable, "-m", "tests.benchmarks.loopback", str(answer_ms)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.stdout.close()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]) / 1000))
