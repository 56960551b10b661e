from __future__ import annotations

import json

import pytest

from policykit.cli.options import listing
from policykit.vocabulary import FACTS, RELATIONS


def test_facts_lists_every_fact_of_the_vocabulary(policykit):
    found = json.loads(policykit("facts", "--json").out)

    assert {fact["path"] for fact in found} >= {spec.path for spec in FACTS}


def test_facts_tells_type_meaning_members_and_absence(policykit):
    assert policykit("facts", "send.message_class").out == (
        "send.message_class  string     what kind of message it is\n"
        "                               one of marketing, service, transactional\n"
        "                               absent: marketing\n"
    )


def test_facts_that_do_not_exist_are_wrong_use(policykit):
    ran = policykit("facts", "recipient.chanel")

    assert (ran.code, ran.out) == (2, "")
    assert "no fact begins with `recipient.chanel`" in ran.err


def test_columns_lists_every_relation_and_what_must_be_there(policykit):
    found = json.loads(policykit("facts", "--columns", "--json").out)

    assert [relation["name"] for relation in found] == [relation.name for relation in RELATIONS]
    assert [c["name"] for c in found[0]["columns"] if c["required"]] == ["id"]


KINDS = ("consent", "content", "data", "frequency", "intrusiveness", "offers", "program", "purpose", "quiet_hours",
         "rule", "style")  # fmt: skip


def test_kinds_and_what_stands_beside_them_are_listed_with_one_line_each(policykit):
    lines = policykit("kinds").out.splitlines()

    names = [line.split()[0] for line in lines if line]
    assert names == [*KINDS, "beside", "overlays", "responses", "waivers"]
    assert all(len(line) < 130 for line in lines)


@pytest.mark.parametrize(
    ("page", "shows"),
    [("overlays", "policies: [policies/,"), ("responses", "stop-means-stop"), ("waivers", "ends: 2026-11-29")],
)
def test_what_stands_beside_kinds_has_pages_too(policykit, page, shows):
    assert shows in policykit("kinds", page).out
    assert [entry["name"] for entry in json.loads(policykit("kinds", page, "--json").out)] == [page]


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_a_kind_shows_a_policy(policykit, kind):
    assert f"kind: {kind}" in policykit("kinds", kind).out


def test_a_misspelt_kind_is_guessed(policykit):
    ran = policykit("kinds", "quite_hours")

    assert ran.code == 2
    assert ran.err.startswith("there is no kind `quite_hours`; did you mean `quiet_hours`?")


def test_plugins_names_what_is_built_in(policykit):
    found = json.loads(policykit("plugins", "--json").out)

    assert found[0]["distribution"] == "policykit-core"
    assert "consent" in found[0]["kinds"]


def test_a_listing_is_broken_below_its_own_column_on_a_terminal_only():
    rows = [("a", "one two three four five six seven"), ("long-name", "short")]

    assert listing(rows, 36) == ("a          one two three four five\n           six seven\nlong-name  short")
    assert listing(rows, None).splitlines()[0] == "a          one two three four five six seven"
    assert listing(rows, 20) == listing(rows, None)
