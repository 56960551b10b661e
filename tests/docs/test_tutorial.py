"""The tutorial, followed step by step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.walk import not_shown, walk

KNOWN_AT = "2026-11-22T00:00:00Z"
DOCS = Path(__file__).parent.parent.parent / "policykit/docs"


@pytest.mark.slow
def test_the_tutorial_shows_what_comes_out(policykit, tmp_path, monkeypatch):
    page = (DOCS / "your-first-policy.md").read_text(encoding="utf-8")

    compared = walk(page, tmp_path, lambda *words: _said(policykit, words), monkeypatch.chdir)

    assert compared == 5


def _said(policykit, words: tuple[str, ...]) -> str:
    """Everything one command says. A dry run is asked on a fixed day: permissions grow old."""
    ran = policykit(*words, *(("--known-at", KNOWN_AT) if words[0] == "dry-run" else ()), columns=80)
    return ran.out + ran.err


def test_a_page_that_shows_something_else_is_found():
    assert not_shown("one\n...\nthree", "one\ntwo\nthree") == []
    assert not_shown("three\none", "one\ntwo\nthree") == ["one"]
    assert not_shown("four", "one\ntwo\nthree") == ["four"]
