"""What a real message holds counts beside what its manifest promises: the stricter of both."""

from pathlib import Path
from typing import Any

import pytest

from policykit.enforce.context import sending
from policykit.model import Content
from policykit.sends import Send
from policykit.testing import Double
from tests.enforce.worlds import POLICIES, World, email, providers, push, rules_of, sms

OUT = {"List-Unsubscribe": "<https://acme.example/u/1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
ASKED = """
  - id: one-click-out
    kind: content
    for: {channel: email}
    require: {one_click_unsubscribe: true}
    on_breach: block
  - id: way-out
    kind: content
    for: {channel: sms}
    require: {unsubscribe: true}
    on_breach: block
"""
LABELLED = """
  - id: korean-label
    kind: content
    for: {channel: [email, sms]}
    require: {says: "(광고)", in: opening, at: start}
    on_breach: block
"""
ADDRESSED = """
  - id: who-sends
    kind: content
    for: {channel: email}
    require: {postal_address: true}
    on_breach: block
"""
MOVED = """
  - id: email-rather
    kind: rule
    for: {channel: push}
    forbid: "send.channel == 'push'"
    on_breach: {downgrade: {channel: less_intrusive}}
"""
GENERIC = """
  - id: nothing-personal
    kind: data
    for: {channel: email}
    forbid: {attribute: basket}
    on_breach: {downgrade: {content: generic}}
"""
CAMPAIGN = """
campaign: spring
message_class: marketing
purpose: marketing.communications
audience: {selected_by: []}
channels:
  push: {provider: fcm, body: Spring is here}
  sms: {provider: twilio, body: "(광고) Spring. Reply STOP to end"}
  email:
    provider: sendgrid
    headers: {List-Unsubscribe: "<{{ unsubscribe_url }}>, <mailto:out@acme.example>",
              List-Unsubscribe-Post: List-Unsubscribe=One-Click}
    subject: "(광고) Spring{% if basket %} and {{ basket }}{% endif %}"
    text: "Come by. {{ sender_address }} Unsubscribe: {{ unsubscribe_url }}"
    generic: {subject: "(광고) Spring", text: "Come by. {{ sender_address }} Unsubscribe: {{ unsubscribe_url }}"}
"""
WAY = [{"type": "text/plain", "value": "Come by. Acme, 1 Road. Unsubscribe: https://acme.example/u/1"}]


@pytest.fixture
def double():
    with Double() as double:
        yield double


@pytest.fixture
def world(tmp_path: Path):
    def _make(*policies: str, campaign: str = CAMPAIGN, **more: Any) -> World:
        rules = rules_of(tmp_path, "".join((POLICIES, *policies)), (campaign,), **more)
        made = World(rules)
        made.knows("ana", email="ana@example.org", sms="+33612345678", push="t1")
        return made

    return _make


def determining(world: World) -> list[tuple[str, ...]]:
    return [record.decision.determining for record in world.log()]


def test_a_mail_without_the_headers_its_manifest_promises_is_refused(world):
    world = world(ASKED)

    bare, whole = world.send(email("ana@example.org")), world.send(email("ana@example.org", headers=OUT))

    assert (bare.forward is None, whole.forward is not None) == (True, True)
    assert determining(world) == [("one-click-out",), ()]


def test_headers_on_the_wire_do_not_make_up_for_a_manifest_without_them(world):
    without = CAMPAIGN.replace("List-Unsubscribe-Post: List-Unsubscribe=One-Click", "X-Other: none")
    world = world(ASKED, campaign=without)

    assert world.send(email("ana@example.org", headers=OUT)).forward is None
    assert world.log()[-1].decision.undetermined == ()  # known to be missing


@pytest.mark.parametrize("headers", [
    {"List-Unsubscribe": "<https://acme.example/u/1>"},
    {**OUT, "List-Unsubscribe": "<http://acme.example/u/1>"},
    {**OUT, "List-Unsubscribe": "<mailto:out@acme.example>"},
    {**OUT, "List-Unsubscribe": "https://acme.example/u/1"},
    {**OUT, "List-Unsubscribe": "<https://a.example/1>, <https://b.example/2>"},
    {**OUT, "List-Unsubscribe-Post": "List-Unsubscribe=Two-Clicks"},
    {**OUT, "list-unsubscribe": "<>"},
])  # fmt: skip
def test_headers_that_are_not_those_of_rfc_8058_do_not_count(world, headers):
    assert world(ASKED).send(email("ana@example.org", headers=headers)).forward is None


def test_headers_are_those_of_the_person(world):
    world = world(ASKED)
    world.knows("ben", email="ben@example.org")
    people = [{"to": [{"email": "ana@example.org"}], "headers": OUT}, {"to": [{"email": "ben@example.org"}]}]

    plan = world.send(email("ana@example.org", personalizations=people))

    assert plan.forward is not None
    assert plan.forward.json()["personalizations"] == people[:1]


def test_what_the_provider_adds_by_itself_counts(world):
    tracked = {"subscription_tracking": {"enable": True}}

    assert world(ASKED).send(email("ana@example.org", tracking_settings=tracked)).forward is not None


def test_a_subject_without_the_label_is_refused_though_the_manifest_has_it(world):
    world = world(LABELLED)

    plain, labelled = (
        world.send(email("ana@example.org")),
        world.send(email("ana@example.org", subject="(광고) Spring")),
    )

    assert (plain.forward is None, labelled.forward is not None) == (True, True)
    assert determining(world) == [("korean-label",), ()]


def test_a_text_without_a_way_out_is_refused(world):
    world = world(ASKED)

    bare, whole = world.send(sms("+33612345678")), world.send(sms("+33612345678", Body="Spring! Reply STOP to end"))

    assert (bare.forward is None, whole.forward is not None) == (True, True)
    assert determining(world) == [("way-out",), ()]


def test_a_text_that_the_provider_holds_is_as_the_manifest_says(world):
    world = world(ASKED, LABELLED)

    assert world.send(sms("+33612345678", Body="", ContentSid="HX1")).forward is not None


def test_a_text_that_the_provider_holds_is_unknown_without_a_manifest(world):
    world = world(ASKED)

    world.send(sms("+33612345678", campaign=None, Body="", ContentSid="HX1"))

    assert "way-out" in world.log()[-1].decision.undetermined


@pytest.mark.parametrize("more", [{"ContentSid": "HX1"}, {}])
def test_a_text_beside_a_template_of_the_provider_is_not_what_people_get(world, more):
    world = world(ASKED)

    world.send(sms("+33612345678", campaign=None, Body="Spring! Reply STOP to end", **more))

    assert ("way-out" in world.log()[-1].decision.undetermined) is bool(more)


@pytest.mark.parametrize("template", [{"template_id": "d-1"}, {}])
def test_a_mail_beside_a_template_of_the_provider_is_not_what_people_get(world, template):
    world = world(LABELLED)

    world.send(email("ana@example.org", campaign=None, subject="(광고) Spring", **template))

    assert ("korean-label" in world.log()[-1].decision.undetermined) is bool(template)


@pytest.mark.parametrize(("amp", "leaves"), [("<p>Come by. Acme, 1 Road.</p>", True), ("<p>Come by</p>", False)])
def test_the_page_that_some_mail_programs_show_instead_counts_too(world, amp, leaves):
    config = {"config": "sender_address: Acme, 1 Road\n", "sender_address": "Acme, 1 Road"}
    page = {"type": "text/x-amp-html", "value": amp}
    letter = email("ana@example.org", content=[*WAY, page])

    assert (world(ADDRESSED, **config).send(letter).forward is not None) is leaves


def test_every_phone_shows_what_a_push_must_say(world):
    """Of what platforms show in their own words, none may lack it."""
    labelled = LABELLED.replace("[email, sms]", "push")
    world = world(labelled, campaign=CAMPAIGN.replace("body: Spring is here", "title: (광고) Hi, body: Spring"))
    note = {"title": "(광고) Hi", "body": "Spring"}
    own = [
        {}, {"notification": {"title": "Hi"}}, {"notification": {"title": "(광고) Hello"}},
        {"notification": {"title_loc_key": "hi"}},
    ]  # fmt: skip

    plans = [world.send(push("t1", notification=note, android=each)) for each in own]
    world.send(push("t1", notification=note, apns={"payload": {"aps": {"alert": "Hi"}}}))
    world.send(push("t1", notification=note, webpush={"notification": {"title": "Hi"}}))
    world.send(push("t1", campaign=None, notification=note, android=own[3]))

    assert [plan.forward is not None for plan in plans] == [True, False, True, True]
    assert [("korean-label" in each.decision.determining) for each in world.log()[-3:]] == [True] * 3
    assert "korean-label" in world.log()[-1].decision.undetermined


def test_what_belongs_to_no_campaign_is_judged_by_what_it_holds(tmp_path):
    rules = rules_of(tmp_path, "policies:" + ASKED.replace("one-click-out", "one-click"), ())
    world = World(rules)
    world.knows("ana", email="ana@example.org")

    world.send(email("ana@example.org", campaign=None))
    world.send(email("ana@example.org", campaign=None, headers=OUT))

    assert [(each.decision.determining, each.decision.undetermined) for each in world.log()] == [
        (("one-click",), ()),
        ((), ()),
    ]


def test_a_mail_shows_who_sends(world):
    world = world(ADDRESSED, config="sender_address: Acme, 1 Road\n", sender_address="Acme, 1 Road")

    shown, plain = world.send(email("ana@example.org", content=WAY)), world.send(email("ana@example.org"))

    assert (shown.forward is not None, plain.forward is None) == (True, True)
    assert determining(world) == [(), ("who-sends",)]


def test_whose_address_it_is_nobody_knows_where_the_workspace_says_none(world):
    world = world(ADDRESSED)

    world.send(email("ana@example.org", content=WAY))

    assert world.log()[-1].decision.undetermined == ("who-sends",)


def test_a_mail_made_in_place_of_a_push_has_the_headers_of_the_campaign(world, double):
    world = world(ASKED, MOVED, providers=providers(double.url))
    request = push("t1", data={"campaign": "spring", "unsubscribe_url": "https://acme.example/u/7"})

    world.send(request)

    (made,) = double.requests
    assert made.json()["headers"] == {
        "List-Unsubscribe": "<https://acme.example/u/7>, <mailto:out@acme.example>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert world.log()[-1].effect == "replaced"


def test_a_mail_whose_promise_cannot_be_kept_is_not_made(world, double):
    world = world(ASKED, MOVED, providers=providers(double.url))

    world.send(push("t1"))

    record = world.log()[-1]
    assert (double.requests, record.effect) == ([], "refused")
    assert record.failed == "the message for `email` would lack one-click unsubscribe"


def test_a_mail_rewritten_has_the_headers_of_the_campaign_alone(world):
    world = world(ASKED, GENERIC)
    own = {
        "List-unsubscribe": "<https://acme.example/u/1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "X-Ours": "1",
    }
    data = [{"to": [{"email": "ana@example.org"}], "substitutions": {"unsubscribe_url": "https://acme.example/u/9"}}]

    plan = world.send(email("ana@example.org", personalizations=data, headers=own))

    assert plan.forward is not None
    assert plan.forward.json()["headers"] == {
        "X-Ours": "1",
        "List-Unsubscribe": "<https://acme.example/u/9>, <mailto:out@acme.example>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_the_wire_counts_in_the_content_it_carries_alone(world):
    """What would be rewritten is as the manifest says, whatever the call held."""
    world = world(ASKED, GENERIC)
    readings = world.gate._current().resolver.readings(
        world.adapters[0].read(email("ana@example.org"))[0], ("custom_args.campaign",), None
    )

    mail = next(each for each in readings.all[0].campaign.prepared if each.channel == "email")

    assert mail.content.content == Content(answers=(("one_click", False), ("unsubscribe", False)))
    assert mail.generic is not None
    assert mail.generic.content == Content(answers=(("one_click", True), ("unsubscribe", True)))


def test_messages_that_answer_alike_are_one_reading(world):
    world = world(ASKED)
    resolver, read = world.gate._current().resolver, world.adapters[0].read

    found = [
        resolver.readings(read(email("ana@example.org", subject=subject))[0], ("custom_args.campaign",), None)
        for subject in ("one", "two", "three")
    ]

    assert found[0] is found[1] is found[2]


def test_where_nothing_is_asked_a_message_is_not_looked_at(world):
    world = world()
    (send,) = world.adapters[0].read(email("ana@example.org"))

    assert world.gate._current().resolver.questions.on_wire(send) == ()


@pytest.mark.parametrize(
    ("headers", "undetermined", "effect"),
    [(None, ("one-click-out",), "refused"), ({}, (), "refused"), (OUT, (), "passed")],
)
def test_headers_that_an_adapter_does_not_tell_are_unknown(world, headers, undetermined, effect):
    world = world(ASKED)
    send = Send("email", "acme", "ana@example.org", {"text": "Unsubscribe: https://a.example"}, headers=headers)

    with sending(campaign="spring"):
        record = world.gate.judge(send)

    assert (record.effect, record.decision.undetermined) == (effect, undetermined)


def test_a_channel_the_manifest_does_not_prepare_promises_nothing(world):
    alone = "\n".join(line for line in CAMPAIGN.splitlines() if "twilio" not in line)
    world = world(ASKED, campaign=alone)

    world.send(sms("+33612345678", Body="Spring! Reply STOP to end"))

    assert world.log()[-1].decision.undetermined == ("way-out",)


def test_a_push_without_a_text_on_the_wire_is_as_the_manifest_says(world):
    """Its title alone can be seen, and is what is shown first."""
    labelled = LABELLED.replace("[email, sms]", "push")
    world = world(labelled, campaign=CAMPAIGN.replace("body: Spring is here", "title: (광고) Hi, body: Spring"))

    good = world.send(push("t1", notification={"title": "(광고) Hi"}))
    bad = world.send(push("t1", notification={"title": "Hi"}))
    held = world.send(push("t1", notification={"title_loc_key": "hi"}))

    assert [plan.forward is not None for plan in (good, bad, held)] == [True, False, True]


def test_a_header_with_a_hole_is_left_out_where_nobody_asks_for_it(world, double):
    more = CAMPAIGN.replace("headers: {", "headers: {X-Shop: spring, X-Empty: '{{ view_url }}', ")
    world = world(MOVED, campaign=more, providers=providers(double.url))

    world.send(push("t1"))

    (made,) = double.requests
    assert made.json()["headers"] == {"X-Shop": "spring"}
