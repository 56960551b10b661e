"""The law packs: sourced, dated, told by cases, and without a number that nobody tests; and two of them at work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from policykit.cases import run_cases
from policykit.compile import compile_ruleset
from policykit.demo.library import library_path
from policykit.language.load import Workspace, load_workspace
from policykit.language.packs import Pack
from policykit.language.policy import Policy
from policykit.model import from_micros
from policykit.plugins import discover
from policykit.vocabulary import COUNTRIES, COUNTRY_GROUPS
from tests.journeys.test_library import mutation

LAW = library_path() / "law"
PLATFORMS = {"Apple", "Gmail", "WhatsApp"}


@pytest.fixture(scope="module")
def law() -> Workspace:
    found = discover()
    return load_workspace(LAW, found.kinds, found.facts)


def pack_of(law: Workspace, policy: Policy) -> Pack:
    return next(pack for pack in law.packs if policy.id in pack.policies)


def test_every_case_holds_and_every_policy_is_seen_from_all_sides(law: Workspace) -> None:
    cases = [case for file in law.cases for case in file.cases]

    outcomes, coverage = run_cases(
        compile_ruleset(law.policies, law.registry, discover().kinds), law.registry.vocabulary, cases
    )

    assert [(str(outcome.place), outcome.failures) for outcome in outcomes if outcome.failures] == []
    assert [seen for seen in coverage if seen.missing] == []
    assert len(outcomes) > 450
    assert {seen.policy for seen in coverage} == {policy.id for policy in law.policies}


def test_law_loads_without_a_warning(law: Workspace) -> None:
    assert law.warnings == ()


def test_every_file_is_a_pack_of_its_name_with_cases_beside_it(law: Workspace) -> None:
    files = {path.stem for path in LAW.glob("*.yaml")} - {"policykit"}

    assert {pack.id for pack in law.packs} == {name for name in files if not name.endswith(".cases")}
    assert {f"{pack.id}.cases" for pack in law.packs} == {name for name in files if name.endswith(".cases")}
    assert all(pack.path.stem == pack.id for pack in law.packs)
    for pack in law.packs:
        assert pack.title
        assert pack.note
        assert pack.jurisdiction
        assert pack.stories


def test_every_policy_says_why_and_by_which_source_and_when_it_was_read(law: Workspace) -> None:
    for policy in law.policies:
        source = policy.source or {}
        assert re.fullmatch(r"[A-Z].*[.]", policy.because or ""), policy.id
        assert source["url"].startswith("https://")
        assert date(2026, 1, 1) <= date.fromisoformat(source["verified_on"])
        assert source["status"].startswith(("in force;", "secondary source;")), policy.id


def test_the_table_names_every_pack_and_its_policies(law: Workspace) -> None:
    rows = re.findall(
        r"^\| (\S+) \| \[(\S+)\]\((\S+)\) \| .+? \| (.+?) \|$", (LAW / "README.md").read_text(), re.MULTILINE
    )

    told = {(place, name, file, tuple(re.findall(r"`(\S+?)`", ids))) for place, name, file, ids in rows}
    assert told == {(pack.jurisdiction, pack.id, pack.path.name, pack.policies) for pack in law.packs}
    assert len(rows) == len(law.packs)


def test_what_was_read_in_a_secondary_source_is_only_observed_and_says_so(law: Workspace) -> None:
    second = {policy.id for policy in law.policies if (policy.source or {})["status"].startswith("secondary source")}

    assert second == {policy.id for policy in law.policies if policy.mode == "audit"}
    assert second == {
        "us-texas-hours", "us-texas-call-hours", "us-connecticut-hours", "fr-silent-for-three-years",
        "can-spam-way-out", "can-spam-postal-address", "can-spam-opted-out-is-out",
    }  # fmt: skip
    for policy in law.policies:
        if policy.id in second:
            assert "(read in a secondary source)" in (policy.because or "")
            assert "SECONDARY SOURCE ONLY" in (pack_of(law, policy).note or "")


def test_a_law_speaks_of_its_country_and_a_platform_of_none(law: Workspace) -> None:
    for policy in law.policies:
        place = pack_of(law, policy).jurisdiction or ""
        countries, regions = (policy.applies_to.get(f"recipient.{key}", ()) for key in ("country", "region"))
        if place in PLATFORMS:
            assert (countries, regions) == ((), ())
        elif place == "EU":
            assert set(countries) == set(COUNTRY_GROUPS["EEA"])
        elif place == "US":
            assert (set(countries), regions) == (set(COUNTRY_GROUPS["USA"]), ())
        else:
            assert "-".join(map(str, (*countries, *regions))) == place


def test_a_pack_names_the_channels_of_its_policies(law: Workspace) -> None:
    for pack in law.packs:
        own = [policy for policy in law.policies if policy.id in pack.policies]
        spoken = {channel for policy in own for channel in policy.applies_to.get("send.channel", ())}
        assert set(pack.channels) == spoken, pack.id


def test_dated_law_begins_when_its_source_says(law: Workspace) -> None:
    begins = {policy.id: from_micros(policy.starts).isoformat() for policy in law.policies if policy.starts is not None}

    assert begins == {
        "us-oklahoma-hours": "2022-11-01T05:00:00+00:00",
        "us-oklahoma-three-a-day": "2022-11-01T05:00:00+00:00",
        "us-texas-hours": "2025-09-01T05:00:00+00:00",
        "us-virginia-stop": "2026-01-01T05:00:00+00:00",
    }


def test_groups_of_countries_are_the_states_and_their_parts_that_have_codes_of_their_own() -> None:
    parts = {"AX", "GF", "GP", "MF", "MQ", "RE", "YT"}
    assert len(set(COUNTRY_GROUPS["EU"]) - parts) == 27
    assert parts < set(COUNTRY_GROUPS["EU"])
    assert set(COUNTRY_GROUPS["USA"]) == {"US", "AS", "GU", "MP", "PR", "VI"}
    assert set(COUNTRY_GROUPS["EEA"]) - set(COUNTRY_GROUPS["EU"]) == {"IS", "LI", "NO"}
    assert all(set(members) <= set(COUNTRIES) for members in COUNTRY_GROUPS.values())


def test_the_librarys_cases_run_those_of_the_law_too(policykit: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "law").mkdir()
    (tmp_path / "policykit.yaml").write_text("policies: [none.yaml]\nalso_test: [law]\n")
    (tmp_path / "none.yaml").write_text("policies: []\n")
    (tmp_path / "law/policykit.yaml").write_text("policies: [adults.yaml, adults.cases.yaml]\n")
    (tmp_path / "law/adults.yaml").write_text(
        "policies:\n  - {id: adults, kind: rule, forbid: recipient.age < 18, on_breach: block}\n"
    )
    (tmp_path / "law/adults.cases.yaml").write_text(
        'now: "2026-03-02T10:00:00Z"\ngiven: {send: {channel: email}}\n'
        "cases:\n  - {case: a child, policy: adults, given: {recipient: {age: 12}}, expect: {met: true}}\n"
    )

    ran = policykit("test", "--json", "--workspace", str(tmp_path))

    assert ran.code == 4  # type: ignore[attr-defined]  # what a command gave back
    assert [outcome["case"] for outcome in json.loads(ran.out)["outcomes"]] == ["a child"]  # type: ignore[attr-defined]


@pytest.mark.slow
def test_changing_any_threshold_list_or_window_of_a_law_makes_a_case_fail() -> None:
    tried, alive = mutation().run(LAW)

    assert tried > 600
    assert [(mutant.policy["id"], mutant.says) for mutant in alive] == []
