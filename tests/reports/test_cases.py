from __future__ import annotations

from xml.etree import ElementTree

from policykit.errors import Place
from policykit.reports.cases import CaseOutcome, Coverage, as_json, as_junit, as_text

PASSED = CaseOutcome("asked", Place("push.cases.yaml", 3, 5), "push")
FAILED = CaseOutcome(
    "never asked", Place("push.cases.yaml", 9, 5), "push",
    ("expected `breached: consent.missing`, found `met`",), (("consents", "none"), ("send.channel", "push\x01")),
)  # fmt: skip
COVERAGE = (Coverage("push", 1, 1, 0), Coverage("sms", 1, 1, 1))


def test_a_failing_case_is_shown_with_the_facts_beneath_and_what_cases_lack():
    assert as_text((PASSED, FAILED), COVERAGE) == (
        "push.cases.yaml:9:5: case `never asked` (push) failed\n"
        "  expected `breached: consent.missing`, found `met`\n"
        "  facts beneath:\n"
        "    consents      none\n"
        "    send.channel  push\x01\n"
        "\n"
        "1 of 2 policies have cases for met, breached and unknown\n"
        "  push: no case for unknown\n"
        "1 of 2 cases failed"
    )


def test_json_counts_and_tells_each():
    found = as_json((PASSED, FAILED), COVERAGE)

    assert (found["cases"], found["failed"]) == (2, 1)
    assert found["coverage"][0] == {"policy": "push", "met": 1, "breached": 1, "unknown": 0}


def test_junit_is_xml_whatever_a_case_holds():
    root = ElementTree.fromstring(as_junit((PASSED, FAILED)).encode())

    assert root.find("testsuite").attrib == {"name": "push.cases.yaml", "tests": "2", "failures": "1"}
    assert root.find(".//failure").text == (
        "expected `breached: consent.missing`, found `met`\n"
        "consents = none\n"
        "send.channel = push\N{REPLACEMENT CHARACTER}"
    )
