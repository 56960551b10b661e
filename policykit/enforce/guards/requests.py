"""Guard for `requests`: wraps the adapter a session finds for a URL.

`responses` and its like replace `HTTPAdapter.send`, below: they may come and go in any order while we
stay. A session that overrides `get_adapter` without asking its parent is not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urldefrag, urljoin

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import requote_uri
from urllib3 import HTTPHeaderDict, HTTPResponse

from policykit.adapters.wire import Answer, Headers, OutgoingRequest
from policykit.enforce.guards import shared
from policykit.enforce.plan import Gate, Plan
from policykit.enforce.underway import UNDERWAY, Mark, is_underway


def attach(gate: Gate) -> Callable[[], None]:
    """Guards every session, those made before too; the result takes the guard away."""

    def make(find: Callable[..., Any], switch: shared.Switch) -> Callable[..., Any]:
        def get_adapter(self: requests.Session, url: str) -> Any:
            adapter = find(self, url)
            return Guarded(adapter, gate, switch) if switch.on and not _is_guarded(adapter, gate) else adapter

        return get_adapter

    return shared.patch(requests.Session, "get_adapter", make)


def _is_guarded(adapter: Any, gate: Gate) -> bool:
    return type(adapter) is Guarded and object.__getattribute__(adapter, "_gate") is gate


class Guarded:
    """An adapter with the gate before its `send`; in everything else it is that adapter."""

    __slots__ = ("_adapter", "_gate", "_switch")
    _adapter: Any
    _gate: Gate
    _switch: shared.Switch

    def __init__(self, adapter: Any, gate: Gate, switch: shared.Switch) -> None:
        keep = object.__setattr__
        keep(self, "_adapter", adapter)
        keep(self, "_gate", gate)
        keep(self, "_switch", switch)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self._adapter)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._adapter, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._adapter, name)

    def __repr__(self) -> str:
        return repr(self._adapter)

    def __eq__(self, other: object) -> bool:
        return bool(self._adapter == (other._adapter if type(other) is Guarded else other))

    def __hash__(self) -> int:
        return hash(self._adapter)

    def __reduce__(self) -> Any:
        return (_itself, (self._adapter,))

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        hop = getattr(request, "hooks", None)
        if type(hop) is Hop and hop.leads_to(request):
            return self._forward(request, hop.next(request), hop.plan, args, kwargs)
        if not (self._switch.on and shared.claimed(self._gate, str(request.method), str(request.url))):
            return self._pass(request, Mark(), args, kwargs)
        outgoing = _caught(request)
        if is_underway(self._gate, outgoing):
            return self._pass(request, Mark(self._gate, outgoing), args, kwargs)
        plan = shared.planned(self._gate, outgoing)
        if plan.forward is None:
            return _response(shared.refusal(plan), request, self)
        leaving = request if plan.forward is outgoing else _changed(request, plan.forward)
        return self._forward(request, leaving, plan, args, kwargs)

    def _pass(self, request: Any, mark: Mark, args: Any, kwargs: Any) -> requests.Response:
        token = UNDERWAY.set(mark)
        try:
            found: requests.Response = self._adapter.send(request, *args, **kwargs)
            return found
        finally:
            mark.live = False
            UNDERWAY.reset(token)

    def _forward(self, request: Any, leaving: Any, plan: Plan, args: Any, kwargs: Any) -> requests.Response:
        streamed = kwargs.get("stream", args[0] if args else False)
        try:
            response = self._pass(leaving, Mark(self._gate, plan.forward), args, kwargs)
            body = response.content if plan.mends or not streamed else b""
        except BaseException:
            shared.failed(self._gate, plan)
            raise
        if response.status_code in (307, 308) and response.is_redirect:
            # The same message is sent elsewhere next, if the application follows: the answer to that counts.
            shared.failed(self._gate, plan)
            request.hooks = Hop(request, response, plan, leaving.body)
            return response
        answer = Answer(response.status_code, response.reason or "", _headers(response.headers), body or b"")
        told = shared.answered(self._gate, plan, answer)
        if told is answer and not (plan.mends and streamed):
            return response
        return _mended(response, told)


def _itself(adapter: Any) -> Any:
    """A copied or pickled wrapper is the adapter alone; a session wraps it again."""
    return adapter


# --- redirects -------------------------------------------------------------------------------------


class Hop(dict[str, Any]):
    """Hooks of a request that was answered by a redirect: the one thing a session hands on to the next hop.

    It lets exactly one request to the redirect's target pass as the same logical send.
    """

    def __init__(self, request: requests.PreparedRequest, response: requests.Response, plan: Plan, body: Any) -> None:
        super().__init__(request.hooks)
        location = response.headers["location"].encode("latin-1").decode("utf-8", "replace")
        self.target = _target(urljoin(str(response.url), requote_uri(location)))
        self.plan = plan
        self.body = body
        self.used = False

    def leads_to(self, request: requests.PreparedRequest) -> bool:
        return not self.used and _target(str(request.url)) == self.target

    def next(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The session's next request, with the body that left before (the session copied the original's)."""
        self.used = True
        if request.body is None or request.body is self.body:
            return request
        leaving = request.copy()
        _set_body(leaving, self.body)
        return leaving


def _target(url: str) -> str:
    return urldefrag(url).url


# --- requests and responses ------------------------------------------------------------------------


def _caught(request: requests.PreparedRequest) -> OutgoingRequest:
    """The request with its whole body; a body that can be read only once is replaced by its bytes."""
    body, again = shared.read_body(request.body)
    if not again:
        _put(request, body)
    return OutgoingRequest(str(request.method).upper(), str(request.url), _headers(request.headers), body)


def _headers(headers: Any) -> Headers:
    # A `CaseInsensitiveDict` looks every name up again to list its items; what it keeps are the pairs.
    kept = getattr(headers, "_store", None)
    return shared.headers_of(headers.items() if kept is None else kept.values())


def _changed(request: requests.PreparedRequest, forward: OutgoingRequest) -> requests.PreparedRequest:
    leaving = request.copy()
    leaving.method, leaving.url = forward.method, forward.url
    leaving.headers = CaseInsensitiveDict(forward.headers)
    _set_body(leaving, forward.body)
    return leaving


def _set_body(request: requests.PreparedRequest, body: Any) -> None:
    _put(request, body)
    if isinstance(body, bytes):
        request.headers.pop("Transfer-Encoding", None)
        request.headers["Content-Length"] = str(len(body))


def _put(request: Any, body: Any) -> None:
    request.body = body
    request._body_position = None  # noqa: SLF001  # a stream's; bytes need no rewinding before a redirect


def _response(answer: Answer, request: requests.PreparedRequest, adapter: Any) -> requests.Response:
    """A response as `HTTPAdapter.send` builds it."""
    raw = _raw(answer, request)
    response: requests.Response = HTTPAdapter.build_response(adapter, request, raw)
    return response


def _raw(answer: Answer, request: requests.PreparedRequest, original: Any = None) -> HTTPResponse:
    return HTTPResponse(
        body=BytesIO(answer.body),
        headers=HTTPHeaderDict(answer.headers),
        status=answer.status,
        version=11,
        reason=shared.phrase(answer),
        preload_content=False,
        original_response=original,
        request_method=request.method,
        request_url=request.url,
    )


def _mended(response: requests.Response, answer: Answer) -> requests.Response:
    """The response itself with another status, headers and body; cookies, history and connection stay."""
    length = ("Content-Length", str(len(answer.body)))
    mended = Answer(answer.status, answer.reason, (*shared.decoded(answer.headers), length), answer.body)
    response.raw = _raw(mended, response.request, getattr(response.raw, "_original_response", None))
    response.status_code, response.reason = mended.status, shared.phrase(mended)
    response.headers = CaseInsensitiveDict(mended.headers)
    response._content, response._content_consumed = mended.body, True  # type: ignore[attr-defined] # noqa: SLF001
    return response
