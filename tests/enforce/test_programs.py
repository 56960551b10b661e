"""Programs under real sends: who joined gets it, and only what the program asked for is used (S2, S6)."""

from pathlib import Path

import pytest

from tests.enforce.worlds import World, email, rules_of

POLICIES = """
attributes:
  - {id: moving, origin: observed, collected_for: [marketing.communications], disclosed_as: that you move}
  - {id: town, origin: provided, collected_for: [marketing.communications], disclosed_as: your town}
programs:
  - {id: home, purpose: marketing.communications, asks: [moving], gives: [{id: month, what: a month of data}]}
policies:
  - {id: members-only, kind: program, require: {joined: this_program}, on_breach: block}
  - {id: asked-for, kind: program, require: {asked: this_program}, on_breach: {downgrade: {uses: strip}}}
  - {id: brings, kind: program, require: {delivers: true}, on_breach: block}
"""
CAMPAIGN = """
campaign: spring
message_class: marketing
program: home
delivers: month
audience: {selected_by: []}
channels:
  email:
    provider: sendgrid
    subject: Spring
    text: "{% if moving %}For your move. {% endif %}{% if town %}In {{ town }}. {% endif %}A month of data."
"""


@pytest.fixture
def world(tmp_path: Path):
    def _make(campaign: str = CAMPAIGN) -> World:
        made = World(rules_of(tmp_path, POLICIES, (campaign,)))
        made.knows("ana", email="ana@example.org")
        made.remembers("ana", moving="yes", town="Paris")
        return made

    return _make


def joins(world: World, status: str = "given", at: str = "2026-01-02T09:00:00Z", **more: str) -> None:
    row = {"id": f"{status} {at}", "person": "ana", "status": status, "program": "home", "channel": "in_app", "at": at}
    world.store.write("consents", [{**row, **more}])


def test_a_program_writes_to_those_who_joined_it_without_what_it_did_not_ask(world):
    world = world()

    world.send(email("ana@example.org"))
    joins(world)
    plan = world.send(email("ana@example.org"))
    joins(world, "withdrawn", "2026-02-01T09:00:00Z", channel="*")
    world.send(email("ana@example.org"))

    refused, lessened, left = world.log()
    assert (refused.effect, refused.decision.determining) == ("refused", ("members-only",))
    assert (lessened.effect, lessened.decision.changes.strip) == ("replaced", ("town",))
    assert lessened.records == ("ana-given-*", "given 2026-01-02T09:00:00Z")
    assert plan.forward is not None
    assert plan.forward.json()["content"][0]["value"] == "For your move. A month of data."
    assert (left.effect, left.decision.determining) == ("refused", ("members-only",))
    assert left.records == ("withdrawn 2026-02-01T09:00:00Z",)


def test_a_membership_ends_at_its_instant(world):
    world = world(CAMPAIGN.replace("{% if town %}In {{ town }}. {% endif %}", ""))
    joins(world, expires_at="2026-03-02T11:00:00.000001Z")

    world.send(email("ana@example.org"))
    world.clock.now += 1
    world.send(email("ana@example.org"))

    assert [record.effect for record in world.log()] == ["passed", "refused"]


def test_a_send_that_brings_nothing_is_refused(world):
    world = world(CAMPAIGN.replace("delivers: month\n", ""))
    joins(world)

    world.send(email("ana@example.org"))

    assert world.log()[-1].decision.determining == ("brings",)
