"""Assumptions that make a law's policy silent where the law is not."""

from __future__ import annotations

from collections.abc import Iterator

from policykit.errors import Place, Problem
from policykit.ir.fold import fold
from policykit.ir.nodes import TRUE, Const, Expr, Fact
from policykit.ir.walk import leaves_of
from policykit.language.tree import ScalarNode
from policykit.lint.base import Desk, Page, warning


def lint(desk: Desk) -> Iterator[Problem]:
    lawful = {policy: pack for pack in desk.packs if pack.jurisdiction for policy in pack.policies}
    for path, entry in desk.assume.entries.items() if desk.assume else ():
        if not isinstance(entry.node, ScalarNode):
            continue
        for rule in desk.rules:
            pack = lawful.get(rule.policy)
            if pack is not None and rule.mode == "enforce" and _loosens(rule.breached, path, entry.node.value):
                yield _told(entry.key, path, rule.policy, pack.jurisdiction)
                break  # the first says enough


def _told(place: Place, path: str, policy: str, jurisdiction: str | None) -> Problem:
    message = f"`{path}` is assumed where nobody knows it, and `{policy}`, law of {jurisdiction}, then says less"
    return warning(
        place, message, "leave it unknown: the law asks for proof, and unknown blocks", "assumes-the-law-away"
    )


def _loosens(breached: Expr, path: str, value: object) -> bool:
    """Whether some breach for lack of the fact is none with the value assumed."""
    facts = [leaf for leaf in leaves_of(breached) if isinstance(leaf, Fact) and leaf.path == path]
    if not facts or not isinstance(value, bool | int | float | str):
        return False
    known: dict[Expr, Expr] = {fact: Const(value, fact.type) for fact in facts}
    return fold(breached, known) != TRUE


_LAW = (
    "pack: {id: xx-hours, version: 1.0.0, jurisdiction: FR}\n"
    "policies:\n  - {id: minors, kind: rule, forbid: \"recipient.account_type == 'minor'\", on_breach: block,\n"
    '     source: {url: "https://example.com", verified_on: "2026-01-01"}}\n'
)
_CASES = (
    'now: "2026-03-02T10:00:00+01:00"\ngiven: {send: {channel: email, message_class: marketing}}\ncases:\n'
    "  - {case: a child, policy: minors, given: {recipient: {account_type: minor}},\n"
    "     expect: {breached: rule.breached}}\n"
)

PAGES = (
    Page(
        "lint.assumes-the-law-away", "An assumption that a law does not make",
        "`assume:` decides what absence of a fact means, for every policy. Where a policy of a law pack reads it, "
        "the assumption lets sends through that the law, in doubt, does not. Give the facts, or leave them unknown.",
        {"policykit.yaml": "mode: enforce\nassume:\n  recipient.account_type: adult\n", "policies/fr.yaml": _LAW,
         "policies/fr.cases.yaml": _CASES},
        {"policykit.yaml": "mode: enforce\n", "policies/fr.yaml": _LAW, "policies/fr.cases.yaml": _CASES},
    ),
)  # fmt: skip
