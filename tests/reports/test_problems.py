from __future__ import annotations

import json

from policykit.errors import Place, Problem
from policykit.reports.problems import FORMATS

FOUND = (
    Problem(
        Place("policies/push.yaml", 7, 12), "unknown key `chanel`; did you mean `channel`?", "use `channel`", "shape"
    ),
    Problem(None, "100% odd:\nvery", code="odd,er", severity="warning"),
)


def test_text_puts_the_place_first_and_counts_at_the_end():
    assert FORMATS["text"](FOUND) == (
        "policies/push.yaml:7:12: unknown key `chanel`; did you mean `channel`?\n"
        "  help: use `channel`\n"
        "warning: 100% odd:\nvery\n"
        "1 error, 1 warning"
    )


def test_text_of_nothing_says_so():
    assert FORMATS["text"]([]) == "no problems"


def test_json_has_every_part_of_a_problem():
    assert json.loads(FORMATS["json"](FOUND))["problems"][0] == {
        "file": "policies/push.yaml",
        "line": 7,
        "column": 12,
        "severity": "error",
        "code": "shape",
        "message": "unknown key `chanel`; did you mean `channel`?",
        "help": "use `channel`",
    }


def test_sarif_locates_results_and_lists_its_rules():
    (run,) = json.loads(FORMATS["sarif"](FOUND))["runs"]

    assert run["tool"]["driver"]["rules"] == [{"id": "odd,er"}, {"id": "shape"}]
    assert run["results"][0]["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "policies/push.yaml"},
                "region": {"startLine": 7, "startColumn": 12},
            }
        }
    ]
    assert "locations" not in run["results"][1]


def test_github_annotations_escape_what_would_end_them():
    first, second = FORMATS["github"](FOUND).splitlines()

    assert first.startswith("::error file=policies/push.yaml,line=7,col=12,title=shape::unknown key")
    assert first.endswith("%0Ahelp: use `channel`")
    assert second == "::warning title=odd%2Cer::100%25 odd:%0Avery"
