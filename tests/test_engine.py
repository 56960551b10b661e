"""One send decided: the generated Python is the reference, audiences go in row order, and nothing slips through."""

# ruff: noqa: E501  # one line per rule and per mistake reads as a table

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.engine import Engine, audience, decide_audience, reference_decide
from policykit.facts.row import State, derive
from policykit.ir.nodes import (
    Allowed,
    And,
    Arith,
    Compare,
    ConsentMet,
    Const,
    Counting,
    ExistsUse,
    Expr,
    Fact,
    Hours,
    In,
    Member,
    Months,
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
from policykit.ir.rows import FactRow
from policykit.ir.rules import Effect, Rule, RuleSet
from policykit.ir.walk import leaves_of, use_leaves_of
from policykit.model import (
    DAY,
    HOUR,
    UNREADABLE,
    Address,
    Attribute,
    AttributeValue,
    Campaign,
    Changes,
    ConsentRecord,
    Decision,
    LocalTime,
    Person,
    Prepared,
    SentRecord,
    Use,
    Variant,
    Verdict,
    to_micros,
)
from tests.examples import examples


def micros(text: str) -> int:
    return to_micros(datetime.fromisoformat(text))


NOW = micros("2026-03-28T11:00:00Z")  # the day before clocks change in Paris
COMMS = "marketing.communications"
REASON = Const("rule.breached", Type.STRING)


def rule(policy: str, breached: Expr, part: str = "block", **more: object) -> Rule:
    channels = more.pop("channels", None)
    return Rule(policy, "rule", breached, Effect(part, channels), REASON, **more)  # type: ignore[arg-type]


def ruleset(*rules: Rule, **more: object) -> RuleSet:
    exprs = [expr for each in rules for expr in (each.breached, each.use_breached) if expr is not None]
    return RuleSet(
        rules=tuple(sorted(rules, key=lambda each: each.policy)),
        leaves=tuple({leaf for expr in exprs for leaf in leaves_of(expr)}),
        use_leaves=tuple({leaf for expr in exprs for leaf in use_leaves_of(expr)}),
        attributes={
            "basket": Attribute("basket", "user.behavior", "observed", (COMMS,), "behavioural", lineage=("basket",)),
            "pregnant": Attribute(
                "pregnant", "user.health", "inferred", ("sales",), "special_category", lineage=("basket", "pregnant")
            ),
            "city": Attribute("city", "user.location", "provided", ("marketing",), "contact", lineage=("city",)),
        },
        **more,  # type: ignore[arg-type]
    )


DAYTIME = Hours((Opening(frozenset(range(7)), 8 * 60, 12 * 60),))
NIGHT = Hours((Opening(frozenset({5, 6}), 22 * 60, 3 * 60),), "Europe/Paris")
CHANNEL = Fact("send.channel", Type.STRING)
CONSENT = ConsentMet(Requirement(quality=frozenset({"double_opt_in"}), max_age=Months(12)))
OBSERVED = UseOrigin("observed")
SENSITIVE = Compare("==", UseFact("sensitivity", Type.STRING), Const("special_category", Type.STRING))
STALE = Compare(">", UseFact("age", Type.DURATION), Const(30 * DAY, Type.DURATION))
RECITED = And((UseFact("recited", Type.BOOL), OBSERVED))
A_DAY, A_WEEK = Window(rolling=DAY), Window(calendar="week")


def at_least(leaf: Expr, count: int) -> Expr:
    return Compare(">=", leaf, Const(count, Type.INT))


MENU = (
    rule("consent", Not(CONSENT), "channel"),
    rule("never", Member("consent.refused_for", "everything")),
    rule("push-only", And((In(CHANNEL, ("push",)), Not(CONSENT))), "channel", channels=frozenset({"email"})),
    rule("not-here", Member("consent.refused_for", "channel"), "channel"),
    rule("day", Not(Allowed(DAYTIME)), "send_at", hours=DAYTIME),
    rule("night", Not(Allowed(NIGHT)), "send_at", hours=NIGHT),
    rule("cap", at_least(Sends(A_DAY, Counting(this_channel=True)), 2)),
    rule("week", at_least(Sends(A_WEEK, Counting(classes=None)), 3), "channel"),
    rule("strip", ExistsUse(Not(UseCollectedFor(None))), "uses", use_breached=Not(UseCollectedFor(None))),
    rule("stale", ExistsUse(STALE), "uses", use_breached=STALE),
    rule("recite", ExistsUse(RECITED), "content"),
    rule("secret", ExistsUse(SENSITIVE), "content", mode="audit"),
    rule("minor", Compare("<", Fact("recipient.age", Type.INT), Const(18, Type.INT))),
    rule("tired", Compare(">", Arith("+", Fact("send.rank", Type.INT), Sends(A_DAY, Counting())), Const(66, Type.INT)), "channel"),
    rule("known-basket", Or((Compare("==", Fact("attributes.basket", Type.STRING), Const("crib", Type.STRING)), ExistsUse(UseOrigin("purchased")))), "content"),
)  # fmt: skip


# --- M2: one meaning ----------------------------------------------------------------------------------


def edges(*instants: int) -> st.SearchStrategy[int]:
    return st.builds(lambda at, off: at + off, st.sampled_from(instants), st.sampled_from([-1, 0, 1, HOUR]))


consents = st.builds(
    ConsentRecord,
    id=st.just("r"),
    status=st.sampled_from(["given", "renewed", "refused", "withdrawn", "objected", "requested", None]),
    node=st.sampled_from(["*", "marketing", COMMS, "sales", None]),
    channel=st.sampled_from(["*", "push", "email", None]),
    quality=st.sampled_from(["double_opt_in", "soft_opt_in", None]),
    at=st.none() | edges(NOW - 365 * DAY, NOW - 10 * DAY, NOW),
    expires_at=st.just(2**63 - 1) | st.none() | edges(NOW),
)
sent = st.builds(
    SentRecord,
    at=st.none() | edges(NOW, NOW - DAY, NOW + DAY, micros("2026-03-23T00:00+01:00"), micros("2026-03-30T00:00+02:00")),
    channel=st.sampled_from(["push", "email", None]),
    message_class=st.sampled_from(["marketing", "service", None]),
    campaign=st.sampled_from(["spring", None]),
)
values = st.builds(
    AttributeValue,
    value=st.sampled_from(["crib", "", None]),
    origin=st.sampled_from([None, "provided", "purchased", UNREADABLE]),
    collected_for=st.sampled_from([None, (COMMS,), ("sales",), (UNREADABLE,)]),
    collected_at=st.none() | edges(NOW - 30 * DAY),
    permission=st.sampled_from([None, "r"]),
)
REACHED = {channel: Address("x", shared=channel == "push") for channel in ("push", "email", "in_app")}
NO_PUSH = {channel: REACHED[channel] for channel in ("email", "in_app")}
GOOD = ConsentRecord("g", "given", COMMS, "*", "double_opt_in", at=NOW - 10 * DAY)
NOT_PUSH = ConsentRecord("n", "refused", COMMS, "push", at=NOW - DAY)
people = st.builds(
    Person,
    id=st.sampled_from(["ada", "bea"]),
    facts=st.fixed_dictionaries(
        {},
        optional={
            "recipient.zone": st.sampled_from(["Europe/Paris", "Europe/Paris", "America/New_York", "Mars/Base", None]),
            "recipient.age": st.sampled_from([18, 18, 17, None]),
        },
    ),
    addresses=st.sampled_from([*[REACHED] * 8, NO_PUSH, {}, None]),
    ranks=st.dictionaries(st.sampled_from(["push", "email"]), st.sampled_from([20, 65, 66])),
    consents=st.sampled_from([None, (), (GOOD,), (GOOD,), (GOOD, NOT_PUSH)])
    | st.lists(consents, max_size=4).map(tuple),
    history=st.sampled_from([(), (), None]) | st.lists(sent, max_size=3).map(tuple),
    attributes=st.none() | st.dictionaries(st.sampled_from(["basket", "pregnant", "city"]), values),
)
uses = st.builds(
    Use,
    attribute=st.sampled_from(["basket", "pregnant", "city", "ghost"]),
    recited=st.sampled_from([True, False, None]),
    selected=st.booleans(),
    strippable=st.sampled_from([True, True, False]),
    required=st.sampled_from([True, False, False]),
)
variants = st.builds(
    Variant,
    st.none() | st.lists(uses, max_size=3, unique_by=lambda use: use.attribute).map(
        lambda found: tuple(sorted(found, key=lambda use: use.attribute))
    ),
)  # fmt: skip
campaigns = st.builds(
    Campaign,
    id=st.just("spring"),
    prepared=st.permutations(["push", "email", "in_app"]).flatmap(
        lambda names: st.tuples(*(st.builds(Prepared, st.just(name), st.none(), variants, st.none() | variants) for name in names))
    ),
    at=edges(NOW, NOW + HOUR) | st.sampled_from([NOW, NOW, NOW, LocalTime("2026-03-29T02:30"), None]),
    purpose=st.sampled_from([COMMS, COMMS, None]),
    not_after=st.none() | edges(NOW + 20 * HOUR) | st.just(LocalTime("2026-03-30T08:00")),
)  # fmt: skip
rulesets = st.lists(st.sampled_from(MENU), unique_by=lambda each: each.policy, max_size=8).map(
    lambda found: ruleset(*found)
)


@settings(max_examples=examples(300), deadline=None)
@given(rulesets, campaigns, people, st.sampled_from([None, "push", "sms"]))
def test_m2_the_generated_python_is_the_reference(
    rules: RuleSet, campaign: Campaign, person: Person, start: str | None
) -> None:
    assert Engine(rules).decide(campaign, person, NOW, start) == reference_decide(rules, campaign, person, NOW, start)


@settings(max_examples=examples(100), deadline=None)
@given(rulesets, campaigns, people)
def test_m2_facts_at_hand_are_decided_alike(rules: RuleSet, campaign: Campaign, person: Person) -> None:
    def _facts(state: State) -> FactRow:
        return derive(rules, campaign, person, state.channel, state.generic, state.stripped, state.at, NOW)

    assert Engine(rules).decide_from(_facts, campaign, person, NOW) == reference_decide(rules, campaign, person, NOW)


@settings(max_examples=examples(100), deadline=None)
@given(rulesets, campaigns, people, st.randoms(use_true_random=False))
def test_m4_order_never_matters(rules: RuleSet, campaign: Campaign, person: Person, chance: random.Random) -> None:
    leaves, records = list(rules.leaves), list(person.consents or ())
    chance.shuffle(leaves)
    chance.shuffle(records)
    shuffled = replace(person, consents=None if person.consents is None else tuple(records))

    assert reference_decide(replace(rules, leaves=tuple(leaves)), campaign, shuffled, NOW) == reference_decide(
        rules, campaign, person, NOW
    )


@settings(max_examples=examples(200), deadline=None)
@given(rulesets, campaigns, people)
def test_m5_a_decision_is_whole(rules: RuleSet, campaign: Campaign, person: Person) -> None:
    decision = reference_decide(rules, campaign, person, NOW)

    assert (decision.verdict is Verdict.DOWNGRADE) == bool(decision.changes)
    assert (decision.verdict is Verdict.BLOCK) == (decision.channel is None) == (decision.at is None)
    assert bool(decision.determining) == (decision.verdict > Verdict.ALLOW) or decision.impossible in (
        "no_address",
        "no_instant",
        "past_deadline",
    )
    assert set(decision.changes.strip) <= {"basket", "pregnant", "city", "ghost"}
    assert list(decision.determining) == sorted(set(decision.determining))


def test_one_engine_serves_many_campaigns() -> None:
    engine = Engine(ruleset(rule("p", In(Fact("send.campaign", Type.STRING), ("spring",)))))
    spring = Campaign("spring", (Prepared("push"),), NOW)
    autumn = replace(spring, id="autumn")

    verdicts = [engine.decide(each, ADA, NOW).verdict for each in (spring, autumn, replace(spring), spring)]

    assert verdicts == [Verdict.BLOCK, Verdict.ALLOW, Verdict.BLOCK, Verdict.BLOCK]


# --- audiences -----------------------------------------------------------------------------------------


ADA = Person("ada", addresses={"push": Address("t"), "email": Address("a")}, history=())
SPRING = Campaign(
    "spring", (Prepared("push", content=Variant(())), Prepared("email", content=Variant(()))), NOW, purpose=COMMS
)
ONCE = rule("once", at_least(Sends(A_DAY, Counting()), 1))


def verdicts(rules: RuleSet, *rows: Person) -> list[str]:
    return [str(decision.verdict) for decision in decide_audience(rules, SPRING, rows, NOW)]


def test_the_same_person_twice_is_judged_in_order() -> None:
    bea = replace(ADA, id="bea")

    assert verdicts(ruleset(ONCE), ADA, bea, ADA) == ["allow", "allow", "block"]


def test_an_earlier_row_counts_on_its_final_channel() -> None:
    moved = rule("moved", In(CHANNEL, ("push",)), "channel")
    cap = rule("cap", And((In(CHANNEL, ("email",)), at_least(Sends(A_DAY, Counting(this_channel=True)), 1))))

    found = decide_audience(ruleset(moved, cap), SPRING, [ADA, ADA], NOW)

    assert [decision.verdict for decision in found] == [Verdict.DOWNGRADE, Verdict.BLOCK]


def test_a_blocked_row_was_not_sent() -> None:
    minor = rule("minor", Compare("<", Fact("recipient.age", Type.INT), Const(18, Type.INT)))
    young, old = replace(ADA, facts={"recipient.age": 17}), replace(ADA, facts={"recipient.age": 18})

    assert verdicts(ruleset(ONCE, minor), young, old, old) == ["block", "allow", "block"]


def test_earlier_rows_do_not_make_an_absent_history_known() -> None:
    unknown = replace(ADA, history=None)
    lenient = rule("cap", at_least(Sends(A_DAY, Counting()), 5), "channel", channels=frozenset({"push"}))

    found = decide_audience(ruleset(lenient), SPRING, [unknown, unknown], NOW)

    assert [decision.undetermined for decision in found] == [("cap",), ("cap",)]


@settings(max_examples=examples(60), deadline=None)
@given(rulesets, campaigns, st.lists(people, max_size=5))
def test_m7_an_audience_is_the_same_by_the_engine(rules: RuleSet, campaign: Campaign, rows: list[Person]) -> None:
    engine = Engine(rules)

    found = audience(lambda person: engine.decide(campaign, person, NOW), campaign, rows)

    assert found == decide_audience(rules, campaign, rows, NOW)


# --- peers' mistakes: none of them lets a marketing send pass --------------------------------------------


GRANT = ConsentRecord("g", "given", COMMS, "email", "double_opt_in", at=NOW - DAY)
REFUSED_PUSH = ConsentRecord("r", "refused", COMMS, "push", at=NOW - DAY)
MISTAKES: Mapping[str, tuple[Rule, Person]] = {
    "a zone nobody knows": (
        rule("p", Not(Allowed(DAYTIME)), "send_at", hours=DAYTIME), replace(ADA, facts={"recipient.zone": "Mars/Base"}),
    ),
    "no zone": (rule("p", Not(Allowed(DAYTIME)), "send_at", hours=DAYTIME), ADA),
    "a cap of 0": (rule("p", at_least(Sends(A_DAY, Counting()), 0)), ADA),
    "no history at hand": (rule("p", at_least(Sends(A_DAY, Counting()), 5)), replace(ADA, history=None)),
    "a missing consent record": (rule("p", Not(CONSENT)), replace(ADA, consents=())),
    "no ledger at hand": (rule("p", Not(CONSENT)), ADA),
    "an expired grant": (rule("p", Not(CONSENT)), replace(ADA, consents=(replace(GRANT, channel="*", expires_at=NOW),))),
    "a grant that says nothing of its channel": (rule("p", Not(CONSENT)), replace(ADA, consents=(replace(GRANT, channel=None),))),
    "a refusal nobody can date": (
        rule("p", Not(CONSENT)), replace(ADA, consents=(replace(GRANT, channel="*"), replace(REFUSED_PUSH, at=None))),
    ),
    "a condition that overflows": (
        rule("p", Compare("<", Arith("*", Fact("recipient.age", Type.INT), Const(2**62, Type.INT)), Const(0, Type.INT))),
        replace(ADA, facts={"recipient.age": 4}),
    ),
    "a fact nobody has": (rule("p", Compare("==", Fact("recipient.country", Type.STRING), Const("FR", Type.STRING))), ADA),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_never_lets_a_marketing_send_pass(mistake: str) -> None:
    broken, person = MISTAKES[mistake]

    assert reference_decide(ruleset(broken), SPRING, person, NOW).verdict is Verdict.BLOCK


def test_a_person_picked_by_a_sensitive_inference_is_not_sent_to_though_the_text_never_says_it() -> None:
    picked = Use("pregnant", recited=False, selected=True, strippable=False)
    campaign = replace(SPRING, prepared=(Prepared("push", content=Variant((picked,))),))
    rules = ruleset(rule("secret", ExistsUse(SENSITIVE), "uses", use_breached=SENSITIVE))

    assert reference_decide(rules, campaign, ADA, NOW) == Decision(
        Verdict.BLOCK, determining=("secret",), impossible="selected_attribute"
    )


def test_who_refused_push_but_allowed_email_gets_the_email() -> None:
    person = replace(ADA, consents=(REFUSED_PUSH, GRANT))
    rules = ruleset(
        rule("consent", Not(CONSENT), "channel"), rule("final", Member("consent.refused_for", "everything"))
    )

    assert reference_decide(rules, SPRING, person, NOW) == Decision(
        Verdict.DOWNGRADE, Changes(channel="email"), ("consent",), channel="email", at=NOW
    )
