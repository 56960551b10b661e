"""HTML as a reader sees it: its text, and the links that can be clicked. In one pass, whatever it holds."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

# Where a tag ends: a quoted `>` ends none. Possessive, so that no text is read twice.
_TAG = re.compile(r"(/?)([a-zA-Z][^\s/>]*+)((?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+)*+)>")
_ATTRIBUTE = re.compile(r"([a-zA-Z][\w:-]*+)(?:\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s\"'>]++))?+")
_UNSEEN = frozenset({"head", "script", "style", "template", "noscript", "iframe", "title", "textarea", "object"})
_RAW = frozenset({"script", "style", "textarea", "title", "iframe", "noscript"})
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())  # noqa: SIM905  # one table
_INLINE = frozenset(
    "a abbr b bdi bdo big cite code dfn em font i ins kbd mark q s samp small span strong sub sup tt u var wbr".split()  # noqa: SIM905  # one table
)
_HIDES = re.compile(
    r"(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:font-size|opacity|max-height|line-height)\s*:\s*0(?![.\d]*[1-9]))",
    re.IGNORECASE,
)
_DEEPEST = 500  # elements that stand inside each other; what is deeper is read as if it did not


class Link(NamedTuple):
    href: str
    text: str


@dataclass(slots=True)
class _Page:
    """What was seen so far. open: elements not ended, each with whether it hides what is in it."""

    shown: list[str] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    open: list[tuple[str, bool]] = field(default_factory=list)
    href: str | None = None
    start: int = 0

    @property
    def hidden(self) -> bool:
        return bool(self.open) and self.open[-1][1]

    def text(self, found: str) -> None:
        if found and not self.hidden:
            self.shown.append(html.unescape(found))

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name not in _INLINE:
            self.shown.append(" ")
        hides = (
            self.hidden or name in _UNSEEN or "hidden" in attributes or bool(_HIDES.search(attributes.get("style", "")))
        )
        if name == "img" and not hides and attributes.get("alt"):
            self.shown.append(f" {attributes['alt']} ")
        if name == "a":
            self.end_link()
            self.href = None if hides else attributes.get("href")
            self.start = len(self.shown)
        if name not in _VOID and len(self.open) < _DEEPEST:
            self.open.append((name, hides))

    def end(self, name: str) -> None:
        if name not in _INLINE:
            self.shown.append(" ")
        if name == "a":
            self.end_link()
        if any(each == name for each, _ in self.open):
            while self.open.pop()[0] != name:
                pass

    def end_link(self) -> None:
        if self.href is not None:
            self.links.append(Link(self.href, "".join(self.shown[self.start :]).strip()))
        self.href = None


@lru_cache(maxsize=8)  # each question of one message reads the same page
def read(markup: str) -> tuple[str, tuple[Link, ...]]:
    """The visible text, and every visible link with its own text."""
    page, at = _Page(), 0
    while (start := markup.find("<", at)) >= 0:
        page.text(markup[at:start])
        at = _past(markup, start, page)
    page.text(markup[at:])
    page.end_link()
    return "".join(page.shown), tuple(page.links)


def _past(markup: str, start: int, page: _Page) -> int:
    """Where reading goes on after a `<`."""
    if markup.startswith("<!--", start):
        return _end(markup.find("-->", start + 4), 3, markup)
    if markup.startswith(("<!", "<?"), start):
        return _end(markup.find(">", start), 1, markup)
    tag = _TAG.match(markup, start + 1)
    if tag is None:
        following = markup[start + 1 : start + 3].lstrip("/")[:1]
        if following.isascii() and following.isalpha():
            return len(markup)  # a tag that never ends hides the rest
        page.text("<")
        return start + 1
    name = tag[2].lower()
    if tag[1]:
        page.end(name)
        return tag.end()
    page.begin(name, _attributes(tag[3]))
    if name in _RAW:
        ends = re.compile(f"</{name}(?=[\\s/>])", re.IGNORECASE).search(markup, tag.end())
        return ends.start() if ends else len(markup)
    return tag.end()


def _attributes(text: str) -> dict[str, str]:
    """By lower-case name; of one that comes twice the first counts, as in browsers."""
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(text):
        bare = value[1:-1] if value[:1] in ('"', "'") else value
        found.setdefault(name.lower(), html.unescape(bare).strip())
    return found


def _end(found: int, length: int, markup: str) -> int:
    return len(markup) if found < 0 else found + length
