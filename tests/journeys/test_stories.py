"""Every story of the library has policies, cases and a campaign; switching it off changes what happens to people."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import duckdb
import pytest

from policykit.assemble.cases import run_campaign_case
from policykit.assemble.workspace import Opened
from policykit.compile import compile_ruleset
from policykit.errors import InvalidPolicies
from policykit.language.campaign_cases import CampaignCase
from policykit.language.load import load_manifest
from policykit.plugins import discover
from tests.conftest import DEMO_KNOWN_AT, Ran
from tests.journeys.stories import EVERY, LIBRARY, NAMES, README, opened, stories, tables, with_tables

Policykit = Callable[..., Ran]

OPENED = opened()
STORIES = stories(OPENED)
TOTALS = [(each, case) for each in OPENED for file in each.workspace.cases for case in file.campaigns]
BY_COMMAND = {EVERY, "S19", "S21"}  # carried by a command; each has a test of its own
SWITCHED = [name for name in NAMES if name not in BY_COMMAND]


def name_of(total: tuple[Opened, CampaignCase]) -> str:
    return f"{total[1].campaign}: {total[1].name}"


def test_every_story_is_told() -> None:
    assert tuple(STORIES) == NAMES


@pytest.mark.parametrize("name", SWITCHED)
def test_a_story_has_policies_cases_and_a_campaign(name: str) -> None:
    story = STORIES[name]

    assert story.policies
    assert story.cases - len(story.totals) >= 3 * len(story.policies) or story.cases > 3 * len(story.policies)
    assert story.campaigns


@pytest.mark.parametrize("name", SWITCHED)
def test_switching_a_story_off_changes_what_happens(name: str) -> None:
    """That the totals are true is shown below, for the cases as they are and as they are switched."""
    story = STORIES[name]
    planned = {case.campaign: case.expect for case in story.totals if not case.off}
    switched = [
        case for case in story.totals if {policy.partition("@")[0] for policy in case.off} & set(story.policies)
    ]

    assert [case for case in switched if case.expect["totals"] != planned[case.campaign]["totals"]]


@pytest.mark.parametrize("total", [total for total in TOTALS if not total[1].off], ids=name_of)
def test_a_campaign_comes_to_its_totals(total: tuple[Opened, CampaignCase]) -> None:
    outcome = run_campaign_case(*total)

    assert outcome.failures == ()


@pytest.mark.slow
@pytest.mark.parametrize("total", [total for total in TOTALS if total[1].off], ids=name_of)
def test_a_campaign_comes_to_its_totals_without_a_policy(total: tuple[Opened, CampaignCase]) -> None:
    outcome = run_campaign_case(*total)

    assert outcome.failures == ()


def test_every_campaign_has_totals() -> None:
    campaigns = {manifest for each in OPENED for manifest in each.workspace.manifests}

    assert campaigns - {case.campaign for _, case in TOTALS} == {"find-first"}  # which is refused, see below


def test_what_decides_alone_for_somebody() -> None:
    """Each policy of the library decides alone for somebody in the examples, but for those named here."""
    alone = {policy for _, case in TOTALS for policy in case.expect.get("alone", {})}
    unseen = {
        "not-on-this-channel",  # while a refusal is live, no policy that asks for consent is met either
        "only-what-we-disclose",  # a campaign that it would stop is refused before
    }

    assert {policy.id for policy in OPENED[0].workspace.policies} - alone == unseen


def test_the_tables_of_the_readme_are_up_to_date() -> None:
    text = README.read_text(encoding="utf-8")

    assert text == with_tables(text, tables(OPENED)), "run `python -m tests.journeys.stories`"


# --- S1: the kind of account ---------------------------------------------------------------------------------


@pytest.mark.parametrize("campaign", ["basket", "new-home"])
def test_the_kind_of_account_changes_no_decision(
    policykit: Policykit, demo: Path, tmp_path: Path, campaign: str
) -> None:
    with (demo / "data" / "people.csv").open(encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))
    random = Random(1)
    for number in range(2):
        for person in people:
            person["account_type"] = random.choice(["consumer", "business", "education", ""])
        with (tmp_path / f"{number}.csv").open("w", encoding="utf-8", newline="") as out:
            rows = csv.DictWriter(out, list(people[0]))
            rows.writeheader()
            rows.writerows(people)

    decided = [_decided(policykit, demo, campaign, tmp_path / f"{number}.csv") for number in range(2)]

    assert decided[0] == decided[1]
    assert len(decided[0]) == len(people)


def _decided(policykit: Policykit, demo: Path, campaign: str, people: Path) -> list[tuple[object, ...]]:
    out = people.with_suffix(".parquet")
    ran = policykit("dry-run", campaign, "--workspace", str(demo), "--known-at", DEMO_KNOWN_AT,
                    "--audience", str(people), "--out", str(out))  # fmt: skip
    assert ran.code in (0, 1), ran.err
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(f"SELECT * FROM '{out}' ORDER BY recipient_id").fetchall()


# --- S15, S21: what a command carries ------------------------------------------------------------------------


def test_what_no_sentence_discloses_is_used_by_no_campaign(tmp_path: Path) -> None:
    """S15."""
    manifest = (LIBRARY / "examples/aisle-news/campaign.yaml").read_text(encoding="utf-8")
    (tmp_path / "news.html").write_text("<p>{% if house_rank %}You come first.{% endif %}</p>", encoding="utf-8")
    (tmp_path / "campaign.yaml").write_text(manifest, encoding="utf-8")

    with pytest.raises(InvalidPolicies, match="house_rank"):
        load_manifest(tmp_path / "campaign.yaml", OPENED[0].workspace)


def test_people_are_told_what_the_examples_use(policykit: Policykit) -> None:
    """S15."""
    told = policykit("disclose", "--workspace", str(LIBRARY)).out

    library = OPENED[0].workspace
    uses = {
        use.attribute
        for manifest in library.manifests.values()
        for prepared in manifest.campaign.prepared
        for use in prepared.content.uses or ()
    }
    sentences = {library.registry.attributes[attribute].disclosed_as for attribute in uses}
    assert len(uses) >= 8
    assert [said for said in sentences if said is None or said.lower() not in told.lower()] == []


def test_what_is_personal_and_not_registered_stops_a_dry_run(policykit: Policykit) -> None:
    """S21."""
    ran = policykit("dry-run", "find-first", "--workspace", str(LIBRARY))

    assert ran.code == 2
    assert [
        column for column in ("given_name", "mobile", "date_of_birth", "iban", "last_page") if column not in ran.err
    ] == []
    assert "FR76" not in ran.err


def test_scan_proposes_what_to_register(policykit: Policykit) -> None:
    """S21."""
    ran = policykit("scan", str(LIBRARY / "examples/find-first/export.csv"), "--workspace", str(LIBRARY), "--json")

    found = {proposal["id"] for proposal in json.loads(ran.out)["proposals"]}
    assert {"bank_account", "birth_date", "last_page"} <= found


# --- order ----------------------------------------------------------------------------------------------------


def test_order_of_packs_and_files_is_no_rule() -> None:
    library, kinds = OPENED[0].workspace, discover().kinds
    policies = list(library.policies)
    for seed in range(3):
        Random(seed).shuffle(policies)

        assert compile_ruleset(tuple(policies), library.registry, kinds).hash == OPENED[0].ruleset.hash


# --- S19: what people answered -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_people_answered_stands_beside_the_forecast_and_brakes(policykit: Policykit, tmp_path: Path) -> None:
    root = Path(shutil.copytree(LIBRARY, tmp_path / "policies"))
    with (root / "policykit.yaml").open("a", encoding="utf-8") as config:
        config.write("store: sqlite:///live.db\n")
    for relation in ("people", "addresses", "consents", "attributes", "history", "feedback"):
        policykit("import", relation, str(root / f"examples/ask-the-people/{relation}.csv"), "--workspace", str(root))

    ran = policykit("dry-run", "ask-the-people", "--workspace", str(root), "--store", "--json",
                    "--known-at", "2026-03-04T10:00:00Z")  # fmt: skip

    summary = json.loads(ran.out)
    of_campaign = next(rate for rate in summary["reactions"] if rate["of"] == "campaign")
    assert (of_campaign["sends"], of_campaign["too_personal"]["count"], of_campaign["complaints"]["count"]) == (
        12,
        2,
        1,
    )
    assert {brake["name"] for brake in summary["brakes"] if brake["crossed"]} == {"too_personal"}
    assert ran.code == 1
