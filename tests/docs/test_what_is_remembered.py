"""The page about the registry, followed step by step."""

from __future__ import annotations

import pytest

from tests.docs.test_tutorial import DOCS
from tests.docs.walk import walk


@pytest.mark.slow
def test_the_page_shows_what_comes_out(policykit, tmp_path, monkeypatch):
    page = (DOCS / "what-is-remembered.md").read_text(encoding="utf-8")

    def run(*words: str) -> str:
        ran = policykit(*words, columns=80)
        return ran.out + ran.err

    assert walk(page, tmp_path, run, monkeypatch.chdir) == 4
