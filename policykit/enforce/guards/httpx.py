"""Guard for `httpx`, and for forks that keep its names (`httpx2`): `Client.send` and `AsyncClient.send`.

Both stand above redirects, authentication and transports, so one call is one logical send.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from policykit.adapters.wire import Answer, Headers, OutgoingRequest
from policykit.enforce.guards import shared, workers
from policykit.enforce.plan import Gate, Plan
from policykit.enforce.underway import UNDERWAY, Mark, expect, expected_no_more, is_underway


def attach(gate: Gate, library: str = "httpx") -> Callable[[], None]:
    """Guards every client, those made before too; the result takes the guard away."""
    httpx = import_module(library)
    undo_sync = shared.patch(httpx.Client, "send", lambda plain, switch: _sync(httpx, gate, plain, switch))
    undo_async = shared.patch(httpx.AsyncClient, "send", lambda plain, switch: _async(httpx, gate, plain, switch))

    def detach() -> None:
        undo_async()
        undo_sync()

    return detach


def _sync(httpx: Any, gate: Gate, plain: Callable[..., Any], switch: shared.Switch) -> Callable[..., Any]:
    def send(self: Any, request: Any, **kwargs: Any) -> Any:
        if not (switch.on and shared.claimed(gate, request.method, str(request.url))) or self.is_closed:
            return _pass(plain, Mark(), self, request, kwargs)
        if not isinstance(request.stream, httpx.SyncByteStream):
            return plain(self, request, **kwargs)  # raises, and says how clients and bodies go together
        request.read()
        outgoing = _caught(request)
        if is_underway(gate, outgoing):
            return _pass(plain, Mark(gate, outgoing), self, request, kwargs)
        plan = shared.planned(gate, outgoing)
        if plan.forward is None:
            return _answered(httpx, self, request, shared.refusal(plan), kwargs)
        leaving = request if plan.forward is outgoing else _changed(httpx, request, plan.forward)
        try:
            response = _pass(plain, Mark(gate, plan.forward), self, leaving, kwargs)
            if plan.mends:
                response.read()
        except BaseException:
            shared.failed(gate, plan)
            raise
        answer = _answer(response)
        told = shared.answered(gate, plan, answer)
        return _told(httpx, response, told, kwargs) if _is_new(plan, told, answer, kwargs) else response

    return send


def _pass(plain: Callable[..., Any], mark: Mark, client: Any, request: Any, kwargs: Any) -> Any:
    token = UNDERWAY.set(mark)
    try:
        return plain(client, request, **kwargs)
    finally:
        mark.live = False
        UNDERWAY.reset(token)


def _async(httpx: Any, gate: Gate, plain: Callable[..., Any], switch: shared.Switch) -> Callable[..., Any]:
    async def send(self: Any, request: Any, **kwargs: Any) -> Any:
        if not (switch.on and shared.claimed(gate, request.method, str(request.url))) or self.is_closed:
            return await _pass_async(plain, Mark(), self, request, kwargs)
        if not isinstance(request.stream, httpx.AsyncByteStream):
            return await plain(self, request, **kwargs)
        await request.aread()
        outgoing = _caught(request)
        if is_underway(gate, outgoing):
            return await _pass_async(plain, Mark(gate, outgoing), self, request, kwargs)
        plan = await workers.planned(gate, outgoing)
        if plan.forward is None:
            return await _answered_async(httpx, self, request, shared.refusal(plan), kwargs)
        leaving = request if plan.forward is outgoing else _changed(httpx, request, plan.forward)
        try:
            response = await _pass_async(plain, Mark(gate, plan.forward), self, leaving, kwargs)
            if plan.mends:
                await response.aread()
        except BaseException:
            shared.failed(gate, plan)
            raise
        answer = _answer(response)
        told = shared.answered(gate, plan, answer)
        return _told(httpx, response, told, kwargs) if _is_new(plan, told, answer, kwargs) else response

    return send


async def _pass_async(plain: Callable[..., Any], mark: Mark, client: Any, request: Any, kwargs: Any) -> Any:
    host = request.url.host
    token = UNDERWAY.set(mark)
    expect(host)
    try:
        return await plain(client, request, **kwargs)
    finally:
        expected_no_more(host)
        mark.live = False
        UNDERWAY.reset(token)


# --- requests --------------------------------------------------------------------------------------


def _headers(headers: Any) -> Headers:
    return tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw])


def _raw(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in headers]


def _caught(request: Any) -> OutgoingRequest:
    return OutgoingRequest(request.method.upper(), str(request.url), _headers(request.headers), request.content)


def _changed(httpx: Any, request: Any, forward: OutgoingRequest) -> Any:
    """A new request with the application's extensions: timeout, trace and what else it set."""
    moved = urlsplit(forward.url).netloc != urlsplit(str(request.url)).netloc
    gone = shared.FRAMING | ({"host"} if moved else set())
    kept = _raw(pair for pair in forward.headers if pair[0].lower() not in gone)
    return httpx.Request(forward.method, forward.url, headers=kept, content=forward.body, extensions=request.extensions)


# --- answers ---------------------------------------------------------------------------------------


def _answer(response: Any) -> Answer:
    """What came back; the body only where it has been read."""
    body = response.content if response.is_closed and hasattr(response, "_content") else b""
    headers = _headers(response.headers)
    return Answer(response.status_code, response.reason_phrase, headers, body)


def _response(httpx: Any, client: Any, request: Any, answer: Answer, **kept: Any) -> Any:
    """Unread, as it would come from the network."""
    length = ("Content-Length", str(len(answer.body)))
    pairs = _raw((*shared.decoded(answer.headers), length))
    extensions = {"http_version": b"HTTP/1.1", **kept, "reason_phrase": shared.phrase(answer).encode("latin-1")}
    response = httpx.Response(
        answer.status, headers=pairs, stream=httpx.ByteStream(answer.body), request=request, extensions=extensions,
        default_encoding=getattr(client, "_default_encoding", "utf-8"),
    )  # fmt: skip
    response.elapsed = timedelta()
    return response


def _answered(httpx: Any, client: Any, request: Any, answer: Answer, kwargs: Any) -> Any:
    """An answer in the provider's place; the client's event hooks see it like any other."""
    for hook in client.event_hooks["request"]:
        hook(request)
    response = _response(httpx, client, request, answer)
    for hook in client.event_hooks["response"]:
        hook(response)
    if not kwargs.get("stream"):
        response.read()
    return response


async def _answered_async(httpx: Any, client: Any, request: Any, answer: Answer, kwargs: Any) -> Any:
    for hook in client.event_hooks["request"]:
        await hook(request)
    response = _response(httpx, client, request, answer)
    for hook in client.event_hooks["response"]:
        await hook(response)
    if not kwargs.get("stream"):
        await response.aread()
    return response


def _is_new(plan: Plan, told: Answer, answer: Answer, kwargs: Any) -> bool:
    """Whether the response has to be made anew: it changes, or its stream was read to see whether it does."""
    return told is not answer or (plan.mends and bool(kwargs.get("stream")))


def _told(httpx: Any, response: Any, answer: Answer, kwargs: Any) -> Any:
    """A response like the one that came, with another status, headers and body."""
    kept = {key: value for key, value in response.extensions.items() if key != "network_stream"}
    mended = _response(httpx, None, response.request, answer, **kept)
    mended.history = response.history
    mended.default_encoding = response.default_encoding
    mended.elapsed = response.elapsed
    if not kwargs.get("stream"):
        mended.read()
    return mended
