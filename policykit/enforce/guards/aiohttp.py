"""Guard for `aiohttp`: `ClientSession._request`, through which every request of a session goes.

It stands above redirects, cookies and connections, so one call is one logical send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import aiohttp
from aiohttp import payload, streams
from aiohttp.base_protocol import BaseProtocol
from aiohttp.helpers import TimerNoop, noop
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from policykit.adapters.wire import Answer, Headers, OutgoingRequest
from policykit.enforce.guards import shared, workers
from policykit.enforce.plan import Gate
from policykit.enforce.underway import UNDERWAY, Mark, expect, expected_no_more, is_underway


def attach(gate: Gate) -> Callable[[], None]:
    """Guards every session, those made before too; the result takes the guard away."""

    def make(plain: Callable[..., Any], switch: shared.Switch) -> Callable[..., Any]:
        async def _request(self: Any, method: str, str_or_url: Any, **kwargs: Any) -> Any:
            url = _url(self, str_or_url, kwargs)
            if url is None or not switch.on or self.closed:
                return await plain(self, method, str_or_url, **kwargs)
            if not shared.claimed(gate, method.upper(), str(url)):
                return await _pass(partial(plain, self, method, str_or_url, **kwargs), Mark(), url)
            return await _judged(gate, plain, self, method, str_or_url, url, kwargs)

        return _request

    return shared.patch(aiohttp.ClientSession, "_request", make)


def _url(session: Any, given: Any, kwargs: Mapping[str, Any]) -> URL | None:
    """The whole URL, None where aiohttp will refuse it."""
    try:
        url: URL = session._build_url(given)  # noqa: SLF001  # joins the session's base URL
        params = kwargs.get("params")
        return getattr(url, "extend_query", url.update_query)(params) if params else url
    except (TypeError, ValueError):
        return None


async def _judged(
    gate: Gate, plain: Callable[..., Any], session: Any, method: str, given: Any, url: URL, kwargs: dict[str, Any]
) -> Any:
    body, kwargs = await _body(session, kwargs)
    outgoing = OutgoingRequest(method.upper(), str(url), _headers(session, body, kwargs), body.whole)
    if is_underway(gate, outgoing):
        return await _pass(partial(plain, session, method, given, **kwargs), Mark(gate, outgoing), url)
    plan = await workers.planned(gate, outgoing)
    if plan.forward is None:
        return await _answered(session, method, url, shared.refusal(plan), kwargs)
    if plan.forward is not outgoing:
        method, kwargs = plan.forward.method, _changed(session, kwargs, plan.forward)
        if plan.forward.url != outgoing.url:
            url = given = URL(plan.forward.url, encoded=True)
            kwargs["params"] = None
    raises, kwargs = _raises(session, kwargs)
    try:
        response = await _pass(partial(plain, session, method, given, **kwargs), Mark(gate, plan.forward), url)
        whole = await response.read() if plan.mends else b""
    except BaseException:
        shared.failed(gate, plan)
        raise
    answer = Answer(response.status, response.reason or "", shared.headers_of(response.headers.items()), whole)
    told = shared.answered(gate, plan, answer)
    if plan.mends:  # its stream was read
        response = _mended(session, response, told)
    return await _checked(response, raises)


async def _pass(send: Callable[[], Awaitable[Any]], mark: Mark, url: URL) -> Any:
    host = url.host or ""
    token = UNDERWAY.set(mark)
    expect(host)
    try:
        return await send()
    finally:
        expected_no_more(host)
        mark.live = False
        UNDERWAY.reset(token)


# --- requests --------------------------------------------------------------------------------------


class _Body:
    """A body as bytes, with the headers that aiohttp derives from it."""

    def __init__(self, whole: bytes, headers: Mapping[str, str]) -> None:
        self.whole, self.headers = whole, headers


class _Collector:
    """Stands for the connection a payload writes itself to."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    async def write(self, chunk: Any) -> None:
        self.parts.append(bytes(chunk))


async def _body(session: Any, kwargs: dict[str, Any]) -> tuple[_Body, dict[str, Any]]:
    """The body, and the arguments to send it with: streams can be read once, so their bytes take their place."""
    data, value = kwargs.get("data"), kwargs.get("json")
    if data is None:
        return (_Body(b"", {}) if value is None else _json(session, value)), kwargs
    if isinstance(data, bytes):
        return _Body(data, {"Content-Type": "application/octet-stream"}), kwargs
    try:
        made = payload.PAYLOAD_REGISTRY.get(data() if isinstance(data, aiohttp.FormData) else data, disposition=None)
    except payload.LookupError:
        made = aiohttp.FormData(data)()
    collector = _Collector()
    await made.write(collector)  # type: ignore[arg-type]
    body = _Body(b"".join(collector.parts), dict(made.headers or {}))
    if isinstance(made, payload.BytesPayload) and not isinstance(data, aiohttp.FormData | payload.Payload):
        return body, kwargs
    return body, {**kwargs, "data": _Whole(body.whole, made.headers)}


def _json(session: Any, value: Any) -> _Body:
    dumps = getattr(session, "_json_serialize_bytes", None) or session._json_serialize  # noqa: SLF001
    text = dumps(value)
    whole = text if isinstance(text, bytes) else str(text).encode("utf-8")
    return _Body(whole, {"Content-Type": "application/json"})


class _Whole(payload.BytesPayload):
    """Bytes in a body's place. Unlike the parent's, they may be many without a warning: that was the application's."""

    def __init__(self, whole: bytes, headers: Any = None) -> None:
        payload.Payload.__init__(self, whole, headers=headers, content_type="application/octet-stream")
        self._size = len(whole)


def _headers(session: Any, body: _Body, kwargs: Mapping[str, Any]) -> Headers:
    """The headers the application gives, the session's own, and those that say how to read the body."""
    given = session._prepare_headers(kwargs.get("headers"))  # noqa: SLF001
    pairs = [(str(name), str(value)) for name, value in given.items()]
    names = {name.lower() for name, _ in pairs}
    pairs += [(name, value) for name, value in body.headers.items() if name.lower() not in names]
    auth = _auth(session, kwargs)
    if auth is not None and "authorization" not in names:
        pairs.append(("Authorization", auth.encode()))
    return tuple(pairs)


def _auth(session: Any, kwargs: Mapping[str, Any]) -> Any:
    return kwargs.get("auth") or getattr(session, "_default_auth", None)


def _changed(session: Any, kwargs: dict[str, Any], forward: OutgoingRequest) -> dict[str, Any]:
    # aiohttp adds the host, and the authorization where it is an argument; it refuses both ways at once.
    gone = shared.FRAMING | {"host"} | ({"authorization"} if _auth(session, kwargs) is not None else set())
    headers = CIMultiDict((name, value) for name, value in forward.headers if name.lower() not in gone)
    return {**kwargs, "data": _Whole(forward.body), "json": None, "headers": headers, "chunked": None}


# --- answers ---------------------------------------------------------------------------------------


class Answered(aiohttp.ClientResponse):
    """A response that no connection stands behind, read to its end already."""

    def __init__(self, session: Any, method: str, url: URL, answer: Answer) -> None:
        # Not the parent's: what it asks for differs from version to version, and none of it exists here.
        length = ("Content-Length", str(len(answer.body)))
        headers = CIMultiDictProxy(CIMultiDict((*shared.decoded(answer.headers), length)))
        loop = asyncio.get_running_loop()
        self.version = aiohttp.HttpVersion11
        self.method, self.status, self.reason = method, answer.status, shared.phrase(answer)
        self.content = streams.StreamReader(BaseProtocol(loop), 2**16, loop=loop)
        self.content.feed_data(answer.body)
        self.content.feed_eof()
        self._url, self._real_url = url.with_fragment(None), url
        self._headers, self._body, self._history = headers, answer.body, ()
        self._raw_headers = tuple((name.encode(), value.encode()) for name, value in headers.items())
        self._request_info = aiohttp.RequestInfo(self._url, method, CIMultiDictProxy(CIMultiDict()), url)
        self._cache, self._traces, self._loop, self._timer = {}, [], loop, TimerNoop()
        if session is not None:
            self._resolve_charset = session._resolve_charset  # noqa: SLF001

    def release(self) -> Any:
        """Nothing is held, and what was read can still be read."""
        return noop()

    def close(self) -> None:
        return None


async def _answered(session: Any, method: str, url: URL, answer: Answer, kwargs: dict[str, Any]) -> Any:
    raises, _ = _raises(session, kwargs)
    return await _checked(Answered(session, method.upper(), url, answer), raises)


def _mended(session: Any, response: Any, answer: Answer) -> Any:
    """A response like the one that came, with another status, headers and body."""
    mended = Answered(session, response.method, response.real_url, answer)
    mended._request_info, mended._history = response.request_info, response.history  # noqa: SLF001
    mended.cookies = response.cookies
    response.release()
    return mended


def _raises(session: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What is to be raised for which status, and the arguments to be sent without that."""
    asked = kwargs.get("raise_for_status")
    return (session._raise_for_status if asked is None else asked), {**kwargs, "raise_for_status": False}  # noqa: SLF001


async def _checked(response: Any, raises: Any) -> Any:
    """As `ClientSession._request` ends, after the send was settled."""
    if callable(raises):
        await raises(response)
    elif raises:
        response.raise_for_status()
    return response
