"""Offers as one message shows them: how many personalised ones are left of it, and which (S13).

The same words on every path: rounds and reference count with `left`, SQL prints the same count, and
what is rendered or told is what `shown_offers` picks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection

from policykit.model import Campaign, Offer, Offers

NO_OFFERS = Offers()


def offers_on(campaign: Campaign, channel: str, *, generic: bool) -> Offers | None:
    """The offers of one content; None = unknown. A generic variant has none, whatever the campaign shows."""
    if generic:
        return NO_OFFERS
    prepared = any(prepared.channel == channel for prepared in campaign.prepared)
    return campaign.offers if prepared else None


def left(offers: Offers, stripped: Collection[str], blend: int | None) -> int:
    """How many personalised offers a message still shows. blend: how many may stay, None = all."""
    count = len(_unstripped(offers, stripped)) if stripped else len(offers.personalised)
    return count if blend is None else min(count, blend)


def too_few(offers: Offers, personalised: int) -> bool:
    """Whether the general pool cannot fill a message that shows so many personalised offers."""
    return offers.show - personalised > len(offers.general)


def choosers(offers: Offers | None) -> frozenset[str]:
    """Attributes that pick some offer."""
    return frozenset(name for offer in (offers.personalised if offers else ()) for name in offer.chosen_by)


def shown_offers(
    offers: Offers, person: str, campaign: str | None, stripped: Collection[str] = (), blend: int | None = None
) -> tuple[Offer, ...]:
    """The offers that one person's message shows: personalised ones first, each part in the campaign's order.

    Which of them stay, and which general ones fill up, follows from the ids alone: the same person
    gets the same offers whenever they are asked for, and one offer fewer never exchanges another.
    """
    personalised = _unstripped(offers, stripped)
    kept = _picked(personalised, left(offers, stripped, blend), person, campaign)
    return (*kept, *_picked(offers.general, max(0, offers.show - len(kept)), person, campaign))


def _unstripped(offers: Offers, stripped: Collection[str]) -> tuple[Offer, ...]:
    return tuple(offer for offer in offers.personalised if not any(name in stripped for name in offer.chosen_by))


def _picked(pool: tuple[Offer, ...], count: int, person: str, campaign: str | None) -> tuple[Offer, ...]:
    if count >= len(pool):
        return pool
    chosen = set(sorted(range(len(pool)), key=lambda at: _lot(pool[at], person, campaign))[:count])
    return tuple(offer for at, offer in enumerate(pool) if at in chosen)


def _lot(offer: Offer, person: str, campaign: str | None) -> tuple[bytes, str]:
    drawn = json.dumps([campaign, person, offer.id]).encode()
    return hashlib.sha256(drawn).digest(), offer.id
