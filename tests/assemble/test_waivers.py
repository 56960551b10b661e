"""Waivers in a whole workspace: what `check`, `test`, `dry-run` and `explain` say of them."""

from __future__ import annotations

import json

import pytest

from policykit.assemble.check import check
from policykit.language.spans import parse_instant

ADULTS = """\
policies:
  - {id: adults-only, kind: rule, forbid: recipient.age < 18, on_breach: block, because: Children are not for sale.%s}
waivers:
  - id: school
    policy: adults-only
    owner: the school shop
    because: The timetable goes to pupils.
    for: {campaign: spring}
    %s
    ends: 2026-11-29
"""
CASES = """\
now: "2026-03-02T10:00:00+01:00"
given: {send: {channel: email, campaign: spring}, recipient: {age: 12, addresses: {email: a@example.com}}}
cases:
  - {case: a child, policy: adults-only, expect: {breached: rule.breached, verdict: block, waived: school}}
  - {case: a grown-up, policy: adults-only, given: {recipient: {age: 40}}, expect: {met: true, waived: []}}
  - {case: who knows, policy: adults-only, given: {recipient: {age: null}}, expect: {unknown: [recipient.age]}}
  - {case: a child may be told, expect: {verdict: allow, waived: [school]}}
  - {case: not of this, given: {send: {campaign: other}}, expect: {verdict: block, waived: []}}
  - {case: of no campaign, given: {send: {campaign: null}}, expect: {verdict: block, waived: []}}
  - {case: the last moment, now: "2026-11-29T23:59:59.999999Z", expect: {verdict: allow}}
  - {case: too late, now: "2026-11-30T00:00:00Z", expect: {verdict: block}}
"""


@pytest.fixture
def pupils(workspace):
    """The small workspace with a waiver; words: what else the policy and the waiver say."""

    def _with(policy: str = "", waiver: str = "", cases: str = CASES):
        return workspace({"policies/adults.yaml": ADULTS % (policy, waiver), "policies/adults.cases.yaml": cases})

    return _with


def said(root, at: str) -> list[tuple[str, str]]:
    return [(problem.code, problem.message) for problem in check(root, None, parse_instant(at))]


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("2026-10-30T23:59:59Z", []),
        ("2026-10-31T00:00:00Z", [("waiver.ending", "ends `2026-11-29`, in 30 days")]),
        ("2026-11-29T23:59:59Z", [("waiver.ending", "ends `2026-11-29`, in 1 day")]),
        ("2026-11-30T00:00:00Z", [("waiver.ended", "ended (`2026-11-29`): the policy stands again")]),
    ],
)
def test_the_last_thirty_days_are_warned_of_and_the_end_is_told(pupils, at, found):
    head = "waiver `school`, which sets `adults-only` aside for the school shop, "

    assert said(pupils(), at) == [(code, f"{head}{message}") for code, message in found]


@pytest.mark.parametrize(
    ("policy", "waiver"),
    [
        (", for: {channel: sms}", "when: \"send.channel == 'email'\""),
        (", for: {recipient.country: [FR, DE]}", "when: recipient.country == 'IS'"),
        (", starts: 2027-01-01", ""),
        (", ends: 2026-01-31", "starts: 2026-02-01"),
        (", for: {message_class: service}", ""),
    ],
)
def test_a_waiver_for_no_send_of_its_policy_is_warned_of(pupils, policy, waiver):
    found = said(pupils(policy, waiver, "now: '2026-03-02T10:00:00Z'\ncases: [{case: a, expect: {waived: []}}]\n"),
                 "2026-03-02T10:00:00Z")  # fmt: skip

    (code, message), *more = found
    assert (code, more) == ("waiver.never-applies", [])
    assert message == "waiver `school` can never apply: `adults-only` speaks of no send that is in its scope"


@pytest.mark.parametrize("mode", ["off", "audit"])
def test_a_waiver_of_what_stops_nothing_is_warned_of(pupils, mode):
    cases = "now: '2026-03-02T10:00:00Z'\ncases: [{case: a, expect: {verdict: block}}]\n"

    assert said(pupils(f", mode: {mode}", cases=cases), "2026-03-02T10:00:00Z") == [
        ("waiver.nothing-to-waive",
         "waiver `school` sets nothing aside: `adults-only` stops nothing (its `mode` is not `enforce`)"),
    ]  # fmt: skip


def test_cases_are_about_the_policy_itself_and_say_what_was_waived(pupils, policykit):
    ran = policykit("test", "--workspace", str(pupils()))

    assert (ran.code, ran.out.splitlines()[-1]) == (0, "8 cases passed")
    assert "1 of 1 policies have cases for met, breached and unknown" in ran.out


def test_a_case_that_expects_no_waiver_where_one_is_used_fails(pupils, policykit):
    ran = policykit("test", "--workspace", str(pupils(cases=CASES.replace("waived: [school]", "waived: []"))))

    assert ran.code == 4
    assert "expected waived none, found school" in ran.out


def test_a_case_that_expects_a_waiver_nobody_wrote_is_a_mistake(pupils):
    root = pupils(cases=CASES.replace("waived: [school]", "waived: [scool]"))

    assert said(root, "2026-03-02T10:00:00Z") == [
        ("cases.unknown-waiver", "unknown waiver `scool`; did you mean `school`?")
    ]


def test_a_dry_run_counts_what_a_waiver_lets_through(pupils, policykit):
    root = str(pupils())

    told = policykit("dry-run", "spring", "--workspace", root).out
    counts = json.loads(policykit("dry-run", "spring", "--workspace", root, "--json").out)["policies"]

    part = " ".join(told.partition("Let through by waivers")[2].split())
    assert part.startswith(
        "1 33 % waiver:school sets aside `adults-only` (owner: the school shop) The timetable goes to pupils."
    )
    assert [(each["policy"], each["breached"], each["sent"], each["waiver"]) for each in counts] == [
        ("adults-only", 0, 0, False), ("waiver:school", 1, 1, True),
    ]  # fmt: skip


def test_a_story_says_what_set_a_policy_aside(pupils, policykit):
    root = str(pupils())

    child, adult = (policykit("explain", "spring", name, "--workspace", root).out for name in ("p2", "p1"))

    assert child.splitlines() == [
        "p2 gets `spring` by email, as planned.",
        "A policy was set aside by `waiver:school` (owner: the school shop): The timetable goes to pupils.",
    ]
    assert "set aside" not in adult
