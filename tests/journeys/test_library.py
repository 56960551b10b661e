"""The shipped library: readable, sourced, told by cases, and without a number that nobody tests."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

from policykit.cases import run_cases
from policykit.compile import compile_ruleset
from policykit.demo.library import SHELF, library_path
from policykit.language.cases import Case
from policykit.language.load import Workspace, load_workspace
from policykit.language.policy import Policy
from policykit.plugins import discover
from policykit.reports.cases import CaseOutcome, Coverage

LIBRARY = library_path()
FAMILIES = {
    "consent", "channels", "purpose", "program", "data", "style", "offers", "content", "frequency", "quiet_hours",
}  # fmt: skip


@pytest.fixture(scope="module")
def library() -> Workspace:
    found = discover()
    return load_workspace(LIBRARY, found.kinds, found.facts)


def run(library: Workspace, cases: list[Case]) -> tuple[list[CaseOutcome], list[Coverage]]:
    ruleset = compile_ruleset(library.policies, library.registry, discover().kinds)
    return run_cases(ruleset, library.registry.vocabulary, cases)


def cases_of(library: Workspace) -> list[Case]:
    return [case for file in library.cases for case in file.cases]


@pytest.fixture(scope="module")
def outcomes(library: Workspace) -> tuple[CaseOutcome, ...]:
    """Of every case, as the library is."""
    return tuple(run(library, cases_of(library))[0])


def file_of(policy: Policy) -> str:
    return policy.place.file


def test_every_case_of_the_library_holds(outcomes: tuple[CaseOutcome, ...]) -> None:
    assert [(str(outcome.place), outcome.failures) for outcome in outcomes if outcome.failures] == []
    assert len(outcomes) > 200


def test_every_policy_is_seen_met_breached_and_unknown(library: Workspace) -> None:
    _, coverage = run(library, [case for case in cases_of(library) if case.policy])

    assert {seen.policy for seen in coverage} == {policy.id for policy in library.policies}
    assert [seen for seen in coverage if not (seen.met and seen.breached and seen.unknown)] == []


def test_the_library_loads_without_a_warning(library: Workspace) -> None:
    assert library.warnings == ()


def test_every_policy_says_why_in_a_sentence(library: Workspace) -> None:
    for policy in library.policies:
        assert re.fullmatch(r"[A-Z].*[.]", policy.because or ""), policy.id
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", policy.id)


def test_whoever_cites_a_law_says_where_when_and_whether_it_is_in_force(library: Workspace) -> None:
    cited = {policy.id: policy.source for policy in library.policies if policy.source}

    assert {"refusal-is-final", "push-by-invitation", "email-with-permission"} <= set(cited)
    for source in cited.values():
        assert source is not None
        assert source["url"].startswith("https://")
        assert date.fromisoformat(source["verified_on"])
        assert source["status"].startswith("in force")


def test_every_family_is_a_folder_and_every_file_has_its_cases_beside_it(library: Workspace) -> None:
    files = {file_of(policy) for policy in library.policies}

    assert {file.split("/")[0] for file in files} == FAMILIES
    for file in files:
        beside = file.removesuffix(".yaml") + ".cases.yaml"
        about = {case.policy for cases in library.cases if cases.file == beside for case in cases.cases}
        assert about == {policy.id for policy in library.policies if file_of(policy) == file}


def test_every_file_is_a_pack_that_names_the_stories_of_its_first_line(library: Workspace) -> None:
    packs = {pack.path.relative_to(LIBRARY).as_posix(): pack for pack in library.packs}

    assert set(packs) == {file_of(policy) for policy in library.policies}
    for file, pack in packs.items():
        heading = (LIBRARY / file).read_text(encoding="utf-8").split("pack:")[0]
        assert set(re.findall(r"S\d+", heading)) == set(pack.stories), file
        assert pack.id == file.removesuffix(".yaml").replace("/", "-").replace("_", "-")


@pytest.mark.parametrize("kind", ["consumer", "business"])
def test_the_kind_of_account_changes_no_outcome(
    library: Workspace, outcomes: tuple[CaseOutcome, ...], kind: str
) -> None:
    """S1: swapping the account type of everybody changes nothing."""
    swapped = [replace(case, given=with_account(case.given, kind)) for case in cases_of(library)]

    after, _ = run(library, swapped)

    assert tuple(after) == outcomes


def with_account(given: Mapping[str, object], kind: str) -> dict[str, object]:
    recipient = given.get("recipient")
    return {**given, "recipient": {**(recipient if isinstance(recipient, dict) else {}), "account_type": kind}}


def test_a_wheel_ships_the_whole_library_and_no_secret_of_a_dry_run() -> None:
    project = tomllib.loads((LIBRARY.parent / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

    assert all(target == f"policykit/_library/{source.removeprefix('policies/')}" for source, target in shipped.items())
    assert {file for file in LIBRARY.rglob("*") if file.is_file() and ".policykit" not in file.parts} == {
        file
        for source in shipped
        for path in [LIBRARY.parent / source]
        for file in ([path] if path.is_file() else path.rglob("*"))
        if file.is_file()
    }


def test_files_of_the_demo_are_in_the_library() -> None:
    for entry in SHELF:
        for name in (entry,) if entry.endswith(".yaml") else (f"{entry}.yaml", f"{entry}.cases.yaml"):
            assert (LIBRARY / name).is_file(), name


# --- every threshold is tested ------------------------------------------------------------------------


def mutation() -> ModuleType:
    path = Path(__file__).parents[1] / "laws" / "mutate_policies.py"
    spec = importlib.util.spec_from_file_location("mutate_policies", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutate_policies"] = module
    spec.loader.exec_module(module)
    return module


def test_every_policy_of_the_library_is_mutated_and_none_is_refused_unchanged(library: Workspace) -> None:
    mutate = mutation()
    bench = mutate.bench(LIBRARY)
    tried = {mutant.policy["id"]: mutant for mutant in mutate.mutants(LIBRARY)}

    assert set(tried) == {policy.id for policy in library.policies}
    for file in {file_of(policy) for policy in library.policies}:
        for policy in mutate.read_yaml(LIBRARY / file)["policies"]:
            assert mutate.survives(bench, mutate.Mutant(file, policy, "unchanged")), policy["id"]


def test_a_number_that_nobody_tests_survives_the_mutation(tmp_path: Path) -> None:
    (tmp_path / "policykit.yaml").write_text("policies: [registry.yaml, caps.yaml, caps.cases.yaml]\n")
    (tmp_path / "registry.yaml").write_text("purposes: []\n")
    (tmp_path / "caps.yaml").write_text(
        "policies:\n  - {id: two-a-day, kind: frequency, require: {at_most: 2, per: 1 day}, on_breach: block}\n"
    )
    (tmp_path / "caps.cases.yaml").write_text(
        'now: "2026-03-04T10:00:00Z"\n'
        "given: {send: {channel: email}, history: []}\n"
        "cases:\n  - {case: none, policy: two-a-day, expect: {met: true}}\n"
    )
    mutate = mutation()
    bench = mutate.bench(tmp_path)

    alive = {mutant.says for mutant in mutate.mutants(tmp_path) if mutate.survives(bench, mutant)}

    assert "require.at_most: `2` -> `3`" in alive
    assert "require.per: `1 day` -> `2 days`" in alive


@pytest.mark.slow
def test_changing_any_threshold_list_or_window_makes_a_case_fail() -> None:
    tried, alive = mutation().run(LIBRARY)

    assert tried > 300
    assert [(mutant.policy["id"], mutant.says) for mutant in alive] == []
