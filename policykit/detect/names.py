"""What a column, merge field or payload slot is called, and what that says of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from policykit.detect.concepts import CONCEPTS, OTHERS, OWNERS, PEOPLE, Concept

_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W\d_a-zA-Z]+")
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ł": "l", "Ł": "L", "đ": "d",
                          "\N{LATIN SMALL LETTER DOTLESS I}": "i", "œ": "oe", "İ": "I"})  # fmt: skip
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "AE", "Ö": "OE", "Ü": "UE", "å": "aa"})
_COMPOUND = 5  # letters: shorter words end too many others
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Called:
    """What a name says. sure: the whole name means this and nothing else; word: the word that says it."""

    concept: Concept
    sure: bool
    word: str


def tokens(name: str) -> tuple[str, ...]:
    """The words of a name, lower case and without accents: `Kunde.E-Mail` and `kundeEMail` are alike enough."""
    plain = _plain(name[:_LONGEST])
    return tuple(part.lower() for part in _PARTS.findall(plain))


def _plain(name: str) -> str:
    """Without accents where a letter has them; other scripts as they are, composed."""
    folded = name.translate(_LETTERS)
    split = unicodedata.normalize("NFKD", folded)
    latin = "".join(c for c in split if not unicodedata.combining(c))
    return unicodedata.normalize("NFKC", latin)


def snake(name: str) -> str:
    """The name as an id of the registry: ASCII, lower case, parts joined by `_`; empty when nothing is left."""
    return "_".join(part for part in tokens(name) if part.isascii()).lstrip("0123456789_")


def shape(name: str) -> str:
    """What is left of a name when its spelling is taken away: two names of one shape are one name."""
    return "".join(tokens(name))


def is_of_something_else(name: str) -> bool:
    """Whether the name speaks of something that is no person: a server, a product, a campaign."""
    return not OTHERS.isdisjoint(tokens(name))


def called(name: str) -> Called | None:
    """What the name says is in there; None when it says nothing the word list knows."""
    found = _called(tokens(name))
    if found is None and any(char in name for char in "äöüÄÖÜå"):
        found = _called(tokens(name.translate(_UMLAUTS)))
    return found


@cache
def _words() -> Mapping[str, tuple[Concept, bool, str]]:
    """Every word of the list without its underscores -> (concept, whether it means only that, the word)."""
    words: dict[str, tuple[Concept, bool, str]] = {}
    for concept in CONCEPTS:
        for word in sorted(concept.also):
            words.setdefault("".join(tokens(word)) or word, (concept, False, word))
    for concept in CONCEPTS:
        for word in sorted(concept.words):
            words["".join(tokens(word)) or word] = (concept, True, word)
    return words


def _called(parts: tuple[str, ...]) -> Called | None:
    whole = _words().get("".join(parts))
    if whole is not None:
        return Called(*whole)
    found = [_within(parts, start, end, entry) for start, end, entry in _runs(parts)]
    best = max((each for each in found if each), key=lambda each: (each.sure, len(each.word)), default=None)
    return best or _compound(parts)


def _runs(parts: tuple[str, ...]) -> Iterator[tuple[int, int, tuple[Concept, bool, str]]]:
    """Stretches of the name that are words of the list, none inside a longer one."""
    end_of_last = 0
    for start in range(len(parts)):
        for end in range(min(len(parts), start + 5), max(start, end_of_last), -1):
            entry = _words().get("".join(parts[start:end]))
            if entry is not None:
                yield start, end, entry
                end_of_last = end
                break


def _within(parts: tuple[str, ...], start: int, end: int, entry: tuple[Concept, bool, str]) -> Called | None:
    """A word among others: what stands around it may say whose it is, or make it something else."""
    concept, sure, word = entry
    around = (*parts[:start], *parts[end:])
    rest = [part for part in around if not part.isdigit() and part not in OWNERS and not _says(part, concept)]
    if any(part in OTHERS for part in rest):
        return None
    if not rest:
        owned = any(part in PEOPLE for part in around)
        return Called(concept, sure or (owned and len(word) > 3), word)
    return Called(concept, False, word) if sure else None


def _says(part: str, concept: Concept) -> bool:
    """Whether a word says the same again: `strasse_hausnummer`, `address_1` of an address."""
    entry = _words().get(part)
    return entry is not None and entry[0] is concept


def _compound(parts: tuple[str, ...]) -> Called | None:
    """German, Dutch, Swedish and Finnish write words together: `kundenvorname` ends in one of the list."""
    if not parts or any(part in OTHERS for part in parts):
        return None
    last = parts[-1]
    ends = [word for word in _words() if _COMPOUND <= len(word) < len(last) and last.endswith(word)]
    best = max(ends, key=len, default=None)
    if best is None or not _words()[best][1]:
        return None
    concept, _, word = _words()[best]
    return Called(concept, last.removesuffix(best) in OWNERS, word)
