"""Law: over any row of sends, the history the gate keeps is the one a plain list keeps, so caps hold on every path."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.adapters.wire import Answer
from policykit.engine import reference_decide
from policykit.facts.stored import person_of
from policykit.model import DAY, HOUR, MINUTE, Decision, Person, Prepared, SentRecord, Verdict
from policykit.stores.base import LEASE, Asked
from policykit.stores.memory import MemoryStore
from policykit.stores.sqlite import SQLiteStore
from tests.enforce.worlds import POLICIES, Clock, World, email, rules_of, sms
from tests.examples import examples

CAPS = """
  - {id: two-a-day, kind: frequency, require: {at_most: 2, per: 1 day}, on_breach: block}
  - {id: one-sms, kind: frequency, for: {channel: sms}, require: {at_most: 1, per: 12 hours, counting: {channel: sms}},
     on_breach: block}
  - {id: any-three, kind: frequency, for: {message_class: any}, require: {at_most: 3, per: 1 day}, on_breach: block}
"""
ANSWER = Answer(202)
ADDRESSES = {"ann": ("ann@example.com", "+33600000001"), "bob": ("bob@example.com", "+33600000002")}


@dataclass(frozen=True)
class Step:
    """A send. body: equal ones are equal requests. status: what the provider answers, None = nothing at all."""

    person: str
    channel: str
    campaign: str
    body: int
    status: int | None
    after: int


@dataclass
class Slot:
    sent: SentRecord
    logical: object
    state: str
    until: int


@dataclass
class Model:
    """What a plain list knows."""

    slots: dict[str, list[Slot]] = field(default_factory=lambda: {name: [] for name in ADDRESSES})

    def attempt(self, step: Step, now: int) -> Slot | None:
        """The attempt that this send repeats."""
        found = [slot for slot in self.slots[step.person]
                 if slot.state == "ended" and slot.until > now and slot.logical == logical(step)]  # fmt: skip
        return found[0] if found else None

    def history(self, step: Step, now: int) -> tuple[SentRecord, ...]:
        own = self.attempt(step, now)
        return tuple(slot.sent for slot in self.slots[step.person]
                     if slot is not own and (slot.state == "sent" or slot.until > now))  # fmt: skip

    def sent(self, step: Step, now: int, message_class: str) -> None:
        own = self.attempt(step, now)
        if own is not None:
            self.slots[step.person].remove(own)
        if step.status == 400:
            return
        state = "sent" if step.status == 202 else "ended"
        record = SentRecord(now, step.channel, message_class, step.campaign)
        self.slots[step.person].append(Slot(record, logical(step), state, now + LEASE))


def logical(step: Step) -> tuple[object, ...]:
    return step.person, step.channel, step.campaign, step.body


STEPS = st.lists(
    st.builds(
        Step, st.sampled_from(list(ADDRESSES)), st.sampled_from(["email", "sms"]),
        st.sampled_from(["spring", "spring", "receipt"]), st.integers(0, 2),
        st.sampled_from([202, 202, 400, 503, None]),
        st.sampled_from([0, 0, MINUTE, LEASE - 1, LEASE, 12 * HOUR, DAY - 1, DAY]),
    ),
    min_size=3, max_size=12,
)  # fmt: skip


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    return rules_of(tmp_path_factory.mktemp("shop"), POLICIES + CAPS)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@settings(max_examples=examples(150), deadline=None)
@given(steps=STEPS)
def test_gate_counts_what_a_plain_list_counts(rules, kind, steps):
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        store = MemoryStore(clock) if kind == "memory" else SQLiteStore(Path(folder) / "s.db", clock=clock)
        with World(rules, store, clock) as world:
            for person, (mail, phone) in ADDRESSES.items():
                world.knows(person, email=mail, sms=phone)
            model = Model()
            for step in steps:
                clock.now += step.after
                wanted = expected(world, model, step)
                assert decided(world, step) == wanted
                if wanted.verdict is Verdict.ALLOW:
                    model.sent(step, clock.now, rules.manifests[step.campaign].campaign.message_class)


def decided(world: World, step: Step) -> Decision:
    mail, phone = ADDRESSES[step.person]
    request = (
        email(mail, campaign=step.campaign, subject=f"s{step.body}")
        if step.channel == "email"
        else sms(phone, campaign=step.campaign, Body=f"s{step.body}")
    )
    plan = world.gate.plan(request)
    if plan.forward is not None and step.status is None:
        world.gate.failed(plan)
    elif plan.forward is not None:
        world.gate.done(plan, replace(ANSWER, status=step.status))
    world.gate.flush()
    (record,) = plan.records
    assert (record.effect == "passed") == (record.verdict is Verdict.ALLOW)
    return record.decision


def expected(world: World, model: Model, step: Step) -> Decision:
    address = ADDRESSES[step.person][0 if step.channel == "email" else 1]
    provider = {"email": "sendgrid", "sms": "twilio"}[step.channel]
    key = address.removeprefix("+")
    (stored,) = world.store.known([Asked(step.channel, key)], world.clock.now).people[0]
    read = person_of(world.rules.ruleset, world.rules.vocabulary, stored, address=(step.channel, address))
    person = Person(
        read.id, read.facts, read.addresses, read.ranks, read.consents, model.history(step, world.clock.now),
        read.attributes,
    )  # fmt: skip
    campaign = world.rules.manifests[step.campaign].campaign
    prepared = tuple(with_provider(each, step.channel, provider) for each in campaign.prepared)
    campaign = replace(campaign, at=world.clock.now, prepared=prepared)
    return reference_decide(world.rules.ruleset, campaign, person, world.clock.now, step.channel)


def with_provider(prepared: Prepared, channel: str, provider: str) -> Prepared:
    return replace(prepared, provider=provider) if prepared.channel == channel else prepared


def test_law_meets_what_it_is_about(rules):
    """Sends that pass, are refused by a cap, and repeat an attempt are among what is drawn."""
    clock, met = Clock(), set()
    with World(rules, MemoryStore(clock), clock) as world:
        world.knows("ann", email=ADDRESSES["ann"][0], sms=ADDRESSES["ann"][1])
        model = Model()
        for status, body in itertools.product((503, 202, 202, 202), (0, 1)):
            step = Step("ann", "email", "spring", body, status, 0)
            met.add(("repeats", model.attempt(step, clock.now) is not None))
            met.add(("passes", decided(world, step).verdict is Verdict.ALLOW))
            model.sent(step, clock.now, "marketing")

    assert met == {("repeats", True), ("repeats", False), ("passes", True), ("passes", False)}
