"""Records as data says them, read by the rules of absence: what cannot be read is unknown, never guessed.

Rows are mappings from the columns of `vocabulary.RELATIONS` to texts, numbers, booleans or lists.
A scope that names a purpose, program or channel nobody knows is unreadable (M6).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from policykit.facts.feedback import degree_of, points_of
from policykit.ir.rules import RuleSet
from policykit.language.spans import EARLIEST, LATEST, parse_instant
from policykit.model import (
    FOREVER,
    UNREADABLE,
    Address,
    AttributeValue,
    ConsentRecord,
    FeedbackRecord,
    Micros,
    SentRecord,
)
from policykit.vocabulary import (
    BASES,
    CHANNELS,
    DEFECTS,
    MESSAGE_CLASSES,
    ORIGINS,
    PURPOSES,
    QUALITIES,
    STATUSES,
)

_ORIGINS = frozenset(member for member, _ in ORIGINS)
_QUALITIES = frozenset(member for member, _ in QUALITIES)


def read_consent(ruleset: RuleSet, row: Mapping[str, object], number: int = 0) -> ConsentRecord:
    """One event of the ledger. number: names the record when the row has no id."""
    expires_at = row.get("expires_at")
    return ConsentRecord(
        id=read_text(row.get("id")) or f"#{number + 1}",
        status=one_of(row.get("status"), STATUSES),
        node=node_of(ruleset, row),
        channel=one_of(row.get("channel"), ("*", *CHANNELS, *ruleset.ranks)),
        quality=one_of(row.get("quality"), _QUALITIES),
        basis=one_of(row.get("basis"), BASES),
        at=read_instant(row.get("at")),
        expires_at=FOREVER if expires_at in (None, "") else read_instant(expires_at),
        defects=_all_of(row.get("defects"), DEFECTS),
        evidence=_reference(row.get("evidence")),
        controller=read_text(row.get("controller")),
        attribute=attribute_of(read_text(row.get("attribute")), ruleset.attributes),
    )


def read_sent(ruleset: RuleSet, row: Mapping[str, object]) -> SentRecord:
    """One send of the history."""
    return SentRecord(
        at=read_instant(row.get("at")),
        channel=one_of(row.get("channel"), (*CHANNELS, *ruleset.ranks)),
        message_class=one_of(row.get("message_class"), MESSAGE_CLASSES),
        campaign=read_text(row.get("campaign")),
    )


def read_address(row: Mapping[str, object]) -> Address | None:
    """One address; None when the row has none. permission: the id of a record, or true and false."""
    text, named = read_text(row.get("address")), row.get("permission")
    if text is None:
        return None
    permission = None if "permission" not in row else _reference(named) is not None
    return Address(
        text, _flag(row.get("shared")), one_of(row.get("origin"), _ORIGINS), permission, _flag(row.get("suppressed"))
    )


def read_feedback(row: Mapping[str, object]) -> FeedbackRecord:
    """Something a person told us back."""
    return FeedbackRecord(
        read_instant(row.get("at")), points_of(row.get("lower_tolerance")), degree_of(read_text(row.get("degree")))
    )


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def read_attribute(ruleset: RuleSet, row: Mapping[str, object]) -> AttributeValue:
    """One value of an attribute with its provenance; empty fields are as registered, unreadable ones unknown."""
    origin, purposes = row.get("origin"), row.get("collected_for")
    collected_for: tuple[str, ...] | None = None
    if purposes not in (None, "", []):
        collected_for = _all_of(purposes, ("*", *ruleset.purposes, *PURPOSES)) or (UNREADABLE,)
    return AttributeValue(
        value=read_text(row.get("value")),
        origin=None if origin in (None, "") else one_of(origin, _ORIGINS) or UNREADABLE,
        collected_for=collected_for,
        collected_at=read_instant(row.get("collected_at")),
        permission=_reference(row.get("permission")),
    )


def read_text(value: object) -> str | None:
    """The text of a scalar as a file would hold it; empty is none."""
    if value is None or value == "":
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _reference(value: object) -> str | None:
    """What a row refers to as its proof; `false` is how exports say that there is none."""
    text = read_text(value)
    return None if text is None or text.lower() == "false" else text


def read_instant(value: object) -> Micros | None:
    """Microseconds of an ISO instant with an offset, or of an integer that already is one; None outside of years."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if EARLIEST <= value <= LATEST else None
    return parse_instant(value)


def node_of(ruleset: RuleSet, row: Mapping[str, object]) -> str | None:
    """The node a consent row names: its program, else its purpose; None when absent or unreadable."""
    program = read_text(row.get("program"))
    if program is not None:
        return f"program:{program}" if program in ruleset.programs else None
    return one_of(row.get("purpose"), ("*", *ruleset.purposes, *PURPOSES))


def attribute_of(said: str | None, registered: Container[str]) -> str | None:
    """The attribute that a consent row is about, None when it names none; one that nobody registered is unreadable."""
    return said if said is None or said in registered else UNREADABLE


def one_of(value: object, known: Iterable[str]) -> str | None:
    """The text when it is a known one, else None: unreadable."""
    return value if isinstance(value, str) and value in known else None


def _all_of(value: object, known: Iterable[str]) -> tuple[str, ...] | None:
    """A list, or a text separated by `|`; None when a member is not known."""
    if value is None or value == "":
        return ()
    members = (
        value.split("|") if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else [value]
    )
    options = frozenset(known)
    return tuple(str(member) for member in members) if all(member in options for member in members) else None
