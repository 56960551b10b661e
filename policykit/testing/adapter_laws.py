"""What every law of adapters stands on: recordings, reading without a fault of its own, and what must not show."""

from __future__ import annotations

import base64
import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from policykit import addresses
from policykit.adapters.base import Adapter, Settings
from policykit.adapters.wire import OutgoingRequest
from policykit.errors import UnreadableSend, UnsupportedRewrite, UsageError
from policykit.sends import Send
from policykit.testing.laws import LawSuite
from policykit.testing.recordings import Recording, find_recordings
from policykit.vocabulary import MESSAGE_CLASSES

PARTS = frozenset({"subject", "preheader", "title", "body", "text", "html"})
_CREDENTIAL = re.compile(
    r"(?i)(?:^|-)(?<!idempotency-)(?:auth(?:orization)?|token|key|secret|signature|cookie|password)(?:-|$)"
)
FEWEST_SECRET = 6  # characters; shorter ones occur by chance


class AdapterLaws(LawSuite):
    """An adapter and the recordings its laws are held against.

    recordings: a folder beside the test file. settings: for COMPOSE, as `policykit.yaml` would say it.
    secrets: texts that must not show, beside the credentials in the recordings' own headers.
    """

    adapter: ClassVar[Adapter]
    recordings: ClassVar[str] = "recordings"
    settings: ClassVar[Settings] = Settings()
    secrets: ClassVar[Sequence[str]] = ()

    def give_cases(self, law: str, metafunc: pytest.Metafunc) -> None:
        if "recording" in metafunc.fixturenames:
            found = self.found()
            if not found:
                raise UsageError(f"no `*.http` in `{self.folder()}`", "record what the provider's SDK sends")
            metafunc.parametrize("recording", [self.case(law, each, each.name) for each in found])

    def folder(self) -> Path:
        return Path(inspect.getfile(type(self))).parent / self.recordings

    def found(self) -> tuple[Recording, ...]:
        return _recordings_of(self.folder())

    def read(self, request: OutgoingRequest) -> tuple[Send, ...] | str:
        """The sends; why not, where there are none to be read. Other faults count as unreadable: L3 tells them."""
        try:
            return tuple(self.adapter.read(request))
        except UnreadableSend as error:
            return error.why
        except Exception as error:
            return repr(error)

    def read_well(self, request: OutgoingRequest) -> tuple[Send, ...]:
        read = self.read(request)
        assert not isinstance(read, str), f"what it made cannot be read back: {read}"
        return read

    def sends(self, recording: Recording) -> tuple[Send, ...]:
        read = self.read(recording.request)
        return () if isinstance(read, str) else read

    def singles(self, recording: Recording) -> Iterator[tuple[OutgoingRequest, Send]]:
        """Requests for one person each, out of a recording."""
        sends = self.sends(recording)
        for place, send in enumerate(sends):
            try:
                kept = self.adapter.keep(recording.request, [place == other for other in range(len(sends))])
            except UnsupportedRewrite:
                continue
            if kept is not None:
                yield kept, send

    def faults(self, send: Send) -> Iterator[str]:
        if send.provider != self.adapter.name:
            yield f"a send of the provider `{send.provider}`"
        if send.channel not in self.adapter.channels:
            yield f"the channel `{send.channel}` is not one of the adapter's"
        if send.address is not None and addresses.normal(send.channel, send.address) != send.address:
            yield f"an address that is not in the normal form of `{send.channel}`"
        if send.at is not None and type(send.at) is not int:
            yield f"an instant of type {type(send.at).__name__}, expected UTC microseconds"
        if send.message_class not in (None, *MESSAGE_CLASSES):
            yield f"the message class `{send.message_class}`"
        if unknown := sorted(set(send.content) - PARTS):
            yield f"content parts {', '.join(unknown)}, expected some of {', '.join(sorted(PARTS))}"
        if any(not isinstance(texts, tuple) for texts in send.slots.values()):
            yield "a slot that is no tuple of texts"
        elif any(not storable(text) for text in texts((send,))):
            yield "something that is no text, or cannot be stored as UTF-8"

    def undeclared(self, request: OutgoingRequest) -> list[str]:
        """Headers that look like credentials and are not among the adapter's secret ones."""
        secret = {name.lower() for name in self.adapter.secret_headers}
        return [name for name, _ in request.headers if _CREDENTIAL.search(name) and name.lower() not in secret]

    def secrets_of(self, request: OutgoingRequest) -> set[str]:
        found = set(self.secrets)
        for name in self.adapter.secret_headers:
            value = request.header(name) or ""
            scheme, _, token = value.rpartition(" ")
            found |= {value, token}
            if scheme.lower() == "basic":
                found |= set(base64.b64decode(token).decode("utf-8", "replace").split(":"))
        return {secret for secret in found if len(secret) >= FEWEST_SECRET}

    def check_named(self, error: UnreadableSend | UnsupportedRewrite) -> None:
        assert error.adapter == self.adapter.name, f"the error names the adapter `{error.adapter}`"
        assert not isinstance(error, UnsupportedRewrite) or error.effect, "the error names no effect"


@cache
def _recordings_of(folder: Path) -> tuple[Recording, ...]:
    return find_recordings(folder)


def texts(sends: Iterable[Send]) -> list[Any]:
    """Everything a send says, each on its own."""
    found: list[Any] = []
    for send in sends:
        found += [send.address or "", *send.content, *send.content.values(), *send.values, *send.values.values()]
        for name, texts in send.slots.items():
            found += [name, *texts]
    return found


def private(sends: Iterable[Send]) -> Iterator[str]:
    """What a send says of people; names of fields are the provider's, and errors may use them."""
    for send in sends:
        yield send.address or ""
        yield from send.content.values()
        yield from send.values.values()
        for texts in send.slots.values():
            yield from texts


def storable(text: Any) -> bool:
    if not isinstance(text, str):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those a traceback shows with it."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def assert_free(shown: Iterable[str], secrets: Iterable[str], where: str) -> None:
    told = [secret for secret in secrets if any(secret in text for text in shown)]
    assert not told, f"{len(told)} secret or private text(s) show in {where}"


def shown(request: OutgoingRequest) -> str:
    body = request.body if len(request.body) <= 300 else request.body[:300] + b"..."
    return f"a body of {body!r}"
