"""`providers:` of policykit.yaml: read whole, told where it is wrong, and never quoted."""

from __future__ import annotations

from policykit.errors import Problem
from policykit.language.providers import Provider, read_providers
from policykit.language.yaml import parse_yaml


def _read(text: str) -> tuple[dict[str, Provider], list[Problem]]:
    node, problems = parse_yaml(text, "policykit.yaml")
    return read_providers(node, problems), problems


def _said(text: str) -> list[str]:
    return [f"{problem.place.line}:{problem.place.column} {problem.message}" if problem.place else problem.message
            for problem in _read(text)[1]]  # fmt: skip


def test_everything_that_can_be_said_is_read():
    found, problems = _read("""
sendgrid:
  credentials: {api_key: SENDGRID_API_KEY}
  campaign_from: [custom_args.campaign, categories]
  on_block: raise
  transactional: {asm.group_id: [12, 13], categories: receipt}
  base_url: https://gateway.example.com
  from: Acme <news@acme.example>
fcm:
""")

    assert problems == []
    assert found == {
        "sendgrid": Provider(
            credentials={"api_key": "SENDGRID_API_KEY"},
            campaign_from=("custom_args.campaign", "categories"),
            on_block="raise",
            transactional={"asm.group_id": ("12", "13"), "categories": ("receipt",)},
            options={"base_url": "https://gateway.example.com", "from": "Acme <news@acme.example>"},
        ),
        "fcm": Provider(),
    }


def test_one_slot_needs_no_list():
    assert _read("sendgrid: {campaign_from: categories}")[0]["sendgrid"].campaign_from == ("categories",)


def test_every_mistake_is_told_where_it_stands():
    text = """
sendgrid:
  on_block: rais
  campain_from: categories
  campaign_from: {categories: 1}
  transactional: [receipt]
  base_url: gateway.example.com
twilio:
  transactional: {MessageIntent: [otp, [x]]}
  credentials: {auth_token: "s3cret token"}
Send Grid: {}
"""

    assert sorted(_said(text)) == [
        "10:29 `providers.twilio.credentials.auth_token` is not the name of an environment variable",
        "11:1 `providers.Send Grid` is no name of a provider",
        "3:13 `providers.sendgrid.on_block` is neither `answer` nor `raise`; did you mean `raise`?",
        "4:3 unknown key `providers.sendgrid.campain_from`; did you mean `campaign_from`?",
        "5:18 `providers.sendgrid.campaign_from` is not a text or a list of texts",
        "6:18 `providers.sendgrid.transactional` is not a mapping",
        "7:13 `providers.sendgrid.base_url` is no address of a server",
        "9:40 `providers.twilio.transactional.MessageIntent` is not a text or a list of texts",
    ]


def test_a_secret_anywhere_is_refused_and_shown_nowhere():
    text = """
sendgrid: {api_key: s3cret, base_url: "https://user:s3cret@gateway.example.com"}
twilio: {auth_token: s3cret, credentials: {auth_token: s3cret-value}}
"""

    problems = _read(text)[1]

    assert [problem.message.split("`")[1] for problem in problems] == [
        "providers.sendgrid.api_key", "providers.sendgrid.base_url", "providers.twilio.auth_token",
        "providers.twilio.credentials.auth_token",
    ]  # fmt: skip
    assert "s3cret" not in "".join(map(str, problems))


def test_what_a_provider_reads_itself_may_have_any_name():
    found, problems = _read("twilio: {account_sid: AC1, messaging_service: MG1, whatsapp_from: '+1', limits: {a: [1]}}")

    assert problems == []
    assert found["twilio"].options["limits"] == {"a": [1]}
