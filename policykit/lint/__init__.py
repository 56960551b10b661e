"""Warnings about a workspace that is right but cannot mean what its authors wanted; each code has a page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from policykit.errors import Problem
from policykit.ir.rules import RuleSet
from policykit.language.campaign import Manifest
from policykit.language.packs import Pack
from policykit.language.policy import Policy
from policykit.language.tree import MapNode
from policykit.lint import (
    elsewhere,
    fallback,
    law,
    programs,
    shadowed,
    shapes,
    silence,
    sources,
    stripped,
    transactional,
)
from policykit.lint.base import Desk, Lint, Page
from policykit.lint.fallback import no_address
from policykit.lint.page import page_text
from policykit.lint.possible import can_never_be
from policykit.lint.silence import Silence, silenced, silences
from policykit.lint.sources import Grants, useless_grants
from policykit.vocabulary import Vocabulary

__all__ = [
    "PAGES",
    "Grants",
    "Page",
    "Silence",
    "can_never_be",
    "lint",
    "no_address",
    "page_text",
    "silenced",
    "silences",
    "useless_grants",
]

_LINTS: tuple[Lint, ...] = (
    *shapes.LINTS, shadowed.lint, fallback.lint, stripped.lint, transactional.lint, law.lint, programs.lint,
)  # fmt: skip
PAGES: Mapping[str, Page] = {
    page.code: page
    for module in (shapes, shadowed, sources, fallback, stripped, transactional, law, programs, silence, elsewhere)
    for page in module.PAGES
}


def lint(
    policies: Iterable[Policy],
    ruleset: RuleSet,
    vocabulary: Vocabulary,
    assume: MapNode | None = None,
    spelt: Mapping[str, Collection[str]] | None = None,
    manifests: Mapping[str, Manifest] | None = None,
    packs: tuple[Pack, ...] = (),
) -> list[Problem]:
    """Everything doubtful, as warnings in order of place; see `Desk`."""
    written = {policy.id: policy for policy in policies}
    rules = tuple(rule for rule in ruleset.rules if rule.policy in written)  # those of waivers are told of elsewhere
    desk = Desk(written, rules, ruleset, vocabulary, assume, spelt or {}, manifests or {}, packs)
    found = {problem for one in _LINTS for problem in one(desk)}
    return sorted(found, key=lambda problem: problem.sort_key)
