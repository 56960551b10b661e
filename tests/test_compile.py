"""Policies become one RuleSet: what they mean together, and every mistake of all of them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest

from policykit.backends.reference import Facts, evaluate
from policykit.compile import compile_ruleset, try_compile
from policykit.errors import InvalidPolicies, Problem
from policykit.hookspecs import Kind
from policykit.ir.nodes import (
    And,
    Compare,
    ConsentMet,
    Const,
    ExistsUse,
    Expr,
    Fact,
    Hours,
    In,
    Member,
    Not,
    Opening,
    Requirement,
    Type,
    UseCollectedFor,
)  # fmt: skip
from policykit.ir.rules import Effect, RuleSet
from policykit.ir.walk import leaves_of
from policykit.kinds import BUILT_IN
from policykit.language.policy import Policy, PolicyReader
from policykit.language.registry import Registry, read_registry
from policykit.language.tree import ListNode, MapNode
from policykit.language.yaml import parse_yaml

KINDS = {kind.name: kind for kind in BUILT_IN}
CLASS = Fact("send.message_class", Type.STRING)
MARKETING = Compare("==", CLASS, Const("marketing", Type.STRING))
NOT_TRANSACTIONAL = Compare("!=", CLASS, Const("transactional", Type.STRING))
NO_CONSENT = Not(ConsentMet(Requirement()))
FACTS = """
attributes:
  - {id: basket, category: user.behavior.purchase_history, origin: observed, collected_for: [marketing.communications]}
programs:
  - {id: new-home, purpose: marketing.communications}
facts:
  - {path: recipient.score, type: double}
  - {path: recipient.vip, type: bool}
"""


def registry(text: str = FACTS) -> Registry:
    problems: list[Problem] = []
    node, _ = parse_yaml(text, "registry.yaml")
    assert isinstance(node, MapNode)
    found = read_registry([node], problems)
    assert problems == []
    return found


def read(text: str, known: Registry, problems: list[Problem]) -> list[Policy]:
    node, found = parse_yaml(text, "p.yaml")
    assert isinstance(node, ListNode)
    problems += found
    reader = PolicyReader(known, KINDS, problems)
    return [policy for item in node.items if (policy := reader.read(item))]


def compiled(text: str) -> RuleSet:
    problems: list[Problem] = []
    known = registry()
    policies = read(text, known, problems)
    assert problems == []
    return compile_ruleset(policies, known, KINDS)


def wrong(text: str) -> list[str]:
    """The problems of policies that the loader finds nothing wrong with."""
    problems: list[Problem] = []
    known = registry()
    policies = read(text, known, problems)
    assert problems == []
    with pytest.raises(InvalidPolicies) as caught:
        compile_ruleset(policies, known, KINDS)
    return [f"{problem.place}: {problem.message}" for problem in caught.value.problems]


def _text(value: str) -> Const:
    return Const(value, Type.STRING)


def _breached(text: str) -> Expr:
    return compiled(f"- {{id: p, kind: consent, require: {{}}, on_breach: block, {text}}}").rules[0].breached


def _when(*conditions: Expr, breach: Expr = NO_CONSENT) -> And:
    return And((*conditions, breach))


# --- where a policy applies ---


def test_without_a_class_a_policy_is_for_marketing() -> None:
    assert _breached("") == _when(MARKETING)


def test_any_class_is_no_condition() -> None:
    assert _breached("for: {message_class: any}") == NO_CONSENT


def test_a_purpose_covers_its_children() -> None:
    breached = _breached("for: {purpose: personalize.content}")

    below = ("personalize.content", "personalize.content.limited", "personalize.content.profiled",
             "personalize.content.profiling")  # fmt: skip
    assert breached == _when(In(Fact("send.purpose", Type.STRING), below), MARKETING)


@pytest.mark.parametrize(
    ("scope", "condition"),
    [
        ("{channel: push}", Compare("==", Fact("send.channel", Type.STRING), _text("push"))),
        ("{channel: [sms, push, sms]}", In(Fact("send.channel", Type.STRING), ("push", "sms"))),
        ("{recipient.country: [FR, DE]}", In(Fact("recipient.country", Type.STRING), ("DE", "FR"))),
        ("{recipient.customer: true}", Fact("recipient.customer", Type.BOOL)),
        ("{recipient.vip: [false]}", Not(Fact("recipient.vip", Type.BOOL))),
        ("{recipient.score: [1, 2.5]}", In(Fact("recipient.score", Type.DOUBLE), (1.0, 2.5))),
        ("{consent.refused_for: channel}", Member("consent.refused_for", "channel")),
        ("{attributes.basket: full}", Compare("==", Fact("attributes.basket", Type.STRING), _text("full"))),
    ],
)
def test_for_narrows(scope: str, condition: Expr) -> None:
    assert _breached(f"for: {scope}") == _when(condition, MARKETING)


@pytest.mark.parametrize(
    ("program", "purpose", "applies"),
    [
        ("new-home", "marketing.communications", True),
        ("other", "marketing.communications", False),
        (None, "marketing.communications", False),
        (None, None, None),
    ],
)
def test_a_send_with_a_purpose_and_no_program_is_of_no_program(
    program: str | None, purpose: str | None, applies: bool | None
) -> None:
    rule = compiled("- {id: p, kind: consent, for: {program: new-home}, require: {}, on_breach: block}").rules[0]
    sent = {"send.program": program, "send.purpose": purpose, "send.message_class": "marketing"}

    facts = Facts({Fact(path, Type.STRING): value for path, value in sent.items()})

    assert rule.applies is not None
    assert evaluate(rule.applies, facts) is applies


def test_when_narrows_further() -> None:
    found = _breached("for: {message_class: service}, when: 'recipient.age < 18'")

    service = Compare("==", CLASS, _text("service"))
    assert found == _when(service, Compare("<", Fact("recipient.age", Type.INT), Const(18, Type.INT)))


def test_dates_are_compared_with_the_instant_of_the_send() -> None:
    found = _breached("starts: '1970-01-02', ends: '1970-01-03'")

    at, day = Fact("send.at", Type.TIMESTAMP), 86_400_000_000
    starts, ends = Const(day, Type.TIMESTAMP), Const(3 * day, Type.TIMESTAMP)
    assert found == _when(MARKETING, Compare(">=", at, starts), Compare("<", at, ends))


@pytest.mark.parametrize("change", ["{channel: less_intrusive}", "{channel: [email]}"])
def test_a_change_of_channel_is_never_asked_of_transactional_sends(change: str) -> None:
    text = f"- {{id: p, kind: consent, require: {{}}, for: {{message_class: any}}, on_breach: {{downgrade: {change}}}}}"

    assert compiled(text).rules[0].breached == _when(NOT_TRANSACTIONAL)


# --- what a breach asks for ---


def test_a_strip_says_which_uses_breach_and_where() -> None:
    rule = compiled("""
- {id: p, kind: purpose, require: {collected_for: this_purpose}, on_breach: {downgrade: {uses: strip}}}""").rules[0]

    assert rule.effect == Effect("uses")
    assert rule.breached == _when(MARKETING, breach=ExistsUse(Not(UseCollectedFor(None))))
    assert rule.use_breached == _when(MARKETING, breach=Not(UseCollectedFor(None)))


def test_other_effects_carry_no_use_breach() -> None:
    rule = compiled("- {id: p, kind: data, forbid: {recited: true}, on_breach: {downgrade: {content: generic}}}").rules[
        0
    ]

    assert (rule.effect, rule.use_breached) == (Effect("content"), None)


def test_an_instant_is_looked_up_in_the_hours() -> None:
    body = '{local_time: [{days: mon, from: "08:00", to: "21:00"}]}'

    later = compiled(
        f"- {{id: p, kind: quiet_hours, require: {body}, on_breach: {{downgrade: {{send_at: next_allowed}}}}}}"
    )
    blocked = compiled(f"- {{id: p, kind: quiet_hours, require: {body}, on_breach: block}}")

    assert later.rules[0].hours == Hours((Opening(frozenset({0}), 480, 1260),))
    assert blocked.rules[0].hours is None


def test_channels_that_are_permitted() -> None:
    rule = compiled("- {id: p, kind: consent, require: {}, on_breach: {downgrade: {channel: [email, in_app]}}}").rules[
        0
    ]

    assert rule.effect == Effect("channel", frozenset({"email", "in_app"}))


# --- modes ---


def test_audit_is_kept_and_off_is_left_out_but_checked() -> None:
    text = """
- {id: a, kind: consent, require: {}, on_breach: block, mode: audit}
- {id: b, kind: consent, require: {}, on_breach: block, mode: "off"}"""

    assert [(rule.policy, rule.mode) for rule in compiled(text).rules] == [("a", "audit")]
    assert wrong("- {id: b, kind: rule, forbid: 'send.chanel == 1', on_breach: block, mode: 'off'}") != []


# --- style ---


def test_style_is_spelled_out_everywhere() -> None:
    rules = compiled("""
- {id: a, kind: style, forbid: {style: prove_you_know_me}, on_breach: block}
- {id: b, kind: rule, forbid: "send.style == 'help_me'", on_breach: block}
- {id: c, kind: consent, for: {style: generic}, require: {}, on_breach: block}""")

    assert {leaf.path for leaf in rules.leaves if isinstance(leaf, Fact)} == {
        "consent.status", "send.helps", "send.message_class", "send.need",
    }  # fmt: skip


# --- what is refused ---


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("kind: consent, require: {names: chanel}, on_breach: block",
         "p.yaml:1:43: unknown scope `chanel`; did you mean `channel`?"),
        ("kind: rule, forbid: 'send.chanel == 1', on_breach: block",
         "p.yaml:1:32: unknown fact `send.chanel`; did you mean `send.channel`?"),
        ("kind: consent, require: {}, when: 'recipient.age', on_breach: block",
         "p.yaml:1:46: expected a condition (true or false), found an int"),
        ("kind: style, forbid: {style: generic}, on_breach: {downgrade: {uses: strip}}",
         "p.yaml:1:61: `uses: strip` needs a policy about single uses; this one is about the whole send"),
        (("kind: purpose, require: {collected_for: this_purpose}, when: \"recipient.account_type == 'business'\", "
         "on_breach: block"),
         "p.yaml:1:73: a `purpose` policy may not look at `recipient.account_type`"),
    ],
)  # fmt: skip
def test_refused(policy: str, message: str) -> None:
    assert wrong(f"- {{id: p, {policy}}}") == [message]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("send.purpose == 'marketing.comunications'",
         "48: unknown purpose `marketing.comunications`; did you mean `marketing.communications`?"),
        ("send.program in ['new-hom']", "32: unknown program `new-hom`; did you mean `new-home`?"),
        ("recipient.zone != 'Europe/Pariss'", "50: unknown zone `Europe/Pariss`; did you mean `Europe/Paris`?"),
        ("'fr' == recipient.country", "32: `fr` is not a country"),
        ("recipient.country in ['UK']", "32: `UK` is not a country"),
        ("recipient.region == 'Florida'", "52: `Florida` is not a region"),
        ("uses.exists(u, u.attribute == 'baskett')", "62: unknown attribute `baskett`; did you mean `basket`?"),
        ("uses.all(u, 'functionall' in u.collected_for)",
         "44: unknown purpose `functionall`; did you mean `functional`?"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ['forbid: "{}"', 'forbid: "true", when: "{}"'])
def test_a_text_that_nothing_equals_is_refused(expression: str, message: str, place: str) -> None:
    found = wrong(f"- {{id: p, kind: rule, {place.format(expression)}, on_breach: block}}")

    column, said = message.split(": ", 1)
    shift = len(place.split("{")[0]) - len('forbid: "')
    assert found == [f"p.yaml:1:{int(column) + shift}: {said}"]


def test_an_instant_needs_hours() -> None:
    lower = next(kind.lower for kind in BUILT_IN if kind.name == "rule")
    kinds = {"rule": replace(KINDS["rule"], lower=lower, parts=frozenset({"block", "send_at"}))}
    node, _ = parse_yaml(
        "- {id: p, kind: rule, forbid: 'true', on_breach: {downgrade: {send_at: next_allowed}}}", "p.yaml"
    )
    problems: list[Problem] = []
    assert isinstance(node, ListNode)
    policy = PolicyReader(registry(), kinds, problems).read(node.items[0])
    assert policy is not None

    _, problems = try_compile([policy], registry(), kinds)

    assert [problem.message for problem in problems] == [
        "`send_at: next_allowed` needs hours in which it would be met; this policy names none"
    ]


def test_every_mistake_of_every_policy_is_told() -> None:
    found = wrong("""
- {id: a, kind: rule, forbid: 'send.chanel == 1', when: 'recipient.aeg < 3', on_breach: block}
- {id: b, kind: data, forbid: {origin: bought}, on_breach: block}
- {id: c, kind: consent, require: {}, on_breach: block}
- {id: d, kind: frequency, require: {at_most: 1, per: 1 month}, on_breach: block}""")

    assert [message.split(": ")[0] for message in found] == ["p.yaml:2:32", "p.yaml:2:58", "p.yaml:3:40", "p.yaml:5:55"]


@pytest.mark.parametrize(
    ("policy", "messages"),
    [
        (
            "kind: frequency, require: {at_most: 1, per: 1 month}, on_breach: {downgrade: {uses: strip}}",
            ["`1 month` has no fixed length here", "policies of kind `frequency` cannot ask for `uses`"],
        ),
        (
            "kind: rul, forbid: 'true', when: 'recipient.aeg < 3', on_breach: block",
            ["unknown kind `rul`; did you mean `rule`?", "unknown fact `recipient.aeg`; did you mean `recipient.age`?"],
        ),
        (
            "kind: rule, for: {chanel: push}, forbid: 'recipient.aeg < 3', on_breach: block",
            [
                "unknown fact `chanel`; did you mean `channel`?",
                "unknown fact `recipient.aeg`; did you mean `recipient.age`?",
            ],
        ),
        (
            "kind: data, forbid: {origin: bought, orign: 3}, becuase: x, when: 'a.b', on_breach: block",
            [
                "unknown key `orign`; did you mean `origin`?",
                "unknown key `becuase`; did you mean `because`?",
                "unknown fact `a.b`",
            ],
        ),
        (
            "kind: intrusiveness, require: {at_most: 3}, when: 'a.b', on_breach: block",
            ["this policy has no `score`", "unknown fact `a.b`"],
        ),
        (
            "kind: consent, for: {channel: pish}, require: {names: chanel}, starts: soon, mode: on, on_breach: blok",
            [
                "unknown channel `pish`; did you mean `push`?",
                "unknown scope `chanel`; did you mean `channel`?",
                "`starts` is the text `soon`; expected a date or an instant with an offset",
                "unknown mode `on`",
                "`on_breach` is the text `blok`; did you mean `block`?",
            ],
        ),
    ],
)
def test_one_mistake_does_not_hide_the_next(policy: str, messages: list[str]) -> None:
    problems: list[Problem] = []
    known = registry()
    policies = read(f"- {{id: p, {policy}}}", known, problems)

    ruleset, more = try_compile(policies, known, KINDS)

    found = [problem.message for problem in sorted([*problems, *more], key=lambda problem: problem.sort_key)]
    assert found == messages
    assert ruleset.rules == ()


def test_a_kind_that_is_gone_is_named() -> None:
    policies = read("- {id: a, kind: consent, require: {}, on_breach: block}", registry(), [])

    _, problems = try_compile(policies, registry(), {"content": KINDS["rule"]})

    assert [problem.message for problem in problems] == ["unknown kind `consent`; did you mean `content`?"]


def test_a_kind_that_breaks_is_told_at_its_policy() -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    policies = read("- {id: a, kind: rule, require: 'true', on_breach: block}", registry(), [])
    kinds = {"rule": Kind("rule", {"require": None}, frozenset(), broken, "")}

    _, problems = try_compile(policies, registry(), kinds)

    assert [str(problem) for problem in problems] == [
        (
            "p.yaml:1:17: kind `rule` failed on this policy: ZeroDivisionError: division by zero\n"
            "  help: report it to its author"
        )
    ]


# --- the whole ---

MANY = """
- {id: z, kind: consent, require: {quality: written}, on_breach: block, because: they must know}
- {id: m, kind: data, forbid: {origin: [purchased, inferred]}, on_breach: {downgrade: {uses: strip}}}
- {id: a, kind: frequency, require: {gap: 1 hour}, on_breach: block}
- {id: q, kind: intrusiveness, require: {at_most: 50}, score: {channel: rank}, on_breach: block}
- {id: s, kind: style, forbid: {style: prove_you_know_me}, on_breach: {downgrade: {content: generic}}}"""


def test_order_never_matters() -> None:
    known = registry()
    policies = read(MANY, known, [])
    backwards = dict(reversed(KINDS.items()))

    for seed in range(5):
        shuffled = random.Random(seed).sample(policies, len(policies))
        assert compile_ruleset(shuffled, known, backwards) == compile_ruleset(policies, known, KINDS)


def test_rules_are_in_order_of_policy_and_leaves_are_theirs() -> None:
    rules = compiled(MANY)

    assert [rule.policy for rule in rules.rules] == ["a", "m", "q", "s", "z"]
    assert set(rules.leaves) == _leaves(rule.breached for rule in rules.rules) | _leaves(
        rule.reason for rule in rules.rules
    )
    assert len(set(rules.leaves)) == len(rules.leaves)


def _leaves(exprs: Iterable[Expr]) -> set[object]:
    return {leaf for expr in exprs for leaf in leaves_of(expr)}


def test_leaves_that_only_reasons_read_come_last() -> None:
    rules = compiled(MANY)

    judged = _leaves(rule.breached for rule in rules.rules)
    flags = [leaf in judged for leaf in rules.leaves]
    assert flags == sorted(flags, reverse=True)
    assert flags.count(False) == 2  # consent.status, ConsentWasMet


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("written", "assumed"),
        ("gap: 1 hour", "gap: 2 hours"),
        ("at_most: 50", "at_most: 51"),
        ("block, because", "{downgrade: {content: generic}}, because"),
        ("know}", "understand}"),
        ("id: z", "id: y"),
        ("on_breach: block}", "on_breach: block, mode: audit}"),
    ],
)
def test_the_hash_is_of_everything_that_counts(old: str, new: str) -> None:
    assert compiled(MANY).hash != compiled(MANY.replace(old, new, 1)).hash


def test_the_hash_is_of_the_registry_too() -> None:
    known = registry()
    policies = read(MANY, known, [])
    base = compile_ruleset(policies, known, KINDS).hash

    others = [
        registry(FACTS.replace("observed", "inferred")), registry(FACTS + "channels: {sms: 99}\n"),
        registry(FACTS + "purposes: [finance.loans]\n"), replace(known, assume={"recipient.country": "FR"}),
        replace(known, controller="acme"),
    ]  # fmt: skip

    assert len({base, *(compile_ruleset(policies, other, KINDS).hash for other in others)}) == 6


def test_the_texts_a_fact_may_hold_come_along() -> None:
    known = registry(FACTS + "  - {path: recipient.tier, type: string, members: [none, gold]}\n")

    members = compile_ruleset([], known, KINDS).members

    assert members["recipient.tier"] == ("none", "gold")
    assert members["recipient.degree"][0] == "generic"


def test_the_hash_does_not_see_layout() -> None:
    assert compiled(MANY).hash == compiled(MANY.replace("\n", "\n\n# a comment\n").replace(", ", ",  ")).hash
