"""Which campaign, which class, which people: contradictions are judged by the stricter reading, and said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policykit.enforce.context import sending
from policykit.enforce.rules import ProviderRules
from policykit.sends import Send
from tests.enforce.worlds import ONE_A_DAY, POLICIES, RECEIPT, SPRING, World, email, rules_of, sms

ANN, BOB, STRANGER = "ann@example.com", "bob@example.com", "nobody@example.com"
SUMMER = SPRING.replace("campaign: spring", "campaign: summer").replace("marketing.communications", "sales")


@pytest.fixture
def world(tmp_path):
    with World(rules_of(tmp_path, POLICIES, (SPRING, RECEIPT, SUMMER))) as world:
        world.knows("ann", email=ANN, sms="+33600000001")
        world.knows("bob", email=BOB, consent=(), refused=True)
        yield world


def told(plan):
    return [(record.effect, record.campaign, record.message_class, record.conflict) for record in plan.records]


# --- which campaign


def test_wire_that_names_a_transactional_campaign_does_not_hide_marketing(world):
    with sending(campaign="spring"):
        plan = world.send(email(BOB, campaign="receipt"))

    assert told(plan) == [("refused", "spring", "marketing", ("context.conflict",))]


def test_context_that_names_a_transactional_campaign_does_not_hide_marketing(world):
    with sending(campaign="receipt"):
        plan = world.send(email(BOB, campaign="spring"))

    assert told(plan) == [("refused", "spring", "marketing", ("context.conflict",))]


def test_contradiction_that_both_readings_allow_counts_as_the_marketing_one(world):
    with sending(campaign="receipt"):
        plan = world.send(email(ANN, campaign="spring"))

    assert told(plan) == [("passed", "spring", "marketing", ("context.conflict",))]


def test_contradiction_is_refused_when_one_reading_refuses(world):
    with sending(campaign="spring"):
        plan = world.send(email(ANN, campaign="summer"))

    assert told(plan) == [("refused", "summer", "marketing", ("context.conflict",))]


def test_marketing_campaign_in_any_slot_counts(world):
    plan = world.send(email(BOB, campaign="receipt", categories=["spring"]))

    assert told(plan) == [("refused", "spring", "marketing", ("context.conflict",))]


def test_unknown_campaign_of_the_context_is_a_contradiction(world):
    with sending(campaign="sprnig"):
        plan = world.send(email(ANN, campaign=None))

    assert told(plan) == [("refused", None, "marketing", ("campaign.unknown",))]


def test_unknown_campaign_of_the_context_beside_a_known_one_is_judged_both_ways(world):
    with sending(campaign="sprnig"):
        plan = world.send(email(ANN, campaign="spring"))

    assert told(plan) == [("refused", None, "marketing", ("context.conflict", "campaign.unknown"))]


def test_configured_slot_that_names_no_manifest_is_no_campaign(world):
    world.become(providers={"sendgrid": ProviderRules(campaign_from=("custom_args.mailing",))})
    plan = world.send(email(ANN, campaign=None, custom_args={"mailing": "winter", "campaign": "spring"}))

    assert told(plan) == [("refused", None, "marketing", ("campaign.unknown",))]


def test_configured_slot_is_the_only_one_that_counts(world):
    world.become(providers={"sendgrid": ProviderRules(campaign_from=("custom_args.mailing",))})
    plan = world.send(email(ANN, campaign=None, custom_args={"mailing": "spring", "campaign": "receipt"}))

    assert told(plan) == [("passed", "spring", "marketing", ())]


def test_metadata_that_names_no_manifest_is_no_claim(world):
    plan = world.send(email(ANN, campaign=None, categories=["spring-2024", "customers"]))

    assert told(plan) == [("refused", None, "marketing", ())]


# --- which class


def test_wire_that_says_marketing_makes_a_receipt_marketing(world):
    plan = world.send(sms("+33600000009", campaign="receipt", MessageIntent="marketing"))

    assert told(plan) == [("refused", "receipt", "marketing", ("context.class",))]


def test_what_was_found_for_one_send_is_not_taken_for_another(world):
    known = world.rules.manifests["receipt"]
    receipts = [sms("+33600000009", campaign="receipt", **more) for more in ({}, {"MessageIntent": "marketing"})]

    assert [world.send(request).records[0].effect for request in receipts] == ["passed", "refused"]
    world.become(
        manifests={
            **world.rules.manifests,
            "receipt": replace(known, campaign=world.rules.manifests["spring"].campaign),
        }
    )
    assert world.send(receipts[0]).records[0].effect == "refused"


def test_wire_that_says_transactional_is_not_believed(world):
    plan = world.send(sms("+33600000009", campaign="spring", MessageIntent="otp"))

    assert plan.records[0].effect == "refused"
    assert plan.records[0].message_class == "marketing"


def test_value_listed_by_the_workspace_makes_a_send_transactional(world):
    world.become(providers={"sendgrid": ProviderRules(transactional={"categories": frozenset({"password"})})})

    assert told(world.send(email(STRANGER, campaign=None, categories=["password"]))) == [
        ("passed", None, "transactional", ())
    ]
    assert told(world.send(email(STRANGER, campaign=None, categories=["news"])))[0][0] == "refused"


def test_listed_value_does_not_hide_a_marketing_manifest(world):
    world.become(providers={"sendgrid": ProviderRules(transactional={"categories": frozenset({"password"})})})
    plan = world.send(email(BOB, campaign="spring", categories=["password"]))

    assert told(plan) == [("refused", "spring", "marketing", ())]


# --- which people


def test_person_named_at_an_unknown_address_is_judged_with_that_address(world):
    with sending(person="ann"):
        plan = world.send(email("ann-new@example.com"))

    assert [(record.effect, record.person, record.conflict) for record in plan.records] == [("passed", "~ann", ())]


def test_person_nobody_stored_is_judged_as_known_to_have_nothing(world):
    with sending(person="zoe"):
        plan = world.send(email(STRANGER))

    assert [(record.effect, record.person) for record in plan.records] == [("refused", "~zoe")]


def test_address_of_somebody_else_than_named_is_judged_for_both(world):
    with sending(person="ann"):
        plan = world.send(email(BOB))

    assert [(record.effect, record.person, record.conflict) for record in plan.records] == [
        ("refused", "~bob", ("context.person",))
    ]


def test_person_named_for_a_call_of_several_lends_consent_to_no_unknown_address(world):
    with sending(person="ann"):
        plan = world.send(email(ANN, STRANGER))

    assert [(record.effect, record.person, record.conflict) for record in plan.records] == [
        ("passed", "~ann", ()), ("refused", None, ("context.person",)),
    ]  # fmt: skip


def test_shared_address_is_refused_when_one_of_its_people_refuses(world):
    world.store.write("addresses", [{"person": person, "channel": "email", "address": "home@example.com"}
                                    for person in ("ann", "bob")])  # fmt: skip

    assert [(record.effect, record.person) for record in world.send(email("home@example.com")).records] == [
        ("refused", "~bob")
    ]


def test_person_nobody_stored_is_counted_under_the_name_given(tmp_path):
    policies = POLICIES.partition("policies:")[0] + "policies:" + ONE_A_DAY
    with World(rules_of(tmp_path, policies)) as world, sending(person="zoe"):
        effects = [world.send(email(STRANGER, subject=str(place))).records[0].effect for place in range(2)]

    assert effects == ["passed", "refused"]


def test_values_of_the_context_stand_in_place_of_stored_ones(world):
    world.remembers("ann", city="Lyon")
    with sending(values={"city": "Nice", "basket": 77}):
        record = world.gate.judge(Send("email", "sendgrid", ANN, {"text": "weather in Nice, 77 degrees, not Lyon"}))

    assert record.recites == ("basket", "city")


def test_recital_is_looked_for_only_where_there_is_no_campaign(world):
    world.remembers("ann", city="Lyon")
    without, within = email(ANN, campaign=None), email(ANN)
    found = [world.send(request.with_body(request.body.replace(b"Paris", b"Lyon"))).records[0].recites
             for request in (without, within)]  # fmt: skip

    assert found == [("city",), ()]
