"""People as a store holds them, read into records: the same cells mean the same as in a dry run.

A cell is read as its text would be in a data file; a number for an instant is microseconds. A key
that a row lacks is a column that the store does not know; a cell that is None or empty says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from policykit import addresses
from policykit.facts.values import read_text as read_value
from policykit.ir.nodes import Type
from policykit.ir.rules import RuleSet
from policykit.language.spans import EARLIEST, LATEST, parse_instant
from policykit.model import (
    FOREVER,
    UNREADABLE,
    Address,
    AttributeValue,
    ConsentRecord,
    Micros,
    Person,
    SentRecord,
)
from policykit.stores.base import Cell, Row, StoredPerson
from policykit.vocabulary import (
    BASES,
    CHANNELS,
    MESSAGE_CLASSES,
    ORIGINS,
    PURPOSES,
    QUALITIES,
    STATUSES,
    FactSpec,
    Vocabulary,
)

Value: TypeAlias = bool | int | float | str | None

_ORIGINS = frozenset(member for member, _ in ORIGINS)
_QUALITIES = frozenset(member for member, _ in QUALITIES)
_STATUSES, _BASES, _CLASSES = frozenset(STATUSES), frozenset(BASES), frozenset(MESSAGE_CLASSES)
_TYPES = {"int": Type.INT, "double": Type.DOUBLE, "bool": Type.BOOL, "duration": Type.INT}
_KEPT = 8  # rule sets whose words are remembered at once


def person_of(
    ruleset: RuleSet,
    vocabulary: Vocabulary,
    stored: StoredPerson,
    *,
    without: str | None = None,
    address: tuple[str, str] | None = None,
    values: Mapping[str, str] | None = None,
) -> Person:
    """Everything the store knows of a person, as policies read it; no relation is unknown, since the store holds all.

    without: a decision whose own slot does not count. address: channel and text of the address the
    send goes to, in place of others of that channel. values: attribute values in place of stored
    ones, whose provenance stays.
    """
    words = _words(ruleset, vocabulary)
    facts: dict[str, Value] = {}
    ranks: dict[str, int] = {}
    own: dict[str, Row] = {}
    texts: dict[str, str] = {}
    for column, cell in stored.people.items():
        if cell is None or cell == "":
            continue
        for path, read in words.facts.get(column, ()):
            value = read(cell)
            if value is not None:
                facts[path] = value
        if "." in column:
            _read_own(column, cell, stored.people, ranks, own, texts)
    if values:
        texts.update(values)
    return Person(
        stored.id,
        facts,
        _addresses(stored.addresses, own, address),
        ranks,
        tuple([_consent(words, row, index) for index, row in enumerate(stored.consents)]),
        tuple([_sent(words, row) for row in stored.history if without is None or row.get("id") != without]),
        _attributes(words, stored.attributes, texts),
    )


def stranger(channel: str, address: str) -> Person:
    """Somebody nobody knows: one address, known to have no consent, no history and no attribute."""
    return Person("", {}, {channel: Address(address)}, {}, (), (), {})


# --- the words of a workspace -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Words:
    """What cells may say. facts: column of people -> the facts read from it and how."""

    ruleset: RuleSet
    vocabulary: Vocabulary
    facts: Mapping[str, tuple[tuple[str, Callable[[Cell], Value]], ...]]
    channels: frozenset[str]
    purposes: frozenset[str]
    programs: Mapping[str, str]  # program -> its node
    scopes: frozenset[str] = field(default=frozenset())


_KNOWN: dict[tuple[int, int], _Words] = {}  # by identity; the words hold both, so no identity is used again


def _words(ruleset: RuleSet, vocabulary: Vocabulary) -> _Words:
    key = (id(ruleset), id(vocabulary))
    found = _KNOWN.get(key)
    if found is None:
        found = _make_words(ruleset, vocabulary)
        if len(_KNOWN) >= _KEPT:
            _KNOWN.clear()
        _KNOWN[key] = found
    return found


def _make_words(ruleset: RuleSet, vocabulary: Vocabulary) -> _Words:
    facts: dict[str, tuple[tuple[str, Callable[[Cell], Value]], ...]] = {}
    for spec in vocabulary.facts.values():
        if spec.column and spec.column != "id":
            facts[spec.column] = (*facts.get(spec.column, ()), (spec.path, _fact_reader(spec)))
    channels = frozenset((*CHANNELS, *ruleset.ranks))
    return _Words(
        ruleset, vocabulary, facts, channels, frozenset(("*", *ruleset.purposes, *PURPOSES)),
        {program: f"program:{program}" for program in ruleset.programs}, channels | {"*"},
    )  # fmt: skip


def _fact_reader(spec: FactSpec) -> Callable[[Cell], Value]:
    read = _reader(spec.type)
    if spec.members is None:
        return read
    members = frozenset(spec.members)

    def _member(cell: Cell) -> Value:
        value = read(cell)
        return value if value in members else None

    return _member


def _reader(type_: str) -> Callable[[Cell], Value]:
    if type_ == "timestamp":
        return _instant
    if type_ not in _TYPES:
        return _text
    wanted = _TYPES[type_]
    return lambda cell: read_value(_text(cell), wanted)


# --- cells ------------------------------------------------------------------------------------------


def _text(cell: Cell) -> str | None:
    """The cell as a file would hold it; empty is none."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, str):
        return cell
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


_parsed = lru_cache(maxsize=16_384)(parse_instant)


def _instant(cell: Cell) -> Micros | None:
    if isinstance(cell, str):
        return _parsed(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return cell if EARLIEST <= cell <= LATEST else None
    return None


def _proof(cell: Cell) -> str | None:
    """What a row refers to as its proof; `false` is how exports say that there is none."""
    text = _text(cell)
    return None if text is None or text.lower() == "false" else text


def _one_of(cell: Cell, known: frozenset[str]) -> str | None:
    return cell if isinstance(cell, str) and cell in known else None


# --- rows -------------------------------------------------------------------------------------------


def _read_own(
    column: str, cell: Cell, row: Row, ranks: dict[str, int], own: dict[str, Row], texts: dict[str, str]
) -> None:
    """A column of people for one channel or attribute."""
    room, _, name = column.partition(".")
    if room == "rank":
        rank = read_value(_text(cell), Type.INT)
        if isinstance(rank, int):
            ranks[name] = rank
    elif room == "attributes":
        text = _text(cell)
        if text is not None:
            texts[name] = text
    elif room == "address" and not name.endswith(".shared"):
        own[name] = {"channel": name, "address": cell, "shared": row.get(f"{column}.shared")}


def _addresses(rows: Iterable[Row], own: Mapping[str, Row], asked: tuple[str, str] | None) -> Mapping[str, Address]:
    """One address per channel: the one asked for, else the person's own column, else the one that sorts first."""
    found: dict[str, Row] = {}
    wanted = addresses.key(*asked) if asked else None
    for row in (*rows, *own.values()):
        text, channel = _text(row.get("address")), _text(row.get("channel"))
        if text is None or channel is None:
            continue
        if asked and channel == asked[0] and addresses.key(channel, text) != wanted:
            continue
        known = found.get(channel)
        if known is None or (channel in own and row is own[channel]) or _order(row) < _order(known):
            found[channel] = row
    result = {channel: _address(row) for channel, row in found.items()}
    if asked and asked[0] not in result:
        result[asked[0]] = Address(asked[1])
    return result


def _order(row: Row) -> tuple[str, ...]:
    """The address that sorts first is the one that counts, whatever the order of rows."""
    shared = read_value(_text(row.get("shared")), Type.BOOL)
    return (
        _text(row.get("address")) or "",
        "" if shared is None else str(shared).lower(),
        _text(row.get("origin")) or "",
        _proof(row.get("permission")) or "",
    )


def _address(row: Row) -> Address:
    shared = read_value(_text(row.get("shared")), Type.BOOL)
    permission = _proof(row["permission"]) is not None if "permission" in row else None
    text = _text(row["address"])
    assert text is not None
    return Address(text, shared if isinstance(shared, bool) else None, _one_of(row.get("origin"), _ORIGINS), permission)


def _consent(words: _Words, row: Row, index: int) -> ConsentRecord:
    program, expires_at, defects = _text(row.get("program")), row.get("expires_at"), _text(row.get("defects"))
    return ConsentRecord(
        _text(row.get("id")) or str(index + 1),
        _one_of(row.get("status"), _STATUSES),
        words.programs.get(program) if program is not None else _one_of(row.get("purpose"), words.purposes),
        _one_of(row.get("channel"), words.scopes),
        _one_of(row.get("quality"), _QUALITIES),
        _one_of(row.get("basis"), _BASES),
        _instant(row.get("at")),
        FOREVER if expires_at is None or expires_at == "" else _instant(expires_at),
        tuple(defects.split("|")) if defects else (),
        _proof(row.get("evidence")),
        _text(row.get("controller")),
    )


def _sent(words: _Words, row: Row) -> SentRecord:
    return SentRecord(
        _instant(row.get("at")),
        _one_of(row.get("channel"), words.channels),
        _one_of(row.get("message_class"), _CLASSES),
        _text(row.get("campaign")),
    )


def _attributes(words: _Words, rows: tuple[Row, ...], texts: Mapping[str, str]) -> Mapping[str, AttributeValue]:
    """Of several rows for one attribute the one collected last counts, and among equals the greatest by its texts."""
    found: dict[str, AttributeValue] = {}
    for row in sorted(rows, key=_value_order) if len(rows) > 1 else rows:
        name = _text(row.get("attribute"))
        if name is not None:
            found[name] = _attribute(words, row)
    for name, text in texts.items():
        said = found.get(name, _NOTHING)
        found[name] = AttributeValue(text, said.origin, said.collected_for, said.collected_at, said.permission)
    return found


_NOTHING = AttributeValue()


def _attribute(words: _Words, row: Row) -> AttributeValue:
    origin, purposes = _text(row.get("origin")), _text(row.get("collected_for"))
    collected_for = tuple(purposes.split("|")) if purposes is not None else None
    if collected_for is not None and not words.purposes.issuperset(collected_for):
        collected_for = (UNREADABLE,)
    return AttributeValue(
        _text(row.get("value")),
        origin if origin is None or origin in _ORIGINS else UNREADABLE,
        collected_for,
        _instant(row.get("collected_at")),
        _proof(row.get("permission")),
    )


def _value_order(row: Row) -> tuple[int | str, ...]:
    at = _instant(row.get("collected_at"))
    texts = [_text(row.get(name)) or "" for name in ("value", "origin", "collected_for")]
    return (-(2**63) if at is None else at, *texts, _proof(row.get("permission")) or "")
