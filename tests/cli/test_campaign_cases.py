"""Cases about a whole campaign: a dry run of its own people, held against the totals they must come to."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from policykit.language.tree import to_plain
from policykit.language.yaml import read_yaml

LIBRARY = Path(__file__).parent.parent.parent / "policies"
SPRING = """
campaign: spring
message_class: marketing
purpose: marketing.communications
audience: {from: people.csv, selected_by: []}
channels:
  email: {subject: Spring, text: "{{ basket | default: 'Spring' }}", generic: {subject: Spring, text: Spring}}
offers: {}
send: {at: "2026-03-02T12:00:00Z"}
"""
POLICIES = """
policies:
  - {id: adults-only, kind: rule, forbid: recipient.age < 18, on_breach: block, because: Children are not for sale.}
  - {id: own-degree, kind: data, require: {origin: {at_most: {fact: recipient.degree}}}, on_breach: {downgrade: {uses: strip}}}
"""  # noqa: E501  # one policy is one line
PEOPLE = """id,age,degree,address.email
child,12,inferred,a@example.com
adult,40,inferred,b@example.com
shy,40,provided,c@example.com
who,,inferred,d@example.com
"""
RIGHT = """
now: "2026-03-02T10:00:00Z"
cases:
  - case: everybody
    campaign: spring
    expect:
      totals: {allow: 1, downgrade: 1, block: 2}
      by: {adults-only: 2, own-degree: 1}
      alone: {adults-only: 2, own-degree: 1}
      undetermined: 1
      changes: {stripped: {basket: 1}}
  - case: children too
    campaign: spring
    off: [adults-only]
    expect: {totals: {allow: 3, downgrade: 1}}
"""


@pytest.fixture
def shop(workspace, monkeypatch):
    def make(cases: str, **files: str) -> Path:
        root = workspace({
            "campaigns/spring.yaml": SPRING, "people.csv": PEOPLE, "policies/adults.yaml": POLICIES,
            "policies/spring.cases.yaml": cases, **files,
        })  # fmt: skip
        monkeypatch.chdir(root)
        return root

    return make


def test_totals_that_hold_are_cases_that_pass(policykit, shop):
    shop(RIGHT)

    ran = policykit("test")

    assert (ran.code, ran.out.splitlines()[-1]) == (0, "5 cases passed")


def test_every_number_that_differs_is_told_and_then_the_whole_result(policykit, shop):
    shop(
        RIGHT.replace("allow: 1, downgrade: 1, block: 2", "allow: 2, block: 2").replace(
            "own-degree: 1}", "own-degree: 2}"
        )
    )

    ran = policykit("test")

    assert ran.code == 4
    assert ran.out.startswith(
        "policies/spring.cases.yaml:4:11: case `everybody` (spring) failed\n"
        "  totals.allow: expected 2, found 1\n"
        "  totals.downgrade: expected 0, found 1\n"
        "  by.own-degree: expected 2, found 1\n"
        "  alone.own-degree: expected 2, found 1\n"
        "  found:\n"
        "    totals        allow: 1, downgrade: 1, block: 2\n"
        "    by            adults-only: 2, own-degree: 1\n"
        "    alone         adults-only: 2, own-degree: 1\n"
        "    changes       stripped: {basket: 1}\n"
        "    undetermined  1\n"
    )
    assert "1 of 5 cases failed" in ran.out


@pytest.mark.parametrize(
    ("part", "other", "told"),
    [
        ("by: {adults-only: 2, own-degree: 1}", "by: {adults-only: 2}", "by.own-degree: expected 0, found 1"),
        ("undetermined: 1", "undetermined: 0", "undetermined: expected 0, found 1"),
        ("changes: {stripped: {basket: 1}}", "changes: {}", "changes.stripped.basket: expected 0, found 1"),
        ("changes: {stripped: {basket: 1}}", "changes: {stripped: {basket: 1}, generic: 1}",
         "changes.generic: expected 1, found 0"),
        ("changes: {stripped: {basket: 1}}", "changes: {stripped: {basket: 1}, moved: {email: 1}}",
         "changes.moved.email: expected 1, found 0"),
    ],
)  # fmt: skip
def test_what_is_not_named_is_expected_for_nobody(policykit, shop, part, other, told):
    shop(RIGHT.replace(part, other))

    ran = policykit("test")

    assert ran.code == 4
    assert f"  {told}\n  found:" in ran.out


def test_parts_that_are_not_given_are_not_asked_about(policykit, shop):
    totals = "{totals: {allow: 1, downgrade: 1, block: 2}}"
    shop(f'now: "2026-03-02T10:00:00Z"\ncases:\n  - {{case: all, campaign: spring, expect: {totals}}}\n')

    assert policykit("test").code == 0


def test_json_and_junit_name_the_campaign(policykit, shop, tmp_path):
    shop(RIGHT)

    ran = policykit("test", "--json", "--junit", str(tmp_path / "report.xml"))

    told = [
        (case["case"], case["campaign"], case["policy"], case["passed"]) for case in json.loads(ran.out)["outcomes"]
    ]
    assert told[-2:] == [("everybody", "spring", None, True), ("children too", "spring", None, True)]
    names = {case.get("classname") for case in ElementTree.parse(tmp_path / "report.xml").iter("testcase")}
    assert names == {"adults-only", "spring"}


def test_they_are_no_cases_of_a_policy(policykit, shop):
    """Coverage counts what a case shows of one policy by itself."""
    shop(RIGHT)

    ran = policykit("test", "--require-cases")

    assert ran.code == 4
    assert "own-degree: no case for met, breached, unknown" in ran.out


@pytest.mark.parametrize(
    ("part", "other", "told"),
    [
        ("spring\n    off", "sprin\n    off", "13:15: unknown campaign `sprin`; did you mean `spring`?"),
        ("off: [adults-only]", "off: [adult-only]", "14:11: unknown policy `adult-only`; did you mean `adults-only`?"),
        ("by: {adults-only", "by: {adult-only", "8:12: unknown policy `adult-only`; did you mean `adults-only`?"),
        ("{allow: 3", "{allowed: 3", "unknown key `allowed`"),
        ("{allow: 3", "{allow: -3", "15:30: `expect.totals.allow` is the number `-3`"),
        ("{allow: 3", "{allow: three", "15:30: `expect.totals.allow` is the text `three`"),
        ("case: children too", "case: everybody", "12:11: duplicate case `everybody`"),
        ("    expect: {totals: {allow: 3, downgrade: 1}}\n", "", "12:5: this case of a campaign has no `expect`"),
    ],
)  # fmt: skip
def test_mistakes_are_found_where_they_stand(policykit, shop, part, other, told):
    shop(RIGHT.replace(part, other))

    ran = policykit("check")

    assert ran.code == 3
    assert told in ran.out + ran.err


def test_totals_never_depend_on_today(policykit, shop):
    shop(RIGHT.replace('now: "2026-03-02T10:00:00Z"\n', ""))

    ran = policykit("test")

    assert ran.code == 3
    assert "case `everybody` does not say when it is judged" in ran.err


def test_a_campaign_whose_people_cannot_be_read_fails_its_cases(policykit, shop):
    root = shop(RIGHT)
    (root / "people.csv").unlink()

    ran = policykit("test")

    assert ran.code == 4
    assert "  it cannot be run: " in ran.out


def test_editors_check_cases_of_both_sorts(policykit, shop):
    schema = json.loads(policykit("schema", "cases").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    accepts = jsonschema.Draft202012Validator(schema).is_valid

    whole = {"case": "everybody", "campaign": "spring", "off": ["adults-only"], "expect": {"totals": {"allow": 1}}}
    single = {
        "case": "a child",
        "policy": "adults-only",
        "given": {"send": {"channel": "email"}},
        "expect": {"met": True},
    }
    assert accepts({"now": "2026-03-02T10:00:00Z", "cases": [whole, single]})
    assert not accepts({"cases": [{**whole, "expect": {"totals": {"allowed": 1}}}]})
    assert not accepts({"cases": [{**whole, "expect": {"met": True}}]})
    assert not accepts({"cases": [{**single, "expect": {"totals": {"allow": 1}}}]})
    assert not accepts({"cases": [{**single, "given": {"send": {"chanel": "email"}}}]})


def test_editors_accept_the_cases_of_the_library(policykit):
    accepts = jsonschema.Draft202012Validator(json.loads(policykit("schema", "cases").out)).is_valid
    files = sorted(LIBRARY.rglob("*.cases.yaml"))

    refused = [file.name for file in files if not accepts(to_plain(read_yaml(file, file.name)[0]))]

    assert len(files) > 50
    assert refused == []


def test_a_campaign_that_is_not_planned_is_told_so(policykit, shop):
    shop(RIGHT, **{"campaigns/spring.yaml": SPRING.replace('send: {at: "2026-03-02T12:00:00Z"}\n', "")})

    ran = policykit("dry-run", "spring", "--json")

    told = json.loads(ran.out)
    assert told["blocked"] == told["audience"] == 4
    assert [each["message"] for each in told["warnings"] if each["code"] == "campaign.unplanned"] == [
        "`spring` does not say when it is sent, so it goes to nobody"
    ]


def test_a_workspace_that_also_test_names_and_that_is_not_there_is_told(policykit, workspace):
    root = workspace({"policykit.yaml": "also_test: [laws/]\n"})

    ran = policykit("test", "-w", str(root))

    assert ran.code == 2
    assert ran.err.startswith("`also_test` of `policykit.yaml` names `laws/`, which is no workspace\n")
