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

import inspect
import os
from pathlib import Path

import pytest

from policykit.adapters.base import Adapter, Capability, Outcome
from policykit.adapters.wire import Answer
from policykit.errors import UsageError
from policykit.testing import packaging
from policykit.testing.answering import LiveLaws
from policykit.testing.reading import ReadingLaws
from policykit.testing.recordings import Recording, find_answers, read_sends, sends_text
from policykit.testing.rewriting import RewritingLaws

__all__ = ["AdapterContract"]

_MOST_GONE = 8  # sends of a call that are each taken out once


class AdapterContract(ReadingLaws, RewritingLaws, LiveLaws):
    """Subclass it, name it `Test...`, and give it the adapter; `AdapterLaws` says what else it may be given.

    exceptions: law, or `law[recording]` -> why it does not hold; it must then fail.
    """

    def test_l11_receipts_name_the_sends(self, recording: Recording) -> None:
        sends = self.sends(recording)
        answers = find_answers(self.folder())
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

    def test_l11_a_pruned_call_is_answered_as_if_whole(self, recording: Recording) -> None:
        sends = self.sends(recording)
        if not {Capability.PRUNE, Capability.ANSWER} <= self.adapter.capabilities or len(sends) < 2:
            return  # nothing can be taken out of this call

        for gone in range(min(len(sends), _MOST_GONE)):
            mask = [place != gone for place in range(len(sends))]
            outcomes = [Outcome(keep, f"pk-{place:020x}", "because") for place, keep in enumerate(mask)]
            passed = [place for place, keep in enumerate(mask) if keep]
            kept, call = [sends[place] for place in passed], self.adapter.keep(recording.request, mask)
            assert call is not None, "the call is gone with some sends kept"
            answer = self.adapter.answer(call, kept, [outcomes[place] for place in passed])
            mended = self.adapter.mend(answer, sends, outcomes)
            given = self.adapter.receipts(mended, sends)
            assert mended.status == answer.status, "mending turned a success into something else"
            assert tuple(given[place] for place in passed) == self.adapter.receipts(answer, kept), (
                f"with send {gone} taken out, the caller finds other receipts at the places of the rest"
            )

    def test_l13_reads_as_recorded(self, recording: Recording, request: pytest.FixtureRequest) -> None:
        missing = [note for note in ("sdk", "recorded", "docs") if not recording.notes.get(note)]
        read = self.read(recording.request)

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
