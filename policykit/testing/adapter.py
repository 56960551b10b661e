"""The contract of an adapter: laws L1 to L14, one test each, held against recordings of the provider's own SDK.

    class TestTwilio(AdapterContract):
        adapter = TwilioAdapter()

        def send(self, base_url):                # one marketing send with the provider's SDK
            return Client(...).messages.create(...)

        def refused(self, thing):                # the reason, where a user of that SDK finds it
            return thing.msg

Recordings lie beside the test file (`policykit.testing.recordings` says how they look). A law is left
out only by what the adapter declares, or by `exceptions = {"L10": "reason, link"}`, which must then fail.
"""

from __future__ import annotations

import base64
import inspect
import os
import traceback
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from policykit import addresses
from policykit.adapters.base import Adapter, Capability, Outcome, Replacement, Settings
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.errors import UnreadableSend, UnsupportedRewrite, UsageError
from policykit.sends import Send
from policykit.testing import packaging
from policykit.testing.damage import damaged, for_all, masks
from policykit.testing.purity import watched
from policykit.testing.recordings import (
    Recording,
    find_answers,
    find_recordings,
    read_sends,
    sends_text,
)
from policykit.vocabulary import MESSAGE_CLASSES

FOREIGN = Path(__file__).parent / "foreign"
PARTS = frozenset({"subject", "preheader", "title", "body", "text", "html"})
_REWRITTEN = "A text of policykit's own contract."
_AT = 1_795_860_000_000_000  # 2026-11-27T20:00:00Z
_HOUR = 3_600_000_000
_HARMLESS = (400, 403, 422)
_FEWEST_SECRET = 6  # characters; shorter ones occur by chance
_MOST_MASKS = 8  # sends of a call for which every mask is tried


class AdapterContract:
    """Subclass it, name it `Test...`, and give it the adapter.

    recordings: a folder beside the test file. settings: for COMPOSE, as `policykit.yaml` would say it.
    secrets: texts that must not show, beside the credentials in the recordings' own headers.
    exceptions: law, or `law[recording]` -> why it does not hold; it must then fail.
    """

    adapter: ClassVar[Adapter]
    recordings: ClassVar[str] = "recordings"
    settings: ClassVar[Settings] = Settings()
    secrets: ClassVar[Sequence[str]] = ()
    exceptions: ClassVar[Mapping[str, str]] = {}

    def send(self, base_url: str) -> object:
        """One marketing send with the provider's official SDK, pointed at a base URL; what the SDK gives back."""
        raise NotImplementedError("supply `send(self, base_url)`: one marketing send with the provider's SDK")

    def refused(self, thing: Any) -> str:
        """The reason as a user of the SDK finds it, in the error it raised or the response it gave."""
        raise NotImplementedError("supply `refused(self, thing)`: the reason in the SDK's error or response")

    # --- L1 to L6: reading ------------------------------------------------------------------------

    def test_l1_claims_its_own_sends_and_nothing_else(self, recording: Recording) -> None:
        request = recording.request

        assert self.adapter.claims(request), f"`{recording.name}` is not claimed"
        assert self.adapter.claims(OutgoingRequest(request.method, request.url)), (
            "claims needs more than method and URL"
        )
        methods = {each.request.method for each in self._found()}
        for method in {"GET", "HEAD", "DELETE", "OPTIONS"} - methods:
            assert not self.adapter.claims(OutgoingRequest(method, request.url)), (
                f"claims {method}, which sends nothing"
            )
        for foreign in foreign_requests():
            own = foreign.notes.get("provider") == self.adapter.name and foreign.notes.get("send") == "yes"
            assert own or not self.adapter.claims(foreign.request), f"claims `{foreign.name}`, which is not its send"

    def test_l2_reading_is_pure(self, recording: Recording) -> None:
        request, before = recording.request, deepcopy(recording.request)
        first = self._read(request)

        with watched() as looked:
            self.adapter.claims(request)
            second = self._read(request)

        assert first == second, "reading twice gives different sends"
        assert request == before, "reading changed the request"
        assert not looked, f"reading looks at {', '.join(looked)}"

    def test_l3_garbage_is_unreadable_or_valid(self, recording: Recording) -> None:
        def law(request: OutgoingRequest) -> None:
            try:
                sends = self.adapter.read(request)
            except UnreadableSend as error:
                self._check_named(error)
            except Exception as error:
                raise AssertionError(f"reading {_shown(request)} raised {error!r}, expected UnreadableSend") from error
            else:
                assert isinstance(sends, tuple), f"reading {_shown(request)} gave a {type(sends).__name__}"
                assert all(isinstance(send, Send) for send in sends)

        for_all(damaged(recording.request), law, 200)

    def test_l4_no_secret_shows(self, recording: Recording) -> None:
        request, secrets = recording.request, self._secrets(recording.request)
        sends = self._read(request)
        known = () if isinstance(sends, str) else sends

        shown = [repr(request), *(repr(send) for send in known), *_texts(known)]
        _assert_free(shown, secrets, "a send")
        private = {*secrets, *(text for text in _private(known) if len(text) >= _FEWEST_SECRET)}

        def law(broken: OutgoingRequest) -> None:
            try:
                self.adapter.read(broken)
            except UnreadableSend as error:
                _assert_free(
                    ["".join(traceback.format_exception_only(each)) for each in _chain(error)], private, "an error"
                )
            except Exception:  # noqa: S110  # what L3 is about
                pass

        for_all(damaged(request), law)

    def test_l5_sends_are_in_normal_form(self, recording: Recording) -> None:
        def law(request: OutgoingRequest) -> None:
            sends = self._read(request)
            for send in () if isinstance(sends, str) else sends:
                assert not (faults := tuple(self._faults(send))), f"{_shown(request)}: {'; '.join(faults)}"

        law(recording.request)
        for_all(damaged(recording.request), law)

    def test_l6_keeping_all_changes_nothing(self, recording: Recording) -> None:
        request = recording.request

        kept = self.adapter.keep(request, (True,) * len(self._sends(recording)))

        assert kept is request, "keeping all sends made another request"

    # --- L7, L8: rewriting ------------------------------------------------------------------------

    def test_l7_keeping_some_keeps_exactly_those(self, recording: Recording) -> None:
        sends = self._sends(recording)
        if not sends:
            pytest.skip("nothing can be read of it")

        def law(mask: tuple[bool, ...]) -> None:
            self._hold_mask(recording.request, sends, mask)

        law((False,) * len(sends))
        if len(sends) <= _MOST_MASKS:
            for number in range(2 ** len(sends)):
                law(tuple(bool(number >> place & 1) for place in range(len(sends))))
        else:
            for_all(masks(len(sends)), law, 50)

    def _hold_mask(self, request: OutgoingRequest, sends: Sequence[Send], mask: tuple[bool, ...]) -> None:
        if any(mask) and not all(mask) and Capability.PRUNE not in self.adapter.capabilities:
            self._assert_refuses("keep", request, mask)
            return
        kept = self.adapter.keep(request, mask)
        if not any(mask):
            assert kept is None, "nothing is kept, and still a request is made"
            return
        assert kept is not None, "the request is gone with some sends kept"
        wanted = tuple(send for send, wanted in zip(sends, mask, strict=True) if wanted)
        assert self._read(kept) == wanted, f"keeping {mask} of {len(mask)} gives other sends"
        assert (kept.method, kept.url) == (request.method, request.url), "keeping some changed where it goes"
        assert kept.header("Content-Length") in (None, str(len(kept.body))), "the length is not set anew"
        gone = {send.address for send in sends if send.address} - {send.address for send in wanted}
        assert not any(address.encode() in kept.body for address in gone), (
            "an address that was taken out is still there"
        )

    def test_l8_does_what_it_declares_and_refuses_the_rest(self, recording: Recording) -> None:
        request, sends = recording.request, self._sends(recording)
        able = self.adapter.capabilities

        if Capability.ANSWER not in able:
            self._assert_refuses("answer", request, sends, [_outcome(False) for _ in sends])
        if Capability.REWRITE not in able:
            self._assert_refuses("rewrite", request, {"text": _REWRITTEN})
        if Capability.SCHEDULE not in able:
            self._assert_refuses("schedule", request, _AT + _HOUR, _AT)
        if Capability.COMPOSE not in able:
            to = sends[0].address if sends and sends[0].address else "+33612345678"
            self._assert_refuses("compose", Replacement(min(self.adapter.channels), to, {"text": "a"}), self.settings)
            self._assert_refuses("authorise", request, self.settings)

    def test_l8_rewrites_schedules_and_composes_what_it_reads_back(self) -> None:
        able = self.adapter.capabilities

        if Capability.REWRITE in able:
            assert any(self._rewrites(each) for each in self._found()), "declares REWRITE and rewrites no recording"
        if Capability.SCHEDULE in able:
            assert any(self._schedules(each) for each in self._found()), "declares SCHEDULE and schedules no recording"
        if Capability.COMPOSE in able:
            assert any(self._composes(each) for each in self._found()), "declares COMPOSE and composes no recording"

    def _rewrites(self, recording: Recording) -> bool:
        """Whether it could; asserts that what was rewritten reads back."""
        for request, send in self._singles(recording):
            if send.silent:
                continue
            content = {part: f"{_REWRITTEN} {part}" for part in send.content} or {"text": _REWRITTEN}
            new = self._unless_refused("rewrite", request, content)
            if new is None:
                continue
            (read,) = self._read_well(new)
            texts = {*read.content.values(), *content.values()}
            assert texts == set(content.values()), "other content than was asked for"
            assert (read.address, read.channel, read.at) == (send.address, send.channel, send.at), "another send"
            assert not read.values, "merge data stayed"
            slots = {name: send.slots.get(name) for name in self.adapter.campaign_slots}
            template = {name for name in slots if read.slots.get(name) != slots[name]}
            assert all(name not in read.slots for name in template), "a campaign slot changed its value"
            return True
        return False

    def _schedules(self, recording: Recording) -> bool:
        for request, send in self._singles(recording):
            new = self._unless_refused("schedule", request, _AT + _HOUR, _AT)
            if new is not None:
                assert self._read_well(new) == (replace(send, at=_AT + _HOUR),), (
                    "scheduling changed more than the instant"
                )
                return True
        return False

    def _composes(self, recording: Recording) -> bool:
        for _, send in self._singles(recording):
            if send.address is None or send.silent:
                continue
            content = {part: f"{_REWRITTEN} {part}" for part in send.content} or {"text": _REWRITTEN}
            wanted = Replacement(send.channel, send.address, content, "spring", "pk-00000000000000000000")
            new = self._unless_refused("compose", wanted, self.settings)
            if new is None:
                continue
            (read,) = self._read_well(new)
            assert self.adapter.claims(new), "does not claim what it composed"
            assert (read.channel, read.address) == (send.channel, send.address), "composed another send"
            assert {*content.values()} == {*read.content.values()}, "composed other content"
            held = new.without(*self.adapter.secret_headers)
            assert self.adapter.authorise(held, self.settings).body == new.body, "authorising changed the body"
            credentials = [text for text in self.settings.credentials.values() if len(text) >= _FEWEST_SECRET]
            _assert_free(
                [repr(new), repr(wanted), held.url, repr(held.headers)], credentials, "what is kept of a request"
            )
            return True
        return False

    # --- L11, L13, L14 ----------------------------------------------------------------------------

    def test_l11_receipts_name_the_sends(self, recording: Recording) -> None:
        sends = self._sends(recording)
        answers = find_answers(self._folder())
        own = type(self.adapter).receipts is not Adapter.receipts

        assert answers or not own, "reads receipts, and no answer is recorded beside the requests"
        for each in answers:
            if each.to == recording.name:
                assert self.adapter.receipts(each.answer, sends) == each.receipts, f"`{each.path.name}`"
        for body in (b"", b"null", b"[]", b"\xff", b'{"sid": 1, "name": [], "id": {}}'):
            for status in (200, 403, 500):
                given = self.adapter.receipts(Answer(status, body=body), sends)
                assert isinstance(given, tuple), f"receipts are a {type(given).__name__}"
                assert len(given) == len(sends), f"{len(given)} receipts for {len(sends)} sends"
                assert all(each is None or isinstance(each, str) for each in given), "a receipt that is no text"

    def test_l13_reads_as_recorded(self, recording: Recording, request: pytest.FixtureRequest) -> None:
        missing = [note for note in ("sdk", "recorded", "docs") if not recording.notes.get(note)]
        read = self._read(recording.request)

        assert not missing, f"`{recording.path.name}` does not say in its head: {', '.join(missing)}"
        if request.config.getoption("--policykit-update", default=False):
            assert not os.environ.get("CI"), "golden files are not rewritten where `CI` is set"
            recording.sends_path.write_text(sends_text(read), encoding="utf-8")
        try:
            wanted = read_sends(recording.sends_path)
        except UsageError as error:
            pytest.fail(str(error), pytrace=False)
        assert read == wanted, f"`{recording.sends_path.name}` says otherwise"

    def test_l14_is_packaged(self) -> None:
        faults = packaging.faults(self.adapter, Path(inspect.getfile(type(self))))

        assert not faults, "; ".join(faults)

    # --- what laws stand on -----------------------------------------------------------------------

    def _read(self, request: OutgoingRequest) -> tuple[Send, ...] | str:
        """The sends; why not, where there are none to be read. Other faults count as unreadable: L3 tells them."""
        try:
            return tuple(self.adapter.read(request))
        except UnreadableSend as error:
            return error.why
        except Exception as error:
            return repr(error)

    def _read_well(self, request: OutgoingRequest) -> tuple[Send, ...]:
        read = self._read(request)
        assert not isinstance(read, str), f"what it made cannot be read back: {read}"
        return read

    def _sends(self, recording: Recording) -> tuple[Send, ...]:
        read = self._read(recording.request)
        return () if isinstance(read, str) else read

    def _singles(self, recording: Recording) -> Iterator[tuple[OutgoingRequest, Send]]:
        """Requests for one person each, out of a recording."""
        sends = self._sends(recording)
        for place, send in enumerate(sends):
            try:
                kept = self.adapter.keep(recording.request, [place == other for other in range(len(sends))])
            except UnsupportedRewrite:
                continue
            if kept is not None:
                yield kept, send

    def _unless_refused(self, method: str, *given: Any) -> OutgoingRequest | None:
        """What the adapter makes; None where it refuses in the way the contract has."""
        try:
            made: OutgoingRequest = getattr(self.adapter, method)(*given)
        except UnsupportedRewrite as error:
            self._check_named(error)
            return None
        return made

    def _assert_refuses(self, method: str, *given: Any) -> None:
        try:
            made = getattr(self.adapter, method)(*given)
        except UnsupportedRewrite as error:
            self._check_named(error)
        except Exception as error:
            raise AssertionError(
                f"`{method}` is not declared and raised {error!r}, expected UnsupportedRewrite"
            ) from error
        else:
            raise AssertionError(f"`{method}` is not declared, and gave {made!r}; expected UnsupportedRewrite")

    def _check_named(self, error: UnreadableSend | UnsupportedRewrite) -> None:
        assert error.adapter == self.adapter.name, f"the error names the adapter `{error.adapter}`"
        assert not isinstance(error, UnsupportedRewrite) or error.effect, "the error names no effect"

    def _faults(self, send: Send) -> Iterator[str]:
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
        elif any(not _storable(text) for text in _texts((send,))):
            yield "something that is no text, or cannot be stored as UTF-8"

    def _secrets(self, request: OutgoingRequest) -> set[str]:
        found = set(self.secrets)
        for name in self.adapter.secret_headers:
            value = request.header(name) or ""
            scheme, _, token = value.rpartition(" ")
            found |= {value, token}
            if scheme.lower() == "basic":
                found |= set(base64.b64decode(token).decode("utf-8", "replace").split(":"))
        return {secret for secret in found if len(secret) >= _FEWEST_SECRET}

    def _folder(self) -> Path:
        return Path(inspect.getfile(type(self))).parent / self.recordings

    def _found(self) -> tuple[Recording, ...]:
        return _recordings_of(self._folder())

    # --- pytest -----------------------------------------------------------------------------------

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each law for each recording; refuse to leave a law out in silence."""
        law = _law_of(metafunc.function.__name__)
        if law is None:
            return
        ours = metafunc.function.__dict__.get("policykit_exception")
        for mark in metafunc.definition.iter_markers():
            if mark.name in ("skip", "skipif", "xfail") and mark is not ours:
                raise UsageError(f"law {law} is marked `{mark.name}`", f'declare `exceptions = {{"{law}": "why"}}`')
        if "recording" in metafunc.fixturenames:
            found = self._found()
            if not found:
                raise UsageError(f"no `*.http` in `{self._folder()}`", "record what the provider's SDK sends")
            metafunc.parametrize("recording", [self._param(law, each) for each in found])

    def _param(self, law: str, recording: Recording) -> Any:
        why = self.exceptions.get(f"{law}[{recording.name}]")
        marks = [pytest.mark.xfail(reason=f"{law}: {why}", strict=True)] if why else []
        return pytest.param(recording, id=recording.name, marks=marks)

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        laws = {name: law for name in dir(AdapterContract) if (law := _law_of(name))}
        for name in laws.keys() & cls.__dict__.keys():
            raise UsageError(f"`{cls.__name__}` replaces {name}", f'declare `exceptions = {{"{laws[name]}": "why"}}`')
        if unknown := {each.partition("[")[0] for each in cls.exceptions} - set(laws.values()):
            raise UsageError(f"`{cls.__name__}` excepts {', '.join(sorted(unknown))}, which is no law", "L1 to L14 are")
        for name, law in laws.items():
            if law in cls.exceptions:
                setattr(cls, name, _excepted(getattr(cls, name), f"{law}: {cls.exceptions[law]}"))


@cache
def foreign_requests() -> tuple[Recording, ...]:
    """Requests of many providers, for their own adapters alone; status reads, tokens and webhooks, for none."""
    return find_recordings(FOREIGN)


@cache
def _recordings_of(folder: Path) -> tuple[Recording, ...]:
    return find_recordings(folder)


def _law_of(name: str) -> str | None:
    """`L7` of `test_l7_...`, None for other names."""
    word = name.removeprefix("test_").partition("_")[0]
    return word.upper() if name.startswith("test_l") and word[1:].isdigit() else None


def _excepted(law: types.FunctionType, reason: str) -> types.FunctionType:
    """A copy of a law that must fail."""
    copy = types.FunctionType(law.__code__, law.__globals__, law.__name__, law.__defaults__, law.__closure__)
    copy.__dict__.update(law.__dict__)
    copy.__annotations__ = law.__annotations__
    mark = pytest.mark.xfail(reason=reason, strict=True)
    copy.pytestmark = [mark.mark]  # type: ignore[attr-defined]  # where pytest keeps marks
    copy.policykit_exception = mark.mark  # type: ignore[attr-defined]  # so that nobody else's mark passes for it
    return copy


def _outcome(accepted: bool, reason: str = "because the contract says so") -> Outcome:  # noqa: FBT001  # a fact
    return Outcome(accepted, "pk-00000000000000000000", reason, "contract")


def _texts(sends: Iterable[Send]) -> list[Any]:
    """Everything a send says, each on its own."""
    found: list[Any] = []
    for send in sends:
        found += [send.address or "", *send.content, *send.content.values(), *send.values, *send.values.values()]
        for name, texts in send.slots.items():
            found += [name, *texts]
    return found


def _private(sends: Iterable[Send]) -> Iterator[str]:
    """What a send says of people; names of fields are the provider's, and errors may use them."""
    for send in sends:
        yield send.address or ""
        yield from send.content.values()
        yield from send.values.values()
        for texts in send.slots.values():
            yield from texts


def _storable(text: Any) -> bool:
    if not isinstance(text, str):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those a traceback shows with it."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _assert_free(shown: Iterable[str], secrets: Iterable[str], where: str) -> None:
    told = [secret for secret in secrets if any(secret in text for text in shown)]
    assert not told, f"{len(told)} secret or private text(s) show in {where}"


def _shown(request: OutgoingRequest) -> str:
    body = request.body if len(request.body) <= 300 else request.body[:300] + b"..."
    return f"a body of {body!r}"
