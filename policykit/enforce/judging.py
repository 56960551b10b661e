"""One send judged: under every reading, for everybody it may reach; the strictest wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from policykit.enforce.people import Subject
from policykit.enforce.recital import recited
from policykit.enforce.resolve import Reading
from policykit.enforce.rules import Rules
from policykit.model import Decision, Micros, Verdict
from policykit.sends import Send

BLOCKED, ALLOWED = Decision(Verdict.BLOCK), Decision(Verdict.ALLOW)
SLOT_LOST = "its slot was lost to other sends"
NO_PERSON = "it names no person"
DIFFERENT = "it would have to be changed in two ways at once"


@dataclass(frozen=True, slots=True)
class Judged:
    """How a send came out. reading, subject: the strictest, whose decision it is; subject None = not judged.

    failed: why it is refused though no policy says so, or why it could not be judged.
    """

    reading: Reading
    decision: Decision
    subject: Subject | None = None
    conflict: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    recites: tuple[str, ...] = ()
    held: str | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A send with everything it is judged by. at: the instant it leaves unless a policy moves it."""

    send: Send
    readings: tuple[Reading, ...]
    subjects: tuple[Subject, ...]
    now: Micros
    at: Micros
    conflict: tuple[str, ...] = ()
    holds: Mapping[str, str] = field(default_factory=dict)


def judge(rules: Rules, case: Case) -> Judged:
    """The strictest judgement of a send over its readings and the people it may reach."""
    if len(case.readings) == 1 and len(case.subjects) == 1:
        return _judge(rules, case, case.readings[0], case.subjects[0])
    judged = [_judge(rules, case, reading, subject) for reading in case.readings for subject in case.subjects]
    worst = max(judged, key=_strictness)  # the first of equals: the strictest class, the person named
    if worst.decision.verdict is not Verdict.DOWNGRADE:
        return worst
    if any(not _bears(rules, case, worst, other) for other in judged if other is not worst):
        return _refused(worst, DIFFERENT)
    return worst


def undecided(reading: Reading, decision: Decision, failed: str | None, conflict: tuple[str, ...] = ()) -> Judged:
    """A send that was not judged by policies."""
    return Judged(reading, decision, conflict=conflict, failed=failed)


def _judge(rules: Rules, case: Case, reading: Reading, subject: Subject) -> Judged:
    campaign, person, send = reading.campaign, subject.person, case.send
    held = case.holds.get(campaign.id) if case.holds and campaign.id is not None else None
    if held is not None and campaign.message_class == "marketing":
        return Judged(reading, BLOCKED, subject, case.conflict, held=held)
    decision = rules.engine.decide(campaign, person, case.now, send.channel, case.at)
    records = rules.engine.stood_on(campaign, person, decision.channel or send.channel, case.now)
    recites: tuple[str, ...] = ()
    if reading.manifest is None and person.attributes and (send.content or send.values):
        # Merge data is put into the text by the provider, so what it says is read with the text.
        shown = {**send.content, **{f"values.{name}": text for name, text in send.values.items()}}
        recites = recited(shown, {name: value.value for name, value in person.attributes.items()})
    return Judged(reading, decision, subject, case.conflict, records, recites)


def _strictness(judged: Judged) -> int:
    return judged.decision.verdict


def _bears(rules: Rules, case: Case, worst: Judged, other: Judged) -> bool:
    """Whether another judgement agrees with the changes that are made.

    A less intrusive content hurts nobody, another channel reaches that person alone; another instant
    was not judged for the others, so it is now.
    """
    changes = worst.decision.changes
    if other.decision.verdict is Verdict.DOWNGRADE:
        return other.decision.changes == changes and (changes.channel is None or other.subject is worst.subject)
    if changes.send_at is None or changes.channel is not None:
        return True
    assert other.subject is not None  # INVARIANT: every judgement here has one
    later = rules.engine.decide(
        other.reading.campaign, other.subject.person, case.now, case.send.channel, changes.send_at
    )
    return later.verdict is Verdict.ALLOW


def _refused(judged: Judged, failed: str) -> Judged:
    return Judged(
        judged.reading, judged.decision, judged.subject, judged.conflict, judged.records, judged.recites, None, failed
    )
