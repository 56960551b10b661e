"""Decisions as they are recorded: the record the application sees, its line in the log, its slot."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from policykit.adapters.wire import OutgoingRequest
from policykit.enforce.judging import Judged
from policykit.enforce.outcome import Act
from policykit.enforce.rules import Rules
from policykit.ir.rules import RuleSet
from policykit.model import Changes, Decision, Micros, SentRecord, Verdict
from policykit.sends import DecisionRecord, Effect, Send, to_line
from policykit.stores.base import LEASE, Entry, Reservation

_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Line:
    """One send of a call, decided. entry: what is written of it."""

    send: Send
    judged: Judged
    act: Act
    record: DecisionRecord
    entry: Entry

    @property
    def effect(self) -> Effect:
        return self.record.effect

    def leaves(self, at: Micros) -> SentRecord | None:
        """How it counts when it leaves, None when it does not. at: when it was going to leave."""
        if self.effect == "refused":
            return None
        decision, campaign = self.judged.decision, self.judged.reading.campaign
        changed = self.effect != "passed"
        channel = (decision.channel if changed else None) or self.send.channel
        leaves = decision.at if changed and decision.at is not None else at
        return SentRecord(leaves, channel, campaign.message_class, campaign.id)


def new_id() -> str:
    return "pk-" + os.urandom(10).hex()


def logical_ids(request: OutgoingRequest, count: int) -> tuple[str, ...]:
    """What equal requests share, one per place in the call: endpoint, body and place."""
    digest = blake2b(f"{request.method} {request.url}\n".encode(errors="surrogatepass"), digest_size=16)
    digest.update(request.body)
    whole = digest.hexdigest()
    return tuple([f"{whole}-{place}" for place in range(count)])


class Writer:
    """Makes records by one workspace. Sentences of policies are looked up once per set of policies."""

    def __init__(self, rules: Rules, pseudonym: Callable[[str], str]) -> None:
        self._rules = rules
        self._pseudonym = pseudonym
        self._sentences = _sentences(rules.ruleset)
        self._because: dict[tuple[str, ...], Mapping[str, str]] = {(): _NONE}

    def line(self, id: str, send: Send, judged: Judged, act: Act, now: Micros) -> Line:  # noqa: A002  # its name everywhere
        """A decided send; without a slot."""
        decision = judged.decision
        campaign, subject = judged.reading.campaign, judged.subject
        known = subject is not None and subject.id is not None
        record = DecisionRecord(
            id=id, at=now, decision=decision, channel=send.channel, provider=send.provider, effect=act.effect,
            mode=self._rules.mode, person=self._pseudonym(subject.id) if known else None,  # type: ignore[union-attr, arg-type]
            campaign=campaign.id, message_class=campaign.message_class, because=self._sentences_of(decision),
            records=judged.records, rules=self._rules.ruleset.hash, conflict=judged.conflict, held=judged.held,
            recites=judged.recites, failed=act.failed or judged.failed,
        )  # fmt: skip
        return Line(send, judged, act, record, Entry(id, to_line(record)))

    def reserved(self, line: Line, at: Micros, logical: str, now: Micros, *, retry: bool) -> Line:
        """The line with the slot it takes, when it leaves and somebody is there to count it for."""
        subject, slot = line.judged.subject, line.leaves(at)
        if slot is None or slot.at is None or slot.channel is None or subject is None or subject.id is None:
            return line
        record = line.record
        reservation = Reservation(
            decision=record.id, person=subject.id, at=slot.at, channel=slot.channel,
            message_class=record.message_class, campaign=record.campaign, logical=logical, seen=subject.seen,
            lease_until=(slot.at if line.effect == "put_off" else now) + LEASE, retry=retry,
        )  # fmt: skip
        return replace(line, entry=replace(line.entry, reservation=reservation))

    def refused(self, line: Line, failed: str, now: Micros, id: str | None = None) -> Line:  # noqa: A002  # its name everywhere
        """The same send, refused after all; under a new id where the earlier line is in the log already."""
        return self.line(
            id or new_id(), line.send, replace(line.judged, failed=failed), Act("refused", failed=failed), now
        )

    def _sentences_of(self, decision: Decision) -> Mapping[str, str]:
        found = self._because.get(decision.determining)
        if found is None:
            if len(self._because) >= 4096:
                self._because.clear()
            found = {policy: self._sentences.get(policy, "") for policy in decision.determining}
            self._because[decision.determining] = found
        return found


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
