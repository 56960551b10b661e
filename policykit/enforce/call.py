"""A caught call decided: whose it is, who it reaches, what policies say, what is done; recorded with its slots.

Facts for all sends come in one question, decisions and slots go in with one write. What was lost to
other sends in between is judged again with fresh facts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from policykit.adapters.base import Adapter
from policykit.adapters.wire import OutgoingRequest
from policykit.enforce import people
from policykit.enforce.context import Sending
from policykit.enforce.judging import ALLOWED, BLOCKED, NO_PERSON, SLOT_LOST, Case, Judged, judge, undecided
from policykit.enforce.ledger import Ended, Ledger
from policykit.enforce.outcome import PASSED, REFUSED, Act, Wire, act
from policykit.enforce.resolve import Readings, Resolver
from policykit.enforce.rules import Rules
from policykit.enforce.written import Line, Slot, Writer, blocked, logical_ids, new_id, same
from policykit.errors import StoreUnavailable, UnsupportedRewrite
from policykit.ir.nodes import Sends
from policykit.model import DEADLINE, Decision, Micros, SentRecord, Verdict
from policykit.sends import DecisionRecord, Effect, Send
from policykit.stores.base import Asked, Known

STORE_AWAY = "the store cannot be reached"
CANNOT_SPLIT = "its call cannot be split"
_ROUNDS = 4  # judged once, and three times again when the slot was lost (M7)
_ROUNDS_UNCOUNTED = 32  # where no policy counts, a lost slot changes nothing and is only taken again
_PAUSE_S = 0.002


class Workspace:
    """What is worked out once about a workspace as loaded."""

    def __init__(self, rules: Rules, pseudonym: Callable[[str], str]) -> None:
        self.rules = rules
        self.resolver = Resolver(rules)
        self.writer = Writer(rules, pseudonym)
        counts = any(isinstance(leaf, Sends) for leaf in rules.ruleset.leaves)
        self.rounds = _ROUNDS if counts else _ROUNDS_UNCOUNTED


@dataclass(frozen=True, slots=True)
class Call:
    """A caught call as read. adapter: None = judged without a wire. waited: None = it comes from the application."""

    workspace: Workspace
    adapter: Adapter | None
    request: OutgoingRequest
    sends: tuple[Send, ...]
    sending: Sending | None
    now: Micros
    waited: Waited | None = None

    @property
    def audit(self) -> bool:
        """Whether everything passes. What waited in the outbox is ours to send, and we send nothing that is refused."""
        return self.workspace.rules.mode == "audit" and self.waited is None

    @property
    def slots(self) -> tuple[str, ...]:
        return self.adapter.campaign_slots if self.adapter is not None else ()

    @property
    def alone(self) -> bool:
        """Whether the call goes to one address only."""
        return len(self.sends) == 1 or len({(send.channel, send.address) for send in self.sends}) == 1


@dataclass(frozen=True, slots=True)
class Waited:
    """A send of the outbox that is due. decision: holds its slot. planned: when it was first to leave."""

    decision: str
    planned: Micros


@dataclass(slots=True)
class _Open:
    """A send that is not decided yet. asked: None when it names nobody. frees: a slot given back for its own."""

    place: int
    readings: Readings
    logical: str
    asked: Asked | None
    frees: str | None = None


class Decider:
    """Decides calls against a ledger. look_up: a decision by its id."""

    def __init__(
        self, ledger: Ledger, adapters: Mapping[str, Adapter], look_up: Callable[[str], DecisionRecord | None]
    ) -> None:
        self._ledger, self._adapters, self._look_up = ledger, adapters, look_up

    def decide(self, call: Call, done: Mapping[int, Line] = MappingProxyType({})) -> list[Line | None]:
        """A line for every send in the order of the wire, recorded; None for what is not judged: it passes.

        done: place -> line of what was carried out in an earlier attempt of this call; it is not judged again.
        """
        lines = [done.get(place) for place in range(len(call.sends))]
        open_ = [each for each in _open(call) if each.place not in done]
        try:
            if open_:
                self._in_rounds(call, lines, open_)
        except StoreUnavailable:
            self.by_error(call, lines, STORE_AWAY)
        return lines

    def by_error(self, call: Call, lines: list[Line | None], failed: str) -> None:
        """Decides what is not recorded yet by `on_error` alone; its lines wait for the store."""
        late = [each for each in _open(call) if lines[each.place] is None]
        for each in late:
            lines[each.place] = self._by_class(call, each, failed)
        _untear(call, lines, [each.place for each in late])
        self._ledger.later([line.entry for each in late if (line := lines[each.place]) is not None])

    def by_class(self, call: Call, failed: str) -> list[Line | None]:
        """Lines of what no policy can judge, by `on_error` of its class; recorded."""
        lines: list[Line | None] = [None] * len(call.sends)
        open_ = _open(call)
        for each in open_:
            lines[each.place] = self._by_class(call, each, failed)
        try:
            self._record(call, lines, open_)
        except StoreUnavailable:
            self.by_error(call, lines, failed)
        return lines

    def judge(self, call: Call) -> DecisionRecord:
        """What would be decided of the only send; recorded nowhere, no slot is taken."""
        line, write = call.sends[0], call.workspace.writer
        open_ = _open(call)
        if not open_:
            readings = call.workspace.resolver.readings(line, call.slots, call.sending)
            judged = undecided(readings.all[0], ALLOWED, None, readings.conflict)
            return write.line(new_id(), line, judged, PASSED, call.now).record
        each = open_[0]
        if each.asked is None:
            return self._by_class(call, each, NO_PERSON).record
        try:
            known = self._ledger.known([each.asked], call.now, ())
        except StoreUnavailable:
            return self._by_class(call, each, STORE_AWAY).record
        judged = self._verdict(call, each, known, 0, {})[0]
        effect = "refused" if judged.failed else _EFFECTS[judged.decision.verdict]
        return write.line(new_id(), line, judged, PASSED if call.audit else Act(effect), call.now).record

    # --- rounds

    def _in_rounds(self, call: Call, lines: list[Line | None], open_: list[_Open]) -> None:
        """Judges and records until everything has its slot, or lost it too often."""
        decided: list[Line] = []
        for round_ in range(call.workspace.rounds):
            if round_:
                time.sleep(random.random() * _PAUSE_S * round_)  # noqa: S311  # so that two do not meet again
            decided = self._round(call, open_)
            for each, line in zip(open_, decided, strict=True):
                lines[each.place] = line
            granted = self._record(call, lines, open_)
            if all(granted):
                return
            decided = [line for line, ok in zip(decided, granted, strict=True) if not ok]
            open_ = [each for each, ok in zip(open_, granted, strict=True) if not ok]
        for each, line in zip(open_, decided, strict=True):
            lines[each.place] = self._lost(call, each, line)
        self._record(call, lines, open_)

    def _record(self, call: Call, lines: list[Line | None], open_: list[_Open]) -> tuple[bool, ...]:
        """Writes open sends; what was not granted is undecided again."""
        if len(lines) > 1:
            _untear(call, lines, [each.place for each in open_])
        entries = [line.entry for each in open_ if (line := lines[each.place]) is not None]
        try:
            granted = self._ledger.record(entries, call.now)
        except StoreUnavailable:
            for each in open_:
                lines[each.place] = None
            raise
        for each, ok in zip(open_, granted, strict=True):
            if not ok:
                lines[each.place] = None
            elif each.frees is not None:
                self._ledger.ended(Ended((each.frees,), "released"))
        return granted

    def _round(self, call: Call, open_: list[_Open]) -> list[Line]:
        """Every open send judged with fresh facts, those of the same person in the order of the wire."""
        asking = [each for each in open_ if each.asked is not None]
        known = NOBODY
        if asking:
            logical = [each.logical for each in asking] if call.waited is None else ()
            known = self._ledger.known([each.asked for each in asking if each.asked is not None], call.now, logical)
        earlier: dict[str, tuple[SentRecord, ...]] = {}
        decided: list[Line] = []
        place = 0
        for each in open_:
            if each.asked is None:
                decided.append(self._by_class(call, each, NO_PERSON))
            else:
                decided.append(self._judged(call, each, known, place, earlier))
                place += 1
        return decided

    def _judged(
        self, call: Call, each: _Open, known: Known, index: int, earlier: dict[str, tuple[SentRecord, ...]]
    ) -> Line:
        """One send judged, with the slot it asks for. earlier: what leaves before it, by person; is added to."""
        judged, found = self._verdict(call, each, known, index, earlier)
        line = self._line(call, each, judged, known.retry.get(index))
        if line.leaves is not None and len(call.sends) > 1:
            for name in found:
                earlier[name] = (*earlier.get(name, ()), line.leaves)
        return replace(line, shared=_others(line, found)) if len(found) > 1 else line

    def _verdict(
        self, call: Call, each: _Open, known: Known, index: int, earlier: Mapping[str, tuple[SentRecord, ...]]
    ) -> tuple[Judged, list[str]]:
        """What policies say of one send, and what the people it may reach are called in `earlier`."""
        send, rules = call.sends[each.place], call.workspace.rules
        found = people.subjects(
            rules, send, known.people[index], known.named[index], call.sending,
            alone=call.alone, without=call.waited.decision if call.waited else known.retry.get(index),
            suppressed=known.suppressed,
        )  # fmt: skip
        stranger = f"\0{send.channel}\0{each.asked.address if each.asked is not None else None}"
        names = [subject.id if subject.id is not None else stranger for subject in found.subjects]
        subjects = found.subjects
        if earlier:
            subjects = tuple(people.with_earlier(subject, earlier[name]) if name in earlier else subject
                             for subject, name in zip(subjects, names, strict=True))  # fmt: skip
        conflict = (*each.readings.conflict, *found.conflict)
        case = Case(send, each.readings.all, subjects, call.now, _planned(call, each), conflict, known.holds)
        judged = judge(rules, case)
        return (_in_time(judged, call.waited.planned, call.now) if call.waited else judged), names

    def _line(self, call: Call, each: _Open, judged: Judged, retry: str | None) -> Line:
        """The line of a judged send. An attempt that comes out as an earlier one did goes on under its id and slot."""
        each.frees = call.waited.decision if call.waited is not None else None
        slot = Slot(_planned(call, each), each.logical)
        if retry is None:
            return self._acted(call, each, judged, new_id(), slot)
        first, line = self._look_up(retry), self._acted(call, each, judged, retry, replace(slot, retry=True))
        if first is not None and line.effect != "refused" and same(first, line.record):
            return line
        line = self._acted(call, each, judged, new_id(), slot)
        each.frees = retry if line.effect != "refused" else None
        return line

    def _acted(self, call: Call, each: _Open, judged: Judged, id: str, slot: Slot) -> Line:  # noqa: A002  # its name everywhere
        send = call.sends[each.place]
        done = PASSED
        if not call.audit and (judged.failed is not None or judged.decision.verdict is not Verdict.ALLOW):
            assert call.adapter is not None  # INVARIANT: what comes by a wire has an adapter
            wire = Wire(call.adapter, call.request, call.sends, each.place)
            done = act(call.workspace.rules, self._adapters, wire, judged, id, call.now)
        return call.workspace.writer.line(id, send, judged, done, call.now, slot)

    # --- what was not judged

    def _by_class(self, call: Call, each: _Open, failed: str) -> Line:
        """A send decided by `on_error` of its class; marketing that names nobody is refused whatever it says."""
        readings, rules = each.readings, call.workspace.rules
        allowed = rules.on_error.get(readings.message_class, "block") == "allow"
        campaign = readings.all[0].campaign.id
        held = self._ledger.holds.get(campaign) if campaign is not None else None
        if readings.message_class == "marketing" and (each.asked is None or held is not None):
            allowed = False
        judged = undecided(readings.all[0], ALLOWED if allowed else BLOCKED, failed, readings.conflict)
        done = PASSED if allowed or call.audit else REFUSED
        return call.workspace.writer.line(new_id(), call.sends[each.place], judged, done, call.now)

    def _lost(self, call: Call, each: _Open, line: Line) -> Line:
        """A send whose slot was lost too often; it takes none."""
        allowed = call.workspace.rules.on_error.get(line.record.message_class, "block") == "allow"
        passes = call.audit or (allowed and line.record.message_class != "marketing" and line.effect == "passed")
        decision = line.judged.decision if passes else blocked(line.judged.decision)
        judged = replace(line.judged, decision=decision, failed=SLOT_LOST)
        return call.workspace.writer.line(new_id(), line.send, judged, PASSED if passes else REFUSED, call.now)


NOBODY = Known((), ())
_EFFECTS: Mapping[Verdict, Effect] = {
    Verdict.ALLOW: "passed", Verdict.DOWNGRADE: "replaced", Verdict.BLOCK: "refused",
}  # fmt: skip


def _others(line: Line, found: Sequence[str]) -> tuple[str, ...]:
    """People beside the one judged whom the send reaches too: those who live at its address, while it goes there."""
    if line.judged.decision.changes.channel is not None and line.effect != "passed":
        return ()
    own = line.judged.subject.id if line.judged.subject is not None else None
    return tuple(name for name in found if name != own and not name.startswith("\0"))


def _planned(call: Call, each: _Open) -> Micros:
    """When a send leaves unless a policy moves it: by the wire's own schedule, else at once."""
    at = call.sends[each.place].at
    return call.now if at is None else max(at, call.now)


def _open(call: Call) -> list[_Open]:
    """Sends to be judged. What shows nothing and belongs to no campaign is not."""
    logical = logical_ids(call.request, len(call.sends))
    open_: list[_Open] = []
    for place, send in enumerate(call.sends):
        readings = call.workspace.resolver.readings(send, call.slots, call.sending)
        if not (send.silent and not readings.named):
            asked = people.asked(send, call.sending) if send.address is not None else None
            open_.append(_Open(place, readings, logical[place], asked))
    return open_


def passing(lines: Sequence[Line | None]) -> list[bool]:
    """Which sends stay in the call as they are."""
    return [line is None or line.effect == "passed" for line in lines]


def _untear(call: Call, lines: list[Line | None], places: Sequence[int]) -> None:
    """Refuses what would pass in a call that cannot be split; only at these places, which are not written yet."""
    if call.audit or call.adapter is None or len(lines) == 1:
        return
    mask = passing(lines)
    if all(mask) or not any(mask):
        return
    try:
        call.adapter.keep(call.request, mask)
    except UnsupportedRewrite:
        for place in places:
            line = lines[place]
            if line is not None and line.effect == "passed":
                lines[place] = call.workspace.writer.refused(line, CANNOT_SPLIT, call.now, line.record.id)


def _in_time(judged: Judged, planned: Micros, now: Micros) -> Judged:
    """What waited longer than its campaign bears does not leave."""
    latest = judged.decision.changes.send_at or now
    if judged.reading.campaign.not_after is None and latest > planned + DEADLINE:
        return replace(judged, decision=Decision(Verdict.BLOCK, impossible="past_deadline"))
    return judged
