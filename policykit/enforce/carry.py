"""What takes the place of sends leaves here: replacements are delivered, the rest is kept for later.

Decisions are written by now. What cannot be carried out after all is refused under an id of its own,
and gives its slot back.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from policykit.adapters.base import Adapter
from policykit.adapters.wire import Answer
from policykit.enforce import outbox
from policykit.enforce.call import CANNOT_SPLIT, STORE_AWAY, Call
from policykit.enforce.deliver import DeliveryError, Route, as_it_is, deliver
from policykit.enforce.ledger import Ended, Ledger
from policykit.enforce.outcome import Act, Wire
from policykit.enforce.written import Line, logical_ids
from policykit.errors import StoreUnavailable, UnsupportedRewrite
from policykit.model import Micros
from policykit.sends import Send
from policykit.stores.base import LEASE, Ending, Suppression

DONE = Act("replaced")  # of a line that was carried out in an earlier attempt of its call
_MOST_APART = 4096
_LONGEST_S = 20.0  # nothing new is delivered on the application's time after that; the outbox has it
_AT_ONCE = 8  # replacements of one call under way at a time
_UNKNOWN_ENDING = frozenset({408, 429})  # nobody knows whether it was taken, or it was asked for again


class Apart:
    """What left, or waits, beside a call whose rest failed: when that call is tried again, it has been done.

    Kept in this process, as long as an attempt holds its slot.
    """

    def __init__(self) -> None:
        self._done: dict[str, tuple[Line, Micros]] = {}

    def keep(self, call: Call, lines: Sequence[Line | None]) -> None:
        """Remembers what took the place of sends of a call that failed."""
        if len(self._done) >= _MOST_APART:
            self._done.clear()
        for line, logical in zip(lines, logical_ids(call.request, len(lines)), strict=True):
            if line is not None and line.effect in ("replaced", "put_off"):
                self._done[logical] = replace(line, act=DONE), call.now + LEASE

    def take(self, call: Call) -> dict[int, Line]:
        """Place -> line of what is done of a call already; told once: after a success equal calls are new ones."""
        if not self._done:
            return {}
        logical = logical_ids(call.request, len(call.sends))
        found = {place: self._done.pop(each, None) for place, each in enumerate(logical)}
        return {place: held[0] for place, held in found.items() if held is not None and held[1] > call.now}


class _Patience:
    """How long one call of the application waits for what takes the place of its sends. lost: who does not answer."""

    def __init__(self) -> None:
        self.lost: set[str] = set()
        self._until = time.monotonic() + _LONGEST_S

    def is_over(self, provider: str) -> bool:
        return provider in self.lost or time.monotonic() > self._until


class Carrier:
    """Carries out what is recorded. route: where our own sends go."""

    def __init__(self, ledger: Ledger, route: Route = as_it_is) -> None:
        self._ledger, self._route = ledger, route

    def in_place(self, call: Call, lines: list[Line | None]) -> None:
        """Delivers replacements and keeps what is put off; lines that come to nothing are refused."""
        moved: list[tuple[int, Line]] = []
        for place, line in enumerate(lines):
            if line is not None and line.act is DONE:
                continue
            if line is not None and line.effect == "put_off":
                lines[place] = self.wait(call, place, line, line.act.due or call.now)
            elif line is not None and line.effect == "replaced":
                moved.append((place, line))
        patience = _Patience()
        if len(moved) == 1:
            place, line = moved[0]
            lines[place] = self._replace(call, place, line, patience)
        elif moved:
            with ThreadPoolExecutor(min(_AT_ONCE, len(moved)), "policykit-deliver") as pool:
                done = pool.map(lambda each: self._replace(call, each[0], each[1], patience), moved)
                for (place, _), line in zip(moved, done, strict=True):
                    lines[place] = line

    def wait(self, call: Call, place: int, line: Line, due: Micros) -> Line:
        """Keeps a send for the outbox as it came; refused when it cannot be kept."""
        assert call.adapter is not None  # INVARIANT: what comes by a wire has an adapter
        planned = call.waited.planned if call.waited is not None else max(line.send.at or 0, call.now)
        try:
            alone = Wire(call.adapter, call.request, call.sends, place).alone()
            self._ledger.store.put_off(
                outbox.kept(call.adapter, alone, call.sending, planned=planned, decision=line.record.id, due=due)
            )
        except UnsupportedRewrite as error:
            return self.turn(call, line, str(error))
        except StoreUnavailable:
            return self.turn(call, line, STORE_AWAY)
        return line

    def turn(self, call: Call, line: Line, failed: str) -> Line:
        """A send whose decision is written, refused after all: a line of its own, and its slot is given back."""
        turned = call.workspace.writer.refused(line, failed, call.now)
        try:
            self._ledger.record([turned.entry], call.now)
        except StoreUnavailable:
            self._ledger.later([turned.entry])
        self._ledger.ended(Ended((line.record.id,), "released"))
        return turned

    def refuse_rest(self, call: Call, lines: list[Line | None]) -> None:
        """Refuses what would have passed in a call that cannot be split."""
        for place, line in enumerate(lines):
            if line is not None and line.effect == "passed":
                lines[place] = self.turn(call, line, CANNOT_SPLIT)

    def settle(self, adapter: Adapter, lines: Sequence[Line | None], sends: tuple[Send, ...], answer: Answer) -> Ending:
        """Settles what a provider answered to. lines: aligned with the sends, None for what was not judged."""
        ending = ending_of(answer.status)
        ids = tuple([line.record.id for line in lines if line is not None])
        if ending == "sent":
            shared = tuple([row for line in lines if line is not None and line.shared for row in line.history()])
            self._ledger.ended(Ended(ids, ending, lambda: _receipts(adapter, lines, sends, answer), shared))
        else:
            gone = None if ending == "ended" else lambda: _gone(adapter, lines, sends, answer)
            self._ledger.ended(Ended(ids, ending, gone=gone))
        return ending

    def _replace(self, call: Call, place: int, line: Line, patience: _Patience) -> Line:
        """Delivers what takes a send's place: refused when the provider refuses it, kept where it does not answer."""
        act = line.act
        assert act.adapter is not None
        assert act.request is not None  # INVARIANT: a replacement is composed before it is decided
        if patience.is_over(act.adapter.name):
            return self.wait(call, place, line, call.now)
        try:
            answer = deliver(self._route(act.request))
        except DeliveryError:
            patience.lost.add(act.adapter.name)
            return self.wait(call, place, line, call.now)
        ending = ending_of(answer.status)
        if ending == "sent":
            self.settle(act.adapter, (line,), (line.send,), answer)
            return line
        if ending == "released":
            return self.turn(call, line, f"`{act.adapter.name}` refused what takes its place ({answer.status})")
        return self.wait(call, place, line, call.now)


def ending_of(status: int) -> Ending:
    """How a send ended by the provider's status: taken, refused, or nobody knows."""
    if 200 <= status < 300:
        return "sent"
    return "released" if 400 <= status < 500 and status not in _UNKNOWN_ENDING else "ended"


def _receipts(
    adapter: Adapter, lines: Sequence[Line | None], sends: tuple[Send, ...], answer: Answer
) -> Mapping[str, str]:
    found = adapter.receipts(answer, sends)
    return {
        line.record.id: receipt for line, receipt in zip(lines, found, strict=False) if line is not None and receipt
    }


def _gone(adapter: Adapter, lines: Sequence[Line | None], sends: tuple[Send, ...], answer: Answer) -> list[Suppression]:
    """Addresses that exist no more, as the provider's answer has it."""
    found = zip(lines, sends, adapter.gone(answer, sends), strict=False)
    return [
        Suppression(send.channel, send.address, "bounce", line.record.at, line.record.id)
        for line, send, gone in found if gone and line is not None and send.address
    ]  # fmt: skip
