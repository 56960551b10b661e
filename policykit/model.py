"""What travels: people, campaigns, sends and decisions. Frozen; instants are UTC microseconds.

`None` means unknown unless a line says otherwise; an empty tuple means known to be none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Literal, TypeAlias

from policykit.errors import NaiveTime, Place

Micros: TypeAlias = int  # microseconds since 1970-01-01T00:00Z, or a length of time

SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR
FOREVER: Micros = 2**63 - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(at: datetime) -> Micros:
    """Microseconds since 1970 UTC of an aware instant; a naive one raises `NaiveTime`."""
    if at.tzinfo is None:
        raise NaiveTime(f"`{at.isoformat()}` has no zone: write an offset, e.g. `{at.isoformat()}+00:00`")
    delta = at - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def from_micros(at: Micros) -> datetime:
    """The aware UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=at)


# --- a person's record (M1: everything known about one person, arrived at once) -------------------


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a person. address: the text itself, hidden from reprs; facts None = unknown.

    suppressed: nothing may be sent to it any more (a hard bounce, a complaint, a person forgotten).
    """

    address: str = field(repr=False)
    shared: bool | None = None
    origin: str | None = None
    permission: bool | None = None
    suppressed: bool | None = None


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One event of the consent ledger, as read: unreadable fields are None.

    status: None may have been a refusal and counts as one. node: `*`, a purpose or a program id
    (`program:<id>`), or None when absent or unreadable. channel: `*`, a channel, or None when absent or
    unreadable. at: None = unreadable: a refusal then counts as the latest, a grant for nothing.
    expires_at: FOREVER = never, None = unreadable (the grant counts for nothing).
    defects: None = unreadable (counts as a defect). attribute: the only one the record is about, None = it is
    about sending; `UNREADABLE` where it names one that nobody registered: a refusal is then about every one.
    """

    id: str
    status: str | None
    node: str | None = None
    channel: str | None = None
    quality: str | None = None
    basis: str | None = None
    at: Micros | None = None
    expires_at: Micros | None = FOREVER
    defects: tuple[str, ...] | None = ()
    evidence: str | None = field(default=None, repr=False)
    controller: str | None = None
    attribute: str | None = None


@dataclass(frozen=True, slots=True)
class SentRecord:
    """One send of the history. Unknown fields count in every cap; an unknown `at` lies in every window."""

    at: Micros | None
    channel: str | None = None
    message_class: str | None = None
    campaign: str | None = None


@dataclass(frozen=True, slots=True)
class FeedbackRecord:
    """Something a person told us back. at: None = unreadable, it then counts whatever the instant.

    points: taken from what they tolerate, None = unreadable. degree: None = it names none, `UNREADABLE` = it
    names one that cannot be read.
    """

    at: Micros | None = None
    points: int | None = 0
    degree: str | None = None


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """A person's value of one attribute with the provenance of this value.

    value: the text, None = none known. origin, collected_for: None = as registered, `UNREADABLE`
    where the data said something that cannot be read (then unknown).
    collected_at: None = nothing says. permission: the record's id, None or empty = none named.
    """

    value: str | None = field(default=None, repr=False)
    origin: str | None = None
    collected_for: tuple[str, ...] | None = None
    collected_at: Micros | None = None
    permission: str | None = None


UNREADABLE = "\x00unreadable"  # stands in `origin` or as the only member of `collected_for`


@dataclass(frozen=True, slots=True)
class Person:
    """Everything known about one person. A relation that is None was not supplied: unknown.

    facts: `recipient.*` and facts added by the workspace, by path, typed as the vocabulary says
    (timestamps and durations in microseconds); absent = unknown. feedback: lowers what they tolerate and accept;
    a relation of it that was not supplied lowers nothing.
    """

    id: str
    facts: Mapping[str, bool | int | float | str | None] = field(default_factory=dict)
    addresses: Mapping[str, Address] | None = None
    ranks: Mapping[str, int] = field(default_factory=dict)
    consents: tuple[ConsentRecord, ...] | None = None
    history: tuple[SentRecord, ...] | None = None
    attributes: Mapping[str, AttributeValue] | None = None
    feedback: tuple[FeedbackRecord, ...] = ()


# --- a campaign: a planned send, or the one message a case or a live call is about ----------------


@dataclass(frozen=True, slots=True)
class Use:
    """An attribute shaping a send in one variant.

    recited: its value can reach visible output; None = unknown. selected: it picked the people or
    an offer. strippable: False for what picked the people (M14). required: the text cannot do
    without it (no default, no condition around it), so stripping it needs the generic variant.
    reveals: the highest sensitivity that an offer picked by it tells of the person; None = none does (M9).
    """

    attribute: str
    recited: bool | None = False
    selected: bool = False
    strippable: bool = True
    required: bool = False
    reveals: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a message holds that is the same for everybody: what must be in it can be looked for.

    headers: (lower-case name, value) as the message has them; None = unknown. texts: (part, the text
    between merge fields); None = unknown. answers: what is known already of single questions, over
    headers and texts (live: of the message as it really is).
    """

    headers: tuple[tuple[str, str], ...] | None = None
    texts: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)
    answers: tuple[tuple[str, bool | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """One content of one channel. uses: None = unknown; at most one Use per attribute, sorted by attribute.

    content: None = unknown.
    """

    uses: tuple[Use, ...] | None = None
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A channel the campaign is ready for. generic: None = no generic variant."""

    channel: str
    provider: str | None = None
    content: Variant = Variant()
    generic: Variant | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer of a campaign.

    chosen_by: attributes that picked it, sorted. reveals: the sensitivity of what it tells of the
    person, None = it tells nothing. text: what templates show of it beside its id.
    """

    id: str
    chosen_by: tuple[str, ...] = ()
    reveals: str | None = None
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Offers:
    """The offers one message shows: the personalised ones first, the rest from the general pool.

    show: how many a message holds, never fewer than there are personalised ones.
    """

    personalised: tuple[Offer, ...] = ()
    general: tuple[Offer, ...] = ()
    show: int = 0


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A wall-clock moment: `2026-11-27T10:00` in a zone (None = the recipient's)."""

    at: str  # ISO, no offset, to the second
    zone: str | None = None


DEADLINE: Micros = 7 * DAY  # after the planned instant, where a campaign names no `not_after` (M5)


@dataclass(frozen=True, slots=True)
class Campaign:
    """The planned send that every person of an audience is judged for.

    prepared: channels in order of preference. at: instant, or local time resolved per zone (M8).
    not_after: deadline; None = `DEADLINE`.
    helps, need: the manifest's style, None when it declares none. offers: None = unknown; they are in
    every channel's content, never in a generic variant. delivers: the benefit of the program that it
    brings, None when it names none.
    """

    id: str | None
    prepared: tuple[Prepared, ...]
    at: Micros | LocalTime | None
    message_class: str = "marketing"
    purpose: str | None = None
    program: str | None = None
    controller: str | None = None
    not_after: Micros | LocalTime | None = None
    helps: str | None = None
    need: str | None = None
    offers: Offers | None = None
    delivers: str | None = None


# --- the registry: what is remembered about people, and what they join ------------------------------


@dataclass(frozen=True, slots=True)
class Attribute:
    """A registered attribute with its lineage closed (M9).

    sensitivity: the highest of its own and all inputs. lineage: its own id and every id it was
    inferred from, transitively, sorted; own origin and purposes stay per member. sources: where its
    values are kept, `FILE: COLUMN`, under names other than its id.
    """

    id: str
    category: str | None
    origin: str
    collected_for: tuple[str, ...]
    sensitivity: str | None
    own_sensitivity: str | None = None
    lineage: tuple[str, ...] = ()
    controller: str | None = None
    type: str = "string"
    disclosed_as: str | None = None
    inferred_from: tuple[str, ...] = ()
    keep: str | None = None
    remembered_for: str | None = None
    place: Place | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """Something people join: what it gives, what it asks, which purpose it serves."""

    id: str
    purpose: str
    gives: tuple[tuple[str, str], ...] = ()  # (benefit id, what)
    asks: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    place: Place | None = None


# --- what comes out ---------------------------------------------------------------------------


class Verdict(IntEnum):
    """Strictest wins: the order is the law (M4)."""

    ALLOW = 0
    DOWNGRADE = 1
    BLOCK = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference between the original and the final send; all empty = none."""

    channel: str | None = None
    strip: tuple[str, ...] = ()  # attributes, sorted
    generic: bool = False
    send_at: Micros | None = None
    blend: int | None = None  # personalised offers that stay; the others give way to general ones

    def __bool__(self) -> bool:
        return bool(self.channel or self.strip or self.generic or self.send_at is not None or self.blend is not None)


Impossible: TypeAlias = Literal[
    "no_address", "no_instant", "no_generic", "required_attribute", "selected_attribute", "unknown_uses",
    "unknown_zone", "past_deadline", "no_channel_left", "unknown_offers", "no_general_offer",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """How one channel came out, in place (M5): for reports on skipped candidates."""

    channel: str
    outcome: Literal["done", "ask", "block"]
    policies: tuple[str, ...]
    undetermined: tuple[str, ...] = ()
    impossible: Impossible | None = None


WAIVER_MARK = "waiver:"  # a name of `Decision.audit` that begins so is no policy: this waiver let the send through


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one send.

    channel: the final channel, None when blocked. at: the final instant, None when blocked or unknown.
    determining: policies that decided, sorted. undetermined: policies that met unknown facts, sorted.
    audit: policies in audit mode that were breached, sorted. impossible: why a change could not be
    made, None when none failed. skipped: candidates passed over, in campaign order.
    """

    verdict: Verdict
    changes: Changes = Changes()
    determining: tuple[str, ...] = ()
    undetermined: tuple[str, ...] = ()
    audit: tuple[str, ...] = ()
    channel: str | None = None
    at: Micros | None = None
    impossible: Impossible | None = None
    skipped: tuple[Judgement, ...] = ()

    @property
    def alone(self) -> str | None:
        """The one policy that decided by itself, else None."""
        return self.determining[0] if len(self.determining) == 1 else None

    @property
    def waivers(self) -> tuple[str, ...]:
        """Ids of the waivers that set aside a policy that would have spoken, sorted (M11)."""
        return tuple(name.removeprefix(WAIVER_MARK) for name in self.audit if name.startswith(WAIVER_MARK))
