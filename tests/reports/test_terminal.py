from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from policykit.reports.summary import Brake, PolicyCount, Summary, as_json
from policykit.reports.terminal import print_summary
from policykit.reports.words import count, listed, share

SUMMARY = Summary("spring", "planned for 2026-03-02 10:00 UTC", 1000, 990, 600, 300, 100)


def _printed(summary: Summary) -> str:
    console = Console(file=io.StringIO(), width=100, highlight=False)
    print_summary(summary, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 10, "0.0 %"),
        (1, 100_000, "< 0.1 %"),
        (99_999, 100_000, "> 99.9 %"),
        (1, 3, "33 %"),
        (10, 10, "100 %"),
        (1, 0, "0 %"),
    ],
)
def test_a_share_never_rounds_something_to_nothing_nor_nearly_all_to_all(part, whole, said):
    assert share(part, whole) == said


def test_words():
    assert (count(1, "person"), count(1234, "person")) == ("1 person", "1,234 people")
    assert (listed(["a"]), listed("ab"), listed("abc")) == ("a", "a and b", "a, b and c")


def test_totals_are_told_first_and_that_nothing_was_sent():
    text = _printed(SUMMARY)

    assert text.startswith("Dry run of spring: 1,000 messages to 990 people, ")
    assert "Nothing was sent" in text
    assert "sent as planned    600  60 %" in text


@pytest.mark.parametrize(
    ("mode", "said"),
    [("audit", "only observe today"), ("enforce", "enforce these policies today"), ("off", "are off today")],
)
def test_what_guards_would_do_today_is_told(mode, said):
    assert said in _printed(replace(SUMMARY, mode=mode))


def test_audited_policies_stand_apart():
    both = (PolicyCount("p-acts", 10, 10, 0), PolicyCount("p-watches", 7, 0, 0, audit=True))

    text = _printed(replace(SUMMARY, policies=both))

    assert text.index("p-acts") < text.index("Only observed") < text.index("p-watches")


def test_a_brake_is_crossed_only_beyond_its_limit():
    summary = replace(SUMMARY, brakes=(Brake("blocked", 0.10, 0.10), Brake("unknown", 0.01, 0.02)))

    assert [brake.crossed for brake in summary.brakes] == [False, True]
    assert "crossed: unknown 2.0%, limit 1.0%" in _printed(summary)
    assert as_json(summary)["brake_crossed"] is True
