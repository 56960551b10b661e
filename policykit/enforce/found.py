"""The decision behind what a client raised or returned, whichever client it is."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

from policykit.adapters.base import DECISION_HEADER
from policykit.errors import SendBlocked
from policykit.sends import DecisionRecord

_ID = re.compile(r"pk-[0-9a-f]{20}")
_MOST_THINGS = 60  # looked into; errors that lead in a circle end too
_LONGEST = 200_000  # characters of a text that are searched
# Where clients keep what they were answered: the response, the error beneath, the text.
_LEADING = (
    "response", "http_response", "exception", "cause", "_http_response", "__cause__", "__context__",
    "headers", "_headers", "hdrs", "msg", "message", "body", "content", "text", "reason", "detail", "details", "errors",
    "error", "description", "to_dict", "args", "payload", "anymail_status", "esp_response",
)  # fmt: skip


class Recent:
    """The latest decisions of this process, by id; bounded."""

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._records: dict[str, DecisionRecord] = {}
        self._order: deque[str] = deque()

    def add(self, records: Sequence[DecisionRecord]) -> None:
        # Each step is atomic: threads at once may forget one too many, never fail.
        for record in records:
            if record.id not in self._records:
                self._order.append(record.id)
            self._records[record.id] = record
        while len(self._order) > self._most:
            try:
                self._records.pop(self._order.popleft(), None)
            except IndexError:
                return

    def get(self, id: str) -> DecisionRecord | None:  # noqa: A002  # its name everywhere
        return self._records.get(id)


def decision_of(thing: object, look_up: Callable[[str], DecisionRecord | None]) -> DecisionRecord | None:
    """The decision a response or an error speaks of; None when it speaks of none.

    thing: what a client returned or raised: a response of requests or httpx, an HTTPError, an SDK's
    exception, `SendBlocked`, or the text of any of them. Of several decisions, the first refusal, else the first.
    """
    first: DecisionRecord | None = None
    if isinstance(thing, SendBlocked):
        decisions: tuple[DecisionRecord, ...] = thing.decisions
        return next((each for each in decisions if each.effect == "refused"), decisions[0] if decisions else None)
    for id_ in dict.fromkeys(_ids(thing)):
        record = look_up(id_)
        if record is not None and record.effect == "refused":
            return record
        first = first or record
    return first


def _ids(thing: object) -> Iterator[str]:
    """Ids in anything reachable from it, breadth first: the header of the answer, then texts."""
    waiting: deque[object] = deque([thing])
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_THINGS:
        at = waiting.popleft()
        if at is None or id(at) in seen:
            continue
        seen.add(id(at))
        match at:
            case str():
                yield from _ID.findall(at[:_LONGEST])
            case bytes() | bytearray():
                yield from _ID.findall(bytes(at[:_LONGEST]).decode("utf-8", "replace"))
            case bool() | int() | float():
                pass
            case SendBlocked():
                yield from (each.id for each in at.decisions)
            case Mapping():
                yield from _header(at)
                waiting.extend(at.values())
            case list() | tuple():
                waiting.extend(at[:_MOST_THINGS])
            case _:
                if isinstance(at, BaseException):
                    yield from _ID.findall(_text(at))
                waiting.extend(_led(at))


def _header(headers: Mapping[object, object]) -> Iterator[str]:
    for name, value in headers.items():
        if isinstance(name, str) and name.lower() == DECISION_HEADER.lower() and isinstance(value, str):
            yield from _ID.findall(value)


def _text(error: BaseException) -> str:
    try:
        return str(error)[:_LONGEST]
    except Exception:  # border: an SDK's `__str__` may fail on a body it did not expect
        return ""


def _led(thing: object) -> Iterator[object]:
    """What a client's object holds under the names that clients use; nothing is read from a socket."""
    if hasattr(thing, "items") and not isinstance(thing, type):
        # Header collections (http.client, httpx, requests) are mappings in all but name.
        try:
            yield dict(thing.items())
        except Exception:  # border: an object of a client; what it cannot give is not looked at
            return
    unread = _attribute(thing, "_content") is False  # how requests marks a body that is still to come
    for name in _LEADING:
        if unread and name in ("content", "text"):
            continue
        found = _attribute(thing, name)
        if found is not None and not callable(found):
            yield found
    body = _attribute(_attribute(thing, "fp"), "getvalue")
    if callable(body):  # an answered `HTTPError` holds its body in memory
        yield body()


def _attribute(thing: object, name: str) -> object:
    try:
        return getattr(thing, name, None)
    except Exception:  # border: properties of clients may raise, `httpx.Response.text` of an unread stream does
        return None
