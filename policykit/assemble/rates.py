"""Reaction rates from the store: what people told back, over what was sent to them.

The style of a past send and the origins of the data in it are those of its campaign's manifest, as it is now.
What somebody told back without naming a campaign is about the last send that had reached them by that channel.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from policykit import addresses
from policykit.assemble.moment import instant, now
from policykit.assemble.stores import store_of
from policykit.facts import cells
from policykit.language.campaign import Manifest
from policykit.language.registry import Registry
from policykit.model import DAY, Campaign, Micros, Variant
from policykit.reports.rates import Rate
from policykit.stores.base import Row, Store

WINDOW: Micros = 90 * DAY
_KINDS = {
    "complaint": "complaints", "unsubscribe": "unsubscribes", "stop": "unsubscribes", "too_personal": "too_personal",
}  # fmt: skip
_Sent = tuple[str | None, str | None]  # campaign and channel


def rates(folder: Path | None, known_at: str | None = None) -> tuple[Rate, ...]:
    """Everything a workspace's store says of the last 90 days."""
    at = instant(known_at, "--known-at")
    with store_of(folder) as (opened, store):
        workspace = opened.workspace
        return rates_of(store, workspace.manifests, workspace.registry, now() if at is None else at)


def rates_of(store: Store, manifests: Mapping[str, Manifest], registry: Registry, at: Micros) -> tuple[Rate, ...]:
    """By campaign, then style, then origin, each in order of its name; sends of no campaign are left out."""
    told = [row for row in store.rows("feedback") if row.get("kind") in _KINDS and _is_recent(row, at)]
    homeless = {str(row["person"]) for row in told if not row.get("campaign")}
    sent: Counter[_Sent] = Counter()
    last: defaultdict[str, list[tuple[Micros, _Sent]]] = defaultdict(list)
    for row in store.rows("history"):
        if not _is_recent(row, at):
            continue
        which = (cells.text(row.get("campaign")), cells.text(row.get("channel")))
        sent[which] += 1
        person = str(row["person"])
        if person in homeless:
            last[person].append((cells.instant(row["at"]) or 0, which))
    reactions: Counter[tuple[_Sent, str]] = Counter()
    for which, reaction, _ in {(_about(row, last), _KINDS[str(row["kind"])], str(row["person"])) for row in told}:
        reactions[which, reaction] += 1
    return tuple(_rates(sent, reactions, manifests, registry))


def of_campaign(found: Iterable[Rate], campaign: Campaign, registry: Registry) -> tuple[Rate, ...]:
    """Those that are about sends like a campaign's: its own, and those of its styles and of the origins of its data."""
    like = {("campaign", campaign.id)}
    for prepared in campaign.prepared:
        like.add(("style", style_of(campaign, prepared.content)))
        like.update(("origin", origin) for origin in _origins(prepared.content, registry))
    return tuple(rate for rate in found if (rate.of, rate.name) in like)


def _is_recent(row: Row, at: Micros) -> bool:
    said = cells.instant(row.get("at"))
    return said is not None and at - WINDOW < said <= at


def _about(row: Row, last: Mapping[str, list[tuple[Micros, _Sent]]]) -> _Sent:
    """Which sends a row of feedback is about: those it names, else the last one before it by that channel."""
    campaign, channel, at = cells.text(row.get("campaign")), cells.text(row.get("channel")), cells.instant(row["at"])
    if campaign is not None:
        return campaign, channel
    family = addresses.family(channel) if channel else None
    before = [
        (then, which) for then, which in last.get(str(row["person"]), ())
        if then <= (at or 0) and family in (None, addresses.family(which[1] or ""))
    ]  # fmt: skip
    return max(before, key=lambda one: (one[0], str(one[1])))[1] if before else (None, channel)


def _rates(
    sent: Mapping[_Sent, int], reactions: Mapping[tuple[_Sent, str], int], manifests: Mapping[str, Manifest],
    registry: Registry,
) -> Iterator[Rate]:  # fmt: skip
    found: dict[tuple[str, str], Counter[str]] = {}
    for which, number in sent.items():
        for key in keys(which, manifests, registry):
            found.setdefault(key, Counter())["sends"] += number
    for (which, reaction), number in reactions.items():
        for key in keys(which, manifests, registry):
            found.setdefault(key, Counter())[reaction] += number
    order = {"campaign": 0, "style": 1, "origin": 2}
    for (of, name), counts in sorted(found.items(), key=lambda item: (order[item[0][0]], item[0][1])):
        yield Rate(of, name, counts["sends"], counts["complaints"], counts["unsubscribes"], counts["too_personal"])


def keys(which: _Sent, manifests: Mapping[str, Manifest], registry: Registry) -> Iterator[tuple[str, str]]:
    """What a send counts for: its campaign, its style, and each origin of the data that shaped it."""
    campaign, channel = which
    if campaign is None:
        return
    yield "campaign", campaign
    manifest = manifests.get(campaign)
    if manifest is None:
        return
    variant = _variant(manifest.campaign, channel)
    style = style_of(manifest.campaign, variant)
    if style is not None:
        yield "style", style
    for origin in sorted(set(_origins(variant, registry))):
        yield "origin", origin


def _variant(campaign: Campaign, channel: str | None) -> Variant | None:
    """The content of a channel; of one that is not known that of the first."""
    found = [prepared for prepared in campaign.prepared if prepared.channel == channel] or campaign.prepared[:1]
    return found[0].content if found else None


def style_of(campaign: Campaign, variant: Variant | None) -> str | None:
    """As M12 has it, for somebody who has the `need`; None where nobody says which data shapes the message."""
    if variant is None or variant.uses is None:
        return None
    if not variant.uses:
        return "generic"
    helps = campaign.helps is not None and any(use.attribute == campaign.need for use in variant.uses)
    others = any(use.recited is not False for use in variant.uses if use.attribute != campaign.need)
    return "help_me" if helps and not others else "prove_you_know_me"


def _origins(variant: Variant | None, registry: Registry) -> Iterable[str]:
    for use in (variant.uses if variant else None) or ():
        attribute = registry.attributes.get(use.attribute)
        for member in attribute.lineage if attribute else ():
            if member in registry.attributes:
                yield registry.attributes[member].origin
