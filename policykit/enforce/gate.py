"""The gate behind every guard: a caught call goes in, what is to leave comes out. Read `plan` first.

    read      by the adapter that claims it: the sends of the call
    resolve   which campaign each belongs to, by which class it is judged
    people    whom it may reach, as the store knows them
    judging   what the policies say; the strictest wins
    outcome   what is done about it: pass, refuse, replace, put off
    written   the record, its line in the log, its slot
    carry     what takes a send's place is delivered or kept for later
    here      the rest is forwarded, or answered in the provider's place

`call` walks from resolve to written, again where slots were lost; `ledger` stands before the store;
`runner` empties the outbox.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from policykit.adapters.base import DECISION_HEADER, Adapter, Outcome
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.enforce.call import Call, Decider, Workspace, passing
from policykit.enforce.carry import Apart, Carrier
from policykit.enforce.context import Sending, current, is_ours
from policykit.enforce.deliver import Route, as_it_is
from policykit.enforce.found import Recent
from policykit.enforce.ledger import Ended, Ledger, Observer
from policykit.enforce.outbox import OutboxRun
from policykit.enforce.plan import Plan
from policykit.enforce.rules import Rules
from policykit.enforce.runner import Runner
from policykit.enforce.written import Line
from policykit.errors import (
    PolicykitError,
    SendBlocked,
    UnreadableSend,
    UnsupportedRewrite,
)
from policykit.model import Micros
from policykit.sends import DecisionRecord, Send, from_line
from policykit.stores.base import Store

log = logging.getLogger("policykit")

FAULT = "a fault of policykit"
_MOST_IDS = 20  # in the header of an answer
_MOST_CLAIMED = 1024  # URLs remembered; beyond it all are asked anew
_UNASKED = object()


@dataclass(frozen=True, slots=True)
class Ticket:
    """What settling a forwarded call needs. lines: one per send of the whole call. kept: places of those forwarded."""

    call: Call
    lines: tuple[Line | None, ...]
    kept: tuple[int, ...]

    def forwarded(self) -> tuple[Line | None, ...]:
        return tuple([self.lines[place] for place in self.kept])


class LiveGate:
    """Judges and carries out what guards catch. Any thread, any process; nothing but `SendBlocked` comes out.

    rules: gives the workspace as it is now; asked once per call. pseudonym: person -> how records name
    them. observers: told of every decision, off the caller's path. route: where sends of our own go.
    """

    def __init__(
        self,
        rules: Callable[[], Rules],
        store: Store,
        adapters: Iterable[Adapter],
        pseudonym: Callable[[str], str],
        now: Callable[[], Micros],
        observers: Sequence[Observer] = (),
        route: Route = as_it_is,
    ) -> None:
        self._rules, self._pseudonym, self._now = rules, pseudonym, now
        self._adapters: Mapping[str, Adapter] = {adapter.name: adapter for adapter in adapters}
        self._ledger = Ledger(store, now, observers)
        self._recent = Recent()
        self._claimed: dict[tuple[str, str], Adapter | None] = {}
        self._faults: set[tuple[str, str]] = set()
        self._decider = Decider(self._ledger, self._adapters, self.look_up)
        self._carrier = Carrier(self._ledger, route)
        self._apart = Apart()
        self._runner = Runner(self._ledger, self._decider, self._carrier, self._adapters, self._tell, route)
        self._workspace: Workspace | None = None

    # --- what guards ask

    def claims(self, method: str, url: str) -> bool:
        if is_ours():
            return False
        try:
            if self._claiming(method.upper(), url) is None:
                return False
        except Exception as error:  # border: a request that may be nobody's is not broken by us
            self._fault(error)
            return False
        try:
            return self._rules().mode != "off"
        except Exception as error:  # border: a send is known to be one, so what cannot be judged is in doubt
            self._fault(error)
            return True

    def plan(self, request: OutgoingRequest) -> Plan:
        sending = current()
        try:
            plan = self._plan(request, sending)
        except Exception as error:  # border: the application never sees a fault of ours
            self._fault(error)
            plan = self._in_doubt(request, sending)
        try:
            self._tell(plan.records, sending)
        except Exception as error:  # border: what was decided is carried out, whoever could not be told
            self._fault(error)
        return plan

    def done(self, plan: Plan, answer: Answer) -> Answer:
        ticket = plan.tickets
        if not isinstance(ticket, Ticket):
            return answer
        try:
            call, adapter = ticket.call, ticket.call.adapter
            assert adapter is not None  # INVARIANT: what comes by a wire has an adapter
            sends = tuple([call.sends[place] for place in ticket.kept])
            if self._carrier.settle(adapter, ticket.forwarded(), sends, answer) != "sent":
                self._keep_apart(ticket)
            if plan.mends and answer.status < 300:
                return adapter.mend(answer, call.sends, tuple([_outcome(line) for line in ticket.lines]))
        except Exception as error:  # border: the provider's answer reaches the caller whatever happens to us
            self._fault(error)
        return answer

    def failed(self, plan: Plan) -> None:
        ticket = plan.tickets
        if isinstance(ticket, Ticket):
            self._ledger.ended(Ended(tuple(line.record.id for line in ticket.forwarded() if line is not None), "ended"))
            self._keep_apart(ticket)

    # --- what others ask

    def judge(self, send: Send) -> DecisionRecord:
        """What would be decided of a send now; nothing is recorded and no slot is taken."""
        workspace = self._current()
        call = Call(
            workspace, self._adapters.get(send.provider), OutgoingRequest("", ""), (send,), current(), self._now()
        )
        return self._decider.judge(call)

    def look_up(self, id: str) -> DecisionRecord | None:  # noqa: A002  # its name everywhere
        """A decision by its id, of this process or of the log."""
        found = self._recent.get(id)
        if found is not None:
            return found
        logged = self._ledger.store.decision(id)
        return from_line(logged.line) if logged is not None else None

    def flush(self) -> bool:
        """Writes how sends ended and tells observers, now; False when the store cannot be reached."""
        return self._ledger.flush()

    def close(self) -> None:
        """Writes what is left. The store stays open: it belongs to who opened it."""
        self._ledger.close()

    def run_outbox(self, most: int = 100) -> OutboxRun:
        """Gives what is due to the gate again, at most so many; raises `StoreUnavailable`. With mode `off`, nothing."""
        if self._rules().mode == "off":
            return OutboxRun()
        return self._runner.run(self._current, self._now, most)

    # --- one call

    def _plan(self, request: OutgoingRequest, sending: Sending | None) -> Plan:
        workspace = self._current()
        adapter = self._claiming(request.method, request.url)
        if adapter is None or workspace.rules.mode == "off" or is_ours():
            return Plan(request)
        now = self._now()
        try:
            sends = adapter.read(request)
        except UnreadableSend as error:
            call = Call(workspace, adapter, request, (_unread(adapter),), sending, now)
            return self._carry_out(call, self._decider.by_class(call, error.why))
        if not sends:
            return Plan(request)
        call = Call(workspace, adapter, request, sends, sending, now)
        return self._carry_out(call, self._decider.decide(call, self._apart.take(call)))

    def _in_doubt(self, request: OutgoingRequest, sending: Sending | None) -> Plan:
        """What happens to a call that a fault of ours left undecided: `on_error` of its class, else it is refused."""
        adapter = self._claiming(request.method, request.url)
        if adapter is None:
            return Plan(request)
        try:
            workspace = self._current()
            try:
                sends = adapter.read(request) or (_unread(adapter),)
            except Exception:  # border: an adapter that cannot even say so
                sends = (_unread(adapter),)
            call = Call(workspace, adapter, request, sends, sending, self._now())
            lines: list[Line | None] = [None] * len(sends)
            self._decider.by_error(call, lines, FAULT)
            return self._carry_out(call, lines)
        except Exception as error:  # border: even this failed; nothing leaves that nobody judged
            self._fault(error)
            if self._workspace is not None and self._workspace.rules.mode == "audit":
                return Plan(request)
            return Plan(None, error=SendBlocked(()))

    def _carry_out(self, call: Call, lines: list[Line | None]) -> Plan:
        """Delivers what takes the place of sends, then forwards or answers the rest."""
        adapter, request = call.adapter, call.request
        assert adapter is not None  # INVARIANT: what comes by a wire has an adapter
        first = lines[0]
        if len(lines) == 1 and first is not None and first.effect == "replaced" and first.act.adapter is adapter:
            return self._forwarded(call, lines, first.act.request, [True])
        self._carrier.in_place(call, lines)
        mask = passing(lines)
        forward: OutgoingRequest | None = request
        if not all(mask) and not call.audit:
            try:
                forward = adapter.keep(request, mask) if any(mask) else None
            except UnsupportedRewrite:
                forward = None
                self._carrier.refuse_rest(call, lines)
        if forward is not None:
            return self._forwarded(call, lines, forward, mask)
        return self._answered(call, lines)

    def _forwarded(
        self, call: Call, lines: Sequence[Line | None], forward: OutgoingRequest | None, mask: Sequence[bool]
    ) -> Plan:
        adapter = call.adapter
        assert adapter is not None
        kept = tuple([place for place, keep in enumerate(mask) if keep])
        ticket = Ticket(call, tuple(lines), kept)
        mends = len(kept) < len(lines) and type(adapter).mend is not Adapter.mend
        return Plan(forward, records=_records(lines), mends=mends, tickets=ticket)

    def _answered(self, call: Call, lines: Sequence[Line | None]) -> Plan:
        """Nothing of the call is forwarded: the answer in the provider's place, or the exception asked for."""
        adapter, records = call.adapter, _records(lines)
        assert adapter is not None
        outcomes = tuple([_outcome(line) for line in lines])
        provider = call.workspace.rules.providers.get(adapter.name)
        on_block = provider.on_block if provider is not None else adapter.on_block
        if on_block == "raise" and not any(outcome.accepted for outcome in outcomes):
            return Plan(None, error=SendBlocked(records), records=records)
        try:
            answer = adapter.answer(call.request, call.sends, outcomes)
        except Exception as error:  # border: an adapter that cannot answer must not let the send pass
            if not isinstance(error, PolicykitError):
                self._fault(error)
            return Plan(None, error=SendBlocked(records), records=records)
        ids = ", ".join([outcome.id for outcome in outcomes[:_MOST_IDS] if outcome.id])
        return Plan(None, replace(answer, headers=(*answer.headers, (DECISION_HEADER, ids))), records=records)

    # --- small things

    def _keep_apart(self, ticket: Ticket) -> None:
        if len(ticket.kept) < len(ticket.lines):
            self._apart.keep(ticket.call, ticket.lines)

    def _current(self) -> Workspace:
        rules, workspace = self._rules(), self._workspace
        if workspace is None or workspace.rules is not rules:
            workspace = self._workspace = Workspace(rules, self._pseudonym)
        return workspace

    def _claiming(self, method: str, url: str) -> Adapter | None:
        """The adapter that knows this as a send. Adapters tell by method and path alone, so it is remembered."""
        key = (method, url)
        found = self._claimed.get(key, _UNASKED)
        if found is not _UNASKED:
            return found  # type: ignore[return-value]
        request = OutgoingRequest(method, url)
        adapter = next((each for each in self._adapters.values() if self._is_its(each, request)), None)
        if len(self._claimed) >= _MOST_CLAIMED:
            self._claimed.clear()
        self._claimed[key] = adapter
        return adapter

    def _is_its(self, adapter: Adapter, request: OutgoingRequest) -> bool:
        try:
            return adapter.claims(request)
        except Exception as error:  # border: an adapter that cannot tell leaves the others at work
            self._fault(error)
            # What may be a send of its own provider is in doubt, which is no way out.
            return request.method == "POST" and any(request.host.endswith(host) for host in adapter.hosts)

    def _fault(self, error: Exception) -> None:
        """Says where a fault of ours is, once; its text is left out, because it may quote a message."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "nowhere"
        fault = (type(error).__name__, where)
        if fault not in self._faults:
            self._faults.add(fault)
            with suppress(Exception):  # filters of the application may raise
                log.error("fault of policykit: %s at %s; such sends are decided by `on_error`", *fault)

    def _tell(self, records: tuple[DecisionRecord, ...], sending: Sending | None = None) -> None:
        if sending is not None:
            sending.decisions.extend(records)
        self._recent.add(records)
        self._ledger.decided(records)
        for record in records:
            if record.effect == "refused":
                log.info("refused %s: %s", record.id, record.reason)


def _unread(adapter: Adapter) -> Send:
    """Stands for the sends of a call that cannot be read."""
    return Send(min(adapter.channels, default="unknown"), adapter.name, None)


def _records(lines: Sequence[Line | None]) -> tuple[DecisionRecord, ...]:
    return tuple([line.record for line in lines if line is not None])


def _outcome(line: Line | None) -> Outcome:
    if line is None:
        return Outcome(accepted=True, id="")
    record = line.record
    if record.effect != "refused":
        return Outcome(accepted=True, id=record.id)
    code = next(iter(record.because), None) or ("on hold" if record.held is not None else "not judged")
    return Outcome(accepted=False, id=record.id, reason=f"{record.reason} ({record.id})", code=code)
