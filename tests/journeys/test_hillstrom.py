"""A real file of 64,000 customers, dry-run through column mapping, and counted again by SQL from the policies' words.

The file is not ours to give away: name it by POLICYKIT_HILLSTROM, or put it at ../shared/data/hillstrom.csv beside the
checkout. `hillstrom/prepare.py` says how consents, sends and the rest are derived from its columns.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent / "hillstrom"
CUSTOMERS = 64_000
KNOWN_AT = "2026-11-25T00:00:00Z"


@dataclass(frozen=True)
class Walk:
    """One dry run and what was expected of it. found: the summary as JSON; expected: a table of the connection."""

    found: dict[str, Any]
    folder: Path
    connection: duckdb.DuckDBPyConnection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def number(self, condition: str) -> int:
        """How many customers are expected to be so."""
        return int(self.rows(f"SELECT count(*) FILTER (WHERE {condition}) FROM expected")[0][0])


def source() -> Path:
    named = os.environ.get("POLICYKIT_HILLSTROM")
    path = Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "data" / "hillstrom.csv"
    if not path.is_file():
        pytest.skip(f"Hillstrom's file is not at `{path}`: name it by POLICYKIT_HILLSTROM")
    return path


def prepare(into: Path) -> None:
    spec = importlib.util.spec_from_file_location("hillstrom_prepare", HERE / "prepare.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.prepare(source(), into)


@pytest.fixture(scope="module")
def walk(policykit, tmp_path_factory) -> Walk:
    folder = tmp_path_factory.mktemp("hillstrom")
    shutil.copytree(HERE, folder, dirs_exist_ok=True)
    prepare(folder / "data")
    ran = policykit(
        "dry-run", "clothes", "--workspace", str(folder), "--known-at", KNOWN_AT, "--json",
        "--out", str(folder / "decisions.parquet"), "--lists", str(folder / "lists"),
    )  # fmt: skip
    assert ran.code == 0, ran.err
    connection = duckdb.connect()
    for name in ("audience", "consents", "history", "attributes"):
        path = folder / "data" / f"{name}.csv"
        texts = f"read_csv('{path}', all_varchar = true, header = true)"
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {texts}")
    connection.execute("CREATE TABLE expected AS " + (HERE / "expected.sql").read_text(encoding="utf-8"))
    connection.execute(f"CREATE VIEW found AS SELECT * FROM read_parquet('{folder / 'decisions.parquet'}')")
    return Walk(json.loads(ran.out), folder, connection)


def test_everybody_is_judged_once(walk: Walk) -> None:
    assert walk.found["audience"] == CUSTOMERS
    assert walk.rows("SELECT count(*), count(DISTINCT recipient_id) FROM found") == [(CUSTOMERS, CUSTOMERS)]


def test_totals_are_those_counted_by_hand(walk: Walk) -> None:
    found = walk.found

    assert {name: found[name] for name in ("allowed", "downgraded", "blocked", "generic", "delayed")} == {
        "allowed": walk.number("verdict = 'allow'"),
        "downgraded": walk.number("verdict = 'downgrade'"),
        "blocked": walk.number("verdict = 'block'"),
        "generic": walk.number("generic"),
        "delayed": walk.number("delayed"),
    }
    assert found["channels"] == {name: walk.number(f"channel = '{name}'") for name in ("push", "email")}
    assert found["moved"] == {"email": walk.number("moved")}
    assert found["stripped"] == {name: walk.number(f"{name}_stripped") for name in ("area", "interest", "spent")}


def test_every_policy_is_breached_as_often_as_counted_by_hand(walk: Walk) -> None:
    breached = {policy["policy"]: policy["breached"] for policy in walk.found["policies"]}

    assert breached == {policy: walk.number(f'"{policy}"') for policy in breached}
    assert len(breached) == 10
    for policy, count in breached.items():
        assert 0.01 <= count / CUSTOMERS <= 0.60, policy


def test_every_policy_meets_the_unknown_as_often_as_counted_by_hand(walk: Walk) -> None:
    unknown = {policy["policy"]: policy["unknown"] for policy in walk.found["policies"] if policy["unknown"]}
    columns = [name for name, *_ in walk.rows("DESCRIBE expected") if name.endswith("?")]

    assert unknown == {name[:-1]: walk.number(f'"{name}"') for name in columns}
    assert len(unknown) == 5


def test_everybodys_decision_is_the_one_said_by_hand(walk: Walk) -> None:
    differing = walk.rows("""
        SELECT e.id FROM expected e JOIN found f ON f.recipient_id = e.id
        WHERE f.verdict <> e.verdict OR f.channel IS DISTINCT FROM e.channel OR (f.moved_to IS NOT NULL) <> e.moved
           OR f.generic <> e.generic OR (f.send_at IS NOT NULL) <> e.delayed
           OR coalesce(f.stripped, '') <> concat_ws('|', CASE WHEN area_stripped THEN 'area' END,
                CASE WHEN interest_stripped THEN 'interest' END, CASE WHEN spent_stripped THEN 'spent' END)""")

    assert differing == []


def test_everybody_was_decided_by_the_policies_said_by_hand(walk: Walk) -> None:
    differing = walk.rows("""
        SELECT e.id, e.decided_by, f.policies FROM expected e JOIN found f ON f.recipient_id = e.id
        WHERE coalesce(f.policies, '') <> e.decided_by""")

    assert differing == []


def test_every_policy_decides_alone_as_often_as_counted_by_hand(walk: Walk) -> None:
    alone = {policy["policy"]: policy["alone"] for policy in walk.found["policies"]}

    assert alone == {policy: walk.number(f"decided_by = '{policy}'") for policy in alone}


def test_everybodys_unknown_policies_are_those_said_by_hand(walk: Walk) -> None:
    columns = [name for name, *_ in walk.rows("DESCRIBE expected") if name.endswith("?")]
    said = ", ".join(f"""CASE WHEN "{name}" THEN '{name[:-1]}' END""" for name in sorted(columns))

    differing = walk.rows(f"""
        SELECT e.id FROM (SELECT id, concat_ws('|', {said}) AS doubts FROM expected) e
        JOIN found f ON f.recipient_id = e.id WHERE coalesce(f.undetermined, '') <> e.doubts""")

    assert differing == []


def test_the_lists_add_up_to_the_audience(walk: Walk) -> None:
    lengths: Counter[str] = Counter()
    for path in (walk.folder / "lists").iterdir():
        with path.open(encoding="utf-8", newline="") as file:
            lengths[path.stem] = sum(1 for _ in csv.DictReader(file))

    assert sum(lengths.values()) == CUSTOMERS
    assert lengths == {
        "to-push": walk.number("channel = 'push'"),
        "to-email": walk.number("channel = 'email'"),
        "not-sent": walk.number("channel IS NULL"),
    }


def test_the_data_are_made_alike_twice(walk: Walk, tmp_path: Path) -> None:
    prepare(tmp_path)

    for path in tmp_path.iterdir():
        assert path.read_bytes() == (walk.folder / "data" / path.name).read_bytes(), path.name
