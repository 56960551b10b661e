from __future__ import annotations

import tempfile
from dataclasses import replace

import duckdb
import pytest

from policykit.dryrun import run as running
from policykit.dryrun.numbers import Numbers, PolicyNumbers, Suggestion
from policykit.dryrun.preflight import Lack
from policykit.dryrun.run import Options, dry_run
from policykit.dryrun.sources import Source, Sources
from policykit.errors import BadData, EnginesDisagree
from policykit.ir.nodes import Compare, Const, Type
from policykit.model import HOUR, LocalTime
from policykit.vocabulary import Vocabulary
from tests.dryrun.world import (
    AGE,
    COUNTRY,
    NOW,
    asked_first,
    campaign,
    file,
    minors,
    no_observed,
    office_hours,
    once_a_day,
    rule,
    ruleset,
)

YES = "2026-01-05T09:00:00Z"
QUICK = Options(threads=1)


@pytest.fixture
def world(tmp_path):
    """Five people: one as planned, one moved, one too young, one nobody knows the age of, one nowhere to be reached."""
    people = file(
        tmp_path / "people.csv", "id age address.push address.email",
        [("ann", 30, "t1", "a@example.com"), ("bob", 30, "t2", "b@example.com"), ("cyd", 17, "t3", ""),
         ("dee", "", "t4", ""), ("eve", 30, "", "")],
    )  # fmt: skip
    consents = file(
        tmp_path / "consents.csv", "person status channel purpose at",
        [("ann", "given", "*", "marketing", YES), ("bob", "given", "email", "*", YES), ("cyd", "given", "*", "*", YES),
         ("dee", "given", "push", "*", YES)],
    )  # fmt: skip
    return Sources(people, consents=consents)


def read(path) -> list[dict[str, object]]:
    found = duckdb.sql(f"SELECT * FROM read_parquet('{path}') ORDER BY row")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def test_the_numbers_say_what_happened_to_everybody_and_why(world):
    result = dry_run(ruleset(minors(), asked_first()), campaign(), world, NOW, options=QUICK)

    assert replace(result.numbers, examples=()) == Numbers(
        rows=5, people=5, allowed=1, downgraded=1, blocked=3, unknown=1,
        moved={"email": 1}, channels={"push": 1, "email": 1}, styles={"prove_you_know_me": 2},
        impossible={"no_address": 1},
        policies=(
            PolicyNumbers("asked-first", 1, 1, 0, decided=1, sent=1), PolicyNumbers("minors", 2, 2, 1, decided=2),
        ),
        suggestions=(
            Suggestion("policy", "minors", 2, 2), Suggestion("consent", "consent", 1, 0),
            Suggestion("fact", "recipient.age", 1, 1), Suggestion("policy", "asked-first", 1, 0),
        ),
    )  # fmt: skip
    assert result.verified == 5


def test_the_decisions_file_has_one_row_per_row_of_the_audience(world, tmp_path):
    out = tmp_path / "decisions.parquet"

    dry_run(ruleset(minors(), asked_first()), campaign(), world, NOW, out=out, options=QUICK)

    nothing = {"moved_to": None, "stripped": None, "generic": False, "blend": None, "send_at": None,
               "impossible": None,
               "policies": None, "undetermined": None, "waived": None, "determining_0": 0, "undetermined_0": 0,
               "audit_0": 0}  # fmt: skip
    young = {"policies": "minors", "determining_0": 2, "channel": None, "verdict": "block"}
    assert read(out) == [
        {"row": 1, "recipient_id": "ann", "verdict": "allow", "channel": "push"} | nothing,
        {"row": 2, "recipient_id": "bob", "verdict": "downgrade", "channel": "email"}
        | nothing | {"moved_to": "email", "policies": "asked-first", "determining_0": 1},
        {"row": 3, "recipient_id": "cyd"} | nothing | young,
        {"row": 4, "recipient_id": "dee"} | nothing | young | {"undetermined": "minors", "undetermined_0": 2},
        {"row": 5, "recipient_id": "eve", "verdict": "block", "channel": None} | nothing | {"impossible": "no_address"},
    ]  # fmt: skip
    metadata = dict(duckdb.sql(f"SELECT key, value FROM parquet_kv_metadata('{out}')").fetchall())
    assert metadata[b"policykit.policies"] == b"asked-first|minors"


def test_the_lists_hold_every_row_once(world, tmp_path):
    lists = tmp_path / "lists"

    dry_run(ruleset(minors(), asked_first()), campaign(), world, NOW, lists=lists, options=QUICK)

    assert {path.name: path.read_text().splitlines()[1:] for path in lists.iterdir()} == {
        "to-push.csv": ["ann,allow,,false,2026-03-02T10:00:00Z,"],
        "to-email.csv": ["bob,downgrade,,false,2026-03-02T10:00:00Z,"],
        "not-sent.csv": ["cyd,minors,", "dee,minors,", "eve,,no_address"],
    }


def test_lists_of_an_earlier_run_do_not_stay_beside_those_of_this_one(world, tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    mine = ("to-sms.csv", "to-email.csv", "not-sent.csv")
    yours = ("to-do.csv", "to-sms.csv.bak", "TO-sms.csv", "notes.txt")
    for name in (*mine, *yours):
        (lists / name).write_text("old")
    (lists / "to-in_app.csv").mkdir()

    dry_run(ruleset(minors(), asked_first()), campaign(), world, NOW, lists=lists, options=QUICK)

    assert {path.name for path in lists.iterdir()} == {
        "to-push.csv", "to-email.csv", "not-sent.csv", "to-in_app.csv", *yours,
    }  # fmt: skip
    assert all((lists / name).read_text() == "old" for name in yours)
    assert "old" not in (lists / "to-email.csv").read_text()


def test_lists_that_cannot_be_put_there_leave_the_earlier_ones(world, tmp_path):
    lists = tmp_path / "lists"
    (lists / "to-push.csv").mkdir(parents=True)
    (lists / "to-sms.csv").write_text("old")
    (lists / "not-sent.csv").write_text("old")

    with pytest.raises(BadData):
        dry_run(ruleset(minors(), asked_first()), campaign(), world, NOW, lists=lists, options=QUICK)

    assert {path.name for path in lists.iterdir()} == {"to-push.csv", "to-sms.csv", "not-sent.csv"}
    assert (lists / "not-sent.csv").read_text() == "old"
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".policykit")} == set()


def test_a_strip_a_delay_and_a_move_are_made_together(tmp_path):
    people = file(
        tmp_path / "p.csv", "id zone address.push address.email",
        [("paris", "Europe/Paris", "t", "e"), ("tokyo", "Asia/Tokyo", "t", "e"), ("nowhere", "Mars/Base", "t", "e")],
    )  # fmt: skip
    night = campaign("push", at=NOW + 12 * HOUR)  # 21:00Z: 22:00 in Paris, 06:00 in Tokyo
    out = tmp_path / "out.parquet"

    result = dry_run(ruleset(office_hours(), no_observed()), night, Sources(people), NOW, out=out, options=QUICK)

    assert [(r["verdict"], r["stripped"], str(r["send_at"]), r["impossible"]) for r in read(out)] == [
        ("downgrade", "basket", "2026-03-03 07:00:00+00:00", None),
        ("downgrade", "basket", "2026-03-02 23:00:00+00:00", None),
        ("block", None, "None", "unknown_zone"),
    ]
    assert (result.numbers.stripped, result.numbers.delayed) == ({"basket": 2}, 2)


def test_a_person_twice_in_the_audience_is_judged_in_order(tmp_path):
    people = file(
        tmp_path / "p.csv", "id age address.push", [("a", 17, "t"), ("a", 30, "t"), ("b", 30, "t"), ("a", 30, "t")]
    )
    history = file(tmp_path / "h.csv", "person at")
    out = tmp_path / "out.parquet"

    result = dry_run(
        ruleset(minors(), once_a_day()), campaign(), Sources(people, history=history), NOW, out=out, options=QUICK
    )

    assert [(r["recipient_id"], r["policies"]) for r in read(out)] == [
        ("a", "minors"), ("a", None), ("b", None), ("a", "once-a-day"),
    ]  # fmt: skip
    assert (result.numbers.rows, result.numbers.people) == (4, 2)


def test_more_rules_than_one_word_holds(tmp_path):
    ages = [rule(f"age-{n:03}", Compare("==", AGE, Const(n, Type.INT))) for n in range(150)]
    people = file(tmp_path / "p.csv", "id age address.push", [(n, n, "t") for n in (0, 61, 62, 149, 150)])
    out = tmp_path / "out.parquet"

    dry_run(ruleset(*ages), campaign(), Sources(people), NOW, out=out, options=QUICK)

    assert [(r["policies"], r["determining_0"], r["determining_1"], r["determining_2"]) for r in read(out)] == [
        ("age-000", 1, 0, 0), ("age-061", 1 << 61, 0, 0), ("age-062", 0, 1, 0), ("age-149", 0, 0, 1 << 25),
        (None, 0, 0, 0),
    ]  # fmt: skip


def test_what_policies_read_and_nobody_has_is_said_with_two_ways_out(tmp_path):
    people = file(tmp_path / "p.csv", "id age address.push", [("a", "", "t")])

    result = dry_run(ruleset(minors(), asked_first()), campaign(), Sources(people), NOW, options=QUICK)

    assert result.lacks == (
        Lack("consents", ("asked-first",), False, (
            "name the file under `audience:` as `consents: FILE`, or give `--consents FILE`",
        )),
        Lack("recipient.age", ("minors",), False, (
            "name the column under `audience:`: `columns: {recipient.age: <header>}`",
            "say what absence means: `assume: {recipient.age: ...}` in policykit.yaml",
        )),
    )  # fmt: skip


def test_an_audience_nobody_of_which_can_be_reached_is_said_so(tmp_path):
    people = file(tmp_path / "p.csv", "id address.push address.sms", [("a", "", "t")])

    result = dry_run(ruleset(), campaign("push", "email"), Sources(people), NOW, options=QUICK)

    assert [lack.fact for lack in result.lacks] == ["addresses"]
    assert result.numbers.impossible == {"no_address": 1}


@pytest.mark.parametrize("rules", [(), (minors(),), (minors(), asked_first(), office_hours())])
def test_an_own_hour_after_the_last_moment_does_not_leave(tmp_path, rules):
    people = file(
        tmp_path / "p.csv", "id age address.push address.email zone",
        [("ann", 30, "t", "a@example.com", "Europe/Paris"), ("bob", 30, "t", "b@example.com", "America/New_York"),
         ("cyd", 12, "t", "c@example.com", "America/New_York")],
    )  # fmt: skip
    consents = file(tmp_path / "c.csv", "person status channel purpose at",
                    [("ann", "given", "push", "*", YES), ("bob", "given", "email", "*", YES)])  # fmt: skip
    planned, until = LocalTime("2026-03-02T12:00"), NOW + 4 * HOUR  # 12:00 in New York is 17:00Z
    out = tmp_path / "out.parquet"

    sources = Sources(people, consents=consents)
    result = dry_run(ruleset(*rules), campaign(at=planned, not_after=until), sources, NOW, out=out, options=QUICK)

    assert [(r["verdict"], r["impossible"], r["policies"]) for r in read(out)] == [
        ("allow", None, None), ("block", "past_deadline", None), ("block", "past_deadline", None),
    ]  # fmt: skip
    assert result.numbers.impossible == {"past_deadline": 2}
    assert result.numbers.suggestions == ()


def test_assumptions_are_counted_where_they_stood_in(tmp_path):
    people = file(tmp_path / "p.csv", "id country address.push", [("a", "FR", "t"), ("b", "", "t"), ("c", "DE", "t")])
    french = rule("not-in-france", Compare("==", COUNTRY, Const("FR", Type.STRING)))

    result = dry_run(
        ruleset(french, assume={"recipient.country": "FR"}), campaign(), Sources(people), NOW, options=QUICK
    )

    assert (result.numbers.blocked, result.numbers.assumed) == (2, {"recipient.country": 1})


def test_an_assumption_about_everybody_is_counted_for_everybody(tmp_path):
    people = file(tmp_path / "p.csv", "id zone address.push", [("a", "Europe/Paris", "t"), ("b", "", "t")])
    assume = {"recipient.country": "FR", "recipient.zone": "Europe/Paris"}
    french = rule("not-in-france", Compare("==", COUNTRY, Const("FR", Type.STRING)))

    result = dry_run(ruleset(french, office_hours(), assume=assume), campaign(), Sources(people), NOW, options=QUICK)

    assert result.numbers.assumed == {"recipient.country": 2, "recipient.zone": 1}


def test_a_difference_between_the_engines_stops_the_run_and_names_nobody(world, monkeypatch, tmp_path):
    planned_for = running.planned_for

    def _forgetful(*arguments):
        plan, staging = planned_for(*arguments)
        return replace(plan, breached={v: (Const(False, Type.BOOL),) * 2 for v in plan.breached}), staging

    monkeypatch.setattr(running, "planned_for", _forgetful)
    out = tmp_path / "out.parquet"

    with pytest.raises(EnginesDisagree) as caught:
        dry_run(
            ruleset(minors(), asked_first()), campaign(), world, NOW, out=out, options=QUICK, pseudonym=lambda _: "p-1"
        )

    assert "person `p-1`" in str(caught.value)
    assert "bob" not in str(caught.value)
    assert not out.exists()


def test_places_that_cannot_be_written_to_are_refused_before_the_work(tmp_path):
    missing = Sources(Source(tmp_path / "none.csv"))  # would be refused when read
    (tmp_path / "lists").write_text("")

    with pytest.raises(BadData) as caught:
        dry_run(ruleset(minors()), campaign(), missing, NOW, out=tmp_path, lists=tmp_path / "lists", options=QUICK)

    assert [problem.message.replace(str(tmp_path), "here") for problem in caught.value.problems] == [
        "`here/lists` cannot be written: it is a file, not a folder",
        "`here` cannot be written: it is a folder, not a file",
    ]


def test_a_folder_that_does_not_exist_is_not_made(world, tmp_path):
    with pytest.raises(BadData, match="does not exist"):
        dry_run(ruleset(minors()), campaign(), world, NOW, out=tmp_path / "none" / "out.parquet", options=QUICK)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["consents.csv", "people.csv"]


def test_what_was_spilled_is_gone_afterwards_whatever_happened(world, tmp_path, monkeypatch):
    spills = tmp_path / "spills"
    spills.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spills))

    dry_run(ruleset(minors()), campaign(), world, NOW, options=QUICK)
    with pytest.raises(BadData):
        dry_run(
            ruleset(minors()), campaign(), replace(world, consents=Source(tmp_path / "none.csv")), NOW, options=QUICK
        )

    assert list(spills.iterdir()) == []


def test_integer_ids_of_parquet_meet_the_texts_of_a_ledger(tmp_path):
    path = tmp_path / "people.parquet"
    duckdb.sql("SELECT range AS id, 't' AS \"address.push\" FROM range(3)").write_parquet(str(path))
    consents = file(tmp_path / "c.csv", "person status channel purpose at", [("1", "given", "*", "*", YES)])

    result = dry_run(
        ruleset(asked_first("block")), campaign(), Sources(Source(path), consents=consents), NOW, options=QUICK
    )

    assert (result.numbers.allowed, result.numbers.blocked) == (1, 2)


def test_a_ledger_much_larger_than_the_audience_is_narrowed_to_it(tmp_path):
    people = file(tmp_path / "p.csv", "id address.push", [("1", "t")])
    consents = file(
        tmp_path / "c.csv", "person status channel purpose at", [(n, "given", "*", "*", YES) for n in range(50)]
    )

    result = dry_run(
        ruleset(asked_first()),
        campaign(),
        Sources(people, consents=consents),
        NOW,
        vocabulary=Vocabulary(),
        options=QUICK,
    )

    assert (result.numbers.rows, result.numbers.allowed) == (1, 1)
