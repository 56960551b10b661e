"""Messages that call themselves transactional and sell something."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policykit.errors import Problem
from policykit.language.campaign import Manifest
from policykit.language.suggest import some
from policykit.lint.base import Desk, Page, warning
from policykit.vocabulary import covers

# Words of offers in the languages our users write in; each is one that no receipt needs.
_WORDS = re.compile(
    r"\b(?:[0-9]+ ?% (?:off|de réduction|rabatt|descuento|di sconto)|discounts?|coupons?|promo(?:tion|code)?s?|"
    r"vouchers?|special offers?|limited (?:time )?offers?|on sale|save (?:up to )?[$€£0-9]|black friday|"
    r"rabattcode|gutschein(?:e|code)?|sonderangebote?|code promo|soldes|offre spéciale|bon de réduction|"
    r"oferta especial|descuentos?|offerta speciale|sconti)\b",
    re.IGNORECASE,
)
_TAGS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", re.DOTALL)


def lint(desk: Desk) -> Iterator[Problem]:
    for manifest in desk.manifests.values():
        if manifest.campaign.message_class == "transactional":
            for what in _sells(manifest):
                message = f"`{manifest.id}` says it is transactional, and {what}"
                way_out = "say `message_class: marketing`, or send that part by itself"
                yield warning(manifest.place, message, way_out, "transactional-sells")


def _sells(manifest: Manifest) -> Iterator[str]:
    campaign = manifest.campaign
    if campaign.purpose is not None and covers("marketing", campaign.purpose):
        yield f"its purpose is `{campaign.purpose}`"
    if campaign.offers is not None and (campaign.offers.personalised or campaign.offers.general):
        yield "it shows offers"
    if manifest.audience.selected_by:
        yield f"its people were picked by {some(manifest.audience.selected_by)}"
    if campaign.helps is not None:
        yield f"its style helps with `{campaign.helps}`, which is for marketing"
    found = sorted({word.lower() for text in _texts(manifest) for word in _WORDS.findall(text)})
    if found:
        yield f"its text speaks of {some(found)}"


def _texts(manifest: Manifest) -> Iterator[str]:
    """What every recipient reads, without tags."""
    for parts in (*manifest.templates.values(), *manifest.generic.values()):
        for template in parts.values():
            yield _TAGS.sub(" ", template.text)


_CAMPAIGN = (
    "campaign: receipt\npurpose: essential.service.notifications\nmessage_class: transactional\n"
    'audience: {{from: data/people.csv, selected_by: []}}\nsend: {{at: "2026-03-02T10:00:00+01:00"}}\n'
    "channels:\n  email: {{provider: sendgrid, subject: Your receipt, body: {}}}\n"
)

PAGES = (
    Page(
        "lint.transactional-sells", "A transactional message that sells",
        "Most policies leave transactional messages alone, because people need them. A message with an offer in it, to "
        "people who were picked, or for a marketing purpose, is marketing: by the law of the EU, the UK, the US and "
        "Canada, and to whoever gets it.",
        {"campaigns/receipt.yaml": _CAMPAIGN.format('"Thank you. Take 20 % off your next order."')},
        {"campaigns/receipt.yaml": _CAMPAIGN.format('"Thank you for your order."')},
    ),
)  # fmt: skip
