"""The compiled form of a condition: a small typed tree that every backend reads.

A node's value is true, false, a number, a text, or unknown (M3). Unknown is `None` in Python
and NULL in SQL. Instants are integers, microseconds since 1970 UTC; durations are integers,
microseconds. Nodes are immutable and compare by meaning: `place` never takes part.

Leaves are what the fact layer provides; everything else is computed from them. A leaf is also
the key under which its value travels: `RuleSet.leaves` orders them, a fact row is a tuple
aligned with that order, and SQL has one column (or constant) per leaf.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from policykit.errors import Place

INT_MIN, INT_MAX = -(2**63), 2**63 - 1


class Type(StrEnum):
    """Static type of a node. There are no implicit conversions."""

    BOOL = "bool"
    INT = "int"
    DOUBLE = "double"
    STRING = "string"
    TIMESTAMP = "timestamp"
    DURATION = "duration"


Value: TypeAlias = bool | int | float | str | None


# --- leaves about the send and the person ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """A scalar fact of the vocabulary by its path, e.g. `recipient.country`, `send.at`, `attributes.basket`."""

    path: str
    type: Type
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Member:
    """BOOL: whether a set-valued fact has this member, e.g. `'channel' in consent.refused_for`."""

    path: str
    member: str
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Months:
    """A span in calendar months, added in UTC and clamped to month end (M6)."""

    count: int


Span: TypeAlias = int | Months  # microseconds, or calendar months


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a grant must have to satisfy a consent policy; None or empty asks nothing of that part.

    quality: rungs of the quality ladder that will do (already expanded from at_least / lists).
    bases: legal bases that will do. max_age: the grant holds while instant < given_at + max_age.
    names: of `channel`, `program`, `purpose`: the grant's scope must name it itself, not `*`.
    defect_free: a grant with any defect (or unreadable defects) does not do.
    evidence: the grant must carry evidence. same_controller: given to the send's controller.
    """

    quality: frozenset[str] | None = None
    bases: frozenset[str] | None = None
    max_age: Span | None = None
    names: frozenset[str] = frozenset()
    defect_free: bool = False
    evidence: bool = False
    same_controller: bool = False


@dataclass(frozen=True, slots=True)
class ConsentMet:
    """BOOL: no refusal of this send is live and some grant in force meets the requirement (M6)."""

    requirement: Requirement
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ConsentWasMet:
    """BOOL: some grant in force meets the requirement but for time (expiry, age). For reasons only."""

    requirement: Requirement
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Joined:
    """BOOL: the person has joined a program and not left it by the send's instant.

    A grant at exactly the program, on any channel, unexpired at the instant and later than every
    refusal whose node covers the program and whose channel is `*`. Unknown without a ledger.
    """

    program: str
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AttributeRefused:
    """BOOL: the person refused the use of one attribute, itself and not its inputs, in sends like this one.

    Of the records that name the attribute a refusal that covers the send is live, as of consent (M6); one
    whose attribute cannot be read is about every attribute. Unknown without a ledger, or a purpose.
    """

    attribute: str
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ContentSays:
    """BOOL: a part of the message says a text, whoever gets it; the same for everybody, so it folds away.

    part: `subject`, `title`, `body` (each of its texts), `opening` (what is shown first), `anywhere`.
    """

    part: Literal["subject", "title", "body", "opening", "anywhere"]
    op: Literal["starts_with", "ends_with", "contains"]
    text: str
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time that sends are counted in (M7).

    rolling: sends with |t - instant| < rolling microseconds; else calendar.
    calendar: the local day, week (from Monday) or month that holds the instant.
    zone: None = the recipient's zone; else an IANA name (calendar windows only).
    """

    rolling: int | None = None
    calendar: Literal["day", "week", "month"] | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Counting:
    """Which sends count. A row whose channel, class or campaign is unknown counts in every cap (M7).

    channels: None = any; `this_channel` = the channel being judged is the only one.
    classes: None = any. this_campaign: only sends of the same campaign.
    """

    channels: frozenset[str] | None = None
    this_channel: bool = False
    classes: frozenset[str] | None = frozenset({"marketing"})
    this_campaign: bool = False


@dataclass(frozen=True, slots=True)
class Sends:
    """INT: how many other sends to this person lie in the window. Unknown without a history relation."""

    window: Window
    counting: Counting
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Opening:
    """Days of the week (0 = Monday) and minutes of the local day [start, end).

    end <= start crosses midnight and belongs to the day it starts on; 1440 is midnight at the end.
    """

    days: frozenset[int]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hours:
    """When sending is allowed: the union of openings, on the clock of a zone (None = the recipient's)."""

    openings: tuple[Opening, ...]
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """BOOL: the instant lies in the hours (M8). Unknown when the zone is."""

    hours: Hours
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LocalPart:
    """INT: a part of the send's instant on a zone's clock (None = the recipient's zone).

    Parts as CEL counts them: hours 0-23, minutes 0-59, day_of_week 0 = Sunday, date 1-31 (day of
    month), month 0-11, full_year; and minute_of_day 0-1439, weekday 0 = Monday (ours).
    """

    part: Literal["hours", "minutes", "day_of_week", "date", "month", "full_year", "minute_of_day", "weekday"]
    zone: str | None = None
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Present:
    """BOOL, never unknown: the attribute still shapes the send (it was not stripped). Made by unrolling uses."""

    attribute: str
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AttributeOrigin:
    """BOOL: this person's value of the attribute itself (not its inputs) has this origin."""

    attribute: str
    origin: str
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AttributeCollectedFor:
    """BOOL: this person's value of the attribute itself was collected for a purpose that covers `purpose`."""

    attribute: str
    purpose: str
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AttributeCollectedAt:
    """TIMESTAMP: when this person's value was collected. Unknown when nothing says."""

    attribute: str
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AttributePermission:
    """BOOL: this person's value names the record it was collected under."""

    attribute: str
    place: Place | None = field(default=None, compare=False, repr=False)


# --- leaves about one use, only below ExistsUse, AllUses or SumUses ---------------------------


@dataclass(frozen=True, slots=True)
class UseFact:
    """A scalar field of the use at hand.

    STRING attribute, category, sensitivity, controller; BOOL recited, selected (it picked the
    people or an offer), disclosed, permission, refused (lineage included), known (this person has a
    value); DURATION age (instant minus collected_at).
    """

    field: Literal[
        "attribute", "category", "sensitivity", "controller", "recited", "selected", "disclosed", "permission",
        "refused", "known", "age",
    ]  # fmt: skip
    type: Type
    place: Place | None = field(default=None, compare=False, repr=False)  # type: ignore[operator]  # own `field`


@dataclass(frozen=True, slots=True)
class UseOrigin:
    """BOOL: the use's set of origins, lineage included (M9), has this member."""

    origin: str
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class UseCollectedFor:
    """BOOL: the attribute and all its inputs were collected for `purpose` (None = the send's purpose)."""

    purpose: str | None = None
    place: Place | None = field(default=None, compare=False, repr=False)


# --- operators ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Const:
    """A value known when compiling; `value` None is the unknown itself."""

    value: Value
    type: Type
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    item: Expr
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    """Kleene and: false wins over unknown. No items = true."""

    items: tuple[Expr, ...]
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Or:
    """Kleene or: true wins over unknown. No items = false."""

    items: tuple[Expr, ...]
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """BOOL: both sides have one type; strings order by code point; unknown on either side is unknown."""

    op: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Expr
    right: Expr
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class In:
    """BOOL: the item equals one of the values (all of the item's type, none unknown). No values = false."""

    item: Expr
    values: tuple[Value, ...]
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class If:
    """`?:`; unknown when the condition is, whatever the branches."""

    condition: Expr
    then: Expr
    orelse: Expr
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Arith:
    """INT, DOUBLE, TIMESTAMP or DURATION; outside 64 bits, NaN or infinite = unknown."""

    op: Literal["+", "-", "*"]
    left: Expr
    right: Expr
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """BOOL: plain text search, no patterns."""

    op: Literal["starts_with", "ends_with", "contains"]
    left: Expr
    right: Expr
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Size:
    """INT: length of a text in code points."""

    item: Expr
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rank:
    """INT: place of a text on an ordered scale of the vocabulary; a text not on it is unknown.

    steps: (member, rank) pairs; equal ranks are allowed.
    """

    steps: tuple[tuple[str, int], ...]
    item: Expr
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToDouble:
    """DOUBLE from INT; 2**53 and beyond rounds as IEEE does, alike everywhere."""

    item: Expr
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """BOOL, never unknown: whether the item has a value (`has()`)."""

    item: Expr
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ExistsUse:
    """BOOL: Kleene or over the uses of the send; unknown when the uses are; false when there is none."""

    body: Expr
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AllUses:
    """BOOL: Kleene and over the uses; unknown when the uses are; true when there is none."""

    body: Expr
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SumUses:
    """INT: sum over the uses; any unknown term makes it unknown; 0 when there is none."""

    body: Expr
    place: Place | None = field(default=None, compare=False, repr=False)


Leaf: TypeAlias = (
    Fact | Member | ConsentMet | ConsentWasMet | Joined | ContentSays | Sends | Allowed | LocalPart | Present
    | AttributeOrigin | AttributeCollectedFor | AttributeCollectedAt | AttributePermission | AttributeRefused
)  # fmt: skip
UseLeaf: TypeAlias = UseFact | UseOrigin | UseCollectedFor
Quantifier: TypeAlias = ExistsUse | AllUses | SumUses
Operator: TypeAlias = (
    Const | Not | And | Or | Compare | In | If | Arith | Text | Size | Rank | ToDouble | Known | Quantifier
)
Expr: TypeAlias = Leaf | UseLeaf | Operator

LEAVES = (
    Fact, Member, ConsentMet, ConsentWasMet, Joined, ContentSays, Sends, Allowed, LocalPart, Present,
    AttributeOrigin, AttributeCollectedFor, AttributeCollectedAt, AttributePermission, AttributeRefused,
)  # fmt: skip
USE_LEAVES = (UseFact, UseOrigin, UseCollectedFor)

TRUE = Const(True, Type.BOOL)
FALSE = Const(False, Type.BOOL)
UNKNOWN = Const(None, Type.BOOL)
