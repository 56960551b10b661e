"""Decisions as they are recorded: the record the application sees, its line in the log, its slot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from policykit.adapters.wire import OutgoingRequest
from policykit.enforce.judging import Judged
from policykit.enforce.outcome import Act
from policykit.enforce.people import Subject
from policykit.enforce.rules import Rules
from policykit.ir.rules import RuleSet
from policykit.model import Changes, Decision, Micros, SentRecord, Verdict
from policykit.sends import DecisionRecord, Effect, Send, to_line
from policykit.stores.base import LEASE, Entry, Reservation, Row
from policykit.stores.drawn import Drawn

_NONE: Mapping[str, str] = {}
_KEPT = 4096  # sets of sentences remembered; beyond it all are made anew


@dataclass(frozen=True, slots=True)
class Line:
    """One send of a call, decided. entry: what is written of it. leaves: how it counts, None when it does not.

    shared: people beside the one it is judged for whom it reaches too; it counts for them once it is known to
    have left, because a slot is one person's.
    """

    send: Send
    judged: Judged
    act: Act
    record: DecisionRecord
    entry: Entry
    leaves: SentRecord | None = None
    shared: tuple[str, ...] = ()

    def history(self) -> list[Row]:
        """Rows of history for those it is shared with."""
        if self.leaves is None:
            return []
        sent = self.leaves
        return [{"id": f"{self.record.id}/{person}", "person": person, "at": sent.at, "channel": sent.channel,
                 "message_class": sent.message_class, "campaign": sent.campaign} for person in self.shared]  # fmt: skip

    @property
    def effect(self) -> Effect:
        return self.record.effect


@dataclass(frozen=True, slots=True)
class Slot:
    """What a send asks of history. at: when it was going to leave. retry: takes over the slot under its own id."""

    at: Micros
    logical: str
    retry: bool = False


new_id = Drawn(10, "pk-").next


def logical_ids(request: OutgoingRequest, count: int) -> tuple[str, ...]:
    """What equal requests share, one per place in the call: endpoint, body and place."""
    digest = blake2b(f"{request.method} {request.url}\n".encode(errors="surrogatepass"), digest_size=16)
    body = request.body
    if len(body) <= _IN_PIECES:
        # hashlib lets other threads in for every piece above 2,047 bytes.
        for start in range(0, len(body), 2047):
            digest.update(body[start : start + 2047])
    else:
        digest.update(body)
    whole = digest.hexdigest()
    return (f"{whole}-0",) if count == 1 else tuple([f"{whole}-{place}" for place in range(count)])


_IN_PIECES = 32_768  # bytes


class Writer:
    """Makes records by one workspace. Sentences of policies are looked up once per set of policies."""

    def __init__(self, rules: Rules, pseudonym: Callable[[str], str]) -> None:
        self._rules = rules
        self._pseudonym = pseudonym
        self._sentences = _sentences(rules.ruleset)
        self._because: dict[tuple[str, ...], Mapping[str, str]] = {}

    def line(
        self,
        id: str,  # noqa: A002  # its name everywhere
        send: Send,
        judged: Judged,
        act: Act,
        now: Micros,
        slot: Slot | None = None,
    ) -> Line:
        """A decided send, with the slot it takes when it leaves and somebody is there to count it for."""
        decision, campaign = judged.decision, judged.reading.campaign
        person = judged.subject.id if judged.subject is not None else None
        record = DecisionRecord(
            id, now, decision, send.channel, send.provider, act.effect, self._rules.mode,
            self._pseudonym(person) if person is not None else None, campaign.id, campaign.message_class,
            self._sentences_of(decision.determining) if decision.determining else _NONE, judged.records,
            self._rules.ruleset.hash, judged.conflict, judged.held, judged.recites, act.failed or judged.failed,
        )  # fmt: skip
        leaves = sent(record, slot.at) if slot is not None else None
        reservation = None
        if slot is not None and leaves is not None and judged.subject is not None:
            reservation = _reservation(record, leaves, slot, judged.subject, now)
        return Line(send, judged, act, record, Entry(id, to_line(record), reservation), leaves)

    def refused(self, line: Line, failed: str, now: Micros, id: str | None = None) -> Line:  # noqa: A002  # its name everywhere
        """The same send, refused after all; under a new id where the earlier line is in the log already."""
        return self.line(
            id or new_id(), line.send, replace(line.judged, failed=failed), Act("refused", failed=failed), now
        )

    def _sentences_of(self, policies: tuple[str, ...]) -> Mapping[str, str]:
        found = self._because.get(policies)
        if found is None:
            if len(self._because) >= _KEPT:
                self._because.clear()
            found = self._because[policies] = {policy: self._sentences.get(policy, "") for policy in policies}
        return found


def sent(record: DecisionRecord, at: Micros) -> SentRecord | None:
    """How a decided send counts, None when it does not leave. at: when it was going to leave."""
    if record.effect == "refused":
        return None
    decision, channel = record.decision, record.channel
    if record.effect != "passed":
        channel, at = decision.channel or channel, decision.at if decision.at is not None else at
    return SentRecord(at, channel, record.message_class, record.campaign)


def _reservation(
    record: DecisionRecord, leaves: SentRecord, slot: Slot, subject: Subject, now: Micros
) -> Reservation | None:
    """The slot of a send that leaves; None for a stranger, whom nothing is counted for."""
    if subject.id is None or leaves.at is None or leaves.channel is None:
        return None
    until = leaves.at if record.effect == "put_off" else now
    return Reservation(
        record.id, subject.id, leaves.at, leaves.channel, record.message_class, record.campaign, slot.logical,
        subject.seen, until + LEASE, slot.retry,
    )  # fmt: skip


def _sentences(ruleset: RuleSet) -> Mapping[str, str]:
    return {rule.policy: rule.because or "" for rule in ruleset.rules}


def blocked(decision: Decision) -> Decision:
    """The decision of a send that does not leave after all; who decided stays."""
    return replace(decision, verdict=Verdict.BLOCK, changes=Changes(), channel=None, at=None)


def same(one: DecisionRecord, other: DecisionRecord) -> bool:
    """Whether a retry came out as its first attempt did, instants aside."""
    return (
        one.effect == other.effect
        and one.campaign == other.campaign
        and one.decision.verdict is other.decision.verdict
        and replace(one.decision.changes, send_at=None) == replace(other.decision.changes, send_at=None)
    )
