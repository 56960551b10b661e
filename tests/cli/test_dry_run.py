from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import DEMO_KNOWN_AT


@pytest.fixture
def basket(demo_report):
    return demo_report("basket")


def test_every_message_is_in_exactly_one_total(basket):
    assert basket["audience"] == 2000
    assert basket["allowed"] + basket["downgraded"] + basket["blocked"] == 2000
    assert sum(basket["channels"].values()) == basket["allowed"] + basket["downgraded"]
    assert min(basket["allowed"], basket["downgraded"], basket["blocked"]) > 0


def test_people_are_called_by_pseudonyms_that_are_the_same_in_every_report(policykit, demo, basket):
    rows = (demo / "data/people.csv").read_text(encoding="utf-8").splitlines()
    ids = {row["customer_no"] for row in csv.DictReader(rows)}
    people = [example["person"] for example in basket["examples"]]

    again = json.loads(
        policykit("dry-run", "basket", "--workspace", str(demo), "--known-at", DEMO_KNOWN_AT, "--json").out
    )

    assert not ids & set(people)
    assert people == [example["person"] for example in again["examples"]]
    assert (demo / ".policykit/key").stat().st_mode & 0o777 == 0o600


def test_no_line_of_the_summary_ends_in_blanks_or_is_wider_than_the_terminal(policykit, demo):
    lines = policykit("dry-run", "basket", "--workspace", str(demo), columns=80).out.splitlines()

    assert [line for line in lines if line != line.rstrip() or len(line) > 80] == []


def test_the_summary_is_told_to_a_marketer(policykit, demo):
    ran = policykit("dry-run", "basket", "--workspace", str(demo))

    assert ran.err == ""
    assert ran.out.startswith("Dry run of basket: 2,000 messages, planned for Friday 27 November 2026 at 10:00, ")
    for part in ("sent as planned", "What was changed", "Why", "will feel", "What would help", "For example", "Today"):
        assert part in ran.out
    assert max(map(len, ran.out.splitlines())) <= 100


def test_progress_is_told_on_standard_error_only_when_asked(policykit, workspace):
    root = str(workspace({}))

    quiet = policykit("dry-run", "spring", "--json", "--workspace", root)
    told = policykit("dry-run", "spring", "--json", "--progress", "--workspace", root)

    assert quiet.err == ""
    assert quiet.out == told.out


def test_decisions_and_lists_have_everybody_once(policykit, demo, basket, tmp_path):
    ran = policykit(
        "dry-run",
        "basket",
        "--workspace",
        str(demo),
        "--known-at",
        DEMO_KNOWN_AT,
        "--out",
        str(tmp_path / "d.parquet"),
        "--lists",
        str(tmp_path / "l"),
    )

    assert ran.code == 0, ran.err
    table = pq.read_table(tmp_path / "d.parquet", columns=["row", "verdict"]).to_pydict()
    assert sorted(table["row"]) == list(range(1, 2001))
    assert table["verdict"].count("block") == basket["blocked"]
    lines = {path.name: len(path.read_text(encoding="utf-8").splitlines()) - 1 for path in (tmp_path / "l").iterdir()}
    assert lines == {
        "to-push.csv": basket["channels"]["push"],
        "to-email.csv": basket["channels"]["email"],
        "not-sent.csv": basket["blocked"],
    }


def test_a_crossed_brake_ends_with_one_and_an_unreached_one_does_not(policykit, workspace):
    base = workspace({})
    campaign = (base / "campaigns/spring.yaml").read_text()
    (base / "campaigns/careful.yaml").write_text(campaign.replace("spring", "careful") + "brakes: {blocked: 10%}\n")
    (base / "campaigns/easy.yaml").write_text(campaign.replace("spring", "easy") + "brakes: {blocked: 90%}\n")

    careful = policykit("dry-run", "careful", "--workspace", str(base))
    easy = policykit("dry-run", "easy", "--workspace", str(base))

    assert (careful.code, easy.code) == (1, 0)
    assert "crossed: blocked 66.7%, limit 10.0%" in careful.out
    assert "holds: blocked 66.7%, limit 90.0%" in easy.out


def test_what_nobody_has_is_told_before_the_numbers_with_two_ways_out(policykit, workspace):
    people = "id,zone,address.email\np1,Europe/Paris,a@example.com\n"

    ran = policykit("dry-run", "spring", "--workspace", str(workspace({"data/people.csv": people})))

    warning = ran.out.index("nobody in the audience has `recipient.age`, which `adults-only` looks at")
    assert warning < ran.out.index("sent as planned")
    assert "columns: {recipient.age: <header>}" in ran.out
    assert "assume: {recipient.age: ...}" in ran.out


def test_an_assumption_is_told_with_how_often_it_decided(policykit, workspace):
    root = workspace({"policykit.yaml": "mode: audit\nassume: {recipient.age: 30}\n"})

    ran = policykit("dry-run", "spring", "--workspace", str(root))

    assert "`recipient.age` was assumed to be `30` for 1 message" in ran.out
    assert "Guards only observe today (mode: audit)" in ran.out


def test_a_campaign_is_named_by_id_or_path(policykit, workspace, tmp_path):
    root = workspace({})
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text((root / "campaigns/spring.yaml").read_text().replace("spring", "elsewhere"))

    by_path = policykit("dry-run", str(elsewhere), "--workspace", str(root), "--json")
    misspelt = policykit("dry-run", "sprign", "--workspace", str(root))

    assert json.loads(by_path.out)["campaign"] == "elsewhere"
    assert misspelt.code == 2
    assert (
        misspelt.err
        == "there is no campaign `sprign`; did you mean `spring`?\n  help: there is `spring`, or name a file\n"
    )


def test_data_can_be_given_on_the_command_line(policykit, workspace, tmp_path):
    (tmp_path / "few.csv").write_text("id,age,address.email\nx,50,x@example.com\n")

    ran = policykit(
        "dry-run", "spring", "--audience", str(tmp_path / "few.csv"), "--json", "--workspace", str(workspace({}))
    )

    assert (json.loads(ran.out)["audience"], json.loads(ran.out)["allowed"]) == (1, 1)


CONSENT = (
    "policies:\n  - {id: asked, kind: consent, require: {}, on_breach: block}\n"
    "  - {id: awake, kind: quiet_hours, require: {local_time: [{from: '08:00', to: '21:00'}], zone: UTC},"
    " on_breach: {downgrade: {send_at: next_allowed}}}\n"
)


@pytest.mark.parametrize(
    ("option", "allowed", "delayed"),
    [
        ([], 1, 0),
        (["--known-at", "2026-01-31T00:00:00Z"], 0, 0),
        (["--send-at", "2026-03-02T23:00:00Z"], 0, 1),
    ],
)
def test_another_past_or_another_hour_can_be_asked_about(policykit, workspace, tmp_path, option, allowed, delayed):
    consents = tmp_path / "consents.csv"
    consents.write_text(
        "person,status,channel,purpose,quality,at\np1,given,email,marketing.communications,single_opt_in,2026-02-01T00:00:00Z\n"
    )
    root = workspace(
        {"policies/consent.yaml": CONSENT, "data/people.csv": "id,age,address.email\np1,30,a@example.com\n"}
    )

    ran = policykit("dry-run", "spring", "--consents", str(consents), *option, "--json", "--workspace", str(root))

    found = json.loads(ran.out)
    assert (found["allowed"], found["delayed"]) == (allowed, delayed)


GOOD = "id,age,zone,address.email\n"
DATA = [
    ("people.csv", "name,age\np1,30\n", "column `id` of people is missing"),
    ("people.csv", GOOD, "the audience is empty"),
    ("people.csv", "", ""),
    ("people.csv", GOOD.encode() + b"p1,30,Europe/Paris,\xff\xfe\n", "UTF-8"),
    ("people.csv", GOOD.replace("age", "last_purchase_at") + "p1,2026-03-02T10:00,,\n", "has no offset"),
    ("people.csv", GOOD + "p1,30,Europe/Paris,a@example.com\n" * 17, "17"),
    ("people.csv", GOOD + ",30,Europe/Paris,a@example.com\n", "id"),
    ("people.csv", GOOD + 'p1,30,"Europe/Paris\n', ""),
    ("people.csv", GOOD + "p1," + "9" * 3_000_000 + ",,\n", ""),
    ("people.jsonl", '{"id": "p1", "age": 30\n', ""),
    ("people.parquet", "this is no parquet", ""),
    ("people.xlsx", "x", "neither CSV, JSONL nor Parquet"),
]


@pytest.mark.parametrize(("name", "content", "said"), DATA)
def test_bad_data_is_wrong_use_told_at_its_place_and_leaves_nothing_behind(
    policykit, workspace, tmp_path, name, content, said
):
    people = tmp_path / name
    people.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = sorted(path.name for path in tmp_path.iterdir())

    ran = policykit(
        "dry-run", "spring", "--audience", str(people), "--out", str(tmp_path / "out.parquet"),
        "--lists", str(tmp_path / "lists"), "--workspace", str(workspace({})),
    )  # fmt: skip

    assert (ran.code, ran.out) == (2, ""), ran.err
    assert said in ran.err
    assert str(people) in ran.err
    assert "Traceback" not in ran.err
    assert len(ran.err) < 2000
    assert sorted({path.name for path in tmp_path.iterdir()} - {"shop"}) == before


def test_cells_that_cannot_be_read_and_zones_that_do_not_exist_are_unknown_and_said_so(policykit, workspace, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text(
        "id,age,zone,address.email\np1,thirty,Mars/Base,a@example.com\np2,40,Europe/Paris,b@example.com\n"
    )
    root = workspace({"policies/hours.yaml": CONSENT.replace(", zone: UTC", "")})

    ran = policykit("dry-run", "spring", "--audience", str(people), "--json", "--workspace", str(root))

    found = json.loads(ran.out)
    unknown = {policy["policy"]: policy["unknown"] for policy in found["policies"]}
    assert ran.code == 0
    assert (unknown["adults-only"], unknown["awake"]) == (1, 1)
    assert any("`age`" in warning["message"] for warning in found["warnings"])


def test_a_missing_file_is_told_where_the_manifest_names_it(policykit, workspace, monkeypatch):
    root = workspace({})
    (root / "data/people.csv").unlink()
    monkeypatch.chdir(root)

    ran = policykit("dry-run", "spring")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("campaigns/spring.yaml:3:18: people file `data/people.csv` does not exist")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--known-at", "2026-03-02T10:00"], "`--known-at 2026-03-02T10:00` has no offset, so nobody knows when it is"),
        (["--send-at", "soon"], "`--send-at soon` is no instant"),
        (["--memory-limit", "lots"], "`--memory-limit lots` is no size"),
        (["--threads", "0"], "0 is not in the range"),
    ],
)
def test_bad_options_are_wrong_use(policykit, workspace, option, said):
    ran = policykit("dry-run", "spring", *option, "--workspace", str(workspace({})))

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_place_that_cannot_be_written_is_wrong_use(policykit, workspace, tmp_path):
    ran = policykit("dry-run", "spring", "--out", str(tmp_path / "none/out.parquet"), "--workspace", str(workspace({})))

    assert (ran.code, ran.out) == (2, "")
    assert f"folder `{Path(tmp_path) / 'none'}` does not exist" in ran.err
