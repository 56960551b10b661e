"""The chain of the decision log: the hash of a line covers every line before it.

A line's hash is SHA-256, in hexadecimal, of the previous hash (nothing for the first line) followed
by the line, both as UTF-8: `printf '%s%s' "$previous" "$line" | sha256sum` says the same.
Whoever rewrites the log to its end can make a chain that holds: keep the head elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from policykit.stores.base import Logged, Verified

GENESIS = ""


def link(previous: str, line: str) -> str:
    """Hash of a line after the one with the hash `previous`."""
    return sha256((previous + line).encode()).hexdigest()


def walk(lines: Iterable[Logged], known: int | None = None) -> Verified:
    """Whether lines in order of number, from the first, make a chain.

    known: how many lines there are by another count: a log cut off at its end is a chain too.
    """
    head, count = GENESIS, 0
    for logged in lines:
        expected = link(head, logged.line)
        if logged.number != count + 1 or logged.hash != expected:
            return Verified(count, head, broken=count + 1)
        head, count = expected, count + 1
    return Verified(count, head, broken=None if known in (None, count) else min(known or 0, count) + 1)


def printable(text: str) -> str:
    """The text without what UTF-8 cannot hold; in JSON the escapes put in its place mean the same."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
