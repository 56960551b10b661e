"""Guard for `urllib.request`: every opener's `open`, `urlopen` included."""

from __future__ import annotations

import copy
import http.client
import socket
import urllib.error
from collections.abc import Callable
from contextvars import ContextVar
from email.message import Message
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from urllib.request import OpenerDirector, Request  # by name: it may be half-way through being imported

from policykit.adapters.wire import Answer, Headers, OutgoingRequest
from policykit.enforce.guards import shared
from policykit.enforce.plan import Gate, Plan
from policykit.enforce.underway import UNDERWAY, Mark, is_underway

# What this context forwards now: redirects, authentication and proxies open the next request from within.
_FLIGHT: ContextVar[tuple[Any, Any]] = ContextVar("policykit_urllib_flight", default=(None, None))


def attach(gate: Gate) -> Callable[[], None]:
    """Guards every opener, those made before too; the result takes the guard away."""

    def make(plain: Callable[..., Any], switch: shared.Switch) -> Callable[..., Any]:
        def open(  # noqa: A001  # as the library names it
            self: OpenerDirector,
            fullurl: Any,
            data: Any = None,
            timeout: Any = socket._GLOBAL_DEFAULT_TIMEOUT,  # type: ignore[attr-defined] # noqa: SLF001
        ) -> Any:
            if not switch.on or _same_send(self, fullurl):
                return plain(self, fullurl, data, timeout)
            if data is not None and not isinstance(fullurl, str):
                fullurl.data, data = data, None  # as `open` does first of all
            if not _claimed(gate, fullurl, data):
                return _pass(plain, Mark(), self, fullurl, data, timeout)
            return _judged(gate, plain, self, fullurl, data, timeout)

        return open

    return shared.patch(OpenerDirector, "open", make)


def _claimed(gate: Gate, fullurl: Any, data: Any) -> bool:
    if isinstance(fullurl, str):
        return shared.claimed(gate, "GET" if data is None else "POST", fullurl)
    return shared.claimed(gate, fullurl.get_method(), fullurl.full_url)


def _same_send(opener: Any, request: Any) -> bool:
    """Whether this is the request under way, opened again by a handler, or a redirect of it."""
    above, sent = _FLIGHT.get()
    if above is not opener or sent is None:
        return False
    visited = getattr(request, "redirect_dict", None)
    return request is sent or (visited is not None and visited is getattr(sent, "redirect_dict", None))


def _judged(gate: Gate, plain: Callable[..., Any], opener: Any, fullurl: Any, data: Any, timeout: Any) -> Any:
    request = Request(fullurl, data) if isinstance(fullurl, str) else fullurl  # noqa: S310
    body, again = shared.read_body(request.data, "iso-8859-1")
    outgoing = OutgoingRequest(request.get_method().upper(), request.full_url, _headers(opener, request), body)
    if not again:
        request.data = body
    if is_underway(gate, outgoing):
        return _pass(plain, Mark(gate, outgoing), opener, request, None, timeout)
    plan = shared.planned(gate, outgoing)
    if plan.forward is None:
        return _processed(opener, request, _response(shared.refusal(plan), request.full_url))
    leaving = request if plan.forward is outgoing else _changed(request, plan.forward)
    return _forward(gate, plan, plain, opener, leaving, timeout)


def _pass(plain: Callable[..., Any], mark: Mark, opener: Any, request: Any, data: Any, timeout: Any) -> Any:
    token = UNDERWAY.set(mark)
    try:
        return plain(opener, request, data, timeout)
    finally:
        mark.live = False
        UNDERWAY.reset(token)


def _forward(gate: Gate, plan: Plan, plain: Callable[..., Any], opener: Any, request: Any, timeout: Any) -> Any:
    token = _FLIGHT.set((opener, request))
    try:
        response = _pass(plain, Mark(gate, plan.forward), opener, request, None, timeout)
        answer = _answer(response, plan)
    except urllib.error.HTTPError as error:
        answer = _answer(error, plan)
        told = shared.answered(gate, plan, answer)
        if plan.mends:
            raise _error(told, error.url or request.full_url) from None
        raise
    except BaseException:
        shared.failed(gate, plan)
        raise
    finally:
        _FLIGHT.reset(token)
    told = shared.answered(gate, plan, answer)
    return _told(told, response.url) if plan.mends else response


# --- requests --------------------------------------------------------------------------------------


def _headers(opener: Any, request: Any) -> Headers:
    """The headers that will leave, those the opener adds included."""
    given = shared.headers_of(request.header_items())
    names = {name.lower() for name, _ in given}
    added = [pair for pair in shared.headers_of(opener.addheaders) if pair[0].lower() not in names]
    if request.data is not None and "content-type" not in names:
        added.append(("Content-type", "application/x-www-form-urlencoded"))
    return (*given, *added)


def _changed(request: Any, forward: OutgoingRequest) -> Any:
    """A copy of the application's request: its class, proxy and redirect rules stay."""
    leaving = copy.copy(request)
    moved = urlsplit(forward.url).netloc != urlsplit(request.full_url).netloc
    gone = shared.FRAMING | ({"host"} if moved else set())
    kept = {name.capitalize(): value for name, value in forward.headers if name.lower() not in gone}
    leaving.unredirected_hdrs = {name: value for name, value in kept.items() if name in request.unredirected_hdrs}
    leaving.headers = {name: value for name, value in kept.items() if name not in request.unredirected_hdrs}
    if forward.url != request.full_url:
        leaving.full_url = forward.url
    leaving.data = forward.body
    leaving.method = forward.method
    return leaving


# --- answers ---------------------------------------------------------------------------------------


class _Wire:
    """Stands for the socket an `HTTPResponse` reads from."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, mode: str) -> BytesIO:
        return BytesIO(self._raw)


def _response(answer: Answer, url: str) -> http.client.HTTPResponse:
    """The answer as the library's own response object, made as it makes them: by parsing."""
    kept = [pair for pair in answer.headers if pair[0].lower() not in shared.FRAMING]
    lines = [f"HTTP/1.1 {answer.status} {shared.phrase(answer)}"]
    kept.append(("Content-Length", str(len(answer.body))))
    lines += [f"{name}: {' '.join(value.split())}" for name, value in kept]
    head = "\r\n".join(lines).encode("latin-1", "replace")
    response: Any = http.client.HTTPResponse(_Wire(head + b"\r\n\r\n" + answer.body))  # type: ignore[arg-type]
    response.begin()
    response.url, response.msg = url, response.reason  # as `AbstractHTTPHandler.do_open` does
    return response  # type: ignore[no-any-return]


def _processed(opener: Any, request: Any, response: Any) -> Any:
    """What the opener's own processors make of a response: cookies kept, status >= 400 raised."""
    kind = request.type
    for processor in opener.process_response.get(kind, []):
        response = getattr(processor, f"{kind}_response")(request, response)
    return response


def _answer(response: Any, plan: Plan) -> Answer:
    """What came back. The body is read only when the answer may be mended."""
    status = getattr(response, "status", None) or getattr(response, "code", None) or 200
    headers: Message = response.headers
    body = response.read() if plan.mends else b""
    if plan.mends:
        response.close()
    return Answer(int(status), str(getattr(response, "reason", "") or ""), shared.headers_of(headers.items()), body)


def _told(answer: Answer, url: str) -> Any:
    if answer.status >= 400:
        raise _error(answer, url)
    return _response(answer, url)


def _error(answer: Answer, url: str) -> urllib.error.HTTPError:
    response = _response(answer, url)
    return urllib.error.HTTPError(url, answer.status, response.reason, response.headers, response)
