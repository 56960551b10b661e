"""What people told back means the same to the reference, the generated Python and the dry run, at every boundary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from policykit.assemble.stores import exported, is_suppressed
from policykit.dryrun.numbers import read_decisions
from policykit.dryrun.relations import read_data
from policykit.dryrun.run import Options, Workbench, judge
from policykit.dryrun.sources import Source, Sources
from policykit.engine import Engine, reference_decide
from policykit.facts.stored import person_of
from policykit.ir.nodes import Compare, Const, Fact, Not, Type
from policykit.ir.rules import RuleSet
from policykit.model import Decision, FeedbackRecord, Person, Verdict
from policykit.stores.base import Asked, Cell, Row, Suppression
from policykit.stores.memory import MemoryStore
from policykit.vocabulary import Vocabulary
from tests.dryrun.world import NOW, campaign, rule, ruleset

TOLERANCE, DEGREE = Fact("recipient.tolerance", Type.INT), Fact("recipient.degree", Type.STRING)
SUPPRESSED = Fact("send.address.suppressed", Type.BOOL)
LEAST = -(2**63)
# What a person has, what they told back, and what is left of it; None = unknown.
TOLERATED = {
    "nothing told": (60, [], 60),
    "lowered": (60, [{"lower_tolerance": 20}], 40),
    "lowered as text": (60, [{"lower_tolerance": "20"}], 40),
    "lowered twice": (60, [{"lower_tolerance": 20}, {"lower_tolerance": 15}], 25),
    "below nothing": (10, [{"lower_tolerance": 20}], -10),
    "told right now": (60, [{"lower_tolerance": 20, "at": NOW}], 40),
    "told later": (60, [{"lower_tolerance": 20, "at": NOW + 1}], 60),
    "nobody knows when": (60, [{"lower_tolerance": 20, "at": "then"}], 40),
    "unreadable": (60, [{"lower_tolerance": "much"}], None),
    "unreadable, later": (60, [{"lower_tolerance": "much", "at": NOW + 1}], 60),
    "given back": (60, [{"lower_tolerance": -5}], None),
    "of another kind": (60, [{"kind": "complaint"}], 60),
    "too small to be held": (LEAST, [{"lower_tolerance": 1}], None),
    "more than can be held": (0, [{"lower_tolerance": 2**63 - 1}, {"lower_tolerance": 1}], LEAST),
    "unknown": (None, [{"lower_tolerance": 20}], None),
}
ACCEPTED = {
    "nothing told": ("inferred", [], "inferred"),
    "lowered": ("inferred", [{"degree": "provided"}], "provided"),
    "the lowest counts": ("inferred", [{"degree": "provided"}, {"degree": "generic"}], "generic"),
    "never raised": ("contextual", [{"degree": "provided"}], "contextual"),
    "told later": ("inferred", [{"degree": "provided", "at": NOW + 1}], "inferred"),
    "told right now": ("inferred", [{"degree": "provided", "at": NOW}], "provided"),
    "unreadable": ("inferred", [{"degree": "none"}, {"degree": "generic"}], None),
    "unknown": (None, [{"degree": "generic"}], None),
    "on one rung": ("derived", [{"degree": "observed"}], "observed"),
}  # fmt: skip
Told = list[dict[str, Cell]]


Verdicts = list[tuple[Verdict, bool]]
ALLOWED, REFUSED, UNDETERMINED = (Verdict.ALLOW, False), (Verdict.BLOCK, False), (Verdict.BLOCK, True)


def _store(column: str, cases: Mapping[str, tuple[Any, Told, Any]], other: str, unknown: Cell) -> MemoryStore:
    """Everybody with what they have in a column, and in another one what should be left of it."""
    store = MemoryStore(lambda: NOW)
    for name, (value, told, left) in cases.items():
        row: Row = {"id": name, "address.email": f"{name}@example.com", other: unknown if left is None else left}
        store.write("people", [{**row, column: value} if value is not None else row])
        store.write("feedback", [{"person": name, "id": f"f{n}", "at": NOW - 1, **row} for n, row in enumerate(told)])
    return store


def _verdicts(store: MemoryStore, rules: RuleSet) -> dict[str, Verdicts]:
    """By person the verdict of each path, and whether it met something unknown."""
    send, names = campaign("email"), [str(row["id"]) for row in store.rows("people")]
    known = store.known([Asked("email", "", name) for name in names], NOW)
    found: dict[str, Verdicts] = {}
    for stored in filter(None, known.named):
        person = person_of(rules, Vocabulary(), stored, suppressed=known.suppressed)
        said = reference_decide(rules, send, person, NOW), Engine(rules).decide(send, person, NOW)
        found[stored.id] = [_told(decision) for decision in said]
    with exported(store, ["people", "addresses", "feedback"]) as files, Workbench(Options(threads=1)) as bench:
        named = {name: Source(path) for name, path in files.items()}
        sources = Sources(**named, suppressed=is_suppressed(store))  # type: ignore[arg-type]  # names of relations
        data = read_data(bench.connection, sources, Vocabulary())
        plan, _ = judge(bench.connection, rules, send, data, NOW)
        for _, (person_id, decision) in read_decisions(bench.connection, plan, range(1, len(names) + 1)):
            found[person_id].append(_told(decision))
    return found


def _told(decision: Decision) -> tuple[Verdict, bool]:
    return decision.verdict, bool(decision.undetermined)


@pytest.mark.parametrize(
    ("fact", "cases", "other", "unknown"),
    [(TOLERANCE, TOLERATED, Fact("recipient.age", Type.INT), 0),
     (DEGREE, ACCEPTED, Fact("recipient.language", Type.STRING), "generic")],
    ids=["tolerance", "degree"],
)  # fmt: skip
def test_what_is_left_is_the_same_on_every_path(fact: Fact, cases: Any, other: Fact, unknown: Cell) -> None:
    column, beside = (each.path.removeprefix("recipient.") for each in (fact, other))

    found = _verdicts(_store(column, cases, beside, unknown), ruleset(rule("left", Not(Compare("==", fact, other)))))

    assert found == {name: [UNDETERMINED if left is None else ALLOWED] * 3 for name, (_, _, left) in cases.items()}


def test_what_is_assumed_is_lowered_too() -> None:
    lower = Not(Compare("==", TOLERANCE, Const(30, Type.INT)))
    store = _store("tolerance", {"ana": (None, [{"lower_tolerance": 20}], None)}, "age", 0)

    found = _verdicts(store, ruleset(rule("left", lower), assume={"recipient.tolerance": 50}))

    assert found == {"ana": [ALLOWED] * 3}


def test_complaining_never_makes_more_possible() -> None:
    """Whatever is told, in whatever order: tolerance and degree are no higher than before, or unknown."""
    rules = ruleset(rule("left", Compare("<", TOLERANCE, Const(60, Type.INT))))
    told = tuple(FeedbackRecord(NOW, points, degree) for points in (0, 7, None) for degree in (None, "provided"))
    for count in range(len(told) + 1):
        some = told[:count]
        people = [Person("ana", {"recipient.tolerance": 60}, feedback=each) for each in (some, some[::-1])]

        one, other = (reference_decide(rules, campaign("email"), person, NOW) for person in people)

        assert one == other


# --- addresses ------------------------------------------------------------------------------------------

ON_FILE: dict[str, tuple[Row | None, bool, bool | None]] = {
    "nobody said anything": ({}, False, False),
    "the store says": ({}, True, True),
    "the file says": ({"suppressed": True}, False, True),
    "the file says no": ({"suppressed": False}, False, False),
    "the file says no, the store yes": ({"suppressed": "false"}, True, True),
    "unreadable": ({"suppressed": "maybe"}, False, None),
    "unreadable, but the store says": ({"suppressed": "maybe"}, True, True),
    "in a column of people": (None, False, False),
    "in a column of people, the store says": (None, True, True),
    "a row of the very address in a column says": ({"in a column": True, "suppressed": True}, False, True),
    "such a row, spelled alike": (
        {"in a column": True, "suppressed": True, "address": "Person10@Example.COM"},
        False,
        True,
    ),
    "such a row says no": ({"in a column": True, "suppressed": False}, False, False),
    "such a row is unreadable": ({"in a column": True, "suppressed": "maybe"}, False, None),
    "such a row is unreadable, but the store says": ({"in a column": True, "suppressed": "maybe"}, True, True),
    "such a row is of another address": (
        {"in a column": True, "suppressed": True, "address": "other@example.com"},
        False,
        False,
    ),
}


def test_an_address_is_suppressed_on_every_path_or_on_none() -> None:
    store = MemoryStore(lambda: NOW)
    for number, (name, (row, by_store, _)) in enumerate(ON_FILE.items()):
        address = f"Person{number}@Example.COM"
        said = dict(row or {})
        has_column = said.pop("in a column", row is None)
        listed: Row = {"person": name, "channel": "email", "address": address.lower(), **said}
        store.write("people", [{"id": name, "address.email": address} if has_column else {"id": name}])
        store.write("addresses", [listed] if row is not None else [])
        store.suppress([Suppression("email", address, "bounce", NOW)] if by_store else [])

    found = _verdicts(store, ruleset(rule("gone", SUPPRESSED)))

    expected = {False: ALLOWED, True: REFUSED, None: UNDETERMINED}
    assert found == {name: [expected[is_suppressed]] * 3 for name, (_, _, is_suppressed) in ON_FILE.items()}


def test_files_alone_tell_what_a_row_says_of_an_address_in_a_column(tmp_path: Path) -> None:
    """Whatever is assumed of addresses of which nobody says anything."""
    (tmp_path / "people.csv").write_text("id,address.email\nana,Ana@Example.com\nben,ben@example.com\n")
    (tmp_path / "rows.csv").write_text("person,channel,address,suppressed\nana,email,ana@example.com,true\n")
    rules = ruleset(rule("gone", SUPPRESSED), assume={"send.address.suppressed": False})
    files = Sources(Source(tmp_path / "people.csv"), addresses=Source(tmp_path / "rows.csv"))
    with Workbench(Options(threads=1)) as bench:
        plan, _ = judge(
            bench.connection, rules, campaign("email"), read_data(bench.connection, files, Vocabulary()), NOW
        )
        found = [_told(decision) for _, (_, decision) in read_decisions(bench.connection, plan, [1, 2])]

    assert found == [REFUSED, ALLOWED]


def test_files_alone_cannot_tell_of_a_column_they_lack(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("id,address.email\nana,ana@example.com\n")
    rules = ruleset(rule("gone", SUPPRESSED))
    with Workbench(Options(threads=1)) as bench:
        data = read_data(bench.connection, Sources(Source(tmp_path / "people.csv")), Vocabulary())
        plan, _ = judge(bench.connection, rules, campaign("email"), data, NOW)
        ((_, (_, decision)),) = read_decisions(bench.connection, plan, [1])

    assert (decision.verdict, decision.undetermined) == (Verdict.BLOCK, ("gone",))
