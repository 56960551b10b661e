"""`forget` takes a person out of everything; `retain` drops what was kept as long as promised."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policykit.assemble import forgetting
from policykit.assemble.pseudonyms import pseudonyms
from policykit.language.spans import parse_instant
from policykit.model import Decision, Verdict
from policykit.sends import DecisionRecord, to_line
from policykit.stores.base import Asked, Entry
from policykit.stores.open import open_store

AT = parse_instant("2026-03-31T10:00:00Z") or 0
ADDRESS, VALUE, PERSON = "ana.lovelace@example.com", "a very private pram", "customer-42"
NEVER_AGAIN = (
    "policies:\n"
    "  - {id: never-again, kind: rule, forbid: send.address.suppressed, on_breach: block, because: They said no.}\n"
)
KEEPS = (
    "attributes:\n"
    "  - {id: basket, disclosed_as: your basket, origin: observed, sensitivity: behavioural,\n"
    "     collected_for: [marketing.communications], keep: 1 month}\n"
    "  - {id: size, disclosed_as: your size, origin: provided, sensitivity: personal,\n"
    "     collected_for: [marketing.communications], keep: 7 days}\n"
    "  - {id: name, disclosed_as: your name, origin: provided, sensitivity: personal,\n"
    "     collected_for: [marketing.communications]}\n"
)


@pytest.fixture
def shop(workspace) -> Path:
    root = workspace({
        "policykit.yaml": "mode: enforce\nstore: sqlite:///store.db\n",
        "policies/never.yaml": NEVER_AGAIN,
        "data/people.csv": f"id,age,address.email\n{PERSON},30,{ADDRESS}\np2,40,b@example.com\n",
    })  # fmt: skip
    name = pseudonyms(root)
    store = open_store("sqlite:///store.db", root)
    store.write("people", [{"id": PERSON, "age": 30}, {"id": "p2", "age": 40}])
    store.write("addresses", [{"person": PERSON, "channel": "email", "address": ADDRESS}])
    store.write("attributes", [{"person": PERSON, "attribute": "basket", "value": VALUE}])
    store.write("consents", [{"id": "c1", "person": PERSON, "status": "given", "at": AT}])
    store.write("history", [{"person": PERSON, "at": AT, "channel": "email"}])
    for number, person in enumerate((PERSON, "p2", PERSON)):
        record = DecisionRecord(
            f"pk-{number:020}", AT, Decision(Verdict.BLOCK, determining=("adults-only",)), "email", "sendgrid",
            "refused", person=name(person), campaign="spring", records=("c1",),
            because={"adults-only": "No children."},
        )  # fmt: skip
        store.record([Entry(record.id, to_line(record))], AT)
    store.close()
    return root


def _bytes(shop: Path) -> bytes:
    return b"".join(path.read_bytes() for path in shop.glob("store.db*"))


def test_a_dry_run_says_what_would_go_and_nothing_does(policykit, shop):
    before = _bytes(shop)

    ran = policykit("forget", PERSON, "--dry-run", "-w", str(shop))

    assert (ran.code, ran.out) == (0, (
        "would forget 1 person: 1 address, 1 value, 1 consent and 1 send\n"
        "2 decisions in the log would say no more who it was about\n"
        "1 address would be suppressed: nothing is sent there\n"
    ))  # fmt: skip
    assert _bytes(shop) == before


def test_nothing_of_them_can_be_read_from_the_files(policykit, shop):
    needles = [text.encode() for text in (PERSON, ADDRESS, VALUE, pseudonyms(shop)(PERSON))]
    before = [needle in _bytes(shop) for needle in needles]

    ran = policykit("forget", PERSON, "--yes", "-w", str(shop))

    assert ran.code == 0
    assert before == [True] * 4
    assert [needle in _bytes(shop) for needle in needles] == [False] * 4
    assert PERSON not in ran.out
    assert ADDRESS not in ran.out


def test_the_log_is_verifiable_and_says_that_somebody_was_forgotten(policykit, shop):
    head = json.loads(policykit("decisions", "verify", "--json", "-w", str(shop)).out)["head"]

    policykit("forget", PERSON, "--yes", "-w", str(shop))

    ran = policykit("decisions", "verify", "--head", head, "-w", str(shop))
    lines = policykit("decisions", "tail", "-w", str(shop)).out.splitlines()
    exported = policykit("decisions", "tail", "--json", "-w", str(shop))
    assert (ran.code, ran.out.splitlines()[1]) == (0, "1 consent, none changed or removed")
    assert [("forgotten" in line, "adults-only" in line) for line in lines] == [
        (True, True), (False, True), (True, True), (True, False),
    ]  # fmt: skip
    assert "a person was forgotten: 2 decisions and 1 consent say no more who they were" in lines[3]
    assert pseudonyms(shop)(PERSON) not in exported.out


def test_every_way_to_read_the_log_knows_a_forgetting(policykit, shop, tmp_path):
    policykit("forget", PERSON, "--yes", "-w", str(shop))
    last = json.loads(policykit("decisions", "tail", "--json", "-n", "1", "-w", str(shop)).out)[0]

    shown = policykit("decisions", "show", last["event"]["id"], "-w", str(shop))
    ran = [policykit("decisions", "export", str(tmp_path / name), "-w", str(shop)) for name in ("a.csv", "a.jsonl")]

    assert shown.out.splitlines()[1] == "  event          forgotten"
    assert [one.code for one in ran] == [0, 0]
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert ["digest" in row for row in rows] == [True, False, True, False]
    assert (tmp_path / "a.csv").read_text().splitlines()[-1].split(",")[4] == "forgotten"


def test_who_nobody_knows_is_wrong_use_and_nobody_is_forgotten(policykit, shop):
    before = _bytes(shop)

    ran = policykit("forget", PERSON, "nobody@example.com", "--yes", "-w", str(shop))

    assert (ran.code, ran.out) == (2, "")
    assert "the store knows nobody of id number 2 of the 2 given; nothing was forgotten" in ran.err
    assert "nobody@" not in ran.err
    assert _bytes(shop) == before


def test_somebody_forgotten_is_nobody(policykit, shop):
    policykit("forget", PERSON, "--yes", "-w", str(shop))

    again = policykit("forget", PERSON, "--yes", "-w", str(shop))

    assert again.code == 2
    assert "knows nobody of this id" in again.err


def test_without_a_terminal_it_must_be_told_that_it_is_meant(policykit, shop):
    ran = policykit("forget", PERSON, "-w", str(shop))

    assert ran.code == 2
    assert "add `--yes`" in ran.err


def test_a_dry_run_on_the_store_refuses_their_address_in_an_old_file(policykit, shop):
    policykit("forget", PERSON, "--yes", "-w", str(shop))

    report = json.loads(policykit("dry-run", "spring", "--store", "--json", "-w", str(shop)).out)

    assert (report["allowed"], report["blocked"]) == (1, 1)
    assert [each["policy"] for each in report["policies"] if each["alone"]] == ["never-again"]


def test_a_disclosure_finds_nothing_of_them_in_the_store(policykit, shop, tmp_path):
    """Of a file that still names them it says that the file does, and the store has no value of theirs."""
    words = ("disclose", "--person", PERSON, "--store", "-w", str(shop))
    before = policykit(*words)

    policykit("forget", PERSON, "--yes", "-w", str(shop))
    (shop / "data/people.csv").write_text("id,age,address.email\np2,40,b@example.com\n")

    after = policykit(*words)
    assert (before.code, VALUE in before.out) == (0, True)
    assert VALUE not in after.out
    assert ADDRESS not in after.out


def test_a_workspace_that_would_mail_them_again_is_told(policykit, shop):
    (shop / "policies/never.yaml").unlink()

    ran = policykit("forget", PERSON, "--yes", "-w", str(shop))

    assert ran.code == 0
    assert "1 address is suppressed\n" in ran.out
    assert "warning: no policy in force reads `send.address.suppressed`" in ran.err


# --- retain -----------------------------------------------------------------------------------------


@pytest.fixture
def old(workspace, monkeypatch) -> Path:
    """A shop at the end of March, one month after the last day of February and of January."""
    monkeypatch.setattr(forgetting, "now", lambda: parse_instant("2026-02-28T10:00:00Z"))
    root = workspace({"policykit.yaml": "mode: enforce\nstore: sqlite:///store.db\nkeep: {history: 7 days}\n",
                      "policies/registry.yaml": KEEPS})  # fmt: skip
    store = open_store("sqlite:///store.db", root)
    rows = [
        ("p1", "basket", "2026-01-31T10:00:00Z"), ("p2", "basket", "2026-01-28T10:00:00Z"),
        ("p3", "basket", "2026-01-31T10:00:01Z"), ("p4", "basket", None), ("p5", "basket", "lately"),
        ("p1", "size", "2026-02-21T10:00:00Z"), ("p2", "size", "2026-02-21T10:00:00.000001Z"),
        ("p1", "name", "1999-01-01T00:00:00Z"),
    ]  # fmt: skip
    store.write("attributes", [
        {"person": person, "attribute": name, "value": "x", "collected_at": at} for person, name, at in rows
    ])  # fmt: skip
    store.write("people", [{"id": "p1", "attributes.size": "XL"}, {"id": "p9", "attributes.size": "S"}])
    store.write("history", [{"person": "p1", "at": f"2026-02-{day}T10:00:00Z"} for day in (20, 21, 22)])
    store.close()
    return root


def _left(root: Path) -> list[tuple[object, object]]:
    store = open_store("sqlite:///store.db", root)
    rows = sorted((str(row["attribute"]), str(row["person"])) for row in store.rows("attributes"))
    store.close()
    return rows


def test_values_go_at_the_very_instant_their_keep_ends(policykit, old):
    """A month after 31 January ends on 28 February, as it does for consents (M6)."""
    ran = policykit("retain", "-w", str(old))

    assert (ran.code, ran.out) == (
        0, "basket: 2 past their keep, dropped\nsize: 1 past their keep, dropped\nsends: 2 past their keep, dropped\n",
    )  # fmt: skip
    assert ran.err == (
        "warning: nobody knows since when some values are there: 2 of `basket` and 1 of `size`; kept\n"
        "  help: import them with `collected_at`, or drop them with `--unknown drop`\n"
    )
    assert _left(old) == [
        ("basket", "p3"), ("basket", "p4"), ("basket", "p5"), ("name", "p1"), ("size", "p2"),
    ]  # fmt: skip
    store = open_store("sqlite:///store.db", old)
    assert sorted(map(str, store.rows("people"))) == ["{'id': 'p1'}", "{'id': 'p9', 'attributes.size': 'S'}"]
    assert (store.verify().broken, store.verify_consents().broken) == (None, None)


def test_what_nobody_knows_the_age_of_goes_when_asked(policykit, old):
    ran = policykit("retain", "--unknown", "drop", "--json", "-w", str(old))

    assert json.loads(ran.out) == {
        "dry_run": False, "past": {"basket": 2, "size": 1}, "history": 2, "unknown": {"basket": 2, "size": 1},
        "unknown_dropped": True, "unreadable": True,
    }  # fmt: skip
    assert _left(old) == [("basket", "p3"), ("name", "p1"), ("size", "p2")]
    again = policykit("retain", "-w", str(old))
    assert (again.code, again.out, again.err) == (0, "nothing is past its keep\n", "")
    assert "4 of `basket`, 2 of `history` and 2 of `size`" in policykit("decisions", "tail", "-w", str(old)).out


TASTE = (
    "  - {id: taste, disclosed_as: your taste, origin: inferred, inferred_from: [basket], sensitivity: behavioural,\n"
    "     collected_for: [marketing.communications], keep: 12 months}\n"
)


@pytest.mark.parametrize("unknown", ["keep", "drop"])
def test_what_others_were_inferred_from_still_says_where_it_came_from(policykit, old, unknown):
    """Else a value that was inferred from bought data would pass as one that was not, once the bought one went."""
    (old / "policies/registry.yaml").write_text(KEEPS + TASTE, "utf-8")
    store = open_store("sqlite:///store.db", old)
    bought = {"origin": "purchased", "collected_for": "marketing.communications", "permission": "c1"}
    rows = [{"attribute": name, "collected_at": "2025-01-01T00:00:00Z", **bought} for name in ("basket", "size")]
    store.write("attributes", [{"person": "p7", "value": "x", **row} for row in rows])
    store.close()

    for _ in range(2):
        policykit("retain", "--unknown", unknown, "-w", str(old))

    store = open_store("sqlite:///store.db", old)
    left = [row for row in store.rows("attributes") if row["person"] == "p7"]
    store.close()
    assert left == [
        {"person": "p7", "attribute": "basket", "origin": "purchased", "collected_for": "marketing.communications"}
    ]


def test_a_dry_run_of_retain_drops_nothing(policykit, old):
    before = _left(old)

    ran = policykit("retain", "--dry-run", "-w", str(old))

    assert ran.out.splitlines()[0] == "basket: 2 past their keep, would go"
    assert _left(old) == before


def test_sends_that_a_policy_reads_stay_whatever_was_promised(policykit, old):
    (old / "policies/caps.yaml").write_text(
        "policies:\n  - {id: few, kind: frequency, require: {at_most: 3, per: 30 days}, on_breach: block, because: x}\n"
    )

    policykit("retain", "-w", str(old))

    store = open_store("sqlite:///store.db", old)
    found = store.known([Asked("email", "", "p1")], AT).named[0]
    store.close()
    assert found is not None
    assert len(found.history) == 3


def test_values_are_not_dropped_by_promises_that_cannot_be_read(policykit, old):
    (old / "policies/registry.yaml").write_text("attributes:\n  - {id: basket, keep: forever}\n")
    before = _left(old)

    ran = policykit("retain", "-w", str(old))

    assert ran.code == 3
    assert _left(old) == before
