"""Made-up people: who they are, what they allowed, what they were sent, what is known of them.

Each person comes from the dice of their own number, so the first thousand of 20,000 people are
the thousand of 1,000. Shares are per mille and chosen so that a dry run looks like a real one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from policykit.demo.dice import Dice

Row = tuple[str, ...]

PEOPLE: Row = ("customer_no", "country", "zone", "language", "customer", "degree", "tolerance")
ADDRESSES: Row = ("person", "channel", "address", "shared", "suppressed")
CONSENTS: Row = (
    "id", "person", "status", "channel", "purpose", "program", "quality", "at", "expires_at", "defects", "evidence",
    "controller",
)  # fmt: skip
HISTORY: Row = ("person", "at", "channel", "message_class", "campaign")
ATTRIBUTES: Row = ("person", "attribute", "value", "origin", "collected_for", "collected_at", "permission")

_SEND = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)  # ten in Paris, when `basket` leaves
_LAST_YES = datetime(2026, 11, 1, tzinfo=UTC)  # consents end here, so that every clock since then sees them

_PLACES = (
    (("FR", "Europe/Paris", "fr"), 389), (("DE", "Europe/Berlin", "de"), 200), (("ES", "Europe/Madrid", "es"), 120),
    (("GB", "Europe/London", "en"), 90), (("PT", "Europe/Lisbon", "pt"), 60), (("FI", "Europe/Helsinki", "fi"), 80),
    (("GR", "Europe/Athens", "el"), 50), (("FR", "Europe/Pariss", "fr"), 3), (("DE", "CET+1", "de"), 3),
    (("", "", "en"), 5),
)  # fmt: skip
_NAMES = (
    "Ana", "Ben", "Chloé", "Dimitri", "Eeva", "Farid", "Greta", "Hugo", "Inês", "Jonas", "Katri", "Léa", "Marta",
    "Nuno", "Olga", "Pekka",
)  # fmt: skip
_TOWNS = ("Lyon", "Leipzig", "Sevilla", "Leeds", "Porto", "Tampere", "Patras", "Nantes", "Bonn", "Vigo")
_BASKETS = ("blue phone", "pair of headphones", "charger", "tablet", "watch", "router")
_MOVING = ("in December", "in January", "next week", "in spring")
_DEGREES = (
    ("observed", 480), ("derived", 190), ("inferred", 280), ("provided", 25), ("contextual", 8), ("generic", 6),
    ("", 8), ("all of it", 3),
)  # fmt: skip
_TOLERANCES = (("120", 480), ("100", 320), ("90", 150), ("75", 27), ("50", 10), ("30", 4), ("", 9))
_QUALITIES = (("double_opt_in", 500), ("single_opt_in", 320), ("soft_opt_in", 155), ("implied_ebr", 25))
_STRANGERS = (("double_opt_in", 600), ("single_opt_in", 350), ("soft_opt_in", 50))
_DEFECTS = (("", 975), ("pre_ticked", 12), ("bundled", 9), ("bundled|conditional", 4))
_BATCH = 1000
_SHARED = (("false", 968), ("true", 22), ("", 10))


@dataclass
class Tables:
    """The rows of every file, without headers."""

    people: list[Row] = field(default_factory=list)
    addresses: list[Row] = field(default_factory=list)
    consents: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    attributes: list[Row] = field(default_factory=list)


def make_people(count: int) -> Iterator[Tables]:
    """So many people, a thousand at a time: however many there are, few are held at once."""
    records = itertools.count(1)
    for first in range(1, count + 1, _BATCH):
        tables = Tables()
        for number in range(first, min(first + _BATCH, count + 1)):
            _make_person(tables, number, f"p{number:06d}", Dice(number), records)
        yield tables


def _make_person(tables: Tables, number: int, person: str, dice: Dice, records: Iterator[int]) -> None:
    country, zone, language = dice.weighed(_PLACES)
    customer = dice.weighed((("true", 870), ("false", 118), ("", 12)))
    degree, tolerance = dice.weighed(_DEGREES), dice.weighed(_TOLERANCES)
    name = dice.pick(_NAMES)
    tables.people.append((person, country, zone, language, customer, degree, tolerance))
    tables.addresses.extend(_addresses(dice, number, person))
    for row in _consents(dice, person, stranger=customer == "false"):
        tables.consents.append((f"c{next(records):06d}", *row))
    tables.history.extend(_history(dice, person))
    tables.attributes.extend(_attributes(dice, person, name))


def _addresses(dice: Dice, number: int, person: str) -> Iterator[Row]:
    """Nearly everybody has mail, most have the app, many a number. Some of it bounced."""
    bounced = "true" if number % 211 == 0 else "false"
    if dice.chance(780):
        yield (person, "push", f"token-{number:06d}", dice.weighed((("false", 985), ("true", 8), ("", 7))), bounced)
    if dice.chance(880):
        yield (person, "sms", f"+9990{number:07d}", dice.weighed(_SHARED), "false")
    if dice.chance(975):
        yield (person, "email", f"person.{number:06d}@example.com", dice.weighed(_SHARED), bounced)
    if dice.chance(780):
        yield (person, "in_app", f"account-{number:06d}", "false", "false")


def _consents(dice: Dice, person: str, *, stranger: bool) -> Iterator[Row]:
    """Rows without their id: grants by channel, then what was taken back."""
    oldest = 170 if stranger else 700
    if dice.chance(955):
        quality = dice.weighed(_STRANGERS if stranger else _QUALITIES)
        yield _grant(dice, person, "email", quality, _days_before(dice, _LAST_YES, oldest))
    if dice.chance(740):
        quality = dice.weighed((("single_opt_in", 700), ("double_opt_in", 290), ("assumed", 10)))
        yield _grant(dice, person, "push", quality, _days_before(dice, _LAST_YES, 740))
    if dice.chance(720):
        quality = dice.weighed((("single_opt_in", 750), ("double_opt_in", 230), ("soft_opt_in", 20)))
        yield _grant(dice, person, "sms", quality, _days_before(dice, _LAST_YES, 700))
    if dice.chance(60):
        yield _grant(dice, person, "*", "written", _days_before(dice, _LAST_YES, 700))
    if dice.chance(80):
        channel = dice.pick(("sms", "email"))
        yield _grant(dice, person, channel, "double_opt_in", _days_before(dice, _LAST_YES, 200), program="new-home")
    if dice.chance(120):
        status, channel, purpose = dice.weighed((
            (("refused", "push", "*"), 300), (("refused", "sms", "*"), 250), (("withdrawn", "email", "*"), 150),
            (("withdrawn", "*", "marketing.communications"), 180), (("objected", "*", "*"), 70),
            (("refused", "", ""), 50),
        ))  # fmt: skip
        at = _LAST_YES - timedelta(minutes=dice.below(60 * 24 * 90))
        yield (person, status, channel, purpose, "", "", _text(at), "", "", "", "acme")


def _grant(dice: Dice, person: str, channel: str, quality: str, at: datetime, program: str = "") -> Row:
    purpose = "" if program else "marketing.communications"
    ends = _text(at + timedelta(days=365)) if dice.chance(40) else ""
    evidence = f"form-{dice.below(10**6):06d}" if dice.chance(900) else ""
    defects = dice.weighed(_DEFECTS)
    return (person, "given", channel, purpose, program, quality, _text(at), ends, defects, evidence, "acme")


def _history(dice: Dice, person: str) -> Iterator[Row]:
    """Past weeks at random hours, and a few sends that are already planned."""
    for _ in range(dice.weighed(((0, 330), (1, 330), (2, 220), (3, 90), (4, 30)))):
        at = _SEND - timedelta(minutes=dice.below(60 * 24 * 16))
        channel = dice.weighed((("email", 560), ("push", 250), ("sms", 150), ("in_app", 30), ("", 10)))
        kind = dice.weighed((("marketing", 800), ("transactional", 190), ("", 10)))
        yield (person, _text(at), channel, kind, dice.pick(("autumn", "news", "orders")))
    if dice.chance(40):
        yield (person, _text(_SEND + timedelta(hours=1 + dice.below(5))), "sms", "marketing", "news")


def _attributes(dice: Dice, person: str, name: str) -> Iterator[Row]:
    """What is known, with where this value came from; empty fields are as registered."""
    said = _days_before(dice, _LAST_YES, 900)
    yield (person, "first_name", name, dice.weighed((("", 992), ("purchased", 6), ("hearsay", 2))), "", _text(said), "")
    limits = dice.weighed((("", 940), ("essential.service", 55), ("whatever", 5)))
    yield (person, "home_town", dice.pick(_TOWNS), "", limits, _text(said), "")
    yield _basket(dice, person)
    yield _aisle(dice, person)
    yield _moving(dice, person)
    if dice.chance(150):
        origin = dice.weighed((("", 940), ("inferred", 45), ("hearsay", 15)))
        yield (person, "step_free", "true", origin, "", _text(said), "")


def _basket(dice: Dice, person: str) -> Row:
    fresh = timedelta(minutes=5 + dice.below(54))
    usual = timedelta(minutes=200 + dice.below(60 * 24 * 26))
    old = timedelta(days=31 + dice.below(30))
    seen = dice.weighed(((fresh, 12), (usual, 966), (old, 16), (None, 6)))
    value = dice.pick(_BASKETS) if dice.chance(985) else ""
    permission = f"w{dice.below(10**6):06d}" if dice.chance(986) else ""
    return (person, "basket", value, "", "", _text(_SEND - seen) if seen else "", permission)


def _aisle(dice: Dice, person: str) -> Row:
    origin = dice.weighed((("", 900), ("inferred", 97), ("hearsay", 3)))
    limits = dice.weighed((("", 960), ("analytics", 36), ("whatever", 4)))
    seen = _SEND - timedelta(minutes=200 + dice.below(60 * 24 * 26))
    permission = f"w{dice.below(10**6):06d}" if dice.chance(940) else ""
    aisle = dice.pick(("phones", "accessories", "tablets"))
    return (person, "favourite_aisle", aisle, origin, limits, _text(seen), permission)


def _moving(dice: Dice, person: str) -> Row:
    """Most people told us; of some we saw it in the pages they visited, of a few somebody sold it to us."""
    origin = dice.weighed((("provided", 800), ("observed", 185), ("purchased", 8), ("hearsay", 7)))
    seen = _SEND - timedelta(minutes=150 + dice.below(60 * 24 * 28))
    permission = f"w{dice.below(10**6):06d}" if origin != "provided" and dice.chance(800) else ""
    return (person, "moving", dice.pick(_MOVING), origin, "", _text(seen), permission)


def _days_before(dice: Dice, end: datetime, days: int) -> datetime:
    return end - timedelta(minutes=dice.below(60 * 24 * days))


def _text(at: datetime) -> str:
    return f"{at.isoformat()[:19]}Z"
