"""Audiences aimed at one setting: data files as texts, written by a seeded generator.

Every cell is drawn from a short list of values next to which an answer changes: the windows,
ages, expiries and openings of the policies counted back from the instants at which the send may
leave, ties in time, scopes above, beside and below the send's, and texts nobody can read.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

from policykit.model import DAY, HOUR, MINUTE, LocalTime, from_micros
from policykit.vocabulary import BASES, DEFECTS, DEGREES, GRANTS, ORIGINS, REFUSALS
from tests.laws.oracle_compile import yaml_of
from tests.laws.strategies import (
    ATTRIBUTES,
    CONTROLLERS,
    EXTRA_FACTS,
    PROGRAMS,
    PURPOSES,
    TYPED,
    Setting,
    Tables,
    planned,
    utc,
)

Row = dict[str, str | None]

ZONES = (
    "Europe/Paris", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu",
    "Pacific/Apia", "Africa/Casablanca", "UTC", "Etc/GMT+12", "Europe/London",
)  # fmt: skip
BAD_ZONES = ("Mars/Base", "europe/paris", "Paris", "", "+02:00", "CET/CEST")
QUALITY = ("implied_ebr", "soft_opt_in", "single_opt_in", "double_opt_in", "written")
# Instants as people write them: some are read, some are not; nothing may be read by one engine only.
SPELT = (
    "2026-03-02T07:00:00Z", "2026-03-02 07:00:00Z", "2026-03-02T07:00Z", "2026-03-02T08:00:00+0100",
    "2026-03-02T07:00:00.5Z", "2026-03-02T07:00:00.1234567Z", "2026-03-02T07:00:00,5Z", "20260302T070000Z",
    "2026-W10-1T07:00:00Z", "2026-03-02T24:00:00Z", "2026-02-30T07:00:00Z", "2026-03-02T07:00:60Z",
    "2026-03-02t07:00:00z",
    "2026-03-02T07Z", "2026-03-02T07:00:00+01", "2026-03-02T07:00:00-00:00", "2026-03-02T07:00:00+25:00",
    "1772434800000000", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", " 2026-03-02T07:00:00Z", "now",
    "infinity",
    "2026-03-02T07:00:00 Z", "2026-03-02T07:00:00+01:00:30", "+2026-03-02T07:00:00Z", "\u0968026-03-02T07:00:00Z",
)  # fmt: skip
NUMBERS = (
    "7",
    "+7",
    "007",
    "7 ",
    "7.0",
    "7e0",
    "1_000",
    "\u0667",
    "9223372036854775808",
    "-9223372036854775808",
    "0x7",
)
FLAGS = ("true", "false", "TRUE", "True", "1", "yes", "t", " true")
IDS = ("007", "7", "ünïcode", "日本", "O'Hara", "a,b", 'say "hi"', "x y", "☃", "NULL", "null", "-1", "1e3", "true")


def iso(at: int) -> str:
    return from_micros(at).isoformat()


class Aims:
    """Instants and spans next to which some policy of the setting changes its mind."""

    def __init__(self, setting: Setting) -> None:
        campaign = setting.campaign
        self.at = campaign.at if campaign.at is not None else planned(campaign)
        said = yaml_of(list(setting.policies))
        units = {"minute": MINUTE, "hour": HOUR, "day": DAY}
        found = re.findall(r"(\d+) (minute|hour|day|month)s?\b", said)
        self.months = sorted({int(count) for count, unit in found if unit == "month"}) or [12]
        self.spans = sorted({int(count) * units[unit] for count, unit in found if unit != "month"}) or [DAY]
        self.clocks = sorted({(int(h), int(m)) for h, m in re.findall(r"'(\d\d):(\d\d)'", said)}) or [(8, 0)]
        self.calendar = "calendar:" in said
        self.leaving: dict[str, tuple[int, ...]] = {}
        self.edges: dict[str, tuple[int, ...]] = {}

    def leaves(self, zone: str) -> tuple[int, ...]:
        """When the send may leave somebody in the zone: mostly as planned, at times at one of the next openings."""
        if zone not in self.leaving:
            starts = self._planned(zone)
            day = from_micros(starts[0]).astimezone(_place(zone)).replace(minute=0, second=0, microsecond=0)
            openings = [
                _micros((day + timedelta(days=ahead)).replace(hour=hour % 24, minute=minute))
                for ahead in (0, 1)
                for hour, minute in self.clocks
            ]
            self.leaving[zone] = (*starts * (2 * len(openings)), *openings)
        return self.leaving[zone]

    def _planned(self, zone: str) -> list[int]:
        if not isinstance(self.at, LocalTime):
            return [self.at]
        local = datetime.fromisoformat(self.at.at).replace(tzinfo=_place(self.at.zone or zone))
        return [_micros(local), _micros(local.replace(fold=1))]

    def calendars(self, zone: str) -> tuple[int, ...]:
        """First instants of the local day, week and month of the send and of the next, in zones policies name."""
        if zone not in self.edges:
            found = set()
            for name in (zone, "Europe/Paris", "America/Santiago"):
                local = from_micros(self._planned(zone)[0]).astimezone(_place(name))
                day = local.replace(hour=0, minute=0, second=0, microsecond=0)
                monday, first = day - timedelta(days=day.weekday()), day.replace(day=1)
                ends = (
                    day + timedelta(days=1),
                    monday + timedelta(days=7),
                    (first + timedelta(days=32)).replace(day=1),
                )
                found |= {_micros(edge.replace(fold=fold)) for edge in (day, monday, first, *ends) for fold in (0, 1)}
            self.edges[zone] = tuple(sorted(found))
        return self.edges[zone]


@cache
def _place(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")


def _micros(at: datetime) -> int:
    return round((at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def months_before(at: int, count: int, rng: Random) -> int:
    """An instant that `count` months later, clamped to month end, is `at` or nearly."""
    then = from_micros(at)
    month = then.year * 12 + then.month - 1 - count
    year, month = divmod(month, 12)
    last = calendar.monthrange(year, month + 1)[1]
    day = min(then.day, last) if rng.random() < 0.6 else rng.choice((last, last - 1, min(then.day, last)))
    return _micros(then.replace(year=year, month=month + 1, day=day))


class Writer:
    """Writes the audience of one setting; `rng` is the only source of chance."""

    def __init__(self, setting: Setting, rng: Random) -> None:
        self.setting, self.rng = setting, rng
        campaign = setting.campaign
        self.aims = Aims(setting)
        self.channels = [prepared.channel for prepared in campaign.prepared]
        programs = {program["id"]: program["purpose"] for program in setting.registry["programs"]}
        self.purpose = campaign.purpose or programs.get(campaign.program or "")
        self.joins = any(policy["kind"] == "program" for policy in setting.policies)

    def pick(self, *values: str | None) -> str | None:
        return self.rng.choice(values)

    # --- instants -------------------------------------------------------------------------------

    def near(self, at: int) -> int:
        return at + self.rng.choice((0, 0, 0, 1, -1, MINUTE, -MINUTE))

    def aim(self, zone: str) -> int:
        return self.rng.choice(self.aims.leaves(zone))

    def before(self, zone: str) -> int:
        """An instant an age or a window before the send."""
        at = self.aim(zone)
        if self.rng.random() < 0.4:
            return self.near(months_before(at, self.rng.choice(self.aims.months), self.rng))
        return self.near(at - self.rng.choice(self.aims.spans))

    def moment(self, zone: str, seen: Sequence[int]) -> int:
        """The instant of a ledger row: tied with an earlier one, at the known-at, at an age, or long ago."""
        chance = self.rng.random()
        if seen and chance < 0.35:
            return self.rng.choice(seen) + self.rng.choice((0, 0, 0, 1, -1))
        if chance < 0.5:
            return self.near(self.setting.now)
        if chance < 0.9:
            return self.before(zone)
        return utc("2020-02-29T12:00:00")

    # --- people ---------------------------------------------------------------------------------

    def people(self, count: int) -> list[Row]:
        rows: list[Row] = []
        for index in range(count):
            text = IDS[index] if index < len(IDS) else f"p-{index}"
            rows.append(self.person(text))
        most = self.rng.choice((1, 2, 2, 4))
        for _ in range(count // 6 if most > 1 else 0):
            twin = dict(self.rng.choice(rows))
            if sum(row["id"] == twin["id"] for row in rows) < most:
                if self.rng.random() < 0.5:
                    twin = {**self.person(twin["id"] or ""), "id": twin["id"]}
                rows.insert(self.rng.randrange(len(rows) + 1), twin)
        return rows

    def person(self, identity: str) -> Row:
        zone = self.rng.choice(ZONES if self.rng.random() < 0.88 else BAD_ZONES)
        row: Row = {
            "id": identity,
            "country": self.pick("FR", "DE", "US", "fr", "", None),
            "language": self.pick("fr", "en-GB", ""),
            "zone": zone or None,
            "age": self.pick("16", "17", "17", "18", "18", "19", "", "old", "18.5", *NUMBERS[:8]),
            "account_type": self.pick("consumer", "business", ""),
            "customer": self.pick("true", "false", "true", "false", "", *FLAGS),
            "last_purchase_at": iso(self.before(zone)) if self.rng.random() < 0.8 else self.pick("", "lately", *SPELT),
            "degree": self.pick(*(member for member, _ in DEGREES), "Inferred", ""),
            "tolerance": self.pick("0", "40", "65", "70", "75", "100", "", "low"),
        }
        for fact in EXTRA_FACTS:
            row[fact.column] = self.rng.choice(fact.texts)
        for channel in self.channels:
            row[f"rank.{channel}"] = self.pick("0", "40", "65", "66", "90", *[""] * 9, "high")
            row[f"address.{channel}"] = self.pick(*[f"{channel}-1"] * 7, "")
            row[f"address.{channel}.shared"] = self.pick("true", "false", "", "maybe")
        for name in ATTRIBUTES:
            row[f"attributes.{name}"] = self.value(name)
        return row

    def value(self, attribute: str) -> str | None:
        """The text of a value, now and then one that its type does not allow."""
        kind = TYPED.get(attribute, "string")
        texts = {"int": NUMBERS, "bool": FLAGS, "timestamp": SPELT}.get(kind, ("crib", "ünïcode ☃", " ", "NULL"))
        return self.pick("7", "true", self.rng.choice(texts), self.rng.choice(texts), "", None)

    def addresses(self, people: Sequence[Mapping[str, str | None]]) -> list[Row]:
        return [
            {
                "person": person, "channel": channel, "address": self.pick(*["x-1"] * 9, ""),
                "shared": self.pick("true", "false", "", "maybe"),
                "origin": self.pick(*(member for member, _ in ORIGINS), "", "found"),
                "permission": self.pick("r1", ""),
                "suppressed": self.pick("true", "false", "false", "false", "", "maybe"),
            }
            for person in unique(people)
            for channel in self.channels
            if self.rng.random() < 0.95
        ]  # fmt: skip

    # --- ledgers --------------------------------------------------------------------------------

    def consents(self, people: Sequence[Mapping[str, str | None]]) -> list[Row]:
        rows: list[Row] = []
        for person in [*unique(people), "somebody else"]:
            zone, seen = zone_of(people, person), []
            for _ in range(self.rng.choice((0, 1, 2, 2, 3, 4))):
                at = self.moment(zone, seen)
                seen.append(at)
                rows.append(self.consent(f"c{len(rows)}", person, at, zone))
            if self.rng.random() < 0.35:
                rows += self.change_of_mind(f"c{len(rows)}", person, zone)
            if self.rng.random() < 0.4:
                rows += self.about_one_thing(f"c{len(rows)}", person, zone)
            if self.joins and self.rng.random() < 0.7:
                rows += self.membership(f"c{len(rows)}", person, zone)
        return rows

    def change_of_mind(self, identity: str, person: str, zone: str) -> list[Row]:
        """Refusals and grants of one scope or one nearby, one after the other, some at the same instant."""
        first = self.consent(identity, person, self.moment(zone, ()), zone)
        at = self.setting.now - self.rng.choice((HOUR, DAY, 60 * DAY))
        rows = []
        for turn, status in enumerate(self.rng.choice((REFUSALS[:2], REFUSALS[1:3], ("renewed", "refused"))) * 3):
            at += self.rng.choice((0, 0, 1, MINUTE))
            shown = status if self.rng.random() < 0.5 else "given"
            row = {**first, "id": f"{identity}.{turn}", "status": shown, "at": iso(at), "expires_at": None}
            if self.rng.random() < 0.4:
                row["channel"] = self.pick("*", *self.channels[:2])
            if self.rng.random() < 0.3:
                row["quality"] = self.pick(*QUALITY)
            if self.rng.random() < 0.2:
                row["expires_at"] = iso(self.near(self.aim(zone)))
            rows.append(row)
        return rows

    def about_one_thing(self, identity: str, person: str, zone: str) -> list[Row]:
        """Refusals and grants of one attribute, or of something nobody registered, some at the same instant."""
        about = self.pick(*ATTRIBUTES, "shoe_size")
        at = self.near(self.setting.now - self.rng.choice((0, HOUR, DAY)))
        rows = []
        for turn in range(self.rng.choice((1, 1, 2, 3))):
            row = self.consent(f"{identity}.{turn}", person, at, zone)
            row |= {"attribute": about, "status": self.pick(*REFUSALS[:3], *GRANTS, "No", ""), "at": iso(at)}
            if self.rng.random() < 0.6:
                row |= {"channel": self.pick("*", "*", ""), "purpose": self.pick("*", "*", ""), "program": None}
            if row["status"] in GRANTS and self.rng.random() < 0.6:
                row["quality"] = "written"
            rows.append(row)
            at += self.rng.choice((0, 1, 1, HOUR, -1))
        return rows

    def membership(self, identity: str, person: str, zone: str) -> list[Row]:
        """Joining a program and, now and then, leaving it: at once, on one channel, from above, unreadably."""
        program = self.rng.choice(PROGRAMS)
        at = self.near(self.setting.now - self.rng.choice((0, HOUR, DAY, 30 * DAY)))
        join: Row = {**self.consent(identity, person, at, zone), "program": program, "status": self.pick(*GRANTS),
                     "at": iso(at), "channel": self.pick("*", "*", *self.channels[:2], "fax", "")}  # fmt: skip
        if self.rng.random() < 0.4:
            join["expires_at"] = iso(self.near(self.aim(zone)))
        if self.rng.random() < 0.5:
            return [join]
        above = self.pick(program, program, None)
        leave: Row = {**join, "id": f"{identity}.left", "status": self.pick(*REFUSALS, "Left", ""), "program": above,
                      "at": iso(at + self.rng.choice((0, 0, 1, -1, HOUR))), "expires_at": None,
                      "channel": self.pick("*", "*", "", "fax", *self.channels[:1])}  # fmt: skip
        if above is None:
            leave["purpose"] = self.pick("*", "", "marketing", *PURPOSES, "pigeon.post")
        return [join, leave]

    def consent(self, identity: str, person: str, at: int, zone: str) -> Row:
        """A record that mostly covers the send on its first channels, and often is what policies ask for."""
        campaign, often = self.setting.campaign, self.rng.random() < 0.75
        above = ["*", *ancestors(self.purpose)] if self.purpose else ["*"]
        other = self.rng.choice(PURPOSES)
        expiry = self.pick(*[None] * 5, iso(self.near(self.aim(zone))), iso(self.near(self.aim(zone))),
                           iso(self.setting.now), "never")  # fmt: skip
        program = campaign.program if campaign.program and self.rng.random() < 0.5 else None
        return {
            "id": identity,
            "person": person,
            "status": self.pick(*GRANTS * 4, *REFUSALS, "requested", "expired", "Given", ""),
            "channel": self.pick(*self.channels[:2], *self.channels[:2], "*", "*", "*", *self.channels, "fax", ""),
            "purpose": self.pick(*above) if often else self.pick(other, "pigeon.post", "", None),
            "program": program if often else self.pick(program, self.rng.choice(PROGRAMS), "gone", ""),
            "quality": self.pick(*QUALITY, *QUALITY, "none", "assumed", "sworn", ""),
            "basis": self.pick(
                "consent", "consent", "consent", "legitimate_interest", self.rng.choice(BASES), "because", ""
            ),
            "at": iso(at) if self.rng.random() < 0.94 else self.pick("", "yesterday", *SPELT),
            "expires_at": expiry,
            "defects": self.pick(*[""] * 8, *DEFECTS, "pre_ticked|bundled", "odd"),
            "evidence": self.pick("form 1", "form 1", ""),
            "controller": self.pick(*CONTROLLERS, ""),
            "attribute": None,
        }

    def history(self, people: Sequence[Mapping[str, str | None]]) -> list[Row]:
        rows: list[Row] = []
        for person in [*unique(people), "somebody else"]:
            zone = zone_of(people, person)
            for _ in range(self.rng.choice((0, 1, 1, 2, 2, 3, 4))):
                at = self.aim(zone) + self.rng.choice((-1, -1, -1, 1)) * self.rng.choice((0, *self.aims.spans))
                if self.aims.calendar and self.rng.random() < 0.5:
                    at = self.rng.choice(self.aims.calendars(zone))
                rows.append(self.sent(person, at + self.rng.choice((0, 0, 0, 1, -1, MINUTE))))
        return rows

    def sent(self, person: str, at: int) -> Row:
        return {
            "person": person,
            "at": iso(at) if self.rng.random() < 0.94 else self.pick("", "then", *SPELT),
            "channel": self.pick(*self.channels[:2] * 2, *self.channels, "email", "push", "fax", ""),
            "message_class": self.pick(*["marketing"] * 6, "service", "transactional", "odd", ""),
            "campaign": self.pick(self.setting.campaign.id, "other", ""),
        }

    def feedback(self, people: Sequence[Mapping[str, str | None]]) -> list[Row]:
        """About half of the people told something back; some of it only after now."""
        now = self.setting.now
        return [
            {
                "person": person, "id": f"f{number}", "kind": "too_personal", "channel": "", "campaign": "",
                "at": iso(now + self.rng.choice((-DAY, -1, 0, 0, 1, DAY))) if self.rng.random() < 0.9 else
                      self.pick("", "then"),
                "lower_tolerance": self.pick("", "0", "5", "20", "40", "-5", "some", str(2**63 - 1)),
                "degree": self.pick("", "", "", *(member for member, _ in DEGREES), "none"),
            }
            for number, person in enumerate([*unique(people), *unique(people), "somebody else"])
            if self.rng.random() < 0.4
        ]  # fmt: skip

    def attributes(self, people: Sequence[Mapping[str, str | None]], names: Iterable[str]) -> list[Row]:
        chosen = tuple(names)
        return [
            {
                "person": person, "attribute": name, "value": self.value(name),
                "origin": self.pick(*(member for member, _ in ORIGINS), "", "", "", "found"),
                "collected_for": self.pick("", "", self.purpose, "marketing", "analytics|marketing", "pigeon.post",
                                           "marketing|pigeon.post"),
                "collected_at": iso(self.before(zone_of(people, person))) if self.rng.random() < 0.8 else
                                self.pick("", "once"),
                "permission": self.pick("r1", ""),
            }
            for person in unique(people)
            for name in chosen
            if self.rng.random() < 0.7
        ]  # fmt: skip


def unique(people: Sequence[Mapping[str, str | None]]) -> list[str]:
    return list(dict.fromkeys(row["id"] or "" for row in people))


def zone_of(people: Sequence[Mapping[str, str | None]], person: str) -> str:
    return next((row["zone"] or "UTC" for row in people if row["id"] == person), "UTC")


def ancestors(key: str) -> list[str]:
    parts = key.split(".")
    return [".".join(parts[:size]) for size in range(1, len(parts) + 1)]


def audience(setting: Setting, seed: int, count: int = 150) -> Tables:
    """The data files of one audience; some relations and columns are not supplied at all."""
    rng = Random(seed)
    writer = Writer(setting, rng)
    people = writer.people(count)
    addresses = writer.addresses(people) if rng.random() < 0.4 else None
    consents = writer.consents(people) if rng.random() < 0.93 else None
    history = writer.history(people) if rng.random() < 0.93 else None
    # An empty JSONL file has no columns, and a file without columns is refused.
    told = [name for name in ATTRIBUTES if rng.random() < 0.6] or [*ATTRIBUTES[:1]]
    attributes = writer.attributes(people, told) if rng.random() < 0.7 else None
    feedback = writer.feedback(people) if rng.random() < 0.5 else None
    absent = {name for name in people[0] if name != "id" and rng.random() < 0.04}
    if addresses is not None:
        absent |= {name for name in people[0] if name.startswith("address.")}
    if attributes is not None:
        absent |= {f"attributes.{name}" for name in told}
    elif rng.random() < 0.2:
        absent |= {f"attributes.{name}" for name in ATTRIBUTES}
    rows = tuple({name: cell for name, cell in row.items() if name not in absent} for row in people)
    return Tables(
        rows,
        *(
            tuple(table) if table is not None else None
            for table in (addresses, consents, history, attributes, feedback)
        ),
    )
