"""Texts that people read, word for word. They change only in a commit that says why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent.parent / "golden"
KNOWN = ("--known-at", "2026-03-01T00:00:00Z")
PEOPLE = ("planned", "moved", "worn", "stripped", "blocked", "nowhere", "often", "later", "nameless", "silent")


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """The golden workspace with a fixed key, so that pseudonyms are the same everywhere."""
    shutil.copytree(GOLDEN / "shop", tmp_path / "shop")
    (tmp_path / "shop/.policykit").mkdir()
    (tmp_path / "shop/.policykit/key").write_bytes(bytes(32))
    monkeypatch.chdir(tmp_path / "shop")


def _plain(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


@pytest.mark.parametrize("person", PEOPLE)
def test_one_persons_story(policykit, shop, person):
    ran = policykit("explain", "spring", person, *KNOWN)

    assert ran.out == (GOLDEN / f"explain_{person}.txt").read_text(encoding="utf-8")
    assert len(ran.out.splitlines()) <= 6


def test_every_policy_that_applied(policykit, shop):
    ran = policykit("explain", "spring", "moved", "--all", *KNOWN)

    assert ran.out == (GOLDEN / "explain_all.txt").read_text(encoding="utf-8")


def test_the_summary_of_a_dry_run(policykit, shop):
    ran = policykit("dry-run", "spring", *KNOWN)

    assert _plain(ran.out) == (GOLDEN / "dry_run.txt").read_text(encoding="utf-8")


def test_the_numbers_of_a_dry_run(policykit, shop):
    ran = policykit("dry-run", "spring", "--json", *KNOWN)

    found = json.loads(ran.out)
    found["rules"] = "(hash)"
    assert found == json.loads((GOLDEN / "dry_run.json").read_text(encoding="utf-8"))


def test_a_person_is_found_by_the_pseudonym_of_a_report(policykit, shop):
    report = json.loads(policykit("dry-run", "spring", "--json", *KNOWN).out)
    moved = next(e["person"] for e in report["examples"] if e["text"].startswith("moved to email"))

    told = policykit("explain", "spring", moved, *KNOWN).out

    assert told.startswith(f"{moved} gets `spring` by email instead of push.\n")


def test_a_person_with_several_rows_is_told_by_the_first(policykit, shop):
    people = Path("data/people.csv")
    people.write_text(people.read_text(encoding="utf-8") + people.read_text(encoding="utf-8").splitlines()[1] + "\n")

    told = policykit("explain", "spring", "planned", *KNOWN).out

    assert told == "planned (the first of 2 rows) gets `spring` by push, as planned.\n"


def test_nobody_by_that_name(policykit, shop):
    ran = policykit("explain", "spring", "0123456789ab")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("nobody in the audience of `spring` is called `0123456789ab`")


def test_an_explanation_names_no_internals(policykit, shop):
    texts = [policykit("explain", "spring", person, "--all", *KNOWN).out for person in PEOPLE]

    for word in ("ConsentMet", "Fact(", "recipient.", "send.", "consent.", "None", "no_", "True", "False"):
        assert not any(word in text for text in texts), word
