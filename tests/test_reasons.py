"""What one policy says of one send: outcome, code, and the facts that are missing (M3)."""

# ruff: noqa: E501  # one line per row reads as a table

from __future__ import annotations

from dataclasses import replace

import pytest

from policykit.facts.row import Sight, State
from policykit.ir.nodes import (
    TRUE,
    Allowed,
    And,
    AttributeCollectedAt,
    Compare,
    ConsentMet,
    Const,
    Counting,
    ExistsUse,
    Expr,
    Fact,
    Hours,
    LocalPart,
    Member,
    Not,
    Opening,
    Or,
    Requirement,
    Sends,
    Type,
    UseCollectedFor,
    UseFact,
    UseOrigin,
    Window,
)
from policykit.ir.rules import Effect, Rule, RuleSet
from policykit.model import (
    DAY,
    UNREADABLE,
    Attribute,
    AttributeValue,
    Campaign,
    Person,
    Prepared,
    Use,
    Variant,
)
from policykit.reasons import Told, missing_facts, tell

NOW = 20_000 * DAY
RULES = RuleSet(
    (), (),
    attributes={
        "visits": Attribute("visits", None, "observed", ("marketing",), "behavioural", lineage=("visits",)),
        "taste": Attribute("taste", "user", "inferred", ("marketing",), "behavioural", lineage=("taste", "visits")),
    },
)  # fmt: skip
CAMPAIGN = Campaign(
    "spring", (Prepared("push", content=Variant((Use("taste", recited=None),))),), NOW, purpose="marketing"
)
KNOWN = Person("ada", {"recipient.zone": "UTC", "recipient.age": 41}, {}, {}, (), (), {})
STATE = State("push", at=NOW)
OPEN = Hours((Opening(frozenset(range(7)), 0, 1440),))


def rule(breached: Expr, applies: Expr = TRUE, code: str = "rule.breached") -> Rule:
    return Rule("p", "rule", And((applies, breached)), Effect("block"), Const(code, Type.STRING), applies=applies)


def missing(expr: Expr, person: Person = KNOWN, campaign: Campaign = CAMPAIGN, state: State = STATE) -> tuple[str, ...]:
    return missing_facts(Sight(RULES, campaign, person, NOW), state, rule(expr))


def at_least_one(leaf: Expr) -> Expr:
    return Compare(">=", leaf, Const(1, Type.INT))


COUNT = at_least_one(Sends(Window(rolling=DAY), Counting()))
THIS_WEEK = at_least_one(Sends(Window(calendar="week"), Counting()))
THIS_CAMPAIGN = at_least_one(Sends(Window(rolling=DAY), Counting(this_campaign=True)))
COUNTRY = Compare("==", Fact("recipient.country", Type.STRING), Const("FR", Type.STRING))
AGE = Compare(">", UseFact("age", Type.DURATION), Const(DAY, Type.DURATION))


@pytest.mark.parametrize(
    ("expr", "lacks", "names"),
    [
        (Not(ConsentMet(Requirement())), {"consents": None}, ("consents",)),
        (Member("consent.refused_for", "purpose"), {"consents": None}, ("consents",)),
        (Compare("==", Fact("consent.status", Type.STRING), Const("given", Type.STRING)), {"consents": None}, ("consents",)),
        (COUNT, {"history": None}, ("history",)),
        (THIS_WEEK, {"history": None, "facts": {}}, ("history", "recipient.zone")),
        (THIS_WEEK, {"facts": {"recipient.zone": "Mars/Base"}}, ("recipient.zone",)),
        (Not(Allowed(OPEN)), {"facts": {}}, ("recipient.zone",)),
        (at_least_one(LocalPart("hours")), {"facts": {}}, ("recipient.zone",)),
        (COUNTRY, {}, ("recipient.country",)),
        (Or((TRUE, COUNTRY)), {}, ("recipient.country",)),
        (Compare("==", Fact("attributes.taste", Type.STRING), Const("x", Type.STRING)), {}, ("attributes.taste",)),
        (Compare("<", AttributeCollectedAt("taste"), Const(NOW, Type.TIMESTAMP)), {}, ("attributes.taste",)),
        (ExistsUse(AGE), {}, ("attributes.taste",)),
        (ExistsUse(UseFact("permission", Type.BOOL)), {"attributes": None}, ("attributes.taste",)),
        (ExistsUse(UseFact("recited", Type.BOOL)), {}, ("uses",)),
        (ExistsUse(UseOrigin("observed")), {"attributes": {"visits": AttributeValue(None, UNREADABLE)}}, ("attributes.visits",)),
        (ExistsUse(UseCollectedFor(None)), {"attributes": {"visits": AttributeValue(None, None, (UNREADABLE,))}}, ("attributes.visits",)),
        (ExistsUse(UseOrigin("observed")), {}, ()),
    ],
)  # fmt: skip
def test_missing_facts_have_the_names_an_author_knows(
    expr: Expr, lacks: dict[str, object], names: tuple[str, ...]
) -> None:
    assert missing(expr, replace(KNOWN, **lacks)) == names  # type: ignore[arg-type]


def test_what_the_campaign_does_not_say_is_missing_from_the_send() -> None:
    bare = replace(CAMPAIGN, id=None, purpose=None, prepared=(Prepared("push"),))

    assert missing(Not(ConsentMet(Requirement())), campaign=bare) == ("send.purpose",)
    assert missing(THIS_CAMPAIGN, campaign=bare) == ("send.campaign",)
    assert missing(ExistsUse(UseOrigin("observed")), campaign=bare) == ("uses",)
    assert missing(ExistsUse(UseCollectedFor(None)), campaign=replace(CAMPAIGN, purpose=None)) == ("send.purpose",)
    assert missing(Not(Allowed(OPEN)), state=State("push")) == ("send.at",)
    assert missing(ExistsUse(AGE), state=State("push")) == ("attributes.taste", "send.at")
    dated = replace(KNOWN, attributes={"taste": AttributeValue("x", collected_at=NOW)})
    assert missing(ExistsUse(AGE), dated, state=State("push")) == ("send.at",)


def test_the_four_outcomes() -> None:
    adult = Compare(">=", Fact("recipient.age", Type.INT), Const(18, Type.INT))
    sight = Sight(RULES, CAMPAIGN, KNOWN, NOW)
    facts = (("recipient.age", 41),)

    assert tell(sight, STATE, rule(Not(adult))) == Told("p", "met", None, (), facts)
    assert tell(sight, STATE, rule(adult, code="age.high")) == Told("p", "breached", "age.high", (), facts)
    assert tell(sight, STATE, rule(adult, applies=Not(adult))) == Told("p", "silent", None, (), facts)
    assert tell(sight, STATE, rule(COUNTRY)) == Told(
        "p", "unknown", "fact.unknown", ("recipient.country",), (("recipient.country", None),)
    )


def test_a_policy_that_may_not_apply_and_is_not_breached_is_met() -> None:
    adult = Compare(">=", Fact("recipient.age", Type.INT), Const(18, Type.INT))

    assert tell(Sight(RULES, CAMPAIGN, KNOWN, NOW), STATE, rule(Not(adult), applies=COUNTRY)).outcome == "met"
