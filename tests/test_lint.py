"""Warnings about policies that are right but cannot mean what their author wanted."""

from __future__ import annotations

import pytest

from policykit.compile import compile_ruleset
from policykit.errors import Problem
from policykit.kinds import BUILT_IN
from policykit.language.policy import PolicyReader
from policykit.language.registry import read_registry
from policykit.language.tree import ListNode, MapNode
from policykit.language.yaml import parse_yaml
from policykit.lint import lint

KINDS = {kind.name: kind for kind in BUILT_IN}
REGISTRY = """
attributes:
  - {id: basket, category: user.behavior.purchase_history, origin: observed, collected_for: [marketing.communications]}
"""
SPELT = {"send.campaign": {"basket", "spring"}, "send.provider": {"sendgrid"}}


def linted(text: str, assume: str = "") -> list[str]:
    problems: list[Problem] = []
    registry_node, _ = parse_yaml(REGISTRY, "registry.yaml")
    node, _ = parse_yaml(text, "p.yaml")
    assumed = parse_yaml(assume, "policykit.yaml")[0] if assume else None
    assert isinstance(registry_node, MapNode)
    assert isinstance(node, ListNode)
    assert assumed is None or isinstance(assumed, MapNode)
    registry = read_registry([registry_node], problems)
    policies = [policy for item in node.items if (policy := PolicyReader(registry, KINDS, problems).read(item))]
    assert problems == []
    found = lint(policies, compile_ruleset(policies, registry, KINDS), registry.vocabulary, assumed, SPELT)
    assert {problem.severity for problem in found} <= {"warning"}
    return [f"{problem.place}: {problem.message}" for problem in found]


@pytest.mark.parametrize(
    ("policy", "warning"),
    [
        (
            ("kind: consent, for: {message_class: transactional}, require: {},"
            " on_breach: {downgrade: {channel: less_intrusive}}"),
            "1:8: `p` can never apply",
        ),
        ("kind: consent, for: {channel: sms}, when: \"send.channel == 'push'\", require: {}, on_breach: block",
         "1:8: `p` can never apply"),
        (("kind: consent, for: {message_class: [marketing, service]}, when: \"!(send.message_class in ['marketing', "
         "'service'])\", require: {}, on_breach: block"),
         "1:8: `p` can never apply"),
        ("kind: rule, forbid: '1 > 2', on_breach: block", "1:31: `p` can never be breached"),
        ("kind: frequency, require: {at_most: 0, per: 1 day}, on_breach: block",
         "1:37: `p` lets nothing pass: a cap of 0 is always reached"),
        ("kind: consent, for: {channel: [push]}, require: {}, on_breach: {downgrade: {channel: [push, email]}}",
         "1:74: `p` asks for channels on which it is already satisfied"),
        ("kind: data, forbid: {selected: true, origin: inferred}, on_breach: {downgrade: {uses: strip}}",
         "1:78: `p` asks to strip what picked the people, which cannot be taken back: it can only block"),
        ("kind: data, forbid: {category: user.behaviour}, on_breach: block",
         "1:31: no registered attribute has the category `user.behaviour`; did you mean `user.behavior`?"),
        ("kind: rule, for: {campaign: [basckt, spring, other]}, forbid: 'true', on_breach: block",
         "1:8: no manifest names the campaign `basckt`; did you mean `basket`?"),
        ("kind: rule, forbid: \"send.provider == 'sendgird'\", on_breach: block",
         "1:8: no manifest names the provider `sendgird`; did you mean `sendgrid`?"),
    ],
)  # fmt: skip
def test_doubtful(policy: str, warning: str) -> None:
    assert linted(f"- {{id: p, {policy}}}") == [f"p.yaml:{warning}"]


@pytest.mark.parametrize(
    "policy",
    [
        (
            "kind: consent, for: {message_class: [transactional, service]}, require: {},"
            " on_breach: {downgrade: {channel: less_intrusive}}"
        ),
        "kind: frequency, require: {at_most: 1, per: 1 day}, on_breach: block",
        "kind: consent, for: {channel: [push, sms]}, require: {}, on_breach: {downgrade: {channel: [push]}}",
        "kind: data, forbid: {category: user.behavior}, on_breach: block",
        "kind: data, forbid: {category: user.content.private}, on_breach: block",
        "kind: rule, forbid: 'recipient.age > 2', on_breach: block",
        "kind: rule, for: {campaign: autumn, provider: sendgrid}, forbid: 'true', on_breach: block",
    ],
)
def test_nothing_doubtful(policy: str) -> None:
    assert linted(f"- {{id: p, {policy}}}") == []


def test_an_assumption_nobody_reads_is_told() -> None:
    found = linted(
        "- {id: p, kind: rule, forbid: 'recipient.age < 18', on_breach: block}",
        "recipient.age: 40\nrecipient.country: FR\nrecipient.zone: Europe/Paris\n",
    )

    assert found == ["policykit.yaml:2:1: no policy reads `recipient.country`"]


# --- shadows ------------------------------------------------------------------------------------------

_CAP = "kind: frequency, require: {{at_most: {}, per: 7 days}}, on_breach: {}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kind: rule, forbid: recipient.age < 16, on_breach: block",
         "kind: rule, forbid: recipient.age < 18, on_breach: block"),
        ("kind: rule, for: {channel: sms}, forbid: recipient.age < 18, on_breach: block",
         "kind: rule, for: {channel: [sms, push]}, forbid: recipient.age < 18, on_breach: block"),
        (_CAP.format(5, "block"), _CAP.format(3, "block")),
        (_CAP.format(3, "{downgrade: {channel: less_intrusive}}"), _CAP.format(3, "block")),
        ("kind: rule, forbid: recipient.age < 18, on_breach: {downgrade: {channel: [email, in_app]}}",
         "kind: rule, forbid: recipient.age < 18, on_breach: {downgrade: {channel: [email]}}"),
        ("kind: rule, forbid: recipient.age < 18, on_breach: block, starts: \"2026-01-01\", zone: UTC",
         "kind: rule, forbid: recipient.age < 18, on_breach: block"),
    ],
)  # fmt: skip
def test_a_policy_is_shadowed_by_a_wider_or_stronger_one(one: str, other: str) -> None:
    text = f"- {{id: one, {one}}}\n- {{id: other, {other}}}"

    assert linted(text) == [
        "p.yaml:1:8: `one` never decides: `other` is breached whenever it is, and asks for as much"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_CAP.format(3, "block, mode: audit"), _CAP.format(5, "block")),
        (_CAP.format(5, "block"), _CAP.format(3, "block, mode: audit")),
        ("kind: rule, forbid: recipient.age < 16, on_breach: block",
         "kind: rule, forbid: recipient.age < 18, on_breach: block, starts: \"2026-01-01\", zone: UTC"),
        ("kind: rule, forbid: recipient.age < 18, on_breach: {downgrade: {channel: [email]}}",
         "kind: rule, forbid: recipient.age < 18, on_breach: {downgrade: {channel: [in_app]}}"),
        ("kind: rule, forbid: recipient.age < 16, on_breach: block",
         "kind: rule, forbid: recipient.tolerance < 18, on_breach: block"),
        ("kind: rule, forbid: recipient.age < 16, on_breach: block",
         "kind: rule, forbid: recipient.age > 16, on_breach: block"),
        ("kind: data, forbid: {recited: true, origin: inferred}, on_breach: {downgrade: {uses: strip}}",
         "kind: data, forbid: {recited: true, origin: observed}, on_breach: {downgrade: {uses: strip}}"),
    ],
)  # fmt: skip
def test_two_policies_that_differ_both_stand(one: str, other: str) -> None:
    assert linted(f"- {{id: one, {one}}}\n- {{id: other, {other}}}") == []
