"""Case files: merged key by key, and every mistake at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from policykit.language.spans import parse_instant
from tests.language.loading import complaints, load, marked

POLICIES = """\
policies:
- {id: no-bought-data, kind: rule, forbid: 'true', on_breach: block}
attributes:
- {id: basket, origin: observed}
facts:
- {path: recipient.tier, type: string}
"""


def cases(root: Path, text: str):
    return load(root, {"policies/p.yaml": POLICIES, "policies/p.cases.yaml": text}).cases[0].cases


def test_a_case_overrides_what_is_given_key_by_key(tmp_path: Path):
    text = """\
        now: "2026-03-02T10:00:00+01:00"
        given:
          send: {channel: push, purpose: marketing}
          recipient: {country: NO, addresses: {push: t1, email: a@example.com}}
          consents: [{status: given}]
        cases:
          - {case: as given, policy: no-bought-data, expect: {met: true}}
          - case: changed
            now: "2026-03-03T10:00:00Z"
            given:
              send: {channel: email, uses: [basket, {attribute: basket, recited: true}]}
              recipient: {tier: gold, zone: null, addresses: {email: null}}
              consents: []
              history: null
            expect: {verdict: block, by: [no-bought-data]}
        """

    first, second = cases(tmp_path, text)

    assert (first.name, first.policy, first.now) == ("as given", "no-bought-data", parse_instant("2026-03-02T09:00Z"))
    assert first.given == {
        "send": {"channel": "push", "purpose": "marketing"},
        "recipient": {"country": "NO", "addresses": {"push": "t1", "email": "a@example.com"}},
        "consents": [{"status": "given"}],
    }
    assert (second.policy, second.now, second.expect) == (
        None, parse_instant("2026-03-03T10:00Z"), {"verdict": "block", "by": ["no-bought-data"]},
    )  # fmt: skip
    assert second.given == {
        "send": {
            "channel": "email",
            "purpose": "marketing",
            "uses": ["basket", {"attribute": "basket", "recited": True}],
        },
        "recipient": {"country": "NO", "tier": "gold", "zone": None, "addresses": {"push": "t1", "email": None}},
        "consents": [],
        "history": None,
    }
    assert str(second.place_of("expect", "by")) == "policies/p.cases.yaml:15:34"
    assert "example.com" not in repr(first)


def one(given: str = "{}", expect: str = "{met: true}", more: str = "") -> str:
    return f"cases:\n- case: c\n  given: {given}\n  expect: {expect}\n{more}"


# a file (¦ = where it is said), message, way out
MISTAKES = [
    (
        "now: ¦2026-03-02T10:00\n" + one(),
        "`now` is the text `2026-03-02T10:00`; expected an instant with an offset such as `2026-03-02T10:00:00+01:00`",
        "an instant without an offset is never guessed",
    ),
    ("¦nows: 1\n" + one(), "unknown key `nows`; did you mean `now`?", "keys of a case file: `now`, `given`, `cases`"),
    ("¦now: 2026-03-02T10:00Z", "this case file has no `cases`", "add `cases:`"),
    ("cases: ¦[]", "`cases` is empty", "fill it in, or leave it out"),
    ("cases:\n- ¦given: {}\n  expect: {met: true}", "this case has no `case`", "add `case:`"),
    ("cases:\n- ¦case: c", "this case has no `expect`", "add `expect:`"),
    ("cases: [¦x]", "`case` is the text `x`; expected a mapping", "keys: `case`, `policy`, `now`, `given`, `expect`"),
    (
        one("{¦sent: {}}"),
        "unknown key `sent`; did you mean `send`?",
        "keys of `given`: `send`, `recipient`, `consents`, `history`, `feedback`, `attributes`",
    ),
    (
        one("{send: {¦chanel: push}}"),
        "unknown key `chanel`; did you mean `channel`?",
        (
            "keys of a send: `channel`, `message_class`, `purpose`, `program`, `campaign`, `provider`, "
            "`controller`, `at`, "
            "`not_after`, `uses`, `generic`, `prepared`, `helps`, `need`, `offers` and 2 more"
        ),
    ),
    (
        one("{send: {channel: ¦pusch}}"),
        "unknown channel `pusch`; did you mean `push`?",
        "expected one of `voice`, `whatsapp`, `sms`, `mms`, `push`, `web_push`, `email`, `postal`, `in_app`",
    ),
    (
        one("{send: {purpose: ¦marketin}}"),
        "unknown purpose `marketin`; did you mean `marketing`?",
        "register it under `purposes:`",
    ),
    (
        one("{send: {at: ¦'2026-03-02T10:00:00'}}"),
        "`at` is the text `2026-03-02T10:00:00`, which has no offset",
        "write an instant such as `2026-03-02T10:00:00+01:00`",
    ),
    *(
        (
            one(given),
            f"`{key}` is the number `2026`, which is no instant",
            'write it as `"2026-03-02T10:00:00Z"`',
        )
        for key, given in (
            ("at", "{send: {at: ¦2026}}"),
            ("not_after", "{send: {not_after: ¦2026}}"),
            ("at", "{consents: [{at: ¦2026}]}"),
            ("expires_at", "{consents: [{expires_at: ¦2026}]}"),
            ("at", "{history: [{at: ¦2026}]}"),
            ("collected_at", "{attributes: {basket: {collected_at: ¦2026}}}"),
        )
    ),
    (
        one("{send: {uses: [¦baskt]}}"),
        "unknown attribute `baskt`; did you mean `basket`?",
        "register it under `attributes:`",
    ),
    (
        one("{send: {uses: [{attribute: basket, ¦recites: true}]}}"),
        "unknown key `recites`; did you mean `recited`?",
        "keys of a use: `attribute`, `recited`, `selected`, `strippable`, `required`",
    ),
    (
        one("{send: {generic: {uses: [¦baskt]}}}"),
        "unknown attribute `baskt`; did you mean `basket`?",
        "register it under `attributes:`",
    ),
    (
        one("{recipient: {addresses: {¦pusch: t1}}}"),
        "unknown channel `pusch`; did you mean `push`?",
        "expected one of `voice`, `whatsapp`, `sms`, `mms`, `push`, `web_push`, `email`, `postal`, `in_app`",
    ),
    (
        one("{consents: [{¦stauts: given}]}"),
        "unknown key `stauts`; did you mean `status`?",
        (
            "keys of `consents[1]`: `id`, `status`, `channel`, `purpose`, `program`, `quality`, "
            "`basis`, `at`, `expires_at`, "
            "`defects`, `evidence`, `controller`, `attribute`"
        ),
    ),
    (
        one("{consents: [{at: ¦2026-03-02T10:00:00}]}"),
        "`at` is the text `2026-03-02T10:00:00`, which has no offset",
        "write an instant such as `2026-03-02T10:00:00+01:00`",
    ),
    (
        one("{attributes: {¦baskt: x}}"),
        "unknown attribute `baskt`; did you mean `basket`?",
        "register it under `attributes:`",
    ),
    (
        one("{attributes: {basket: {¦vlaue: x}}}"),
        "unknown key `vlaue`; did you mean `value`?",
        "keys of an attribute: `value`, `origin`, `collected_for`, `collected_at`, `permission`",
    ),
    (
        one(expect="{¦breach: true}"),
        "unknown key `breach`; did you mean `breached`?",
        (
            "keys of `expect`: `met`, `breached`, `unknown`, `applies`, `verdict`, `changes`, `by`, `undetermined`, "
            "`waived`"
        ),
    ),
    (
        one(expect="{verdict: ¦blocked}"),
        "unknown verdict `blocked`; did you mean `block`?",
        "expected one of `allow`, `downgrade`, `block`",
    ),
    (
        one(expect="{by: [¦no-bought-dta]}"),
        "unknown policy `no-bought-dta`; did you mean `no-bought-data`?",
        "policies: `no-bought-data`",
    ),
    (
        one(more="  policy: ¦no-bough-data"),
        "unknown policy `no-bough-data`; did you mean `no-bought-data`?",
        "policies: `no-bought-data`",
    ),
    (
        one() + "- ¦case: c\n  expect: {met: true}".replace("¦case: c", "case: ¦c"),
        "duplicate case `c`; the first is at line 2",
        "rename one of the two",
    ),
]


@pytest.mark.parametrize(("text", "message", "way_out"), MISTAKES, ids=[row[0][-40:] for row in MISTAKES])
def test_a_mistake_in_a_case_is_said_at_its_place(tmp_path: Path, text, message, way_out):
    said = complaints(tmp_path, {"policies/p.yaml": POLICIES, "policies/p.cases.yaml": text.replace("¦", "")})

    assert said == [marked(text, message, way_out, "policies/p.cases.yaml")]


def test_an_unknown_fact_of_the_recipient_is_found(tmp_path: Path):
    said = complaints(
        tmp_path, {"policies/p.yaml": POLICIES, "policies/p.cases.yaml": one("{recipient: {timezone: x}}")}
    )

    assert [line.split("\n")[0] for line in said] == [
        "policies/p.cases.yaml:3:23: unknown key `timezone`; did you mean `zone`?"
    ]


def test_what_cannot_be_read_may_be_given_on_purpose(tmp_path: Path):
    (case,) = cases(tmp_path, one("{consents: [{at: garbled, status: perhaps}], recipient: {zone: Mars/Base}}"))

    assert case.given["consents"] == [{"at": "garbled", "status": "perhaps"}]


def test_a_word_that_is_nearly_one_that_can_be_read_is_warned_of(tmp_path: Path):
    rows = "consents: [{status: gvien, channel: '*', quality: nobody-knows}], history: [{channel: emial}]"
    text = f"cases: [{{case: c, policy: no-bought-data, given: {{{rows}}}, expect: {{met: true}}}}]\n"

    workspace = load(tmp_path, {"policies/p.yaml": POLICIES, "policies/p.cases.yaml": text})

    assert [case.name for case in workspace.cases[0].cases] == ["c"]
    assert [warning.message for warning in workspace.warnings] == [
        "`gvien` is no status that is known; did you mean `given`?",
        "`emial` is no channel that is known; did you mean `email`?",
    ]
