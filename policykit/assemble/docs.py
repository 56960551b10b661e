"""The pages of the documentation: those written by hand, and those made from kinds, packs and checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from policykit.assemble import packs, reference, stories
from policykit.assemble.reference import first_sentence, kinds
from policykit.demo.library import library_path
from policykit.errors import UsageError
from policykit.language.suggest import did_you_mean
from policykit.lint import PAGES, page_text
from policykit.reports.packs import page_as_markdown

WRITTEN = Path(__file__).resolve().parent.parent / "docs"
_FIRST, _STORIES = "your-first-policy", "from-a-story-to-a-policy"
_REMEMBERED = "what-is-remembered"
_ROOMS = {
    "kinds": "Kinds of policies",
    "sections": "What else a policy file may hold",
    "checks": "What `policykit check` says",
    "packs": "Packs, ready to copy",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page. name: what `policykit docs` is asked for, and its path below the folder without `.md`."""

    name: str
    about: str
    text: str


def pages() -> Iterator[Page]:
    """Every page, in the order of the table of contents."""
    yield _written(_FIRST)
    yield Page(_STORIES, "From a story to a policy", stories.page(WRITTEN / "stories.yaml", library_path()))
    yield _written(_REMEMBERED)
    for name, kind in sorted(kinds().items()):
        yield _made(f"kinds/{name}", f"Kind `{name}`", kind.page)
    for name, text in sorted(reference.PAGES.items()):
        yield _made(f"sections/{name}", name.capitalize(), text)
    for _, check in sorted(PAGES.items()):
        yield Page(f"checks/{check.code}", check.title, page_text(check))
    for pack in packs.pages():
        yield Page(f"packs/{pack.line.id}", pack.line.title or pack.line.id, page_as_markdown(pack))


def page(name: str) -> Page:
    """One page. Raises `UsageError` when there is none of this name."""
    found = {each.name: each for each in pages()}
    if name not in found:
        raise UsageError(f"there is no page `{name}`{did_you_mean(name, found)}", "`policykit docs` lists them")
    return found[name]


def contents(all_pages: list[Page]) -> str:
    """The table of contents, Markdown, with links that work in a folder of pages."""
    lines = ["# policykit: the language and the library", ""]
    room = ""
    for each in all_pages:
        above = each.name.rpartition("/")[0]
        if above != room:
            lines += ["", f"## {_ROOMS.get(above, above.capitalize())}", ""]
            room = above
        lines.append(f"- [{each.name.rpartition('/')[2]}]({each.name}.md): {each.about}")
    return "\n".join(lines).rstrip() + "\n"


def as_files(all_pages: list[Page]) -> dict[str, str]:
    """Path below the folder of pages -> text, the table of contents among them."""
    return {"README.md": contents(all_pages), **{f"{each.name}.md": each.text for each in all_pages}}


def _written(name: str) -> Page:
    text = (WRITTEN / f"{name}.md").read_text(encoding="utf-8")
    return Page(name, text.partition("\n")[0].removeprefix("# "), text)


def _made(name: str, title: str, text: str) -> Page:
    return Page(name, first_sentence(text), f"# {title}\n\n{text.strip()}\n")
