"""What the consent ledger says about one send: refusals, grants, standing (M6).

A scope is (node, channel). The send's path lists the nodes that cover it, narrowest first, so
"at least as narrow" between two covering records is a comparison of places on that path. A record
that names an attribute is about its use alone and says nothing of any send.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from policykit.ir.nodes import Months, Requirement, Span
from policykit.ir.rules import RuleSet
from policykit.ir.specialise import send_purpose
from policykit.language.spans import LATEST
from policykit.model import DAY, FOREVER, UNREADABLE, Campaign, ConsentRecord, Micros, from_micros, to_micros
from policykit.vocabulary import GRANTS, NO_ANSWER, OWN_ACT, QUALITIES

_RANK = dict(QUALITIES)


class Standing(NamedTuple):
    """The ledger seen from one (path, channel, now); time of the send comes later.

    refusals: live ones. in_force: grants later than every covering refusal, lifted or not.
    """

    refusals: tuple[ConsentRecord, ...]
    in_force: tuple[ConsentRecord, ...]


def node_path(ruleset: RuleSet, campaign: Campaign) -> tuple[str, ...] | None:
    """Nodes that cover the send, narrowest first, ending in `*`; None when it has no known purpose."""
    purpose = send_purpose(ruleset, campaign)
    if purpose is None:
        return None
    return _path(purpose, campaign.program)


def _path(purpose: str, program: str | None) -> tuple[str, ...]:
    parts = purpose.split(".")
    parents = tuple(".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return (*((f"program:{program}",) if program is not None else ()), *parents, "*")


def standing(records: Iterable[ConsentRecord], path: Sequence[str], channel: str, now: Micros) -> Standing:
    """Live refusals and grants in force for a send on this path and channel."""
    return standing_on(records, {node: place for place, node in enumerate(path)}, channel, now)


def standing_on(records: Iterable[ConsentRecord], places: Mapping[str, int], channel: str, now: Micros) -> Standing:
    """As `standing`; places: node -> its place on the path."""
    return _stands([record for record in records if record.attribute is None], places, channel, now)


def refuses(
    records: Iterable[ConsentRecord], attribute: str, places: Mapping[str, int], channel: str, now: Micros
) -> tuple[ConsentRecord, ...]:
    """Live refusals of one attribute in a send: M6 among the records that are about it.

    A refusal of an attribute that cannot be read is about every one; such a grant is about none.
    """
    about = [
        record for record in records
        if record.attribute is not None
        and (record.attribute == attribute or (record.attribute == UNREADABLE and is_refusal(record)))
    ]  # fmt: skip
    return _stands(about, places, channel, now).refusals if about else ()


def _stands(records: Iterable[ConsentRecord], places: Mapping[str, int], channel: str, now: Micros) -> Standing:
    refusals: list[ConsentRecord] = []
    grants: list[ConsentRecord] = []
    for record in records:
        if record.at is not None and record.at > now:
            continue
        if record.status in GRANTS:
            if record.node in places and record.channel in ("*", channel) and _is_readable(record):
                grants.append(record)
        elif is_refusal(record):
            node, where = scope(record)
            if node in places and where in ("*", channel):
                refusals.append(record)
    if not refusals:
        return Standing((), tuple(grants))
    live = tuple(refusal for refusal in refusals if not any(_lifts(grant, refusal, places) for grant in grants))
    return Standing(live, tuple(grant for grant in grants if all(_later(grant, refusal) for refusal in refusals)))


def is_refusal(record: ConsentRecord) -> bool:
    """Whether the record says no. A status nobody can read may have said it, so it counts as if it had."""
    return record.status not in GRANTS and record.status not in NO_ANSWER


def _is_readable(grant: ConsentRecord) -> bool:
    return grant.at is not None and grant.expires_at is not None


def scope(refusal: ConsentRecord) -> tuple[str, str]:
    """Node and channel of a refusal: an objection is about everything, a field that says nothing too."""
    if refusal.status == "objected":
        return "*", "*"
    return refusal.node or "*", refusal.channel or "*"


def level(refusal: ConsentRecord) -> str:
    """At which level a refusal was made: channel, purpose or everything."""
    node, channel = scope(refusal)
    if channel != "*":
        return "channel"
    return "purpose" if node != "*" else "everything"


def _later(grant: ConsentRecord, refusal: ConsentRecord) -> bool:
    """At equal times refusals come after grants; a refusal without a readable time is the latest of all."""
    return refusal.at is not None and grant.at is not None and grant.at > refusal.at


def _lifts(grant: ConsentRecord, refusal: ConsentRecord, places: Mapping[str, int]) -> bool:
    node, channel = scope(refusal)
    narrow = places[grant.node or "*"] <= places[node] and (channel == "*" or grant.channel == channel)
    return narrow and _later(grant, refusal) and _own_act(grant)


def _own_act(grant: ConsentRecord) -> bool:
    """Whether they said so themselves: a box that was ticked for them, or what came with the terms, they did not."""
    return _RANK.get(grant.quality or "", -1) >= OWN_ACT and grant.defects == ()


def membership(records: Iterable[ConsentRecord], path: Sequence[str], now: Micros) -> Standing:
    """Whether a person is in a program: what could end it, and the grants by which they are, but for expiry.

    path: nodes that cover the program, its own first. A refusal of one channel leaves nobody; one of the
    program or of anything above it, on every channel, does.
    """
    grants: list[ConsentRecord] = []
    refusals: list[ConsentRecord] = []
    for record in records:
        if record.attribute is not None or (record.at is not None and record.at > now):
            continue
        if record.status in GRANTS:
            if record.node == path[0] and record.channel is not None and _is_readable(record):
                grants.append(record)
        elif is_refusal(record):
            node, where = scope(record)
            if node in path and where == "*":
                refusals.append(record)
    return Standing(
        tuple(refusals), tuple(grant for grant in grants if all(_later(grant, refusal) for refusal in refusals))
    )


def program_path(ruleset: RuleSet, program: str) -> tuple[str, ...] | None:
    """Nodes that cover a program, its own first; None when nobody registered it."""
    found = ruleset.programs.get(program)
    return None if found is None else _path(found.purpose, program)


# --- what policies ask --------------------------------------------------------------------------


def met(found: Standing, requirement: Requirement, at: Micros | None, controller: str | None) -> bool | None:
    """ConsentMet: no refusal live, and some grant in force meets all of the requirement at the instant."""
    if found.refusals:
        return False
    answers = [
        lasts(grant, requirement.max_age, at) for grant in found.in_force if suits(grant, requirement, controller)
    ]
    if True in answers:
        return True
    return None if None in answers else False


def joined(found: Standing, at: Micros | None) -> bool | None:
    """Joined: some grant of a membership is unexpired at the instant."""
    answers = [lasts(grant, None, at) for grant in found.in_force]
    if True in answers:
        return True
    return None if None in answers else False


def was_met(found: Standing, requirement: Requirement, controller: str | None) -> bool:
    """ConsentWasMet: some grant in force meets the requirement but for time."""
    return any(suits(grant, requirement, controller) for grant in found.in_force)


def refused_for(found: Standing, member: str) -> bool:
    return any(level(refusal) == member for refusal in found.refusals)


def status(found: Standing, at: Micros | None) -> str | None:
    """The standing in one word, strictest first; None when only an unknown instant could tell."""
    statuses = {refusal.status for refusal in found.refusals}
    for strict in ("objected", "withdrawn"):
        if strict in statuses:
            return strict
    if statuses:
        return "refused"
    if not found.in_force:
        return "missing"
    answers = [lasts(grant, None, at) for grant in found.in_force]
    if True in answers:
        return "given"
    return None if None in answers else "expired"


def suits(grant: ConsentRecord, requirement: Requirement, controller: str | None) -> bool:
    """Whether a grant has everything a requirement asks but time."""
    if requirement.quality is not None and grant.quality not in requirement.quality:
        return False
    if requirement.bases is not None and grant.basis not in requirement.bases:
        return False
    if requirement.defect_free and grant.defects != ():
        return False
    if requirement.evidence and not grant.evidence:
        return False
    if requirement.same_controller and (controller is None or grant.controller != controller):
        return False
    return all(_names(grant, name) for name in requirement.names)


def _names(grant: ConsentRecord, name: str) -> bool:
    if name == "channel":
        return grant.channel != "*"
    if name == "program":
        return (grant.node or "").startswith("program:")
    return grant.node != "*"


def ends(grant: ConsentRecord, max_age: Span | None) -> Micros:
    """First instant at which the grant no longer holds; FOREVER when it never ends."""
    assert grant.expires_at is not None  # INVARIANT: a grant that cannot be read is never in force
    assert grant.at is not None
    return grant.expires_at if max_age is None else min(grant.expires_at, later_by(grant.at, max_age))


def lasts(grant: ConsentRecord, max_age: Span | None, at: Micros | None) -> bool | None:
    """Whether the grant still holds at an instant; None when only an unknown instant could tell."""
    if at is not None and grant.at is not None and isinstance(max_age, Months):
        # Without the calendar where no calendar could matter: a month has 28 to 31 days.
        if at - grant.at < max_age.count * 28 * DAY:
            max_age = None
        elif at - grant.at >= max_age.count * 31 * DAY and at <= LATEST:
            return False
    end = ends(grant, max_age)
    if end == FOREVER:
        return True
    return None if at is None else at < end


def later_by(at: Micros, span: Span) -> Micros:
    """An instant plus a span; months are added in UTC and clamped to month end, never past FOREVER."""
    if not isinstance(span, Months):
        return min(at + span, FOREVER)
    moment = from_micros(at)
    years, month = divmod(moment.month - 1 + span.count, 12)
    if moment.year + years > 9999:
        return FOREVER
    day = min(moment.day, monthrange(moment.year + years, month + 1)[1])
    return to_micros(moment.replace(year=moment.year + years, month=month + 1, day=day))
