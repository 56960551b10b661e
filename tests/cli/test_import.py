"""`import` reads as a dry run does, writes all or nothing, and says what was new."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from policykit.stores.base import Store
from policykit.stores.open import open_store

CONSENTS = (
    "id,person,status,channel,at,expires_at\n"
    "c1,p1,given,email,2026-01-01T09:00:00Z,\n"
    "c2,p2,withdrawn,*,2026-01-02T09:00:00+01:00,\n"
)


@pytest.fixture
def shop(workspace) -> Path:
    return workspace({"policykit.yaml": "mode: enforce\nstore: sqlite:///store.db\n", "data/consents.csv": CONSENTS})


def _store(shop: Path) -> Store:
    return open_store("sqlite:///store.db", shop)


def _import(policykit, shop: Path, relation: str, file: str, *words: str):
    return policykit("import", relation, str(shop / file), "--workspace", str(shop), *words)


def test_it_says_what_was_new_and_what_was_known(policykit, shop):
    first = _import(policykit, shop, "consents", "data/consents.csv")
    again = _import(policykit, shop, "consents", "data/consents.csv", "--json")

    assert (first.code, first.out) == (0, "consents: 2 rows, 2 new or changed, 0 known already\n")
    assert json.loads(again.out) == {
        "relation": "consents", "rows": 2, "new": 0, "known": 2, "left_out": 0, "warnings": [],
    }  # fmt: skip


def test_rows_are_kept_as_they_are_written(policykit, shop):
    _import(policykit, shop, "consents", "data/consents.csv")

    assert sorted(_store(shop).rows("consents"), key=lambda row: str(row["id"])) == [
        {"id": "c1", "person": "p1", "status": "given", "channel": "email", "at": "2026-01-01T09:00:00Z",
         "expires_at": None},
        {"id": "c2", "person": "p2", "status": "withdrawn", "channel": "*", "at": "2026-01-02T09:00:00+01:00",
         "expires_at": None},
    ]  # fmt: skip


def test_a_cell_that_cannot_be_read_is_kept_and_told(policykit, shop):
    (shop / "data/people.csv").write_text("id,age\np1,thirty\np2,40\n")

    ran = _import(policykit, shop, "people", "data/people.csv")

    assert ran.code == 0
    assert "1 cells of `age` are not whole numbers; they count as unknown" in ran.err
    assert {row["id"]: row["age"] for row in _store(shop).rows("people")} == {"p1": "thirty", "p2": "40"}


def test_columns_of_other_names_are_mapped(policykit, shop):
    (shop / "data/crm.csv").write_text("customer_no;years\n007;30\n")

    ran = _import(policykit, shop, "people", "data/crm.csv", "--columns", "recipient.id=customer_no", "--columns",
                  "age=years")  # fmt: skip

    assert ran.code == 0, ran.err
    assert list(_store(shop).rows("people")) == [{"id": "007", "age": "30"}]


def test_parquet_types_become_what_a_file_of_text_would_say(policykit, shop):
    at = datetime(2026, 1, 1, 9, 0, 0, 5, tzinfo=UTC)
    table = pa.table({
        "id": pa.array([7], pa.int64()), "age": pa.array([30], pa.int32()), "customer": pa.array([True]),
        "last_purchase_at": pa.array([at], pa.timestamp("us", tz="UTC")),
    })  # fmt: skip
    pq.write_table(table, shop / "data/people.parquet")

    ran = _import(policykit, shop, "people", "data/people.parquet")

    assert ran.code == 0, ran.err
    assert list(_store(shop).rows("people")) == [
        {"id": "7", "age": 30, "customer": True, "last_purchase_at": "2026-01-01T09:00:00.000005+00:00"}
    ]


def test_every_mistake_of_a_file_is_told_and_nothing_is_written(policykit, shop):
    (shop / "data/bad.csv").write_text("person,stat,at,id\np1,given,2026-01-01T09:00:00,c1\n")

    ran = _import(policykit, shop, "consents", "data/bad.csv")

    assert (ran.code, ran.out) == (2, "")
    assert "column `status` of consents is missing; did you mean `stat`?" in ran.err
    assert "help: add it, or map it: `--columns status=<header>`; the file has `person`, `stat`, `at`, `id`" in ran.err
    assert not (shop / "store.db").exists() or list(_store(shop).rows("consents")) == []


def test_an_instant_without_an_offset_is_refused_by_its_line(policykit, shop):
    good, bad = "p1,given,2026-01-01T09:00:00Z\n", "p1,refused,2026-01-01T10:00:00\n"
    (shop / "data/bad.csv").write_text(f"person,status,at\n{good}{bad}")

    ran = _import(policykit, shop, "consents", "data/bad.csv")

    assert ran.code == 2
    assert f"{shop}/data/bad.csv:3:3: `2026-01-01T10:00:00` has no offset" in ran.err


def test_a_file_broken_in_the_middle_writes_nothing(policykit, shop):
    rows = "".join(f"p{n},given,2026-01-01T09:00:00Z\n" for n in range(5000))
    (shop / "data/bad.csv").write_text(f"person,status,at\n{rows}p1,given\n{rows}")

    ran = _import(policykit, shop, "consents", "data/bad.csv")

    assert (ran.code, ran.out) == (2, "")
    assert "bad.csv:5002:1: the row has 2 cells, the header 3" in ran.err
    assert list(_store(shop).rows("consents")) == []


def test_a_person_without_an_id_is_refused(policykit, shop):
    (shop / "data/bad.csv").write_text("id,age\np1,30\n,40\n,41\n")

    ran = _import(policykit, shop, "people", "data/bad.csv")

    assert (ran.code, "a person has no id (and 1 more)" in ran.err) == (2, True)


def test_rows_about_nobody_are_left_out_and_told(policykit, shop):
    (shop / "data/consents.csv").write_text(CONSENTS + "c3,,given,email,2026-01-03T09:00:00Z,\n")

    ran = _import(policykit, shop, "consents", "data/consents.csv")

    assert (ran.code, ran.out) == (0, "consents: 2 rows, 2 new or changed, 0 known already\n")
    assert "1 rows of consents name no person; they are left out" in ran.err


def test_of_two_rows_of_one_person_the_later_one_stays(policykit, shop):
    (shop / "data/twice.csv").write_text("id,age\np1,30\np2,20\np1,31\n")

    _import(policykit, shop, "people", "data/twice.csv")

    assert {row["id"]: row["age"] for row in _store(shop).rows("people")} == {"p1": "31", "p2": "20"}


def test_consents_are_imported_while_policies_are_broken(policykit, shop):
    (shop / "policies" / "adults.yaml").write_text("policies: [")

    assert _import(policykit, shop, "consents", "data/consents.csv").code == 0
    assert _import(policykit, shop, "people", "data/people.csv").code == 3  # may have columns of the workspace's own


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["consent", "data/consents.csv"], "`consent` is not one of"),
        (["consents", "data/nowhere.csv"], "does not exist"),
        (["consents", "data/consents.csv", "--columns", "person"], "`--columns person` maps nothing"),
        (["consents", "data/consents.csv", "--columns", "persn=person"], "did you mean `person`?"),
        (["consents", "policykit.yaml"], "neither CSV, JSONL nor Parquet"),
    ],
)
def test_wrong_use_is_told(policykit, shop, words, said):
    ran = _import(policykit, shop, *words)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


# --- the dry run on the store -------------------------------------------------------------------------


RELATIONS = ("people", "addresses", "consents", "history", "attributes")


@pytest.fixture(scope="module")
def stocked(policykit, demo, tmp_path_factory) -> Path:
    """The demo with its data in the store."""
    root = tmp_path_factory.mktemp("stocked") / "shop"
    shutil.copytree(demo, root, ignore=shutil.ignore_patterns(".policykit"))
    for relation in RELATIONS:
        mapped = ["--columns", "recipient.id=customer_no"] if relation == "people" else []
        ran = policykit("import", relation, str(root / f"data/{relation}.csv"), "-w", str(root), *mapped)
        assert ran.code == 0, ran.err
    return root


def _report(policykit, root: Path, *words: str) -> dict[str, object]:
    ran = policykit("dry-run", "basket", "-w", str(root), "--known-at", "2026-11-25T09:00:00Z", "--json", *words)
    assert ran.code in (0, 1), ran.err  # 1 = a brake was crossed
    found: dict[str, object] = json.loads(ran.out)
    return {key: value for key, value in found.items() if key not in ("warnings", "examples")}


def test_a_dry_run_on_the_store_says_what_one_on_the_files_says(policykit, stocked):
    assert _report(policykit, stocked, "--store") == _report(policykit, stocked)


@pytest.mark.slow
def test_without_an_audience_people_come_from_the_store(policykit, stocked):
    manifest = stocked / "campaigns" / "basket.yaml"
    before = manifest.read_text()
    whole = _report(policykit, stocked)
    manifest.write_text(before.replace("  from: data/people.csv\n", "").replace("  history: data/history.csv\n", ""))
    try:
        found = _report(policykit, stocked, "--store")
    finally:
        manifest.write_text(before)

    assert found == whole


@pytest.mark.slow
def test_a_file_given_is_taken_instead_of_the_store(policykit, stocked, tmp_path):
    nothing = tmp_path / "consents.csv"
    nothing.write_text("person,status,at\n")

    found = _report(policykit, stocked, "--store", "--consents", str(nothing))

    assert found == _report(policykit, stocked, "--consents", str(nothing))


def test_one_person_is_explained_as_the_store_knows_them(policykit, stocked):
    words = ("basket", "p000001", "-w", str(stocked), "--known-at", "2026-11-25T09:00:00Z")

    assert policykit("explain", *words, "--store") == policykit("explain", *words)


def test_a_hold_is_told(policykit, stocked):
    policykit("hold", "basket", "--because", "a wrong price", "-w", str(stocked))
    try:
        ran = policykit("dry-run", "basket", "-w", str(stocked), "--store", "--known-at", "2026-11-25T09:00:00Z")
    finally:
        policykit("release", "basket", "-w", str(stocked))

    assert "`basket` is on hold (a wrong price)" in ran.out


def test_an_empty_store_is_one_in_which_nobody_gave_consent(policykit, demo, tmp_path):
    root = tmp_path / "shop"
    shutil.copytree(demo, root, ignore=shutil.ignore_patterns(".policykit"))

    ran = policykit("dry-run", "basket", "-w", str(root), "--store", "--json", "--known-at", "2026-11-25T09:00:00Z")

    assert json.loads(ran.out)["allowed"] == 0
    assert ran.code == 1  # the brake
