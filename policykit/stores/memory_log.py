"""The two chains of a store in memory: the log of decisions and the ledger of consents."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from policykit.model import Micros
from policykit.stores.base import Logged, Verified
from policykit.stores.cells import names
from policykit.stores.chain import Kept, add, forgetting, printable, redacted, walk, walk_consents, without_person


class Chains:
    """Not safe by itself: the store holds its lock. numbered: event or decision id -> number in the log."""

    def __init__(self) -> None:
        self.log: list[Logged] = []
        self.numbered: dict[str, int] = {}
        self.ledger: list[Logged] = []
        self._consents_of: dict[str, list[int]] = {}

    def note(self, name: str, line: str) -> None:
        self.log.append(add(self.log[-1] if self.log else None, printable(line)))
        self.numbered[name] = len(self.log)

    def add_consent(self, person: str, row: str) -> None:
        self.ledger.append(add(self.ledger[-1] if self.ledger else None, row))
        self._consents_of.setdefault(person, []).append(len(self.ledger))

    def find(self, name: str) -> Logged | None:
        number = self.numbered.get(name)
        return None if number is None else self.log[number - 1]

    def lines_of(self, decisions: Collection[object], pseudonym: str | None) -> list[Logged]:
        """Lines of the log about a person that were not redacted before."""
        numbers = {number for name, number in self.numbered.items() if name in decisions} if decisions else set()
        return [
            each for each in self.log
            if each.nonce and (each.number in numbers or (pseudonym is not None and names(pseudonym) in each.line))
        ]  # fmt: skip

    def forget(self, person: str, lines: Iterable[Logged], now: Micros) -> None:
        """Redacts lines of the log and the person's consents, and accounts for it."""
        bare = [redacted(each, without_person(each.line)) for each in lines]
        for each in bare:
            self.log[each.number - 1] = each
        consents: Sequence[int] = self._consents_of.pop(person, [])
        for number in consents:
            self.ledger[number - 1] = redacted(self.ledger[number - 1], "")
        if bare or consents:
            event = f"pf-{os.urandom(10).hex()}"
            self.note(event, forgetting(event, now, bare, consents))

    def verify(self) -> Verified:
        return walk(tuple(self.log), len(self.numbered))[0]

    def verify_consents(self, held: Iterable[str]) -> Verified:
        """held: the rows that people are judged by."""
        kept = Kept()
        found = walk_consents(kept.watched(self.ledger), walk(tuple(self.log))[1])
        kept.take(held)
        return found if found.broken is not None or kept.is_even else replace(found, broken=found.lines + 1)
