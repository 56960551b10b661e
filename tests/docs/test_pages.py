"""The pages: listed, readable one by one, written into a folder, and right in what they show."""

from __future__ import annotations

import json
import re

from policykit.assemble import docs
from policykit.assemble.reference import kinds
from policykit.demo.library import library_path

PAGES = {page.name: page for page in docs.pages()}
_LINK = re.compile(r"\]\(([^)#:]+)\)")


def test_every_kind_and_pack_has_a_page(policykit):
    packs = json.loads(policykit("packs", "list", "--json").out)

    assert {f"kinds/{name}" for name in kinds()} | {f"packs/{pack['id']}" for pack in packs} <= PAGES.keys()


def test_the_table_of_contents_says_what_each_page_is_about(policykit):
    ran = policykit("docs")

    assert ran.code == 0
    table, _, hint = ran.out.partition("\n\n")
    assert [line.split()[0] for line in table.splitlines()] == list(PAGES)
    assert hint == "`policykit docs your-first-policy` is where to begin\n"
    assert all(page.about for page in PAGES.values())


def test_a_page_is_printed_as_it_is(policykit):
    ran = policykit("docs", "kinds/consent")

    assert (ran.code, ran.out) == (0, PAGES["kinds/consent"].text)


def test_a_page_that_is_not_there_is_said_with_the_nearest(policykit):
    ran = policykit("docs", "kinds/consnet")

    assert ran.code == 2
    assert "did you mean `kinds/consent`?" in ran.err


def test_pages_are_written_with_links_that_lead_somewhere(policykit, tmp_path):
    ran = policykit("docs", "--write", str(tmp_path / "site"))

    assert ran.code == 0
    written = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.md")}
    assert written == {"README.md", *(f"{name}.md" for name in PAGES)}
    contents = (tmp_path / "site/README.md").read_text(encoding="utf-8")
    assert set(_LINK.findall(contents)) == written - {"README.md"}


def test_every_story_has_its_way_to_a_policy(policykit, workspace):
    page = PAGES["from-a-story-to-a-policy"].text

    assert re.findall(r"^## (S[0-9]+) ", page, re.MULTILINE) == [f"S{number}" for number in range(1, 23)]
    shown = dict.fromkeys(re.findall(r"```yaml\npolicies:\n(.*?)\n```", page, re.DOTALL))
    registry = (library_path() / "registry.yaml").read_text(encoding="utf-8")
    folder = workspace({"policies/registry.yaml": registry, "policies/shown.yaml": "\n".join(["policies:", *shown])})
    assert policykit("check", "--workspace", str(folder)).code == 0
