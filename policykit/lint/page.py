"""The page of a code as Markdown: for `policykit check --explain` and the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policykit.lint.base import Page


def page_text(page: Page) -> str:
    return "\n".join(_lines(page)).rstrip() + "\n"


def _lines(page: Page) -> Iterator[str]:
    yield from (f"# `{page.code}`", "", page.title + ".", "", page.why, "")
    for title, files in (("Told", page.bad), ("Not told", page.good)):
        if files:
            yield from (f"## {title}", "", *_files(files))
    yield from ("## To silence it", "", *_silence(page))


def _files(files: Mapping[str, str]) -> Iterator[str]:
    for name, text in files.items():
        language = "yaml" if name.endswith(".yaml") else "text"
        yield from (f"`{name}`", "", f"```{language}", text.rstrip("\n"), "```", "")


def _silence(page: Page) -> Iterator[str]:
    if not page.can_be_silenced:
        yield "It cannot be silenced: correct it."
        return
    yield "Answer it, with the reason, at the policy or campaign it is told of, or in `policykit.yaml` for all of them:"
    yield from ("", "```yaml", f"silence: {{{page.code}: why it is as it should be}}", "```", "")
    yield from ("```yaml", "# policykit.yaml", f"lint: {{silence: {{{page.code}: why it is as it should be}}}}", "```")
