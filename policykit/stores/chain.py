"""The chain of a record: the hash of a line covers every line before it, and a line can be redacted.

The decision log is one such record, the ledger of consents another. With SHA-256 in hexadecimal of UTF-8:

    digest of a line   of its nonce followed by the line:     `printf '%s%s' "$nonce" "$line" | sha256sum`
    its hash           of the previous hash (nothing for the first line) followed by the digest

Who forgets a person replaces a line by what may stay of it, keeps the digest and throws the nonce away:
the chain still holds, and nobody can find out by trying what the line said. A line without a nonce is what
was written only where a later line of the log, a *forgetting*, names its number and what it was
replaced by; without one it was tampered with.
Whoever rewrites the log to its end can make a chain that holds: keep the head elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from policykit.stores.base import Logged, Verified
from policykit.stores.drawn import Drawn

GENESIS = ""
FORGOTTEN = "forgotten"
MOVED = "moved"
_MARK = f'"event":"{FORGOTTEN}"'


def digest_of(nonce: str, line: str) -> str:
    return sha256((nonce + line).encode()).hexdigest()


def link(previous: str, digest: str) -> str:
    """Hash of a line with that digest after the one with the hash `previous`."""
    return sha256((previous + digest).encode()).hexdigest()


new_nonce = Drawn(16).next


def add(previous: Logged | None, line: str) -> Logged:
    """The line as the next one of a record that ends in `previous`."""
    nonce = new_nonce()
    number, head = (previous.number, previous.hash) if previous else (0, GENESIS)
    return Logged(number + 1, line, link(head, digest_of(nonce, line)), nonce)


# --- redaction --------------------------------------------------------------------------------------


def redacted(logged: Logged, line: str) -> Logged:
    """What stays of a line."""
    return Logged(logged.number, line, logged.hash, "", digest_of(logged.nonce, logged.line))


def without_person(line: str) -> str:
    """What may stay of a line of the log: who it was about, and what was stood on and recited, goes."""
    said = _mapping(line)
    said = {key: value for key, value in said.items() if key not in ("person", "records", "recites")}
    return json.dumps({**said, FORGOTTEN: True}, ensure_ascii=False, separators=(",", ":"))


def id_of(line: str) -> str | None:
    """The id that a line of the log has."""
    found = _mapping(line).get("id")
    return found if isinstance(found, str) else None


def _mapping(line: str) -> dict[str, object]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


@dataclass(frozen=True, slots=True)
class Redactions:
    """What a forgetting accounts for. lines: number in the log -> what it was replaced by, hashed.
    consents: numbers in the ledger of consents, whose lines are empty from then on.
    """

    lines: Mapping[int, str] = field(default_factory=dict)
    consents: frozenset[int] = frozenset()


def forgetting(id: str, at: int, lines: Iterable[Logged], consents: Iterable[int]) -> str:  # noqa: A002  # its name everywhere
    """The line of the log that accounts for what was redacted. Says nothing of the person."""
    replaced = {str(each.number): _hashed(each.line) for each in lines}
    said = {"id": id, "at": at, "event": FORGOTTEN, "lines": replaced, "consents": sorted(consents)}
    return json.dumps(said, separators=(",", ":"))


def redactions(line: str) -> Redactions | None:
    """What a line accounts for, None when it is no forgetting."""
    if _MARK not in line:
        return None
    said = _mapping(line)
    lines, consents = said.get("lines"), said.get("consents")
    if said.get("event") != FORGOTTEN or not isinstance(lines, dict) or not isinstance(consents, list):
        return None
    return Redactions(
        {int(number): str(hashed) for number, hashed in lines.items() if number.isdecimal()},
        frozenset(number for number in consents if isinstance(number, int)),
    )


def _hashed(line: str) -> str:
    return sha256(line.encode()).hexdigest()


def moved(id: str, at: int, before: Verified) -> str:  # noqa: A002  # its name everywhere
    """The line that ends what was written when lines had no nonces: the head it had then, and whether it held."""
    said = {"id": id, "at": at, "event": MOVED, "lines": before.lines, "head": before.head, "broken": before.broken}
    return json.dumps(said, separators=(",", ":"))


def head_before(line: str) -> str | None:
    """The head that the lines before this one had in an earlier format, None when it does not say."""
    head = _moved(line).get("head")
    return head if isinstance(head, str) else None


def _broken_before(line: str) -> int | None:
    """What a log had as its first wrong line when it was moved."""
    broken = _moved(line).get("broken")
    return broken if isinstance(broken, int) else None


def _moved(line: str) -> dict[str, object]:
    said = _mapping(line) if f'"event":"{MOVED}"' in line else {}
    return said if said.get("event") == MOVED else {}


# --- verifying --------------------------------------------------------------------------------------


def walk(lines: Iterable[Logged], known: int | None = None) -> tuple[Verified, frozenset[int]]:
    """Whether lines in order of number, from the first, make a chain whose redactions are accounted for;
    and the numbers of consents that its forgettings account for.

    known: how many lines there are by another count: a log cut off at its end is a chain too.
    """
    found: dict[int, str] = {}
    accounted: dict[int, str] = {}
    consents: set[int] = set()
    head, count, broken = GENESIS, 0, None
    for logged in lines:
        hashed = _expected(head, logged)
        if logged.number != count + 1 or logged.hash != hashed:
            return Verified(count, head, broken=count + 1), frozenset(consents)
        head, count = hashed, count + 1
        if not logged.nonce:
            found[count] = _hashed(logged.line)
        elif (said := redactions(logged.line)) is not None:
            # A forgetting speaks of what was there before it.
            accounted.update({number: line for number, line in said.lines.items() if number < count})
            consents |= said.consents
        elif broken is None:
            broken = _broken_before(logged.line)
    wrong = {number for number in found.keys() | accounted.keys() if found.get(number) != accounted.get(number)}
    if known not in (None, count):
        wrong.add(min(known or 0, count) + 1)
    if broken is not None:
        wrong.add(broken)
    return Verified(count, head, broken=min(wrong, default=None)), frozenset(consents)


def walk_consents(lines: Iterable[Logged], forgotten: frozenset[int]) -> Verified:
    """Whether the ledger of consents is a chain whose redactions are those that the log accounts for."""
    head, count, wrong = GENESIS, 0, None
    for logged in lines:
        hashed = _expected(head, logged)
        if logged.number != count + 1 or logged.hash != hashed:
            return Verified(count, head, broken=min(count + 1, wrong or count + 1))
        head, count = hashed, count + 1
        is_redacted = not logged.nonce
        if wrong is None and (is_redacted != (count in forgotten) or (is_redacted and logged.line)):
            wrong = count
    if wrong is None and any(number > count for number in forgotten):
        wrong = count + 1
    return Verified(count, head, broken=wrong)


class Kept:
    """Whether two collections of texts, met in any order, are the same: what a ledger says and what people have."""

    def __init__(self) -> None:
        self._sum = 0

    def watched(self, lines: Iterable[Logged]) -> Iterator[Logged]:
        for logged in lines:
            if logged.nonce:
                self._sum += int.from_bytes(sha256(logged.line.encode()).digest(), "big")
            yield logged

    def take(self, texts: Iterable[str]) -> None:
        self._sum -= sum(int.from_bytes(sha256(text.encode()).digest(), "big") for text in texts)

    @property
    def is_even(self) -> bool:
        return self._sum == 0


def _expected(previous: str, logged: Logged) -> str:
    digest = digest_of(logged.nonce, logged.line) if logged.nonce else logged.digest
    return link(previous, digest or "")


def printable(text: str) -> str:
    """The text without what UTF-8 cannot hold; in JSON the escapes put in its place mean the same."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
