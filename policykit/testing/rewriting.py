"""Laws L6 to L8: what an adapter makes of a request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus

import pytest

from policykit.adapters.base import Capability, Outcome, Replacement
from policykit.adapters.wire import OutgoingRequest
from policykit.errors import UnsupportedRewrite
from policykit.sends import Send
from policykit.testing.adapter_laws import FEWEST_SECRET, AdapterLaws, assert_free
from policykit.testing.damage import for_all, masks
from policykit.testing.recordings import Recording

_REWRITTEN = "A text of policykit's own contract."
_AT = 1_795_860_000_000_000  # 2026-11-28T10:00:00Z
_HOUR = 3_600_000_000
_MOST_MASKS = 8  # sends of a call for which every mask is tried


class RewritingLaws(AdapterLaws):
    """L6 identity, L7 prune, L8 honest about what it can do."""

    def test_l6_keeping_all_changes_nothing(self, recording: Recording) -> None:
        request = recording.request

        kept = self.adapter.keep(request, (True,) * len(self.sends(recording)))

        assert kept is request, "keeping all sends made another request"

    def test_l7_keeping_some_keeps_exactly_those(self, recording: Recording) -> None:
        sends = self.sends(recording)
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
        assert self.read(kept) == wanted, f"keeping {mask} of {len(mask)} gives other sends"
        assert (kept.method, kept.url) == (request.method, request.url), "keeping some changed where it goes"
        assert kept.header("Content-Length") in (None, str(len(kept.body))), "the length is not set anew"
        gone = {send.address for send in sends if send.address} - {send.address for send in wanted}
        assert not any(address.encode() in kept.body for address in gone), (
            "an address that was taken out is still there"
        )

    def test_l8_does_what_it_declares_and_refuses_the_rest(self, recording: Recording) -> None:
        request, sends = recording.request, self.sends(recording)
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

        for capability, law in (
            (Capability.REWRITE, self._rewrites),
            (Capability.SCHEDULE, self._schedules),
            (Capability.COMPOSE, self._composes),
        ):
            if capability in able:
                done = [law(each) for each in self.found()]
                assert any(done), f"declares {capability.name} and has it for no recording"

    def _rewrites(self, recording: Recording) -> bool:
        """Whether it could; asserts that what was rewritten reads back."""
        for request, send in self.singles(recording):
            if send.silent:
                continue
            content = {part: f"{_REWRITTEN} {part}" for part in send.content} or {"text": _REWRITTEN}
            new = self._unless_refused("rewrite", request, content)
            if new is None:
                continue
            (read,) = self.read_well(new)
            texts = {*read.content.values(), *content.values()}
            assert texts == set(content.values()), "other content than was asked for"
            assert (read.address, read.channel, read.at) == (send.address, send.channel, send.at), "another send"
            assert not read.values, "merge data stayed"
            assert not _left(send, new), "something that was said to the person is still in the request"
            slots = {name: send.slots.get(name) for name in self.adapter.campaign_slots}
            template = {name for name in slots if read.slots.get(name) != slots[name]}
            assert all(name not in read.slots for name in template), "a campaign slot changed its value"
            return True
        return False

    def _schedules(self, recording: Recording) -> bool:
        for request, send in self.singles(recording):
            new = self._unless_refused("schedule", request, _AT + _HOUR, _AT)
            if new is not None:
                assert self.read_well(new) == (replace(send, at=_AT + _HOUR),), (
                    "scheduling changed more than the instant"
                )
                return True
        return False

    def _composes(self, recording: Recording) -> bool:
        for _, send in self.singles(recording):
            if send.address is None or send.silent:
                continue
            content = {part: f"{_REWRITTEN} {part}" for part in send.content} or {"text": _REWRITTEN}
            wanted = Replacement(send.channel, send.address, content, "spring", "pk-00000000000000000000")
            new = self._unless_refused("compose", wanted, self.settings)
            if new is None:
                continue
            (read,) = self.read_well(new)
            assert self.adapter.claims(new), "does not claim what it composed"
            assert (read.channel, read.address) == (send.channel, send.address), "composed another send"
            assert {*content.values()} == {*read.content.values()}, "composed other content"
            held = new.without(*self.adapter.secret_headers)
            again = self.adapter.authorise(held, self.settings)
            assert again.body == new.body, "authorising changed the body"
            gone = [name for name in self.adapter.secret_headers if again.header(name) != new.header(name)]
            assert not gone, f"authorised again, it has another {gone[0]}"
            credentials = [text for text in self.settings.credentials.values() if len(text) >= FEWEST_SECRET]
            assert_free([repr(new), repr(wanted), new.url], credentials, "a URL or repr of what it composed")
            return True
        return False

    def _unless_refused(self, method: str, *given: Any) -> OutgoingRequest | None:
        """What the adapter makes; None where it refuses in the way the contract has."""
        try:
            made: OutgoingRequest = getattr(self.adapter, method)(*given)
        except UnsupportedRewrite as error:
            self.check_named(error)
            return None
        return made

    def _assert_refuses(self, method: str, *given: Any) -> None:
        try:
            made = getattr(self.adapter, method)(*given)
        except UnsupportedRewrite as error:
            self.check_named(error)
        except Exception as error:
            raise AssertionError(
                f"`{method}` is not declared and raised {error!r}, expected UnsupportedRewrite"
            ) from error
        else:
            raise AssertionError(f"`{method}` is not declared, and gave {made!r}; expected UnsupportedRewrite")


def _left(send: Send, new: OutgoingRequest) -> list[str]:
    """Texts of a send that are still in a rewritten body, as JSON or a form would have them."""
    said = [text for text in (*send.content.values(), *send.values.values()) if len(text) >= FEWEST_SECRET]
    forms = {text: (text, json.dumps(text)[1:-1], quote_plus(text)) for text in said}
    return [text for text in said if any(form.encode("utf-8", "replace") in new.body for form in forms[text])]


def _outcome(accepted: bool, reason: str = "because the contract says so") -> Outcome:  # noqa: FBT001  # a fact
    return Outcome(accepted, "pk-00000000000000000000", reason, "contract")
