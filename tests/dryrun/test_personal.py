"""A dry run refuses a column that looks personal and that nobody registered (S21)."""

from __future__ import annotations

import json

import duckdb
import pytest

from tests.conftest import SMALL

PEOPLE = "id,age,address.email,{header}\n" + "".join(f"p{i},30,a{i}@example.com,{{cell}}\n" for i in range(12))
CONSENTS = "person,status,at,{header}\np1,given,2026-01-01T00:00:00Z,x\n"


@pytest.fixture
def dry(policykit, workspace):
    """Dry-runs the small workspace with files put over it; how it ended."""

    def run(files: dict[str, str]):
        root = workspace(files)
        return policykit("dry-run", "spring", "--workspace", str(root), "--known-at", "2026-03-01T00:00:00Z", "--json")

    return run


def people(header: str, cell: str = "x") -> dict[str, str | bytes]:
    return {"data/people.csv": PEOPLE.format(header=header, cell=cell)}


def audience(more: str) -> dict[str, str | bytes]:
    """The small campaign with another key of its audience."""
    manifest = str(SMALL["campaigns/spring.yaml"])
    return {"campaigns/spring.yaml": manifest.replace("selected_by: []", f"selected_by: [], {more}")}


@pytest.mark.parametrize(
    ("header", "cell", "why"),
    [
        ("religion", "x", "beliefs: the name says `religion`"),
        ("Vorname", "Ana", "given names: the name says `vorname`, and all values are given names we know"),
        ("x7", "b@example.com", "e-mail addresses: all values are e-mail addresses"),
        ("attributes.religion", "x", "beliefs: the name says `religion`"),
    ],
)
def test_a_personal_column_that_nobody_registered_is_refused(dry, header, cell, why):
    ran = dry(people(header, cell))

    assert ran.code == 2
    assert f"people.csv:1:4: column `{header}` looks personal ({why}) and is not registered" in ran.err
    assert f"`audience: {{ignore: [{header}]}}`" in ran.err
    assert "@example.com" not in ran.err


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        ("{'religion': 'x'}", "`religion` in column `profile`"),
        ("[{'home': {'iban': 'x', 'religion': 'x'}}]", "`home.iban` in column `profile`"),
        ("MAP {'religion': 'x'}", "`religion` in column `profile`"),
        ('\'{"religion": "x"}\'', "`religion` in column `profile`"),
        ("['a' || n || '@example.com']", "column `profile`"),
    ],
)
def test_what_is_personal_inside_of_a_column_is_found(dry, tmp_path, cell, what):
    file = tmp_path / "people.parquet"
    rows = f"SELECT 'p' || n AS id, 30 AS age, 'a' || n || '@example.com' AS \"address.email\", {cell} AS profile"
    duckdb.sql(f"{rows} FROM range(12) AS t(n)").write_parquet(str(file))
    manifest = str(SMALL["campaigns/spring.yaml"]).replace("data/people.csv", "data/people.parquet")

    ran = dry({"campaigns/spring.yaml": manifest, "data/people.parquet": file.read_bytes()})

    assert ran.code == 2
    assert f"people.parquet:1:4: {what} looks personal" in ran.err


@pytest.mark.parametrize("cell", ['"{""basket"": ""x""}"', '"{""visits"": 3}"', "{religion", "[" * 9000])
def test_what_holds_nothing_personal_or_cannot_be_read_is_let_pass(dry, cell):
    assert dry(people("profile", cell)).code == 0


@pytest.mark.parametrize(
    "header", ["mobile", "zip_code", "shelf", "score", "email_opt_in", "visits", "basket", "attributes.basket"]
)
def test_what_may_mean_other_things_or_is_registered_is_let_pass(dry, header):
    assert dry(people(header)).code == 0


def test_a_column_may_be_ignored_by_name(dry):
    assert dry({**people("religion"), **audience("ignore: [religion]")}).code == 0


def test_an_ignored_column_that_no_file_has_is_told(dry):
    ran = dry({**people("religion"), **audience("ignore: [religion, religon]")})

    told = [warning["message"] for warning in json.loads(ran.out)["warnings"] if warning["code"] == "data.ignored"]
    assert told == ["no file has the column `religon` that `ignore` names; did you mean `religion`?"]


def test_a_mapped_column_is_of_the_vocabulary(dry):
    mapped = audience("columns: {address.sms: Handynummer}")

    assert dry({**people("Handynummer", "+99900000001"), **mapped}).code == 0


def test_other_files_of_the_audience_are_looked_at_too(dry):
    files = {
        "policykit.yaml": "data: {consents: data/consents.csv, attributes: data/attributes.csv}\n",
        "data/consents.csv": CONSENTS.format(header="signup_ip"),
        "data/attributes.csv": "person,attribute,value\np1,religion,x\np1,basket,y\n",
    }

    ran = dry(files)

    assert ran.code == 2
    assert "consents.csv:1:4: column `signup_ip` looks personal" in ran.err
    assert "attributes.csv:1:2: attribute `religion` looks personal" in ran.err
    assert "basket" not in ran.err


def test_check_of_a_campaign_says_it_before_the_dry_run(policykit, workspace):
    root = workspace(people("religion"))

    ran = policykit("check", "--campaign", "spring", "--workspace", str(root), "--json")

    assert ran.code == 3
    assert [problem["code"] for problem in json.loads(ran.out)["problems"] if problem["severity"] == "error"] == [
        "data.unregistered"
    ]
