"""Cases: sends written by hand, judged, and held against what was expected."""

# ruff: noqa: E501  # one line per case reads as a table

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from policykit.cases import run_cases
from policykit.errors import InvalidPolicies, Place, UsageError
from policykit.facts.given import read_given
from policykit.ir.nodes import (
    Allowed,
    And,
    Compare,
    ConsentMet,
    Const,
    Counting,
    ExistsUse,
    Expr,
    Fact,
    Hours,
    If,
    In,
    Member,
    Not,
    Opening,
    Requirement,
    Sends,
    Type,
    UseCollectedFor,
    UseOrigin,
    Window,
)
from policykit.ir.rules import Effect, Rule, RuleSet
from policykit.ir.walk import leaves_of, use_leaves_of
from policykit.model import (
    DAY,
    FOREVER,
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
from policykit.reports.cases import CaseOutcome, Coverage
from policykit.vocabulary import FactSpec, Vocabulary


def micros(text: str) -> int:
    return to_micros(datetime.fromisoformat(text))


NOW = micros("2026-03-02T10:00:00+01:00")
HERE = Place("policies/push.cases.yaml", 7, 5)
WORDS = Vocabulary([FactSpec("recipient.tier", "string", "level of the loyalty programme")])


@dataclass(frozen=True)
class Case:
    expect: Mapping[str, object]
    given: Mapping[str, object] = field(default_factory=dict)
    policy: str | None = None
    name: str = "a case"
    now: int | None = NOW
    place: Place = HERE


MARKETING = Compare("==", Fact("send.message_class", Type.STRING), Const("marketing", Type.STRING))
ASKED = ConsentMet(Requirement(quality=frozenset({"double_opt_in"})))


def rule(policy: str, kind: str, breach: Expr, effect: Effect, applies: Expr = MARKETING, **more: object) -> Rule:
    reason = more.pop("reason", Const(f"{kind}.breached", Type.STRING))
    return Rule(policy, kind, And((applies, breach)), effect, reason, applies=applies, **more)  # type: ignore[arg-type]


PUSH = And((MARKETING, In(Fact("send.channel", Type.STRING), ("push", "web_push"))))
DAYTIME = Hours((Opening(frozenset(range(7)), 8 * 60, 21 * 60),))
NOT_FOR_THIS = Not(UseCollectedFor(None))
RULES = (
    rule("by-invitation", "consent", Not(ASKED), Effect("channel"), PUSH,
         reason=If(Member("consent.refused_for", "everything"), Const("consent.refused", Type.STRING),
                   Const("consent.missing", Type.STRING))),
    rule("daytime", "quiet_hours", Not(Allowed(DAYTIME)), Effect("send_at"), hours=DAYTIME),
    rule("collected-for-this", "purpose", ExistsUse(NOT_FOR_THIS), Effect("uses"), use_breached=And((MARKETING, NOT_FOR_THIS))),
    rule("one-a-day", "frequency", Compare(">=", Sends(Window(rolling=DAY), Counting()), Const(1, Type.INT)), Effect("block")),
)  # fmt: skip


def ruleset(*rules: Rule) -> RuleSet:
    exprs = [expr for each in rules for expr in (each.breached, each.use_breached, each.reason) if expr is not None]
    return RuleSet(
        rules=tuple(sorted(rules, key=lambda each: each.policy)),
        leaves=tuple({leaf for expr in exprs for leaf in leaves_of(expr)}),
        use_leaves=tuple({leaf for expr in exprs for leaf in use_leaves_of(expr)}),
        attributes={
            "basket": Attribute("basket", None, "observed", ("marketing.communications",), None, lineage=("basket",)),
            "taste": Attribute("taste", None, "inferred", ("marketing",), None, lineage=("basket", "taste")),
        },
        programs={"new-home": Program("new-home", "marketing.communications")},
        purposes=("marketing", "marketing.communications", "sales"),
    )


SET = ruleset(*RULES)
GRANT = {
    "status": "given", "channel": "email", "purpose": "marketing.communications", "quality": "double_opt_in",
    "at": "2025-06-01T09:00:00Z",
}  # fmt: skip
GIVEN: Mapping[str, object] = {
    "send": {"channel": "push", "purpose": "marketing.communications", "uses": []},
    "recipient": {"zone": "Europe/Paris", "addresses": {"push": "t1", "email": "a@example.com"}},
    "consents": [],
    "history": [],
}


def run(case: Case, rules: RuleSet = SET) -> CaseOutcome:
    return run_cases(rules, WORDS, [case])[0][0]


def changed(**sections: object) -> Mapping[str, object]:
    return {**GIVEN, **sections}


# --- expectations of a policy ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "given", "expect"),
    [
        ("by-invitation", {}, {"breached": "consent.missing"}),
        ("by-invitation", {}, {"breached": True, "applies": True}),
        ("by-invitation", {"consents": [{**GRANT, "channel": "*"}]}, {"met": True}),
        ("by-invitation", {"consents": [{"status": "objected", "at": "2025-06-01T09:00:00Z"}]}, {"breached": "consent.refused"}),
        ("by-invitation", {"consents": None}, {"unknown": ["consents"]}),
        ("by-invitation", {"consents": None}, {"unknown": True, "met": False}),
        ("by-invitation", {"send": {"channel": "push"}}, {"unknown": ["send.purpose"]}),
        ("by-invitation", {"send": {"channel": "push"}, "consents": None}, {"unknown": ["consents", "send.purpose"]}),
        ("by-invitation", {"send": {"channel": "sms"}}, {"applies": False, "met": False}),
        ("by-invitation", {"send": {"channel": "push", "message_class": "service"}}, {"applies": False}),
        ("daytime", {}, {"met": True}),
        ("daytime", {"recipient": {"zone": "Mars/Base"}}, {"unknown": ["recipient.zone"]}),
        ("daytime", {"send": {"channel": "push", "at": "2026-03-02T21:00:00+01:00"}}, {"breached": "quiet_hours.breached"}),
        ("daytime", {"send": {"channel": "push", "at": "2026-03-02T21:00", "zone": "recipient"}}, {"breached": True}),
        ("daytime", {"send": {"channel": "push", "at": "2026-03-02T20:59", "zone": "recipient"}}, {"met": True}),
        ("one-a-day", {"history": None}, {"unknown": ["history"]}),
        ("one-a-day", {"history": [{"at": "2026-03-01T10:00:00+01:00"}]}, {"met": True}),
        ("one-a-day", {"history": [{"at": "2026-03-01T10:00:00.000001+01:00"}]}, {"breached": True}),
        ("one-a-day", {"history": [{"channel": "push"}]}, {"breached": True}),
        ("collected-for-this", {"send": {"channel": "push"}}, {"unknown": ["uses"]}),
        ("collected-for-this", {"send": {"channel": "push", "uses": ["basket"]}}, {"unknown": ["send.purpose"]}),
    ],
)  # fmt: skip
def test_what_a_policy_says_of_the_send_as_given(
    policy: str, given: Mapping[str, object], expect: Mapping[str, object]
) -> None:
    assert run(Case(expect, changed(**given), policy)).failures == ()


@pytest.mark.parametrize(
    ("expect", "failure"),
    [
        ({"met": True}, "expected met, found breached: consent.missing"),
        ({"breached": False}, "expected not breached, found breached: consent.missing"),
        ({"breached": "consent.expired"}, "expected breached: consent.expired, found breached: consent.missing"),
        ({"unknown": ["consents"]}, "expected unknown: consents, found breached: consent.missing"),
        ({"applies": False}, "expected that it does not apply, found breached: consent.missing"),
        ({"verdict": "allow"}, "expected verdict allow, found downgrade"),
    ],
)
def test_an_expectation_not_met_is_said(expect: Mapping[str, object], failure: str) -> None:
    assert run(Case(expect, GIVEN, "by-invitation")).failures == (failure,)


def test_other_missing_facts_than_expected_fail() -> None:
    case = Case({"unknown": ["recipient.zone"]}, changed(consents=None), "by-invitation")

    assert run(case).failures == ("expected unknown: recipient.zone, found unknown: consents",)


def test_a_failure_shows_the_facts_beneath() -> None:
    outcome = run(Case({"met": True}, changed(consents=None), "by-invitation"))

    assert outcome.facts == (
        ("consent as asked for", "unknown"),
        ("send.channel", "push"),
        ("send.message_class", "marketing"),
        ("by-invitation", "unknown: consents"),
    )


def test_facts_of_uses_are_shown_per_attribute() -> None:
    given = changed(send={"channel": "push", "purpose": "sales", "uses": ["basket", "taste"]})

    outcome = run(Case({"met": True}, given, "collected-for-this"))

    assert ("basket collected for this purpose", "false") in outcome.facts
    assert ("taste collected for this purpose", "false") in outcome.facts


# --- expectations of a decision ---------------------------------------------------------------------------


def test_a_whole_decision() -> None:
    expect = {"verdict": "downgrade", "changes": {"channel": "email"}, "by": ["by-invitation"], "undetermined": []}

    assert run(Case(expect, changed(consents=[GRANT]))).failures == ()


def test_the_decision_of_one_policy_alone() -> None:
    given = changed(send={"channel": "push", "uses": [], "at": "2026-03-02T23:00:00+01:00"}, history=None)

    outcome = run(Case({"verdict": "downgrade", "changes": {"send_at": "2026-03-03T08:00:00+01:00"}}, given, "daytime"))

    assert outcome.failures == ()


def test_changes_not_expected_fail() -> None:
    given = changed(consents=[GRANT], send={**GIVEN["send"], "uses": ["taste"], "purpose": "marketing.communications"})  # type: ignore[dict-item]
    given = {**given, "attributes": {"basket": {"value": "crib", "collected_for": "sales"}}}

    outcome = run(Case({"changes": {"channel": "email"}}, given))

    assert outcome.failures == ("expected changes channel: email, found channel: email, strip: taste",)


def test_several_failures_are_all_said() -> None:
    outcome = run(Case({"verdict": "block", "by": ["daytime"], "changes": {}}, changed(consents=[GRANT])))

    assert outcome.failures == (
        "expected verdict block, found downgrade",
        "expected changes none, found channel: email",
        "expected by daytime, found by-invitation",
    )


def test_without_a_now_it_is_the_instant_of_the_send() -> None:
    given = changed(send={"channel": "push", "at": "2026-03-02T21:00:00+01:00"})

    assert run(Case({"breached": True}, given, "daytime", now=None)).failures == ()


# --- coverage ---------------------------------------------------------------------------------------------


def test_coverage_counts_what_cases_are_about() -> None:
    cases = [
        Case({"breached": True}, GIVEN, "by-invitation"),
        Case({"unknown": True}, changed(consents=None), "by-invitation"),
        Case({"met": True}, GIVEN, "daytime"),
        Case({"verdict": "block"}, changed(history=[{"channel": "push"}])),
    ]

    _, coverage = run_cases(SET, WORDS, cases)

    assert coverage == [
        Coverage("by-invitation", 0, 1, 1),
        Coverage("collected-for-this", 0, 0, 0),
        Coverage("daytime", 1, 0, 0),
        Coverage("one-a-day", 0, 1, 0),
    ]


# --- cases that cannot be run -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (Case({"met": True}, {"recipient": {"zoen": "UTC"}}, "daytime"), "unknown fact `recipient.zoen`; did you mean `recipient.zone`?"),
        (Case({"met": True}, {"sned": {}}, "daytime"), "unknown key `sned` in `given`; did you mean `send`?"),
        (Case({"met": True}, {"send": {"chanel": "push"}}, "daytime"), "unknown key `chanel` in `given.send`; did you mean `channel`?"),
        (Case({"met": True}, {"send": {"channel": "pusch"}}, "daytime"), "unknown channel `pusch`; did you mean `push`?"),
        (Case({"met": True}, {"send": {"message_class": "transactonal"}}, "daytime"),
         "unknown message class `transactonal`; did you mean `transactional`?"),
        (Case({"met": True}, {"consents": [{"state": "given"}]}, "daytime"), "unknown key `state` in `given.consents`; did you mean `status`?"),
        (Case({"met": True}, {"send": {"at": "2026-03-02T10:00"}}, "daytime"), "`given.send.at` is `2026-03-02T10:00`, expected an instant with an offset"),
        (Case({"met": True}, {"send": {"uses": ["baskt"]}}, "daytime"), "unknown attribute `baskt`; did you mean `basket`?"),
        (Case({"met": True}, {"history": {}}, "daytime"), "`given.history` is a mapping, expected a list"),
        (Case({"met": True}, {}, "nobody"), "case `a case` is about `nobody`, a policy that is not there"),
        (Case({"mett": True}, {}, "daytime"), "unknown expectation `mett`"),
        (Case({"met": True}, {}), "unknown expectation `met`"),
        (Case({"met": True}, {}, "daytime", now=None), "case `a case` does not say when it is"),
        (Case({}, {}, "daytime"), "case `a case` expects nothing"),
    ],
)  # fmt: skip
def test_a_case_that_cannot_be_run_says_where_and_why(case: Case, message: str) -> None:
    with pytest.raises(InvalidPolicies) as caught:
        run_cases(SET, WORDS, [case])

    assert [problem.message for problem in caught.value.problems] == [message]
    assert caught.value.problems[0].place == HERE


def test_every_broken_case_is_reported_at_once() -> None:
    broken = [Case({"met": True}, {"sned": {}, "recipent": {}}, "daytime"), Case({}, {}, "daytime")]

    with pytest.raises(InvalidPolicies) as caught:
        run_cases(SET, WORDS, broken)

    assert len(caught.value.problems) == 3


def test_without_a_channel_nothing_can_be_said_of_a_policy() -> None:
    outcome = run(Case({"met": True}, {}, "daytime"))

    assert outcome.failures == (
        "expected something of the policy, but there is no channel: give `send.channel` or an address",
    )


# --- what is given -------------------------------------------------------------------------------------------


def test_given_becomes_a_campaign_and_a_person() -> None:
    given = read_given(
        SET,
        WORDS,
        {
            "send": {
                "channel": "push", "program": "new-home", "campaign": "spring", "provider": "fcm", "controller": "acme",
                "at": "2026-03-03T10:00", "zone": "recipient", "not_after": "2026-03-04T10:00:00Z", "helps": "use_product",
                "need": "basket", "uses": [{"attribute": "taste", "recited": True, "required": True}, "basket"],
                "generic": {"uses": [{"attribute": "basket", "selected": True}]},
            },
            "recipient": {
                "id": "ada", "age": 41, "tier": "gold", "last_purchase_at": "2026-01-01T00:00:00Z",
                "addresses": {"email": {"address": "a", "shared": True, "origin": "provided", "permission": "r"}, "push": "t", "sms": ""},
                "ranks": {"email": 90},
            },
            "consents": [{"status": "given", "channel": "pigeon", "purpose": "sales", "at": "2026-01-01T00:00:00Z", "defects": ["bundled"]},
                         {"status": "refused", "program": "new-home", "expires_at": "soon", "defects": "bundled|odd"}],
            "history": [{"at": "2026-01-01T00:00:00Z", "channel": "push", "message_class": "odd", "campaign": "x"}],
            "attributes": {"basket": {"value": "crib", "origin": "odd", "collected_for": "sales|odd", "permission": False}, "taste": 7},
        },
        NOW,
    )  # fmt: skip

    new_year = micros("2026-01-01T00:00:00Z")
    content = Variant((Use("basket"), Use("taste", recited=True, required=True)))
    generic = Variant((Use("basket", selected=True, strippable=False),))
    assert given.channel == "push"
    assert given.campaign == Campaign(
        "spring",
        (Prepared("push", "fcm", content, generic), Prepared("email", "fcm", content, generic)),
        at=LocalTime("2026-03-03T10:00:00"),
        program="new-home",
        controller="acme",
        not_after=micros("2026-03-04T10:00:00Z"),
        helps="use_product",
        need="basket",
    )
    assert given.person == Person(
        "ada",
        facts={"recipient.age": 41, "recipient.tier": "gold", "recipient.last_purchase_at": new_year},
        addresses={"email": Address("a", True, "provided", True), "push": Address("t")},
        ranks={"email": 90},
        consents=(
            ConsentRecord("#1", "given", "sales", None, at=new_year, defects=("bundled",), expires_at=FOREVER),
            ConsentRecord("#2", "refused", "program:new-home", None, expires_at=None, defects=None),
        ),
        history=(SentRecord(new_year, "push", None, "x"),),
        attributes={
            "basket": AttributeValue("crib", UNREADABLE, (UNREADABLE,)),
            "taste": AttributeValue("7"),
        },
    )


@pytest.mark.parametrize(
    ("path", "said", "read"),
    [
        ("recipient.region", 75, "75"), ("recipient.region", "075", "075"), ("recipient.age", 41, 41), ("recipient.age", "41", 41),
        ("recipient.age", "forty", None), ("recipient.age", 4.5, None), ("recipient.age", True, None), ("recipient.customer", True, True),
        ("recipient.customer", "false", False), ("recipient.customer", 1, None), ("recipient.last_purchase_at", "yesterday", None),
        ("recipient.country", ["FR"], None), ("recipient.country", "", None), ("recipient.waits", "3 days", 3 * DAY),
        ("recipient.waits", 5, 5), ("recipient.score", 2, 2.0), ("recipient.score", "2.5", 2.5),
    ],
)  # fmt: skip
def test_a_fact_is_read_as_a_data_file_would_hold_it(path: str, said: object, read: object) -> None:
    words = Vocabulary([FactSpec("recipient.waits", "duration", "-"), FactSpec("recipient.score", "double", "-")])

    given = read_given(SET, words, {"facts": {path: said}}, NOW)

    assert given.person.facts == {path: read}


def test_a_section_left_empty_gives_nothing() -> None:
    empty = dict.fromkeys(("send", "recipient", "facts", "consents", "history", "attributes"))

    assert read_given(SET, WORDS, empty, NOW) == read_given(SET, WORDS, {}, NOW)


def test_nothing_given_is_unknown_and_now_is_the_instant() -> None:
    given = read_given(SET, WORDS, {"send": {"channel": "push"}}, NOW)

    assert given.campaign == Campaign(None, (Prepared("push"),), NOW)
    assert given.person == Person("somebody")


def test_prepared_channels_are_the_start_and_then_the_others_by_rank() -> None:
    addresses = {"in_app": "a", "email": "b", "push": "c", "sms": "d"}

    given = read_given(
        SET, WORDS, {"send": {"channel": "email"}, "recipient": {"addresses": addresses, "ranks": {"in_app": 99}}}, NOW
    )
    listed = read_given(SET, WORDS, {"send": {"prepared": ["sms", "push"]}}, NOW)

    assert [prepared.channel for prepared in given.campaign.prepared] == ["email", "in_app", "sms", "push"]
    assert [prepared.channel for prepared in listed.campaign.prepared] == ["sms", "push"]


def test_every_mistake_in_what_is_given_is_said_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        read_given(SET, WORDS, {"send": {"channel": "x", "uses": [{}]}, "recipient": {"agee": 1}, "history": 3}, NOW)

    assert len(caught.value.problems) == 4


def test_an_origin_in_lineage_names_the_input_that_is_unreadable() -> None:
    bought = rule("no-bought", "data", ExistsUse(UseOrigin("purchased")), Effect("block"))
    given = changed(
        send={"channel": "push", "uses": ["taste"]},
        attributes={"basket": {"value": "crib", "origin": "from somewhere"}},
    )

    outcome = run(Case({"unknown": ["attributes.basket"]}, given, "no-bought"), ruleset(bought))

    assert outcome.failures == ()
