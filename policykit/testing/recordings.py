"""Recordings: requests as a provider's own SDK sent them, answers as the provider gave them, beside a contract test.

    # sdk: twilio 9.13.0
    # recorded: 2026-11-21
    # docs: https://www.twilio.com/docs/messaging/api/message-resource
    POST https://api.twilio.com/2010-04-01/Accounts/AC0/Messages.json HTTP/1.1
    Content-Type: application/x-www-form-urlencoded
    Content-Length: 24

    To=%2B33612345678&Body=a

`NAME.http` holds a request and `NAME.sends.yaml` the sends it must be read as, or `unreadable: why`.
`NAME.WHAT.answer` holds an answer to it, from its status line on; its note `receipts` lists the provider's ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from policykit.adapters.wire import Answer, Headers, OutgoingRequest
from policykit.errors import Place, Problem, UsageError
from policykit.model import Micros
from policykit.sends import Send
from policykit.testing.http1 import BrokenRequest, parse_head, parse_headers

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OWN = ("host", "connection", "accept-encoding")  # of the client's connection, not of the message


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded request. name: of its file, without `.http`; notes: `sdk`, `recorded`, `docs` and others."""

    path: Path
    request: OutgoingRequest
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(".http")

    @property
    def sends_path(self) -> Path:
        return self.path.with_name(f"{self.name}.sends.yaml")


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """An answer to a recorded request. receipts: the provider's id of each send, None where it gave none."""

    path: Path
    to: str
    answer: Answer
    receipts: tuple[str | None, ...]


def find_recordings(folder: Path) -> tuple[Recording, ...]:
    """Every request of a folder, by name. Raises UsageError for what is no recording."""
    return tuple(read_recording(path) for path in sorted(folder.glob("*.http")))


def find_answers(folder: Path) -> tuple[RecordedAnswer, ...]:
    return tuple(read_answer(path) for path in sorted(folder.glob("*.answer")))


def read_recording(path: Path) -> Recording:
    notes, head, body = _split(path)
    try:
        method, url, headers = parse_head(head)
    except BrokenRequest as broken:
        raise _wrong(path, f"is no recorded request: {broken}") from None
    if "://" not in url:
        raise _wrong(path, "has no absolute URL in its request line")
    return Recording(path, OutgoingRequest(method, url, headers, _cut(path, headers, body)), notes)


def read_answer(path: Path) -> RecordedAnswer:
    """Of `sms.sent.answer`: an answer to the recording `sms`."""
    notes, head, body = _split(path)
    first, *rest = head.replace("\r\n", "\n").split("\n")
    version, _, status = first.partition(" ")
    if not version.startswith("HTTP/") or not status[:3].isdigit():
        raise _wrong(path, "is no recorded answer: no status line")
    try:
        headers = parse_headers(rest)
    except BrokenRequest as broken:
        raise _wrong(path, f"is no recorded answer: {broken}") from None
    answer = Answer(int(status[:3]), status[3:].strip(), headers, _cut(path, headers, body))
    receipts = yaml.safe_load(notes.get("receipts", "[]"))
    return RecordedAnswer(path, path.name.split(".")[0], answer, tuple(receipts))


def write_recording(path: Path, request: OutgoingRequest, notes: Mapping[str, str]) -> None:
    """Write a request as a recording, its folder too. Headers of the connection alone are left out."""
    headers = [(name, value) for name, value in request.headers if name.lower() not in _OWN]
    if request.body and request.header("Content-Length") is None:
        headers.append(("Content-Length", str(len(request.body))))
    lines = [f"# {name}: {value}" for name, value in notes.items()]
    lines.append(f"{request.method} {request.url} HTTP/1.1")
    lines += [f"{name}: {value}" for name, value in headers]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + request.body + (b"\n" if request.body else b""))


# --- sends as YAML ------------------------------------------------------------------------------------


def read_sends(path: Path) -> tuple[Send, ...] | str:
    """The sends a recording must be read as; why not, when it must be unreadable. Raises UsageError."""
    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(held, dict):
            return str(held["unreadable"])
        return tuple(_send(row) for row in held)
    except FileNotFoundError:
        raise UsageError(Problem(None, f"`{path.name}` is missing", "`pytest --policykit-update` writes it")) from None
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _wrong(path, "holds no list of sends") from error


def sends_text(sends: tuple[Send, ...] | str) -> str:
    """What `read_sends` reads; fields at their defaults are left out."""
    held: object = {"unreadable": sends} if isinstance(sends, str) else [_row(send) for send in sends]
    text: str = yaml.dump(held, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


class _Dumper(yaml.SafeDumper):
    """YAML that reads back to the character: PyYAML itself loses line ends other than LF in plain texts."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _ODD_ENDS & set(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_ODD_ENDS = frozenset("\r\x85\u2028\u2029")
_Dumper.add_representer(str, _quoted)


def _row(send: Send) -> dict[str, Any]:
    row: dict[str, Any] = {"channel": send.channel, "provider": send.provider}
    row["address"] = send.address
    row["content"] = dict(send.content)
    row["values"] = dict(send.values)
    row["at"] = None if send.at is None else _instant(send.at)
    row["slots"] = {name: list(texts) for name, texts in send.slots.items()}
    row["message_class"] = send.message_class
    row["silent"] = send.silent
    said = {key: value for key, value in row.items() if value not in (None, {}, False)}
    if send.headers is not None:  # none at all is not the same as nobody knows
        said["headers"] = dict(send.headers)
    if send.adds:
        said["adds"] = sorted(send.adds)
    return {**said, "shows": [dict(texts) for texts in send.shows]} if send.shows else said


def _instant(at: Micros) -> str:
    return (_EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


def _send(row: Mapping[str, Any]) -> Send:
    given = dict(row)
    at = given.pop("at", None)
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    if isinstance(at, datetime):
        at = (at - _EPOCH) // timedelta(microseconds=1)
    slots = {name: tuple(texts) for name, texts in given.pop("slots", {}).items()}
    adds = frozenset(given.pop("adds", ()))
    shows = tuple(given.pop("shows", ()))
    return Send(address=given.pop("address", None), at=at, slots=slots, adds=adds, shows=shows, **given)


# --- files --------------------------------------------------------------------------------------------


def _split(path: Path) -> tuple[dict[str, str], str, bytes]:
    """Notes, head and body of a file; lines of notes and head may end either way."""
    held = path.read_bytes()
    notes: dict[str, str] = {}
    while held.startswith(b"#"):
        line, _, held = held.partition(b"\n")
        name, _, value = line.decode("utf-8").lstrip("# ").partition(":")
        notes[name.strip()] = value.strip()
    ends = [(held.find(mark), len(mark)) for mark in (b"\r\n\r\n", b"\n\n") if mark in held]
    at, size = min(ends, default=(len(held), 0))
    return notes, held[:at].decode("utf-8").strip("\r\n"), held[at + size :]


def _cut(path: Path, headers: Headers, body: bytes) -> bytes:
    """The body without the line end that editors put after it. Raises UsageError when its length is wrong."""
    length = next((value for name, value in headers if name.lower() == "content-length"), None)
    if length is None:
        return body.removesuffix(b"\n")
    if not length.isdigit() or body[int(length) :] not in (b"", b"\n", b"\r\n") or len(body) < int(length):
        raise _wrong(path, f"has {len(body)} bytes of body and says `Content-Length: {length}`")
    return body[: int(length)]


def _wrong(path: Path, what: str) -> UsageError:
    return UsageError(Problem(Place(str(path)), what, "record it again, or write it as `recordings.py` shows"))
