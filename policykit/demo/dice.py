"""Chance that falls alike everywhere: the same bytes on every platform and Python version."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from struct import Struct
from typing import TypeVar

T = TypeVar("T")

_SEED = b"policykit demo 1"
_EIGHT = Struct(">8I")


class Dice:
    """The throws of one person, a stream of 32-bit numbers: sha256 of seed, person and block, cut in eight."""

    __slots__ = ("_block", "_person", "_throws")

    def __init__(self, person: int) -> None:
        self._person = person
        self._block = 0
        self._throws: list[int] = []

    def throw(self) -> int:
        """The next number, 0 to 2**32 - 1."""
        if not self._throws:
            digest = sha256(b"%s %d %d" % (_SEED, self._person, self._block)).digest()
            self._throws = list(_EIGHT.unpack(digest))
            self._block += 1
        return self._throws.pop()

    def below(self, count: int) -> int:
        """A number from 0 to count - 1."""
        # The numbers at hand are used without a call: a demo throws a million times.
        throws = self._throws
        return (throws.pop() if throws else self.throw()) * count >> 32

    def chance(self, per_mille: int) -> bool:
        """True that many times in a thousand."""
        return self.below(1000) < per_mille

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def weighed(self, items: Sequence[tuple[T, int]]) -> T:
        """One of the items; their weights are per mille and sum to 1000."""
        left = self.below(1000)
        for item, weight in items:
            left -= weight
            if left < 0:
                return item
        raise ValueError("weights sum to less than 1000")
