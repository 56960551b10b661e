"""Offers live: blended in the application's own call, taken along to another channel, refused where nobody knows."""

from __future__ import annotations

import json

import pytest

from policykit.engine import Engine
from policykit.ir.offers import shown_offers
from policykit.model import Address, Changes, Person, Verdict
from policykit.testing.double import Double
from tests.enforce.worlds import EMAIL_RATHER, NOW, POLICIES, STRIPPED, World, providers, push, rules_of, sms

MIXED = """
  - id: mixed
    kind: offers
    require: {personalised: {at_most: 50%}}
    on_breach: {downgrade: {offers: blend}}
"""
OFFERS = "{% for offer in offers %}[{{ offer.id }}]{% endfor %}"
SPRING = f"""
campaign: spring
message_class: marketing
purpose: marketing.communications
audience: {{selected_by: []}}
offers:
  show: 3
  personalised: [{{id: tent, chosen_by: [basket]}}, {{id: mat, chosen_by: [basket]}}, {{id: tram, chosen_by: [city]}}]
  general: [{{id: tea}}, {{id: soap}}, {{id: lamp}}]
channels:
  push: {{provider: fcm, body: "{OFFERS}", generic: {{body: Spring}}}}
  email: {{provider: sendgrid, subject: "{{{{ offers.size }}}} offers", text: "{OFFERS}"}}
"""


@pytest.fixture
def double():
    with Double() as double:
        yield double


def world_of(folder, double, policies, campaign=SPRING):
    world = World(rules_of(folder, POLICIES + policies, (campaign,), providers=providers(double.url)))
    world.knows("ann", email="ann@example.com", push="token-ann", sms="+33600000001")
    return world


def shown(world, changes, stripped=()):
    campaign = world.rules.manifests["spring"].campaign
    return "".join(f"[{each.id}]" for each in shown_offers(campaign.offers, "ann", "spring", stripped, changes.blend))


def test_a_push_is_blended_in_the_applications_own_call(tmp_path, double):
    with world_of(tmp_path, double, MIXED) as world:
        plan = world.send(push("token-ann"))

        (record,) = plan.records
        assert (record.effect, record.decision.changes) == ("replaced", Changes(blend=1))
        body = json.loads(plan.forward.body)["message"]["notification"]["body"]
        assert body == shown(world, Changes(blend=1))


def test_what_is_stripped_takes_its_offers_along(tmp_path, double):
    with world_of(tmp_path, double, STRIPPED) as world:
        plan = world.send(push("token-ann"))

        assert plan.records[0].decision.changes == Changes(strip=("basket",))
        body = json.loads(plan.forward.body)["message"]["notification"]["body"]
        assert body == shown(world, Changes(), ("basket",))
        assert body.startswith("[tram]")


def test_a_mail_that_takes_the_place_of_a_push_is_blended_too(tmp_path, double):
    with world_of(tmp_path, double, MIXED + EMAIL_RATHER) as world:
        plan = world.send(push("token-ann"))

        assert plan.records[0].decision.changes == Changes(channel="email", blend=1)
        (call,) = double.requests
        mail = call.json()
        assert (mail["subject"], mail["content"][0]["value"]) == ("3 offers", shown(world, Changes(blend=1)))


def test_a_generic_text_shows_no_offer(tmp_path, double):
    ordinary = (
        MIXED + "  - {id: plain, kind: rule, forbid: '!send.generic', on_breach: {downgrade: {content: generic}}}"
    )
    with world_of(tmp_path, double, ordinary) as world:
        plan = world.send(push("token-ann"))

        assert plan.records[0].decision.changes == Changes(generic=True)
        assert json.loads(plan.forward.body)["message"]["notification"]["body"] == "Spring"


def test_offers_of_a_channel_that_nobody_prepared_are_unknown(tmp_path, double):
    with world_of(tmp_path, double, MIXED) as world:
        (record,) = world.send(sms("+33600000001")).records

        assert (record.effect, record.decision.impossible) == ("refused", "unknown_offers")


def test_a_text_that_does_not_say_where_its_offers_stand_is_sent_without_them(tmp_path, double):
    silent = SPRING.replace(f'body: "{OFFERS}"', "body: Come by")
    with world_of(tmp_path, double, MIXED, silent) as world:
        plan = world.send(push("token-ann"))

        assert plan.records[0].decision.changes == Changes(blend=1)
        assert json.loads(plan.forward.body)["message"]["notification"]["body"] == "Come by"


def test_a_function_made_for_one_campaign_is_not_used_for_its_other_offers(tmp_path):
    policies = POLICIES.partition("policies:")[0] + "policies:" + MIXED
    rules = [rules_of(tmp_path, policies, (text,)) for text in (SPRING, SPRING.replace("show: 3", "show: 6"))]
    engine, ann = Engine(rules[0].ruleset), Person("ann", addresses={"push": Address("t")})

    said = [engine.decide(each.manifests["spring"].campaign, ann, NOW, at=NOW) for each in rules]

    assert [decision.verdict for decision in said] == [Verdict.DOWNGRADE, Verdict.ALLOW]
