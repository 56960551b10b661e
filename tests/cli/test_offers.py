"""Offers at the command line: said where they are unknown, told apart as blended, explained."""

from __future__ import annotations

import json

MIXED = (
    "policies:\n"
    "  - id: mixed\n"
    "    kind: offers\n"
    "    for: {channel: email}\n"
    "    require: {personalised: {at_most: 50%}}\n"
    "    on_breach: {downgrade: {offers: blend}}\n"
    "    because: Half of them are for everybody.\n"
)
SPRING = (
    "campaign: spring\n"
    "purpose: marketing.communications\n"
    "audience: {from: people.csv, selected_by: []}\n"
    'send: {at: "2026-03-02T10:00:00Z"}\n'
    "channels: {email: {provider: sendgrid, body: '{{ offers[0].text }}'}}\n"
)
SHOWN = (
    "offers:\n"
    "  personalised: [{id: tent, chosen_by: [basket]}, {id: mat, chosen_by: [basket]}]\n"
    "  general: [{id: tea}]\n"
)
SEND = (
    b'now: "2026-03-02T10:00:00+01:00"\n'
    b"send:\n"
    b"  channel: email\n"
    b"  uses: []\n"
    b"  offers: {personalised: [{id: tent, chosen_by: [basket]}, {id: mat, chosen_by: [basket]}],\n"
    b"           general: [{id: tea}]}\n"
    b"recipient: {age: 40, addresses: {email: a@example.com}}\n"
)
FILES = {"policies/mixed.yaml": MIXED, "people.csv": "id,address.email,age\nann,ann@example.com,40\n"}


def test_check_says_which_campaign_does_not_name_its_offers(policykit, workspace):
    hidden = SPRING.replace("{{ offers[0].text }}", "Hello")
    by_push = hidden.replace("spring", "pushed").replace("email:", "push:")
    root = workspace({**FILES, "campaigns/spring.yaml": hidden, "campaigns/pushed.yaml": by_push})

    found = json.loads(policykit("check", "--json", "--workspace", str(root)).out)["problems"]

    assert [(each["message"], each["help"]) for each in found if "offers" in each["message"]] == [(
        "`spring` does not say which offers it shows, and `mixed` looks at them",
        "write `offers:`; `offers: {}` where it shows none",
    )]  # fmt: skip


def test_check_says_which_campaign_has_too_few_offers_for_everybody(policykit, workspace):
    def blended(shown: str) -> list[str]:
        root = workspace({**FILES, "campaigns/spring.yaml": SPRING + shown})
        found = json.loads(policykit("check", "--json", "--workspace", str(root)).out)["problems"]
        return [each["message"] for each in found if "blended" in each["message"]]

    assert blended(SHOWN) == []
    assert blended(SHOWN.replace("[{id: tea}]", "[]")) == [
        "`spring` cannot be blended as `mixed` asks: 1 of 2 offers may be personalised, and 0 are general"
    ]


def test_a_dry_run_tells_blended_sends_apart(policykit, workspace):
    root = workspace({**FILES, "campaigns/spring.yaml": SPRING + SHOWN})

    ran = policykit("dry-run", "spring", "--workspace", str(root), "--known-at", "2026-03-02T09:00:00Z")

    assert "1  blended: general offers in the place of personalised ones" in ran.out
    assert "does not say which offers" not in ran.out


def test_a_dry_run_without_offers_says_so_first(policykit, workspace):
    root = workspace({**FILES, "campaigns/spring.yaml": SPRING.replace("{{ offers[0].text }}", "Hello")})

    ran = policykit("dry-run", "spring", "--json", "--workspace", str(root), "--known-at", "2026-03-02T09:00:00Z")

    found = json.loads(ran.out)
    assert found["impossible"] == {"unknown_offers": 1}
    assert "campaign.unknown-offers" in [each["code"] for each in found["warnings"]]


def test_explain_tells_how_many_stay_and_which(policykit, workspace):
    ran = policykit("explain", "--send", "-", "--workspace", str(workspace(FILES)), stdin=SEND)

    assert ran.out.startswith(
        "This person gets this message by email, blended, with 1 personalised offer left (`tent`, `tea`).\n"
        "Why: Half of them are for everybody (`mixed`).\n"
        "What we know: 2 of the 2 offers it shows were picked by what is known about people.\n"
        "It would go as planned if it showed at most 1 of those.\n"
    )


def test_a_mistake_in_the_offers_of_a_send_is_said(policykit, workspace):
    wrong = SEND.replace(b"[{id: tea}]", b"[{id: tent}, {name: tea}]").replace(
        b"{personalised", b"{show: two, personalised"
    )

    ran = policykit("explain", "--send", "-", "--workspace", str(workspace(FILES)), stdin=wrong)

    assert ran.code == 2
    said = [line.removeprefix("standard input:1:1: ") for line in ran.err.splitlines() if "help:" not in line]
    assert said == [
        "`given.send.offers.show` is `two`, expected a whole number",
        "an offer in `general` has no id",
        "unknown key `name` in `given.send.offers.general`",
    ]


def test_the_kind_is_documented(policykit):
    ran = policykit("kinds", "offers")

    assert "require: {personalised: {at_most: 50%}}" in ran.out


def test_a_dry_run_says_nothing_of_the_doubts_about_other_campaigns(policykit, workspace):
    plain = SPRING.replace("{{ offers[0].text }}", "Hello")
    root = workspace({
        **FILES,
        "campaigns/spring.yaml": plain + SHOWN,
        "campaigns/autumn.yaml": plain.replace("campaign: spring", "campaign: autumn") + "offers: {}\n",
    })  # fmt: skip

    warned = {
        campaign: "say where its offers stand" in " ".join(policykit("dry-run", campaign, "-w", str(root)).out.split())
        for campaign in ("spring", "autumn")
    }

    assert warned == {"spring": True, "autumn": False}
