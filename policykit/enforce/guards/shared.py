"""What guards have in common: patching that can be undone, reading bodies, and asking a gate that may have a fault.

A guard is a border: whatever goes wrong in policykit, the application sees its transport's own answers and
errors, or `SendBlocked`, and nothing else.
"""

from __future__ import annotations

import functools
import http
import logging
from collections.abc import Callable, Iterable
from typing import Any

from policykit.adapters.wire import Answer, Headers, OutgoingRequest
from policykit.enforce.plan import Gate, Plan
from policykit.errors import SendBlocked

_LOG = logging.getLogger("policykit.guards")

# Set anew for a changed body, so never copied from the request as it was.
FRAMING = frozenset({"content-length", "transfer-encoding"})


class Switch:
    """Whether a guard is attached; what was built while it was asks before every request."""

    __slots__ = ("on",)

    def __init__(self) -> None:
        self.on = True


_undone: dict[Any, Any] = {}  # our function, detached while another patch lay over it -> what it replaced


def patch(owner: type, name: str, make: Callable[[Any, Switch], Any]) -> Callable[[], None]:
    """Puts `make(what was there, switch)` in place of an attribute of a class; the result takes it back.

    Whoever patched over us since is left in place: ours then lies below it, switched off, until it goes.
    """
    before = owner.__dict__[name]
    switch = Switch()
    ours = functools.wraps(before)(make(before, switch))
    setattr(owner, name, ours)

    def undo() -> None:
        if not switch.on:
            return
        switch.on = False
        if owner.__dict__.get(name) is not ours:
            _undone[ours] = before
            return
        below = before
        while below in _undone:
            below = _undone.pop(below)
        setattr(owner, name, below)

    return undo


# --- asking the gate -------------------------------------------------------------------------------


def claimed(gate: Gate, method: str, url: str) -> bool:
    try:
        return gate.claims(method, url)
    except Exception as fault:  # border: a fault here would stop every request of the application
        _LOG.error("could not tell whether a request is a send (%s); it passes", type(fault).__name__)
        return False


def planned(gate: Gate, request: OutgoingRequest) -> Plan:
    """The gate's plan; a fault of the gate refuses the send."""
    try:
        return gate.plan(request)
    except Exception as fault:  # border: what could not be judged does not leave
        _LOG.error("a send was refused because judging it failed (%s)", type(fault).__name__)
        return Plan(None, error=SendBlocked(()))


def answered(gate: Gate, plan: Plan, answer: Answer) -> Answer:
    """Settles; the answer as the caller is to see it, the very same object when nothing is to change."""
    try:
        told = gate.done(plan, answer)
    except Exception as fault:  # border: the message left, so its answer goes to the caller
        _LOG.error("a send that was answered could not be settled (%s)", type(fault).__name__)
        return answer
    return told if plan.mends else answer


def failed(gate: Gate, plan: Plan) -> None:
    try:
        gate.failed(plan)
    except Exception as fault:  # border: the transport's own error goes to the caller
        _LOG.error("a send that failed could not be settled (%s)", type(fault).__name__)


def refusal(plan: Plan) -> Answer:
    """What a caller gets when nothing leaves. Raises `SendBlocked` when the plan says so, or has no answer."""
    if plan.error is not None:
        raise plan.error
    if plan.answer is None:
        raise SendBlocked(plan.records)
    return plan.answer


# --- bodies and headers ----------------------------------------------------------------------------


def read_body(body: Any, encoding: str = "utf-8") -> tuple[bytes, bool]:
    """The whole body, and whether it can be read again (False: the bytes must take its place).

    encoding: of texts, as the transport itself would encode them.
    """
    if body is None:
        return b"", True
    if isinstance(body, bytes):
        return body, True
    if isinstance(body, str):
        return body.encode(encoding), True
    if isinstance(body, bytearray | memoryview):
        return bytes(body), True
    if hasattr(body, "read"):
        return _read_file(body, encoding)
    return b"".join(_encoded(chunk, encoding) for chunk in body), isinstance(body, list | tuple)


def _read_file(file: Any, encoding: str) -> tuple[bytes, bool]:
    try:
        start = file.tell()
        file.seek(start)
    except (AttributeError, OSError, ValueError):
        return _encoded(file.read(), encoding), False
    whole = _encoded(file.read(), encoding)
    file.seek(start)
    return whole, True


def _encoded(chunk: str | bytes, encoding: str) -> bytes:
    return chunk.encode(encoding) if isinstance(chunk, str) else bytes(chunk)


def headers_of(pairs: Iterable[tuple[Any, Any]]) -> Headers:
    return tuple([pair if type(pair[0]) is str and type(pair[1]) is str else _texts(*pair) for pair in pairs])


def _texts(name: Any, value: Any) -> tuple[str, str]:
    """A header, however the application gave it."""
    return _text(name), _text(value)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def decoded(headers: Headers) -> Headers:
    """Headers for a body whose content encoding the transport has undone."""
    gone = {"content-encoding", *FRAMING}
    return tuple((name, value) for name, value in headers if name.lower() not in gone)


def phrase(answer: Answer) -> str:
    """The reason phrase; every HTTP library wants one line that latin-1 can write."""
    if answer.reason:
        line = " ".join(answer.reason.split())
        return line.encode("latin-1", "replace").decode("latin-1")
    try:
        return http.HTTPStatus(answer.status).phrase
    except ValueError:
        return ""
