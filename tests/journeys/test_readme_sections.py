"""README's sections on telling people, on packs, and on teams, do what README says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policykit.demo.library import library_path
from policykit.demo.write import write_demo

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")


def _block(heading: str, language: str) -> str:
    section = README.split(f"{heading}\n")[1]
    found = re.search(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def _commands(heading: str) -> list[list[str]]:
    return [line.partition("#")[0].split()[1:] for line in _block(heading, "sh").splitlines()]


@pytest.fixture
def demo(tmp_path, monkeypatch, policykit) -> Path:
    write_demo(tmp_path / "demo", library_path(), people=200)
    monkeypatch.chdir(tmp_path / "demo")
    return tmp_path / "demo"


@pytest.mark.slow
def test_people_are_told_and_forgotten_as_readme_says(demo, policykit):
    assert policykit("import", "addresses", "data/addresses.csv").code == 0
    assert policykit("import", "consents", "data/consents.csv").code == 0

    ran = [policykit(*words) for words in _commands("## Tell people, and forget them")]

    assert [each.code for each in ran] == [0] * 6, [each.err for each in ran]
    assert "<!doctype html>" in (demo / "privacy.html").read_text(encoding="utf-8").lower()
    assert "p000001" in ran[2].out
    assert "forgot 1 person" in ran[3].out


@pytest.mark.slow
def test_packs_are_copied_as_readme_says(demo, policykit):
    ran = [policykit(*words) for words in _commands("### Copy what is there")]

    assert [each.code for each in ran] == [0, 0], [each.err for each in ran]
    assert (demo / "policies/law/us-tcpa-hours.cases.yaml").exists()


@pytest.mark.slow
def test_readmes_waiver_is_one_that_works(demo, policykit):
    (demo / "policies/launch.yaml").write_text(_block("### Teams, and exceptions", "yaml"), encoding="utf-8")

    told = policykit("check")
    ran = policykit("dry-run", "new-home")

    assert told.code == 0, told.out
    assert "waiver:launch-night sets aside `evenings-are-theirs`" in " ".join(ran.out.split())


def test_every_link_within_readme_leads_to_a_section():
    words = re.sub(r"^```.*?^```", "", README, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", words, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}

    assert set(re.findall(r"\]\(#([\w-]+)\)", README)) - anchors == set()
