"""Calls for several people: what cannot be split is refused whole, answers are mended, nobody is counted twice."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.adapters.base import Adapter, Capability
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.enforce.context import sending
from policykit.errors import SendBlocked, UnreadableSend, UnsupportedRewrite
from policykit.sends import Send
from policykit.testing.double import Double
from tests.enforce.worlds import EMAIL_RATHER, EVENINGS, ONE_A_DAY, POLICIES, World, email, providers, push, rules_of
from tests.examples import examples

PEOPLE = ("ann", "bob", "cleo")


class Bulk(Adapter):
    """A provider of lists: `{"to": [...], "campaign": ...}`, answered with one status per address."""

    name = "bulk"
    channels = frozenset({"email"})
    capabilities = frozenset({Capability.PRUNE, Capability.ANSWER})
    campaign_slots = ("campaign",)

    def claims(self, request):
        return request.path == "/bulk"

    def read(self, request):
        try:
            payload = request.json()
            slots = {"campaign": (payload["campaign"],)}
            return tuple([Send("email", self.name, address, slots=slots) for address in payload["to"]])
        except (ValueError, LookupError, TypeError) as error:
            raise UnreadableSend(self.name, "it is no list") from error

    def keep(self, request, mask):
        if all(mask):
            return request
        if not any(mask):
            return None
        payload = request.json()
        payload["to"] = [address for address, keep in zip(payload["to"], mask, strict=True) if keep]
        return request.with_body(json.dumps(payload).encode())

    def answer(self, request, sends, outcomes):
        return Answer(200 if any(each.accepted for each in outcomes) else 403, body=_body(outcomes))

    def mend(self, answer, sends, outcomes):
        found = iter(json.loads(answer.body))
        mended = [next(found) if each.accepted else f"no ({each.id})" for each in outcomes]
        return replace(answer, body=json.dumps(mended).encode())

    def receipts(self, answer, sends):
        return tuple(json.loads(answer.body))


def _body(outcomes):
    return json.dumps([each.id if each.accepted else "no" for each in outcomes]).encode()


class Whole(Bulk):
    """The same provider when calls cannot be split."""

    capabilities = frozenset({Capability.ANSWER})

    def keep(self, request, mask):
        return Adapter.keep(self, request, mask)


class Mute(Bulk):
    """The same provider when nobody can answer in its place."""

    def answer(self, request, sends, outcomes):
        raise UnsupportedRewrite(self.name, "answer")


def bulk(*people, campaign="spring", number=0):
    to = [f"{person}@example.com" for person in people]
    body = json.dumps({"to": to, "campaign": campaign, "number": number}).encode()
    return OutgoingRequest("POST", "https://api.bulk.example/bulk", (("Content-Length", str(len(body))),), body)


def world_of(folder, adapter, policies=POLICIES):
    world = World(rules_of(folder, policies), adapters=[adapter])
    for person in PEOPLE:
        world.knows(
            person, email=f"{person}@example.com", refused=person == "bob", consent=() if person == "bob" else "*"
        )
    return world


def test_pruned_call_is_answered_with_the_positions_of_the_whole(tmp_path):
    with world_of(tmp_path, Bulk()) as world:
        plan = world.gate.plan(bulk("ann", "bob", "cleo"))
        assert plan.mends
        answer = world.gate.done(plan, Answer(200, body=b'["r1", "r2"]'))
        world.gate.flush()

        assert json.loads(answer.body) == ["r1", f"no ({plan.records[1].id})", "r2"]
        assert sorted(slot.receipt for slot in world.store._slots.values()) == ["r1", "r2"]


def test_answer_of_an_untouched_call_is_not_mended(tmp_path):
    with world_of(tmp_path, Bulk()) as world:
        plan = world.gate.plan(bulk("ann", "cleo"))
        answer = Answer(200, body=b"[]")

        assert not plan.mends
        assert world.gate.done(plan, answer) is answer


def test_answer_that_cannot_be_mended_reaches_the_caller_as_it_is(tmp_path):
    with world_of(tmp_path, Bulk()) as world:
        plan = world.gate.plan(bulk("ann", "bob"))
        answer = Answer(200, body=b"<html>")

        assert world.gate.done(plan, answer) is answer


def test_call_that_cannot_be_split_is_refused_whole(tmp_path):
    with world_of(tmp_path, Whole()) as world:
        plan = world.gate.plan(bulk("ann", "bob"))

        assert plan.forward is None
        assert plan.answer is not None
        assert [(record.effect, record.failed) for record in plan.records] == [
            ("refused", "its call cannot be split"), ("refused", None),
        ]  # fmt: skip
        assert world.log() == list(plan.records)
        assert world.history("ann") == []


def test_call_that_cannot_be_split_passes_when_everybody_may_get_it(tmp_path):
    with world_of(tmp_path, Whole()) as world:
        request = bulk("ann", "cleo")

        assert world.gate.plan(request).forward is request


def test_adapter_that_cannot_answer_raises(tmp_path):
    with world_of(tmp_path, Mute()) as world:
        plan = world.gate.plan(bulk("bob"))

        assert isinstance(plan.error, SendBlocked)
        assert plan.error.decisions == plan.records


def test_call_to_nobody_passes(tmp_path):
    with world_of(tmp_path, Bulk()) as world:
        request = bulk()

        assert world.gate.plan(request).forward is request
        assert world.log() == []


def test_stranger_is_counted_within_a_call(tmp_path):
    policies = POLICIES.partition("policies:")[0] + "policies:" + ONE_A_DAY
    with world_of(tmp_path, Bulk(), policies) as world:
        plan = world.gate.plan(bulk("zoe", "zoe", "yan"))

        assert [record.effect for record in plan.records] == ["passed", "refused", "passed"]


def test_thousand_people_are_judged_in_one_call(tmp_path):
    with world_of(tmp_path, Bulk(), POLICIES + ONE_A_DAY) as world:
        many = [f"p{number}" for number in range(1000)]
        for person in many[::2]:
            world.knows(person, email=f"{person}@example.com")
        plan = world.gate.plan(bulk(*many))

        assert plan.forward is not None
        assert json.loads(plan.forward.body)["to"] == [f"{person}@example.com" for person in many[::2]]
        assert [record.effect for record in plan.records] == ["passed", "refused"] * 500


def test_replaced_people_are_delivered_before_the_rest_of_the_call_leaves(tmp_path):
    with Double() as double:
        rules = rules_of(tmp_path, POLICIES + EVENINGS, providers=providers(double.url))
        with World(rules) as world:
            world.clock.now += 10 * 3600 * 1_000_000  # 22:00 in Paris, 10:00 in Auckland
            world.knows("ann", email="ann@example.com")
            world.store.write("people", [{"id": "max", "zone": "Pacific/Auckland"}])
            world.store.write("addresses", [{"person": "max", "channel": "email", "address": "max@example.com"}])
            world.consents("max", "given", "*")

            plan = world.gate.plan(email("ann@example.com", "max@example.com", base=double.url))

            assert [record.effect for record in plan.records] == ["replaced", "passed"]
            (received,) = double.requests
            assert [each["to"][0]["email"] for each in json.loads(received.body)["personalizations"]] == [
                "ann@example.com"
            ]
            assert plan.forward is not None
            assert b"ann@example.com" not in plan.forward.body


def test_replacement_counts_by_its_final_channel_for_what_follows(tmp_path):
    with Double() as double:
        one_email = """
  - id: one-email-a-day
    kind: frequency
    require: {at_most: 1, per: 1 day, counting: {channel: [email]}}
    on_breach: block
"""
        rules = rules_of(tmp_path, POLICIES + EMAIL_RATHER + one_email, providers=providers(double.url))
        with World(rules) as world:
            world.knows("ann", email="ann@example.com", push="token-ann")

            effects = [
                world.send(request).records[0].effect for request in (push("token-ann"), email("ann@example.com"))
            ]

            assert effects == ["replaced", "refused"]


def test_everybody_at_a_shared_address_is_counted(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY)) as world:
        for person in ("ann", "cleo"):
            world.knows(person, push=f"token-{person}")
            world.store.write("addresses", [{"person": person, "channel": "email", "address": "home@example.com"}])
        world.send(email("home@example.com"))
        world.gate.flush()

        assert [world.send(push(f"token-{person}")).records[0].effect for person in ("ann", "cleo")] == [
            "refused", "refused",
        ]  # fmt: skip


@pytest.mark.parametrize("status", [400, 503])
def test_nobody_else_is_counted_for_what_did_not_leave(tmp_path, status):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY)) as world:
        for person in ("ann", "cleo"):
            world.knows(person, push=f"token-{person}")
            world.store.write("addresses", [{"person": person, "channel": "email", "address": "home@example.com"}])
        world.send(email("home@example.com"), status=status)
        world.gate.flush()

        assert world.send(push("token-cleo")).records[0].effect == "passed"


def test_worker_threads_without_context_find_the_campaign_on_the_wire(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    with World(rules_of(tmp_path)) as world:
        world.knows("ann", push="token-ann")
        with sending(campaign="spring"), ThreadPoolExecutor(1) as pool:
            plan = pool.submit(world.send, push("token-ann")).result()

    assert [(record.effect, record.campaign, record.conflict) for record in plan.records] == [("passed", "spring", ())]


CAPS = """
  - {id: two-a-day, kind: frequency, require: {at_most: 2, per: 1 day}, on_breach: block}
  - {id: three-in-all, kind: frequency, for: {message_class: any}, require: {at_most: 3, per: 1 day}, on_breach: block}
"""


@pytest.fixture(scope="module")
def capped(tmp_path_factory):
    return rules_of(tmp_path_factory.mktemp("shop"), POLICIES + CAPS)


@settings(max_examples=examples(100), deadline=None)
@given(
    people=st.lists(st.sampled_from(["ann", "bob", "cleo", "zoe"]), min_size=1, max_size=9),
    campaign=st.sampled_from(["spring", "receipt"]), before=st.lists(st.sampled_from(["ann", "cleo"]), max_size=3),
)  # fmt: skip
def test_call_of_several_is_judged_as_its_sends_one_after_the_other(capped, people, campaign, before):
    told = []
    for calls in ([people], [[person] for person in people]):
        with World(capped, adapters=[Bulk()]) as world:
            for person in PEOPLE:
                allowed = "" if person == "bob" else "*"
                world.knows(person, email=f"{person}@example.com", refused=person == "bob", consent=allowed)
            for number, person in enumerate(before):
                world.send(bulk(person, campaign="spring", number=number), status=200)
            records = []
            for number, some in enumerate(calls):
                records += world.send(bulk(*some, campaign=campaign, number=100 + number), status=200).records
                world.gate.flush()
            told.append([(record.effect, record.person, record.decision) for record in records])

    together, apart = told
    # Nobody knows a stranger from one call to the next; within a call they are counted.
    strangers = [place for place, person in enumerate(people) if person == "zoe"]
    assert [each for place, each in enumerate(together) if place not in strangers] == [
        each for place, each in enumerate(apart) if place not in strangers
    ]
