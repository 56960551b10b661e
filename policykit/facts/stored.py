"""People as a store holds them, as records: the same cells mean the same as in a dry run.

A store has every column: a key that a row lacks says as little as a cell that is None or empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policykit.facts import cells, views
from policykit.facts.cells import Read
from policykit.facts.feedback import degree_of, points_of
from policykit.facts.quick import maker
from policykit.facts.records import attribute_of
from policykit.facts.views import Addresses, Attributes, Facts, Places, Ranks
from policykit.ir.rules import RuleSet
from policykit.model import FOREVER, Address, ConsentRecord, FeedbackRecord, Person, SentRecord
from policykit.stores.base import Row, StoredPerson
from policykit.vocabulary import (
    BASES,
    CHANNELS,
    FACTS,
    MESSAGE_CLASSES,
    PURPOSES,
    QUALITIES,
    STATUSES,
    Vocabulary,
)

# Words by themselves: one look-up tells whether a cell holds one, and no unreadable cell is copied.
_STATUSES: Mapping[object, str] = {status: status for status in STATUSES}
_QUALITIES: Mapping[object, str] = {quality: quality for quality, _ in QUALITIES}
_BASES: Mapping[object, str] = {basis: basis for basis in BASES}
_CLASSES: Mapping[object, str] = {name: name for name in MESSAGE_CLASSES}
_KEPT = 8  # rule sets whose words are remembered at once

_make_person, _make_consent, _make_sent = maker(Person), maker(ConsentRecord), maker(SentRecord)


def person_of(
    ruleset: RuleSet,
    vocabulary: Vocabulary,
    stored: StoredPerson,
    *,
    without: str | None = None,
    address: tuple[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    suppressed: Places | None = None,
) -> Person:
    """Everything the store knows of a person, as policies read it; no relation is unknown, since the store holds all.

    without: a decision whose own slot does not count. address: channel and text of the address the
    send goes to, in place of others of that channel. values: attribute values in place of stored
    ones, whose provenance stays. suppressed: see `stores.base.Known`.
    """
    words = _words(ruleset, vocabulary)
    row, history = stored.people, stored.history
    if without is not None:
        history = tuple([sent for sent in history if sent.get("id") != without])
    return _make_person(
        stored.id,
        Facts(words.facts, row),
        Addresses(stored.addresses, row, address, suppressed),
        Ranks(row),
        tuple([_consent(words, each, index) for index, each in enumerate(stored.consents)]),
        tuple([_sent(words, each) for each in history]),
        Attributes(words.collected_for, stored.attributes, row, values),
        tuple([_told(each) for each in stored.feedback]),
    )


def stranger(channel: str, address: str, suppressed: Places | None = None) -> Person:
    """Somebody nobody knows: one address, known to have no consent, no history and no attribute."""
    known = Address(address, suppressed=views.suppressed(channel, address, None, suppressed))
    return Person("", {}, {channel: known}, {}, (), (), {})


# --- the words of a workspace -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Words:
    """What cells may say. facts: fact -> its column of people and how it is read. programs: -> their nodes."""

    ruleset: RuleSet
    vocabulary: Vocabulary
    facts: Mapping[str, tuple[str, Read]]
    channels: Mapping[object, str]
    scopes: Mapping[object, str]
    purposes: Mapping[object, str]
    programs: Mapping[object, str]
    collected_for: frozenset[str]


_KNOWN: dict[tuple[int, int], _Words] = {}  # by identity; the words hold both, so no identity is used again


def _words(ruleset: RuleSet, vocabulary: Vocabulary) -> _Words:
    key = (id(ruleset), id(vocabulary))
    found = _KNOWN.get(key)
    if found is None:
        if len(_KNOWN) >= _KEPT:
            _KNOWN.clear()
        found = _KNOWN[key] = _make_words(ruleset, vocabulary)
    return found


def _make_words(ruleset: RuleSet, vocabulary: Vocabulary) -> _Words:
    specs = [spec for spec in vocabulary.facts.values() if spec.column and spec.column != "id"]
    # A column is read in one way, as in files, whatever the number of facts that are read from it.
    types = {spec.column: spec.type for spec in specs} | {spec.column: spec.type for spec in FACTS if spec.column}
    members = {spec.column: frozenset(spec.members) for spec in specs if spec.members}
    readers = {column: cells.reader(type_, members.get(column)) for column, type_ in types.items()}
    channels = (*CHANNELS, *ruleset.ranks)
    purposes = ("*", *ruleset.purposes, *PURPOSES)
    return _Words(
        ruleset,
        vocabulary,
        {spec.path: (spec.column, readers[spec.column]) for spec in specs if spec.column},
        {channel: channel for channel in channels},
        {channel: channel for channel in ("*", *channels)},
        {purpose: purpose for purpose in purposes},
        {program: f"program:{program}" for program in ruleset.programs},
        frozenset(purposes),
    )


# --- rows -------------------------------------------------------------------------------------------


def _consent(words: _Words, row: Row, index: int) -> ConsentRecord:
    # Most cells are None or a text: what need not be called is not, this runs for every record of every send.
    get = row.get
    name, program, expires_at = get("id"), get("program"), get("expires_at")
    defects, evidence, controller, about = get("defects"), get("evidence"), get("controller"), get("attribute")
    if program is not None:
        program = cells.text(program)
    if defects is not None:
        defects = cells.text(defects)
    return _make_consent(
        (name if name.__class__ is str else cells.text(name)) or str(index + 1),
        _STATUSES.get(get("status")),
        words.purposes.get(get("purpose")) if program is None else words.programs.get(program),
        words.scopes.get(get("channel")),
        _QUALITIES.get(get("quality")),
        _BASES.get(get("basis")),
        cells.instant(get("at")),
        FOREVER if expires_at is None or expires_at == "" else cells.instant(expires_at),
        tuple(defects.split("|")) if defects else (),
        None if evidence is None else cells.proof(evidence),
        None if controller is None else cells.text(controller),
        None if about is None else attribute_of(cells.text(about), words.ruleset.attributes),
    )


def _sent(words: _Words, row: Row) -> SentRecord:
    get = row.get
    return _make_sent(
        cells.instant(get("at")),
        words.channels.get(get("channel")),
        _CLASSES.get(get("message_class")),
        cells.text(get("campaign")),
    )


def _told(row: Row) -> FeedbackRecord:
    said = row.get("lower_tolerance")
    points = 0 if said is None or said == "" else points_of(_read_points(said), given=True)
    return FeedbackRecord(cells.instant(row.get("at")), points, degree_of(cells.text(row.get("degree"))))


_read_points = cells.reader("int")
