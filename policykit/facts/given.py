"""A send and a person written by hand, as in cases and `explain --send`: facts not given are unknown.

Relations follow the columns of data files. A key nobody knows is an error, with what was meant; a
value that cannot be read is unknown, as it would be in data. A number for an instant is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from policykit.errors import Place, Problem, UsageError
from policykit.facts.content import KEYS as CONTENT
from policykit.facts.content import read_content
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
from policykit.ir.rules import RuleSet
from policykit.language.offers import offered, read_offers
from policykit.language.spans import NUMBER_WAY_OUT, is_number, parse_local, parse_span
from policykit.language.suggest import did_you_mean
from policykit.model import (
    Address,
    AttributeValue,
    Campaign,
    ConsentRecord,
    Content,
    FeedbackRecord,
    LocalTime,
    Micros,
    Offers,
    Person,
    Prepared,
    SentRecord,
    Use,
    Variant,
)
from policykit.vocabulary import CHANNELS, HELPS, MESSAGE_CLASSES, RELATIONS, SENSITIVITIES, FactSpec, Vocabulary

Row: TypeAlias = Mapping[str, object]

_SECTIONS = ("send", "recipient", "facts", "consents", "history", "attributes", "feedback")
_SEND = (
    "channel", "message_class", "purpose", "program", "campaign", "provider", "at", "zone", "not_after", "uses",
    "generic", "prepared", "helps", "need", "controller", "offers", "content", "delivers",
)  # fmt: skip
_GENERIC = ("uses", "content")
_USE = ("attribute", "recited", "selected", "strippable", "required")
_ADDRESS = ("address", "shared", "origin", "permission", "suppressed")
_COLUMNS = {relation.name: tuple(column.name for column in relation.columns) for relation in RELATIONS}


@dataclass(frozen=True, slots=True)
class Given:
    """What a case or a hand-written send stands for. channel: where it starts, None = as planned."""

    campaign: Campaign
    person: Person
    channel: str | None


@dataclass(slots=True)
class _Reader:
    ruleset: RuleSet
    vocabulary: Vocabulary
    place: Place | None
    problems: list[Problem] = field(default_factory=list)

    def problem(self, message: str, help: str | None = None, code: str = "given.value") -> None:  # noqa: A002  # its name
        self.problems.append(Problem(self.place, message, help, code))

    def mapping(self, value: object, where: str, keys: Iterable[str] | None = None) -> dict[str, object]:
        """A mapping with no other keys than those known, empty when nothing is given; anything else is a problem."""
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.problem(f"`{where}` is {_a(value)}, expected a mapping")
            return {}
        known = tuple(keys) if keys is not None else None
        for key in value:
            if known is not None and key not in known:
                listed = ", ".join(f"`{each}`" for each in known)
                self.problem(
                    f"unknown key `{key}` in `{where}`{did_you_mean(key, known)}", f"known are {listed}", "given.key"
                )
        return {str(key): item for key, item in value.items()}

    def rows(self, value: object, where: str, keys: Iterable[str]) -> list[dict[str, object]]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            self.problem(f"`{where}` is {_a(value)}, expected a list")
            return []
        known = tuple(key for key in keys if key != "person")
        return [self.mapping(item, where, known) for item in value]

    def instants(self, row: Row, where: str, *keys: str) -> None:
        """Refuses numbers for instants; data may hold microseconds, a person who writes `2026` means the year."""
        for key in keys:
            self.instant(row.get(key), f"{where}.{key}")

    def instant(self, value: object, where: str) -> None:
        if is_number(value):
            self.problem(f"`{where}` is the number `{value}`, which is no instant", NUMBER_WAY_OUT)

    def one_of(self, value: object, where: str, known: Iterable[str]) -> str | None:
        options = tuple(known)
        if value is None or value in options:
            return value if isinstance(value, str) else None
        self.problem(f"unknown {where} `{value}`{did_you_mean(value, options)}")
        return None


def read_given(ruleset: RuleSet, vocabulary: Vocabulary, given: Row, now: Micros, place: Place | None = None) -> Given:
    """The campaign and the person that `given` describes.

    now: the instant of the send when none is given. Raises `UsageError` with every problem.
    """
    reader = _Reader(ruleset, vocabulary, place)
    top = reader.mapping(given, "given", _SECTIONS)
    send = reader.mapping(top.get("send"), "given.send", _SEND)
    person = _person(reader, top)
    channel = reader.one_of(send.get("channel"), "channel", _channels(ruleset))
    campaign = _campaign(reader, send, person, channel, now)
    if reader.problems:
        raise UsageError(reader.problems)
    return Given(campaign, person, channel)


def _channels(ruleset: RuleSet) -> tuple[str, ...]:
    return tuple({**CHANNELS, **ruleset.ranks})


# --- the send ---------------------------------------------------------------------------------------


def _campaign(reader: _Reader, send: Row, person: Person, channel: str | None, now: Micros) -> Campaign:
    zone, offers = read_text(send.get("zone")), _offers(reader, send.get("offers"))
    return Campaign(
        id=read_text(send.get("campaign")),
        prepared=_prepared(reader, send, person, channel, offers),
        at=_moment(reader, send["at"], "given.send.at", zone) if send.get("at") is not None else now,
        message_class=reader.one_of(send.get("message_class"), "message class", MESSAGE_CLASSES) or "marketing",
        purpose=reader.one_of(send.get("purpose"), "purpose", reader.ruleset.purposes or (str(send.get("purpose")),)),
        program=reader.one_of(send.get("program"), "program", reader.ruleset.programs),
        controller=read_text(send.get("controller")),
        not_after=_moment(reader, send.get("not_after"), "given.send.not_after", zone),
        helps=reader.one_of(send.get("helps"), "help", HELPS),
        need=read_text(send.get("need")),
        delivers=read_text(send.get("delivers")),
        offers=offers,
    )


def _moment(reader: _Reader, value: object, where: str, zone: str | None) -> Micros | LocalTime | None:
    """An instant, or a wall-clock moment where `zone` says whose clock is meant."""
    if value is None:
        return None
    if is_number(value):
        reader.instant(value, where)
        return None
    at = read_instant(value)
    local = parse_local(value)
    if at is None and local is not None and zone is not None:
        return LocalTime(local, None if zone == "recipient" else zone)
    if at is None:
        help_ = "write an offset, e.g. `2026-03-02T10:00:00+01:00`, or add `zone: recipient`"
        reader.problem(f"`{where}` is `{value}`, expected an instant with an offset", help_)
    return at


def _prepared(
    reader: _Reader, send: Row, person: Person, channel: str | None, offers: Offers | None
) -> tuple[Prepared, ...]:
    """Every channel has the same content; without a list, the start and then the person's other channels."""
    content = Variant(_uses(reader, send.get("uses"), "given.send.uses"), _content(reader, send, "given.send"))
    generic = send.get("generic")
    variant = None
    if generic not in (None, False):
        body = reader.mapping(generic if generic is not True else {"uses": []}, "given.send.generic", _GENERIC)
        held = _content(reader, body, "given.send.generic")
        variant = Variant(_uses(reader, body.get("uses"), "given.send.generic.uses"), held)
    provider = read_text(send.get("provider"))
    order = _order(reader, send, person, channel)
    return offered((Prepared(each, provider, content, variant) for each in order), offers)


def _content(reader: _Reader, holder: Row, where: str) -> Content | None:
    if holder.get("content") is None:
        return None
    row = reader.mapping(holder["content"], f"{where}.content", CONTENT)
    return read_content(row, lambda message, way_out: reader.problem(f"`{where}.content`: {message}", way_out))


def _offers(reader: _Reader, value: object) -> Offers | None:
    """The offers as a manifest would say them; None = unknown."""
    if value is None:
        return None
    before = len(reader.problems)
    row = reader.mapping(value, "given.send.offers", ("show", "personalised", "general"))
    show = row.get("show")
    if show is not None and (not isinstance(show, int) or isinstance(show, bool) or show < 0):
        reader.problem(f"`given.send.offers.show` is {_a(show)}, expected a whole number")
    pools = {pool: _pool(reader, row.get(pool), pool) for pool in ("personalised", "general")}
    if len(reader.problems) > before:
        return None

    def _say(path: tuple[str | int, ...], message: str, way_out: str, code: str) -> None:
        reader.problem(f"`given.send.offers`: {message}", way_out, code)

    chosen = [name for each in pools["personalised"] for name in each["chosen_by"]]
    return read_offers({"show": show, **pools}, reader.ruleset.attributes or chosen, _say)


def _pool(reader: _Reader, value: object, pool: str) -> list[dict[str, Any]]:
    keys = ("id", "text", "chosen_by", "reveals") if pool == "personalised" else ("id", "text")
    rows = [] if value is None else reader.rows(value, f"given.send.offers.{pool}", keys)
    for row in rows:
        picked = row.get("chosen_by")
        if not isinstance(row.get("id"), str):
            reader.problem(f"an offer in `{pool}` has no id", "write `{id: crib, ...}`")
        if pool == "personalised" and not _are_names(picked):
            reader.problem("a personalised offer does not say what picked it", "write `chosen_by: [attribute]`")
        reader.one_of(row.get("reveals"), "sensitivity", dict(SENSITIVITIES))
    return rows


def _are_names(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(name, str) for name in value)


def _order(reader: _Reader, send: Row, person: Person, channel: str | None) -> list[str]:
    listed = send.get("prepared")
    if listed is not None:
        if not isinstance(listed, Sequence) or isinstance(listed, str):
            reader.problem(f"`given.send.prepared` is {_a(listed)}, expected a list of channels")
            return []
        found = [reader.one_of(each, "channel", _channels(reader.ruleset)) for each in listed]
        return [each for each in found if each is not None]
    ranks = {**CHANNELS, **reader.ruleset.ranks, **person.ranks}
    others = sorted((each for each in person.addresses or () if each != channel), key=lambda each: -ranks.get(each, 0))
    return [*([channel] if channel else []), *others]


def _uses(reader: _Reader, value: object, where: str) -> tuple[Use, ...] | None:
    if value is None:
        return None
    if not isinstance(value, Sequence) or isinstance(value, str):
        reader.problem(f"`{where}` is {_a(value)}, expected a list of attributes")
        return None
    uses = {use.attribute: use for use in (_use(reader, item, where) for item in value) if use is not None}
    return tuple(uses[attribute] for attribute in sorted(uses))


def _use(reader: _Reader, item: object, where: str) -> Use | None:
    row = {"attribute": item} if isinstance(item, str) else reader.mapping(item, where, _USE)
    attribute = row.get("attribute")
    if not isinstance(attribute, str):
        reader.problem(f"a use in `{where}` names no attribute", "write `{attribute: basket, recited: true}`")
        return None
    if reader.ruleset.attributes:
        reader.one_of(attribute, "attribute", reader.ruleset.attributes)
    flags = {key: row.get(key) for key in _USE[1:]}
    for key, flag in flags.items():
        if flag is not None and not isinstance(flag, bool):
            reader.problem(f"`{key}` of `{attribute}` is {_a(flag)}, expected `true` or `false`")
    selected = bool(flags["selected"])
    return Use(
        attribute,
        recited=None if "recited" in row and row["recited"] is None else bool(flags["recited"]),
        selected=selected,
        strippable=not selected if flags["strippable"] is None else bool(flags["strippable"]),
        required=bool(flags["required"]),
    )


# --- the person ---------------------------------------------------------------------------------------


def _whole(vocabulary: Vocabulary, key: str) -> str:
    """The path of a fact of the person, written with or without the room it is in."""
    spec = vocabulary.get(key)
    return key if spec and spec.column else f"recipient.{key}"


def _person(reader: _Reader, top: Row) -> Person:
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


def _fact(reader: _Reader, path: str, value: object) -> bool | int | float | str | None:
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


def _addresses(reader: _Reader, value: object) -> dict[str, Address]:
    found: dict[str, Address] = {}
    for channel, item in reader.mapping(value, "given.recipient.addresses", _channels(reader.ruleset)).items():
        where = f"given.recipient.addresses.{channel}"
        row = reader.mapping(item, where, _ADDRESS) if isinstance(item, Mapping) else {"address": item}
        address = read_address({"address": "somewhere", **row})
        if address is not None:
            found[channel] = address
    return found


def _ranks(reader: _Reader, value: object) -> dict[str, int]:
    ranks = reader.mapping(value, "given.recipient.ranks", _channels(reader.ruleset))
    return {channel: rank for channel, rank in ranks.items() if isinstance(rank, int) and not isinstance(rank, bool)}


def _consents(reader: _Reader, value: object) -> tuple[ConsentRecord, ...] | None:
    if value is None:
        return None
    rows = reader.rows(value, "given.consents", _COLUMNS["consents"])
    for number, row in enumerate(rows, 1):
        reader.instants(row, f"given.consents[{number}]", "at", "expires_at")
    return tuple(read_consent(reader.ruleset, row, number) for number, row in enumerate(rows))


def _history(reader: _Reader, value: object) -> tuple[SentRecord, ...] | None:
    if value is None:
        return None
    rows = reader.rows(value, "given.history", _COLUMNS["history"])
    for number, row in enumerate(rows, 1):
        reader.instants(row, f"given.history[{number}]", "at")
    return tuple(read_sent(reader.ruleset, row) for row in rows)


def _feedback(reader: _Reader, value: object) -> tuple[FeedbackRecord, ...]:
    rows = [] if value is None else reader.rows(value, "given.feedback", _COLUMNS["feedback"])
    for number, row in enumerate(rows, 1):
        reader.instants(row, f"given.feedback[{number}]", "at")
    return tuple(read_feedback(row) for row in rows)


def _attributes(reader: _Reader, value: object) -> dict[str, AttributeValue] | None:
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


def _a(value: object) -> str:
    match value:
        case None:
            return "empty"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return f"`{value}`"
