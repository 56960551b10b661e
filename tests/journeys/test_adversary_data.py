"""Data as real exports have it: nothing that cannot be read passes as fine, and nothing of it ends in a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policykit.facts.records import read_address, read_attribute, read_consent, read_instant
from policykit.ir.rules import RuleSet
from policykit.model import Address
from tests.conftest import run_command

POLICIES = """
policies:
  - {id: not-in-france, kind: rule, for: {recipient.country: FR}, forbid: "true", on_breach: block, because: b}
  - {id: they-said-no, kind: consent, forbid: {refused_for: [purpose, everything, channel]}, on_breach: block,
     because: b}
attributes:
  - {id: basket, disclosed_as: what is in your basket,
     origin: observed, category: user.behavior, collected_for: [marketing]}
"""
CAMPAIGN = """
campaign: c
purpose: marketing.communications
audience: {from: people.csv, consents: consents.csv, selected_by: []}
send: {at: "2026-11-27T10:00:00Z"}
channels:
  email: {subject: Hi, body: Hello}
"""
PEOPLE = "id,country,address.email\n1,DE,a@example.com\n2,DE,b@example.com\n"
CONSENTS = "person,status,channel,purpose,at\n1,given,*,*,2025-01-01T00:00:00Z\n2,refused,*,*,2025-01-01T00:00:00Z\n"

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def dry(tmp_path: Path) -> Run:
    """Dry-runs a small workspace with some of its files replaced; what it says as plain data."""

    def _run(policies: str = "", campaign: str = CAMPAIGN, config: str = "", **files: str) -> dict[str, Any]:
        written = {
            "policykit.yaml": "mode: enforce\n" + config, "policies/p.yaml": POLICIES, "campaigns/c.yaml": campaign,
            "people.csv": PEOPLE, "consents.csv": CONSENTS,
            **({"policies/more.yaml": policies} if policies else {}),
            **{f"{name}.csv": content for name, content in files.items()},
        }  # fmt: skip
        for name, content in written.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, encoding="utf-8")
        ran = run_command("dry-run", "c", "--workspace", str(tmp_path), "--known-at", "2026-11-26T00:00:00Z", "--json")
        assert ran.code in (0, 2), ran.err
        return json.loads(ran.out) if ran.code == 0 else {"problems": ran.err}

    return _run


def verdicts(said: dict[str, Any]) -> tuple[int, int]:
    return said["allowed"], said["blocked"]


@pytest.mark.parametrize("country", ["fr", "France", "FRA", " FR", "UK", "XX", "FR\u200b"])
def test_what_is_no_country_may_be_every_country(dry: Run, country: str) -> None:
    said = dry(people=PEOPLE.replace("1,DE", f"1,{country}"))

    assert verdicts(said) == (0, 2)
    assert said["unknown"] == 1


@pytest.mark.parametrize(
    ("files", "warning"),
    [
        ({"people": PEOPLE.replace("country", "Country")},
         "column `Country` of people is not read; did you mean `country`?"),
        ({"people": PEOPLE.replace("country", " country ")},
         "column ` country ` of people is not read; did you mean `country`?"),
        ({"people": PEOPLE.replace("id,country", "id,country,rank.Email").replace("DE", "DE,1")},
         "column `rank.Email` of people is not read; did you mean `rank.email`?"),
        ({"consents": CONSENTS.replace("at\n", "at,expires\n").replace("Z\n", "Z,2026-01-01T00:00:00Z\n")},
         "column `expires` of consents is not read; did you mean `expires_at`?"),
        ({"consents": CONSENTS.replace("purpose", "Purpose")},
         "column `Purpose` of consents is not read; did you mean `purpose`?"),
        ({"people": PEOPLE.replace("\n1,", "\n001,").replace("\n2,", "\n002,")},
         "no row of consents is about anybody in the audience"),
    ],
)  # fmt: skip
def test_what_is_not_read_though_it_was_meant_to_be_is_said(dry: Run, files: dict[str, str], warning: str) -> None:
    said = dry(**files)

    assert warning in [each["message"] for each in said["warnings"]]


def test_columns_and_ledgers_that_are_read_are_not_doubted(dry: Run) -> None:
    said = dry(people=PEOPLE.replace("country", "country,Country,uid,shelf mark,page").replace("DE", "DE,DE,7,Lee,9"))

    assert [each["message"] for each in said["warnings"]] == []
    assert verdicts(said) == (1, 1)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"people": "\n" + PEOPLE}, "people.csv:1:1: the first line is empty"),
        ({"consents": "\r\n" + CONSENTS}, "consents.csv:1:1: the first line is empty"),
        ({"people": PEOPLE.replace("country", "tier,Tier").replace("DE", "a,b"), "policies": (
            "facts: [{path: recipient.tier, type: string}, {path: recipient.rung, type: string, column: Tier}]\n")},
         "people.csv:1:3: columns `tier` and `Tier` differ in capital letters only"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_said_at_its_place(dry: Run, files: dict[str, str], problem: str) -> None:
    said = dry(**files)

    assert problem in said["problems"]


def test_a_column_of_no_channel_is_no_address(dry: Run) -> None:
    said = dry(people=PEOPLE.replace("address.email", "address.email,address.Email").replace(".com", ".com,x@y.z"))

    assert verdicts(said) == (1, 1)


@pytest.mark.parametrize(
    ("files", "warning"),
    [
        ({"consents": CONSENTS + "1,Withdrawn,*,*,2025-02-01T00:00:00Z\n1, given,*,*,2025-02-01T00:00:00Z\n"},
         "2 cells of `status` hold no status that is known; they count as refusals"),
        ({"consents": CONSENTS + "1,given,Email,*,2025-02-01T00:00:00Z\n"},
         "1 cells of `channel` hold no channel that is known; they mean every channel in a refusal, none in a grant"),
        ({"people": PEOPLE.replace("DE", "de", 1)},
         "1 cells of `country` hold no country that is known; they count as unknown"),
        ({"people": "id,country,region,address.email\n1,US,Florida,a@example.com\n2,US,FL,b@example.com\n"},
         "1 cells of `region` hold no region that is known; they count as unknown"),
        ({"people": "id,country,rank.email,address.email\n1,DE,low,a@example.com\n2,DE,7,b@example.com\n"},
         "1 cells of `rank.email` are not whole numbers; they leave the company's rank"),
        ({"consents": CONSENTS + ",withdrawn,*,*,2025-02-01T00:00:00Z\n"},
         "1 rows of consents name no person; what they say counts for nobody"),
    ],
)  # fmt: skip
def test_words_nobody_knows_are_said(dry: Run, files: dict[str, str], warning: str) -> None:
    said = dry(**files)

    assert [each["message"] for each in said["warnings"]] == [warning]


@pytest.mark.parametrize("status", ["Withdrawn", " withdrawn", "opted_out", ""])
def test_a_status_that_may_be_a_refusal_stops_the_message(dry: Run, status: str) -> None:
    said = dry(consents=CONSENTS + f"1,{status},*,*,2025-02-01T00:00:00Z\n")

    assert verdicts(said) == (0, 2)


def attributes(count: int, **more: str) -> str:
    """A registry of attributes that were observed, the first collected for something else."""
    other = [f"  - {{id: a{i}, disclosed_as: a, origin: observed, collected_for: [analytics]}}" for i in range(count)]
    kept = [
        f"  - {{id: {name}, disclosed_as: b, origin: observed, collected_for: [{purpose}]}}"
        for name, purpose in more.items()
    ]
    return "attributes:\n" + "\n".join(other + kept) + "\n"


STRIPS = """
policies:
  - {id: strips, kind: purpose, require: {collected_for: this_purpose}, on_breach: {downgrade: {uses: strip}},
     because: b}
"""


@pytest.mark.parametrize(("count", "downgraded"), [(1, 1), (62, 1), (63, 1), (64, None)])
def test_many_attributes_in_one_text(dry: Run, count: int, downgraded: int | None) -> None:
    names = [f"a{i}" for i in range(count)] + [f"b{i}" for i in range(30)]
    text = " ".join(f"{{{{ {name} | default: 1 }}}}" for name in names)
    registry = attributes(count, **{f"b{i}": "marketing" for i in range(30)})

    said = dry(policies=registry + STRIPS, campaign=CAMPAIGN.replace("Hello", f'"{text}"'))

    if downgraded is None:
        assert "policies may strip 64 attributes from this campaign, more than 63" in said["problems"]
    else:
        assert (said["downgraded"], len(said["stripped"])) == (downgraded, count)


@pytest.mark.parametrize("count", [30, 31, 62, 63, 100, 130])
def test_many_assumptions(dry: Run, count: int) -> None:
    said_by_all = " || ".join(f"attributes.a{i} == 'x'" for i in range(count))
    policy = f'policies: [{{id: any, kind: rule, forbid: "{said_by_all}", on_breach: block, because: b}}]\n'
    assumed = "assume: {" + ", ".join(f"attributes.a{i}: y" for i in range(count)) + "}\n"
    columns = ",".join(f"attributes.a{i}" for i in range(count))
    people = PEOPLE.replace("country", f"country,{columns}").replace("DE", "DE" + ",z" * (count - 1) + ",")

    said = dry(policies=attributes(count) + policy, config=assumed, people=people)

    assert verdicts(said) == (1, 1)


PROOF = """
policies:
  - {id: proven, kind: consent, require: {evidence: true}, on_breach: block, because: b}
  - {id: named, kind: data, require: {permission: true}, on_breach: block, because: b}
"""


@pytest.mark.parametrize(
    ("evidence", "permission", "allowed"),
    [("form 7", "r1", 1), ("true", "true", 1), ("false", "r1", 0), ("False", "r1", 0), ("form 7", "FALSE", 0),
     ("", "r1", 0), ("form 7", "", 0)],
)  # fmt: skip
def test_false_is_no_proof(dry: Run, evidence: str, permission: str, allowed: int) -> None:
    values = f"person,attribute,value,permission\n1,basket,crib,{permission}\n"
    campaign = CAMPAIGN.replace("consents: consents.csv", "consents: consents.csv, attributes: values.csv")

    said = dry(
        policies=PROOF,
        campaign=campaign.replace("Hello", "\"{{ basket | default: 'x' }}\""),
        consents=f"person,status,channel,purpose,evidence,at\n1,given,*,*,{evidence},2025-01-01T00:00:00Z\n",
        values=values,
    )

    assert said["allowed"] == allowed


def test_an_object_that_says_a_thing_twice_is_wrong_input(tmp_path: Path, dry: Run) -> None:
    twice = '{"person": "1", "status": "given", "status": "withdrawn", "at": "2025-01-01T00:00:00Z"}\n'
    (tmp_path / "consents.jsonl").write_text(twice, encoding="utf-8")

    said = dry(campaign=CAMPAIGN.replace("consents.csv", "consents.jsonl"))

    assert "1 lines name a key twice" in said["problems"]


@pytest.mark.parametrize("said", [False, "false", "False", "", None])
def test_false_is_no_proof_by_hand_either(said: object) -> None:
    rules = RuleSet((), ())

    assert read_consent(rules, {"status": "given", "evidence": said}).evidence is None
    assert read_attribute(rules, {"permission": said}).permission is None
    assert read_address({"address": "a", "permission": said}) == Address("a", None, None, permission=False)


@pytest.mark.parametrize("at", [10**30, -(10**30), 2**63 - 1, -(2**63), 253_402_300_800_000_000, True])
def test_an_integer_outside_of_all_years_is_no_instant(at: int) -> None:
    assert read_instant(at) is None
    assert read_consent(RuleSet((), ()), {"status": "refused", "at": at}).at is None
