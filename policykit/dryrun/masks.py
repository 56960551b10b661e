"""Masks over rules as SQL: one column per 62 rules, and the few operations that rounds need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policykit.dryrun.plan import WORD

_LOW = (1 << WORD) - 1


def split(mask: int, words: range) -> list[int]:
    """The words of a mask."""
    return [mask >> (WORD * w) & _LOW for w in words]


def kept(column: str, mask: int, words: range) -> list[str]:
    """Per word `column_w & mask`, folded where it is plain."""
    return [f"({column}_{w} & {part})" if part else "0" for w, part in zip(words, split(mask, words), strict=True)]


def some(parts: Iterable[str]) -> str:
    """Whether any word has a bit."""
    tests = [f"{part} <> 0" for part in parts if part != "0"]
    return f"({' OR '.join(tests)})" if tests else "FALSE"


def has(column: str, bit: int) -> str:
    """Whether one rule's bit is set."""
    return f"({column}_{bit // WORD} & {1 << bit % WORD} <> 0)"


def gathered(tests: Sequence[tuple[int, str]], words: range, of: str) -> list[str]:
    """Per word, of a type, the sum of the bits whose test holds; unknown tests do not hold."""
    parts: list[list[str]] = [[] for _ in words]
    for bit, test in tests:
        if test != "FALSE":
            parts[bit // WORD].append(f"CASE WHEN {test} THEN {1 << bit % WORD} ELSE 0 END")
    return [f"CAST({' + '.join(part) or '0'} AS {of})" for part in parts]


def chosen(selector: str, values: Sequence[str]) -> str:
    """The value for each number of a selector column; one value when all are alike."""
    if all(value == values[0] for value in values):
        return values[0]
    return f"CASE {selector} {' '.join(f'WHEN {i} THEN {value}' for i, value in enumerate(values))} END"


def lowest(column: str, count: int) -> str:
    """The number of the lowest bit that is set; NULL when none is."""
    return f"CASE {' '.join(f'WHEN {column} & {1 << k} <> 0 THEN {k}' for k in range(count))} END"
