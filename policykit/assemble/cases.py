"""The cases of a workspace, run: single sends by the reference, campaigns as the dry runs that they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from policykit import cases
from policykit.assemble.dry_run import sources
from policykit.assemble.workspace import Opened, open_workspace
from policykit.compile import compile_ruleset
from policykit.dryrun import run
from policykit.dryrun.numbers import Numbers
from policykit.errors import InvalidPolicies, Problem, UsageError, WorkspaceNotFound
from policykit.ir.rules import RuleSet
from policykit.language.campaign_cases import CampaignCase
from policykit.language.cases import Case
from policykit.model import Micros
from policykit.reports.cases import CaseOutcome, Coverage

_OPTIONS = run.Options(threads=1, examples=0)


def run_cases(folder: Path | None) -> tuple[list[CaseOutcome], list[Coverage]]:
    """Every case of the workspace, and of those it names in `also_test`, run, and what each policy's own cases show."""
    opened = open_workspace(folder)
    root, names = opened.workspace.root, opened.workspace.config.also_test
    others = [_other(root, name) for name in names]
    ran = [_run_cases(each) for each in (opened, *others)]
    return [outcome for found, _ in ran for outcome in found], [entry for _, seen in ran for entry in seen]


def _other(root: Path, name: str) -> Opened:
    """A workspace that `also_test` names."""
    try:
        return open_workspace(root / name)
    except WorkspaceNotFound:
        raise UsageError(f"`also_test` of `policykit.yaml` names `{name}`, which is no workspace",
                         "name a folder that has a `policykit.yaml`, as seen from this one") from None  # fmt: skip


def _run_cases(opened: Opened) -> tuple[list[CaseOutcome], list[Coverage]]:
    written = [case for file in opened.workspace.cases for case in file.cases]
    campaigns = [case for file in opened.workspace.cases for case in file.campaigns]
    every: list[Case | CampaignCase] = [*written, *campaigns]
    untimed = [_untimed(case) for case in every if case.now is None]
    if untimed:
        raise InvalidPolicies(untimed)
    outcomes, coverage = cases.run_cases(opened.ruleset, opened.vocabulary, written, _unwaived(opened))
    return [*outcomes, *(run_campaign_case(opened, case) for case in campaigns)], coverage


def _unwaived(opened: Opened) -> RuleSet | None:
    """The rules as they are without waivers, for cases about single policies; None when there is no waiver."""
    workspace = opened.workspace
    if not workspace.waivers:
        return None
    return compile_ruleset(workspace.policies, workspace.registry, opened.plugins.kinds)


def _untimed(case: Case | CampaignCase) -> Problem:
    way_out = 'begin the file with e.g. `now: "2026-03-02T10:00:00+01:00"`; a case never depends on today'
    return Problem(case.place, f"case `{case.name}` does not say when it is judged", way_out, "case.now")


def run_campaign_case(opened: Opened, case: CampaignCase) -> CaseOutcome:
    """A dry run of the campaign's own people, held against the totals expected."""
    try:
        numbers = campaign_numbers(opened, case.campaign, case.now or 0, case.off)
    except UsageError as error:
        said = "; ".join(problem.message for problem in error.problems)
        return CaseOutcome(case.name, case.place, None, (f"it cannot be run: {said}",), campaign=case.campaign)
    failures = tuple(differences(case.expect, numbers))
    beneath = tuple(_beneath(numbers)) if failures else ()
    return CaseOutcome(case.name, case.place, None, failures, beneath, case.campaign)


def campaign_numbers(opened: Opened, campaign: str, now: Micros, off: Iterable[str] = ()) -> Numbers:
    """What a dry run of a campaign's own data counts at an instant, with some policies left out."""
    found = opened.workspace.manifests[campaign]
    return run.dry_run(
        without(opened.ruleset, off), found.campaign, sources(found, {}), now, vocabulary=opened.vocabulary,
        options=_OPTIONS,
    ).numbers  # fmt: skip


def without(ruleset: RuleSet, off: Iterable[str]) -> RuleSet:
    """The rule set with the rules of these policies left out."""
    left_out = frozenset(off)
    rules = tuple(rule for rule in ruleset.rules if rule.policy not in left_out)
    return replace(ruleset, rules=rules) if left_out else ruleset


# --- expected and found -----------------------------------------------------------------------------


def differences(expect: Mapping[str, Any], numbers: Numbers) -> Iterator[str]:
    """Every number that is not as expected, in words. What a mapping does not name is expected to be zero."""
    found = _found(numbers)
    for key in ("totals", "by", "alone", "changes"):
        if key in expect:
            yield from _unlike(key, expect[key], found[key])
    if expect.get("undetermined", numbers.unknown) != numbers.unknown:
        yield f"undetermined: expected {expect['undetermined']}, found {numbers.unknown}"


def _found(numbers: Numbers) -> dict[str, Mapping[str, Any]]:
    return {
        "totals": {"allow": numbers.allowed, "downgrade": numbers.downgraded, "block": numbers.blocked},
        "by": {policy.policy: policy.decided for policy in numbers.policies},
        "alone": {policy.policy: policy.alone for policy in numbers.policies},
        "changes": {"moved": numbers.moved, "stripped": numbers.stripped, "generic": numbers.generic,
                    "blended": numbers.blended, "delayed": numbers.delayed},
    }  # fmt: skip


def _unlike(name: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys((*wanted, *sorted(found))):
        one, other = wanted.get(key), found.get(key)
        if isinstance(one, Mapping) or isinstance(other, Mapping):
            yield from _unlike(f"{name}.{key}", _mapping(one), _mapping(other))
        elif (one or 0) != (other or 0):
            yield f"{name}.{key}: expected {one or 0}, found {other or 0}"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _beneath(numbers: Numbers) -> Iterator[tuple[str, str]]:
    """The whole result, in the words an expectation is written in."""
    for name, counts in _found(numbers).items():
        if said := _said(counts):
            yield name, said
    yield "undetermined", str(numbers.unknown)


def _said(counts: Mapping[str, Any]) -> str:
    """`{a: 1, b: {c: 2}}`, zeros left out."""
    parts: Sequence[str] = [
        f"{key}: {_braced(value) if isinstance(value, Mapping) else value}" for key, value in counts.items() if value
    ]
    return ", ".join(parts)


def _braced(counts: Mapping[str, Any]) -> str:
    return f"{{{_said(counts)}}}"
