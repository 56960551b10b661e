"""Campaigns that do not say what they offer, where policies look at it."""

from __future__ import annotations

from collections.abc import Iterator

from policykit.errors import Problem
from policykit.ir.nodes import FALSE
from policykit.ir.rules import RuleSet
from policykit.ir.specialise import PERSONALISED, SHOWN, specialise
from policykit.ir.walk import leaves_of
from policykit.language.campaign import Manifest
from policykit.reports.words import listed


def unknown_offers(ruleset: RuleSet, found: Manifest) -> Iterator[Problem]:
    """A warning for a campaign without `offers:` that some policy about offers may be for."""
    if found.campaign.offers is not None:
        return
    looking = {rule.policy for rule in ruleset.rules if {PERSONALISED, SHOWN} & leaves_of(rule.breached)}
    speaking = {
        rule.policy
        for prepared in (found.campaign.prepared if looking else ())
        for rule in specialise(ruleset, found.campaign, prepared, generic=False)
        if rule.policy in looking and rule.breached != FALSE
    }
    if speaking:
        look = "looks" if len(speaking) == 1 else "look"
        names = listed(f"`{policy}`" for policy in sorted(speaking))
        message = f"`{found.id}` does not say which offers it shows, and {names} {look} at them"
        yield Problem(found.place, message, "write `offers:`; `offers: {}` where it shows none",
                      "campaign.unknown-offers", "warning")  # fmt: skip
