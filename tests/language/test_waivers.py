"""Waivers as written: what they must say, whom they may set aside, and until when."""

from __future__ import annotations

from pathlib import Path

import pytest

from policykit.errors import InvalidPolicies
from policykit.language.load import load_workspace
from policykit.language.spans import parse_instant
from policykit.language.waivers import PAGE, Waiver
from tests.language.loading import KINDS, write

POLICIES = """\
policies:
  - {id: cap, kind: rule, forbid: 'true', on_breach: block}
  - {id: night, kind: rule, forbid: 'true', on_breach: block, zone: Europe/Paris}
  - {id: hard, kind: rule, forbid: 'true', on_breach: block, locked: true, owner: the privacy office}
  - {id: mine, kind: purpose, require: {collected_for: this_purpose}, on_breach: block}
"""
WORDS = "owner: retail, because: a launch"


def read(folder: Path, *waivers: str, **files: str) -> tuple[Waiver, ...]:
    rows = "".join(f"  - {{{waiver}}}\n" for waiver in waivers)
    given = {"policies/p.yaml": POLICIES, "policies/w.yaml": f"waivers:\n{rows}"}
    return load_workspace(write(folder, {**given, **files}), KINDS).waivers


def complaints(folder: Path, waiver: str, **files: str) -> list[str]:
    with pytest.raises(InvalidPolicies) as caught:
        read(folder, waiver, **files)
    return [str(problem) for problem in caught.value.problems]


def test_a_waiver_is_read_whole(tmp_path):
    (waiver,) = read(
        tmp_path, f"id: launch, policy: cap, {WORDS}, for: {{channel: sms}}, starts: 2026-11-23, ends: 2026-11-29"
    )

    assert (waiver.id, waiver.rule, waiver.policies) == ("launch", "waiver:launch", ("cap",))
    assert (waiver.owner, waiver.because, waiver.until) == ("retail", "a launch", "2026-11-29")
    assert waiver.applies_to == {"send.channel": ("sms",)}
    assert (waiver.starts, waiver.ends) == (
        parse_instant("2026-11-23T00:00:00Z"),
        parse_instant("2026-11-30T00:00:00Z"),
    )


@pytest.mark.parametrize(
    ("words", "ends"),
    [
        ("policy: cap", "2026-11-30T00:00:00Z"),
        ("policy: night", "2026-11-29T23:00:00Z"),
        ("policy: night, zone: America/New_York", "2026-11-30T05:00:00Z"),
    ],
)
def test_the_last_day_is_that_of_the_waivers_zone_else_of_the_policys_else_utc(tmp_path, words, ends):
    (waiver,) = read(tmp_path, f"id: launch, {words}, {WORDS}, ends: 2026-11-29")

    assert waiver.ends == parse_instant(ends)


def test_an_end_may_be_an_instant(tmp_path):
    (waiver,) = read(tmp_path, f"id: launch, policy: cap, {WORDS}, ends: '2026-11-29T21:00:00+01:00'")

    assert waiver.ends == parse_instant("2026-11-29T20:00:00Z")


MISTAKES = {
    f"id: a, policy: cap, {WORDS}": (
        "policies/w.yaml:2:5: this waiver has no `ends`\n"
        "  help: a waiver is for a time: write its last day, e.g. `ends: 2026-12-31`"
    ),
    "id: a, policy: cap, because: a launch, ends: 2026-11-29": (
        "policies/w.yaml:2:5: this waiver has no `owner`\n  help: add `owner:`"
    ),
    "id: a, policy: cap, owner: retail, ends: 2026-11-29": (
        "policies/w.yaml:2:5: this waiver has no `because`\n  help: add `because:`"
    ),
    f"id: a, policy: caps, {WORDS}, ends: 2026-11-29": (
        "policies/w.yaml:2:21: unknown policy `caps`; did you mean `cap`?\n"
        "  help: policies: `cap`, `hard`, `mine`, `night`"
    ),
    f"id: a, policy: hard, {WORDS}, ends: 2026-11-29": (
        "policies/w.yaml:2:21: `hard` is locked and cannot be waived (it stands at policies/p.yaml:4:5)\n"
        "  help: ask its owner to change the policy itself: the privacy office"
    ),
    f"id: a, policy: cap, {WORDS}, starts: 2026-11-30, ends: 2026-11-29": (
        "policies/w.yaml:2:86: `ends` is not after `starts`; it would never apply\n  help: correct one of the two"
    ),
    f"id: a, policy: cap, {WORDS}, for: {{chanel: sms}}, ends: 2026-11-29": (
        "policies/w.yaml:2:66: unknown fact `chanel`; did you mean `channel`?\n"
        "  help: `policykit facts send` lists the facts a policy may use"
    ),
    f"id: a, policy: mine, {WORDS}, for: {{recipient.account_type: business}}, ends: 2026-11-29": (
        "policies/w.yaml:2:67: a purpose policy cannot be waived by `recipient.account_type`\n"
        "  help: what data was collected for is the same for every account: drop this condition"
    ),
}


@pytest.mark.parametrize("waiver", MISTAKES)
def test_a_mistake_in_a_waiver_is_said_at_its_place(tmp_path, waiver):
    assert complaints(tmp_path, waiver) == [MISTAKES[waiver]]


def test_two_waivers_are_not_called_alike(tmp_path):
    same = f"id: a, policy: cap, {WORDS}, ends: 2026-11-29"

    with pytest.raises(
        InvalidPolicies, match=r"w.yaml:3:10: duplicate waiver `a`; the first is at policies/w.yaml:2:10"
    ):
        read(tmp_path, same, same)


# --- of policies that an overlay has a version of ------------------------------------------------------------

OVERLAID = {
    "policykit.yaml": "policies: [policies/, team/]\n",
    "team/p.yaml": "policies:\n  - {id: cap, kind: rule, forbid: 'true', on_breach: block}\n",
}


@pytest.mark.parametrize(
    ("named", "meant"), [("cap", ("cap", "cap@team")), ("cap@team", ("cap@team",)), ("night", ("night",))]
)
def test_a_waiver_is_for_all_versions_or_for_the_one_that_it_names(tmp_path, named, meant):
    (waiver,) = read(tmp_path, f"id: a, policy: {named}, {WORDS}, ends: 2026-11-29", **OVERLAID)

    assert waiver.policies == meant


def test_one_version_that_is_locked_locks_them_all(tmp_path):
    locked = OVERLAID["team/p.yaml"].replace("on_breach", "locked: true, on_breach")

    (said,) = complaints(
        tmp_path, f"id: a, policy: cap, {WORDS}, ends: 2026-11-29", **{**OVERLAID, "team/p.yaml": locked}
    )

    assert said.startswith("policies/w.yaml:2:21: `cap@team` is locked and cannot be waived")


def test_the_example_of_the_page_is_right(tmp_path):
    example = PAGE.partition("```yaml\n")[2].partition("```")[0]
    policies = POLICIES.replace("id: night", "id: quiet-hours")

    (waiver,) = read(tmp_path, **{"policies/p.yaml": policies, "policies/w.yaml": example})

    assert (waiver.rule, waiver.policies) == ("waiver:launch-week", ("quiet-hours",))
