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


@pytest.mark.parametrize("words", [[], ["spring"], ["spring", "p1", "--send", "x.yaml"]])
def test_a_campaign_and_a_person_or_a_send(policykit, workspace, words):
    ran = policykit("explain", *words, "--workspace", str(workspace({})))

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("name a campaign and a person, or give `--send`")
