from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from policykit.dryrun.relations import read_data
from policykit.dryrun.run import Options, Workbench, dry_run
from policykit.dryrun.sources import Source, Sources
from policykit.errors import BadData
from policykit.vocabulary import FactSpec, Vocabulary
from tests.dryrun.world import NOW, campaign, minors, ruleset


@pytest.fixture
def bench():
    with Workbench(Options(threads=1)) as made:
        yield made.connection


def put(folder: Path, name: str, content: str | bytes) -> Source:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Source(path)


def rows(bench, data, name: str = "people") -> list[dict[str, object]]:
    cursor = bench.execute(f"SELECT * FROM {data.tables[name].sql}")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def complaints(sources: Sources) -> list[str]:
    with Workbench(Options(threads=1)) as made, pytest.raises(BadData) as caught:
        read_data(made.connection, sources, Vocabulary())
    return [str(problem).replace(str(sources.people.path.parent) + "/", "") for problem in caught.value.problems]


# --- what is read ---------------------------------------------------------------------------------


def test_ids_stay_text_and_cells_are_typed_by_the_vocabulary_never_guessed(bench, tmp_path):
    source = put(
        tmp_path,
        "people.csv",
        "id,country,age,customer,last_purchase_at\n007,NO,010,true,2026-01-01T10:00:00+01:00\n7,,1e3,yes,\n",
    )

    data = read_data(bench, Sources(source), Vocabulary())

    assert rows(bench, data) == [
        {"row": 1, "key": "007", "id": "007", "country": "NO", "age": 10, "customer": True,
         "last_purchase_at": 1767258000000000},
        {"row": 2, "key": "7", "id": "7", "country": None, "age": None, "customer": None, "last_purchase_at": None},
    ]  # fmt: skip
    assert [w.message for w in data.warnings] == [
        "1 cells of `age` are not whole numbers; they count as unknown",
        "1 cells of `customer` are not `true` or `false`; they count as unknown",
    ]


@pytest.mark.parametrize("header", ["recipient.id,recipient.country", "id,country", "\ufeffid,country"])
def test_headers_may_carry_the_name_of_their_relation(bench, tmp_path, header):
    data = read_data(bench, Sources(put(tmp_path, "people.csv", f"{header}\n1,FR\n")), Vocabulary())

    assert rows(bench, data) == [{"row": 1, "key": "1", "id": "1", "country": "FR"}]


def test_columns_are_mapped_whatever_the_file_and_its_headers_are_called(bench, tmp_path):
    source = put(tmp_path, "peo'ple [1]*.csv", 'customer "no";it\'s\n"a;b";FR\n')
    mapped = Source(source.path, {"recipient.id": 'customer "no"', "recipient.country": "it's"})

    data = read_data(bench, Sources(mapped), Vocabulary())

    assert rows(bench, data) == [{"row": 1, "key": "a;b", "id": "a;b", "country": "FR"}]


def test_json_lines_hold_the_same_relations(bench, tmp_path):
    people = put(
        tmp_path, "people.jsonl", '{"id": "007", "address.push": "t1", "age": 3}\n{"id": 8, "customer": true}\n'
    )
    values = put(
        tmp_path, "v.jsonl", '{"person": "007", "attribute": "basket", "collected_for": ["marketing", "sales"]}\n'
    )

    data = read_data(bench, Sources(people, attributes=values), Vocabulary())

    assert [(r["id"], r["age"], r["customer"], r["address.push"]) for r in rows(bench, data)] == [
        ("007", 3, None, "t1"), ("8", None, True, None),
    ]  # fmt: skip
    assert rows(bench, data, "attributes")[0]["collected_for"] == "marketing|sales"


def test_parquet_types_are_taken_as_they_are(bench, tmp_path):
    path = tmp_path / "people.parquet"
    duckdb.sql(
        "SELECT 7 AS id, 'FR'::ENUM('FR', 'DE') AS country, 40::UTINYINT AS age, true AS customer, "
        "TIMESTAMPTZ '2026-01-01 10:00:00+01' AS last_purchase_at"
    ).write_parquet(str(path))

    data = read_data(bench, Sources(Source(path)), Vocabulary())

    assert data.key_type == "BIGINT"
    assert rows(bench, data) == [
        {"row": 1, "key": 7, "id": "7", "country": "FR", "age": 40, "customer": True,
         "last_purchase_at": 1767258000000000},
    ]  # fmt: skip


def test_facts_of_the_workspace_have_columns_too(bench, tmp_path):
    tier = FactSpec("recipient.tier", "string", "", members=("gold",), column="level")
    words = Vocabulary([tier, FactSpec("recipient.key", "int", "", column="key")])

    data = read_data(bench, Sources(put(tmp_path, "people.csv", "id,level,key\n1,gold,7\n2,Gold,8\n")), words)

    assert data.facts == {"recipient.id": "id", "recipient.tier": "level", "recipient.key": "fact.key"}
    assert [(row["key"], row["level"], row["fact.key"]) for row in rows(bench, data)] == [
        ("1", "gold", 7),
        ("2", None, 8),
    ]


# --- what is refused ------------------------------------------------------------------------------


BAD = {
    "no column": ("people.csv", "idd,age\n1,2\n", "column `id` of people is missing; did you mean `idd`?"),
    "twice": ("people.csv", "id,id\n1,2\n", "people.csv:1:2: column `id` appears twice"),
    "twice by two names": (
        "people.csv", "id,country,recipient.id\n1,FR,2\n",
        "people.csv:1:3: column appears twice (`id` and `recipient.id`)",
    ),
    "another fact twice": (
        "people.csv", "id,recipient.country,country\n1,FR,NO\n",
        "people.csv:1:3: column appears twice (`recipient.country` and `country`)",
    ),
    "naive": (
        "people.csv", "id,last_purchase_at\n1,2026-01-01T00:00Z\n2,2026-01-01 10:00\n3,2026-01-02\n",
        "people.csv:3:2: `2026-01-01 10:00` has no offset (and 1 more in this column)",
    ),
    "empty": ("people.csv", "id\n", "people.csv:1:1: the audience is empty"),
    "nothing": ("people.csv", "", "people.csv:1:1: the file is empty"),
    "no id": ("people.csv", "id,age\n1,2\n,3\n", "people.csv:3:1: a person has no id"),
    "repeated": ("people.csv", "id\n" + "1\n" * 17, "people.csv:18:1: one person has 17 rows, more than 16"),
    "not UTF-8": ("people.csv", b"id,country\n1,FR\n2,\xff\n", "people.csv:3:1: the file is not UTF-8"),
    "header not UTF-8": ("people.csv", b"id,\xff\n1,FR\n", "people.csv:1:1: the header is not UTF-8"),
    "mistyped": (
        "people.csv", "id,age\n" + "".join(f"{n},old\n" for n in range(10)),
        "people.csv:1:2: column `age` is mistyped: none of its 10 cells can be read, expected whole numbers",
    ),
    "long": ("people.csv", "id,country\n1," + "x" * 3_000_000 + "\n", "people.csv:2:1: a line is longer than"),
    "open quote": ("people.csv", 'id,country\n1,"x\n2,y\n', "people.csv:2:1: a quote is never closed"),
    "ragged": ("people.csv", "id,country\n1\n", "people.csv:2:1: the row has 1 cells, the header 2"),
    "no JSON": ("people.jsonl", '{"id": 1,\n', "people.jsonl:1:1: the file cannot be read: malformed json"),
    "not objects": ("people.jsonl", "[1]\n", "people.jsonl:1:1: 1 lines are not JSON objects"),
    "ending": ("people.xlsx", "id\n1\n", "is neither CSV, JSONL nor Parquet"),
    "no Parquet": ("people.parquet", "id\n1\n", "people.parquet:1:1: the file cannot be read:"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_cannot_be_used_is_refused_at_the_place(tmp_path, what):
    name, content, message = BAD[what]

    found = complaints(Sources(put(tmp_path, name, content)))

    assert len(found) == 1
    assert message in found[0]


def test_a_column_that_the_mapping_names_goes_before_one_of_its_own_name(bench, tmp_path):
    people = replace(put(tmp_path, "people.csv", "id,recipient.id\n1,2\n"), columns={"recipient.id": "recipient.id"})

    data = read_data(bench, Sources(people), Vocabulary())

    assert [row["key"] for row in rows(bench, data)] == ["2"]


def test_a_line_of_a_million_characters_is_read(bench, tmp_path):
    data = read_data(bench, Sources(put(tmp_path, "people.csv", "id,note\n1," + "x" * 1_000_000 + "\n")), Vocabulary())

    assert data.people.rows == 1


def test_parquet_columns_of_the_wrong_type_are_refused(tmp_path):
    path = tmp_path / "people.parquet"
    duckdb.sql(
        "SELECT 1.5::DOUBLE AS id, TIMESTAMP '2026-01-01' AS last_purchase_at, 'x' AS country, 1 AS customer"
    ).write_parquet(str(path))

    found = complaints(Sources(Source(path)))

    assert [line.split("\n")[0] for line in found] == [
        "people.parquet:1:1: column `id` holds double, expected text",
        "people.parquet:1:2: column `last_purchase_at` holds instants without a zone",
        "people.parquet:1:4: column `customer` holds integer, expected `true` or `false`",
    ]


def test_every_problem_of_every_file_is_told_in_one_run(tmp_path):
    people, history = put(tmp_path, "people.csv", "idd\n1\n"), put(tmp_path, "history.csv", "person\n1\n")

    found = complaints(Sources(people, consents=Source(tmp_path / "none.csv"), history=history))

    assert [line.split(";")[0].split("\n")[0] for line in found] == [
        "consents file `none.csv` does not exist",
        "history.csv:1:1: column `at` of history is missing",
        "people.csv:1:1: column `id` of people is missing",
    ]


def test_a_mapping_to_what_is_not_there_says_what_is(tmp_path):
    source = put(tmp_path, "people.csv", "customer_no,land\n1,FR\n")

    found = complaints(Sources(Source(source.path, {"recipient.id": "customer_nr", "recipient.cuntry": "land"})))

    asked = "people.csv:1:1: `recipient.id` should be read from column `customer_nr`"
    assert [line for problem in found for line in problem.split("\n")] == [
        "`recipient.cuntry` is no column of people; did you mean `country`?",
        "  help: `policykit facts --columns` lists them",
        f"{asked}, which the file does not have; did you mean `customer_no`?",
        "  help: the file has `customer_no`, `land`",
    ]


def test_nothing_is_written_when_a_file_is_refused(tmp_path):
    people = put(tmp_path, "people.csv", "id,last_purchase_at\n1,2026-01-01T10:00\n")
    out, lists = tmp_path / "out.parquet", tmp_path / "lists"

    with pytest.raises(BadData):
        dry_run(ruleset(minors()), campaign(), Sources(people), NOW, out=out, lists=lists)

    assert sorted(tmp_path.iterdir()) == [people.path]
