"""Broken adapters, at least one per law: each fails its law, and no other."""

from __future__ import annotations

import http.client
import inspect
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import policykit_acme
import pytest
from policykit_acme import PATH, READER, AcmeAdapter

from policykit.adapters.base import Capability, Outcome, Replacement, Settings
from policykit.adapters.payload import with_json
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.errors import UnreadableSend
from policykit.sends import Send
from policykit.testing import AdapterContract
from policykit.testing.laws import law_of
from tests.testing.acme.test_acme import TestAcme as Acme


class ClaimsStatusReads(AcmeAdapter):
    def claims(self, request: OutgoingRequest) -> bool:
        return PATH.search(request.path) is not None


class LooksAtTheClock(AcmeAdapter):
    def read(self, request: OutgoingRequest) -> tuple[Send, ...]:
        time.time()
        return super().read(request)


class TrustsTypes(AcmeAdapter):
    def read(self, request: OutgoingRequest) -> tuple[Send, ...]:
        READER.body(request)["to"][0]["email"].strip()
        return super().read(request)


class QuotesTheBody(AcmeAdapter):
    def read(self, request: OutgoingRequest) -> tuple[Send, ...]:
        try:
            return super().read(request)
        except UnreadableSend as error:
            raise UnreadableSend(self.name, f"{error.why} in {request.body!r}") from None


class LeavesAddressesAsTheyAre(AcmeAdapter):
    def address(self, person: Any) -> str:
        super().address(person)
        return str(person["email"])


class RebuildsWhatIsWhole(AcmeAdapter):
    def keep(self, request: OutgoingRequest, mask: Sequence[bool]) -> OutgoingRequest | None:
        return replace(request) if all(mask) else super().keep(request, mask)


class RemembersWhoWasTakenOut(AcmeAdapter):
    def keep(self, request: OutgoingRequest, mask: Sequence[bool]) -> OutgoingRequest | None:
        kept = super().keep(request, mask)
        if kept is None or kept is request:
            return kept
        gone = [send.address for send, keep in zip(self.read(request), mask, strict=True) if not keep]
        return with_json(kept, {**kept.json(), "log": gone})


class DoesMoreThanItSays(AcmeAdapter):
    capabilities = frozenset(Capability) - {Capability.SCHEDULE}


class LeavesWhatWasSaid(AcmeAdapter):
    def rewrite(self, request: OutgoingRequest, content: Mapping[str, str]) -> OutgoingRequest:
        return with_json(super().rewrite(request, content), {**READER.body(request), **content})


class SchedulesAnotherMessage(AcmeAdapter):
    def schedule(self, request: OutgoingRequest, at: int, now: int) -> OutgoingRequest:
        later = super().schedule(request, at, now)
        return with_json(later, {**later.json(), "kind": "scheduled"})


class ForgetsToSign(AcmeAdapter):
    def authorise(self, request: OutgoingRequest, settings: Settings) -> OutgoingRequest:
        return request

    def compose(self, replacement: Replacement, settings: Settings) -> OutgoingRequest:
        return super().authorise(super().compose(replacement, settings), settings)


class KeepsTheTokenInTheOpen(AcmeAdapter):
    secret_headers = ()


class TellsTheProvider(AcmeAdapter):
    def answer(self, request: OutgoingRequest, sends: Sequence[Send], outcomes: Sequence[Outcome]) -> Answer:
        if request.host == "127.0.0.1" and not outcomes[0].accepted:
            server = http.client.HTTPConnection(request.url.split("/")[2], timeout=5)
            server.request("POST", request.path, request.body)
            server.getresponse().read()
            server.close()
        return super().answer(request, sends, outcomes)


class CountsAttempts(AcmeAdapter):
    def read(self, request: OutgoingRequest) -> tuple[Send, ...]:
        return super().read(request) * int(request.header("X-Attempt") or 1)


class TurnsReceiptsRound(AcmeAdapter):
    def receipts(self, answer: Answer, sends: Sequence[Send]) -> tuple[str | None, ...]:
        return super().receipts(answer, sends)[::-1]


class AnswersWithFewerIds(AcmeAdapter):
    def mend(self, answer: Answer, sends: Sequence[Send], outcomes: Sequence[Outcome]) -> Answer:
        return answer


class RefusesAsIfItWereBusy(AcmeAdapter):
    def answer(self, request: OutgoingRequest, sends: Sequence[Send], outcomes: Sequence[Outcome]) -> Answer:
        given = super().answer(request, sends, outcomes)
        return given if given.status == 202 else replace(given, status=429)


class ForgetsASlot(AcmeAdapter):
    def read(self, request: OutgoingRequest) -> tuple[Send, ...]:
        return tuple(
            replace(send, slots={name: texts for name, texts in send.slots.items() if name != "kind"})
            for send in super().read(request)
        )


class IsNotHandedOut(AcmeAdapter):
    pass


MUTANTS: tuple[tuple[str, type[AcmeAdapter]], ...] = (
    ("L1", ClaimsStatusReads),
    ("L2", LooksAtTheClock),
    ("L3", TrustsTypes),
    ("L4", QuotesTheBody),
    ("L4", KeepsTheTokenInTheOpen),
    ("L5", LeavesAddressesAsTheyAre),
    ("L6", RebuildsWhatIsWhole),
    ("L7", RemembersWhoWasTakenOut),
    ("L8", DoesMoreThanItSays),
    ("L8", LeavesWhatWasSaid),
    ("L8", SchedulesAnotherMessage),
    ("L8", ForgetsToSign),
    ("L9", TellsTheProvider),
    ("L10", CountsAttempts),
    ("L11", TurnsReceiptsRound),
    ("L11", AnswersWithFewerIds),
    ("L12", RefusesAsIfItWereBusy),
    ("L13", ForgetsASlot),
    ("L14", IsNotHandedOut),
)
EACH = pytest.mark.parametrize(("law", "mutant"), MUTANTS, ids=[f"{law}-{mutant.__name__}" for law, mutant in MUTANTS])
LAWS = {name: law for name in dir(AdapterContract) if (law := law_of(name))}


@pytest.fixture
def contract(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the contract of a mutant, which stands where the reference adapter would."""

    def make(mutant: type[AcmeAdapter]) -> AdapterContract:
        handed = [] if mutant is IsNotHandedOut else [mutant()]
        monkeypatch.setattr(policykit_acme, "AcmeAdapter", lambda: handed[0])
        if not handed:
            monkeypatch.delattr(policykit_acme, "policykit_adapters")
        suite = type("Mutant", (Acme,), {"adapter": mutant(), "__module__": Acme.__module__})
        return suite()  # type: ignore[no-any-return]

    return make


def failing(
    suite: AdapterContract, laws: Iterator[str], request: pytest.FixtureRequest, tmp_path: Path
) -> dict[str, str]:
    """Law -> the first complaint, of those laws of the suite that fail."""
    complaints: dict[str, str] = {}
    for number, name in enumerate(laws):
        test = getattr(suite, name)
        wanted = inspect.signature(test).parameters
        for recording in suite.found() if "recording" in wanted else (None,):
            given = {"recording": recording, "request": request, "tmp_path": tmp_path / f"{number}"}
            try:
                test(**{key: given[key] for key in wanted})
            except (AssertionError, pytest.fail.Exception) as error:
                complaints.setdefault(LAWS[name], str(error))
            except pytest.skip.Exception:
                pass
    return complaints


def test_every_law_has_its_mutant():
    assert {law for law, _ in MUTANTS} == set(LAWS.values())


@EACH
def test_a_mutant_fails_its_law(law, mutant, contract, request, tmp_path):
    own = (name for name in LAWS if LAWS[name] == law)

    complaints = failing(contract(mutant), own, request, tmp_path)

    assert complaints.keys() == {law}


@pytest.mark.slow
@EACH
def test_a_mutant_fails_no_other_law(law, mutant, contract, request, tmp_path):
    others = (name for name in LAWS if LAWS[name] != law)

    assert failing(contract(mutant), others, request, tmp_path) == {}
