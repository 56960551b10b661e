"""What one wrong line would do to sends that leave in another way than they came, each found by breaking it."""

from __future__ import annotations

import json
import threading

import pytest

from policykit.adapters.wire import Answer
from policykit.enforce.context import sending
from policykit.enforce.judging import SLOT_LOST
from policykit.enforce.outbox import read_request
from policykit.enforce.rules import ProviderRules
from policykit.enforce.written import same
from policykit.language.spans import parse_instant
from policykit.model import DAY, Changes, Decision, Verdict
from policykit.sends import DecisionRecord
from policykit.stores.base import LEASE
from policykit.stores.memory import MemoryStore
from policykit.testing.double import Cut, Double
from tests.enforce.test_batches import Bulk, bulk
from tests.enforce.test_ledger import Unsteady
from tests.enforce.test_mutants_gate import NOT_BOUGHT, REGISTRY
from tests.enforce.worlds import (
    EVENINGS,
    NOW,
    ONE_A_DAY,
    POLICIES,
    RECEIPT,
    SPRING,
    STRIPPED,
    Clock,
    World,
    email,
    providers,
    push,
    rules_of,
    sms,
)

ANN, MAX = "ann@example.com", "max@example.com"
EVENING = parse_instant("2026-03-02T21:30:00Z") or 0  # 22:30 in Paris, 10:30 in Auckland
MORNING = parse_instant("2026-03-03T07:00:00Z") or 0
PUSH_RATHER = """
  - id: push-rather
    kind: rule
    for: {channel: sms}
    forbid: "send.channel == 'sms'"
    on_breach: {downgrade: {channel: [push]}}
"""
GENERALLY = """
  - {id: generally, kind: rule, forbid: "send.channel == 'email'", on_breach: {downgrade: {content: generic}}}
"""


@pytest.fixture
def double():
    with Double() as double:
        yield double


@pytest.fixture
def night(tmp_path, double):
    """It is night where Ann is, and day where Max is."""
    with World(rules_of(tmp_path, POLICIES + EVENINGS, providers=providers(double.url)), clock=Clock(EVENING)) as world:
        world.knows("ann", email=ANN, push="token-ann", sms="+33600000001")
        world.knows("max", email=MAX)
        world.store.write("people", [{"id": "max", "zone": "Pacific/Auckland"}])
        yield world


def written_to(request):
    return [each["to"][0]["email"] for each in request.json()["personalizations"]]


def test_move_to_a_channel_that_cannot_be_scheduled_waits(tmp_path, double):
    rules = rules_of(tmp_path, POLICIES + PUSH_RATHER + EVENINGS, providers=providers(double.url))
    with World(rules, clock=Clock(EVENING)) as world:
        world.knows("ann", push="token-ann", sms="+33600000001")
        (record,) = world.send(sms("+33600000001", base=double.url)).records

        assert (record.effect, [each.due for each in world.store.waiting()]) == ("put_off", [MORNING])
        assert double.requests == []


@pytest.mark.parametrize(("after", "times"), [(LEASE - 1, 1), (LEASE, 2)])
def test_what_left_beside_a_failed_call_is_remembered_as_long_as_a_slot(night, double, after, times):
    request = email(ANN, MAX, base=double.url)
    night.gate.failed(night.gate.plan(request))
    night.clock.now += after
    night.gate.plan(request)

    assert len(double.requests) == times


def test_several_replacements_that_their_provider_refuses_are_refusals(night, double):
    double.answer("/", Answer(400))
    night.knows("bob", email="bob@example.com")
    plan = night.send(email(ANN, "bob@example.com", base=double.url))

    assert [record.effect for record in plan.records] == ["refused", "refused"]
    assert plan.answer is not None
    assert plan.answer.status == 403
    assert (night.history("ann"), night.history("bob")) == ([], [])


def test_what_left_beside_a_call_that_was_cut_off_does_not_leave_again(night, double):
    request = email(ANN, MAX, base=double.url)
    night.gate.failed(night.gate.plan(request))
    again = night.gate.plan(request)

    assert [written_to(each) for each in double.requests] == [[ANN]]
    assert again.forward is not None
    assert written_to(again.forward) == [MAX]


def test_person_of_a_batch_whose_replacement_nobody_answers_waits_alone(night, double):
    double.answer("/", Cut())
    night.send(email(ANN, MAX, base=double.url))
    (waiting,) = night.store.waiting()

    assert written_to(read_request(waiting)) == [ANN]


def test_send_of_the_outbox_counts_beyond_its_lease(night):
    night.send(push("token-ann", base=night.rules.providers["fcm"].settings.options["base_url"]))
    night.clock.now = MORNING
    assert night.gate.run_outbox().sent == 1
    night.clock.now += 2 * LEASE

    assert night.history("ann") == [("push", MORNING, "spring")]


def test_send_that_the_wire_schedules_counts_when_it_leaves(tmp_path):
    with World(rules_of(tmp_path)) as world:
        world.knows("ann", email=ANN)
        world.send(email(ANN, send_at=(NOW + DAY) // 1_000_000))

        assert world.history("ann") == [("email", NOW + DAY, "spring")]


def test_channel_that_is_not_prepared_has_unknown_uses_whatever_was_judged_before(tmp_path):
    with World(rules_of(tmp_path, REGISTRY + NOT_BOUGHT)) as world:
        effects = [world.send(sms(to)).records[0].effect for to in ("+33600000001", "whatsapp:+33600000001")]

        assert effects == ["passed", "refused"]


def test_stranger_beside_the_person_named_is_no_person_of_the_store(tmp_path):
    with World(rules_of(tmp_path, REGISTRY + ONE_A_DAY), adapters=[Bulk()]) as world:
        world.knows("ann", email=ANN)
        with sending(person="ann"):
            world.send(bulk("zoe", "yan"))
        world.gate.flush()

        assert {row["person"] for row in world.store.rows("history")} == {"ann"}


def test_what_would_wait_beyond_its_deadline_is_refused_at_once(night, double):
    night.send(push("token-ann", base=double.url))
    night.clock.now = EVENING + 7 * DAY - DAY // 24  # night, and the morning is too late

    assert (night.gate.run_outbox().refused, night.store.waiting()) == (1, ())


@pytest.mark.parametrize(("after", "sent"), [(0, 1), (1, 0)])
def test_deadline_is_a_week_to_the_microsecond(night, double, after, sent):
    night.send(push("token-ann", base=double.url))
    night.store.write("people", [{"id": "ann", "zone": "Pacific/Auckland"}])
    night.clock.now = EVENING + 7 * DAY + after

    assert night.gate.run_outbox().sent == sent


def test_three_people_of_one_address_who_would_wait_differently_get_nothing(night):
    for person, zone in (("ann", "Europe/Paris"), ("bea", "Europe/Paris"), ("cleo", "Europe/London")):
        night.knows(person, email="home@example.com")
        night.store.write("people", [{"id": person, "zone": zone}])
    (record,) = night.send(email("home@example.com")).records

    assert (record.effect, record.failed) == ("refused", "it would have to be changed in two ways at once")


def test_generic_content_leaves_in_the_applications_own_call(tmp_path):
    general = SPRING.replace("    text:", '    generic: {subject: "Our spring", text: "Come by"}\n    text:')
    with World(rules_of(tmp_path, POLICIES + GENERALLY, (general,))) as world:
        world.knows("ann", email=ANN)
        plan = world.send(email(ANN))

        assert plan.records[0].decision.changes == Changes(generic=True)
        assert plan.forward is not None
        payload = plan.forward.json()
        assert (payload["subject"], [each["value"] for each in payload["content"]]) == ("Our spring", ["Come by"])


def test_merge_data_of_the_call_is_no_attribute_of_the_person(tmp_path):
    with World(rules_of(tmp_path, POLICIES + STRIPPED)) as world:
        world.knows("ann", email=ANN)
        request = email(ANN)
        payload = request.json()
        payload["personalizations"][0]["dynamic_template_data"] = {"city": "Nice"}
        plan = world.send(request.with_body(json.dumps(payload).encode()))

        assert plan.forward is not None
        assert plan.forward.json()["content"][0]["value"] == "Come by, you"


def test_two_retries_at_once_are_one_send(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY)) as world:
        world.knows("ann", email=ANN)
        world.send(email(ANN), status=503)
        plans = [world.gate.plan(email(ANN)) for _ in range(2)]

        assert [plan.records[0].effect for plan in plans] == ["passed", "refused"]


def record(effect="replaced", campaign="spring", verdict=Verdict.DOWNGRADE, **changes):
    return DecisionRecord(
        "pk-1", 0, Decision(verdict, Changes(**changes)), "email", "sendgrid", effect, campaign=campaign
    )  # fmt: skip


@pytest.mark.parametrize(
    "other", [{"effect": "passed"}, {"campaign": "summer"}, {"verdict": Verdict.ALLOW}, {"strip": ("city",)}]
)
def test_retry_that_comes_out_otherwise_is_not_the_same(other):
    assert not same(record(), record(**other))
    assert same(record(send_at=1), record(send_at=2))


def test_person_named_comes_first_of_those_judged_alike(tmp_path):
    with World(rules_of(tmp_path)) as world:
        for person in ("ann", "cleo"):
            world.knows(person, email=f"{person}@example.com")
        with sending(person="cleo"):
            (record_,) = world.send(email(ANN)).records

        assert (record_.effect, record_.person, record_.conflict) == ("passed", "~cleo", ("context.person",))


def test_every_configured_slot_may_contradict(tmp_path):
    rules = rules_of(tmp_path, providers={"sendgrid": ProviderRules(campaign_from=("custom_args.a", "custom_args.b"))})
    with World(rules) as world:
        (record_,) = world.send(email(ANN, campaign=None, custom_args={"a": "receipt", "b": "spring"})).records

        assert (record_.effect, record_.campaign, record_.conflict) == ("refused", "spring", ("context.conflict",))


def test_one_listed_value_is_enough(tmp_path):
    listed = {"categories": frozenset({"password"}), "custom_args.kind": frozenset({"otp"})}
    with World(rules_of(tmp_path, providers={"sendgrid": ProviderRules(transactional=listed)})) as world:
        assert world.send(email(ANN, campaign=None, categories=["password"])).records[0].effect == "passed"


# --- rounds and the thread behind


class Busy(MemoryStore):
    """Somebody else comes first, so many times."""

    times, asked = 0, 0

    def known(self, asked, now, logical=()):
        found = super().known(asked, now, logical)
        self.asked += 1
        if self.asked <= self.times:
            self.write("history", [{"person": "ann", "at": self.asked, "channel": "push"}])
        return found


@pytest.mark.parametrize(
    ("policies", "times", "asked", "effect"),
    [(ONE_A_DAY, 3, 4, "passed"), (ONE_A_DAY, 4, 4, "refused"), ("", 10, 11, "passed")],
)
def test_slot_is_asked_for_four_times_where_policies_count(tmp_path, policies, times, asked, effect):
    clock = Clock()
    with World(rules_of(tmp_path, POLICIES + policies), Busy(clock), clock) as world:
        world.store.times = times
        world.knows("ann", email=ANN)

        assert world.send(email(ANN)).records[0].effect == effect
        assert world.store.asked == asked


def test_transactional_send_that_was_to_be_lessened_does_not_leave_without_a_slot(tmp_path):
    receipt = RECEIPT.replace("text: Paid", 'text: "Paid{% if basket %} {{ basket }}{% endif %}"')
    stripped = STRIPPED.replace("kind: purpose", "kind: purpose\n    for: {message_class: any}")
    rules = rules_of(tmp_path, POLICIES + stripped, (receipt,))
    clock = Clock()
    with World(rules, Busy(clock), clock) as world:
        world.store.times = 100
        world.knows("ann", email=ANN)
        plan = world.send(email(ANN, campaign="receipt"))

        (record_,) = plan.records
        assert (plan.forward, record_.effect, record_.failed) == (None, "refused", SLOT_LOST)
        assert (record_.verdict, record_.decision.changes) == (Verdict.BLOCK, Changes())


def test_endings_are_written_by_themselves_when_the_store_is_back(tmp_path, monkeypatch):
    monkeypatch.setattr("policykit.enforce.ledger.AGAIN_S", 0.01)
    failed = threading.Event()

    class Away(Unsteady):
        def settle(self, *args, **kwargs):
            try:
                super().settle(*args, **kwargs)
            finally:
                failed.set()

    clock = Clock()
    with World(rules_of(tmp_path), Away(clock), clock) as world:
        world.knows("ann", email=ANN)
        world.store.away = {"settle"}
        world.send(email(ANN))
        assert failed.wait(5)
        world.store.away = set()

        assert world.store.settled.wait(5)


def test_decisions_that_wait_for_the_store_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("policykit.enforce.ledger.MOST_WAITING", 3)
    clock = Clock()
    with World(rules_of(tmp_path), Unsteady(clock), clock) as world:
        world.store.away = {"known", "record"}
        for _ in range(10):
            world.send(email(ANN))

        assert len(world.gate._ledger._waiting) == 3
