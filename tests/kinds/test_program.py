"""`program`: who joined, which use was asked for, what is delivered; the same on every path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from policykit.engine import Engine, reference_decide
from policykit.facts.consent import joined, membership, program_path
from policykit.facts.given import read_given
from policykit.ir.rules import RuleSet
from policykit.language.spans import parse_instant
from policykit.model import DAY, Campaign, ConsentRecord, Decision, Prepared, Program, Use, Variant
from policykit.vocabulary import Vocabulary
from tests.laws import oracle
from tests.laws.oracle_compile import registry_of, ruleset_of
from tests.laws.oracle_files import comparable, dry_decisions, write_tables
from tests.laws.strategies import Setting, Tables

NOW = parse_instant("2026-03-02T09:00:00Z") or 0
AT = "2026-03-03T09:00:00Z"  # when it leaves, a day later
LONG_AGO, LAST_WEEK, LATER = "2025-03-02T09:00:00Z", "2026-02-23T09:00:00Z", "2026-03-02T09:00:00.000001Z"
REGISTRY = {
    "purposes": ["acme", "acme.loyalty"],
    "attributes": [
        {"id": "moving", "origin": "observed", "collected_for": ["acme"]},
        {"id": "boxes", "origin": "inferred", "inferred_from": ["moving"], "collected_for": ["acme"]},
        {"id": "town", "origin": "provided", "collected_for": ["acme"]},
    ],
    "programs": [
        {
            "id": "new-home",
            "purpose": "acme.loyalty",
            "asks": ["moving"],
            "gives": [{"id": "month", "what": "a month"}],
        },
        {"id": "club", "purpose": "acme", "asks": ["moving", "town"], "gives": [{"id": "points", "what": "points"}]},
    ],
}
MEMBERS = {"id": "members", "kind": "program", "require": {"joined": "this_program"}, "on_breach": "block"}
STRIP = {"downgrade": {"uses": "strip"}}
Row = dict[str, Any]


def setting(*policies: Row, campaign: Campaign) -> Setting:
    return Setting({"controller": "acme", "assume": {}}, REGISTRY, policies, campaign, NOW)


def campaign(
    *uses: str, program: str | None = "new-home", purpose: str | None = None, delivers: str | None = None
) -> Campaign:
    content = Variant(tuple(Use(name) for name in sorted(uses)))
    prepared = (Prepared("email", None, content), Prepared("push", None, content))
    at = parse_instant(AT)
    return Campaign("spring", prepared, at, purpose=purpose, program=program, delivers=delivers)


_NOTHING = dict.fromkeys(
    (
        "channel",
        "purpose",
        "program",
        "quality",
        "basis",
        "expires_at",
        "defects",
        "evidence",
        "controller",
        "at",
        "attribute",
    )
)


def everybody(found: Setting, rows: Mapping[str, list[Row]] | None, tmp_path: Path) -> dict[str, Decision]:
    """The decision about each person with their consent rows: by the reference, generated Python and DuckDB alike."""
    consents = rows and tuple(
        {**_NOTHING, "channel": "*", "at": LAST_WEEK, "id": f"{person} {at}", "person": person, **row}
        for person, own in rows.items()
        for at, row in enumerate(own)
    )
    names = list(rows or ["ana"])
    tables = Tables(
        tuple({"id": name, "address.email": "a", "address.push": "b"} for name in names),
        consents=None if rows is None else consents or ({**_NOTHING, "id": "r", "person": "x", "status": "given"},),
    )
    ruleset = ruleset_of(found)
    engine = Engine(ruleset)
    people = oracle.people(tables)
    said = [reference_decide(ruleset, found.campaign, person, found.now) for person in people]
    planned, _ = dry_decisions(found, ruleset, registry_of(found).vocabulary, write_tables(tables, tmp_path, "csv"))
    assert [engine.decide(found.campaign, person, found.now) for person in people] == said
    assert planned == [comparable(decision) for decision in said]
    return dict(zip(names, said, strict=True))


def everywhere(found: Setting, rows: list[Row] | None, tmp_path: Path) -> Decision:
    (decision,) = everybody(found, None if rows is None else {"ana": rows}, tmp_path).values()
    return decision


JOINED: Row = {"status": "given", "program": "new-home"}
LEFT: Row = {"status": "withdrawn", "program": "new-home"}
HISTORIES: dict[str, tuple[list[Row], bool]] = {
    "nobody asked": ([], False),
    "joined": ([JOINED], True),
    "joined on a channel the send does not take": ([{**JOINED, "channel": "sms"}], True),
    "joined, nobody says on which channel": ([{**JOINED, "channel": None}], False),
    "joined by the purpose alone": ([{"status": "given", "purpose": "acme.loyalty"}], False),
    "joined by everything": ([{"status": "given", "purpose": "*"}], False),
    "joined another": ([{"status": "given", "program": "club"}], False),
    "joined in a way nobody can read": ([{**JOINED, "status": "yes"}], False),
    "joined nobody knows when": ([{**JOINED, "at": None}], False),
    "asked, and no answer yet": ([{**JOINED, "status": "requested"}], False),
    "joined at the instant it is known": ([{**JOINED, "at": "2026-03-02T09:00:00Z"}], True),
    "joins later than it is known": ([{**JOINED, "at": LATER}], False),
    "until the instant it leaves": ([{**JOINED, "expires_at": AT}], False),
    "until just after it leaves": ([{**JOINED, "expires_at": "2026-03-03T09:00:00.000001Z"}], True),
    "until nobody can read when": ([{**JOINED, "expires_at": "soon"}], False),
    "the longer of two": ([JOINED | {"expires_at": LATER}, JOINED | {"expires_at": "2026-06-01T00:00:00Z"}], True),
    "left": ([JOINED | {"at": LONG_AGO}, LEFT], False),
    "left at the same instant": ([JOINED, LEFT], False),
    "left before, then joined": ([JOINED, LEFT | {"at": LONG_AGO}], True),
    "left twice, joined in between": ([JOINED, LEFT | {"at": LONG_AGO}, LEFT | {"at": "2026-02-24T09:00:00Z"}], False),
    "left on one channel": ([JOINED | {"at": LONG_AGO}, LEFT | {"channel": "email"}], True),
    "left, nobody says on which channel": ([JOINED | {"at": LONG_AGO}, LEFT | {"channel": None}], False),
    "left on a channel nobody knows": ([JOINED | {"at": LONG_AGO}, LEFT | {"channel": "fax"}], False),
    "left nobody knows when": ([JOINED, LEFT | {"at": None}], False),
    "leaves later than it is known": ([JOINED, LEFT | {"at": LATER}], True),
    "said something nobody can read": ([JOINED | {"at": LONG_AGO}, LEFT | {"status": "hm"}], False),
    "left another": ([JOINED | {"at": LONG_AGO}, LEFT | {"program": "club"}], True),
    "left a program nobody knows": ([JOINED | {"at": LONG_AGO}, LEFT | {"program": "gone"}], False),
    "refused its purpose": ([JOINED | {"at": LONG_AGO}, {"status": "refused", "purpose": "acme.loyalty"}], False),
    "refused what is above": ([JOINED | {"at": LONG_AGO}, {"status": "refused", "purpose": "acme"}], False),
    "refused everything": ([JOINED | {"at": LONG_AGO}, {"status": "refused", "purpose": "*"}], False),
    "refused nobody says what": ([JOINED | {"at": LONG_AGO}, {"status": "refused"}], False),
    "refused another purpose": ([JOINED | {"at": LONG_AGO}, {"status": "refused", "purpose": "marketing"}], True),
    "objected on one channel": (
        [JOINED | {"at": LONG_AGO}, {"status": "objected", "channel": "sms", "purpose": "marketing"}], False,
    ),
}  # fmt: skip


def test_who_joined_is_the_same_on_every_path(tmp_path: Path) -> None:
    rows = {name: rows for name, (rows, _) in HISTORIES.items()}

    decided = everybody(setting(MEMBERS, campaign=campaign()), rows, tmp_path)

    assert {name: (str(each.verdict), each.undetermined) for name, each in decided.items()} == {
        name: ("allow" if member else "block", ()) for name, (_, member) in HISTORIES.items()
    }


def test_without_a_ledger_nobody_knows_who_joined(tmp_path: Path) -> None:
    decision = everywhere(setting(MEMBERS, campaign=campaign()), None, tmp_path)

    assert (str(decision.verdict), decision.undetermined) == ("block", ("members",))


@pytest.mark.parametrize(("purpose", "verdict", "undetermined"), [("acme", "allow", ()), (None, "block", ("members",))])
def test_a_send_of_no_program_is_nothing_to_join(tmp_path, purpose, verdict, undetermined):
    """With neither purpose nor program nobody knows whose it is."""
    decision = everywhere(setting(MEMBERS, campaign=campaign(program=None, purpose=purpose)), [], tmp_path)

    assert (str(decision.verdict), decision.undetermined) == (verdict, undetermined)


ASKING = {"id": "asking", "kind": "program", "require": {"joined": "asking_program"}, "on_breach": STRIP}


@pytest.mark.parametrize(
    ("rows", "stripped"),
    [
        ([], ("boxes", "moving")),
        ([JOINED], ()),
        ([{"status": "given", "program": "club"}], ()),
        ([JOINED | {"at": LONG_AGO}, LEFT], ("boxes", "moving")),
    ],
)
def test_what_a_program_asked_for_is_used_for_those_who_joined_one_that_asks(tmp_path, rows, stripped):
    """Whatever the send is for, and what was worked out from it too."""
    sent = campaign("moving", "boxes", program=None, purpose="acme")

    decision = everywhere(setting(ASKING, campaign=sent), rows, tmp_path)

    assert decision.changes.strip == stripped


def test_what_no_program_asked_for_is_not_bound_to_any(tmp_path):
    only_home = {**REGISTRY, "programs": REGISTRY["programs"][:1]}
    found = Setting({"controller": "acme", "assume": {}}, only_home, (ASKING,), campaign("town"), NOW)

    assert str(everywhere(found, [], tmp_path).verdict) == "allow"


ASKED = {"id": "asked", "kind": "program", "require": {"asked": "this_program"}, "on_breach": STRIP}


@pytest.mark.parametrize(
    ("program", "purpose", "stripped"),
    [("new-home", None, ("boxes", "town")), ("club", None, ("boxes",)), (None, "acme", ())],
)
def test_a_program_uses_only_what_it_asks(tmp_path, program, purpose, stripped):
    sent = campaign("moving", "boxes", "town", program=program, purpose=purpose)

    assert everywhere(setting(ASKED, campaign=sent), [], tmp_path).changes.strip == stripped


GIVES = {"id": "gives", "kind": "program", "require": {"delivers": True}, "on_breach": "block"}


@pytest.mark.parametrize(
    ("program", "delivers", "verdict"),
    [
        ("new-home", "month", "allow"),
        ("new-home", "points", "block"),
        ("new-home", None, "block"),
        ("club", "points", "allow"),
        (None, None, "allow"),
    ],
)
def test_a_program_delivers_what_it_gives(tmp_path, program, delivers, verdict):
    purpose = None if program else "acme"
    sent = campaign(program=program, purpose=purpose, delivers=delivers)

    decision = everywhere(setting(GIVES, campaign=sent), [], tmp_path)

    assert (str(decision.verdict), decision.undetermined) == (verdict, ())


def test_one_policy_asks_for_one_thing(wrong):
    said = wrong("  kind: program\n  require: {joined: this_program, delivers: true}\n")

    assert said == ["p.yaml:4:12: a `program` policy asks for one thing"]


@pytest.mark.parametrize("body", ["{joined: this_campaign}", "{asked: asking_program}", "{delivers: false}", "{}"])
def test_a_body_that_says_something_else_is_refused(wrong, body):
    assert wrong(f"  kind: program\n  require: {body}\n")


def test_a_case_says_who_joined():
    ruleset = ruleset_of(setting(MEMBERS, campaign=campaign()))
    given = {
        "send": {"channel": "email", "program": "new-home", "delivers": "month"},
        "recipient": {"addresses": {"email": "a"}},
        "consents": [{"status": "given", "program": "new-home", "channel": "*", "at": "2026-01-01T00:00:00Z"}],
    }

    found = read_given(ruleset, Vocabulary(), given, NOW)

    assert found.campaign.delivers == "month"
    assert str(reference_decide(ruleset, found.campaign, found.person, NOW).verdict) == "allow"


def test_a_program_nobody_registered_is_joined_by_nobody_knows():
    assert program_path(RuleSet((), ()), "gone") is None


def test_a_membership_that_never_ends_needs_no_instant():
    rules = RuleSet((), (), programs={"new-home": Program("new-home", "acme.loyalty")})
    path = program_path(rules, "new-home")
    assert path == ("program:new-home", "acme.loyalty", "acme", "*")
    forever = ConsentRecord("r", "given", "program:new-home", "*", at=NOW - DAY)
    ending = ConsentRecord("r", "given", "program:new-home", "*", at=NOW - DAY, expires_at=NOW + DAY)

    assert joined(membership([forever], path, NOW), None) is True
    assert joined(membership([ending], path, NOW), None) is None
    assert joined(membership([], path, NOW), None) is False


def test_a_decision_names_the_record_by_which_they_are_in_the_program_or_left_it():
    ruleset = ruleset_of(setting(MEMBERS, campaign=campaign()))
    given = {
        "send": {"channel": "email", "program": "new-home"},
        "recipient": {"addresses": {"email": "a"}},
        "consents": [
            {"id": "in", "status": "given", "program": "new-home", "channel": "sms", "at": "2026-01-01T00:00:00Z"},
            {"id": "mail", "status": "given", "purpose": "acme", "channel": "email", "at": "2026-01-01T00:00:00Z"},
        ],
    }
    left = {"id": "out", "status": "withdrawn", "program": "new-home", "channel": "*", "at": "2026-02-01T00:00:00Z"}

    def _named(*rows: Row) -> tuple[str, ...]:
        found = read_given(ruleset, Vocabulary(), {**given, "consents": rows}, NOW)
        return Engine(ruleset).stood_on(found.campaign, found.person, "email", NOW)

    assert _named(*given["consents"]) == ("mail", "in")
    assert _named(*given["consents"], left) == ("out",)
    assert _named() == ()
