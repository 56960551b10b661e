"""Requests and answers as every transport can give and take them; secrets and bodies show in no repr."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

Headers: TypeAlias = tuple[tuple[str, str], ...]

_WRITTEN_OTHERWISE = re.compile(r"%|//|/\.|;|./\Z")


@dataclass(frozen=True, slots=True, repr=False)
class OutgoingRequest:
    """One outgoing HTTP request. method: upper case; body: whole, as it would leave, empty when there is none."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""

    def __repr__(self) -> str:
        # Paths hold device tokens and account ids, queries hold keys: only the host is safe to show.
        return f"<OutgoingRequest {self.method} {self.host}, {len(self.body)} bytes>"

    @property
    def host(self) -> str:
        """Lower case, without port or credentials."""
        return (urlsplit(self.url).hostname or "").lower()

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def route(self) -> str:
        """The path as servers take it: decoded, without doubled slashes, dots, parameters and a slash at its end.

        For `claims`: a send written in another way is a send.
        """
        path = self.path
        if not _WRITTEN_OTHERWISE.search(path):
            return path
        steps: list[str] = []
        for step in unquote(path).split("/"):
            step = step.partition(";")[0]  # as servers do
            if step == "..":
                steps = steps[:-1]
            elif step not in ("", "."):
                steps.append(step)
        return "/" + "/".join(steps)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """The first header of this name, whatever its case."""
        return first_header(self.headers, name)

    def json(self) -> Any:
        """The body as JSON. Raises ValueError (UnicodeDecodeError included) for anything else."""
        return json.loads(self.body.decode("utf-8"))

    def form(self) -> list[tuple[str, str]]:
        """The body as form fields in order. Raises ValueError for bytes that are no UTF-8."""
        return parse_qsl(self.body.decode("utf-8"), keep_blank_values=True, errors="strict")

    def with_body(self, body: bytes) -> OutgoingRequest:
        """The same request with another body and its length."""
        kept = tuple((key, value) for key, value in self.headers if key.lower() != "content-length")
        return replace(self, body=body, headers=(*kept, ("Content-Length", str(len(body)))))

    def with_header(self, name: str, value: str) -> OutgoingRequest:
        """The same request with this header, after the others, in place of all of its name."""
        others = self.without(name)
        return replace(others, headers=(*others.headers, (name, value)))

    def without(self, *names: str) -> OutgoingRequest:
        """The same request without the headers of these names."""
        gone = {name.lower() for name in names}
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() not in gone))


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response, the provider's or ours in its place. reason: the phrase after the status, latin-1."""

    status: int
    reason: str = ""
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        return first_header(self.headers, name)

    def json(self) -> Any:
        return json.loads(self.body.decode("utf-8"))


def first_header(headers: Headers, name: str) -> str | None:
    """The value of the first header of this name, whatever its case."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)
