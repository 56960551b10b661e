"""The outbox emptied: what is due is given to the gate again, judged as if it came now, and delivered by us.

A send is taken by one runner at a time. One that dies between the provider's answer and the note of it
leaves the send to be taken again when its lease ends: such a send may be delivered twice, never lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from policykit.adapters.base import Adapter
from policykit.adapters.wire import Answer
from policykit.enforce import outbox
from policykit.enforce.call import STORE_AWAY, Call, Decider, Workspace
from policykit.enforce.carry import Carrier, ending_of
from policykit.enforce.deliver import DeliveryError, Route, as_it_is, deliver
from policykit.enforce.ledger import Ended, Ledger
from policykit.enforce.outbox import OutboxRun
from policykit.enforce.outcome import NO_RULES
from policykit.enforce.written import Line
from policykit.errors import PolicykitError, StoreUnavailable
from policykit.model import Micros
from policykit.sends import DecisionRecord
from policykit.stores.base import PutOff

log = logging.getLogger("policykit")


class Runner:
    """Delivers what is due. tell: makes decisions known. route: where our own sends go."""

    def __init__(
        self,
        ledger: Ledger,
        decider: Decider,
        carrier: Carrier,
        adapters: Mapping[str, Adapter],
        tell: Callable[[tuple[DecisionRecord, ...]], None],
        route: Route = as_it_is,
    ) -> None:
        self._ledger, self._decider, self._carrier = ledger, decider, carrier
        self._adapters, self._tell, self._route = adapters, tell, route

    def run(self, workspace: Callable[[], Workspace], now: Callable[[], Micros], most: int) -> OutboxRun:
        """What became of at most so many sends that were due; raises `StoreUnavailable`."""
        run = OutboxRun()
        for _ in range(most):
            at = now()
            due = self._ledger.store.take_due(at, at + outbox.LEASE, 1)
            if not due:
                break
            what = self._one(workspace(), due[0], at)
            run = replace(run, **{what: getattr(run, what) + 1})
        self._ledger.flush()
        return run

    def _one(self, workspace: Workspace, waiting: PutOff, now: Micros) -> str:
        """What became of one send: `sent`, `refused` or `again`."""
        adapter = self._adapters.get(waiting.provider)
        if adapter is None:
            log.warning("there is no adapter for `%s`: a send waits in the outbox", waiting.provider)
            self._ledger.store.put_off(replace(waiting, due=now + outbox.pause(waiting.attempts)))
            return "again"
        try:
            request, (sending, waited) = outbox.read_request(waiting), outbox.read_context(waiting)
            call = Call(workspace, adapter, request, adapter.read(request), sending, now, waited)
        except (PolicykitError, ValueError, KeyError, TypeError) as error:
            log.warning("`%s` in the outbox cannot be read and is given up: %s", waiting.decision, type(error).__name__)
            return self._gone(waiting, "refused")
        line = self._decider.decide(call)[0]
        if line is None:  # it belongs to no campaign any more and shows nothing: nobody judges it
            return self._gone(waiting, "refused")
        if line.record.failed == STORE_AWAY:
            raise StoreUnavailable(STORE_AWAY)
        if line.effect == "put_off":
            line = self._carrier.wait(call, 0, line, line.act.due or now)
        self._tell((line.record,))
        if line.effect in ("put_off", "refused"):
            self._ledger.store.drop(waiting.decision)
            return "again" if line.effect == "put_off" else "refused"
        what = self._leave(call, line, waiting)
        self._ledger.store.drop(waiting.decision)
        return what

    def _leave(self, call: Call, line: Line, waiting: PutOff) -> str:
        """Delivers a send; where nobody answers it waits again under its new decision."""
        adapter = line.act.adapter or call.adapter
        assert adapter is not None  # INVARIANT: what waited came by a wire
        answer = self._answer(call, line, adapter)
        ending = ending_of(answer.status)
        if ending == "sent":
            self._carrier.settle(adapter, (line,), (line.send,), answer)
            return "sent"
        if ending == "ended" and waiting.attempts < outbox.MOST_ATTEMPTS:
            assert call.adapter is not None
            assert call.waited is not None
            self._ledger.store.put_off(outbox.kept(
                call.adapter, call.request, call.sending, planned=call.waited.planned, decision=line.record.id,
                due=call.now + outbox.pause(waiting.attempts), attempts=waiting.attempts,
            ))  # fmt: skip
            return "again"
        refused = f"`{adapter.name}` refused it ({answer.status})"
        said = refused if ending == "released" else "it could not be delivered"
        self._tell((self._carrier.turn(call, line, said).record,))
        return "refused"

    def _answer(self, call: Call, line: Line, adapter: Adapter) -> Answer:
        """The provider's answer; status 0 when there is none, or nothing to authorise the call with."""
        request = line.act.request or call.request
        settings = call.workspace.rules.providers.get(adapter.name, NO_RULES).settings
        try:
            own = adapter.authorise(request, settings) if adapter is call.adapter else request
            return deliver(self._route(own))
        except (DeliveryError, PolicykitError):
            return Answer(0)

    def _gone(self, waiting: PutOff, what: str) -> str:
        self._ledger.store.drop(waiting.decision)
        self._ledger.ended(Ended((waiting.decision,), "released"))
        return what
