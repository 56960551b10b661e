"""Forgetting in one SQLite file: what may be changed behind the store's back and is found, and files of format 1."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from policykit.errors import StoreUnavailable
from policykit.stores.base import Entry, Forgotten
from policykit.stores.chain import head_before
from policykit.stores.sqlite import SQLiteStore
from policykit.testing.store_rows import ADDRESS, NO, NOW, YES, fill, read_ada, run_together

FORMAT_1 = Path(__file__).with_name("format_1.sql").read_text()
HEAD_1 = "0810cb923dcd6443fca4b744287c9045e9440b76eda5423b8f55bf560d59670c"
PSEUDONYM = "3f9c2a81d0e4"


def _run_sql(path, *statements, script=""):
    file = sqlite3.connect(path, isolation_level=None)
    try:
        if script:
            file.executescript(script)
        for statement in statements:
            file.execute(statement)
    finally:
        file.close()


# --- behind the store's back ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "log", "ledger"),
    [
        ("UPDATE decisions SET line = '{}', nonce = '', digest = hash WHERE number = 1", 1, None),
        ("UPDATE decisions SET line = '{}', nonce = '', digest = nonce WHERE number = 2", 2, None),
        ("UPDATE consents SET person = '', row = '', nonce = '', digest = hash WHERE n = 2", None, 2),
    ],
)
def test_what_the_triggers_let_pass_is_found(store, statement, log, ledger):
    store.write("consents", [YES, {**NO, "person": "bob"}])
    store.record([Entry("d1", '"one"'), Entry("d2", '"two"')], NOW)

    _run_sql(store.path, statement)

    assert (store.verify().broken, store.verify_consents().broken) == (log, ledger)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decisions SET nonce = 'n' WHERE number = 1",
        "UPDATE decisions SET line = '\"other\"' WHERE number = 1",
        "UPDATE decisions SET hash = 'h', nonce = '', digest = 'd' WHERE number = 1",
        "UPDATE consents SET row = '{}', nonce = '', digest = 'd'",
        "UPDATE consents SET digest = 'd' WHERE nonce = ''",
        "DELETE FROM consents WHERE nonce = ''",
    ],
)
def test_nothing_but_redaction_is_let_pass_and_that_only_once(store, statement):
    store.write("consents", [YES, {**YES, "person": "bob"}])
    store.record([Entry("d1", '"one"')], NOW)
    store.forget("bob", NOW)

    with pytest.raises(sqlite3.IntegrityError):
        _run_sql(store.path, statement)


def test_a_consent_that_people_are_judged_by_and_nobody_gave_is_found(store):
    store.write("consents", [YES])

    _run_sql(store.path, "UPDATE people SET facts = replace(facts, '2023-01-01', '2026-01-01')")

    assert store.verify().broken is None
    assert store.verify_consents().broken == 2


def test_old_versions_of_rows_are_unreadable_too(store):
    """A row that was replaced lies in the file until it is overwritten."""
    for number in range(300):
        store.write("attributes", [{"person": "ada", "attribute": "basket", "value": f"pram {number} " * 9}])
        store.write("people", [{"id": f"p{number}", "note": "x" * 200}])
    store.write("attributes", [{"person": "ada", "attribute": "basket", "value": ""}])

    store.forget("ada", NOW)

    assert store.scrub()
    left = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert [needle in left for needle in (b"pram", b'"ada"')] == [False, False]
    assert len(list(store.rows("people"))) == 300


def test_a_reader_in_the_way_of_scrubbing_is_said(store, monkeypatch):
    fill(store)
    monkeypatch.setattr("policykit.stores.sqlite._SCRUB_S", 0.01)
    reader = sqlite3.connect(store.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM people").fetchone()
    store.forget("ada", NOW)

    scrubbed = store.scrub()

    reader.close()
    assert (scrubbed, store.scrub()) == (False, True)


def test_forgetting_beside_writers_leaves_both_chains_whole(store):
    """Two connections record decisions and consents of two people while one of them is forgotten again and again."""
    other = SQLiteStore(store.path)

    def _write(one: SQLiteStore, name: str) -> None:
        for number in range(30):
            line = f'{{"id":"{name}-{number}","person":"{PSEUDONYM if number % 2 else "b0b"}","verdict":"allow"}}'
            one.record([Entry(f"{name}-{number}", line)], NOW)
            one.write("consents", [{**YES, "id": f"{name}-{number}", "person": ("ada", "bob")[number % 2]}])

    def _forget() -> None:
        for moment in range(12):
            store.forget("ada", NOW + moment, PSEUDONYM)

    run_together([lambda: _write(store, "one"), lambda: _write(other, "two"), _forget])
    store.forget("ada", NOW, PSEUDONYM)

    assert (store.verify().broken, other.verify_consents().broken) == (None, None)
    assert not any(PSEUDONYM in each.line for each in other.decisions())
    assert len(list(store.rows("consents"))) == 30
    other.close()


# --- files of format 1 --------------------------------------------------------------------------------


@pytest.fixture
def earlier(tmp_path):
    path = tmp_path / "store.db"
    _run_sql(path, script=FORMAT_1)
    return path


def test_a_file_of_format_1_goes_on_with_everything_in_it(earlier):
    store = SQLiteStore(earlier)

    ada = read_ada(store)

    assert (len(ada.consents), len(ada.history), dict(store.holds())) == (2, 2, {"spring": "why"})
    log = store.decisions()
    assert [head_before(each.line) for each in log] == [None, None, None, HEAD_1]
    assert (store.verify().lines, store.verify().broken) == (4, None)
    assert (store.verify_consents().lines, store.verify_consents().broken) == (3, None)
    assert store.record([Entry("pk-9", '"more"')], NOW) == (True,)
    assert store.forget("ada", NOW, PSEUDONYM) == Forgotten(
        people=1, addresses=1, attributes=1, consents=2, history=2, decisions=3, suppressed=1
    )
    assert (store.verify().broken, store.verify_consents().broken) == (None, None)
    assert store.known([ADDRESS], NOW).suppressed
    store.close()


def test_what_was_wrong_with_a_log_of_format_1_stays_wrong(earlier):
    _run_sql(earlier, "DROP TRIGGER decisions_stay", "UPDATE decisions SET line = '{}' WHERE number = 2")
    store = SQLiteStore(earlier)

    store.record([Entry("pk-9", '"more"')], NOW)

    assert store.verify().broken == 2
    store.close()


def test_two_processes_do_not_both_make_a_file_ours(earlier):
    one, other = SQLiteStore(earlier), SQLiteStore(earlier)

    assert [one.verify().lines, other.verify().lines] == [4, 4]
    one.close()
    other.close()


def test_who_still_runs_with_format_1_records_nothing(earlier):
    """The statement of an earlier version does not fit any more: its send is refused, or waits for the store."""
    SQLiteStore(earlier).holds()

    with pytest.raises(sqlite3.OperationalError):
        _run_sql(earlier, "INSERT INTO recording VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)".replace("?", "1"))


def test_a_format_that_nobody_knows_is_left_alone(earlier):
    _run_sql(earlier, "PRAGMA user_version = 99")

    with pytest.raises(StoreUnavailable, match="has format 99"):
        SQLiteStore(earlier).holds()
