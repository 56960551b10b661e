"""JSON bodies that anybody may have written: every fault becomes `UnreadableSend`, in words without the body."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policykit.adapters.wire import OutgoingRequest
from policykit.errors import UnreadableSend

LARGEST_BODY = 64 * 1024 * 1024  # unpacked; no provider takes more than 30 MB
_LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class Reader:
    """Takes a payload apart for one adapter; every method raises `UnreadableSend` for another type.

    Null is the same as absent. Paths are for the error: `personalizations[0].to`.
    """

    adapter: str

    def unreadable(self, why: str) -> UnreadableSend:
        return UnreadableSend(self.adapter, why)

    def body(self, request: OutgoingRequest) -> dict[str, Any]:
        """The body as a JSON object, unpacked when it says it is gzipped."""
        try:
            found = _DECODER.decode(self._unpacked(request).decode("utf-8"))
        except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError; no cause: it quotes the body
            raise self.unreadable("the body is no JSON in UTF-8, or names a key twice") from None
        if not isinstance(found, dict):
            raise self.unreadable("the body is no JSON object")
        return found

    def _unpacked(self, request: OutgoingRequest) -> bytes:
        encoding = (request.header("Content-Encoding") or "identity").strip().lower()
        if encoding == "identity":
            return request.body
        if encoding not in ("gzip", "x-gzip"):
            raise self.unreadable("the body is packed in a way it does not know")
        unpacker = zlib.decompressobj(wbits=31)
        try:
            found = unpacker.decompress(request.body, LARGEST_BODY)
        except zlib.error:
            raise self.unreadable("the body says it is gzipped and is not") from None
        if not unpacker.eof or unpacker.unused_data:
            raise self.unreadable("the gzipped body is cut off or too large")
        return found

    def mapping(self, holder: Mapping[str, Any], key: str, where: str = "") -> dict[str, Any]:
        found = holder.get(key)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise self.unreadable(f"`{where}{key}` is no object")
        return found

    def items(self, holder: Mapping[str, Any], key: str, where: str = "") -> list[Any]:
        found = holder.get(key)
        if found is None:
            return []
        if not isinstance(found, list):
            raise self.unreadable(f"`{where}{key}` is no list")
        return found

    def objects(self, holder: Mapping[str, Any], key: str, where: str = "") -> list[dict[str, Any]]:
        found = self.items(holder, key, where)
        if not all(isinstance(each, dict) for each in found):
            raise self.unreadable(f"`{where}{key}` holds something that is no object")
        return found

    def text(self, holder: Mapping[str, Any], key: str, where: str = "") -> str | None:
        found = holder.get(key)
        if found is None:
            return None
        if not isinstance(found, str):
            raise self.unreadable(f"`{where}{key}` is no text")
        return clean(found)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; readers differ in what a key that comes twice means, so it means nothing here."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_once)  # kept: making one costs as much as a small body


def clean(text: str) -> str:
    """The text in a form that can be stored and hashed: half surrogates become `?`."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def flat(value: object) -> dict[str, str]:
    """Merge data as texts: `{"user": {"name": "A"}, "items": [1]}` gives `user.name` and `items.0`; nulls go.

    Names are cut off where they are longer than 500 characters: one over many values is written for each of them.
    """
    return dict(_leaves("", value))


def _leaves(start: str, value: object) -> Iterator[tuple[str, str]]:
    # A stack, as data may be nested deeper than Python calls may be.
    waiting = [(start, value)]
    while waiting:
        path, found = waiting.pop()
        if isinstance(found, dict):
            below: Any = found.items()
        elif isinstance(found, list):
            below = enumerate(found)
        else:
            if found is not None:
                yield path, as_text(found)
            continue
        start = f"{path[:_LONGEST_NAME]}." if path else ""
        nested = [(start + clean(str(key)[:_LONGEST_NAME]), each) for key, each in below]
        waiting.extend(reversed(nested))


def as_text(value: object) -> str:
    """A JSON scalar as a template would show it."""
    return clean(value) if isinstance(value, str) else json.dumps(value)


def with_json(request: OutgoingRequest, payload: object) -> OutgoingRequest:
    """The request with another JSON body, never packed."""
    plain = request.without("Content-Encoding", "Transfer-Encoding")
    return plain.with_body(json.dumps(payload, separators=(",", ":")).encode())
