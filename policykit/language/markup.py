"""HTML as a reader sees it: its text, and the links that can be clicked. In one pass, whatever it holds."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

# A comment, a declaration, or a tag: a quoted `>` ends none. Possessive, so that no text is read twice.
_TOKEN = re.compile(r"<(?:(!--)|([!?])|(/?)([a-zA-Z][^\s/>]*+)((?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+)*+)(?:>|\Z))")
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
_PERHAPS = re.compile(r"hidden|&", re.IGNORECASE)


class Link(NamedTuple):
    href: str
    text: str


@dataclass(slots=True)
class _Page:
    """What was seen so far, entities as they were written."""

    shown: list[str] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    href: str | None = None
    start: int = 0

    def begin_link(self, href: str | None) -> None:
        self.end_link()
        self.href, self.start = href, len(self.shown)

    def end_link(self) -> None:
        if self.href is not None:
            self.links.append(Link(self.href, html.unescape("".join(self.shown[self.start :])).strip()))
        self.href = None


@lru_cache(maxsize=8)  # each question of one message reads the same page
def read(markup: str) -> tuple[str, tuple[Link, ...]]:
    """The visible text, and every visible link with its own text. What never ends hides the rest."""
    page, at = _Page(), 0
    while (token := _TOKEN.search(markup, at)) is not None:
        page.shown.append(markup[at : token.start()])
        at = _past(markup, token, page)
    page.shown.append(markup[at:])
    page.end_link()
    return html.unescape("".join(page.shown)), tuple(page.links)


def _past(markup: str, token: re.Match[str], page: _Page) -> int:
    """Where reading goes on after a token; adds what stands for it."""
    comment, declaration, closes, name, attributes = token.groups()
    if comment:
        return _end(markup.find("-->", token.end()), 3, markup)
    if declaration:
        return _end(markup.find(">", token.end()), 1, markup)
    name = name.lower()
    if name not in _INLINE:
        page.shown.append(" ")
    if closes:
        if name == "a":
            page.end_link()
        return token.end()
    if name in _UNSEEN or (attributes and _hides(attributes)):
        return token.end() if name in _VOID else _past_element(markup, token.end(), name)
    if name == "a":
        page.begin_link(_attributes(attributes).get("href"))
    elif name == "img":
        page.shown.append(f" {html.escape(_attributes(attributes).get('alt', ''))} ")
    return token.end()


def _hides(attributes: str) -> bool:
    """Whether an element with these attributes is hidden with all that is in it."""
    if not _PERHAPS.search(attributes) and not _HIDES.search(attributes):
        return False
    found = _attributes(attributes)
    return "hidden" in found or _HIDES.search(found.get("style", "")) is not None


def _past_element(markup: str, at: int, name: str) -> int:
    """Where an element ends whose content is not shown; the end of the page where it never does."""
    depth = 1
    for found in _tags(name).finditer(markup, at):
        depth += -1 if found[1] else name not in _RAW  # what is text up to its end holds no tags
        if depth == 0:
            return _end(markup.find(">", found.end()), 1, markup)
    return len(markup)


@lru_cache(maxsize=64)
def _tags(name: str) -> re.Pattern[str]:
    return re.compile(rf"<(/?){re.escape(name)}(?=[\s/>])", re.IGNORECASE)


def _attributes(text: str) -> dict[str, str]:
    """By lower-case name; of one that comes twice the first counts, as in browsers."""
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(text):
        bare = value[1:-1] if value[:1] in ('"', "'") else value
        found.setdefault(name.lower(), html.unescape(bare).strip())
    return found


def _end(found: int, length: int, markup: str) -> int:
    return len(markup) if found < 0 else found + length
