"""Templates that recite what a policy takes out of every send."""

from __future__ import annotations

from collections.abc import Iterator

from policykit.errors import Problem
from policykit.ir.nodes import FALSE, And, Expr, Present
from policykit.ir.specialise import SpecialisedRule, specialise
from policykit.language.campaign import Manifest
from policykit.lint.base import Desk, Page, warning
from policykit.model import Prepared


def lint(desk: Desk) -> Iterator[Problem]:
    for manifest in desk.manifests.values():
        for prepared in manifest.campaign.prepared:
            recited = {use.attribute for use in prepared.content.uses or () if use.recited}
            for rule in specialise(desk.ruleset, manifest.campaign, prepared, generic=False) if recited else ():
                yield from _told(rule, manifest, prepared, recited)


def _told(one: SpecialisedRule, manifest: Manifest, prepared: Prepared, recited: set[str]) -> Iterator[Problem]:
    if one.rule.effect.part != "uses" or one.rule.mode != "enforce" or one.breached == FALSE:
        return
    for attribute, term in one.use_terms or ():
        if attribute in recited and _always(term, attribute):
            message = (f"`{manifest.id}` recites `{attribute}` on `{prepared.channel}`, and `{one.policy}` takes it "
                       "out of every such send")  # fmt: skip
            yield warning(manifest.place, message, "write the text without it", "recites-stripped")


def _always(term: Expr, attribute: str) -> bool:
    """Whether the use is in breach wherever it is, whoever the person."""
    items = term.items if isinstance(term, And) else (term,)
    return all(item == Present(attribute) for item in items)


_CAMPAIGN = (
    "campaign: basket\npurpose: marketing.communications\naudience: {{from: data/people.csv, selected_by: []}}\n"
    'send: {{at: "2026-03-02T10:00:00+01:00"}}\n'
    'channels:\n  email: {{provider: sendgrid, subject: Hello, body: "{}"}}\n'
)
_STRIP = (
    "policies:\n  - {id: seen-not-told, kind: data, forbid: {recited: true, sensitivity: {at_least: behavioural}},\n"
    "     on_breach: {downgrade: {uses: strip}}}\n"
)

PAGES = (
    Page(
        "lint.recites-stripped", "A text that says what a policy takes out",
        "The template recites an attribute, and a policy strips it from this campaign's every send: nobody will ever "
        "read that part. The text people get is the one without it, which is better written than left over.",
        {"policies/p.yaml": _STRIP, "campaigns/basket.yaml": _CAMPAIGN.format("Still there: {{ basket }}")},
        {"policies/p.yaml": _STRIP, "campaigns/basket.yaml": _CAMPAIGN.format("Your basket is still there")},
    ),
)  # fmt: skip
