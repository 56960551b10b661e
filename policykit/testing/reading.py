"""Laws L1 to L5: what an adapter reads."""

from __future__ import annotations

import traceback
from copy import deepcopy
from functools import cache
from pathlib import Path

from policykit.adapters.base import Capability, Outcome
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.errors import UnreadableSend
from policykit.sends import Send
from policykit.testing.adapter_laws import FEWEST_SECRET, AdapterLaws, assert_free, chain, private, shown, texts
from policykit.testing.damage import damaged, for_all
from policykit.testing.purity import watched
from policykit.testing.recordings import Recording, find_recordings

FOREIGN = Path(__file__).parent / "foreign"


class ReadingLaws(AdapterLaws):
    """L1 claims, L2 pure, L3 garbage, L4 no secrets, L5 normal form."""

    def test_l1_claims_its_own_sends_and_nothing_else(self, recording: Recording) -> None:
        request = recording.request

        assert self.adapter.claims(request), f"`{recording.name}` is not claimed"
        assert self.adapter.claims(OutgoingRequest(request.method, request.url)), (
            "claims needs more than method and URL"
        )
        methods = {each.request.method for each in self.found()}
        for method in {"GET", "HEAD", "DELETE", "OPTIONS"} - methods:
            assert not self.adapter.claims(OutgoingRequest(method, request.url)), (
                f"claims {method}, which sends nothing"
            )
        for foreign in foreign_requests():
            own = foreign.notes.get("provider") == self.adapter.name and foreign.notes.get("send") == "yes"
            assert own or not self.adapter.claims(foreign.request), f"claims `{foreign.name}`, which is not its send"

    def test_l2_reading_is_pure(self, recording: Recording) -> None:
        request, before = recording.request, deepcopy(recording.request)
        first = self.read(request)

        self._use(request, first)  # what is loaded only once is loaded now
        with watched() as looked:
            self.adapter.claims(request)
            second = self.read(request)
            self._use(request, first)

        assert first == second, "reading twice gives different sends"
        assert request == before, "reading changed the request"
        assert not looked, f"the adapter looks at {', '.join(looked)}"

    def _use(self, request: OutgoingRequest, sends: tuple[Send, ...] | str) -> None:
        """Everything that is asked of an adapter about a call it has read."""
        if isinstance(sends, str):
            return
        self.adapter.keep(request, (True,) * len(sends))
        self.adapter.receipts(Answer(200), sends)
        if Capability.ANSWER in self.adapter.capabilities:
            for accepted in (True, False):
                outcomes = [Outcome(accepted, f"pk-{place:020x}", "because") for place in range(len(sends))]
                self.adapter.answer(request, sends, outcomes)

    def test_l3_garbage_is_unreadable_or_valid(self, recording: Recording) -> None:
        def law(request: OutgoingRequest) -> None:
            try:
                sends = self.adapter.read(request)
            except UnreadableSend as error:
                self.check_named(error)
            except Exception as error:
                raise AssertionError(f"reading {shown(request)} raised {error!r}, expected UnreadableSend") from error
            else:
                assert isinstance(sends, tuple), f"reading {shown(request)} gave a {type(sends).__name__}"
                assert all(isinstance(send, Send) for send in sends)

        for_all(damaged(recording.request), law, 200)

    def test_l4_no_secret_shows(self, recording: Recording) -> None:
        request, secrets = recording.request, self.secrets_of(recording.request)
        sends = self.read(request)
        known = () if isinstance(sends, str) else sends

        assert not (open_ := self.undeclared(request)), f"not in `secret_headers`, so it would be stored: {open_[0]}"
        assert_free([repr(request), *(repr(send) for send in known), *texts(known)], secrets, "a send")
        hidden = {*secrets, *(text for text in private(known) if len(text) >= FEWEST_SECRET)}

        def law(broken: OutgoingRequest) -> None:
            try:
                self.adapter.read(broken)
            except UnreadableSend as error:
                assert_free(
                    ["".join(traceback.format_exception_only(each)) for each in chain(error)], hidden, "an error"
                )
            except Exception:  # noqa: S110  # what L3 is about
                pass

        for_all(damaged(request), law)

    def test_l5_sends_are_in_normal_form(self, recording: Recording) -> None:
        def law(request: OutgoingRequest) -> None:
            sends = self.read(request)
            for send in () if isinstance(sends, str) else sends:
                assert not (faults := tuple(self.faults(send))), f"{shown(request)}: {'; '.join(faults)}"

        law(recording.request)
        for_all(damaged(recording.request), law)


@cache
def foreign_requests() -> tuple[Recording, ...]:
    """Requests of many providers, for their own adapters alone; status reads, tokens and webhooks, for none."""
    return find_recordings(FOREIGN)
