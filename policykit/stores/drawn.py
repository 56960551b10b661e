"""Random hexadecimal texts, drawn ahead: ids of decisions, nonces of lines."""

from __future__ import annotations

import os

_AHEAD = 128


class Drawn:
    """Texts nobody can guess, each given once. Bytes are drawn for many at once: each draw lets other threads in."""

    def __init__(self, length: int, prefix: str = "") -> None:
        """length: in bytes, two digits each. prefix: what every text begins with."""
        self._length, self._prefix = length, prefix
        self._process = 0
        self._ready: list[str] = []

    def next(self) -> str:
        # INVARIANT: a forked child never goes on with its parent's: an id twice would count as recorded, and of two
        # equal nonces one may be kept where the other was redacted.
        if self._process != os.getpid():
            self._process, self._ready = os.getpid(), []
        try:
            return self._ready.pop()
        except IndexError:
            digits = 2 * self._length
            drawn = os.urandom(self._length * _AHEAD).hex()
            fresh = [self._prefix + drawn[start : start + digits] for start in range(0, len(drawn), digits)]
            found = fresh.pop()
            self._ready = fresh
            return found
