"""What lints share: what they look at, how they warn, and the page that each code has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from policykit.errors import Place, Problem
from policykit.ir.rules import Rule, RuleSet
from policykit.language.campaign import Manifest
from policykit.language.packs import Pack
from policykit.language.policy import Policy
from policykit.language.tree import MapNode
from policykit.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Page:
    """Why a code is told, and what to do. bad, good: file of a workspace -> what stands in it; `policykit check`
    tells the code for the first and not for the second. can_be_silenced: errors cannot.
    """

    code: str
    title: str
    why: str
    bad: Mapping[str, str] = field(default_factory=dict)
    good: Mapping[str, str] = field(default_factory=dict)
    can_be_silenced: bool = True


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that is looked at. policies, rules: by id; rules without those that only tell of waivers.

    assume: the section of `policykit.yaml`. spelt: fact -> the words for it that manifests use.
    """

    policies: Mapping[str, Policy]
    rules: tuple[Rule, ...]
    ruleset: RuleSet
    vocabulary: Vocabulary
    assume: MapNode | None = None
    spelt: Mapping[str, Collection[str]] = field(default_factory=dict)
    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    packs: tuple[Pack, ...] = ()

    def of(self, rule: Rule) -> Policy:
        return self.policies[rule.policy]


Lint: TypeAlias = Callable[[Desk], Iterator[Problem]]


def warning(place: Place | None, message: str, way_out: str, code: str) -> Problem:
    return Problem(place, message, way_out, f"lint.{code}", "warning")
