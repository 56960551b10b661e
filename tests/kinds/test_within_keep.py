"""`within_keep`: what was kept longer than promised is not used, on every path, before anybody drops it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from policykit.facts.consent import later_by
from policykit.ir.nodes import TRUE, Months
from policykit.kinds.kept import fewest_days, within_keep
from policykit.model import DAY, Attribute, to_micros


@pytest.mark.parametrize(
    ("months", "days"), [(1, 28), (2, 59), (6, 181), (12, 365), (24, 730), (48, 1460), (4800, 146097)]
)
def test_months_count_as_the_fewest_days_they_can_have(months, days):
    assert fewest_days(months) == days


@pytest.mark.parametrize("months", [1, 6, 13])
def test_nothing_is_used_after_the_instant_it_is_dropped_at(months):
    """Every day of eight years, one without a leap day among them."""
    start = datetime(2096, 1, 1, 9, tzinfo=UTC)
    spans = [
        later_by(at, Months(months)) - at
        for at in (to_micros(start + timedelta(days=day)) for day in range(8 * 366))
    ]  # fmt: skip

    assert min(spans) == fewest_days(months) * DAY
    assert max(spans) - min(spans) <= 4 * DAY


def test_without_a_promise_everything_is_kept():
    assert within_keep({"size": Attribute("size", None, "provided", (), None)}) == TRUE


def test_what_is_past_its_keep_is_stripped_in_a_dry_run(policykit, workspace):
    """A week and a microsecond less, a week, nobody knows since when, and no value at all."""
    root = workspace({
        "policies/registry.yaml": (
            "attributes:\n"
            "  - {id: basket, disclosed_as: your basket, origin: observed, sensitivity: behavioural,\n"
            "     collected_for: [marketing.communications], keep: 7 days}\n"
        ),
        "policies/adults.yaml": (
            "policies:\n"
            "  - {id: as-promised, kind: data, require: {within_keep: true}, on_breach: {downgrade: {uses: strip}}}\n"
        ),
        "policies/adults.cases.yaml": (
            'now: "2026-03-09T10:00:00+01:00"\n'
            "given: {send: {channel: email, message_class: marketing, uses: [{attribute: basket, recited: true}]}}\n"
            "cases:\n"
            "  - {case: nothing kept, policy: as-promised, expect: {met: true}}\n"
        ),
        "campaigns/spring.yaml": (
            "campaign: spring\npurpose: marketing.communications\n"
            "audience: {from: data/people.csv, selected_by: [], attributes: data/attributes.csv}\n"
            'send: {at: "2026-03-09T09:00:00Z"}\n'
            "channels:\n  email: {provider: sendgrid, subject: Spring,\n"
            "          body: 'Hello{% if basket %} {{ basket }}{% endif %}'}\n"
        ),
        "data/people.csv": "id,address.email\n" + "".join(f"p{n},p{n}@example.com\n" for n in range(4)),
        "data/attributes.csv": (
            "person,attribute,value,collected_at\np0,basket,pram,2026-03-02T09:00:00.000001Z\n"
            "p1,basket,pram,2026-03-02T09:00:00Z\np2,basket,pram,\n"
        ),
    })  # fmt: skip

    ran = policykit("dry-run", "spring", "--json", "-w", str(root))

    assert ran.code == 0, ran.err
    report = json.loads(ran.out)

    assert (report["allowed"], report["downgraded"], report["blocked"]) == (2, 2, 0)
    assert report["policies"][0]["unknown"] == 1
