from __future__ import annotations

import json
import re
from xml.etree import ElementTree

FAILING = (
    'now: "2026-03-02T10:00:00+01:00"\n'
    "given: {send: {channel: email, message_class: marketing}}\n"
    "cases:\n"
    "  - {case: a child, policy: adults-only, given: {recipient: {age: 12}}, expect: {met: true}}\n"
)


def test_cases_that_hold_end_with_zero(policykit, workspace):
    ran = policykit("test", "--require-cases", "--workspace", str(workspace({})))

    assert (ran.code, ran.out) == (
        0,
        "1 of 1 policies have cases for met, breached and unknown\n3 cases passed\n",
    )


def test_a_failing_case_is_shown_with_the_facts_beneath(policykit, workspace, monkeypatch):
    monkeypatch.chdir(workspace({"policies/adults.cases.yaml": FAILING}))

    ran = policykit("test")

    assert ran.code == 4
    assert ran.out.startswith("policies/adults.cases.yaml:4:5: case `a child` (adults-only) failed\n")
    assert "  expected met, found breached: rule.breached\n  facts beneath:\n" in ran.out
    assert re.search(r"^    recipient.age +12$", ran.out, re.MULTILINE)
    assert "1 of 1 cases failed" in ran.out


def test_a_policy_without_its_cases_fails_only_when_asked(policykit, workspace):
    files = {
        "policies/more.yaml": "policies:\n  - {id: more, kind: rule, forbid: recipient.age > 99, on_breach: block}\n"
    }
    root = str(workspace(files))

    assert policykit("test", "--workspace", root).code == 0
    ran = policykit("test", "--require-cases", "--workspace", root)

    assert ran.code == 4
    assert "more: no case for met, breached, unknown" in ran.out


def test_junit_and_json_tell_the_same(policykit, workspace, tmp_path):
    root = workspace({"policies/adults.cases.yaml": FAILING})

    ran = policykit("test", "--json", "--junit", str(tmp_path / "report.xml"), "--workspace", str(root))

    suite = ElementTree.parse(tmp_path / "report.xml").getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    assert (json.loads(ran.out)["cases"], json.loads(ran.out)["failed"]) == (1, 1)


def test_every_case_of_the_demo_passes_and_every_policy_has_its_cases(policykit, demo):
    ran = policykit("test", "--require-cases", "--workspace", str(demo))

    assert ran.code == 0, ran.out
