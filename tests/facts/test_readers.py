"""The quick ways to facts say what the slow ones say: readers, zones, days, months, records made at once."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.engine import Engine, reference_decide
from policykit.facts import consent
from policykit.facts.counting import window_around
from policykit.facts.hours import allowed, intervals, local_day, local_fields, next_allowed
from policykit.facts.quick import maker
from policykit.facts.readers import row_reader
from policykit.facts.row import Sight, State, leaf_value
from policykit.facts.zones import EARLIEST, LATEST, _load, _offset, offset_at, zones
from policykit.ir.nodes import Hours, Months, Opening, Window
from policykit.ir.rules import RuleSet
from policykit.ir.specialise import leaves_left, specialise
from policykit.model import DAY, FOREVER, MINUTE, Campaign, ConsentRecord, Decision, Micros, Person, SentRecord, Verdict
from tests.examples import examples
from tests.laws import oracle
from tests.laws.oracle_compile import ruleset_of
from tests.laws.strategies import Setting, settings_of
from tests.laws.strategies_audience import audience as audience_of
from tests.laws.strategies_policies import policies

QUICK = settings(deadline=None, suppress_health_check=list(HealthCheck))
SEEDS = st.integers(0, 2**32)


@settings(QUICK, max_examples=examples(40))
@given(settings_of(policies()), SEEDS)
def test_a_reader_reads_what_every_leaf_says(setting: Setting, seed: int) -> None:
    ruleset, chance = ruleset_of(setting), Random(seed)
    people = oracle.people(audience_of(setting, seed, 12))
    for prepared in setting.campaign.prepared:
        for generic in (False, True):
            leaves = leaves_left(specialise(ruleset, setting.campaign, prepared, generic))
            order, read = row_reader(ruleset, setting.campaign, prepared.channel, generic, leaves)
            assert sorted(map(repr, order)) == sorted(map(repr, leaves))
            for person in people:
                at = chance.choice([None, setting.now, setting.now + DAY, setting.now - 1])
                stripped = frozenset(chance.sample(sorted(ruleset.attributes), min(1, len(ruleset.attributes))))
                blend = chance.choice([None, 0, 1, 3])
                state = State(prepared.channel, generic, chance.choice([frozenset(), stripped]), at, blend)
                said = [
                    leaf_value(Sight(ruleset, setting.campaign, person, setting.now), state, leaf) for leaf in order
                ]
                sight = Sight(ruleset, setting.campaign, person, setting.now)
                assert read(sight, state) == said
                assert read(sight, state) == said  # from what is remembered of the first time


@settings(QUICK, max_examples=examples(20))
@given(settings_of(policies()), SEEDS)
def test_a_planned_instant_in_place_of_the_campaign_s(setting: Setting, seed: int) -> None:
    """Deciding at an instant is deciding the same campaign planned for it; its deadline stays."""
    ruleset, chance = ruleset_of(setting), Random(seed)
    engine = Engine(ruleset)
    for person in oracle.people(audience_of(setting, seed, 12)):
        at = setting.now + chance.choice([0, 1, DAY, 6 * DAY, 9 * DAY, -DAY])

        decided = engine.decide(setting.campaign, person, setting.now, at=at)

        planned = replace(setting.campaign, at=at)
        assert decided == reference_decide(ruleset, planned, person, setting.now)


@settings(QUICK, max_examples=examples(20))
@given(settings_of(policies()), SEEDS)
def test_what_a_decision_stood_on_is_its_standing(setting: Setting, seed: int) -> None:
    ruleset, campaign, now = ruleset_of(setting), setting.campaign, setting.now
    path = consent.node_path(ruleset, campaign)
    for person in oracle.people(audience_of(setting, seed, 12)):
        for prepared in campaign.prepared:
            found = Engine(ruleset).stood_on(campaign, person, prepared.channel, now)

            assert len(set(found)) == len(found)
            assert set(found) <= {record.id for record in person.consents or ()}
            if person.consents is not None and path is not None:
                standing = consent.standing(person.consents, path, prepared.channel, now)
                own = tuple(dict.fromkeys(record.id for record in (*standing.refusals, *standing.in_force)))
                assert found[: len(own)] == own  # those of programs and of single attributes follow


def test_nobody_s_consents_are_nothing_to_stand_on() -> None:
    engine = Engine(RuleSet((), ()))

    assert engine.stood_on(Campaign("c", (), 0, purpose="marketing"), Person("a"), "email", 0) == ()
    assert engine.stood_on(Campaign("c", (), 0), Person("a", consents=(ConsentRecord("r", "given"),)), "email", 0) == ()


# --- clocks --------------------------------------------------------------------------------------------

ZONES = st.sampled_from(
    ["Europe/Paris", "America/New_York", "Asia/Kolkata", "Africa/Casablanca", "Pacific/Apia", "Europe/Dublin",
     "America/Scoresbysund", "Antarctica/Troll", "Australia/Lord_Howe", "Etc/UTC", "Africa/Monrovia"]
)  # fmt: skip


@st.composite
def instants(draw: st.DrawFn) -> tuple[str, list[Micros]]:
    """A zone and instants about its changes of offset, some far from any."""
    zone = draw(ZONES)
    changes = [*_load(zone).transitions[-40:], 1_792_890_000_000_000, 1_774_746_000_000_000, 2_540_509_200_000_000]
    near = st.builds(
        lambda at, by: at + by, st.sampled_from(changes), st.integers(-2 * DAY, 2 * DAY) | st.integers(-2, 2)
    )
    return zone, draw(st.lists(near | st.integers(EARLIEST, LATEST - 1), min_size=1, max_size=8))


@settings(QUICK, max_examples=examples(200))
@given(instants())
def test_offsets_are_those_of_the_zone_in_whatever_order_they_are_asked_for(asked: tuple[str, list[Micros]]) -> None:
    zone, every = asked
    info = _load(zone).info

    assert [offset_at(zone, at) for at in every] == [_offset(info, at) for at in every]


@settings(QUICK, max_examples=examples(100))
@given(instants())
def test_a_local_day_is_that_of_the_clock(asked: tuple[str, list[Micros]]) -> None:
    zone, every = asked
    for at in every:
        fields = local_fields(zone, at)

        assert local_day(zone, at) == (None if fields is None else (fields.day_start, fields.day_end))
        assert window_around(Window(calendar="day", zone=zone), at, None) == (
            None if fields is None else (fields.day_start, fields.day_end - 1)
        )


OPENINGS = st.builds(
    Opening,
    st.frozensets(st.integers(0, 6), min_size=1, max_size=3),
    st.sampled_from([0, 480, 1320]),
    st.sampled_from([60, 540, 1439]),
)


@settings(QUICK, max_examples=examples(60))
@given(instants(), st.lists(OPENINGS, min_size=1, max_size=2), st.sampled_from([0, MINUTE, DAY, 9 * DAY, 90 * DAY]))
def test_the_next_opening_is_the_first_of_all(
    asked: tuple[str, list[Micros]], openings: list[Opening], reach: Micros
) -> None:
    zone, every = asked
    hours = Hours(tuple(openings), None)
    for at in every[:2]:
        found = next_allowed(hours, zone, at, at + reach)

        if allowed(hours, zone, at):
            assert found == at
            continue
        stretches = intervals(hours, zone, at, min(at + reach + 1, at + 60 * DAY))
        assert found == (stretches[0][0] if stretches else None)


def test_every_zone_can_be_asked_about_today() -> None:
    at = 1_795_255_200_000_000

    assert {zone for zone in zones() if offset_at(zone, at) != _offset(_load(zone).info, at)} == set()


# --- consents ------------------------------------------------------------------------------------------


@given(
    st.integers(-(10**16), 10**17), st.integers(1, 300),
    st.sampled_from([-31, -28, 0, 27, 28, 29, 30, 31]), st.integers(-1, 1), st.sampled_from([FOREVER, None, 0]),
)  # fmt: skip
def test_months_pass_as_the_calendar_says(given_at: int, count: int, days: int, by: int, limit: int | None) -> None:
    expires_at = FOREVER if limit == FOREVER else given_at + count * 15 * DAY
    grant = ConsentRecord("r", "given", at=given_at, expires_at=expires_at)
    span = Months(count)
    for at in (
        given_at + count * 28 * DAY + by, given_at + count * 31 * DAY + by, given_at + count * 30 * DAY + days * DAY,
        consent.ends(grant, span) + by if consent.ends(grant, span) != FOREVER else given_at,
    ):  # fmt: skip
        end = min(expires_at, consent.later_by(given_at, span))

        assert consent.lasts(grant, span, at) == (end == FOREVER or at < end)


# --- records made at once --------------------------------------------------------------------------------


def test_what_a_maker_makes_is_that_object() -> None:
    made = maker(SentRecord)(5, "email", None, "spring")

    assert (made, hash(made), repr(made)) == (
        SentRecord(5, "email", None, "spring"), hash(SentRecord(5, "email", None, "spring")),
        repr(SentRecord(5, "email", None, "spring")),
    )  # fmt: skip
    assert type(made) is SentRecord
    assert replace(made, at=6) == SentRecord(6, "email", None, "spring")
    assert type(maker(Decision)(Verdict.ALLOW, *[None] * 8)) is Decision
