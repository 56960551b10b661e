"""Which of a person's attribute values a text says out loud: recital found by value.

For content that belongs to no campaign, so that no template tells. It informs; it decides nothing.

The rule: texts and values are compared in one form (NFKC, case folded, white space as one blank,
invisible characters gone), HTML as it is read: without tags, comments, styles and scripts, entities
as what they stand for.

- A value of four characters or more is found anywhere, inside words too (`sneaker` in `sneakers`).
- A shorter value, and every number and date, is found only by itself: `42` in `you are 42.` and in
  `42 km`, never in `142`, `42nd`, `1.42` or `42,50`. Letters of scripts that write no blanks
  (Chinese, Japanese, Thai, ...) are no part of another word.
- A single character, and words that answer anything (`yes`, `no`, `true`, ...), tell nothing and
  are not looked for.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping

_LONG = 4  # characters from which a value is found inside words too
_ANSWERS = frozenset({"yes", "no", "true", "false", "none", "null", "unknown", "n/a", "on", "off", "other"})
_MOST_NUMBER = 40  # characters; a longer row of digits is looked for like any long text
_NUMBER = re.compile(r"[+\-]?[\d][\d.,:/\- ]*%?")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_OF_A_WORD = rf"(?:[^\W{_UNSPACED}])"
_BEFORE = rf"(?<!{_OF_A_WORD})(?<!\d[.,:/])"
_AFTER = rf"(?!{_OF_A_WORD})(?![.,:/]\d)"

_PIECE = re.compile(r".{1,512}(?=\s|\Z)|.{512}", re.DOTALL)

# HTML: what is not shown, and where a tag ends (a quoted `>` ends none). Possessive, so that no text is read twice.
_HIDDEN = frozenset({"script", "style", "template", "noscript", "iframe"})
_TAG = re.compile(r"/?([a-zA-Z][^\s/>]*+)(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+)*+>")
_SPOKEN = re.compile(r"\s(?:alt|title|aria-label)\s*+=\s*+(\"[^\"]*+\"|'[^']*+')", re.IGNORECASE)
_INLINE = frozenset(
    "a abbr b bdi bdo big cite code dfn em font i ins kbd mark q s samp small span strong sub sup tt u var wbr".split()  # noqa: SIM905  # one table
)


def recited(content: Mapping[str, str], values: Mapping[str, str | None]) -> tuple[str, ...]:
    """Attributes whose value occurs in the visible text of any part, sorted.

    content: part -> text as the wire has it; part `html` is read as HTML. values: attribute -> text.
    """
    wanted = {name: found for name, value in values.items() if value and (found := _form(value)) and _tells(found)}
    if not wanted:
        return ()
    texts = [_form(_shown(text) if part == "html" else text) for part, text in content.items()]
    return tuple(sorted(name for name, value in wanted.items() if _occurs(value, texts)))


def _form(text: str) -> str:
    """Texts that read alike are equal in this form."""
    if not text.isascii():
        # In pieces, because ordering thousands of combining marks in one would take quadratic time.
        text = "".join([_folded(piece) for piece in _PIECE.findall(_INVISIBLE.sub("", text))])
    return " ".join(text.lower().split())


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded.replace("i\u0307", "i").replace("\u0131", "i")  # Turkish has two letters where others have one


def _tells(value: str) -> bool:
    return len(value) > 1 and value not in _ANSWERS


def _occurs(value: str, texts: Iterable[str]) -> bool:
    whole = len(value) < _LONG or (len(value) <= _MOST_NUMBER and _NUMBER.fullmatch(value) is not None)
    if not whole:
        return any(value in text for text in texts)
    pattern = re.compile(f"{_BEFORE}{re.escape(value)}{_AFTER}")
    return any(value in text and pattern.search(text) is not None for text in texts)


def _shown(markup: str) -> str:
    """The text of HTML as a reader sees it: elements that break the line as a blank, what never ends as hidden."""
    shown: list[str] = []
    at = 0
    while (start := markup.find("<", at)) >= 0:
        shown.append(markup[at:start])
        at = _past(markup, start, shown)
    shown.append(markup[at:])
    return html.unescape("".join(shown))


def _past(markup: str, start: int, shown: list[str]) -> int:
    """Where reading goes on after a `<`; adds what stands for what lies between."""
    if markup.startswith("<!--", start):
        return _end(markup.find("-->", start + 4), 3, markup)
    following = markup[start + 1 : start + 3].lstrip("/")[:1]
    if markup.startswith(("<!", "<?"), start):
        return _end(markup.find(">", start), 1, markup)
    if not (following.isascii() and following.isalpha()):
        shown.append("<")
        return start + 1
    tag = _TAG.match(markup, start + 1)
    if tag is None:
        return len(markup)
    name = tag[1].lower()
    shown += ["" if name in _INLINE else " ", *(f" {said[1:-1]} " for said in _SPOKEN.findall(tag[0]))]
    if name in _HIDDEN and markup[start + 1] != "/":
        ends = re.compile(f"</{name}", re.IGNORECASE).search(markup, tag.end())
        return ends.start() if ends else len(markup)
    return tag.end()


def _end(found: int, length: int, markup: str) -> int:
    return len(markup) if found < 0 else found + length
