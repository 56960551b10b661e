"""Made-up people and campaigns for the decision workload; about half of the sends pass untouched."""

from __future__ import annotations

from random import Random

from policykit.ir.rules import RuleSet
from policykit.model import (
    DAY,
    FOREVER,
    Address,
    AttributeValue,
    Campaign,
    ConsentRecord,
    Person,
    Prepared,
    SentRecord,
    Use,
    Variant,
)

NOW = 1_772_000_000_000_000  # 2026-02-25 in the morning
CHANNELS = ("push", "sms", "email", "in_app")


def campaigns(ruleset: RuleSet, rng: Random, count: int = 20) -> list[Campaign]:
    return [_campaign(ruleset, rng, number) for number in range(count)]


def _campaign(ruleset: RuleSet, rng: Random, number: int) -> Campaign:
    names = sorted(ruleset.attributes)
    common = [name for name in names if name not in ("income", "expecting", "device")]
    chosen = rng.sample(names if rng.random() < 0.2 else common, rng.randint(0, 3))
    uses = tuple(Use(name, recited=rng.random() < 0.4) for name in sorted(chosen))
    channels = [channel for channel in CHANNELS if rng.random() < 0.7] or ["email"]
    prepared = tuple(Prepared(channel, None, Variant(uses), Variant(())) for channel in channels)
    message_class = rng.choice(("marketing",) * 8 + ("service", "transactional"))
    return Campaign(f"c{number}", prepared, NOW, message_class, "marketing.communications")


def person(ruleset: RuleSet, rng: Random, number: int) -> Person:
    consents = [_consent(rng, f"r{n}") for n in range(rng.randint(1, 3))]
    history = [_sent(rng) for _ in range(rng.choice((0, 0, 1, 1, 2, 4)))]
    facts = {
        "recipient.country": rng.choice(("FR", "DE", "US", "CA", "IN", "GB", "ES", "IT")),
        "recipient.zone": rng.choice(("Europe/Paris", "Europe/London", "Asia/Kolkata", "America/New_York")),
        "recipient.age": rng.choice((16, 23, 31, 40, 47, 58, 66, 71)),
        "recipient.account_type": rng.choice(("consumer", "consumer", "business")),
        "recipient.customer": rng.random() < 0.8,
        "recipient.degree": rng.choice(("inferred",) * 7 + ("observed", "provided")),
        "recipient.tolerance": rng.choice((60, 100, 110, 120, 130)),
        "recipient.last_purchase_at": NOW - rng.choice((10, 400, 800)) * DAY,
        "recipient.suppressed": rng.random() < 0.03,
        "recipient.registered_refusal": rng.random() < 0.1,
        "recipient.offers": rng.choice((4, 5, 6)),
        "recipient.personal_offers": rng.choice((0, 1, 2, 3)),
    }
    addresses = {channel: Address(f"{channel}-{number}", shared=rng.random() < 0.1) for channel in CHANNELS}
    values = {name: AttributeValue("x", collected_at=NOW - 9 * DAY) for name in ruleset.attributes}
    return Person(f"p{number}", facts, addresses, {}, tuple(consents), tuple(history), values)


def _consent(rng: Random, identity: str) -> ConsentRecord:
    status = rng.choice(("given",) * 20 + ("refused",))
    channel = rng.choice(("*", "*", "push", "email"))
    quality = rng.choice(("double_opt_in", "single_opt_in"))
    at = NOW - rng.randint(1, 500) * DAY
    return ConsentRecord(identity, status, "marketing.communications", channel, quality, "consent", at, FOREVER)


def _sent(rng: Random) -> SentRecord:
    return SentRecord(NOW - rng.randint(1, 35) * DAY // 2, rng.choice(CHANNELS), "marketing", "earlier")
