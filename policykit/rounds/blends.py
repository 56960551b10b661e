"""What rounds do to offers: taken out with the attributes that picked them, and blended with general ones (M5)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from policykit.facts.row import State, offers_of
from policykit.ir.offers import choosers, left, too_few
from policykit.model import Campaign, Offers, Use
from policykit.rounds.masks import Law, Laws


def blended(campaign: Campaign, final: State) -> int | None:
    """How many personalised offers a send that was blended shows in the end; a generic text shows none at all."""
    offers = offers_of(campaign, final)
    if final.blend is None or final.generic or offers is None:
        return None
    return left(offers, final.stripped, final.blend)


def falls_short(campaign: Campaign, before: State, after: State) -> bool:
    """Whether a change takes out offers that the general pool cannot fill up."""
    offers = offers_of(campaign, before)
    if offers is None:
        return False
    now = left(offers, after.stripped, after.blend)
    return now < left(offers, before.stripped, before.blend) and too_few(offers, now)


def taking_out(masks: Law, rules: int, in_breach: Sequence[int], uses: Sequence[Use], offers: Offers | None) -> int:
    """Those of the rules that ask to strip what picked some offer. in_breach: per strip rule, bits over the uses."""
    picking = choosers(offers)
    bits = reduce(or_, (1 << index for index, use in enumerate(uses) if use.attribute in picking), 0)
    found = (1 << rule for rule, asked in zip(masks.strip_rules, in_breach, strict=True) if asked & bits)
    return rules & reduce(or_, found, 0)


def smallest_asked(laws: Laws, masks: Law, rules: int, shown: int) -> tuple[int, int]:
    """The fewest personalised offers that some of the rules ask for, and the rules that ask for so few."""
    asked: dict[int, int] = {}
    for index in masks.blend_rules:
        if rules >> index & 1:
            most = laws.most_personalised(index, shown)
            asked[most] = asked.get(most, 0) | 1 << index
    smallest = min(asked)
    return smallest, asked[smallest]
