"""Name and values together, and how often they are right on columns as exports really call them."""

from __future__ import annotations

import pytest

from policykit.detect.found import look
from tests.detect.labelled import (
    BIRTHS,
    EMAILS,
    FIRST,
    FLAGS,
    FULL,
    HASHES,
    HEADERS,
    IPS,
    LABELLED,
    MONEY,
    NUMBERS,
    PHONES,
    WORDS,
)


def said(name: str, cells: list[str] | None = None) -> tuple[str, str] | None:
    found = look(name, cells or ())
    return found and (found.concept.id, found.confidence)


def measured(confidences: set[str]) -> tuple[float, float]:
    """Precision and recall of "this is personal" on the labelled columns."""
    flagged = [truth for name, cells, truth in LABELLED if (f := look(name, cells)) and f.confidence in confidences]
    personal = [truth for _, _, truth in LABELLED if truth is not None]
    right = [truth for truth in flagged if truth is not None]
    return len(right) / len(flagged), len(right) / len(personal)


def test_what_a_dry_run_refuses_is_nearly_always_personal():
    precision, recall = measured({"high"})

    assert precision >= 0.97
    assert recall >= 0.8


def test_what_a_scan_proposes_finds_nearly_everything_personal():
    precision, recall = measured({"high", "medium"})

    assert precision >= 0.93
    assert recall >= 0.93


def test_headers_of_tools_the_word_list_was_not_made_for():
    flagged = [personal for name, personal in HEADERS if (f := look(name)) and f.confidence != "low"]

    assert sum(flagged) / len(flagged) >= 0.95
    assert sum(flagged) / sum(personal for _, personal in HEADERS) >= 0.6


def test_what_is_found_is_called_what_it_is():
    found = [(truth, look(name, cells)) for name, cells, truth in LABELLED if truth is not None]
    named = [(truth, each.concept.id) for truth, each in found if each is not None and each.confidence == "high"]

    assert sum(truth == concept for truth, concept in named) / len(named) >= 0.93


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("x", EMAILS, ("email", "high")),
        ("x", EMAILS[:3], ("email", "medium")),
        ("email", [], ("email", "high")),
        ("email", FLAGS, ("email", "low")),
        ("email", HASHES, ("email", "high")),
        ("phone", WORDS, ("phone", "low")),
        ("mobile", [], ("phone", "medium")),
        ("mobile", PHONES, ("phone", "high")),
        ("zip_code", WORDS, ("postcode", "low")),
        ("name", FIRST, ("first_name", "high")),
        ("name", FULL, ("full_name", "high")),
        ("server_ip", IPS, ("ip_address", "low")),
        ("name", [], ("full_name", "low")),
        ("name", WORDS, ("full_name", "low")),
        ("x", BIRTHS, ("birth_date", "medium")),
        ("geboren", BIRTHS, ("birth_date", "medium")),
        ("birth", BIRTHS, ("birth_date", "medium")),
        ("born_on", BIRTHS, ("birth_date", "high")),
        ("country", ["FR", "DE"], ("country", "medium")),
        ("first_name", FLAGS, ("first_name", "low")),
        ("x", NUMBERS, None),
        ("x", MONEY, None),
        ("x", [], None),
        ("", [], None),
    ],
)
def test_name_and_values_weigh_together(name, cells, expected):
    assert said(name, cells) == expected


def test_why_holds_shares_and_never_a_value():
    found = look("Handy", [*PHONES, "somewhere"])

    assert found is not None
    assert found.why == "92 % of values are phone numbers, and the name says `handy`"
