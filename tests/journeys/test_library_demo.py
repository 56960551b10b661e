"""The workspace that `init` makes, walked through: everything policykit does happens in it to somebody."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from policykit.assemble.dry_run import sources
from policykit.assemble.workspace import manifest, open_workspace
from policykit.dryrun.person import people_of
from policykit.dryrun.relations import read_data
from policykit.dryrun.run import Options, Workbench
from policykit.facts.row import Sight, State, planned_at
from policykit.language.spans import parse_instant
from policykit.reasons import tell
from policykit.rounds import first_channel
from tests.conftest import DEMO_KNOWN_AT

CAMPAIGNS = ("basket", "new-home", "draft")


@pytest.fixture
def summaries(demo_report) -> dict[str, dict[str, Any]]:
    return {campaign: demo_report(campaign) for campaign in CAMPAIGNS}


def test_it_is_valid_and_its_cases_hold(policykit, demo) -> None:
    checked = policykit("check", "--workspace", str(demo))
    tested = policykit("test", "--workspace", str(demo), "--require-cases")

    assert (checked.code, tested.code) == (0, 0), checked.out + tested.out


@pytest.mark.parametrize("campaign", ["basket", "new-home"])
def test_most_people_get_the_message_and_some_do_not(summaries, campaign) -> None:
    found = summaries[campaign]
    share = {name: found[name] / found["audience"] for name in ("allowed", "downgraded", "blocked")}

    assert 0.30 < share["allowed"] < 0.60
    assert 0.20 < share["downgraded"] < 0.60
    assert 0.05 < share["blocked"] < 0.30


def test_every_kind_of_change_is_made_to_somebody(summaries) -> None:
    basket, home = summaries["basket"], summaries["new-home"]

    for found in (basket, home):
        assert found["moved"]["email"] > 100
        assert found["stripped"]
        assert found["generic"] > 10
    assert home["moved"]["in_app"] > 10
    assert home["delayed"] > 100
    assert set(home["stripped"]) == {"first_name", "home_town", "moving", "step_free"}


def test_every_style_occurs(summaries) -> None:
    assert set(summaries["new-home"]["styles"]) == {"generic", "help_me", "prove_you_know_me"}


def test_a_campaign_that_says_nothing_reaches_nobody_and_crosses_its_brake(summaries) -> None:
    draft = summaries["draft"]

    assert draft["blocked"] == draft["audience"]
    assert draft["brake_crossed"] is True


def test_every_policy_is_breached_and_unknown_for_somebody(summaries) -> None:
    breached: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for found in summaries.values():
        for policy in found["policies"]:
            breached[policy["policy"]] += policy["breached"] - policy["unknown"]
            unknown[policy["policy"]] += policy["unknown"]

    assert [policy for policy, count in breached.items() if not count] == []
    # A store knows of every address whether something may be sent to it, so the demo's files say it too.
    assert [policy for policy, count in unknown.items() if not count] == ["suppressed-addresses-stay-silent"]
    assert len(breached) == 22


def test_every_policy_is_met_by_somebody(demo: Path) -> None:
    opened = open_workspace(demo)
    met: set[str] = set()
    now = parse_instant(DEMO_KNOWN_AT)
    assert now is not None
    for campaign in (manifest(opened, name) for name in CAMPAIGNS):
        with Workbench(Options()) as bench:
            data = read_data(bench.connection, sources(campaign, {}), opened.vocabulary)
            people = people_of(bench.connection, opened.ruleset, data, range(1, 61))
        for person in people.values():
            channel = first_channel(campaign.campaign, person)
            sight = Sight(opened.ruleset, campaign.campaign, person, now)
            if channel is None:
                continue
            state = State(channel, at=planned_at(sight))
            told = (tell(sight, state, rule) for rule in opened.ruleset.rules)
            met |= {each.policy for each in told if each and each.outcome == "met"}

    assert met == {rule.policy for rule in opened.ruleset.rules}


@pytest.mark.parametrize("person", ["p000001", "p000003"])
def test_each_person_has_a_story(policykit, demo, person) -> None:
    ran = policykit("explain", "basket", person, "--workspace", str(demo))

    assert ran.code == 0
    assert ran.out.startswith(person)
    assert len(ran.out.splitlines()) <= 6


def test_nothing_is_suggested_about_what_was_supplied(summaries) -> None:
    """No row in a ledger that was given has a meaning, so no doubt can be about it (M3)."""
    told = " ".join(suggestion["text"] for suggestion in summaries["basket"]["suggestions"])

    assert "up to" in told
    assert "what else they were sent" not in told
