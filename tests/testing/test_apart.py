"""The adapters of this repository beside each other: each reads its own, and the page about them is right."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from policykit.adapters.base import Adapter
from policykit.testing.reading import foreign_requests
from policykit.testing.recordings import find_recordings
from policykit.vocabulary import CHANNELS

PLUGINS = Path(__file__).parents[2] / "plugins"
NAMES = sorted(path.name for path in PLUGINS.glob("policykit-*"))


@pytest.fixture(scope="module")
def adapters() -> dict[str, Adapter]:
    """Distribution -> its adapter."""
    modules = {name: pytest.importorskip(name.replace("-", "_")) for name in NAMES}
    return {name: module.policykit_adapters()[0] for name, module in modules.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_claimed_by_one_adapter(adapters, name):
    for recording in find_recordings(PLUGINS / name / "tests/recordings"):
        claimed = [other for other, adapter in adapters.items() if adapter.claims(recording.request)]

        assert claimed == [name], recording.name


def test_every_request_shipped_with_the_contract_says_whose_it_is():
    assert {each.notes["send"] for each in foreign_requests()} == {"yes", "no"}
    assert all(each.notes.get("provider") for each in foreign_requests())


def test_each_adapter_claims_the_sends_shipped_for_its_provider(adapters):
    for adapter in adapters.values():
        own = [each for each in foreign_requests() if each.notes["provider"] == adapter.name]

        assert [each.notes["send"] == "yes" for each in own] == [adapter.claims(each.request) for each in own]
        assert own


def test_the_page_lists_what_each_adapter_can_do(adapters):
    page = (PLUGINS / "README.md").read_text(encoding="utf-8")

    rows = dict(re.findall(r"^\| \[(policykit-\w+)\]\(.+?\) \| .+? \| (.+ \| .+) \|$", page, re.MULTILINE))

    assert rows == {
        name: f"{_listed(adapter.channels, CHANNELS)} | {_listed(each.value for each in adapter.capabilities)}"
        for name, adapter in adapters.items()
    }


def _listed(words, ranks=None) -> str:
    order = sorted(words, key=lambda word: -ranks[word] if ranks else ORDER.index(word))
    return ", ".join(order)


ORDER = ("answer", "prune", "rewrite", "schedule", "compose")


@pytest.mark.parametrize("name", NAMES)
def test_a_plugin_says_first_what_a_reader_needs_first(name):
    page = (PLUGINS / name / "README.md").read_text(encoding="utf-8")
    first_screen = "\n".join(page.splitlines()[:45])

    assert f"pip install policykit-core {name}" in first_screen
    assert "policykit.install()" in first_screen
    assert "## What it cannot do" in first_screen
    assert import_module(name.replace("-", "_")).__doc__
