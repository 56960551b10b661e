"""Campaigns that do not say what they offer, or offer too little for what policies ask."""

from __future__ import annotations

from collections.abc import Iterator

from policykit.errors import Problem
from policykit.ir.nodes import FALSE
from policykit.ir.offers import too_few
from policykit.ir.rules import RuleSet
from policykit.ir.specialise import PERSONALISED, SHOWN, specialise
from policykit.ir.walk import leaves_of
from policykit.language.campaign import Manifest
from policykit.model import Offers
from policykit.reports.words import count, listed


def doubts_about_offers(ruleset: RuleSet, found: Manifest) -> Iterator[Problem]:
    """Warnings about one campaign's offers, as far as some policy that may be for it looks at them."""
    speaking = _speaking(ruleset, found)
    offers = found.campaign.offers
    if offers is None and speaking:
        look = "looks" if len(speaking) == 1 else "look"
        names = listed(f"`{policy}`" for policy in sorted(speaking))
        message = f"`{found.id}` does not say which offers it shows, and {names} {look} at them"
        yield Problem(found.place, message, "write `offers:`; `offers: {}` where it shows none",
                      "campaign.unknown-offers", "warning")  # fmt: skip
    for rule in ruleset.rules:
        if offers is not None and rule.policy in speaking and rule.share is not None and rule.mode == "enforce":
            yield from _too_few(found, offers, rule.policy, rule.share.most(offers.show))


def _too_few(found: Manifest, offers: Offers, policy: str, most: int) -> Iterator[Problem]:
    """most: how many personalised offers the policy lets a message keep."""
    if most >= len(offers.personalised) or not too_few(offers, most):
        return
    message = (
        f"`{found.id}` cannot be blended as `{policy}` asks: {most} of {count(offers.show, 'offer')} may be "
        f"personalised, and {len(offers.general)} are general"
    )
    way_out = "add offers to `general`, or lower `show`; until then such sends are blocked"
    yield Problem(found.place, message, way_out, "campaign.too-few-offers", "warning")


def _speaking(ruleset: RuleSet, found: Manifest) -> frozenset[str]:
    """Policies that look at offers and may be for some send of the campaign."""
    looking = {rule.policy for rule in ruleset.rules if {PERSONALISED, SHOWN} & leaves_of(rule.breached)}
    return frozenset(
        rule.policy
        for prepared in (found.campaign.prepared if looking else ())
        for rule in specialise(ruleset, found.campaign, prepared, generic=False)
        if rule.policy in looking and rule.breached != FALSE
    )
