"""Words for messages: what was meant, what was found, lists cut to five."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from policykit.language.tree import Plain


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """The nearest known word as the end of a message (`; did you mean ...?`), empty when nothing is near."""
    found = nearest(word, known)
    return f"; did you mean `{found}`?" if found else ""


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known word nearest to this one; case, `-` and `_` never stand in the way."""
    by_shape = {_shape(option): option for option in sorted(known)}
    shape = _shape(str(word))[:80]
    head, dot, tail = shape.rpartition(".")
    if dot:
        # What a dotted path shares with its neighbours says nothing: `recipient.tier` is not near `recipient.id`.
        beside = {option.rpartition(".")[2]: option for option in by_shape if option.rpartition(".")[0] == head}
        found = _close(tail, beside, 0.65) or _close(shape, {option: option for option in by_shape}, 0.85)
    else:
        # A bare word may also be the end of a path: `country` for `recipient.country`.
        ends = {option.rpartition(".")[2]: option for option in by_shape if "." in option}
        found = _close(shape, {option: option for option in by_shape}, 0.65) or _close(shape, ends, 0.85)
    return by_shape[found] if found else None


def _close(word: str, options: dict[str, str], cutoff: float) -> str | None:
    found = get_close_matches(word, options, n=1, cutoff=cutoff)
    return options[found[0]] if found else None


def _shape(word: str) -> str:
    return word.lower().replace("-", "_")


def some(words: Iterable[str], most: int = 5) -> str:
    """Words in backticks, at most five and how many more there are."""
    every = list(words)
    shown = ", ".join(f"`{word}`" for word in every[:most])
    return f"{shown} and {len(every) - most} more" if len(every) > most else shown


def every(words: Iterable[str]) -> str:
    """All words in backticks: for short closed lists."""
    return ", ".join(f"`{word}`" for word in words)


def found(value: Plain) -> str:
    """What a value is, in an author's words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"`{str(value).lower()}`"
        case int() | float():
            return f"the number `{value}`"
        case str():
            return f"the text `{clip(value)}`" if value else "an empty text"
        case list():
            return "a list"
        case _:
            return "a mapping"


def clip(text: str, most: int = 40) -> str:
    """A text short enough for a message."""
    line = text.replace("\n", " ")
    return line if len(line) <= most else line[: most - 3] + "..."
