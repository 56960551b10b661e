"""Downgrades for real: moved to another provider, stripped, put off; and refused where that cannot be done."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from policykit.adapters.base import Settings
from policykit.adapters.wire import Answer
from policykit.enforce.rules import ProviderRules
from policykit.language.spans import parse_instant
from policykit.model import Changes, Verdict
from policykit.testing.double import Cut, Double
from tests.enforce.worlds import (
    EMAIL_RATHER,
    EVENINGS,
    ONE_A_DAY,
    POLICIES,
    SPRING,
    STRIPPED,
    World,
    email,
    providers,
    push,
    rules_of,
    sms,
)

ANN, BOB = "ann@example.com", "bob@example.com"
EVENING = parse_instant("2026-03-02T21:30:00Z") or 0  # 22:30 in Paris
MORNING = parse_instant("2026-03-03T07:00:00Z") or 0


@pytest.fixture
def double():
    with Double() as double:
        yield double


def world_of(folder, double, policies):
    world = World(rules_of(folder, POLICIES + policies, providers=providers(double.url)))
    world.knows("ann", email=ANN, push="token-ann", sms="+33600000001")
    world.remembers("ann", basket="tent", city="Lyon")
    return world


def delivered(double):
    return [(each.path, json.loads(each.body)) for each in double.requests]


# --- another channel


def test_push_becomes_the_campaigns_email(tmp_path, double):
    with world_of(tmp_path, double, EMAIL_RATHER) as world:
        plan = world.send(push("token-ann"))

        (record,) = plan.records
        assert (record.verdict, record.effect, record.decision.changes) == (
            Verdict.DOWNGRADE, "replaced", Changes(channel="email"),
        )  # fmt: skip
        ((path, payload),) = delivered(double)
        assert path == "/v3/mail/send"
        assert payload["personalizations"][0]["to"] == [{"email": ANN}]
        assert [part["value"] for part in payload["content"]] == ["Come by, Lyon"]
        assert plan.forward is None
        assert plan.answer is not None
        assert plan.answer.status == 200
        assert record.id in plan.answer.body.decode()
        assert world.history("ann") == [("email", world.clock.now, "spring")]


def test_a_message_we_compose_says_why_it_came(tmp_path, double):
    saying = "because: you asked us to\n" + SPRING.replace("Come by", "{{ because | capitalize }}: come by")
    with World(rules_of(tmp_path, POLICIES + EMAIL_RATHER, (saying,), providers=providers(double.url))) as world:
        world.knows("ann", email=ANN, push="token-ann")
        world.remembers("ann", city="Lyon")
        world.send(push("token-ann"))

    ((_, payload),) = delivered(double)
    assert [part["value"] for part in payload["content"]] == ["You asked us to: come by, Lyon"]


def test_move_within_one_provider_takes_the_place_of_the_applications_own_call(tmp_path, double):
    no_whatsapp = EMAIL_RATHER.replace("push", "whatsapp")
    both = SPRING.replace("  sms:", "  whatsapp: {provider: twilio, body: Hello}\n  sms:")
    with World(rules_of(tmp_path, POLICIES + no_whatsapp, (both,), providers=providers(double.url))) as world:
        world.knows("ann", sms="+33600000001", whatsapp="+33600000001")
        plan = world.send(sms("whatsapp:+33600000001"), status=201)

        assert plan.records[0].decision.changes == Changes(channel="sms")
        assert plan.forward is not None
        assert parse_qs(plan.forward.body.decode())["To"] == ["+33600000001"]
        assert double.requests == []
        assert world.history("ann") == [("sms", world.clock.now, "spring")]


def test_moved_send_carries_our_credentials_and_not_the_applications(tmp_path, double):
    with world_of(tmp_path, double, EMAIL_RATHER) as world:
        world.send(push("token-ann"))

    (received,) = double.requests
    assert [value for name, value in received.headers if name.lower() == "authorization"] == ["Bearer k"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"providers": {"sendgrid": ProviderRules(Settings({}, {"from": "a@acme.example"}))}},
            "no credential `api_key`",
        ),
        (
            {"providers": {"sendgrid": ProviderRules(Settings({"api_key": "k"}))}},
            "`providers.sendgrid.from` is missing",
        ),
    ],
)
def test_move_without_settings_is_refused_and_says_so(tmp_path, double, change, said):
    with world_of(tmp_path, double, EMAIL_RATHER) as world:
        world.become(**change)
        (record,) = world.send(push("token-ann")).records

        assert (record.verdict, record.effect) == (Verdict.DOWNGRADE, "refused")
        assert said in record.reason
        assert world.history("ann") == []


def test_move_to_a_provider_without_adapter_is_refused(tmp_path, double):
    with world_of(tmp_path, double, EMAIL_RATHER) as world:
        del world.gate._adapters["sendgrid"]
        (record,) = world.send(push("token-ann")).records

        assert record.effect == "refused"
        assert "there is no adapter for email by `sendgrid`" in record.reason


def test_move_to_a_provider_of_other_channels_is_refused(tmp_path, double):
    odd = SPRING.replace("provider: sendgrid", "provider: twilio")
    with World(rules_of(tmp_path, POLICIES + EMAIL_RATHER, (odd,), providers=providers(double.url))) as world:
        world.knows("ann", email=ANN, push="token-ann")
        (record,) = world.send(push("token-ann")).records

        assert record.effect == "refused"
        assert "there is no adapter for email by `twilio`" in record.reason


def test_replacement_refused_by_its_provider_is_a_refusal(tmp_path, double):
    double.answer("/v3/mail/send", Answer(400, "Bad Request"))
    with world_of(tmp_path, double, EMAIL_RATHER) as world:
        plan = world.send(push("token-ann"))

        (record,) = plan.records
        assert plan.answer is not None
        assert (plan.answer.status, record.effect) == (403, "refused")
        assert "`sendgrid` refused what takes its place (400)" in record.reason
        assert [line.effect for line in world.log()] == ["replaced", "refused"]
        assert world.history("ann") == []


@pytest.mark.parametrize("trouble", [Cut(), Answer(503)])
def test_replacement_nobody_answers_waits_in_the_outbox(tmp_path, double, trouble):
    double.answer("/v3/mail/send", trouble, Answer(202))
    with world_of(tmp_path, double, EMAIL_RATHER + ONE_A_DAY) as world:
        plan = world.send(push("token-ann"))

        assert plan.answer is not None
        assert plan.answer.status == 200
        assert [each.decision for each in world.store.waiting()] == [plan.records[0].id]
        assert b"secret-of-the-application" not in world.store.waiting()[0].request.encode()

        run = world.gate.run_outbox()

        assert (run.sent, run.refused, run.again) == (1, 0, 0)
        assert world.store.waiting() == ()
        assert world.history("ann") == [("email", world.clock.now, "spring")]


# --- other content


def test_stripped_attribute_leaves_the_text_in_the_applications_own_call(tmp_path, double):
    with world_of(tmp_path, double, STRIPPED) as world:
        request = push("token-ann")
        plan = world.send(request)

        (record,) = plan.records
        assert (record.effect, record.decision.changes) == ("replaced", Changes(strip=("basket",)))
        assert plan.forward is not None
        message = json.loads(plan.forward.body)["message"]
        assert message["notification"]["body"] == "Spring is here"
        assert plan.forward.header("Authorization") == request.header("Authorization")
        assert double.requests == []
        assert world.history("ann") == [("push", world.clock.now, "spring")]


def test_stripped_person_of_a_batch_is_taken_out_and_sent_apart(tmp_path, double):
    with world_of(tmp_path, double, STRIPPED) as world:
        world.knows("bob", email=BOB, consent=(), refused=True)
        plan = world.send(email(BOB, ANN, base=double.url))

        assert [record.effect for record in plan.records] == ["refused", "replaced"]
        assert plan.forward is None
        assert plan.answer is not None
        assert plan.answer.status == 202
        ((_, payload),) = delivered(double)
        assert payload["subject"] == "Spring"
        assert payload["personalizations"][0]["to"] == [{"email": ANN}]
        # The application's own call, lessened: it keeps the application's credentials.
        assert ("Authorization", "Bearer secret-of-the-application") in [
            (name.title(), value) for name, value in double.requests[0].headers
        ]


def test_links_that_the_sender_furnishes_stay_in_the_text(tmp_path, double):
    summer = SPRING.replace("campaign: spring", "campaign: summer").replace(
        "{{ city | default: 'you' }}", "you. Leave: {{ unsubscribe_url }}"
    )
    with World(rules_of(tmp_path, POLICIES + STRIPPED, (summer,), providers=providers(double.url))) as world:
        world.knows("ann", email=ANN)
        request = email(ANN, campaign="summer")
        payload = json.loads(request.body)
        payload["personalizations"][0]["dynamic_template_data"] = {"unsubscribe_url": "https://a.example/out", "x": "y"}
        plan = world.send(request.with_body(json.dumps(payload).encode()))

        assert plan.records[0].decision.changes == Changes(strip=("basket",))
        assert plan.forward is not None
        assert json.loads(plan.forward.body)["content"][0]["value"] == "Come by, you. Leave: https://a.example/out"


def test_on_block_raise_does_not_make_a_call_fail_of_which_something_left(tmp_path, double):
    with world_of(tmp_path, double, STRIPPED) as world:
        world.become(providers={**world.rules.providers, "sendgrid": ProviderRules(on_block="raise")})
        plan = world.send(email("nobody@example.com", ANN, base=double.url))

        assert [record.effect for record in plan.records] == ["refused", "replaced"]
        assert plan.error is None
        assert plan.answer is not None
        assert plan.answer.status == 202


def test_strip_that_the_adapter_cannot_do_is_refused(tmp_path, double):
    with world_of(tmp_path, double, STRIPPED) as world:
        world.knows("bob", whatsapp="+33600000002")
        plan = world.send(sms("whatsapp:+33600000002", Body="", ContentSid="HX1"))

        (record,) = plan.records
        assert record.effect == "refused"
        assert plan.forward is None


# --- another instant


def test_email_at_night_is_scheduled_by_the_provider(tmp_path, double):
    with world_of(tmp_path, double, EVENINGS) as world:
        world.clock.now = EVENING
        plan = world.send(email(ANN))

        (record,) = plan.records
        assert (record.effect, record.decision.changes) == ("replaced", Changes(send_at=MORNING))
        assert plan.forward is not None
        assert json.loads(plan.forward.body)["send_at"] == MORNING // 1_000_000
        assert world.history("ann") == [("email", MORNING, "spring")]


def test_push_at_night_waits_in_the_outbox_without_secrets(tmp_path, double):
    with world_of(tmp_path, double, EVENINGS) as world:
        world.clock.now = EVENING
        plan = world.send(push("token-ann", base=double.url))

        (record,) = plan.records
        assert (record.effect, plan.forward) == ("put_off", None)
        assert plan.answer is not None
        assert plan.answer.status == 200
        (waiting,) = world.store.waiting()
        assert (waiting.decision, waiting.due, waiting.provider) == (record.id, MORNING, "fcm")
        assert "secret-of-the-application" not in waiting.request
        assert world.history("ann") == [("push", MORNING, "spring")]
        assert world.gate.run_outbox().sent == 0

        world.clock.now = MORNING
        run = world.gate.run_outbox()

        assert (run.sent, run.refused, run.again) == (1, 0, 0)
        (received,) = double.requests
        assert json.loads(received.body)["message"]["token"] == "token-ann"
        assert ("authorization", "Bearer t") in [(name.lower(), value) for name, value in received.headers]
        assert world.store.waiting() == ()
        assert world.history("ann") == [("push", MORNING, "spring")]


def test_put_off_without_credentials_to_send_it_later_is_refused(tmp_path, double):
    with world_of(tmp_path, double, EVENINGS) as world:
        world.clock.now = EVENING
        world.become(providers={})
        (record,) = world.send(sms("+33600000001")).records

        assert (record.verdict, record.effect) == (Verdict.DOWNGRADE, "refused")
        assert "providers.twilio" in record.reason
        assert world.store.waiting() == ()


def test_moved_and_put_off_at_once(tmp_path, double):
    with world_of(tmp_path, double, EMAIL_RATHER + EVENINGS) as world:
        world.clock.now = EVENING
        (record,) = world.send(push("token-ann")).records

        assert (record.effect, record.decision.changes) == ("replaced", Changes(channel="email", send_at=MORNING))
        ((path, payload),) = delivered(double)
        assert (path, payload["send_at"]) == ("/v3/mail/send", MORNING // 1_000_000)


def test_sms_texts_are_put_off_where_there_is_no_messaging_service(tmp_path, double):
    with world_of(tmp_path, double, EVENINGS) as world:
        world.clock.now = EVENING
        (record,) = world.send(sms("+33600000001", base=double.url)).records
        world.clock.now = MORNING
        world.gate.run_outbox()

        assert record.effect == "put_off"
        (received,) = double.requests
        assert parse_qs(received.body.decode())["To"] == ["+33600000001"]
