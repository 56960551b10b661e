"""Policies: what they become, and every mistake said at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from policykit.errors import Place
from policykit.language.policy import OnBreach, Quoted
from policykit.language.spans import parse_instant
from tests.language.loading import load, marked, policy_complaints


def read(root: Path, text: str):
    """The one policy of a file."""
    return load(root, {"policies/p.yaml": f"policies:\n- {text}\n"}).policies[0]


def test_a_policy_is_read_whole(tmp_path: Path):
    text = """\
        policies:
          - id: push-by-invitation
            kind: consent
            for: {channel: [push, web_push], recipient.country: NO, message_class: any}
            when: "recipient.age >= 18"
            require: {quality: {at_least: single_opt_in}, max_age: 24 months}
            on_breach: {downgrade: {channel: less_intrusive}}
            because: They said no.
            source: {url: "https://example.org", verified_on: 2026-03-02}
            owner: privacy
            mode: audit
            starts: 2026-03-29
            ends: 2026-03-29
            zone: Europe/Paris
            locked: true
        """

    policy = load(tmp_path, {"policies/p.yaml": text}).policies[0]

    assert (policy.id, policy.kind, policy.demand, policy.mode, policy.locked) == (
        "push-by-invitation", "consent", "require", "audit", True,
    )  # fmt: skip
    assert policy.applies_to == {
        "send.channel": ("push", "web_push"), "recipient.country": ("NO",), "send.message_class": ("any",),
    }  # fmt: skip
    assert policy.body == {"quality": {"at_least": "single_opt_in"}, "max_age": "24 months"}
    assert policy.effect == OnBreach("channel", None)
    assert (policy.when.text, policy.when.place) == ("recipient.age >= 18", Place("policies/p.yaml", 5, 12))
    assert (policy.starts, policy.ends) == (
        parse_instant("2026-03-28T23:00Z"), parse_instant("2026-03-29T22:00Z"),
    )  # fmt: skip
    assert policy.source == {"url": "https://example.org", "verified_on": "2026-03-02"}
    assert policy.place_of("require", "max_age") == Place("policies/p.yaml", 6, 60)
    assert policy.key_place_of("require", "max_age") == Place("policies/p.yaml", 6, 51)


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("block", OnBreach("block")),
        ("{downgrade: {channel: less_intrusive}}", OnBreach("channel")),
        ("{downgrade: {channel: [email, in_app]}}", OnBreach("channel", frozenset({"email", "in_app"}))),
        ("{downgrade: {channel: email}}", OnBreach("channel", frozenset({"email"}))),
        ("{downgrade: {content: generic}}", OnBreach("content")),
    ],
)
def test_effects(tmp_path: Path, text, effect):
    assert read(tmp_path, f"{{id: a, kind: rule, forbid: 'true', on_breach: {text}}}").effect == effect


def test_an_expression_keeps_its_text_and_its_places(tmp_path: Path):
    text = """\
        policies:
          - id: a
            kind: rule
            forbid: |
              send.rank > 3 &&
              recipient.customer
            on_breach: block
        """

    body = load(tmp_path, {"policies/p.yaml": text}).policies[0].body

    assert isinstance(body, Quoted)
    assert body.text == "send.rank > 3 &&\nrecipient.customer\n"
    assert (body.place, body.at(body.text.index("recipient"))) == (
        Place("policies/p.yaml", 5, 7), Place("policies/p.yaml", 6, 7),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "values"),
    [
        ("recipient.region: 75", {"recipient.region": ("75",)}),
        ("recipient.region: 010", {"recipient.region": ("010",)}),
        ("recipient.country: NO", {"recipient.country": ("NO",)}),
        ("recipient.customer: true", {"recipient.customer": (True,)}),
        ("recipient.age: [17, 18]", {"recipient.age": (17, 18)}),
        ("purpose: marketing", {"send.purpose": ("marketing",)}),
        ("send.channel: sms", {"send.channel": ("sms",)}),
        ("consent.refused_for: channel", {"consent.refused_for": ("channel",)}),
        ("recipient.zone: Europe/Paris", {"recipient.zone": ("Europe/Paris",)}),
    ],
)
def test_values_are_typed_by_the_vocabulary(tmp_path: Path, scope, values):
    assert (
        read(tmp_path, f"{{id: a, kind: rule, for: {{{scope}}}, forbid: 'true', on_breach: block}}").applies_to
        == values
    )


# what stands after `for:` (¦ = where it is said), message, way out
SCOPES = [
    (
        "{¦chanel: push}",
        "unknown fact `chanel`; did you mean `channel`?",
        "`policykit facts send` lists the facts a policy may use",
    ),
    (
        "{¦recipient.timezone: x}",
        "unknown fact `recipient.timezone`; did you mean `recipient.zone`?",
        "`policykit facts recipient` lists the facts a policy may use",
    ),
    (
        "{¦country: FR}",
        "unknown fact `country`; did you mean `recipient.country`?",
        "`policykit facts send` lists the facts a policy may use",
    ),
    (
        "{channel: ¦puhs}",
        "unknown channel `puhs`; did you mean `push`?",
        ("expected one of `voice`, `whatsapp`, `sms`, `mms`, `push`, `web_push`, `email`, `postal`, `in_app`"),
    ),
    (
        "{channel: [push, ¦emial]}",
        "unknown channel `emial`; did you mean `email`?",
        ("expected one of `voice`, `whatsapp`, `sms`, `mms`, `push`, `web_push`, `email`, `postal`, `in_app`"),
    ),
    (
        "{message_class: ¦marketting}",
        "unknown message class `marketting`; did you mean `marketing`?",
        "expected one of `marketing`, `service`, `transactional`, `any`",
    ),
    (
        "{message_class: ¦[any, service]}",
        "`any` stands alone",
        "write `message_class: any`",
    ),
    (
        "{purpose: ¦marketing.comunications}",
        "unknown purpose `marketing.comunications`; did you mean `marketing.communications`?",
        "`purposes:` in a policy file adds purposes of your own",
    ),
    (
        "{program: ¦new-home}",
        "unknown program `new-home`",
        "register it under `programs:`",
    ),
    (
        "{recipient.country: ¦fr}",
        (
            "`recipient.country` is the text `fr`; expected a country of two capital letters, e.g. `FR`; "
            "did you mean `FR`?"
        ),
        "`policykit facts recipient.country` says what it holds",
    ),
    (
        "{recipient.country: [FR, ¦UK]}",
        (
            "`recipient.country` is the text `UK`; expected a country of two capital letters, e.g. `FR`; "
            "did you mean `GB`?"
        ),
        "`policykit facts recipient.country` says what it holds",
    ),
    (
        "{recipient.region: ¦US-FL}",
        (
            "`recipient.region` is the text `US-FL`; expected the code of a region without its country, e.g. `FL`; "
            "did you mean `FL`?"
        ),
        "`policykit facts recipient.region` says what it holds",
    ),
    (
        "{recipient.zone: ¦Europe/Pari}",
        "unknown zone `Europe/Pari`; did you mean `Europe/Paris`?",
        "names are those of the IANA time zone database, e.g. `Europe/Paris`",
    ),
    (
        "{recipient.customer: ¦yes}",
        "`recipient.customer` is the text `yes`; expected `true` or `false`",
        "`policykit facts recipient.customer` says what it holds",
    ),
    (
        "{recipient.age: ¦eighteen}",
        "`recipient.age` is the text `eighteen`; expected a whole number",
        "`policykit facts recipient.age` says what it holds",
    ),
    (
        "{¦recipient.last_purchase_at: x}",
        "`recipient.last_purchase_at` is a timestamp, which never equals a value",
        "compare it in `when`, e.g. `when: recipient.last_purchase_at < send.at`",
    ),
    (
        "{channel: ¦[]}",
        "`channel` is an empty list, which matches nothing",
        "name a value, or drop it",
    ),
    (
        "{channel: ¦{not: push}}",
        "`channel` is a mapping; expected a value or a list of values",
        "comparisons belong into `when`",
    ),
    (
        "{channel: ¦}",
        "`channel` is nothing; expected a value or a list of values",
        "comparisons belong into `when`",
    ),
    (
        "{channel: push, ¦send.channel: sms}",
        "`send.channel` is the same fact as `channel` above",
        "keep one of the two",
    ),
    (
        "{¦uses.origin: inferred}",
        "`uses.origin` is about attributes, not about the send",
        "say it in `require` or `forbid`",
    ),
    (
        "¦[push]",
        "`for` is a list; expected a mapping",
        "write `{key: value}`, or one indented line per key",
    ),
]


@pytest.mark.parametrize(("scope", "message", "way_out"), SCOPES, ids=[row[0] for row in SCOPES])
def test_a_condition_that_cannot_match_is_refused(tmp_path: Path, scope, message, way_out):
    text = f"policies:\n- {{id: a, kind: rule, for: {scope}, forbid: 'true', on_breach: block}}\n"

    assert policy_complaints(tmp_path, text.replace("¦", "")) == marked(text, message, way_out)


# policy (¦ = where it is said), message, way out
POLICIES = [
    (
        "{id: a, kind: ¦rul, forbid: 'true', on_breach: block}",
        "unknown kind `rul`; did you mean `rule`?",
        "`policykit kinds` lists the kinds",
    ),
    (
        "¦{kind: rule, forbid: 'true', on_breach: block}",
        "this policy has no `id`",
        "add `id:`",
    ),
    (
        "{id: ¦A b, kind: rule, forbid: 'true', on_breach: block}",
        "`id` is the text `A b`; expected an id of lower-case letters, digits, `-` and `_`",
        "e.g. `quiet-hours-fr`",
    ),
    (
        "{id: ¦7, kind: rule, forbid: 'true', on_breach: block}",
        "`id` is the number `7`; expected an id of lower-case letters, digits, `-` and `_`",
        'quote it: `"7"`',
    ),
    (
        "¦{id: a, kind: rule, forbid: 'true'}",
        "this policy has no `on_breach`",
        "add `on_breach:`",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', ¦onbreach: block}",
        "unknown key `onbreach`; did you mean `on_breach`?",
        (
            "keys of a policy: `id`, `kind`, `for`, `when`, `require`, `forbid`, `on_breach`, `because`, "
            "`source`, `owner`, `mode`, `starts`, `ends`, `zone`, `locked` and 2 more"
        ),
    ),
    (
        "{id: a, kind: rule, forbid: 'true', ¦require: 'true', on_breach: block}",
        "a policy needs exactly one of `require` and `forbid`; found both",
        "split it into two policies",
    ),
    (
        "¦{id: a, kind: rule, on_breach: block}",
        "a policy needs exactly one of `require` and `forbid`; found neither",
        "say what it requires or forbids",
    ),
    (
        "{id: a, kind: purpose, ¦forbid: {}, on_breach: block}",
        "policies of kind `purpose` cannot `forbid`",
        "use `require`; see `policykit kinds purpose`",
    ),
    (
        "{id: a, kind: rule, forbid: ¦{a}, on_breach: block}",
        "`forbid` is a mapping to YAML; expected an expression",
        "quote this expression, or use `forbid: |`",
    ),
    (
        "{id: a, kind: rule, forbid: ¦, on_breach: block}",
        "`forbid` is nothing to YAML; expected an expression",
        "quote this expression, or use `forbid: |`",
    ),
    (
        "{id: a, kind: rule, when: ¦[a], forbid: 'true', on_breach: block}",
        "`when` is a list to YAML; expected an expression",
        "quote this expression, or use `when: |`",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: ¦blok}",
        "`on_breach` is the text `blok`; did you mean `block`?",
        "write `block`, or `downgrade: {PART: VALUE}` with one of `channel`, `uses`, `content`, `send_at`, `offers`",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: ¦{downgrade: generic}}",
        "`on_breach` is a mapping; expected `block` or `downgrade: {PART: VALUE}`",
        "write `block`, or `downgrade: {PART: VALUE}` with one of `channel`, `uses`, `content`, `send_at`, `offers`",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: {downgrade: {¦chanel: email}}}",
        "unknown change `chanel`; did you mean `channel`?",
        "expected one of `channel`, `uses`, `content`, `send_at`, `offers`",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: {downgrade: {channel: ¦emial}}}",
        "`channel` is the text `emial`; did you mean `email`?",
        "expected `less_intrusive` or a list of channels",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: {downgrade: {channel: [email, ¦postl]}}}",
        "`channel` is the text `postl`; did you mean `postal`?",
        "expected `less_intrusive` or a list of channels",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: {downgrade: {content: ¦genric}}}",
        "`content` is the text `genric`; did you mean `generic`?",
        "expected `generic`",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: {downgrade: {¦uses: strip}}}",
        "policies of kind `rule` cannot ask for `uses`",
        "they may ask for `block`, `channel`, `content`",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: {downgrade: ¦{channel: email, content: generic}}}",
        "a policy asks for one change; found 2",
        "split it into one policy per change",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: {downgrade: {¦offers: blend}}}",
        "policies of kind `rule` cannot ask for `offers`",
        "they may ask for `block`, `channel`, `content`",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: block, mode: ¦enforced}",
        "unknown mode `enforced`; did you mean `enforce`?",
        "expected one of `off`, `audit`, `enforce`",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: block, locked: ¦yes}",
        "`locked` is the text `yes`; expected `true` or `false`",
        "`yes`, `no`, `on` and `off` are texts: write `true` or `false`",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: block, starts: ¦'2026-03-02T10:00:00'}",
        "`starts` is the text `2026-03-02T10:00:00`; expected a date or an instant with an offset",
        "write `2026-03-02` or `2026-03-02T10:00:00+01:00`",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: block, starts: 2026-03-02, ends: ¦2026-03-01}",
        "`ends` is not after `starts`; it would never apply",
        "correct one of the two",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: block, zone: ¦Mars/Base}",
        "`zone` is the text `Mars/Base`; no such time zone",
        "names are those of the IANA time zone database, e.g. `Europe/Paris`",
    ),
    (
        "{id: a, kind: rule, forbid: 'true', on_breach: block, source: {¦link: x}}",
        "unknown key `link`",
        "keys of `source`: `url`, `verified_on`, `status`",
    ),
    (
        "{id: a, kind: consent, require: {¦qualty: {at_least: x}}, on_breach: block}",
        "unknown key `qualty`; did you mean `quality`?",
        "keys of `require`: `quality`, `max_age`, `names`",
    ),
    (
        "{id: a, kind: consent, require: {quality: {¦atleast: x}}, on_breach: block}",
        "unknown key `atleast`; did you mean `at_least`?",
        "keys of `require.quality`: `at_least`",
    ),
    (
        "{id: a, kind: consent, require: {max_age: ¦two years}, on_breach: block}",
        "`require.max_age` is the text `two years`; expected a length of time such as `7 days`",
        "write a number and a unit, e.g. `16 hours`, `7 days` or `24 months`",
    ),
    (
        "{id: a, kind: consent, require: {names: [channel, ¦campain, chanel]}, on_breach: block}",
        "unknown names `campain`",
        "expected one of `channel`, `purpose`, `program`",
    ),
    (
        "{id: a, kind: consent, require: ¦7, on_breach: block}",
        "`require` is the number `7`; expected a mapping",
        "keys: `quality`, `max_age`, `names`",
    ),
    (
        "{id: a, kind: tally, score: ¦5, require: {at_most: 3}, on_breach: block}",
        "`score` is the number `5`; expected a mapping",
        "write `{key: value}`, or one indented line per key",
    ),
    (
        "{id: a, kind: rule, ¦score: {}, forbid: 'true', on_breach: block}",
        "unknown key `score`; did you mean `source`?",
        (
            "keys of a policy: `id`, `kind`, `for`, `when`, `require`, `forbid`, `on_breach`, `because`, "
            "`source`, `owner`, `mode`, `starts`, `ends`, `zone`, `locked` and 2 more"
        ),
    ),
    (
        "{id: a, kind: purpose, for: {¦recipient.account_type: business}, require: {}, on_breach: block}",
        "a purpose policy cannot depend on `recipient.account_type`",
        "what data was collected for is the same for every account: drop this condition",
    ),
    (
        "{id: a, kind: rule, forbid: has(a, ¦b), on_breach: block}",
        "unknown key `b)`",
        "YAML cuts at commas inside `{}`: quote the expression that this is part of",
    ),
    (
        "¦just text",
        "a policy is the text `just text`; expected a mapping",
        "begin with `id:`",
    ),
]


@pytest.mark.parametrize(("policy", "message", "way_out"), POLICIES, ids=[row[1][:50] for row in POLICIES])
def test_a_mistake_in_a_policy_is_said_at_its_place(tmp_path: Path, policy, message, way_out):
    text = f"policies:\n- {policy}\n"

    said = policy_complaints(tmp_path, text.replace("¦", ""))

    assert said.split("\npolicies/p.yaml")[0] == marked(text, message, way_out)


def test_an_expression_cut_by_a_comment_is_refused(tmp_path: Path):
    text = "policies:\n- id: a\n  kind: rule\n  forbid: send.campaign == 'a #1'\n  on_breach: block\n"

    assert policy_complaints(tmp_path, text) == (
        "policies/p.yaml:4:11: ` #` begins a comment and cuts this expression short\n"
        "  help: quote this expression, or use `forbid: |`"
    )


def test_a_comment_after_a_whole_expression_is_a_comment(tmp_path: Path):
    text = "id: a\n  kind: rule\n  forbid: send.campaign == 'a'  # what's said\n  on_breach: block"

    assert read(tmp_path, text).body.text == "send.campaign == 'a'"
