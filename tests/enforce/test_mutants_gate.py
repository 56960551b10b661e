"""What one wrong line of the gate would let happen, each found by breaking it: outages, fallen slots, mixed calls."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from policykit_sendgrid import SendGridAdapter

from policykit.adapters.wire import Answer
from policykit.enforce.carry import ending_of
from policykit.enforce.context import ours, sending
from policykit.enforce.found import decision_of
from policykit.enforce.outbox import read_request
from policykit.enforce.plan import Plan
from policykit.errors import StoreUnavailable
from policykit.language.spans import parse_instant
from policykit.model import DAY, Changes, Verdict
from policykit.sends import Send
from policykit.stores.base import LEASE
from policykit.stores.memory import MemoryStore
from policykit.stores.sqlite import SQLiteStore
from policykit.testing.double import Double
from tests.enforce.test_batches import Bulk, Whole, bulk
from tests.enforce.test_ledger import Unsteady
from tests.enforce.worlds import (
    ADAPTERS,
    EMAIL_RATHER,
    EVENINGS,
    NOW,
    ONE_A_DAY,
    POLICIES,
    SPRING,
    STRIPPED,
    Clock,
    World,
    email,
    providers,
    push,
    rules_of,
)

ANN, BOB = "ann@example.com", "bob@example.com"
EVENING = parse_instant("2026-03-02T21:30:00Z") or 0  # 22:30 in Paris
MORNING = parse_instant("2026-03-03T07:00:00Z") or 0

REGISTRY = POLICIES.partition("policies:")[0] + "policies:"
NOT_BOUGHT = """
  - {id: no-bought-data, kind: data, forbid: {origin: purchased}, on_breach: block}
"""
NOT_SHARED = """
  - {id: not-shared, kind: rule, forbid: send.address.shared, on_breach: block}
"""
NOT_BY_BULK = """
  - {id: not-by-bulk, kind: rule, for: {provider: bulk}, forbid: "send.channel == 'email'", on_breach: block}
"""


class Lists(Bulk):
    """The same provider, where `nobody` is a list of whom nothing is known."""

    def read(self, request):
        return tuple([replace(send, address=None) if send.address == "nobody@example.com" else send
                      for send in super().read(request)])  # fmt: skip


class Overtaken(Unsteady):
    """Somebody else writes about Bob before the first record of a call; after it the store cannot be read."""

    def record(self, entries, now):
        if any(entry.reservation is not None for entry in entries) and "known" not in self.away:
            self.write("history", [{"person": "bob", "at": "2025-01-01T00:00:00Z", "channel": "push"}])
            granted = super().record(entries, now)
            self.away = {"known"}
            return granted
        return super().record(entries, now)


class Elbowed(MemoryStore):
    """Somebody else always comes first."""

    def known(self, asked, now, logical=()):
        found = super().known(asked, now, logical)
        self.write("history", [{"person": "ann", "at": "2025-01-01T00:00:00Z", "campaign": os.urandom(4).hex()}])
        return found


def two(rules, adapters=None, store=None):
    """Ann and Bob, who agreed to everything."""
    clock = Clock()
    world = World(rules, (store or Overtaken)(clock), clock, **({"adapters": adapters} if adapters else {}))
    world.knows("ann", email=ANN)
    world.knows("bob", email=BOB)
    return world


# --- an outage in the middle of a call


def test_store_lost_between_two_rounds_refuses_only_what_has_no_slot(tmp_path):
    with two(rules_of(tmp_path, POLICIES + ONE_A_DAY), [Bulk()]) as world:
        plan = world.gate.plan(bulk("ann", "bob"))

        assert [(record.effect, record.failed) for record in plan.records] == [
            ("passed", None), ("refused", "the store cannot be reached"),
        ]  # fmt: skip
        assert plan.forward is not None
        assert plan.forward.json()["to"] == [ANN]
        world.store.away = set()
        assert world.gate.flush()
        assert world.log() == list(plan.records)


def test_store_lost_between_two_rounds_refuses_a_call_that_cannot_be_split(tmp_path):
    with two(rules_of(tmp_path, POLICIES + ONE_A_DAY), [Whole()]) as world:
        plan = world.gate.plan(bulk("ann", "bob"))

        assert plan.forward is None
        assert [(record.effect, record.failed) for record in plan.records] == [
            ("refused", "its call cannot be split"), ("refused", "the store cannot be reached"),
        ]  # fmt: skip
        world.store.away = set()
        assert world.history("ann") == []


def test_refusal_of_a_replacement_is_recorded_when_the_store_is_back(tmp_path):
    with Double() as double:
        clock = Clock()
        rules = rules_of(tmp_path, POLICIES + EMAIL_RATHER, providers=providers(double.url))
        with World(rules, Unsteady(clock), clock) as world:
            world.knows("ann", email=ANN, push="token-ann")

            def refuse_as_the_store_goes_away(_):
                world.store.away = {"record", "settle"}
                return Answer(400)

            double.answer("/v3/mail/send", refuse_as_the_store_goes_away)
            (record,) = world.send(push("token-ann", base=double.url)).records
            world.store.away = set()
            assert world.gate.flush()

            assert [line.effect for line in world.log()] == ["replaced", "refused"]
            assert world.log()[-1] == record


def test_class_that_on_error_does_not_name_is_refused(tmp_path):
    with two(rules_of(tmp_path, on_error={}), store=Unsteady) as world:
        world.store.away = {"known"}

        assert [world.send(email(ANN, campaign=each)).records[0].effect for each in ("spring", "receipt")] == [
            "refused", "refused",
        ]  # fmt: skip


# --- a slot lost again and again


@pytest.mark.parametrize(
    ("campaign", "on_error", "effect", "verdict"),
    [
        ("spring", {"marketing": "allow"}, "refused", Verdict.BLOCK),
        ("receipt", {"transactional": "allow"}, "passed", Verdict.ALLOW),
        ("receipt", {"transactional": "block"}, "refused", Verdict.BLOCK),
    ],
)
def test_slot_lost_too_often_is_decided_by_class_and_recorded(tmp_path, campaign, on_error, effect, verdict):
    clock = Clock()
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY, on_error=on_error), Elbowed(clock), clock) as world:
        world.knows("ann", email=ANN)
        plan = world.send(email(ANN, campaign=campaign))

        assert [(each.effect, each.verdict, each.failed) for each in plan.records] == [
            (effect, verdict, "its slot was lost to other sends")
        ]
        assert (plan.forward is not None) == (effect == "passed")
        assert world.log() == list(plan.records)


# --- audit lets everything pass, and says so


def test_audit_lets_a_send_pass_whose_slot_is_lost_again_and_again(tmp_path):
    clock = Clock()
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY, mode="audit"), Elbowed(clock), clock) as world:
        world.knows("ann", email=ANN)
        request = email(ANN)
        plan = world.send(request)

        assert plan.forward is request
        assert [(record.effect, record.verdict) for record in plan.records] == [("passed", Verdict.ALLOW)]


def test_audit_records_what_it_cannot_judge_as_passed(tmp_path):
    with two(rules_of(tmp_path, mode="audit"), store=Unsteady) as world:
        world.store.away = {"known"}
        request = email(ANN)
        plan = world.send(request)

        assert plan.forward is request
        assert [(record.effect, record.verdict) for record in plan.records] == [("passed", Verdict.BLOCK)]


def test_audit_counts_everybody_at_a_shared_address_where_the_send_really_goes(tmp_path):
    with World(rules_of(tmp_path, POLICIES + EMAIL_RATHER, mode="audit")) as world:
        for person in ("ann", "cleo"):
            world.knows(person, email=f"{person}@example.com", push="token-home")
        (record,) = world.send(push("token-home")).records

        assert record.verdict is not Verdict.ALLOW
        assert [world.history(person) for person in ("ann", "cleo")] == [[("push", world.clock.now, "spring")]] * 2


# --- what it is judged by


def test_send_of_no_campaign_has_unknown_uses(tmp_path):
    with World(rules_of(tmp_path, REGISTRY + NOT_BOUGHT)) as world:
        (record,) = world.send(email(ANN, campaign=None)).records

        assert (record.effect, record.decision.undetermined) == ("refused", ("no-bought-data",))


def test_silent_push_of_a_campaign_is_judged(tmp_path):
    with World(rules_of(tmp_path)) as world:
        world.knows("bob", push="token-bob", refused=True)
        (record,) = world.send(push("token-bob", notification=None)).records

        assert (record.effect, record.campaign) == ("refused", "spring")


def test_adapter_that_cannot_tell_lets_no_send_of_its_provider_pass(tmp_path):
    class Confused(SendGridAdapter):
        def claims(self, request):
            raise KeyError("claims")

    with World(rules_of(tmp_path), adapters=[Confused()]) as world:
        world.knows("bob", email=BOB, refused=True)
        request = email(BOB)

        assert world.gate.claims("POST", request.url)
        assert not world.gate.claims("POST", "https://elsewhere.example/v3/mail/send")
        assert world.send(request).records[0].effect == "refused"


def test_sends_of_our_own_are_planned_as_they_are(tmp_path):
    with World(rules_of(tmp_path)) as world, ours():
        request = email(BOB)

        assert world.gate.plan(request) == Plan(request)


def test_people_beside_a_send_that_names_nobody_keep_their_places(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY), adapters=[Lists()]) as world:
        world.knows("ann", email=ANN)
        world.knows("bob", email=BOB, refused=True)
        plans = [world.send(bulk("nobody", "ann", "bob", "ann"), status=status) for status in (503, 202)]

        first, second = ([(record.effect, record.person) for record in plan.records] for plan in plans)
        assert first == second == [("refused", None), ("passed", "~ann"), ("refused", "~bob"), ("refused", "~ann")]
        assert plans[0].records[1].id == plans[1].records[1].id


def test_people_of_one_address_who_would_have_to_wait_differently_get_nothing(tmp_path):
    with World(rules_of(tmp_path, POLICIES + EVENINGS), clock=Clock(EVENING)) as world:
        for person, zone in (("ann", "Europe/Paris"), ("bob", "Europe/London")):
            world.knows(person, email="home@example.com")
            world.store.write("people", [{"id": person, "zone": zone}])
        with sending(campaign="spring"):
            judged = world.gate.judge(Send("email", "sendgrid", "home@example.com"))
        sent = world.send(email("home@example.com")).records[0]

        assert [(each.effect, each.failed) for each in (judged, sent)] == [
            ("refused", "it would have to be changed in two ways at once")
        ] * 2


def test_what_is_known_of_one_address_is_not_taken_for_another(tmp_path):
    with World(rules_of(tmp_path, REGISTRY + NOT_SHARED)) as world:
        world.store.write("addresses", [{"person": "ann", "channel": "email", "address": ANN, "shared": False}])
        with sending(campaign="spring", person="ann"):
            effects = [world.send(email(address)).records[0].effect for address in (ANN, "ann-new@example.com")]

        assert effects == ["passed", "refused"]


def test_decision_stands_on_the_consent_to_the_channel_it_leaves_by(tmp_path):
    with Double() as double:
        rules = rules_of(tmp_path, POLICIES + EMAIL_RATHER, providers=providers(double.url))
        with World(rules) as world:
            world.knows("ann", consent=("push", "email"), email=ANN, push="token-ann")
            (record,) = world.send(push("token-ann", base=double.url)).records

            assert (record.effect, record.records) == ("replaced", ("ann-given-email",))


def test_policy_about_a_provider_is_for_that_provider_whoever_sent_before(tmp_path):
    with World(rules_of(tmp_path, POLICIES + NOT_BY_BULK), adapters=[*ADAPTERS, Bulk()]) as world:
        world.knows("ann", email=ANN)

        assert [world.send(request).records[0].effect for request in (email(ANN), bulk("ann"))] == ["passed", "refused"]


def test_schedule_that_is_over_is_judged_as_now(tmp_path):
    with World(rules_of(tmp_path, POLICIES + EVENINGS), clock=Clock(EVENING)) as world:
        world.knows("ann", email=ANN)
        (record,) = world.send(email(ANN, send_at=NOW // 1_000_000)).records

        assert (record.effect, record.decision.changes) == ("replaced", Changes(send_at=MORNING))


def test_mode_off_between_the_question_and_the_plan_leaves_the_call_alone(tmp_path):
    with World(rules_of(tmp_path)) as world:
        world.knows("bob", email=BOB, refused=True)
        world.become(mode="off")
        request = email(BOB)

        assert world.gate.plan(request) == Plan(request)
        assert world.log() == []


# --- changed in two ways


def test_stripped_email_at_night_leaves_in_the_morning(tmp_path):
    with World(rules_of(tmp_path, POLICIES + STRIPPED + EVENINGS), clock=Clock(EVENING)) as world:
        world.knows("ann", email=ANN)
        plan = world.send(email(ANN))

        assert plan.records[0].decision.changes == Changes(strip=("basket",), send_at=MORNING)
        assert plan.forward is not None
        payload = plan.forward.json()
        assert (payload["subject"], payload["send_at"]) == ("Spring", MORNING // 1_000_000)


def test_stripped_push_at_night_waits_for_the_morning(tmp_path):
    with Double() as double:
        rules = rules_of(tmp_path, POLICIES + STRIPPED + EVENINGS, providers=providers(double.url))
        with World(rules, clock=Clock(EVENING)) as world:
            world.knows("ann", push="token-ann")
            world.remembers("ann", basket="tent")
            request = push("token-ann", base=double.url)
            assert world.send(request).forward is None
            (waiting,) = world.store.waiting()
            assert (waiting.due, read_request(waiting).body) == (MORNING, request.body)
            world.clock.now = MORNING

            assert world.gate.run_outbox().sent == 1
            assert double.requests[0].json()["message"]["notification"]["body"] == "Spring is here"


def test_replacement_goes_to_the_address_itself(tmp_path):
    with Double() as double:
        rules = rules_of(tmp_path, POLICIES + EMAIL_RATHER, providers=providers(double.url))
        with World(rules) as world:
            world.knows("ann", email="Ann <ann@Example.com>", push="token-ann")
            world.send(push("token-ann", base=double.url))

            assert [each["to"] for each in double.requests[0].json()["personalizations"]] == [[{"email": ANN}]]


# --- what waits


def test_deadline_of_what_waits_is_not_moved_by_waiting_again(tmp_path):
    with Double() as double:
        rules = rules_of(tmp_path, POLICIES + EVENINGS, providers=providers(double.url))
        with World(rules, clock=Clock(EVENING)) as world:
            world.knows("ann", push="token-ann")
            world.send(push("token-ann", base=double.url))
            world.clock.now = MORNING + 14 * 3600 * 1_000_000  # night again
            assert world.gate.run_outbox().again == 1
            world.clock.now = MORNING + 7 * DAY

            assert world.gate.run_outbox().refused == 1
            assert double.requests == []


def test_campaign_that_bears_waiting_longer_than_a_week_says_so(tmp_path):
    patient = SPRING.replace(
        "audience:", 'send: {at: "2026-03-02T12:00", zone: Europe/Paris, not_after: "2026-04-01T20:00"}\naudience:'
    )
    with Double() as double:
        rules = rules_of(tmp_path, POLICIES + EVENINGS, (patient,), providers=providers(double.url))
        with World(rules, clock=Clock(EVENING)) as world:
            world.knows("ann", push="token-ann")
            assert world.send(push("token-ann", base=double.url)).records[0].effect == "put_off"
            world.clock.now = MORNING + 10 * DAY

            assert world.gate.run_outbox().sent == 1


def test_send_that_is_due_while_the_store_cannot_be_read_goes_on_waiting(tmp_path):
    with Double() as double:
        clock = Clock(EVENING)
        rules = rules_of(tmp_path, POLICIES + EVENINGS, providers=providers(double.url))
        with World(rules, Unsteady(clock), clock) as world:
            world.knows("ann", push="token-ann")
            world.send(push("token-ann", base=double.url))
            clock.now, world.store.away = MORNING, {"known"}
            with pytest.raises(StoreUnavailable):
                world.gate.run_outbox()
            world.store.away = set()
            clock.now += DAY // 24

            assert world.gate.run_outbox().sent == 1


def test_send_that_nothing_is_known_of_any_more_is_given_up(tmp_path):
    with Double() as double:
        rules = rules_of(tmp_path, POLICIES + EVENINGS, providers=providers(double.url))
        with World(rules, clock=Clock(EVENING)) as world:
            world.knows("ann", push="token-ann")
            world.send(push("token-ann", base=double.url, notification=None))
            world.clock.now = MORNING
            world.become(manifests={})

            assert (world.gate.run_outbox().refused, world.store.waiting(), double.requests) == (1, (), [])
            assert world.history("ann") == []


# --- how it ends


@pytest.mark.parametrize(
    ("ending", "statuses"),
    [("sent", (200, 299)), ("released", (400, 404, 499)), ("ended", (0, 199, 300, 399, 408, 429, 500, 599))],
)
def test_status_says_how_a_send_ended(ending, statuses):
    assert [ending_of(status) for status in statuses] == [ending] * len(statuses)


def test_refusal_of_a_whole_call_by_its_provider_is_not_mended(tmp_path):
    with two(rules_of(tmp_path), [Bulk()], Unsteady) as world:
        plan = world.gate.plan(bulk("ann", "nobody"))
        answer = Answer(400, body=b'["no"]')

        assert plan.mends
        assert world.gate.done(plan, answer) is answer


def test_ending_that_breaks_the_store_is_dropped_and_those_after_it_are_written(tmp_path):
    class Choosy(MemoryStore):
        broken = True

        def settle(self, ended, now, receipts=None):
            if self.broken:
                raise ValueError("no")
            super().settle(ended, now, receipts)

    clock = Clock()
    with World(rules_of(tmp_path), Choosy(clock), clock) as world:
        world.knows("ann", email=ANN)
        world.send(email(ANN), status=400)
        assert world.gate.flush()
        world.store.broken = False
        world.send(email(ANN, subject="Next"), status=400)
        assert world.gate.flush()

        assert len(world.history("ann")) == 1  # the first falls back to its lease


def test_client_that_tries_again_at_once_goes_on_under_its_slot(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY)) as world:
        world.knows("ann", email=ANN)
        first, second = (world.send(email(ANN), status=status).records[0] for status in (503, 202))

        assert (second.id, second.effect) == (first.id, "passed")


def test_retry_that_left_counts_beyond_its_lease(tmp_path):
    clock = Clock()
    rules = rules_of(tmp_path / "shop", POLICIES + ONE_A_DAY)
    with World(rules, SQLiteStore(tmp_path / "s.db", clock=clock), clock) as world:
        world.knows("ann", email=ANN)
        for status in (503, 202):
            world.send(email(ANN), status=status)
        sent = clock.now
        world.gate.flush()
        clock.now += 2 * LEASE

        assert world.history("ann") == [("email", sent, "spring")]
        assert world.send(email(ANN, subject="Next")).records[0].effect == "refused"


def test_retry_that_belongs_to_another_campaign_is_a_decision_of_its_own(tmp_path):
    summer = SPRING.replace("campaign: spring", "campaign: summer")
    with World(rules_of(tmp_path, POLICIES, (SPRING, summer))) as world:
        world.knows("ann", email=ANN)
        records = []
        for campaign, status in (("spring", 503), ("summer", 202)):
            with sending(campaign=campaign):
                records += world.send(email(ANN, campaign=None), status=status).records

        assert [record.campaign for record in records] == ["spring", "summer"]
        assert world.log() == records
        assert world.history("ann") == [("email", world.clock.now, "summer")]


def test_refusal_of_what_waited_is_told(tmp_path):
    told = []
    with Double() as double:
        double.answer("/", Answer(404))
        rules = rules_of(tmp_path, POLICIES + EVENINGS, providers=providers(double.url))
        with World(rules, clock=Clock(EVENING), observers=[told.extend]) as world:
            world.knows("ann", push="token-ann")
            world.send(push("token-ann", base=double.url))
            world.clock.now = MORNING
            assert world.gate.run_outbox().refused == 1
            world.gate.flush()

            assert [record.effect for record in told] == ["put_off", "passed", "refused"]
            assert told == world.log()


def test_rewritten_call_that_failed_leaves_when_it_is_tried_again(tmp_path):
    with World(rules_of(tmp_path, POLICIES + STRIPPED)) as world:
        world.knows("ann", push="token-ann")
        plans = [world.send(push("token-ann"), status=status) for status in (503, 202)]

        assert [plan.records[0].effect for plan in plans] == ["replaced", "replaced"]
        assert [plan.forward is not None for plan in plans] == [True, True]


def test_slot_of_a_scheduled_send_that_nobody_answered_is_free_after_its_lease(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY)) as world:
        world.knows("ann", email=ANN)
        world.send(email(ANN, send_at=(NOW + DAY) // 1_000_000), status=503)
        world.gate.flush()
        world.clock.now += LEASE

        assert world.history("ann") == []


def test_first_of_several_decisions_that_refuse_nothing_is_told(tmp_path):
    with World(rules_of(tmp_path)) as world:
        world.knows("ann", email=ANN)
        first, second = (world.send(email(ANN, subject=each)).records[0] for each in "ab")

        assert decision_of(f"{first.id}, {second.id}", world.gate.look_up) == first
