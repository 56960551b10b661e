"""Rules: what a policy becomes. A RuleSet is all of them, with what judging needs to know.

One policy lowers to one rule. Rules are sorted by policy id, so order never matters (M4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from policykit.errors import Place
from policykit.ir.nodes import Expr, Hours, Leaf, UseLeaf
from policykit.model import Attribute, Program

Part = Literal["block", "channel", "uses", "content", "send_at", "offers"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a breach asks for. channels: for part `channel`, those permitted; None = any less intrusive."""

    part: Part
    channels: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """The largest part of a message's offers that may be personalised. itself: whether exactly it still may."""

    numerator: int
    denominator: int
    itself: bool = True

    def most(self, shown: int) -> int:
        """How many of the offers shown may be personalised."""
        part = self.numerator * shown
        return part // self.denominator if self.itself else max(0, (part - 1) // self.denominator)


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled policy.

    breached: applies and not met. True breaches; unknown breaches too and is undetermined (M3).
    use_breached: for effect `uses`: the same for the use at hand, only below ExistsUse.
    hours: for effect `send_at`: where the next allowed instant is looked up.
    share: for effect `offers`: how many personalised ones may stay.
    reason: STRING; the stable reason code of a breach whose facts are known (reference only).
    owner: who answers for it, for reports. kind `waiver`: it only tells that a waiver let a send through.
    applies: the conditions of `for` and `when` alone, already part of `breached`; for cases and
        explanations. None = always.
    """

    policy: str
    kind: str
    breached: Expr
    effect: Effect
    reason: Expr
    mode: Literal["enforce", "audit"] = "enforce"
    use_breached: Expr | None = None
    hours: Hours | None = None
    because: str | None = None
    place: Place | None = None
    source: Mapping[str, str] | None = None
    applies: Expr | None = None
    owner: str | None = None
    share: Share | None = None


@dataclass(frozen=True)
class RuleSet:
    """All rules of a workspace and the facts about the company that judging needs.

    leaves: every leaf any rule reads, in a fixed order; a fact row is a tuple aligned with it
    (leaves about a use are in `use_leaves`, aligned with each use row).
    hash: sha256 over the canonical text of everything below.
    assume: path -> value that absence means (M3). ranks: channel -> company rank.
    members: path -> the texts a fact may hold, added facts included; any other text is unknown (M3).
    """

    rules: tuple[Rule, ...]
    leaves: tuple[Leaf, ...]
    use_leaves: tuple[UseLeaf, ...] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    programs: Mapping[str, Program] = field(default_factory=dict)
    purposes: tuple[str, ...] = ()
    ranks: Mapping[str, int] = field(default_factory=dict)
    assume: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    controller: str | None = None
    hash: str = ""
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
