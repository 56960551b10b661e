"""The fact row (M1, M3, M9): every leaf from a person's record, what is absent unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pytest

from policykit.facts.row import _READERS, Sight, State, deadline, derive, fact, leaf_value, planned_at, rank, uses_of
from policykit.ir.nodes import (
    LEAVES,
    Allowed,
    AttributeCollectedAt,
    AttributeCollectedFor,
    AttributeOrigin,
    AttributePermission,
    ConsentMet,
    ConsentWasMet,
    Counting,
    Fact,
    Hours,
    Leaf,
    LocalPart,
    Member,
    Opening,
    Present,
    Requirement,
    Sends,
    Type,
    UseCollectedFor,
    UseFact,
    UseLeaf,
    UseOrigin,
    Value,
    Window,
)
from policykit.ir.rows import FactRow
from policykit.ir.rules import RuleSet
from policykit.model import (
    DAY,
    UNREADABLE,
    Address,
    Attribute,
    AttributeValue,
    Campaign,
    ConsentRecord,
    LocalTime,
    Person,
    Prepared,
    Program,
    SentRecord,
    Use,
    Variant,
    to_micros,
)


def micros(text: str) -> int:
    return to_micros(datetime.fromisoformat(text))


NOW = micros("2026-03-02T12:00:00Z")
VISITS = Attribute(
    "visits", "user.behavior", "observed", ("marketing.communications",), "behavioural", lineage=("visits",)
)
TASTE = Attribute(
    "taste", "user.interests", "inferred", ("marketing",), "behavioural", lineage=("taste", "visits"),
    disclosed_as="what you like", controller="acme", type="int",
)  # fmt: skip
RULES = RuleSet(
    (), (), attributes={"visits": VISITS, "taste": TASTE}, controller="acme", ranks={"push": 66},
    programs={"new-home": Program("new-home", "marketing.communications")},
)  # fmt: skip
SPRING = Campaign(
    "spring",
    (
        Prepared("push", "fcm", Variant((Use("taste", recited=True), Use("visits", selected=True))), Variant(())),
        Prepared("email", content=Variant(None)),
    ),
    at=NOW,
    purpose="marketing.communications",
)
ADA = Person("ada", facts={"recipient.zone": "Europe/Paris", "recipient.age": 41})


def sight(person: Person = ADA, campaign: Campaign = SPRING, rules: RuleSet = RULES) -> Sight:
    return Sight(rules, campaign, person, NOW)


def value(
    leaf: Leaf, person: Person = ADA, campaign: Campaign = SPRING, channel: str = "push", rules: RuleSet = RULES
) -> Value:
    return leaf_value(sight(person, campaign, rules), State(channel, at=NOW), leaf)


def use_values(leaf: UseLeaf, person: Person = ADA, campaign: Campaign = SPRING) -> list[Value]:
    rules = replace(RULES, use_leaves=(leaf,))
    row = derive(rules, campaign, person, "push", False, frozenset(), NOW, NOW)
    assert row.uses is not None
    return [use[0] for use in row.uses]


# --- facts of the send and the person -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "type_", "expected"),
    [
        ("send.channel", Type.STRING, "push"), ("send.message_class", Type.STRING, "marketing"),
        ("send.purpose", Type.STRING, "marketing.communications"), ("send.program", Type.STRING, None),
        ("send.campaign", Type.STRING, "spring"), ("send.provider", Type.STRING, "fcm"),
        ("send.controller", Type.STRING, "acme"), ("send.at", Type.TIMESTAMP, NOW), ("send.rank", Type.INT, 66),
        ("send.generic", Type.BOOL, False), ("send.helps", Type.STRING, ""), ("send.need", Type.STRING, ""),
        ("recipient.id", Type.STRING, "ada"), ("recipient.age", Type.INT, 41), ("recipient.country", Type.STRING, None),
        ("recipient.zone", Type.STRING, "Europe/Paris"), ("consent.status", Type.STRING, None),
        ("send.address.shared", Type.BOOL, None),
    ],
)  # fmt: skip
def test_facts_by_path(path: str, type_: Type, expected: Value) -> None:
    assert value(Fact(path, type_)) == expected


@pytest.mark.parametrize(
    ("path", "type_", "said"),
    [
        ("recipient.age", Type.INT, "41"), ("recipient.age", Type.INT, True), ("recipient.age", Type.INT, 41.0),
        ("recipient.age", Type.INT, 2**63), ("recipient.customer", Type.BOOL, 1),
        ("recipient.x", Type.DOUBLE, float("nan")), ("recipient.x", Type.DOUBLE, float("inf")),
        ("recipient.x", Type.DOUBLE, 1), ("recipient.country", Type.STRING, 33),
        ("recipient.degree", Type.STRING, "whatever"), ("recipient.zone", Type.STRING, "europe/paris"),
        ("recipient.country", Type.STRING, "fr"), ("recipient.country", Type.STRING, "UK"),
        ("recipient.region", Type.STRING, "fl"), ("recipient.region", Type.STRING, "US-FL"),
        ("recipient.region", Type.STRING, "Florida"), ("recipient.region", Type.STRING, "FL "),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_unknown(path: str, type_: Type, said: Value) -> None:
    assert value(Fact(path, type_), Person("p", facts={path: said})) is None


def test_what_is_assumed_fills_what_is_unknown_and_nothing_else() -> None:
    rules = replace(
        RULES,
        assume={
            "recipient.country": "FR",
            "recipient.degree": "provided",
            "send.address.shared": False,
            "recipient.zone": "UTC",
        },
    )
    odd = Person("p", facts={"recipient.degree": "whatever", "recipient.country": "DE", "recipient.zone": "Mars/Base"})

    assert value(Fact("recipient.country", Type.STRING), rules=rules) == "FR"
    assert value(Fact("recipient.country", Type.STRING), odd, rules=rules) == "DE"
    assert value(Fact("recipient.degree", Type.STRING), odd, rules=rules) == "provided"
    assert value(Fact("send.address.shared", Type.BOOL), odd, rules=rules) is False
    assert value(LocalPart("hours"), odd, rules=rules) == 12


def test_the_address_is_that_of_the_channel_judged() -> None:
    ada = replace(
        ADA, addresses={"push": Address("t", shared=True, origin="nowhere", permission=False), "email": Address("a")}
    )

    assert value(Fact("send.address.shared", Type.BOOL), ada) is True
    assert value(Fact("send.address.origin", Type.STRING), ada) is None
    assert value(Fact("send.address.permission", Type.BOOL), ada) is False
    assert value(Fact("send.address.shared", Type.BOOL), ada, channel="email") is None


def test_a_program_says_the_purpose() -> None:
    joined = replace(SPRING, program="new-home", purpose=None)

    assert value(Fact("send.purpose", Type.STRING), campaign=joined) == "marketing.communications"


def test_own_rank_then_the_companys_then_the_usual() -> None:
    assert rank(sight(replace(ADA, ranks={"push": 1})), "push") == 1
    assert rank(sight(), "push") == 66
    assert rank(sight(), "email") == 40
    assert rank(sight(), "pigeon") is None


# --- relations: absent is unknown, empty is none --------------------------------------------------------


def test_a_relation_that_was_not_supplied_is_unknown_and_an_empty_one_is_not() -> None:
    nobody = replace(ADA, consents=(), history=(), attributes={})
    leaves: Mapping[Leaf, tuple[Value, Value]] = {
        ConsentMet(Requirement()): (None, False),
        ConsentWasMet(Requirement()): (None, False),
        Member("consent.refused_for", "everything"): (None, False),
        Fact("consent.status", Type.STRING): (None, "missing"),
        Sends(Window(rolling=DAY), Counting()): (None, 0),
        AttributePermission("taste"): (None, False),
    }

    assert {leaf: (value(leaf), value(leaf, nobody)) for leaf in leaves} == leaves


def test_without_a_purpose_consent_is_unknown_whatever_the_ledger_says() -> None:
    objected = replace(ADA, consents=(ConsentRecord("r", "objected", at=NOW),))
    aimless = replace(SPRING, purpose=None)

    assert value(Member("consent.refused_for", "everything"), objected, aimless) is None
    assert value(ConsentMet(Requirement()), objected, aimless) is None


def test_history_is_counted_for_the_channel_judged() -> None:
    ada = replace(ADA, history=(SentRecord(NOW - 1, "push"), SentRecord(NOW - 1, "email"), SentRecord(NOW - 1)))
    sends = Sends(Window(rolling=DAY), Counting(this_channel=True))

    assert value(sends, ada) == 2
    assert value(sends, ada, channel="sms") == 1


def test_local_time_is_the_recipients_or_that_of_a_zone() -> None:
    hours = Hours((Opening(frozenset(range(7)), 13 * 60, 14 * 60),))
    lost = replace(ADA, facts={})

    assert (value(Allowed(hours)), value(Allowed(hours), lost)) == (True, None)
    assert (value(LocalPart("hours")), value(LocalPart("hours"), lost)) == (13, None)
    assert value(LocalPart("day_of_week", "Asia/Tokyo"), lost) == 1
    assert value(LocalPart("month", "UTC"), lost) == 2


# --- attributes and their provenance ---------------------------------------------------------------------


def with_taste(**said: object) -> Person:
    return replace(ADA, attributes={"taste": AttributeValue("7", **said)})  # type: ignore[arg-type]


def test_provenance_is_the_registrys_until_the_value_says_otherwise() -> None:
    leaf = AttributeOrigin("taste", "inferred")

    assert value(leaf) is True
    assert value(leaf, with_taste()) is True
    assert value(leaf, with_taste(origin="provided")) is False
    assert value(leaf, with_taste(origin=UNREADABLE)) is None
    assert value(AttributeOrigin("nobody", "inferred")) is None


def test_purposes_likewise_and_a_parent_covers() -> None:
    leaf = AttributeCollectedFor("taste", "marketing.communications")

    assert value(leaf) is True
    assert value(leaf, with_taste(collected_for=("marketing.advertising",))) is False
    assert value(leaf, with_taste(collected_for=())) is False
    assert value(leaf, with_taste(collected_for=(UNREADABLE,))) is None
    assert value(AttributeCollectedFor("visits", "marketing")) is False


def test_when_and_under_what_a_value_was_collected() -> None:
    assert value(AttributeCollectedAt("taste")) is None
    assert value(AttributeCollectedAt("taste"), with_taste(collected_at=NOW - DAY)) == NOW - DAY
    assert value(AttributePermission("taste"), with_taste(permission="r1")) is True
    assert value(AttributePermission("taste"), with_taste(permission="")) is False


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("7", 7),
        ("007", 7),
        ("-1", -1),
        ("7.0", None),
        ("", None),
        (None, None),
        ("1e3", None),
        ("\u0667", None),
        (str(2**63), None),
    ],
)
def test_a_value_is_read_as_registered(text: str | None, read: Value) -> None:
    ada = replace(ADA, attributes={"taste": AttributeValue(text)})

    assert value(Fact("attributes.taste", Type.INT), ada) == read


def test_origins_of_a_use_are_those_of_all_its_inputs() -> None:
    assert use_values(UseOrigin("observed")) == [True, True]
    assert use_values(UseOrigin("inferred")) == [True, False]
    bought = replace(ADA, attributes={"visits": AttributeValue(None, origin="purchased")})
    assert use_values(UseOrigin("purchased"), bought) == [True, True]
    unread = replace(ADA, attributes={"visits": AttributeValue(None, origin=UNREADABLE)})
    assert use_values(UseOrigin("observed"), unread) == [None, None]
    assert use_values(UseOrigin("inferred"), unread) == [True, None]


def test_purposes_of_a_use_are_those_of_it_and_every_input() -> None:
    assert use_values(UseCollectedFor("marketing")) == [False, False]
    assert use_values(UseCollectedFor("marketing.communications")) == [True, True]
    assert use_values(UseCollectedFor(None)) == [True, True]
    assert use_values(UseCollectedFor(None), campaign=replace(SPRING, purpose=None)) == [None, None]
    elsewhere = replace(ADA, attributes={"visits": AttributeValue(None, collected_for=("sales",))})
    assert use_values(UseCollectedFor(None), elsewhere) == [False, False]


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (UseFact("attribute", Type.STRING), ["taste", "visits"]),
        (UseFact("category", Type.STRING), ["user.interests", "user.behavior"]),
        (UseFact("sensitivity", Type.STRING), ["behavioural", "behavioural"]),
        (UseFact("controller", Type.STRING), ["acme", None]),
        (UseFact("recited", Type.BOOL), [True, False]),
        (UseFact("selected", Type.BOOL), [False, True]),
        (UseFact("disclosed", Type.BOOL), [True, False]),
        (UseFact("permission", Type.BOOL), [True, False]),
        (UseFact("known", Type.BOOL), [True, False]),
        (UseFact("age", Type.DURATION), [DAY, None]),
    ],
)
def test_fields_of_a_use(leaf: UseFact, expected: list[Value]) -> None:
    assert use_values(leaf, with_taste(permission="r1", collected_at=NOW - DAY)) == expected


def test_an_attribute_nobody_registered_has_unknown_fields() -> None:
    campaign = replace(SPRING, prepared=(Prepared("push", content=Variant((Use("ghost"),))),))

    for leaf in (
        UseOrigin("observed"),
        UseCollectedFor("marketing"),
        UseFact("sensitivity", Type.STRING),
        UseFact("disclosed", Type.BOOL),
    ):
        assert use_values(leaf, campaign=campaign) == [None]


def test_every_class_of_leaves_is_read() -> None:
    assert set(_READERS) == set(LEAVES)


def test_texts_of_an_added_fact_are_those_it_may_hold() -> None:
    rules = replace(RULES, members={"recipient.tier": ("gold", "silver")})
    tier = Fact("recipient.tier", Type.STRING)

    assert value(tier, Person("p", facts={"recipient.tier": "gold"}), rules=rules) == "gold"
    assert value(tier, Person("p", facts={"recipient.tier": "golden"}), rules=rules) is None


# --- rows -----------------------------------------------------------------------------------------------


def test_a_stripped_use_is_not_in_the_row() -> None:
    state = State("push", stripped=frozenset({"taste"}), at=NOW)
    rules = replace(
        RULES, leaves=(Present("taste"), Present("visits")), use_leaves=(UseFact("attribute", Type.STRING),)
    )

    row = derive(rules, SPRING, ADA, "push", False, state.stripped, NOW, NOW)

    assert row == FactRow((False, True), (("visits",),), ("visits",))
    assert uses_of(SPRING, state) == (Use("visits", selected=True),)


def test_uses_are_those_of_the_channel_and_variant() -> None:
    assert derive(RULES, SPRING, ADA, "push", True, frozenset(), NOW, NOW) == FactRow((), (), ())
    assert derive(RULES, SPRING, ADA, "email", False, frozenset(), NOW, NOW) == FactRow(())
    assert derive(RULES, SPRING, ADA, "sms", False, frozenset(), NOW, NOW) == FactRow(())


def test_later_records_are_not_seen() -> None:
    ada = replace(ADA, consents=(ConsentRecord("g", "given", "*", "*", "written", at=NOW),))
    rules = replace(RULES, leaves=(ConsentMet(Requirement()),))

    assert derive(rules, SPRING, ada, "push", False, frozenset(), NOW, NOW).values == (True,)
    assert derive(rules, SPRING, ada, "push", False, frozenset(), NOW, NOW - 1).values == (False,)


def test_plans_and_deadlines() -> None:
    local = replace(SPRING, at=LocalTime("2026-03-02T10:00"), not_after=LocalTime("2026-03-03T10:00", "UTC"))

    assert planned_at(sight(campaign=local)) == micros("2026-03-02T10:00+01:00")
    assert deadline(sight(campaign=local), NOW) == micros("2026-03-03T10:00Z")
    assert deadline(sight(), NOW) == NOW + 7 * DAY
    assert planned_at(sight(Person("p"), local)) is None


def test_zone_of_the_recipient_is_asked_once_and_assumed_alike() -> None:
    assert fact(sight(), State("push"), "recipient.zone", Type.STRING) == "Europe/Paris"
    assert sight(Person("p", facts={"recipient.zone": "Mars/Base"})).zone is None
