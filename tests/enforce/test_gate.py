"""What becomes of a caught call: passed untouched, refused, lessened or put off, and always recorded."""

from __future__ import annotations

import json
import logging

import pytest

from policykit.enforce.context import ours, sending
from policykit.enforce.rules import ProviderRules
from policykit.errors import SendBlocked
from policykit.model import DAY, Changes, Verdict
from policykit.sends import Send
from tests.enforce.worlds import ONE_A_DAY, POLICIES, World, email, push, rules_of, sms

ANN, BOB = "ann@example.com", "bob@example.com"


@pytest.fixture
def world(tmp_path):
    with World(rules_of(tmp_path)) as world:
        world.knows("ann", email=ANN, push="token-ann", sms="+33600000001")
        world.knows("bob", email=BOB, refused=True)
        yield world


def test_allowed_send_leaves_as_the_very_same_request(world):
    request = email(ANN)

    plan = world.send(request)

    assert plan.forward is request
    assert [(record.verdict, record.effect, record.person, record.campaign) for record in plan.records] == [
        (Verdict.ALLOW, "passed", "~ann", "spring")
    ]
    assert plan.records[0].records == ("ann-given-*",)
    assert world.log() == list(plan.records)
    assert world.history("ann") == [("email", world.clock.now, "spring")]


def test_refused_send_is_answered_in_the_providers_shape(world):
    plan = world.send(email(BOB))

    (record,) = plan.records
    assert plan.forward is None
    assert plan.answer is not None
    assert plan.answer.status == 403
    assert plan.answer.header("X-Policykit-Decision") == record.id
    assert json.loads(plan.answer.body)["errors"][0]["message"].endswith(f"They said no. ({record.id})")
    assert (record.effect, record.decision.determining) == ("refused", ("consent-first", "refusal-is-final"))
    assert world.log() == [record]
    assert world.history("bob") == []


def test_unknown_address_is_a_stranger_who_never_consented(world):
    (record,) = world.send(email("nobody@example.com")).records

    assert (record.effect, record.person, record.because) == (
        "refused", None, {"consent-first": "They did not ask for it."},
    )  # fmt: skip


def test_address_is_found_whatever_its_case(world):
    assert world.send(email("ANN@Example.COM")).records[0].person == "~ann"


def test_batch_loses_exactly_the_refused_people(world):
    plan = world.send(email(BOB, ANN, "nobody@example.com"))

    assert plan.forward is not None
    assert [each["to"][0]["email"] for each in json.loads(plan.forward.body)["personalizations"]] == [ANN]
    assert [record.effect for record in plan.records] == ["refused", "passed", "refused"]
    assert world.history("ann") == [("email", world.clock.now, "spring")]


def test_people_in_copy_are_judged_too(world):
    request = email(ANN)
    payload = json.loads(request.body)
    payload["personalizations"][0]["bcc"] = [{"email": BOB}]

    plan = world.send(request.with_body(json.dumps(payload).encode()))

    assert [record.effect for record in plan.records] == ["passed", "refused"]
    assert plan.forward is not None
    assert BOB.encode() not in plan.forward.body


def test_call_that_names_no_campaign_is_marketing_without_consent_to_go_by(world):
    (record,) = world.send(email(ANN, campaign=None)).records

    assert (record.effect, record.campaign, record.message_class) == ("refused", None, "marketing")
    assert record.decision.undetermined == ("consent-first", "refusal-is-final")


def test_transactional_send_passes_whoever_it_is_for(world):
    (record,) = world.send(email(BOB, campaign="receipt")).records

    assert (record.effect, record.message_class) == ("passed", "transactional")


def test_requests_that_nobody_claims_pass_without_a_trace(world):
    assert not world.gate.claims("GET", "https://api.sendgrid.com/v3/mail/send")
    assert not world.gate.claims("POST", "https://oauth2.googleapis.com/token")
    assert world.gate.claims("post", "https://api.sendgrid.com/v3/mail/send")


def test_our_own_sends_are_not_claimed(world):
    with ours():
        assert not world.gate.claims("POST", "https://api.sendgrid.com/v3/mail/send")


def test_mode_off_claims_nothing(world):
    world.become(mode="off")

    assert not world.gate.claims("POST", "https://api.sendgrid.com/v3/mail/send")


def test_audit_judges_records_and_lets_everything_pass(world):
    world.become(mode="audit")
    request = email(BOB, ANN)

    plan = world.send(request)

    assert plan.forward is request
    assert [(record.verdict, record.effect, record.mode) for record in plan.records] == [
        (Verdict.BLOCK, "passed", "audit"), (Verdict.ALLOW, "passed", "audit"),
    ]  # fmt: skip
    assert world.history("bob") == [("email", world.clock.now, "spring")]


def test_context_names_the_campaign_and_collects_decisions(world):
    with sending(campaign="spring") as block:
        plan = world.send(sms("+33600000001", campaign=None))

    assert block.decisions == list(plan.records)
    assert block.decisions[0].campaign == "spring"


def test_on_block_raise_gives_the_records(world):
    world.become(providers={"sendgrid": ProviderRules(on_block="raise")})
    plan = world.send(email(BOB))

    assert isinstance(plan.error, SendBlocked)
    assert plan.error.decisions == plan.records
    assert plan.answer is None


def test_campaign_on_hold_is_refused_and_released(world):
    world.store.hold("spring", "wrong price", world.clock.now)
    held = world.send(email(ANN)).records[0]
    world.store.release("spring")
    released = world.send(email(ANN)).records[0]

    assert (held.effect, held.held, held.reason) == (
        "refused", "wrong price", "campaign `spring` is on hold: wrong price",
    )  # fmt: skip
    assert released.effect == "passed"


def test_hold_leaves_transactional_sends_alone(world):
    world.store.hold("receipt", "checking", world.clock.now)

    assert world.send(email(ANN, campaign="receipt")).records[0].effect == "passed"


def test_silent_push_without_a_campaign_is_not_judged(world):
    request = push("token-bob", campaign=None, data={"sync": "1"}, notification=None)

    plan = world.send(request)

    assert plan.forward is request
    assert plan.records == ()
    assert world.log() == []


def test_push_to_a_topic_is_refused_because_it_names_nobody(world):
    request = push("x", topic="news")
    payload = json.loads(request.body)
    del payload["message"]["token"]

    (record,) = world.send(request.with_body(json.dumps(payload).encode())).records

    assert (record.effect, record.failed) == ("refused", "it names no person")


def test_marketing_that_cannot_be_read_is_refused(world):
    plan = world.send(email(ANN).with_body(b'{"personalizations": [{"to": 7}]}'))

    (record,) = plan.records
    assert plan.forward is None
    assert record.effect == "refused"
    assert record.failed
    assert world.log() == [record]


def test_marketing_that_names_nobody_is_refused_whatever_on_error_says(world):
    world.become(on_error={"marketing": "allow"})
    topic = push("x", topic="news")
    payload = json.loads(topic.body)
    del payload["message"]["token"]

    assert world.send(topic.with_body(json.dumps(payload).encode())).records[0].effect == "refused"
    assert world.send(email(ANN).with_body(b"[]")).records[0].effect == "refused"


def test_transactional_block_lets_pass_what_cannot_be_read(world):
    request = email(ANN).with_body(b"{")

    with sending(campaign="receipt"):
        plan = world.send(request)

    assert plan.forward is request
    assert plan.records[0].failed


def test_cap_counts_sends_of_the_same_call(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY)) as world:
        world.knows("ann", email=ANN)

        plan = world.send(email(ANN, ANN.upper()))

        assert [record.effect for record in plan.records] == ["passed", "refused"]
        assert len(world.history("ann")) == 1


def test_cap_counts_earlier_sends_until_they_are_old_enough(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY)) as world:
        world.knows("ann", email=ANN)
        effects = []
        for after in (0, DAY - 1, DAY):
            world.clock.now += after
            effects.append(world.send(email(ANN, subject=f"{after}")).records[0].effect)
            world.gate.flush()
            world.clock.now -= after

        assert effects == ["passed", "refused", "passed"]


def test_refused_and_held_sends_do_not_count(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY)) as world:
        world.knows("ann", email=ANN)
        world.store.hold("spring", "wait", world.clock.now)
        world.send(email(ANN))
        world.store.release("spring")

        assert world.send(email(ANN)).records[0].effect == "passed"


def test_send_refused_by_the_provider_gives_its_slot_back(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY)) as world:
        world.knows("ann", email=ANN)
        world.send(email(ANN), status=400)
        world.gate.flush()

        assert world.send(email(ANN, subject="again")).records[0].effect == "passed"


def test_retry_of_one_logical_send_is_one_decision_and_one_slot(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY)) as world:
        world.knows("ann", email=ANN)
        first = world.send(email(ANN), status=503)
        world.gate.flush()
        second = world.send(email(ANN))

        assert second.records[0].id == first.records[0].id
        assert second.records[0].effect == "passed"
        assert len(world.log()) == 1
        assert len(world.history("ann")) == 1


def test_retry_after_a_stop_is_refused_under_an_id_of_its_own(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY)) as world:
        world.knows("ann", email=ANN)
        first = world.send(email(ANN), status=503).records[0]
        world.gate.flush()
        world.consents("ann", "objected", "*", "2026-03-01T00:00:00Z")

        second = world.send(email(ANN)).records[0]

        assert second.effect == "refused"
        assert [record.id for record in world.log()] == [first.id, second.id]


def test_what_left_is_not_taken_for_a_retry(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY)) as world:
        world.knows("ann", email=ANN)
        world.send(email(ANN))
        world.gate.flush()

        assert world.send(email(ANN)).records[0].effect == "refused"


def test_wire_schedule_is_the_instant_judged(tmp_path):
    with World(rules_of(tmp_path, POLICIES + ONE_A_DAY)) as world:
        world.knows("ann", email=ANN)
        tomorrow = world.clock.now + DAY
        world.send(email(ANN))
        world.gate.flush()

        (record,) = world.send(email(ANN, send_at=tomorrow // 1_000_000)).records

        assert (record.effect, record.decision.at, record.decision.changes) == ("passed", tomorrow, Changes())


def test_judge_records_nothing_and_takes_no_slot(world):
    with sending(campaign="spring"):
        allowed = world.gate.judge(Send("email", "sendgrid", ANN))
        unknown = world.gate.judge(Send("email", "nobody-knows-it", BOB))

    assert (allowed.effect, unknown.effect) == ("passed", "refused")
    assert world.log() == []
    assert world.history("ann") == []


def test_refusals_are_logged_without_personal_data(world, caplog):
    with caplog.at_level(logging.INFO, "policykit"):
        (record,) = world.send(email("nobody@example.com")).records

    (line,) = [each.getMessage() for each in caplog.records if each.name == "policykit"]
    assert line == f"refused {record.id}: consent-first: They did not ask for it."


def test_observers_are_told_off_the_callers_path_and_may_fail(tmp_path):
    told = []

    def broken(records):
        raise ValueError("no")

    with World(rules_of(tmp_path), observers=(broken, told.extend)) as world:
        world.knows("ann", email=ANN)
        plan = world.send(email(ANN))
        assert world.gate.flush()

        assert told == list(plan.records)


class Broken(logging.Filter):
    def filter(self, record):
        raise ValueError("no")


def test_logging_that_fails_never_reaches_the_application(world):
    log, broken = logging.getLogger("policykit"), Broken()
    before = log.level
    log.addFilter(broken)
    log.setLevel(logging.INFO)
    try:
        plan = world.send(email("nobody@example.com"))
    finally:
        log.removeFilter(broken)
        log.setLevel(before)

    assert plan.records[0].effect == "refused"
