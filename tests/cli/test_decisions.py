"""The log of decisions and holds, at the command line."""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from policykit.model import Changes, Decision, Verdict
from policykit.sends import DecisionRecord, to_line
from policykit.stores.base import Entry
from policykit.stores.open import open_store

AT = 1_772_449_200_000_000  # 2026-03-02 11:00 UTC
ALLOWED = DecisionRecord(
    id="pk-" + "a" * 20, at=AT, decision=Decision(Verdict.ALLOW, channel="email", at=AT), channel="email",
    provider="sendgrid", effect="passed", person="0123456789ab", campaign="spring", rules="f" * 64,
)  # fmt: skip
BLOCKED = DecisionRecord(
    id="pk-" + "b" * 20, at=AT + 1_000_000,
    decision=Decision(Verdict.BLOCK, determining=("adults-only",), undetermined=("adults-only",)),
    channel="email", provider="sendgrid", effect="refused", person=None, campaign="spring",
    because={"adults-only": "Children are not for sale."}, rules="f" * 64, conflict=("context.conflict",),
)  # fmt: skip
MOVED = DecisionRecord(
    id="pk-" + "c" * 20, at=AT + 2_000_000,
    decision=Decision(Verdict.DOWNGRADE, Changes(channel="email", strip=("basket",)), ("by-invitation",),
                      channel="email", at=AT + 2_000_000),
    channel="push", provider="fcm", effect="replaced", person="0123456789ab", campaign="spring",
    because={"by-invitation": ""}, records=("c1", "c2"), rules="f" * 64,
)  # fmt: skip


@pytest.fixture
def shop(workspace) -> Path:
    root = workspace({"policykit.yaml": "mode: enforce\nstore: sqlite:///store.db\n"})
    store = open_store("sqlite:///store.db", root)
    store.record([Entry(each.id, to_line(each)) for each in (ALLOWED, BLOCKED, MOVED)], AT)
    store.close()
    return root


def test_an_empty_log_is_whole_and_has_no_head(policykit, workspace):
    ran = policykit("decisions", "verify", "--workspace", str(workspace({})))

    assert (ran.code, ran.out) == (0, "0 decisions, none changed or removed\n")


def test_tail_shows_a_decision_per_line_oldest_first(policykit, shop):
    lines = policykit("decisions", "tail", "-w", str(shop)).out.splitlines()

    assert len(lines) == 3
    assert lines[0].startswith(
        "2026-03-02 11:00:00  allow, passed         email by sendgrid  spring       0123456789ab"
    )
    assert lines[1].endswith("a stranger    adults-only: Children are not for sale. (pk-bbbbbbbbbbbbbbbbbbbb)")
    assert policykit("decisions", "tail", "-n", "1", "-w", str(shop)).out.splitlines() == lines[2:]


def test_tail_as_json_has_what_was_written(policykit, shop):
    found = json.loads(policykit("decisions", "tail", "--json", "-w", str(shop)).out)

    assert [each["number"] for each in found] == [1, 2, 3]
    assert found[1]["reason"] == "adults-only: Children are not for sale."
    assert found[1]["decision"] == json.loads(to_line(BLOCKED))


def test_show_tells_one_decision_whole(policykit, shop):
    ran = policykit("decisions", "show", MOVED.id, "-w", str(shop))

    said = dict(line.strip().split("  ", 1) for line in ran.out.splitlines()[1:])
    assert {key: value.strip() for key, value in said.items() if key != "in the log"} == {
        "verdict": "downgrade; the send went out changed",
        "reason": "by-invitation",
        "when": "2026-03-02 11:00:02 UTC",
        "send": "push by fcm, marketing",
        "campaign": "spring",
        "person": "0123456789ab",
        "changes": "moved to email, without `basket`",
        "left as": "email",
        "stands on": "consent records c1, c2",
        "rules": "f" * 64,
    }


def test_show_of_a_decision_that_is_not_there_is_wrong_use(policykit, shop):
    ran = policykit("decisions", "show", "pk-1", "-w", str(shop))

    assert (ran.code, ran.out) == (2, "")
    assert "there is no decision `pk-1` in this workspace's log" in ran.err


def test_verify_says_that_nothing_was_changed_and_tells_the_head(policykit, shop):
    ran = policykit("decisions", "verify", "-w", str(shop))

    head = ran.out.split()[-1]
    assert ran.out == f"3 decisions, none changed or removed; head {head}\n"
    assert ran.code == 0
    assert policykit("decisions", "verify", "--head", head, "-w", str(shop)).code == 0


def test_verify_finds_a_changed_line(policykit, shop):
    with sqlite3.connect(shop / "store.db") as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")  # what keeps the log from being changed by accident
        table, column = _log_table(connection)
        connection.execute(f"UPDATE {table} SET {column} = replace({column}, 'refused', 'passed')")
    connection.close()

    ran = policykit("decisions", "verify", "-w", str(shop))

    assert (ran.code, ran.out) == (1, "broken: line 2 of the log is not what was written\n")


def test_verify_finds_a_log_that_was_replaced_by_a_head_noted_earlier(policykit, shop):
    ran = policykit("decisions", "verify", "--head", "0" * 64, "--json", "-w", str(shop))

    found = json.loads(ran.out)
    assert (ran.code, found["broken"], found["head_found"], found["holds"]) == (1, None, False, False)


def test_export_as_json_lines_holds_each_decision_letter_by_letter(policykit, shop, tmp_path):
    ran = policykit("decisions", "export", str(tmp_path / "log.jsonl"), "-w", str(shop))

    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert ran.out == f"wrote 3 decisions to `{tmp_path / 'log.jsonl'}`\n"
    assert [line.partition('"decision":')[2][:-1] for line in lines] == [to_line(e) for e in (ALLOWED, BLOCKED, MOVED)]
    assert [json.loads(line)["number"] for line in lines] == [1, 2, 3]


def test_export_as_csv_is_a_table(policykit, shop, tmp_path):
    policykit("decisions", "export", str(tmp_path / "log.csv"), "-w", str(shop))

    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["verdict"], row["effect"], row["policies"]) for row in rows] == [
        (ALLOWED.id, "allow", "passed", ""), (BLOCKED.id, "block", "refused", "adults-only"),
        (MOVED.id, "downgrade", "replaced", "by-invitation"),
    ]  # fmt: skip
    assert rows[0]["at"] == "2026-03-02T11:00:00+00:00"


@pytest.mark.parametrize("name", ["log.xlsx", "nowhere/log.csv"])
def test_an_export_that_cannot_be_written_leaves_nothing(policykit, shop, tmp_path, name):
    before = sorted(tmp_path.iterdir())

    assert policykit("decisions", "export", str(tmp_path / name), "-w", str(shop)).code == 2
    assert sorted(tmp_path.iterdir()) == before


def test_the_log_can_be_read_while_policies_are_broken(policykit, shop):
    (shop / "policies" / "adults.yaml").write_text("policies: [")

    assert policykit("decisions", "tail", "-w", str(shop)).code == 0


def test_a_broken_configuration_names_no_store(policykit, shop):
    (shop / "policykit.yaml").write_text("mode: enforce\nstore: 7\n")

    ran = policykit("decisions", "tail", "-w", str(shop))

    assert ran.code == 2
    assert "policykit.yaml:2:8" in ran.err


def test_an_empty_log_says_so(policykit, workspace):
    root = workspace({"policykit.yaml": "mode: enforce\nstore: sqlite:///store.db\n"})

    assert policykit("decisions", "tail", "-w", str(root)).out == "nothing was decided yet\n"
    assert policykit("decisions", "verify", "-w", str(root)).code == 0


def test_a_long_log_is_exported_whole(policykit, shop, tmp_path):
    more = [Entry(f"pk-{n:020x}", to_line(replace(ALLOWED, id=f"pk-{n:020x}"))) for n in range(2_500)]
    store = open_store("sqlite:///store.db", shop)
    store.record(more, AT)
    store.close()

    ran = policykit("decisions", "export", str(tmp_path / "log.jsonl"), "-w", str(shop))

    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert ran.out.startswith("wrote 2,503 decisions")
    assert [json.loads(line)["number"] for line in lines] == list(range(1, 2_504))


@pytest.mark.slow
def test_follow_shows_each_decision_as_it_is_made(shop):
    words = [sys.executable, "-u", "-m", "policykit", "decisions", "tail", "--follow", "--json", "-w", str(shop)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        before = [json.loads(following.stdout.readline())["number"] for _ in range(3)]
        store = open_store("sqlite:///store.db", shop)
        store.record([Entry("pk-" + "d" * 20, to_line(replace(ALLOWED, id="pk-" + "d" * 20)))], AT)
        store.close()
        fresh = json.loads(following.stdout.readline())
        following.send_signal(signal.SIGINT)
        _, err = following.communicate(timeout=20)

    assert (before, fresh["number"], fresh["decision"]["id"]) == ([1, 2, 3], 4, "pk-" + "d" * 20)
    assert (following.returncode, err) == (130, "interrupted\n")


# --- holds -----------------------------------------------------------------------------------------


def test_hold_and_release_are_seen_by_everybody_who_shares_the_store(policykit, shop):
    held = policykit("hold", "spring", "--because", "a wrong price", "-w", str(shop))
    listed = policykit("hold", "-w", str(shop))
    released = policykit("release", "spring", "-w", str(shop))

    assert held.out == "`spring` is on hold from its next send on; `policykit release spring` ends it\n"
    assert listed.out == "spring: a wrong price\n"
    assert released.out == "`spring` goes on: its sends are judged by the policies again\n"
    assert policykit("hold", "-w", str(shop)).out == "nothing is on hold\n"


def test_a_second_hold_tells_the_reason_before(policykit, shop):
    policykit("hold", "spring", "--because", "a wrong price", "-w", str(shop))

    ran = policykit("hold", "spring", "--because", "a wrong name", "--json", "-w", str(shop))

    assert json.loads(ran.out) == {"campaign": "spring", "because": "a wrong name", "before": "a wrong price"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hold", "sprin", "--because", "x"], "there is no campaign `sprin`; did you mean `spring`?"),
        (["hold", "spring"], "`--because` is missing"),
        (["hold", "spring", "--because", " "], "`--because` is empty"),
        (["release", "spring"], "campaign `spring` is not on hold"),
    ],
)
def test_wrong_use_is_told(policykit, shop, words, said):
    ran = policykit(*words, "-w", str(shop))

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_campaign_can_be_held_while_its_manifest_is_broken(policykit, shop):
    (shop / "campaigns" / "spring.yaml").write_text("campaign: spring\nchannels: {emial: {body: x}}\n")

    assert policykit("hold", "spring", "--because", "something burns", "-w", str(shop)).code == 0


def _log_table(connection: sqlite3.Connection) -> tuple[str, str]:
    """The table that holds the lines, and its column, whatever the store calls them."""
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
        for column in [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]:
            if connection.execute(
                f"SELECT 1 FROM {table} WHERE CAST({column} AS TEXT) LIKE '%adults-only%'"
            ).fetchone():
                return str(table), str(column)
    raise LookupError
