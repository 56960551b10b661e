"""The send of a case or a hand-written one: a campaign of one message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from policykit.facts.content import KEYS as CONTENT
from policykit.facts.content import read_content
from policykit.facts.given_reader import Reader, Row, in_words
from policykit.facts.records import read_instant, read_text
from policykit.language.offers import offered, read_offers
from policykit.language.spans import is_number, parse_local
from policykit.model import Campaign, Content, LocalTime, Micros, Offers, Person, Prepared, Use, Variant
from policykit.vocabulary import CHANNELS, HELPS, MESSAGE_CLASSES, SENSITIVITIES

SEND = (
    "channel", "message_class", "purpose", "program", "campaign", "provider", "at", "zone", "not_after", "uses",
    "generic", "prepared", "helps", "need", "controller", "offers", "content", "delivers",
)  # fmt: skip
_GENERIC = ("uses", "content")
_USE = ("attribute", "recited", "selected", "strippable", "required")


def read_send(reader: Reader, send: Row, person: Person, channel: str | None, now: Micros) -> Campaign:
    """The campaign that a send stands for.

    channel: where it starts, None = as planned. now: its instant where it says none.
    """
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


def _moment(reader: Reader, value: object, where: str, zone: str | None) -> Micros | LocalTime | None:
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
    reader: Reader, send: Row, person: Person, channel: str | None, offers: Offers | None
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


def _content(reader: Reader, holder: Row, where: str) -> Content | None:
    if holder.get("content") is None:
        return None
    row = reader.mapping(holder["content"], f"{where}.content", CONTENT)
    return read_content(row, lambda message, way_out: reader.problem(f"`{where}.content`: {message}", way_out))


def _offers(reader: Reader, value: object) -> Offers | None:
    """The offers as a manifest would say them; None = unknown."""
    if value is None:
        return None
    before = len(reader.problems)
    row = reader.mapping(value, "given.send.offers", ("show", "personalised", "general"))
    show = row.get("show")
    if show is not None and (not isinstance(show, int) or isinstance(show, bool) or show < 0):
        reader.problem(f"`given.send.offers.show` is {in_words(show)}, expected a whole number")
    pools = {pool: _pool(reader, row.get(pool), pool) for pool in ("personalised", "general")}
    if len(reader.problems) > before:
        return None

    def _say(path: tuple[str | int, ...], message: str, way_out: str, code: str) -> None:
        reader.problem(f"`given.send.offers`: {message}", way_out, code)

    chosen = [name for each in pools["personalised"] for name in each["chosen_by"]]
    return read_offers({"show": show, **pools}, reader.ruleset.attributes or chosen, _say)


def _pool(reader: Reader, value: object, pool: str) -> list[dict[str, Any]]:
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


def _order(reader: Reader, send: Row, person: Person, channel: str | None) -> list[str]:
    listed = send.get("prepared")
    if listed is not None:
        if not isinstance(listed, Sequence) or isinstance(listed, str):
            reader.problem(f"`given.send.prepared` is {in_words(listed)}, expected a list of channels")
            return []
        found = [reader.one_of(each, "channel", reader.channels) for each in listed]
        return [each for each in found if each is not None]
    ranks = {**CHANNELS, **reader.ruleset.ranks, **person.ranks}
    others = sorted((each for each in person.addresses or () if each != channel), key=lambda each: -ranks.get(each, 0))
    return [*([channel] if channel else []), *others]


def _uses(reader: Reader, value: object, where: str) -> tuple[Use, ...] | None:
    if value is None:
        return None
    if not isinstance(value, Sequence) or isinstance(value, str):
        reader.problem(f"`{where}` is {in_words(value)}, expected a list of attributes")
        return None
    uses = {use.attribute: use for use in (_use(reader, item, where) for item in value) if use is not None}
    return tuple(uses[attribute] for attribute in sorted(uses))


def _use(reader: Reader, item: object, where: str) -> Use | None:
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
            reader.problem(f"`{key}` of `{attribute}` is {in_words(flag)}, expected `true` or `false`")
    selected = bool(flags["selected"])
    return Use(
        attribute,
        recited=None if "recited" in row and row["recited"] is None else bool(flags["recited"]),
        selected=selected,
        strippable=not selected if flags["strippable"] is None else bool(flags["strippable"]),
        required=bool(flags["required"]),
    )
