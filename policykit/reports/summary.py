"""The numbers of a dry run, in the words of its readers: what every rendering is made from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from policykit.errors import Problem
from policykit.reports.problems import as_dict
from policykit.reports.rates import Rate, as_dicts

__all__ = ["Brake", "Example", "PolicyCount", "Suggestion", "Summary", "as_json"]


@dataclass(frozen=True, slots=True)
class PolicyCount:
    """How one policy fared over an audience.

    breached: sends it did not accept. alone: of these, those it decided by itself. unknown: of these,
    those where a fact it needs is unknown. asks: what a breach asks for, in words. sent: of these, those
    that go out all the same. waiver: it is no policy but a waiver; what it lets through is `sent`.
    """

    policy: str
    breached: int
    alone: int
    unknown: int
    asks: str = ""
    because: str | None = None
    audit: bool = False
    sent: int = 0
    owner: str | None = None
    waiver: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What would change if one fact were different, counted by judging again."""

    more_allowed: int
    fewer_blocked: int
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """One person, by pseudonym, with what happens to them and the policies that decided."""

    person: str
    verdict: str
    text: str
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Brake:
    """A limit of the manifest and what was found, both as shares (0 to 1) of the audience, or of past sends.

    of: which past sends, None = the forecast.
    """

    name: str
    limit: float
    share: float
    of: str | None = None

    @property
    def crossed(self) -> bool:
        return self.share > self.limit


@dataclass(frozen=True, slots=True)
class Summary:
    """One dry run. Counts are sends, one per row of the audience.

    moved: final channel -> sends; stripped: attribute -> sends; channels: final channel -> sends
    that go out. blended: sends whose personalised offers gave way to general ones.
    unknown: sends judged with an unknown fact that some policy needed. mode: what the workspace tells
    guards to do today. reactions: how people answered sends like these, where a store says.
    assumed: fact -> (value, sends where it stood in for nothing).
    """

    campaign: str
    planned: str
    audience: int
    people: int
    allowed: int
    downgraded: int
    blocked: int
    unknown: int = 0
    moved: dict[str, int] = field(default_factory=dict)
    stripped: dict[str, int] = field(default_factory=dict)
    generic: int = 0
    delayed: int = 0
    blended: int = 0
    channels: dict[str, int] = field(default_factory=dict)
    styles: dict[str, int] = field(default_factory=dict)
    impossible: dict[str, int] = field(default_factory=dict)
    policies: tuple[PolicyCount, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    examples: tuple[Example, ...] = ()
    warnings: tuple[Problem, ...] = ()
    brakes: tuple[Brake, ...] = ()
    reactions: tuple[Rate, ...] = ()
    assumed: dict[str, tuple[str, int]] = field(default_factory=dict)
    mode: Literal["audit", "enforce", "off"] = "enforce"
    rules: str = ""

    @property
    def brake_crossed(self) -> bool:
        return any(brake.crossed for brake in self.brakes)


def as_json(summary: Summary) -> dict[str, Any]:
    """The same numbers for scripts; keys are stable."""
    found = asdict(summary)
    found["warnings"] = [as_dict(problem) for problem in summary.warnings]
    found["brakes"] = [asdict(brake) | {"crossed": brake.crossed} for brake in summary.brakes]
    found["reactions"] = as_dicts(summary.reactions)
    found["brake_crossed"] = summary.brake_crossed
    return found
