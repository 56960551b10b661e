"""Requests as they should never come, made from one that is right: cut, emptied, recoded, of other types."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from policykit.adapters.wire import OutgoingRequest
from policykit.errors import UsageError

try:
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st
except ImportError:
    raise UsageError("the contract of adapters needs `hypothesis`", "`pip install hypothesis`") from None

T = TypeVar("T")

_TEXTS = (
    "", " ", "x", "\ud800", "\x00", "+", "whatsapp:", "a@b", "A@B.EXAMPLE", "+33 6 12", "@",
    "0", "-1", "1e999", "[]", "{}", "null", "é" * 50,
)  # fmt: skip
_JSON: tuple[object, ...] = (
    None, True, False, 0, -1, 10**30, 1.5, float("inf"), *_TEXTS, [], [[]], [None], [{}], {}, {"": None}, {"a": []},
)  # fmt: skip
_DEEP = (b"[" * 50_000, b'{"a":' * 50_000, b"[" * 200 + b"]" * 200)


def for_all(strategy: st.SearchStrategy[T], law: Callable[[T], None], most: int = 100) -> None:
    """Hold a law against examples, the same in every run; a failing one is made small and shown.

    most: under Hypothesis' own profile of 100 examples; another profile takes its share.
    """
    most = max(1, most * settings().max_examples // 100)
    tried = given(strategy)(law)
    settings(
        max_examples=most, deadline=None, database=None, derandomize=True, report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )(tried)()  # fmt: skip


def damaged(request: OutgoingRequest) -> st.SearchStrategy[OutgoingRequest]:
    body = request.body
    bodies = [
        st.sampled_from((b"", b"null", b"\xff", b"\xef\xbb\xbf" + body, body + body, body.replace(b'"', b"'"), *_DEEP)),
        st.integers(0, len(body)).map(lambda end: body[:end]),
        st.tuples(st.integers(0, len(body)), st.binary(min_size=1, max_size=4)).map(
            lambda cut: body[: cut[0]] + cut[1] + body[cut[0] :]
        ),
        st.binary(max_size=200),
    ]
    retyped = _retyped(body)
    if retyped is not None:
        bodies += [retyped, retyped]
    changed = st.one_of(bodies).map(request.with_body)
    return st.one_of(changed, changed, st.sampled_from(tuple(_relabelled(request))))


def masks(size: int) -> st.SearchStrategy[tuple[bool, ...]]:
    return st.tuples(*([st.booleans()] * size))


def _relabelled(request: OutgoingRequest) -> Iterator[OutgoingRequest]:
    """The same message under other labels: no type, a wrong one, compressed."""
    yield request.without("Content-Type")
    for label in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data", "\xe9"):
        yield request.with_header("Content-Type", label)
    packed = request.with_body(gzip.compress(request.body, mtime=0))
    yield packed
    yield packed.with_header("Content-Encoding", "gzip")


def _retyped(body: bytes) -> st.SearchStrategy[bytes] | None:
    """The body with one value replaced or gone; None when it is neither JSON nor a form."""
    try:
        value = json.loads(body)
    except ValueError:
        return _reformed(body)
    paths = tuple(_paths(value))
    return st.tuples(st.sampled_from(paths), st.sampled_from((*_JSON, KeyError))).map(
        lambda drawn: json.dumps(_put(value, *drawn)).encode()
    )


def _reformed(body: bytes) -> st.SearchStrategy[bytes] | None:
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
    except ValueError:
        return None
    places = st.integers(0, len(fields) - 1)

    def change(drawn: tuple[int, str, str]) -> bytes:
        place, text, how = drawn
        name = fields[place][0]
        new = {"other": [(name, text)], "gone": [], "twice": [fields[place], (name, text)], "name": [(text, name)]}[how]
        return urlencode(fields[:place] + new + fields[place + 1 :], errors="surrogatepass").encode()

    return st.tuples(
        places, st.one_of(st.sampled_from(_TEXTS), st.text()), st.sampled_from(("other", "gone", "twice", "name"))
    ).map(change)


def _paths(value: object, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    inner: Sequence[tuple[Any, object]] = ()
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    for key, held in inner:
        yield from _paths(held, (*at, key))


def _put(value: object, path: tuple[Any, ...], new: object) -> object:
    """A copy with another value at the path; `KeyError` takes it out."""
    if not path:
        return None if new is KeyError else new
    whole: Any = deepcopy(value)
    holder = whole
    for key in path[:-1]:
        holder = holder[key]
    if new is KeyError:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return whole
