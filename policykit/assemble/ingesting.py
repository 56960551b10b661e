"""Requests of providers that were kept in files, received as if they came now."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from policykit.adapters.events import Incoming
from policykit.assemble.feedback import Desk, Received
from policykit.assemble.moment import now as clock
from policykit.assemble.stores import store_of
from policykit.errors import BadData, Place, Problem
from policykit.language.spans import parse_instant
from policykit.model import Micros

_KEYS = ("headers", "body", "body_base64", "url", "received_at")
_FORM = '{"headers": {...}, "body": "...", "url": "...", "received_at": "..."}'


@dataclass(frozen=True, slots=True)
class Kept:
    """A request as a file has it, and when it came; None = now."""

    incoming: Incoming
    place: Place
    received_at: Micros | None = None


def ingest(
    folder: Path | None, files: tuple[Path, ...], provider: str | None = None, url: str | None = None
) -> list[tuple[Place, Received]]:
    """What became of every request of the files. Raises `BadData` with every problem, before anything is received."""
    problems: list[Problem] = []
    kept = [each for file in files for each in _read(file, url, problems)]
    if problems:
        raise BadData(problems)
    with store_of(folder) as (opened, store):
        desk = Desk(opened, store)
        return [(each.place, desk.receive(each.incoming, _when(each), provider)) for each in kept]


def _when(kept: Kept) -> Micros:
    return clock() if kept.received_at is None else kept.received_at


def _read(file: Path, url: str | None, problems: list[Problem]) -> Iterator[Kept]:
    try:
        raw = file.read_bytes()
    except OSError as error:
        reason = str(error.strerror).lower()
        problems.append(Problem(Place(str(file)), f"the file cannot be read: {reason}", None, "data.unreadable"))
        return
    if file.suffix.lower() == ".http":
        yield _message(raw, str(file), url)
        return
    for number, line in enumerate(raw.splitlines(), 1):
        if line.strip():
            yield from _line(line, Place(str(file), number), url, problems)


def _message(raw: bytes, file: str, url: str | None) -> Kept:
    """A request as it is on the wire: a request line (or none), headers, an empty line, the body."""
    head, _, body = raw.replace(b"\r\n", b"\n", raw.count(b"\r\n")).partition(b"\n\n")
    body = raw.partition(b"\r\n\r\n")[2] if b"\r\n\r\n" in raw else body
    pairs = [line.partition(":")[::2] for line in head.decode("latin-1").splitlines() if ":" in line.split(" ")[0]]
    return Kept(Incoming(tuple((name.strip(), value.strip()) for name, value in pairs), body, url), Place(file))


def _line(line: bytes, place: Place, url: str | None, problems: list[Problem]) -> Iterator[Kept]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    headers = said.get("headers") if isinstance(said, Mapping) else None
    if not isinstance(said, Mapping) or not isinstance(headers, Mapping) or set(said) - set(_KEYS):
        problems.append(Problem(place, "this is no request", f"write {_FORM} on one line", "data.request"))
        return
    body, at = _body(said), parse_instant(said.get("received_at"))
    if body is None or (at is None and said.get("received_at") is not None):
        what = "body` is no text, and `body_base64" if body is None else "received_at"
        problems.append(Problem(place, f"`{what}` cannot be read", f"write {_FORM} on one line", "data.request"))
        return
    pairs = tuple((str(name), str(value)) for name, value in headers.items())
    yield Kept(Incoming(pairs, body, str(said["url"]) if said.get("url") else url), place, at)


def _body(said: Mapping[str, object]) -> bytes | None:
    plain, coded = said.get("body"), said.get("body_base64")
    if isinstance(plain, str):
        return plain.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(coded, validate=True) if isinstance(coded, str) else None
    except (ValueError, binascii.Error):
        return None
