from __future__ import annotations

import json

import pytest

SEND = b"""\
now: "2026-03-02T10:00:00+01:00"
send: {channel: email, message_class: marketing, purpose: marketing.communications, uses: []}
recipient: {addresses: {email: a@example.com}%s}
"""


def test_a_hand_written_send_is_told_like_any_other(policykit, workspace):
    ran = policykit("explain", "--send", "-", "--workspace", str(workspace({})), stdin=SEND % b", age: 12")

    assert ran.code == 0
    assert ran.out == (
        "This person does not get this message.\n"
        "Why: Children are not for sale (`adults-only`).\n"
        "What we know: their age is 12.\n"
    )


def test_what_is_unknown_is_told_with_the_way_out(policykit, workspace, tmp_path):
    (tmp_path / "send.yaml").write_bytes(SEND % b"")

    ran = policykit("explain", "--send", str(tmp_path / "send.yaml"), "--workspace", str(workspace({})))

    assert ran.out == (
        "This person does not get this message.\n"
        "Why: Children are not for sale (`adults-only`).\n"
        "What we know: nobody says their age.\n"
        "It would go as planned if somebody said their age.\n"
    )


def test_an_assumption_that_decided_is_told(policykit, workspace):
    root = workspace({"policykit.yaml": "mode: enforce\nassume: {recipient.age: 12}\n"})

    ran = policykit("explain", "--send", "-", "--workspace", str(root), stdin=SEND % b"")

    assert ran.out.endswith("Assumed, because nobody says: their age is 12.\n")


def test_json_has_every_policy_with_the_facts_beneath(policykit, workspace):
    ran = policykit("explain", "--send", "-", "--json", "--workspace", str(workspace({})), stdin=SEND % b", age: 12")

    told = json.loads(ran.out)
    (policy,) = told["policies"]
    assert told["verdict"] == "block"
    assert (policy["policy"], policy["outcome"], policy["reason"]) == ("adults-only", "breached", "rule.breached")
    assert policy["facts"]["recipient.age"] == "12"


def test_a_send_may_be_written_as_the_given_of_a_case(policykit, workspace):
    case = b'now: "2026-03-02T10:00:00+01:00"\ngiven:\n  send: {channel: email}\n  recipient: {age: 40}\n'

    ran = policykit("explain", "--send", "-", "--workspace", str(workspace({})), stdin=case)

    assert ran.out == "This person gets this message by email, as planned.\n"


def test_a_send_after_its_last_moment_is_told_as_such(policykit, workspace):
    late = SEND.replace(b"uses: []", b'uses: [], not_after: "2026-03-02T09:00:00+01:00"') % b", age: 40"

    ran = policykit("explain", "--send", "-", "--workspace", str(workspace({})), stdin=late)

    assert ran.out == (
        "This person does not get this message.\n"
        "Why: it could leave only after the campaign's last moment.\n"
        "It would be judged if it left sooner, or the last moment (`not_after`) were later.\n"
    )


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ("send: {channel: email, at: 2026}", "given.send.at"),
        ("send: {channel: email, not_after: 1772442000000000}", "given.send.not_after"),
        ("consents: [{status: given, at: 2026}]", "given.consents[1].at"),
        ("consents: [{status: given}, {expires_at: 2026}]", "given.consents[2].expires_at"),
        ("history: [{at: 2026}]", "given.history[1].at"),
        ("attributes: {basket: {collected_at: 2026}}", "given.attributes.basket.collected_at"),
        ("attributes: {seen: 2026}", "given.attributes.seen"),
        ("recipient: {last_purchase_at: 2026}", "recipient.last_purchase_at"),
    ],
)
def test_a_number_is_no_instant(policykit, workspace, given, where):
    seen = """\
attributes:
  - {id: basket, disclosed_as: what is in your basket, origin: observed}
  - {id: seen, disclosed_as: when we last saw you, origin: observed, type: timestamp}
"""
    root = workspace({"policies/registry.yaml": seen})

    ran = policykit("explain", "--send", "-", "--workspace", str(root), stdin=given.encode())

    number = "1772442000000000" if "1772442" in given else "2026"
    assert (ran.code, ran.out) == (2, "")
    assert f"`{where}` is the number `{number}`, which is no instant" in ran.err
    assert 'write it as `"2026-03-02T10:00:00Z"`' in ran.err


def test_a_number_is_no_now(policykit, workspace):
    ran = policykit("explain", "--send", "-", "--workspace", str(workspace({})), stdin=b"now: 2026\nsend: {}\n")

    assert ran.code == 2
    assert ran.err.startswith("`now: 2026` is no instant")


def test_messages_that_cannot_be_counted_are_told_as_such(policykit, workspace):
    per = "{calendar: week, zone: UTC}"
    cap = f"policies:\n- {{id: cap, kind: frequency, require: {{at_most: 1, per: {per}}}, on_breach: block}}\n"
    send = SEND.replace(b"uses: []", b"uses: [], at: '9999-12-31T12:00:00Z'") % b", age: 40" + b"history: []\n"

    root = workspace({"policies/cap.yaml": cap})
    ran = policykit("explain", "--send", "-", "--workspace", str(root), stdin=send)

    assert ran.out == (
        "This person does not get this message.\n"
        "Why: `cap` asks for it.\n"
        "What we know: how many other marketing messages they get in the same calendar week cannot be counted.\n"
    )


@pytest.mark.parametrize("words", [[], ["spring"], ["spring", "p1", "--send", "x.yaml"]])
def test_a_campaign_and_a_person_or_a_send(policykit, workspace, words):
    ran = policykit("explain", *words, "--workspace", str(workspace({})))

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("name a campaign and a person, or give `--send`")


CANADA = b"""\
send: {channel: email, message_class: marketing, purpose: marketing.communications}
recipient: {age: 40, country: CA, addresses: {email: a@example.com}}
consents: [{status: given, channel: email, purpose: marketing.communications, quality: %s, at: "2023-06-01T09:00:00Z"}]
"""


@pytest.mark.parametrize(
    ("grant", "known"),
    [
        (b"implied_ebr, basis: contract", "their consent of 1 June 2023 is older than 24 months"),
        (b"implied_ebr, basis: legitimate_interest", "their consent of 1 June 2023 is older than 6 months"),
        (b"single_opt_in, basis: vital_interest", "their consent of 1 June 2023 rests on vital interest"),
    ],
)
def test_of_several_grants_that_would_do_the_nearest_is_told_and_each_is_a_way(policykit, workspace, grant, known):
    root = workspace({})
    policykit("packs", "add", "ca-casl-implied", "--workspace", str(root))

    ran = policykit("explain", "--send", "-", "--workspace", str(root), stdin=CANADA % grant)

    assert f"What we know: {known}" in ran.out
    way = ran.out.split("It would go as planned if ")[1]
    assert way.count("a consent (") == 3
    assert "not older than 24 months" in way
