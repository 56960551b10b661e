"""`policykit scan`: what looks personal and is not registered, as entries to paste."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
import yaml

EXPORT = "kundennr,Vorname,E-Mail,tarif\n" + "".join(f"{i},{name},{name}{i}@example.com,A\n" for i, name in enumerate(
    ["Ana", "Ben", "Eva", "Hugo", "Jonas", "Marta", "Olga", "Pekka", "Nuno", "Greta", "Emma", "Paul"]))  # fmt: skip
SECRET = ("Ana", "Pekka", "example.com", "+99900000001")


@pytest.fixture
def scan(policykit, tmp_path: Path, monkeypatch):
    """Scans files written into an empty folder; what is printed comes back with the exit code."""
    monkeypatch.chdir(tmp_path)

    def run(files: dict[str, str], *words: str):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        asked = [name for name in files if name.startswith(("export", "mail", "body", "campaigns"))]
        return policykit("scan", *asked, *words)

    return run


def entries(ran) -> dict[str, dict[str, object]]:
    found = yaml.safe_load(ran.out) or {}
    return {entry["id"]: entry for entry in found.get("attributes", ())}


def test_a_column_that_looks_personal_becomes_an_entry_to_paste(scan):
    ran = scan({"export.csv": EXPORT})

    assert ran.code == 1
    assert entries(ran)["first_name"] == {
        "id": "first_name", "category": "user.name.first", "origin": "provided", "sensitivity": "personal",
        "collected_for": ["TO FILL"], "controller": "TO FILL", "remembered_for": "TO FILL", "disclosed_as": "TO FILL",
        "sources": ["export.csv: Vorname"],
    }  # fmt: skip
    assert "# high: column `Vorname` of export.csv: all values begin with a given name" in ran.out


def test_a_column_of_the_vocabulary_wants_a_mapping_not_an_entry(scan):
    ran = scan({"export.csv": EXPORT})

    assert 'columns: {recipient.id: "kundennr"}' in ran.out
    assert 'columns: {address.email: "E-Mail"}' in ran.out
    assert set(entries(ran)) == {"first_name"}
    assert "export.csv: tarif" in ran.out


def test_a_file_without_a_header_is_refused_without_showing_its_first_line(scan):
    ran = scan({"export.csv": "Ana,ana@example.com\nBen,ben@example.com\n"})

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("export.csv:1:1: the first line holds values, not the names of columns\n")
    assert "ana@example.com" not in ran.err


def test_a_row_that_cannot_be_read_is_told_with_its_line(scan):
    ran = scan({"export.csv": 'shelf,item\n"1,2\n', "export-2.csv": "shelf,item\n1\n"})

    assert (ran.code, ran.out) == (2, "")
    assert "export.csv:2:1: a quote is never closed\n" in ran.err
    assert "export-2.csv:2:1: the row has 1 cells, the header 2\n" in ran.err


def test_no_name_of_a_column_can_end_a_comment(scan, policykit, tmp_path):
    (tmp_path / "export.jsonl").write_text('{"religion\\n- id: x": "y", "shelf\\nevil: 1": "y"}\n', encoding="utf-8")

    ran = policykit("scan", "export.jsonl")

    assert set(yaml.safe_load(ran.out)) == {"attributes"}
    assert [entry["sources"] for entry in entries(ran).values()] == [["export.jsonl: religion\n- id: x"]]


KEYED = '{"recipient_variables": {"ana@example.com": {"religion": "x"}}, "substitutions": {"+99900000001": "y"}}'


def test_no_value_is_ever_printed(scan):
    for words in ((), ("--json",)):
        ran = scan({"export.csv": EXPORT, "body.json": BODY, "body-keyed.json": KEYED}, *words)

        assert not [secret for secret in SECRET if secret in ran.out + ran.err]


def test_what_is_registered_under_any_name_is_not_proposed(scan):
    registry = (
        "attributes:\n  - {id: given_name, origin: provided, disclosed_as: your name,\n"
        "     sources: ['export.csv: Vorname']}\n  - {id: kundennr, origin: provided}\n"
    )
    files = {
        "policykit.yaml": "",
        "policies/r.yaml": registry,
        "campaigns/c.yaml": "campaign: c\nchannels: {email: {}}\n",
    }
    ran = scan({"export.csv": EXPORT.replace("E-Mail", "address.email"), **files})

    assert ran.code == 0
    assert entries(ran) == {}


def test_something_like_a_registered_attribute_is_told_as_its_source(scan):
    registry = "attributes:\n  - {id: first_name, origin: provided, disclosed_as: your name}\n"
    ran = scan({"export.csv": EXPORT, "policykit.yaml": "", "policies/r.yaml": registry})

    assert entries(ran) == {}
    assert '#   first_name: {sources: ["export.csv: Vorname"]}' in ran.out


def test_check_refuses_what_is_still_to_fill(scan, policykit, tmp_path):
    ran = scan({"export.csv": EXPORT, "policykit.yaml": "", "policies/adults.yaml": ""})
    (tmp_path / "policies" / "registry.yaml").write_text(ran.out, encoding="utf-8")

    said = policykit("check", "--json")

    codes = [problem["code"] for problem in json.loads(said.out)["problems"]]
    assert said.code == 3
    assert codes.count("registry.to-fill") == 4


BODY = json.dumps({
    "personalizations": [{
        "to": [{"email": "a@example.com", "name": "Ana"}],
        "dynamic_template_data": {"firstName": "Ana", "basket": {"item": "phone"}, "screen": "home"},
    }],
    "from": {"email": "news@example.com", "name": "Acme"},
    "content": [{"type": "text/html", "value": "<p>{{ diagnosis }}</p>"}],
})  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("body.json", BODY, {"first_name", "full_name", "health"}),
        ("body-fcm.json", '{"message": {"token": "t", "data": {"religion": "x", "screen": "home"}}}', {"religion"}),
        ("body-twilio.json", '{"To": "+99900000001", "ContentVariables": "{\\"first_name\\": \\"Ana\\"}"}',
         {"first_name"}),
        ("mail.html", "Hi {{ customer.firstName | default: 'you' }}{% if isPregnant %}!{% endif %}",
         {"first_name", "health"}),
        ("mail.txt", "Dear *|FNAME|*, your order *|ORDER|*", {"first_name"}),
        ("mail.hbs", "{{#each items}}{{this.price}}{{/each}} {{lastName}}", {"last_name"}),
        ("mail.liquid", "{% for b in basket.items %}{{ b.name }}{% endfor %} {{ unsubscribe_url }}", set()),
        ("campaigns/c.yaml", "campaign: c\nchannels: {push: {body: 'In {{ city }}?'}}\n", {"city"}),
    ],
)  # fmt: skip
def test_templates_manifests_and_payloads_are_read(scan, name, text, expected):
    ran = scan({name: text})

    found = {entry for entry in entries(ran) if entry not in ("basket_item", "basket_items", "order")}
    assert found == expected
    assert ran.code in (0, 1), ran.err


def test_a_manifest_leads_to_its_templates_and_its_audience(scan, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "people.csv").write_text(EXPORT, encoding="utf-8")
    (tmp_path / "spring.html").write_text("{{ religion }}", encoding="utf-8")
    manifest = "campaign: c\naudience: {from: data/people.csv}\nchannels: {email: {html: spring.html}}\n"

    ran = scan({"campaigns/c.yaml": manifest, "campaigns/spring.html": "{{ religion }}"})

    assert {"religion", "first_name"} <= set(entries(ran))


def test_attribute_rows_are_looked_at_by_their_ids(scan):
    ran = scan({"export.csv": "person,attribute,value\n1,religion,x\n2,tariff,A\n"})

    assert set(entries(ran)) == {"religion"}


def test_parquet_is_read(scan, policykit, tmp_path):
    duckdb.sql("SELECT 1 AS id, DATE '1980-01-02' AS geburtsdatum").write_parquet(str(tmp_path / "export.parquet"))

    ran = policykit("scan", "export.parquet")

    assert set(entries(ran)) == {"birth_date"}


def test_the_demo_has_nothing_to_find(policykit, demo):
    files = [str(path) for kind in ("data/*.csv", "campaigns/*.html") for path in sorted(demo.glob(kind))]

    ran = policykit("scan", *files, "--workspace", str(demo))

    assert (ran.code, ran.out) == (0, "# Nothing looks personal that is not registered.\n")


def test_files_that_cannot_be_read_are_told_all_at_once(scan, policykit):
    ran = scan({"export.pdf": "x", "export.json": "{", "export.csv": ""})

    assert ran.code == 2
    assert ran.out == ""
    assert {line for line in ran.err.splitlines() if not line.startswith("  help")} == {
        "`export.pdf` is neither data, a template, a manifest nor a payload",
        "`export.json` is no JSON (line 1)",
        "export.csv:1:1: the file is empty",
    }


def test_json_tells_the_same(scan):
    ran = scan({"export.csv": EXPORT}, "--json")

    found = json.loads(ran.out)
    assert {each["id"]: each["maps_to"] for each in found["proposals"]} == {
        "first_name": None, "customer_id": "recipient.id", "email": "address.email",
    }  # fmt: skip
    assert [each["name"] for each in found["unclear"]] == ["tarif"]
