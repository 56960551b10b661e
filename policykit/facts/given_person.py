"""The person of a case or a hand-written send, with what is known of them."""

from __future__ import annotations

from collections.abc import Mapping

from policykit.facts.given_reader import Reader, Row
from policykit.facts.records import (
    read_address,
    read_attribute,
    read_consent,
    read_feedback,
    read_instant,
    read_sent,
    read_text,
)
from policykit.facts.values import read_text as read_value
from policykit.ir.nodes import Type
from policykit.language.spans import parse_span
from policykit.language.suggest import did_you_mean
from policykit.model import Address, AttributeValue, ConsentRecord, FeedbackRecord, Person, SentRecord
from policykit.vocabulary import RELATIONS, FactSpec, Vocabulary

_ADDRESS = ("address", "shared", "origin", "permission", "suppressed")
_COLUMNS = {relation.name: tuple(column.name for column in relation.columns) for relation in RELATIONS}


def read_person(reader: Reader, top: Row) -> Person:
    """The person that the sections beside `send` describe; a relation that is not there was not supplied."""
    recipient = reader.mapping(top.get("recipient"), "given.recipient")
    addresses, ranks = recipient.pop("addresses", None), recipient.pop("ranks", None)
    named = {_whole(reader.vocabulary, key): value for key, value in recipient.items()}
    facts = {**named, **reader.mapping(top.get("facts"), "given.facts")}
    person_id = read_text(facts.pop("recipient.id", None)) or "somebody"
    return Person(
        id=person_id,
        facts={path: _fact(reader, path, value) for path, value in facts.items()},
        addresses=None if addresses is None else _addresses(reader, addresses),
        ranks=_ranks(reader, ranks),
        consents=_consents(reader, top.get("consents")),
        history=_history(reader, top.get("history")),
        attributes=_attributes(reader, top.get("attributes")),
        feedback=_feedback(reader, top.get("feedback")),
    )


def _whole(vocabulary: Vocabulary, key: str) -> str:
    """The path of a fact of the person, written with or without the room it is in."""
    spec = vocabulary.get(key)
    return key if spec and spec.column else f"recipient.{key}"


def _fact(reader: Reader, path: str, value: object) -> bool | int | float | str | None:
    spec = reader.vocabulary.get(path)
    if spec is None:
        known = [known for known in reader.vocabulary.paths() if not known.startswith(("send.", "uses", "consent."))]
        reader.problem(
            f"unknown fact `{path}`{did_you_mean(path, known)}",
            "`policykit facts recipient` lists the facts a case may give",
            "given.fact",
        )
        return None
    if spec.type == "timestamp":
        reader.instant(value, path)
    return _typed(spec, value)


def _typed(spec: FactSpec, value: object) -> bool | int | float | str | None:
    """The value as a data file would hold it; one that cannot be read as the fact's type is unknown."""
    match spec.type:
        case "timestamp":
            return read_instant(value)
        case "duration":
            length = parse_span(value)
            return length if isinstance(length, int) else read_value(read_text(value), Type.DURATION)
        case "string" | "int" | "double" | "bool":
            return (
                read_value(read_text(value), Type(spec.type)) if isinstance(value, bool | int | float | str) else None
            )
        case _:
            return None


def _addresses(reader: Reader, value: object) -> dict[str, Address]:
    found: dict[str, Address] = {}
    for channel, item in reader.mapping(value, "given.recipient.addresses", reader.channels).items():
        where = f"given.recipient.addresses.{channel}"
        row = reader.mapping(item, where, _ADDRESS) if isinstance(item, Mapping) else {"address": item}
        address = read_address({"address": "somewhere", **row})
        if address is not None:
            found[channel] = address
    return found


def _ranks(reader: Reader, value: object) -> dict[str, int]:
    ranks = reader.mapping(value, "given.recipient.ranks", reader.channels)
    return {channel: rank for channel, rank in ranks.items() if isinstance(rank, int) and not isinstance(rank, bool)}


def _consents(reader: Reader, value: object) -> tuple[ConsentRecord, ...] | None:
    if value is None:
        return None
    rows = reader.rows(value, "given.consents", _COLUMNS["consents"])
    for number, row in enumerate(rows, 1):
        reader.instants(row, f"given.consents[{number}]", "at", "expires_at")
    return tuple(read_consent(reader.ruleset, row, number) for number, row in enumerate(rows))


def _history(reader: Reader, value: object) -> tuple[SentRecord, ...] | None:
    if value is None:
        return None
    rows = reader.rows(value, "given.history", _COLUMNS["history"])
    for number, row in enumerate(rows, 1):
        reader.instants(row, f"given.history[{number}]", "at")
    return tuple(read_sent(reader.ruleset, row) for row in rows)


def _feedback(reader: Reader, value: object) -> tuple[FeedbackRecord, ...]:
    rows = [] if value is None else reader.rows(value, "given.feedback", _COLUMNS["feedback"])
    for number, row in enumerate(rows, 1):
        reader.instants(row, f"given.feedback[{number}]", "at")
    return tuple(read_feedback(row) for row in rows)


def _attributes(reader: Reader, value: object) -> dict[str, AttributeValue] | None:
    if value is None:
        return None
    known = reader.ruleset.attributes or None
    found: dict[str, AttributeValue] = {}
    for attribute, item in reader.mapping(value, "given.attributes", known).items():
        row = {"value": item}
        if isinstance(item, Mapping):
            keys = [key for key in _COLUMNS["attributes"] if key not in ("person", "attribute")]
            row = reader.mapping(item, f"given.attributes.{attribute}", keys)
            reader.instants(row, f"given.attributes.{attribute}", "collected_at")
        if attribute in reader.ruleset.attributes and reader.ruleset.attributes[attribute].type == "timestamp":
            reader.instant(row.get("value"), f"given.attributes.{attribute}")
        found[attribute] = read_attribute(reader.ruleset, row)
    return found
