"""The gate behind every guard: a caught call goes in, what is to leave comes out. Read `plan` first.

    read (adapter) -> resolve (which campaign) -> people (who) -> judging (policies) -> outcome (what is
    done) -> written (record, slot) -> back here: what takes a send's place is delivered, the rest is
    forwarded or answered in the provider's place

`call.py` walks the middle of that way in rounds; `ledger.py` stands before the store.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from policykit.adapters.base import DECISION_HEADER, Adapter, Outcome
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.enforce import outbox
from policykit.enforce.call import CANNOT_SPLIT, STORE_AWAY, Call, Decider, Workspace, passing
from policykit.enforce.context import Sending, current, is_ours
from policykit.enforce.deliver import DeliveryError, deliver
from policykit.enforce.found import Recent
from policykit.enforce.ledger import Ended, Ledger, Observer
from policykit.enforce.outbox import OutboxRun
from policykit.enforce.outcome import NO_RULES, Wire
from policykit.enforce.plan import Plan
from policykit.enforce.rules import Rules
from policykit.enforce.written import Line
from policykit.errors import (
    PolicykitError,
    SendBlocked,
    StoreUnavailable,
    UnreadableSend,
    UnsupportedRewrite,
)
from policykit.model import Micros
from policykit.sends import DecisionRecord, Send, from_line
from policykit.stores.base import Ending, PutOff, Store

log = logging.getLogger("policykit")

FAULT = "a fault of policykit"
_AT_ONCE = 8  # replacements of one call under way at a time
_MOST_IDS = 20  # in the header of an answer
_UNKNOWN_ENDING = frozenset({408, 429})  # nobody knows whether it was taken, or it was asked for again


@dataclass(frozen=True, slots=True)
class Ticket:
    """What settling a forwarded call needs. ids: aligned with `forwarded`, None for what was not judged."""

    adapter: Adapter
    sends: tuple[Send, ...]
    outcomes: tuple[Outcome, ...]
    ids: tuple[str | None, ...]
    forwarded: tuple[Send, ...]


class LiveGate:
    """Judges and carries out what guards catch. Any thread, any process; nothing but `SendBlocked` comes out.

    rules: gives the workspace as it is now; asked once per call. pseudonym: person -> how records name
    them. observers: told of every decision, off the caller's path.
    """

    def __init__(
        self,
        rules: Callable[[], Rules],
        store: Store,
        adapters: Iterable[Adapter],
        pseudonym: Callable[[str], str],
        now: Callable[[], Micros],
        observers: Sequence[Observer] = (),
    ) -> None:
        self._rules, self._pseudonym, self._now = rules, pseudonym, now
        self._adapters: Mapping[str, Adapter] = {adapter.name: adapter for adapter in adapters}
        self._ledger = Ledger(store, now, observers)
        self._recent = Recent()
        self._decider = Decider(self._ledger, self._adapters, self.look_up)
        self._workspace: Workspace | None = None

    # --- what guards ask

    def claims(self, method: str, url: str) -> bool:
        if is_ours():
            return False
        try:
            return self._claiming(OutgoingRequest(method.upper(), url)) is not None and self._rules().mode != "off"
        except Exception as error:  # border: a request that may be nobody's is not broken by us
            _log_fault(error)
            return False

    def plan(self, request: OutgoingRequest) -> Plan:
        sending = current()
        try:
            plan = self._plan(request, sending)
        except Exception as error:  # border: the application never sees a fault of ours
            _log_fault(error)
            plan = self._in_doubt(request, sending)
        if plan.records:
            self._tell(plan.records, sending)
        return plan

    def done(self, plan: Plan, answer: Answer) -> Answer:
        ticket = plan.tickets
        if not isinstance(ticket, Ticket):
            return answer
        try:
            self._settle(ticket, answer)
            if plan.mends and answer.status < 300:
                return ticket.adapter.mend(answer, ticket.sends, ticket.outcomes)
        except Exception as error:  # border: the provider's answer reaches the caller whatever happens to us
            _log_fault(error)
        return answer

    def failed(self, plan: Plan) -> None:
        ticket = plan.tickets
        if isinstance(ticket, Ticket):
            self._ledger.ended(Ended(tuple(each for each in ticket.ids if each is not None), "ended"))

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
        """Gives what is due to the gate again, at most so many; raises `StoreUnavailable`."""
        run = OutboxRun()
        workspace = self._current()
        if workspace.rules.mode == "off":
            return run
        for _ in range(most):
            now = self._now()
            due = self._ledger.store.take_due(now, now + outbox.LEASE, 1)
            if not due:
                break
            what = self._from_outbox(workspace, due[0], now)
            run = replace(run, **{what: getattr(run, what) + 1})
        self._ledger.flush()
        return run

    # --- one call

    def _plan(self, request: OutgoingRequest, sending: Sending | None) -> Plan:
        workspace = self._current()
        adapter = self._claiming(request)
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
        return self._carry_out(call, self._decider.decide(call))

    def _in_doubt(self, request: OutgoingRequest, sending: Sending | None) -> Plan:
        """What happens to a call that a fault of ours left undecided: `on_error` of its class, else it is refused."""
        adapter = self._claiming(request)
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
            _log_fault(error)
            return Plan(None, error=SendBlocked(()))

    def _carry_out(self, call: Call, lines: list[Line | None]) -> Plan:
        """Delivers what takes the place of sends, then forwards or answers the rest."""
        adapter, request = call.adapter, call.request
        assert adapter is not None  # INVARIANT: what comes by a wire has an adapter
        first = lines[0]
        if len(lines) == 1 and first is not None and first.effect == "replaced" and first.act.adapter is adapter:
            return self._forwarded(call, lines, first.act.request, [True])
        self._in_place(call, lines)
        mask = passing(lines)
        forward: OutgoingRequest | None = request
        if not all(mask) and not call.audit:
            try:
                forward = adapter.keep(request, mask) if any(mask) else None
            except UnsupportedRewrite:
                forward = None
                self._refuse_rest(call, lines)
        if forward is not None:
            return self._forwarded(call, lines, forward, mask)
        return self._answered(call, lines)

    def _forwarded(
        self, call: Call, lines: Sequence[Line | None], forward: OutgoingRequest | None, mask: Sequence[bool]
    ) -> Plan:
        adapter = call.adapter
        assert adapter is not None
        kept = [place for place, keep in enumerate(mask) if keep]
        ticket = Ticket(
            adapter, call.sends, tuple([_outcome(line) for line in lines]),
            tuple([line.record.id if (line := lines[place]) is not None else None for place in kept]),
            tuple([call.sends[place] for place in kept]),
        )  # fmt: skip
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
                _log_fault(error)
            return Plan(None, error=SendBlocked(records), records=records)
        ids = ", ".join([outcome.id for outcome in outcomes[:_MOST_IDS] if outcome.id])
        return Plan(None, replace(answer, headers=(*answer.headers, (DECISION_HEADER, ids))), records=records)

    # --- what takes a send's place

    def _in_place(self, call: Call, lines: list[Line | None]) -> None:
        """Delivers replacements and keeps what is put off; lines that come to nothing are refused."""
        moved: list[tuple[int, Line]] = []
        for place, line in enumerate(lines):
            if line is not None and line.effect == "put_off":
                lines[place] = self._wait(call, place, line, line.act.due or call.now)
            elif line is not None and line.effect == "replaced":
                moved.append((place, line))
        if len(moved) == 1:
            place, line = moved[0]
            lines[place] = self._replace(call, place, line)
        elif moved:
            with ThreadPoolExecutor(min(_AT_ONCE, len(moved)), "policykit-deliver") as pool:
                done = pool.map(lambda each: self._replace(call, *each), moved)
                for (place, _), line in zip(moved, done, strict=True):
                    lines[place] = line

    def _replace(self, call: Call, place: int, line: Line) -> Line:
        """Delivers what takes a send's place: refused when the provider refuses it, kept where it does not answer."""
        act = line.act
        assert act.adapter is not None
        assert act.request is not None
        try:
            answer = deliver(act.request)
        except DeliveryError:
            return self._wait(call, place, line, call.now)
        ending = ending_of(answer.status)
        if ending == "sent":
            self._ledger.ended(self._ended(act.adapter, (line.record.id,), (line.send,), answer))
            return line
        if ending == "released":
            return self._turn(call, line, f"`{act.adapter.name}` refused what takes its place ({answer.status})")
        return self._wait(call, place, line, call.now)

    def _wait(self, call: Call, place: int, line: Line, due: Micros) -> Line:
        """Keeps a send for the outbox as it came; refused when it cannot be kept."""
        assert call.adapter is not None
        planned = call.waited.planned if call.waited is not None else max(line.send.at or 0, call.now)
        try:
            alone = Wire(call.adapter, call.request, call.sends, place).alone()
            self._ledger.store.put_off(outbox.kept(
                call.adapter, alone, call.sending, planned=planned, decision=line.record.id, due=due,
            ))  # fmt: skip
        except UnsupportedRewrite as error:
            return self._turn(call, line, str(error))
        except StoreUnavailable:
            return self._turn(call, line, STORE_AWAY)
        return line

    def _refuse_rest(self, call: Call, lines: list[Line | None]) -> None:
        for place, line in enumerate(lines):
            if line is not None and line.effect == "passed":
                lines[place] = self._turn(call, line, CANNOT_SPLIT)

    def _turn(self, call: Call, line: Line, failed: str) -> Line:
        """A send whose decision is written, refused after all: a line of its own, and its slot is given back."""
        turned = call.workspace.writer.refused(line, failed, call.now)
        try:
            self._ledger.record([turned.entry], call.now)
        except StoreUnavailable:
            self._ledger.later([turned.entry])
        self._ledger.ended(Ended((line.record.id,), "released"))
        return turned

    # --- the outbox

    def _from_outbox(self, workspace: Workspace, waiting: PutOff, now: Micros) -> str:
        """What became of one send that was due: `sent`, `refused` or `again`."""
        adapter = self._adapters.get(waiting.provider)
        if adapter is None:
            return self._again(waiting, now)
        request, (sending, waited) = outbox.read_request(waiting), outbox.read_context(waiting)
        call = Call(workspace, adapter, request, adapter.read(request), sending, now, waited)
        line = self._decider.decide(call)[0]
        assert line is not None  # INVARIANT: only what was judged is put off
        self._tell((line.record,), None)
        if line.record.failed == STORE_AWAY:
            raise StoreUnavailable(STORE_AWAY)
        if line.effect == "put_off":
            self._wait(call, 0, line, line.act.due or now)
            what = "again"
        elif line.effect == "refused":
            what = "refused"
        else:
            what = self._leave(call, line, waiting)
        self._ledger.store.drop(waiting.decision)
        return what

    def _leave(self, call: Call, line: Line, waiting: PutOff) -> str:
        """Delivers a send of the outbox."""
        adapter = line.act.adapter or call.adapter
        assert adapter is not None
        request = line.act.request or call.request
        try:
            if adapter is call.adapter:
                request = adapter.authorise(
                    request, call.workspace.rules.providers.get(adapter.name, NO_RULES).settings
                )
            answer = deliver(request)
            ending = ending_of(answer.status)
        except (DeliveryError, PolicykitError):
            answer, ending = Answer(0), "ended"
        if ending == "sent":
            self._ledger.ended(self._ended(adapter, (line.record.id,), (line.send,), answer))
            return "sent"
        if ending == "released" or waiting.attempts >= outbox.MOST_ATTEMPTS:
            said = (
                f"`{adapter.name}` refused it ({answer.status})"
                if ending == "released"
                else "it could not be delivered"
            )
            self._tell((self._turn(call, line, said).record,), None)
            return "refused"
        assert call.waited is not None
        self._ledger.store.put_off(outbox.kept(
            call.adapter or adapter, call.request, call.sending, planned=call.waited.planned, decision=line.record.id,
            due=call.now + outbox.pause(waiting.attempts), attempts=waiting.attempts,
        ))  # fmt: skip
        return "again"

    def _again(self, waiting: PutOff, now: Micros) -> str:
        """Puts off a send that nobody here can deliver."""
        log.warning("there is no adapter for `%s`: a send waits in the outbox", waiting.provider)
        self._ledger.store.put_off(
            replace(waiting, due=now + outbox.pause(waiting.attempts))
        )
        return "again"

    # --- small things

    def _current(self) -> Workspace:
        rules, workspace = self._rules(), self._workspace
        if workspace is None or workspace.rules is not rules:
            workspace = self._workspace = Workspace(rules, self._pseudonym)
        return workspace

    def _claiming(self, request: OutgoingRequest) -> Adapter | None:
        # Linear: at most a dozen adapters.
        for adapter in self._adapters.values():
            if adapter.claims(request):
                return adapter
        return None

    def _tell(self, records: tuple[DecisionRecord, ...], sending: Sending | None) -> None:
        if sending is not None:
            sending.decisions.extend(records)
        self._recent.add(records)
        self._ledger.decided(records)
        for record in records:
            if record.effect == "refused":
                log.info("refused %s: %s", record.id, record.reason)

    def _settle(self, ticket: Ticket, answer: Answer) -> None:
        ids = tuple([each for each in ticket.ids if each is not None])
        ending = ending_of(answer.status)
        if ending == "sent":
            self._ledger.ended(self._ended(ticket.adapter, ticket.ids, ticket.forwarded, answer))
        else:
            self._ledger.ended(Ended(ids, ending))

    def _ended(self, adapter: Adapter, ids: tuple[str | None, ...], sends: tuple[Send, ...], answer: Answer) -> Ended:
        """A call the provider took; its receipts are read later, off the caller's path."""

        def _receipts() -> Mapping[str, str]:
            found = adapter.receipts(answer, sends)
            return {id_: receipt for id_, receipt in zip(ids, found, strict=False) if id_ is not None and receipt}

        return Ended(tuple([each for each in ids if each is not None]), "sent", _receipts)


def ending_of(status: int) -> Ending:
    """How a send ended by the provider's status: taken, refused, or nobody knows."""
    if 200 <= status < 300:
        return "sent"
    return "released" if 400 <= status < 500 and status not in _UNKNOWN_ENDING else "ended"


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


def _log_fault(error: Exception) -> None:
    """Says where a fault of ours is; its text is left out, because it may quote a message."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "nowhere"
    log.error("fault of policykit: %s at %s", type(error).__name__, where)
