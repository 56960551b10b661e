"""What one wrong line would do to calls for several and to calls tried again, each found by breaking it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.enforce.context import sending
from policykit.enforce.written import logical_ids
from policykit.errors import StoreUnavailable
from policykit.language.spans import parse_instant
from policykit.model import DAY
from policykit.stores.base import LEASE
from policykit.stores.memory import MemoryStore
from policykit.testing.double import Double
from tests.enforce.test_batches import Bulk, bulk
from tests.enforce.test_mutants_gate import REGISTRY, Lists
from tests.enforce.worlds import (
    EMAIL_RATHER,
    EVENINGS,
    ONE_A_DAY,
    POLICIES,
    Clock,
    World,
    email,
    providers,
    push,
    rules_of,
)

ANN, CLEO = "ann@example.com", "cleo@example.com"
EVENING = parse_instant("2026-03-02T21:30:00Z") or 0  # 22:30 in Paris, 10:30 in Auckland
MORNING = parse_instant("2026-03-03T07:00:00Z") or 0
TWO_A_DAY = ONE_A_DAY.replace("one-a-day", "two-a-day").replace("at_most: 1", "at_most: 2")


class Later(Bulk):
    """The same provider, with nothing to authorise."""

    def authorise(self, request, settings):
        return request


class Lenient(Bulk):
    """The same provider, whose calls say that they are transactional."""

    def read(self, request):
        return tuple([replace(send, message_class="transactional") for send in super().read(request)])


class Named(Bulk):
    """The same provider, whose receipts are told by who was written to."""

    def receipts(self, answer, sends):
        return tuple([send.address for send in sends])


class Closed(MemoryStore):
    """A store that takes no rows while it is closed."""

    closed = False

    def write(self, relation, rows):
        if self.closed:
            raise StoreUnavailable("the store cannot be reached")
        return super().write(relation, rows)


def home(world):
    """Ann and Cleo share a mailbox, and have one of their own."""
    for person in ("ann", "cleo"):
        world.knows(person, email=f"{person}@example.com", push=f"token-{person}")
        world.store.write("people", [{"id": person, "zone": "Europe/Paris", "address.email": "home@example.com"}])


def rows(world):
    world.gate.flush()
    return sorted(str(row["person"]) for row in world.store.rows("history"))


@pytest.fixture
def night(tmp_path):
    """It is night where Ann is, and day where Max is."""
    with World(rules_of(tmp_path, POLICIES + EVENINGS), clock=Clock(EVENING), adapters=[Later()]) as world:
        world.knows("ann", email=ANN)
        world.knows("max", email="max@example.com")
        world.store.write("people", [{"id": "max", "zone": "Pacific/Auckland"}])
        yield world


# --- several in one call


def test_third_send_of_one_call_counts_both_before_it(tmp_path):
    with World(rules_of(tmp_path, POLICIES + TWO_A_DAY), adapters=[Bulk()]) as world:
        world.knows("ann", email=ANN)
        plan = world.send(bulk("ann", "ann", "ann"))

        assert [record.effect for record in plan.records] == ["passed", "passed", "refused"]


def test_send_to_a_shared_mailbox_counts_for_all_of_them_in_the_same_call(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY), adapters=[Bulk()]) as world:
        home(world)
        plan = world.send(bulk("home", "ann", "cleo"))

        assert [record.effect for record in plan.records] == ["passed", "refused", "refused"]


def test_send_to_a_shared_mailbox_counts_once_for_each_of_them(tmp_path):
    with World(rules_of(tmp_path)) as world:
        home(world)
        world.send(email("home@example.com"))

        assert rows(world) == ["ann", "cleo"]


def test_send_to_a_shared_mailbox_counts_for_all_of_them_after_an_outage(tmp_path):
    clock = Clock()
    with World(rules_of(tmp_path), Closed(clock), clock) as world:
        home(world)
        world.store.closed = True
        world.send(email("home@example.com"))
        assert not world.gate.flush()
        world.store.closed = False

        assert rows(world) == ["ann", "cleo"]


def test_person_named_for_a_call_beside_a_list_is_judged(tmp_path):
    with World(rules_of(tmp_path), adapters=[Lists()]) as world:
        world.knows("ann", email=ANN)
        with sending(person="ann"):
            plan = world.send(bulk("nobody", "ann"))

        assert [(record.effect, record.failed) for record in plan.records] == [
            ("refused", "it names no person"), ("passed", None),
        ]  # fmt: skip


def test_receipts_belong_to_what_was_forwarded(tmp_path):
    with World(rules_of(tmp_path), adapters=[Named()]) as world:
        for person in ("ann", "cleo"):
            world.knows(person, email=f"{person}@example.com")
        plan = world.gate.plan(bulk("nobody", "ann", "cleo"))
        world.gate.done(plan, Answer(200, body=b'["r1", "r2"]'))
        world.gate.flush()

        assert sorted((slot.person, slot.receipt) for slot in world.store._slots.values()) == [
            ("ann", ANN), ("cleo", CLEO),
        ]  # fmt: skip


def test_wire_that_says_transactional_makes_no_campaign_so(tmp_path):
    with World(rules_of(tmp_path), adapters=[Lenient()]) as world:
        world.knows("bob", email="bob@example.com", refused=True)
        told = [world.send(bulk("bob", campaign=campaign)).records[0] for campaign in ("spring", "winter")]

        assert [(record.effect, record.message_class) for record in told] == [("refused", "marketing")] * 2
        assert told[0].conflict == ("context.class",)


# --- tried again


def test_call_that_was_cut_off_keeps_its_slot_as_long_as_its_lease(tmp_path):
    with World(rules_of(tmp_path)) as world:
        world.knows("ann", email=ANN)
        world.gate.failed(world.gate.plan(email(ANN)))

        assert rows(world) == ["ann"]
        world.clock.now += LEASE
        assert rows(world) == []


def test_attempt_that_may_have_left_counts_though_the_next_one_is_refused(tmp_path):
    with World(rules_of(tmp_path)) as world:
        world.knows("ann", email=ANN)
        world.send(email(ANN), status=503)
        world.consents("ann", "objected", "*", "2026-03-01T00:00:00Z")

        assert world.send(email(ANN)).records[0].effect == "refused"
        assert rows(world) == ["ann"]


def test_what_was_forwarded_is_judged_again_when_it_is_tried_again(night):
    request = bulk("ann", "max")
    night.gate.failed(night.gate.plan(request))
    night.store.hold("spring", "wrong price", EVENING)
    again = night.gate.plan(request)

    assert again.forward is None
    assert [record.effect for record in again.records] == ["put_off", "refused"]


def test_what_waits_beside_a_call_that_failed_waits_once(night):
    request = bulk("ann", "max")
    night.gate.failed(night.gate.plan(request))
    night.gate.plan(request)

    assert [waiting.due for waiting in night.store.waiting()] == [MORNING]


def test_sends_to_two_endpoints_are_two():
    first, second = (OutgoingRequest("POST", f"https://api.example/{each}", (), b"x") for each in "ab")

    assert logical_ids(first, 1) != logical_ids(second, 1)


def test_replacement_counts_beyond_its_lease(tmp_path):
    with Double() as double:
        rules = rules_of(tmp_path, POLICIES + EMAIL_RATHER, providers=providers(double.url))
        with World(rules) as world:
            world.knows("ann", email=ANN, push="token-ann")
            world.send(push("token-ann", base=double.url))
            world.gate.flush()
            world.clock.now += 2 * LEASE

            assert rows(world) == ["ann"]


def test_deadline_of_what_waits_is_not_moved_by_a_failed_delivery(tmp_path):
    with Double() as double:
        double.answer("/", Answer(503), Answer(200))
        rules = rules_of(tmp_path, POLICIES + EVENINGS, providers=providers(double.url))
        with World(rules, clock=Clock(EVENING)) as world:
            world.knows("ann", push="token-ann")
            world.send(push("token-ann", base=double.url))
            world.clock.now = MORNING
            assert world.gate.run_outbox().again == 1
            world.clock.now = MORNING + 7 * DAY

            assert world.gate.run_outbox().refused == 1
            assert len(double.requests) == 1


# --- a fault of ours


@pytest.mark.parametrize(("mode", "passes"), [("audit", True), ("enforce", False)])
def test_call_that_nothing_can_be_worked_out_about_passes_in_audit_alone(tmp_path, mode, passes):
    def broken():
        raise RuntimeError("no rules")

    with World(rules_of(tmp_path, mode=mode)) as world:
        world.knows("ann", email=ANN)
        world.send(email(ANN))
        world.gate._rules = broken
        request = email(ANN)
        plan = world.gate.plan(request)

        assert (plan.forward is request) == passes
        assert (plan.error is None) == passes


# --- what is said of one person


NOT_PARIS = """
  - {id: not-in-paris, kind: rule, forbid: "attributes.city == 'Paris'", on_breach: block}
"""
SOMEWHERE = """
  - {id: somewhere, kind: rule, forbid: "!has(attributes.city)", on_breach: block}
"""


def test_values_said_of_the_person_named_hide_nothing_of_who_lives_there(tmp_path):
    with World(rules_of(tmp_path, POLICIES + NOT_PARIS)) as world:
        for person in ("ann", "cleo"):
            world.knows(person, email=f"{person}@example.com")
            world.remembers(person, city="Paris")
        with sending(person="ann", values={"city": "Lyon"}):
            effects = [world.send(email(address)).records[0].effect for address in (ANN, CLEO)]

        assert effects == ["passed", "refused"]


def test_values_said_of_the_person_named_are_no_strangers(tmp_path):
    with World(rules_of(tmp_path, REGISTRY + SOMEWHERE), adapters=[Bulk()]) as world:
        world.knows("ann", email=ANN)
        with sending(person="ann", values={"city": "Lyon"}):
            plan = world.send(bulk("ann", "zoe"))

        assert [record.effect for record in plan.records] == ["passed", "refused"]
