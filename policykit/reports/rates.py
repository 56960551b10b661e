"""How people answered past sends: reactions per send, by campaign, style and origin of the data in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from policykit.reports.words import count
from policykit.vocabulary import REACTIONS

__all__ = ["Rate", "as_dicts", "in_lines"]

_SAYS = {"complaints": "complained", "unsubscribes": "unsubscribed", "too_personal": "too personal"}


@dataclass(frozen=True, slots=True)
class Rate:
    """What came back on some sends. of: `campaign`, `style` or `origin`; name: which one."""

    of: str
    name: str
    sends: int
    complaints: int = 0
    unsubscribes: int = 0
    too_personal: int = 0

    def share(self, reaction: str) -> float | None:
        """Reactions per send; None where nothing was sent."""
        number: int = getattr(self, reaction)
        return number / self.sends if self.sends else None


def as_dicts(rates: Iterable[Rate]) -> list[dict[str, Any]]:
    """For scripts; keys are stable."""
    return [
        {"of": rate.of, "name": rate.name, "sends": rate.sends}
        | {reaction: {"count": getattr(rate, reaction), "share": rate.share(reaction)} for reaction in REACTIONS}
        for rate in rates
    ]


def in_lines(rates: Iterable[Rate]) -> list[str]:
    """One line for each: `style help_me: 2,104 sends; 0.05% complained, 0.90% unsubscribed, 0.00% too personal`."""
    return [f"{rate.of} {rate.name}: {count(rate.sends, 'send')}; {_shares(rate)}" for rate in rates]


def _shares(rate: Rate) -> str:
    if not rate.sends:
        return "nothing to compare with"
    return ", ".join(f"{rate.share(reaction):.2%} {_SAYS[reaction]}" for reaction in REACTIONS)
