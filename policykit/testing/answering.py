"""Laws L9, L10 and L12: what becomes of a real SDK's send between the guards and a provider on loopback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from policykit.adapters.base import Adapter, Capability, Outcome
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.assemble.live_rules import live_rules
from policykit.assemble.workspace import open_workspace
from policykit.enforce import guards
from policykit.enforce.found import decision_of
from policykit.enforce.gate import LiveGate
from policykit.enforce.plan import Plan
from policykit.enforce.rules import Rules
from policykit.model import Micros, Verdict
from policykit.sends import DecisionRecord, Send, from_line
from policykit.stores.base import Store
from policykit.stores.memory import MemoryStore
from policykit.testing.adapter_laws import AdapterLaws
from policykit.testing.damage import damaged, for_all
from policykit.testing.double import Double, Received, default_answer, redirect
from policykit.testing.recordings import Recording
from policykit.testing.workspace import write_files

BECAUSE = "The contract stops everything."
# A status that no client takes for a fault of the moment: it is not tried again, and nothing is paused.
HARMLESS = frozenset({400, 403, 422})
_STOP = f"""\
policies:
  - {{id: contract-stop, kind: rule, forbid: "true", on_breach: block, because: {BECAUSE}}}
"""


class LiveLaws(AdapterLaws):
    """L9 a stop is silent, L10 once, L12 the answer is the provider's."""

    def send(self, base_url: str) -> object:
        """One marketing send with the provider's official SDK, pointed at a base URL; what the SDK gives back."""
        raise NotImplementedError("supply `send(self, base_url)`: one marketing send with the provider's SDK")

    def refused(self, thing: Any) -> str:
        """The reason as a user of the SDK finds it, in the error it raised or in what it gave back."""
        raise NotImplementedError("supply `refused(self, thing)`: the reason in the SDK's error or response")

    def test_l9_a_stop_is_silent(self, tmp_path: Path) -> None:
        with Double() as double, self._guarded(tmp_path, _STOP) as gate:
            thing = self._tried(double.url)
            records = gate.records()

        assert records, f"no guard saw the send of the SDK; it gave {thing!r}"
        assert {record.verdict for record in records} == {Verdict.BLOCK}
        assert not self._sent(double), "a send that was stopped reached the provider"

    def test_l10_one_send_is_decided_once(self, tmp_path: Path) -> None:
        people = self._people()
        with Double() as double, self._guarded(tmp_path, "policies: []\n") as gate:
            gate.store.write("people", [{"id": row["person"]} for row in people])
            gate.store.write("addresses", people)
            double.answer("/", self._once(Answer(503)))
            first = self._tried(double.url)
            if len(self._sent(double)) < 2:  # the SDK does not try again: the application does
                gate.flush()
                first = self._tried(double.url)
            records = gate.records()

        assert len(self._sent(double)) >= 2, f"the second try did not reach the provider: {first!r}"
        assert len(records) == 1, f"a send tried again left {len(records)} decisions"

    def test_l10_a_redirect_is_the_same_send(self, tmp_path: Path) -> None:
        with Double() as double, self._guarded(tmp_path, "policies: []\n") as gate:
            double.answer("/", self._once(lambda received: redirect(f"{received.path}?{received.query}&hop=1")))
            self._tried(double.url)
            records = gate.records()

        assert len(records) == 1, f"a send with a redirect left {len(records)} decisions"

    def test_l12_a_refusal_is_the_providers_own(self, tmp_path: Path) -> None:
        self._needs_answer()
        with Double() as double, self._guarded(tmp_path, _STOP) as gate:
            thing = self._tried(double.url)
            reason, behind = self.refused(thing), decision_of(thing, gate.look_up)
            records = gate.records()

        assert records, f"no guard saw the send of the SDK; it gave {thing!r}"
        assert BECAUSE in reason, f"the user of the SDK reads {reason!r} and not the reason"
        assert behind is not None, "`decision_of` finds no decision in what the SDK gave"
        assert behind.id in {record.id for record in records}

    def test_l12_an_answer_in_its_place_is_accepted(self) -> None:
        self._needs_answer()
        with Double() as double:
            gate = _Accepting(self)
            detach = guards.attach_all(gate)
            try:
                self.send(double.url)
            finally:
                detach()

        assert gate.answered, "no guard saw the send of the SDK"
        assert not self._sent(double), "what was answered in the provider's place reached it too"
        assert all(200 <= answer.status < 300 for answer in gate.answered), "a success that is none"

    def test_l12_a_refusal_makes_nobody_try_again(self) -> None:
        self._needs_answer()
        for recording in self.found():
            sends = self.sends(recording)
            outcomes = [Outcome(False, f"pk-{place:020x}", BECAUSE, "contract") for place in range(len(sends))]
            answer = self.adapter.answer(recording.request, sends, outcomes)
            assert answer.status in HARMLESS or 200 <= answer.status < 300, f"refuses with status {answer.status}"
            assert self.adapter.receipts(answer, sends) == (None,) * len(sends), "a refusal with receipts"

    def test_l12_what_cannot_be_read_is_refused_alike(self, recording: Recording) -> None:
        self._needs_answer()
        unread = [Send(min(self.adapter.channels), self.adapter.name, None)]  # as the gate has it

        def law(request: OutgoingRequest) -> None:
            if isinstance(self.read(request), str):
                answer = self.adapter.answer(request, unread, [Outcome(False, "pk-0", BECAUSE)])
                assert answer.status in HARMLESS or 200 <= answer.status < 300, f"refuses with {answer.status}"

        for_all(damaged(recording.request), law)

    # --- what they stand on -----------------------------------------------------------------------

    @contextmanager
    def _guarded(self, folder: Path, policies: str) -> Iterator[_Stored]:
        """The process under guards, with one file of policies; the adapter need not be installed."""
        config = f"mode: enforce\nproviders:\n  {self.adapter.name}: {{on_block: answer}}\n"
        write_files(folder, {"policykit.yaml": config, "policies/contract.yaml": policies})
        adapters = {self.adapter.name: self.adapter}
        rules = live_rules(open_workspace(folder), adapters, {})
        gate = _Stored(lambda: rules, MemoryStore(), adapters.values(), lambda person: person, _now)
        detach = guards.attach_all(gate)
        try:
            yield gate
        finally:
            detach()
            gate.close()

    def _people(self) -> list[dict[str, str]]:
        """Who the SDK's send is for, as addresses of the store: only sends to people who are known hold a slot."""
        with Double() as double:
            self._tried(double.url)
            sent = self._sent(double)
        sends = [send for each in sent for send in self.adapter.read(each.as_sent_to("http://127.0.0.1"))]
        return [
            {"person": f"p{place}", "channel": send.channel, "address": send.address}
            for place, send in enumerate(sends)
            if send.address is not None
        ]

    def _tried(self, base_url: str) -> object:
        """What the SDK gave back, or raised."""
        try:
            return self.send(base_url)
        except NotImplementedError:
            raise
        except Exception as error:
            return error

    def _sent(self, double: Double) -> list[Received]:
        """Sends that reached the provider; tokens and the like are none."""
        return [each for each in double.requests if self._is_send(each)]

    def _is_send(self, received: Received) -> bool:
        return self.adapter.claims(received.as_sent_to("http://127.0.0.1"))

    def _once(self, then: Answer | Callable[[Received], Answer]) -> Callable[[Received], Answer]:
        """Answers the first send so, everything else as the provider does."""
        done: list[bool] = []

        def answer(received: Received) -> Answer:
            if done or not self._is_send(received):
                return default_answer(received)
            done.append(True)
            return then if isinstance(then, Answer) else then(received)

        return answer

    def _needs_answer(self) -> None:
        if Capability.ANSWER not in self.adapter.capabilities:
            pytest.skip(f"`{self.adapter.name}` does not declare ANSWER: calls are refused by `SendBlocked`")


class _Stored(LiveGate):
    """A gate whose store can be looked into."""

    def __init__(
        self,
        rules: Callable[[], Rules],
        store: Store,
        adapters: Iterable[Adapter],
        pseudonym: Callable[[str], str],
        now: Callable[[], Micros],
    ) -> None:
        super().__init__(rules, store, adapters, pseudonym, now)
        self.store = store

    def records(self) -> list[DecisionRecord]:
        return [from_line(each.line) for each in self.store.decisions()]


class _Accepting:
    """A gate that answers every send in the provider's place as accepted."""

    def __init__(self, laws: AdapterLaws) -> None:
        self._adapter = laws.adapter
        self.answered: list[Answer] = []

    def claims(self, method: str, url: str) -> bool:
        return self._adapter.claims(OutgoingRequest(method, url))

    def plan(self, request: OutgoingRequest) -> Plan:
        sends = self._adapter.read(request)
        outcomes = [Outcome(True, f"pk-{place:020x}") for place in range(len(sends))]
        answer = self._adapter.answer(request, sends, outcomes)
        self.answered.append(answer)
        return Plan(None, answer)

    def done(self, plan: Plan, answer: Answer) -> Answer:
        return answer

    def failed(self, plan: Plan) -> None:
        pass


def _now() -> Micros:
    return time.time_ns() // 1000
