"""The combining law (M4, M5): what each breach does to a send, round by round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pytest

from policykit.backends import reference
from policykit.facts.row import Sight, State, fact_row
from policykit.ir.nodes import (
    Allowed,
    And,
    Compare,
    Const,
    ExistsUse,
    Expr,
    Fact,
    Hours,
    In,
    Not,
    Opening,
    Type,
    UseFact,
)
from policykit.ir.rows import Judged
from policykit.ir.rules import Effect, Rule, RuleSet
from policykit.ir.walk import leaves_of, use_leaves_of
from policykit.model import (
    DAY,
    HOUR,
    Address,
    Attribute,
    Campaign,
    Changes,
    Decision,
    Judgement,
    LocalTime,
    Person,
    Prepared,
    Use,
    Variant,
    Verdict,
    to_micros,
)
from policykit.rounds import Laws, decide, law

REASON = Const("rule.breached", Type.STRING)
ALWAYS, NEVER, PERHAPS = Const(True, Type.BOOL), Const(False, Type.BOOL), Const(None, Type.BOOL)


def micros(text: str) -> int:
    return to_micros(datetime.fromisoformat(text))


NOON = micros("2026-03-02T12:00:00Z")


def rule(policy: str, breached: Expr, part: str = "block", **more: object) -> Rule:
    channels = more.pop("channels", None)
    effect = Effect(part, frozenset(channels) if channels else None)  # type: ignore[arg-type, call-overload]
    return Rule(policy, "rule", breached, effect, REASON, **more)  # type: ignore[arg-type]


def strip_rule(policy: str, of_use: Expr, **more: object) -> Rule:
    return rule(policy, ExistsUse(of_use), "uses", use_breached=of_use, **more)


def named(*attributes: str) -> Expr:
    return In(UseFact("attribute", Type.STRING), attributes)


def on(*channels: str) -> Expr:
    return In(Fact("send.channel", Type.STRING), channels)


def quiet(policy: str, start: int, end: int, zone: str | None = None) -> Rule:
    hours = Hours((Opening(frozenset(range(7)), start * 60, end * 60),), zone)
    return rule(policy, Not(Allowed(hours)), "send_at", hours=hours)


def ruleset(*rules: Rule) -> RuleSet:
    exprs = [expr for each in rules for expr in (each.breached, each.use_breached) if expr is not None]
    attributes = {name: Attribute(name, None, "provided", (), None, lineage=(name,)) for name in ("basket", "city")}
    return RuleSet(
        rules=tuple(sorted(rules, key=lambda each: each.policy)),
        leaves=tuple({leaf for expr in exprs for leaf in leaves_of(expr)}),
        use_leaves=tuple({leaf for expr in exprs for leaf in use_leaves_of(expr)}),
        attributes=attributes,
    )


def judge(sight: Sight, state: State) -> Judged:
    rules = sight.ruleset
    return reference.judge(rules, fact_row(sight, state, rules.leaves, rules.use_leaves))


BASKET, CITY = Use("basket", recited=True), Use("city")
PLAIN = Variant(())
SPRING = Campaign(
    "spring",
    (
        Prepared("push", "fcm", Variant((BASKET, CITY)), generic=PLAIN),
        Prepared("email", "sendgrid", Variant((BASKET, CITY)), generic=PLAIN),
        Prepared("in_app", "own", PLAIN),
    ),
    at=NOON,
    purpose="marketing.communications",
)
ADA = Person(
    "ada",
    facts={"recipient.zone": "Europe/Paris"},
    addresses={"push": Address("t1"), "email": Address("a@example.com"), "in_app": Address("a")},
)


def outcome(*rules: Rule, campaign: Campaign = SPRING, person: Person = ADA, start: str | None = None) -> Decision:
    return decide(Laws(ruleset(*rules)), judge, campaign, person, NOON, start)


def blocked(*by: str, **more: object) -> Decision:
    return Decision(Verdict.BLOCK, determining=by, **more)  # type: ignore[arg-type]


def lessened(changes: Changes, *by: str, **more: object) -> Decision:
    kept: Mapping[str, object] = {"channel": changes.channel or "push", "at": changes.send_at or NOON, **more}
    return Decision(Verdict.DOWNGRADE, changes, by, **kept)  # type: ignore[arg-type]


# --- start ----------------------------------------------------------------------------------------


def test_nothing_breached_allows_the_send_as_planned() -> None:
    assert outcome(rule("a", NEVER)) == Decision(Verdict.ALLOW, channel="push", at=NOON)


def test_the_first_prepared_channel_with_an_address_is_the_start() -> None:
    bea = replace(ADA, addresses={"email": Address("b@example.com")})

    assert outcome(rule("a", NEVER), person=bea).channel == "email"


@pytest.mark.parametrize("addresses", [None, {}, {"sms": Address("+33")}])
def test_nobody_is_reached_without_an_address(addresses: dict[str, Address] | None) -> None:
    assert outcome(person=replace(ADA, addresses=addresses)) == blocked(impossible="no_address")


def test_a_live_send_starts_on_its_own_channel() -> None:
    assert outcome(rule("a", on("push")), start="email").verdict == Verdict.ALLOW


@pytest.mark.parametrize("at", [None, LocalTime("2026-03-02T10:00")])
def test_an_instant_nobody_knows_blocks(at: LocalTime | None) -> None:
    lost = replace(ADA, facts={"recipient.zone": "Mars/Base"})

    assert outcome(campaign=replace(SPRING, at=at), person=lost) == blocked(impossible="no_instant")


@pytest.mark.parametrize(("hour", "found"), [("11:00", "past_deadline"), ("13:00", None), ("15:00", None)])
def test_an_own_hour_after_the_last_moment_blocks_before_any_policy_is_asked(hour: str, found: str | None) -> None:
    planned = LocalTime("2026-03-02T13:00")  # 12:00 UTC in Paris
    until = micros(f"2026-03-02T{hour}:00+01:00")

    late = outcome(rule("a", on("push"), mode="audit"), campaign=replace(SPRING, at=planned, not_after=until))

    expected = Decision(Verdict.ALLOW, audit=("a",), channel="push", at=NOON)
    assert late == (blocked(impossible="past_deadline") if found else expected)


def test_an_own_last_moment_nobody_knows_stops_nothing_that_leaves_as_planned() -> None:
    lost = replace(ADA, facts={})

    found = outcome(person=lost, campaign=replace(SPRING, not_after=LocalTime("2026-03-02T10:00")))

    assert found == Decision(Verdict.ALLOW, channel="push", at=NOON)


def test_a_local_hour_is_planned_on_the_recipients_clock() -> None:
    found = outcome(campaign=replace(SPRING, at=LocalTime("2026-03-02T10:00")))

    assert found.at == micros("2026-03-02T10:00:00+01:00")


# --- block and unknown (M3, M4) ------------------------------------------------------------------


def test_a_breached_block_ends_it_whatever_else_is_asked() -> None:
    rules = (rule("no", ALWAYS), rule("move", ALWAYS, "channel"), rule("plain", ALWAYS, "content"))

    assert outcome(*rules) == blocked("no")


def test_unknown_breaches_and_is_said() -> None:
    assert outcome(rule("perhaps", PERHAPS), rule("no", ALWAYS)) == blocked("no", "perhaps", undetermined=("perhaps",))


def test_audit_is_listed_and_never_acts() -> None:
    rules = (
        rule("a", ALWAYS, mode="audit"),
        rule("b", PERHAPS, "channel", mode="audit"),
        rule("c", NEVER, mode="audit"),
    )

    assert outcome(*rules) == Decision(Verdict.ALLOW, audit=("a", "b"), undetermined=("b",), channel="push", at=NOON)


# --- in place ---------------------------------------------------------------------------------------


def test_strips_unite() -> None:
    found = outcome(strip_rule("s1", named("basket")), strip_rule("s2", named("city")))

    assert found == lessened(Changes(strip=("basket", "city")), "s1", "s2")


def test_only_the_uses_in_breach_are_stripped() -> None:
    assert outcome(strip_rule("s", named("city"))) == lessened(Changes(strip=("city",)), "s")


def test_generic_beats_strips_of_the_same_round() -> None:
    found = outcome(strip_rule("s", named("basket")), rule("g", ExistsUse(named("basket")), "content"))

    assert found == lessened(Changes(generic=True), "g")


def test_a_content_rule_on_generic_content_is_satisfied_but_still_undetermined() -> None:
    assert outcome(rule("g", PERHAPS, "content")) == lessened(Changes(generic=True), "g", undetermined=("g",))


def test_without_a_generic_variant_the_change_cannot_be_made() -> None:
    assert outcome(rule("g", ALWAYS, "content"), start="in_app") == blocked("g", impossible="no_generic")


def test_what_picked_the_people_cannot_be_stripped() -> None:
    picked = Use("basket", selected=True, strippable=False)
    campaign = replace(
        SPRING, prepared=(Prepared("push", content=Variant((picked, CITY)), generic=Variant((picked,))),)
    )

    found = outcome(strip_rule("s1", named("basket")), strip_rule("s2", named("city")), campaign=campaign)

    assert found == blocked("s1", impossible="selected_attribute")


def test_a_required_attribute_takes_the_generic_variant_instead() -> None:
    campaign = replace(
        SPRING, prepared=(Prepared("push", content=Variant((replace(BASKET, required=True), CITY)), generic=PLAIN),)
    )

    found = outcome(strip_rule("s1", named("basket")), strip_rule("s2", named("city")), campaign=campaign)

    assert found == lessened(Changes(generic=True), "s1", "s2")


def test_a_required_attribute_without_a_generic_variant_blocks() -> None:
    campaign = replace(SPRING, prepared=(Prepared("push", content=Variant((replace(BASKET, required=True), CITY))),))

    found = outcome(strip_rule("s1", named("basket")), strip_rule("s2", named("city")), campaign=campaign)

    assert found == blocked("s1", impossible="required_attribute")


def test_uses_nobody_stated_cannot_be_stripped() -> None:
    campaign = replace(SPRING, prepared=(Prepared("push", content=Variant(None), generic=PLAIN),))

    found = outcome(strip_rule("s", named("basket")), campaign=campaign)

    assert found == blocked("s", impossible="unknown_uses", undetermined=("s",))


def test_an_unknown_field_of_a_use_strips_it_and_is_said() -> None:
    campaign = replace(SPRING, prepared=(Prepared("push", content=Variant((Use("city", recited=None),))),))

    found = outcome(strip_rule("s", UseFact("recited", Type.BOOL)), campaign=campaign)

    assert found == lessened(Changes(strip=("city",)), "s", undetermined=("s",))


def test_a_strip_stays_in_the_generic_variant() -> None:
    generic = Variant((CITY,))
    campaign = replace(SPRING, prepared=(Prepared("push", content=Variant((BASKET, CITY)), generic=generic),))
    gone = Not(ExistsUse(named("city")))
    rules = (strip_rule("s", named("city")), rule("g", And((gone, ExistsUse(named("basket")))), "content"))

    assert outcome(*rules, campaign=campaign) == lessened(Changes(strip=("city",), generic=True), "g", "s")


def test_a_change_may_breach_another_rule() -> None:
    generic = Compare("==", Fact("send.generic", Type.BOOL), Const(True, Type.BOOL))

    assert outcome(rule("g", Not(generic), "content"), rule("no-generic", generic)) == blocked("no-generic")


# --- the instant -------------------------------------------------------------------------------------


def test_the_send_waits_for_the_next_allowed_instant() -> None:
    opens = micros("2026-03-02T18:00:00+01:00")

    assert outcome(quiet("q", 18, 21)) == lessened(Changes(send_at=opens), "q")


def test_the_latest_instant_wins_and_only_those_who_asked_it_decide() -> None:
    opens = micros("2026-03-02T19:00:00+01:00")

    assert outcome(quiet("q1", 18, 21), quiet("q2", 19, 22)) == lessened(Changes(send_at=opens), "q2")


def test_hours_that_meet_only_later_are_found_round_by_round() -> None:
    evening, odd = quiet("q1", 18, 21), quiet("q2", 13, 15)
    both = Hours((Opening(frozenset({4}), 13 * 60, 14 * 60), Opening(frozenset(range(4)), 18 * 60, 21 * 60)))
    mixed = replace(evening, hours=both, breached=Not(Allowed(both)))

    found = outcome(mixed, odd)

    assert found == lessened(Changes(send_at=micros("2026-03-06T13:00:00+01:00")), "q1", "q2")


def test_hours_that_never_meet_end_at_the_deadline() -> None:
    found = outcome(quiet("q1", 18, 19), quiet("q2", 20, 21))

    assert (found.verdict, found.impossible, found.channel, found.at) == (Verdict.BLOCK, "past_deadline", None, None)


def test_the_deadline_itself_is_in_time() -> None:
    opens = micros("2026-03-02T18:00:00+01:00")

    in_time = outcome(quiet("q", 18, 21), campaign=replace(SPRING, not_after=opens))
    too_late = outcome(quiet("q", 18, 21), campaign=replace(SPRING, not_after=opens - 1))

    assert in_time == lessened(Changes(send_at=opens), "q")
    assert too_late == blocked("q", impossible="past_deadline")


def test_without_a_deadline_a_send_waits_seven_days() -> None:
    monday_noon = quiet("q", 13, 14)
    weekly = Hours((Opening(frozenset({0}), 12 * 60, 13 * 60),), "UTC")  # NOON is a Monday, 12:00 UTC
    again = replace(monday_noon, hours=weekly, breached=Not(Allowed(weekly)))

    assert outcome(again, campaign=replace(SPRING, at=NOON + HOUR)).at == NOON + 7 * DAY
    none_left = replace(weekly, openings=())
    assert outcome(replace(again, hours=none_left, breached=Not(Allowed(none_left)))) == blocked(
        "q", impossible="past_deadline"
    )


def test_an_unknown_zone_blocks() -> None:
    lost = replace(ADA, facts={"recipient.zone": "Mars/Base"})

    assert outcome(quiet("q", 0, 24), person=lost) == blocked("q", impossible="unknown_zone", undetermined=("q",))


def test_a_fixed_clock_needs_no_zone_of_the_person() -> None:
    lost = replace(ADA, facts={})

    assert outcome(quiet("q", 18, 21, "UTC"), person=lost) == lessened(Changes(send_at=NOON + 6 * HOUR), "q")


def test_a_local_deadline_nobody_knows_lets_nothing_wait() -> None:
    lost = replace(ADA, facts={})
    campaign = replace(SPRING, not_after=LocalTime("2026-03-09T10:00"))

    assert outcome(quiet("q", 18, 21, "UTC"), person=lost, campaign=campaign) == blocked(
        "q", impossible="past_deadline"
    )


def test_several_impossibles_unite_their_policies() -> None:
    lost = replace(ADA, facts={})

    found = outcome(quiet("q", 18, 21), rule("g", ALWAYS, "content"), person=lost, start="in_app")

    assert found == blocked("g", "q", impossible="no_generic", undetermined=("q",))


def test_hours_that_are_not_for_this_send_ask_for_nothing() -> None:
    hours = Hours((Opening(frozenset(range(7)), 20 * 60, 21 * 60),))
    for_sms = rule("sms", And((on("sms"), Not(Allowed(hours)))), "send_at", hours=hours)

    found = outcome(quiet("q", 18, 21), for_sms)

    assert found == lessened(Changes(send_at=micros("2026-03-02T18:00:00+01:00")), "q")


def test_only_what_was_asked_of_this_send_decides() -> None:
    rules = (strip_rule("s", named("city")), strip_rule("sms", And((on("sms"), named("basket")))), quiet("q", 0, 24))

    assert outcome(*rules) == lessened(Changes(strip=("city",)), "s")


# --- asking for another channel ------------------------------------------------------------------------


def test_the_first_candidate_that_is_done_wins() -> None:
    assert outcome(rule("p", on("push"), "channel")) == lessened(Changes(channel="email"), "p")


def test_a_list_names_the_channels_that_will_do() -> None:
    found = outcome(rule("p", ALWAYS, "channel", channels=["in_app"]))

    assert found == lessened(Changes(channel="in_app"), "p")


def test_who_asks_for_another_channel_decides_whatever_else_was_breached() -> None:
    found = outcome(rule("p", on("push"), "channel"), rule("g", on("push"), "content"), rule("x", on("sms"), "channel"))

    assert found == lessened(Changes(channel="email"), "p")


def test_every_asker_must_permit_the_channel() -> None:
    found = outcome(
        rule("p1", on("push"), "channel", channels=["in_app", "email"]),
        rule("p2", on("push"), "channel", channels=["in_app", "sms"]),
    )

    assert found == lessened(Changes(channel="in_app"), "p1", "p2")


def test_a_channel_that_is_named_is_satisfied() -> None:
    found = outcome(rule("p", PERHAPS, "channel", channels=["push", "email"]))

    assert found == Decision(Verdict.ALLOW, undetermined=("p",), channel="push", at=NOON)


def test_skipped_candidates_keep_their_reasons() -> None:
    rules = (rule("p", on("push"), "channel"), rule("no", And((on("email"), PERHAPS))))

    assert outcome(*rules) == lessened(
        Changes(channel="in_app"), "p", skipped=(Judgement("email", "block", ("no",), ("no",)),)
    )


def test_a_candidate_that_asks_again_is_skipped() -> None:
    found = outcome(rule("p", on("push", "email"), "channel"))

    assert found == lessened(Changes(channel="in_app"), "p", skipped=(Judgement("email", "ask", ("p",)),))


def test_no_channel_left_blocks_by_those_who_asked() -> None:
    found = outcome(rule("p", ALWAYS, "channel"), rule("no", on("in_app")))

    assert found == blocked(
        "p",
        impossible="no_channel_left",
        skipped=(Judgement("email", "ask", ("p",)), Judgement("in_app", "block", ("no",))),
    )


def test_a_candidate_is_judged_from_the_original_send() -> None:
    rules = (
        rule("p", And((on("push"), Not(ExistsUse(named("basket"))))), "channel"),
        strip_rule("s", And((on("push"), named("basket")))),
    )

    assert outcome(*rules) == lessened(Changes(channel="email"), "p")


def test_a_moved_send_is_lessened_too_and_both_decide() -> None:
    rules = (rule("p", on("push"), "channel"), strip_rule("s", And((on("email"), named("city")))))

    assert outcome(*rules) == lessened(Changes(channel="email", strip=("city",)), "p", "s")


def test_the_persons_own_ranks_say_what_is_less_intrusive() -> None:
    loud_email = replace(ADA, ranks={"email": 65})

    assert outcome(rule("p", on("push"), "channel"), person=loud_email) == lessened(Changes(channel="in_app"), "p")


def test_a_candidate_needs_an_address() -> None:
    no_email = replace(ADA, addresses={"push": Address("t1"), "in_app": Address("a")})

    assert outcome(rule("p", on("push"), "channel"), person=no_email) == lessened(Changes(channel="in_app"), "p")


def test_undetermined_is_the_union_of_start_and_winner() -> None:
    rules = (
        rule("p", And((on("push"), PERHAPS)), "channel"),
        rule("a", And((on("email"), PERHAPS)), "channel", mode="audit"),
        rule("s", And((on("email"), PERHAPS)), "content"),
    )

    assert outcome(*rules) == lessened(
        Changes(channel="email", generic=True), "p", "s", undetermined=("a", "p", "s"), audit=("a",)
    )


def test_alone_is_the_only_policy_that_decided() -> None:
    assert outcome(rule("no", ALWAYS)).alone == "no"
    assert outcome(rule("no", ALWAYS), rule("never", ALWAYS)).alone is None


def test_decisions_met_before_are_told_apart() -> None:
    laws = Laws(ruleset(rule("no", on("sms")), rule("seen", on("push"), "channel", mode="audit")))

    def _at(at: int, start: str) -> Decision:
        return decide(laws, judge, replace(SPRING, at=at), ADA, NOON, start)

    pushed = Decision(Verdict.ALLOW, audit=("seen",), channel="push", at=NOON)
    mailed = Decision(Verdict.ALLOW, channel="email", at=NOON)
    assert _at(NOON, "push") == _at(NOON, "push") == pushed
    assert _at(NOON + 1, "push") == replace(pushed, at=NOON + 1)
    assert _at(NOON, "push") == pushed
    assert _at(NOON, "email") == mailed
    assert _at(NOON, "sms") == _at(NOON + 1, "sms") == blocked("no")


def test_the_order_of_rules_never_matters() -> None:
    rules = (
        rule("z", on("push"), "channel"), strip_rule("y", named("city")), rule("x", on("in_app")), quiet("w", 18, 20),
    )  # fmt: skip

    assert outcome(*rules) == outcome(*reversed(rules))


def test_masks_sort_the_rules_by_what_they_ask() -> None:
    rules = (
        rule("a", ALWAYS),
        rule("b", ALWAYS, "channel"),
        rule("c", ALWAYS, "channel", channels=["push"]),
        rule("d", ALWAYS, "content"),
        strip_rule("e", ALWAYS),
        strip_rule("f", ALWAYS, mode="audit"),
        quiet("g", 1, 2),
    )

    masks = law(rules, "push")

    assert (masks.blocks, masks.asks, masks.contents, masks.strips, masks.schedules) == (1, 2, 8, 16, 64)
    assert (masks.acts, masks.audit, masks.strip_rules, masks.schedule_rules) == (91, 32, (4, 5), (6,))
    assert law(rules, "email").asks == 6
