"""HTTP/1.1 as the double speaks it: one request off a stream, one answer as bytes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from policykit.adapters.wire import Answer, Headers, OutgoingRequest, first_header

HEAD_LIMIT = 1 << 17  # bytes of request line and headers
BODY_LIMIT = 1 << 26  # 64 MiB
_BODILESS = (204, 304)


class BrokenRequest(Exception):  # noqa: N818  # what came, not an error of ours
    """What came is no HTTP/1.1 request, or is beyond a limit; the connection is closed."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request as the server saw it. path: without the query; body: whole, chunks joined."""

    method: str
    path: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    query: str = field(default="", repr=False)

    def header(self, name: str) -> str | None:
        """The first header of this name, whatever its case."""
        return first_header(self.headers, name)

    def json(self) -> Any:
        return json.loads(self.body.decode("utf-8"))

    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode("utf-8"), keep_blank_values=True)

    def as_sent_to(self, base_url: str) -> OutgoingRequest:
        """The request as it would have left for another server, e.g. the provider's own."""
        query = f"?{self.query}" if self.query else ""
        return OutgoingRequest(self.method, f"{base_url}{self.path}{query}", self.headers, self.body)


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Received | None:
    """The next request of a connection, None when the client is done with it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as cut:
        if cut.partial:
            raise BrokenRequest("cut in its head") from None
        return None
    except asyncio.LimitOverrunError:
        raise BrokenRequest("a head beyond the limit") from None
    method, target, headers = parse_head(head.decode("latin-1"))
    found = Received(method, "", headers, b"")
    if (found.header("Expect") or "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _body(reader, found)
    if "://" in target:  # absolute form, as clients write to a proxy
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    path, _, query = target.partition("?")
    return Received(method, path, headers, body, query)


def parse_head(head: str) -> tuple[str, str, Headers]:
    """Method, target and headers of a request's head. Raises BrokenRequest."""
    lines = head.replace("\r\n", "\n").rstrip("\n").split("\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BrokenRequest("no request line")
    return words[0].upper(), words[1], parse_headers(lines[1:])


def parse_headers(lines: list[str]) -> Headers:
    pairs = [line.partition(":") for line in lines]
    if any(not colon or not name.strip() for name, colon, _ in pairs):
        raise BrokenRequest("a header without a name")
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)


def keeps_alive(received: Received) -> bool:
    return (received.header("Connection") or "").lower() != "close"


def answer_bytes(answer: Answer, alive: bool, head_only: bool = False) -> bytes:  # noqa: FBT001  # a fact each
    """The answer as it goes over the wire, its length counted by us."""
    phrase = answer.reason or (HTTPStatus(answer.status).phrase if answer.status in _KNOWN else "Answer")
    own = ("content-length", "connection", "transfer-encoding")
    lines = [f"HTTP/1.1 {answer.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers if name.lower() not in own]
    if answer.status not in _BODILESS:
        lines.append(f"Content-Length: {len(answer.body)}")
    lines.append("Connection: keep-alive" if alive else "Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    return head if head_only or answer.status in _BODILESS else head + answer.body


_KNOWN = frozenset(status.value for status in HTTPStatus)


async def _body(reader: asyncio.StreamReader, head: Received) -> bytes:
    if "chunked" in (head.header("Transfer-Encoding") or "").lower():
        return await _chunks(reader)
    length = head.header("Content-Length") or "0"
    if not length.isdigit() or int(length) > BODY_LIMIT:
        raise BrokenRequest("a length that is none, or beyond the limit")
    return await _exactly(reader, int(length))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    chunks: list[bytes] = []
    size = total = -1
    while size:
        line = await _line(reader)
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError:
            raise BrokenRequest("a chunk without a size") from None
        total += size
        if size < 0 or total > BODY_LIMIT:
            raise BrokenRequest("chunks beyond the limit")
        if size:
            chunks.append(await _exactly(reader, size))
            await _exactly(reader, 2)
    while await _line(reader):  # trailers
        pass
    return b"".join(chunks)


async def _exactly(reader: asyncio.StreamReader, size: int) -> bytes:
    try:
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError:
        raise BrokenRequest("cut in its body") from None


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.readuntil(b"\r\n")).strip()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise BrokenRequest("cut in its chunks") from None
