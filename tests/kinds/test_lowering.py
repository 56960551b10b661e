"""What each kind means, as trees: golden, so that a change of meaning is seen in review."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.hookspecs import Lowered
from policykit.ir.nodes import (
    Allowed,
    And,
    Arith,
    Compare,
    ConsentMet,
    ConsentWasMet,
    Const,
    Counting,
    ExistsUse,
    Expr,
    Fact,
    Hours,
    If,
    In,
    Member,
    Months,
    Not,
    Opening,
    Or,
    Rank,
    Requirement,
    Sends,
    SumUses,
    Text,
    Type,
    UseCollectedFor,
    UseFact,
    UseOrigin,
    Window,
)  # fmt: skip
from policykit.ir.walk import nodes
from policykit.kinds.quiet_hours import complement
from policykit.model import DAY, HOUR
from policykit.vocabulary import DEGREES, SENSITIVITIES
from tests.examples import examples

from .conftest import Lower

STATUS = Fact("consent.status", Type.STRING)
WEEKDAYS = frozenset(range(7))


def _text(value: str) -> Const:
    return Const(value, Type.STRING)


def _int(value: int) -> Const:
    return Const(value, Type.INT)


def _is(expr: Expr, value: str) -> Compare:
    return Compare("==", expr, _text(value))


def _some(breach: Expr, reason: str) -> Lowered:
    return Lowered(ExistsUse(breach), _text(reason), use_breach=breach)


# --- consent ---


def test_consent_requires_a_grant_that_has_everything_asked(lower: Lower) -> None:
    found = lower("""
  kind: consent
  require: {quality: {at_least: single_opt_in}, basis: consent, names: [channel], max_age: 2 years, defects: none,
            evidence: true, controller: this_controller}""")

    asked = Requirement(
        quality=frozenset({"single_opt_in", "double_opt_in", "written"}), bases=frozenset({"consent"}),
        max_age=Months(24), names=frozenset({"channel"}), defect_free=True, evidence=True, same_controller=True,
    )  # fmt: skip
    weak = If(_is(STATUS, "missing"), _text("consent.missing"), _text("consent.quality"))
    reason: Expr = If(ConsentWasMet(asked), _text("consent.expired"), weak)
    for status in ("refused", "withdrawn", "objected"):
        reason = If(_is(STATUS, status), _text(f"consent.{status}"), reason)
    assert found == Lowered(Not(ConsentMet(asked)), reason)


def test_consent_with_nothing_asked_wants_any_grant(lower: Lower) -> None:
    assert lower("  kind: consent\n  require: {}").breach == Not(ConsentMet(Requirement()))


def test_consent_takes_one_of_several_grants(lower: Lower) -> None:
    found = lower("""
  kind: consent
  require: {any: [{basis: consent}, {basis: contract, max_age: 24 months}]}""")

    asked = (Requirement(bases=frozenset({"consent"})), Requirement(bases=frozenset({"contract"}), max_age=Months(24)))
    assert found.breach == Not(Or(tuple(ConsentMet(each) for each in asked)))
    once = Or(tuple(ConsentWasMet(each) for each in asked))
    assert once in list(nodes(found.reason))


def test_consent_forbids_live_refusals(lower: Lower) -> None:
    found = lower("  kind: consent\n  forbid: {refused_for: [purpose, everything]}")

    reason: Expr = _text("consent.refused")
    for status in ("withdrawn", "objected"):
        reason = If(_is(STATUS, status), _text(f"consent.{status}"), reason)
    breach = Or((Member("consent.refused_for", "everything"), Member("consent.refused_for", "purpose")))
    assert found == Lowered(breach, reason)


def test_a_single_level_is_one_member(lower: Lower) -> None:
    found = lower("  kind: consent\n  forbid: {refused_for: channel}")

    assert found.breach == Member("consent.refused_for", "channel")


# --- data, purpose, style: the use matcher ---


def test_forbidden_origin_matches_any_member(lower: Lower) -> None:
    found = lower("  kind: data\n  forbid: {origin: {at_least: inferred}}")

    breach = Or((UseOrigin("inferred"), UseOrigin("generated"), UseOrigin("purchased")))
    assert found == _some(breach, "data.forbidden")


def test_required_origin_is_asked_of_every_member(lower: Lower) -> None:
    found = lower("  kind: data\n  require: {origin: {at_most: provided}}")

    others = ("observed", "derived", "inferred", "generated", "purchased")
    met = And(tuple(Not(UseOrigin(origin)) for origin in others))
    assert found == _some(Not(met), "data.not_allowed")


def test_a_persons_degree_bounds_every_origin(lower: Lower) -> None:
    found = lower("  kind: data\n  require: {origin: {at_most: {fact: recipient.degree}}}")

    degree = Rank(DEGREES, Fact("recipient.degree", Type.STRING))
    ranks = {"contextual": 1, "provided": 2, "observed": 3, "derived": 3, "inferred": 4, "generated": 4, "purchased": 5}
    met = And(tuple(Or((Not(UseOrigin(o)), Compare("<=", _int(rank), degree))) for o, rank in ranks.items()))
    assert found == _some(Not(met), "data.not_allowed")


def test_fields_are_anded_per_use(lower: Lower) -> None:
    found = lower("""
  kind: data
  forbid: {sensitivity: {at_least: financial}, recited: true, permission: false, selected: false}""")

    rank = Rank(SENSITIVITIES, UseFact("sensitivity", Type.STRING))
    breach = And((
        Compare(">=", rank, _int(6)), UseFact("recited", Type.BOOL), Not(UseFact("permission", Type.BOOL)),
        Not(UseFact("selected", Type.BOOL)),
    ))  # fmt: skip
    assert found == _some(breach, "data.forbidden")


def test_age_is_bounded_both_ways(lower: Lower) -> None:
    found = lower("  kind: data\n  require: {age: {at_least: 1 hour, at_most: 30 days}}")

    age = UseFact("age", Type.DURATION)
    hour, month = Const(HOUR, Type.DURATION), Const(30 * DAY, Type.DURATION)
    assert found == _some(Not(And((Compare(">=", age, hour), Compare("<=", age, month)))), "data.not_allowed")


def test_a_category_covers_its_children(lower: Lower) -> None:
    found = lower("  kind: data\n  forbid: {category: user.health}")

    category = UseFact("category", Type.STRING)
    breach = Or((_is(category, "user.health"), Text("starts_with", category, _text("user.health."))))
    assert found == _some(breach, "data.forbidden")


@pytest.mark.parametrize(
    ("body", "breach"),
    [
        ("{attribute: basket}", _is(UseFact("attribute", Type.STRING), "basket")),
        ("{attribute: [basket, moving]}", In(UseFact("attribute", Type.STRING), ("basket", "moving"))),
        ("{attribute: {not: [basket]}}", Not(In(UseFact("attribute", Type.STRING), ("basket",)))),
        ("{controller: acme}", _is(UseFact("controller", Type.STRING), "acme")),
        (
            "{controller: this_controller}",
            Compare("==", UseFact("controller", Type.STRING), Fact("send.controller", Type.STRING)),
        ),
        ("{origin: {not: [provided, contextual, observed, derived, inferred, generated]}}", UseOrigin("purchased")),
        ("{collected_for: this_purpose}", UseCollectedFor(None)),
        ("{collected_for: [this_purpose, functional]}", Or((UseCollectedFor(None), UseCollectedFor("functional")))),
        ("{collected_for: {not: [functional]}}", Not(UseCollectedFor("functional"))),
        ("{disclosed: false}", Not(UseFact("disclosed", Type.BOOL))),
    ],
)
def test_matchers_of_a_use(lower: Lower, body: str, breach: Expr) -> None:
    assert lower(f"  kind: data\n  forbid: {body}") == _some(breach, "data.forbidden")


def test_purpose_asks_what_a_use_was_collected_for(lower: Lower) -> None:
    found = lower("  kind: purpose\n  require: {collected_for: this_purpose}")

    assert found == _some(Not(UseCollectedFor(None)), "purpose.mismatch")


def test_style_about_uses_is_the_use_matcher(lower: Lower) -> None:
    found = lower("  kind: style\n  forbid: {recited: true, origin: purchased}")

    assert found == _some(And((UseFact("recited", Type.BOOL), UseOrigin("purchased"))), "style.forbidden")


def test_style_of_the_whole_send_is_about_no_use(lower: Lower) -> None:
    style = Fact("send.style", Type.STRING)

    found = lower("  kind: style\n  require: {style: [generic, help_me]}")

    assert found == Lowered(Not(In(style, ("generic", "help_me"))), _text("style.not_allowed"))


def test_style_and_use_breach_together_when_forbidden(lower: Lower) -> None:
    style, recited = Fact("send.style", Type.STRING), UseFact("recited", Type.BOOL)

    found = lower("  kind: style\n  forbid: {style: prove_you_know_me, recited: true}")

    showing = _is(style, "prove_you_know_me")
    assert found == Lowered(And((showing, ExistsUse(recited))), _text("style.forbidden"), And((showing, recited)))


def test_style_or_use_breach_when_required(lower: Lower) -> None:
    style, recited = Fact("send.style", Type.STRING), UseFact("recited", Type.BOOL)

    found = lower("  kind: style\n  require: {style: help_me, recited: false}")

    whole, some = Not(_is(style, "help_me")), ExistsUse(Not(Not(recited)))
    assert found == Lowered(Or((whole, some)), _text("style.not_allowed"))


# --- frequency ---


@pytest.mark.parametrize(
    ("body", "window", "counting", "limit"),
    [
        (
            "{at_most: 3, per: 7 days, counting: {channel: [push, sms]}}",
            Window(rolling=7 * DAY), Counting(frozenset({"push", "sms"})), _int(3),
        ),
        ("{gap: 16 hours}", Window(rolling=16 * HOUR), Counting(), _int(1)),
        ("{at_most: 0, per: 1 day}", Window(rolling=DAY), Counting(), _int(0)),
        ("{at_most: 1, per: {calendar: week}}", Window(calendar="week"), Counting(), _int(1)),
        (
            "{at_most: 1, per: {calendar: month, zone: Europe/Paris}}",
            Window(calendar="month", zone="Europe/Paris"), Counting(), _int(1),
        ),
        (
            ("{at_most: {fact: recipient.tolerance}, per: {calendar: day, zone: recipient},"
            " counting: {message_class: any}}"),
            Window(calendar="day"), Counting(classes=None), Fact("recipient.tolerance", Type.INT),
        ),
        (
            "{gap: 2 weeks, counting: {channel: this_channel, message_class: [service], campaign: this_campaign}}",
            Window(rolling=14 * DAY), Counting(None, True, frozenset({"service"}), True), _int(1),
        ),
    ],
)  # fmt: skip
def test_frequency_counts_others(lower: Lower, body: str, window: Window, counting: Counting, limit: Expr) -> None:
    found = lower(f"  kind: frequency\n  require: {body}")

    assert found == Lowered(Compare(">=", Sends(window, counting), limit), _text("frequency.cap"))


# --- quiet hours ---


def test_quiet_hours_require_openings(lower: Lower) -> None:
    found = lower("""
  kind: quiet_hours
  require: {local_time: [{days: sat, from: "22:00", to: "02:00"}, {days: mon-fri, from: "08:00", to: "24:00"}]}""")

    hours = Hours((Opening(frozenset(range(5)), 480, 1440), Opening(frozenset({5}), 1320, 120)))
    assert found == Lowered(Not(Allowed(hours)), _text("quiet_hours.closed"), hours=hours)


def test_quiet_hours_forbid_the_complement(lower: Lower) -> None:
    found = lower("""
  kind: quiet_hours
  forbid:
    local_time: [{days: all, from: "21:00", to: "08:00"}, {days: sun, from: "00:00", to: "24:00"}]
    zone: Asia/Tokyo""")

    hours = Hours((Opening(frozenset(range(6)), 480, 1260),), "Asia/Tokyo")
    assert found == Lowered(Not(Allowed(hours)), _text("quiet_hours.closed"), hours=hours)


def test_the_order_of_openings_does_not_matter(lower: Lower) -> None:
    one, two = '{days: [tue, mon], from: "08:00", to: "09:00"}', '{days: sun, from: "10:00", to: "11:00"}'

    ways = [f"  kind: quiet_hours\n  require: {{local_time: [{a}, {b}]}}" for a, b in ((one, two), (two, one))]

    assert lower(ways[0]) == lower(ways[1])


@pytest.mark.parametrize(
    ("days", "meant"),
    [("all", range(7)), ("mon-sat", range(6)), ("fri-mon", [4, 5, 6, 0]), ("[mon, wed]", [0, 2]), ("sun", [6])],
)
def test_days(lower: Lower, days: str, meant: list[int]) -> None:
    body = f'{{local_time: [{{days: {days}, from: "08:00", to: "21:00"}}]}}'

    assert lower(f"  kind: quiet_hours\n  require: {body}").hours == Hours((Opening(frozenset(meant), 480, 1260),))


# --- intrusiveness ---


def test_intrusiveness_adds_up(lower: Lower) -> None:
    found = lower("""
  kind: intrusiveness
  require: {at_most: {fact: recipient.tolerance}}
  score:
    channel: rank
    per_recent_send: {points: 5, within: 7 days}
    recites: {observed: 15, derived: 15, inferred: 40}""")

    recent = Arith("*", _int(5), Sends(Window(rolling=7 * DAY), Counting()))
    low = If(Or((UseOrigin("derived"), UseOrigin("observed"))), _int(15), _int(0))
    recited = SumUses(If(UseFact("recited", Type.BOOL), If(UseOrigin("inferred"), _int(40), low), _int(0)))
    score = Arith("+", Arith("+", Fact("send.rank", Type.INT), recent), recited)
    breach = Compare(">", score, Fact("recipient.tolerance", Type.INT))
    assert found == Lowered(breach, _text("intrusiveness.score"))


def _minutes(openings: tuple[Opening, ...]) -> set[int]:
    """Minutes of the week, read off the clock one by one."""
    week = set()
    for opening in openings:
        for day in opening.days:
            minute = opening.start
            while True:
                week.add((day * 1440 + minute) % (7 * 1440))
                minute += 1
                if minute == opening.end or (minute == 1440 and opening.end == 0):
                    break
                if minute == 1440 and opening.end < opening.start:
                    minute, day = 0, day + 1
    return week


_CLOCK = st.sampled_from([0, 1, 479, 480, 481, 720, 1439])
_OPENINGS = st.lists(
    st.builds(
        Opening, st.frozensets(st.integers(0, 6), min_size=1), _CLOCK, _CLOCK | st.just(1440)
    ).filter(lambda opening: opening.start != opening.end),
    max_size=4,
).map(tuple)  # fmt: skip


@settings(max_examples=examples(60), deadline=None)
@given(openings=_OPENINGS)
def test_the_complement_is_every_other_minute(openings: tuple[Opening, ...]) -> None:
    free = complement(openings)

    assert _minutes(free) == set(range(7 * 1440)) - _minutes(openings)
    assert all(opening.start < opening.end for opening in free)
