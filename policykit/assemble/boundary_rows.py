"""Instants and rows of relations next to where rules change their mind, written relative to a send."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, TypeAlias

from policykit.facts.zones import offset_at, zones
from policykit.ir.nodes import Counting, Months, Opening, Requirement
from policykit.ir.rules import RuleSet
from policykit.model import DAY, MINUTE, Micros, from_micros
from policykit.vocabulary import BASES, QUALITIES

Plain: TypeAlias = Any
Relative: TypeAlias = Callable[["Frame"], Plain]
OTHER = "another"


class _Nothing:
    """What is not given: unknown."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING: Final = _Nothing()


@dataclass(frozen=True, slots=True)
class Frame:
    """What parts of a send are written relative to: when and how it leaves."""

    at: Micros
    channel: str
    purpose: str | None
    program: str | None
    campaign: str | None
    controller: str | None


# --- instants ---------------------------------------------------------------------------------------


def iso(at: Micros) -> str:
    return from_micros(at).isoformat().replace("+00:00", "Z")


def ago(span: Micros) -> Relative:
    return lambda frame: iso(frame.at - span)


def _on_clock(day: Micros, minute: int, zone: str | None) -> Micros:
    """The instant of a minute of the day on a zone's clock, UTC for the recipient's."""
    local = day + minute * MINUTE
    return local - offset_at(zone, local) if zone in zones() and zone is not None else local


def edges(openings: Iterable[Opening], at: Micros, zone: str | None) -> Iterator[Micros]:
    """Every minute at which hours begin or end, and the one before, in the week of an instant."""
    midnight = at - at % DAY
    for opening in openings:
        for day in range(7):
            for minute in (opening.start, opening.start - 1, opening.end - 1, opening.end):
                yield _on_clock(midnight + day * DAY, minute, zone)


def hourly(at: Micros, zone: str | None) -> Iterator[Micros]:
    midnight = at - at % DAY
    yield from (_on_clock(midnight, hour * 60, zone) for hour in range(24))
    yield from (_on_clock(midnight + day * DAY, 12 * 60, zone) for day in range(7))


# --- relations ----------------------------------------------------------------------------------------

_GRANTED = DAY


def plain_grant(asked: Requirement) -> dict[str, Plain]:
    """A grant that has all that is asked for, but scope and age."""
    rungs = [rung for rung, _ in QUALITIES if asked.quality is None or rung in asked.quality]
    bases = [basis for basis in BASES if asked.bases is None or basis in asked.bases]
    return {"status": "given", "quality": (rungs or ["written"])[-1], "basis": (bases or ["consent"])[0],
            "evidence": "e1"}  # fmt: skip


def _scoped(grant: Mapping[str, Plain], ago: Micros = _GRANTED, **changed: Plain) -> Relative:
    def _of(frame: Frame) -> Plain:
        scope = {"program": frame.program} if frame.program else {"purpose": frame.purpose or "*"}
        row = {**grant, "channel": frame.channel, **scope, "at": iso(frame.at - ago), "controller": frame.controller,
               **changed}  # fmt: skip
        return [{key: value for key, value in row.items() if value is not None}]

    return _of


def grants(asked: Requirement) -> list[Relative]:
    """Ledgers of one grant: as asked for, and with one thing less."""
    whole = plain_grant(asked)
    found = [_scoped(whole)]
    found += [_scoped({**whole, "quality": rung}) for rung, _ in reversed(QUALITIES) if rung != whole["quality"]]
    found += [_scoped({**whole, "basis": basis}) for basis in BASES if basis != whole["basis"]]
    if isinstance(asked.max_age, Months):
        days = asked.max_age.count * 30
        found += [_scoped(whole, (days + step) * DAY) for step in range(-1, asked.max_age.count + 4)]
    elif asked.max_age is not None:
        found += [_scoped(whole, asked.max_age + step) for step in (-1, 0, 1)]
    found += [_scoped(whole, channel="email"), _scoped(whole, channel="*"), _scoped(whole, program=None, purpose="*")]
    found += [_scoped(whole, channel="*", program=None, purpose="*")]
    found += [_scoped(whole, defects=["bundled"]), _scoped(whole, evidence=None), _scoped(whole, controller=OTHER)]
    return found


def joining(program: str) -> Relative:
    """A ledger of one grant that names a program."""
    return lambda frame: [{"status": "given", "program": program, "channel": "*", "at": iso(frame.at - _GRANTED)}]


def refusing(attribute: str) -> Relative:
    """A ledger of one refusal of an attribute."""
    return lambda frame: [{"status": "refused", "attribute": attribute, "at": iso(frame.at - _GRANTED)}]


def offered(shown: int, personalised: int, chooser: str) -> Plain:
    """The offers of a message that shows so many, so many of them personalised, with enough general ones."""
    picked = [{"id": f"for-you-{number}", "chosen_by": [chooser]} for number in range(1, personalised + 1)]
    general = [{"id": f"for-all-{number}"} for number in range(1, shown + 1)]
    return {"show": shown, "personalised": picked, "general": general}


def refusals() -> list[Relative]:
    statuses = ("refused", "withdrawn", "objected", "revoked", "invalidated")

    def _of(status: str, channel: str | None, purpose: str | None) -> Relative:
        def _row(frame: Frame) -> Plain:
            return [{"status": status, "channel": channel or frame.channel, "purpose": purpose or frame.purpose or "*",
                     "at": iso(frame.at - _GRANTED)}]  # fmt: skip

        return _row

    return [_of(status, *scope) for status in statuses for scope in ((None, None), ("*", None), ("*", "*"))]


def sent(counting: Counting) -> Callable[[Frame], dict[str, Plain]]:
    """A row that counts."""

    def _row(frame: Frame) -> dict[str, Plain]:
        channels = sorted(counting.channels or ())
        channel = frame.channel if counting.this_channel or frame.channel in channels or not channels else channels[0]
        classes = sorted(counting.classes or ())
        row = {"channel": channel, "message_class": classes[0] if classes else "marketing",
               "campaign": frame.campaign or OTHER}  # fmt: skip
        return {key: value for key, value in row.items() if value is not None}

    return _row


def apart(rows: list[Callable[[Frame], dict[str, Plain]]]) -> list[Callable[[Frame], dict[str, Plain]]]:
    """Rows that count somewhere, and each with one thing different."""

    def _but(row: Callable[[Frame], dict[str, Plain]], **changed: str) -> Callable[[Frame], dict[str, Plain]]:
        return lambda frame: {**row(frame), **changed}

    others = [_but(row, **changed) for row in rows for changed in (
        {"message_class": "service"}, {"channel": "email"}, {"channel": "sms"}, {"campaign": "an-earlier-one"},
        {"message_class": "transactional"},
    )]  # fmt: skip
    return [*rows, *others]


def earlier(count: int, offset: Micros, row: Callable[[Frame], dict[str, Plain]]) -> Relative:
    return lambda frame: [{"at": iso(frame.at - offset), **row(frame)} for _ in range(count)]


# --- a whole send -----------------------------------------------------------------------------------------


def given_of(chosen: Mapping[tuple[str, ...], Plain], ruleset: RuleSet) -> tuple[dict[str, Plain], Micros]:
    """What a case would give, and its `now`, for one choice of values."""
    now: Micros = chosen[("now",)]
    plain = {path: value for path, value in chosen.items() if value is not NOTHING}
    frame = Frame(now, plain[("send", "channel")], plain.get(("send", "purpose")), plain.get(("send", "program")),
                  plain.get(("send", "campaign")), plain.get(("send", "controller")) or ruleset.controller)  # fmt: skip
    given: dict[str, Plain] = {"send": {}, "recipient": {}}
    for path, value in plain.items():
        if path[0] in ("send", "recipient", "attributes"):
            room = reduce(lambda at, key: at.setdefault(key, {}), path[:-1], given)
            room[path[-1]] = value(frame) if callable(value) else value
        elif path[0] == "content":
            given["send"].setdefault("content", {})[path[1]] = value
        elif path[0] in ("consents", "history"):
            given[path[0]] = value(frame) if callable(value) else value
    if "program" in given["send"]:
        given["send"].pop("purpose", None)
    address = {path[1]: value for path, value in plain.items() if path[0] == "address"}
    asked = {channel for rule in ruleset.rules for channel in rule.effect.channels or ()}
    channels = dict.fromkeys((frame.channel, "email", "in_app", *sorted(asked)))
    given["recipient"]["addresses"] = {channel: {"address": f"{channel}-address", **address} for channel in channels}
    if ("rank",) in plain:
        given["recipient"]["ranks"] = {frame.channel: plain[("rank",)]}
    value = {path[1]: each(frame) if callable(each) else each for path, each in plain.items() if path[0] == "value"}
    for use in given["send"].get("uses", ()) if value else ():
        given.setdefault("attributes", {}).setdefault(use["attribute"], {}).update(value)
    return given, now
