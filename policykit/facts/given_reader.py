"""Values written by hand, read: what they may be, and a problem for each that is something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from policykit.errors import Place, Problem
from policykit.ir.rules import RuleSet
from policykit.language.spans import NUMBER_WAY_OUT, is_number
from policykit.language.suggest import did_you_mean
from policykit.vocabulary import CHANNELS, Vocabulary

Row: TypeAlias = Mapping[str, object]


@dataclass(slots=True)
class Reader:
    """place: of the whole, which every problem names. problems: all found so far."""

    ruleset: RuleSet
    vocabulary: Vocabulary
    place: Place | None
    problems: list[Problem] = field(default_factory=list)

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel there is, the workspace's own included."""
        return tuple({**CHANNELS, **self.ruleset.ranks})

    def problem(self, message: str, help: str | None = None, code: str = "given.value") -> None:  # noqa: A002  # its name
        self.problems.append(Problem(self.place, message, help, code))

    def mapping(self, value: object, where: str, keys: Iterable[str] | None = None) -> dict[str, object]:
        """A mapping with no other keys than those known, empty when nothing is given; anything else is a problem."""
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.problem(f"`{where}` is {in_words(value)}, expected a mapping")
            return {}
        known = tuple(keys) if keys is not None else None
        for key in value:
            if known is not None and key not in known:
                listed = ", ".join(f"`{each}`" for each in known)
                self.problem(
                    f"unknown key `{key}` in `{where}`{did_you_mean(key, known)}", f"known are {listed}", "given.key"
                )
        return {str(key): item for key, item in value.items()}

    def rows(self, value: object, where: str, keys: Iterable[str]) -> list[dict[str, object]]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            self.problem(f"`{where}` is {in_words(value)}, expected a list")
            return []
        known = tuple(key for key in keys if key != "person")
        return [self.mapping(item, where, known) for item in value]

    def instants(self, row: Row, where: str, *keys: str) -> None:
        """Refuses numbers for instants; data may hold microseconds, a person who writes `2026` means the year."""
        for key in keys:
            self.instant(row.get(key), f"{where}.{key}")

    def instant(self, value: object, where: str) -> None:
        if is_number(value):
            self.problem(f"`{where}` is the number `{value}`, which is no instant", NUMBER_WAY_OUT)

    def one_of(self, value: object, where: str, known: Iterable[str]) -> str | None:
        options = tuple(known)
        if value is None or value in options:
            return value if isinstance(value, str) else None
        self.problem(f"unknown {where} `{value}`{did_you_mean(value, options)}")
        return None


def in_words(value: object) -> str:
    """What a value is, in words, e.g. `a list`."""
    match value:
        case None:
            return "empty"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return f"`{value}`"
