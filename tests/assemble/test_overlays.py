"""M11: what an overlay makes looser is found and shown by a send; what it makes stricter stays silent."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import yaml

from policykit.assemble.cases import run_cases as run_workspace
from policykit.assemble.check import check
from policykit.assemble.loosening import Loosening, find_loosening
from policykit.assemble.overlays import as_case, check_overlays
from policykit.assemble.workspace import open_workspace
from policykit.cases import run_cases
from policykit.compile import compile_ruleset
from policykit.errors import InvalidPolicies
from policykit.language.cases import read_cases
from policykit.language.policy import Policy, PolicyReader
from policykit.language.registry import Registry, read_registry
from policykit.language.yaml import parse_yaml
from policykit.model import Verdict
from policykit.plugins import discover
from policykit.reports.problems import FORMATS

KINDS = discover().kinds
REGISTRY = """
attributes:
  - {id: basket, category: user.behavior.purchase_history, origin: observed, collected_for: [marketing.communications],
     sensitivity: behavioural, disclosed_as: what is in your basket}
  - {id: income, category: user.financial, origin: inferred, inferred_from: [basket],
     collected_for: [essential.service], sensitivity: financial}
  - {id: list, category: user.behavior, origin: purchased, collected_for: [marketing], sensitivity: personal}
programs:
  - {id: club, purpose: marketing.communications, gives: [{id: gift, what: a gift}], asks: [basket]}
  - {id: home, purpose: marketing.communications, gives: [{id: month, what: a month}], asks: [income]}
"""
CHANGED = yaml.safe_load(Path(__file__).with_name("looser.yaml").read_text("utf-8"))


def read(text: str, file: str) -> Policy:
    registry, problems = registry_of(), []
    row = f"{{id: p, {text}}}" if "on_breach" in text else f"{{id: p, {text}, on_breach: block}}"
    node, found = parse_yaml(row, file)
    assert not found, found
    policy = PolicyReader(registry, KINDS, problems).read(node)
    assert not problems, problems
    return policy


def registry_of() -> Registry:
    node, _ = parse_yaml(REGISTRY, "registry.yaml")
    return read_registry([node], [])


def versions(name: str) -> tuple[Policy, Policy]:
    """The company's version, and the overlay's looser one."""
    text, words = CHANGED[name]["company"], CHANGED[name]["words"]
    assert words in text
    return read(text, "policies/p.yaml"), read(text.replace(words, CHANGED[name]["overlay"], 1), "team/p.yaml")


@cache
def loosening(name: str) -> Loosening | None:
    return find_loosening(*versions(name), registry_of(), KINDS)


@pytest.mark.parametrize("name", CHANGED)
def test_what_an_overlay_makes_looser_is_shown_by_a_send(name):
    found = loosening(name)

    assert found is not None
    assert found.company.verdict > Verdict.ALLOW
    assert (found.overlay.verdict, found.overlay.changes) != (found.company.verdict, found.company.changes)


@pytest.mark.parametrize("name", [name for name, row in CHANGED.items() if not row.get("one_way")])
def test_what_an_overlay_makes_stricter_is_silent(name):
    company, overlay = versions(name)

    assert find_loosening(overlay, company, registry_of(), KINDS) is None


@pytest.mark.parametrize("name", CHANGED)
def test_the_send_is_a_case_that_holds_for_the_company_alone(name):
    company, overlay = versions(name)
    found = loosening(name)
    assert found is not None

    held = {policy.place.file: outcome(policy, as_case(company, overlay, found)) for policy in (company, overlay)}

    differs = found.company.verdict is not found.overlay.verdict  # else what was changed differs, which a case may add
    assert held == {"policies/p.yaml": True, "team/p.yaml": not differs}


def outcome(policy: Policy, text: str) -> bool:
    """Whether the first case that is written holds when only this version stands."""
    registry, problems = registry_of(), []
    node, found = parse_yaml(text, "shown.cases.yaml")
    file = read_cases(node, "shown.cases.yaml", registry, ["p"], problems)
    assert not found
    assert not problems, problems
    ruleset = compile_ruleset([policy], registry, KINDS)
    if not ruleset.rules:  # its mode is `off`: nothing objects
        return False
    (first, _) = run_cases(ruleset, registry.vocabulary, file.cases)[0]
    return not first.failures


# --- whole workspaces ------------------------------------------------------------------------------------

CAP = "policies:\n  - {id: cap, kind: frequency, require: {at_most: 3, per: 7 days}, on_breach: block}\n"


def workspace(folder: Path, **files: str) -> Path:
    """A workspace with a company's folder and a team's; files by name with `__` for `/`."""
    given = {"policykit.yaml": "policies: [policies/, team/]\n", "policies/cap.yaml": CAP}
    given |= {f"{name.replace('__', '/')}.yaml": text for name, text in files.items()}
    for name, text in given.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


LOOSER = """\
team/cap.yaml:2:5: `cap` is looser here than the one at policies/cap.yaml:2:5; a send that shows it: \
`cap` alone: block, frequency.cap; `cap@team` alone: allow
  help: make it at least as strict, or ask for a waiver of the company's; at run time both stand. The send as a case:
    now: '2026-03-04T12:00:00Z'
    given:
      send: {channel: push}
      history:
      - {at: '2026-03-04T11:59:59.999999Z', channel: push, message_class: marketing, campaign: another}
      - {at: '2026-03-04T11:59:59.999999Z', channel: push, message_class: marketing, campaign: another}
      - {at: '2026-03-04T11:59:59.999999Z', channel: push, message_class: marketing, campaign: another}
    cases:
    - case: what the company asks
      policy: cap
      expect: {verdict: block}
    - case: the overlay must ask as much
      policy: cap@team
      expect: {verdict: block}"""


def test_check_and_load_refuse_an_overlay_that_is_looser(tmp_path):
    root = workspace(tmp_path, team__cap=CAP.replace("at_most: 3", "at_most: 4"))

    assert [str(problem) for problem in check(root)] == [LOOSER]
    with pytest.raises(InvalidPolicies):
        open_workspace(root)


@pytest.mark.parametrize("form", FORMATS)
def test_the_case_survives_every_format(tmp_path, form):
    root = workspace(tmp_path, team__cap=CAP.replace("at_most: 3", "at_most: 4"))

    assert "the overlay must ask as much" in FORMATS[form](check(root))


def test_a_stricter_version_stands_beside_the_companys(tmp_path):
    root = workspace(tmp_path, team__cap=CAP.replace("at_most: 3", "at_most: 2"))

    opened = open_workspace(root)

    assert [rule.policy for rule in opened.ruleset.rules] == ["cap", "cap@team"]
    assert check(root) == []


def test_a_policy_with_a_new_id_is_added(tmp_path):
    root = workspace(tmp_path, team__gap=CAP.replace("id: cap", "id: gap"))

    assert [rule.policy for rule in open_workspace(root).ruleset.rules] == ["cap", "gap"]


def test_every_earlier_version_is_held_against_a_later_one(tmp_path):
    root = workspace(
        tmp_path, policykit="policies: [policies/, team/, shop/]\n", team__cap=CAP.replace("at_most: 3", "at_most: 1"),
        shop__cap=CAP.replace("at_most: 3", "at_most: 2"),
    )  # fmt: skip

    (problem,) = check(root)

    assert (problem.code, problem.place.file) == ("overlay.looser", "shop/cap.yaml")
    assert "looser here than the one at team/cap.yaml:2:5" in problem.message


def test_a_locked_policy_is_changed_by_no_overlay(tmp_path):
    locked = CAP.replace("on_breach", "locked: true, on_breach")
    root = workspace(tmp_path, policies__cap=locked, team__cap=CAP.replace("at_most: 3", "at_most: 1"))

    assert [(problem.code, problem.place.file, problem.message) for problem in check(root)] == [
        ("overlay.locked", "team/cap.yaml",
         "`cap` is locked and cannot be changed by an overlay (it stands at policies/cap.yaml:2:5)")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("section", "text"),
    [("channels", "{push: 1}"), ("responses", "[{id: mild, on: {event: too_personal}, do: {lower_tolerance: 1}}]")],
)
def test_what_is_the_companys_own_is_in_no_overlay(tmp_path, section, text):
    root = workspace(tmp_path, team__more=f"{section}: {text}\n")

    assert [(problem.code, problem.place.file) for problem in check(root)] == [(f"overlay.{section}", "team/more.yaml")]


CASES = """\
now: "2026-03-02T10:00:00+01:00"
given: {send: {channel: push}, recipient: {addresses: {push: t1}}}
cases:
  - {case: two before, policy: cap, given: {history: [{at: "2026-03-01T10:00:00Z"}, {at: "2026-03-01T11:00:00Z"}]},
     expect: {%s}}
"""


def test_a_case_beside_an_overlays_version_is_about_that_one(tmp_path):
    root = workspace(tmp_path, team__cap=CAP.replace("at_most: 3", "at_most: 2"))
    (root / "team/cap.cases.yaml").write_text(CASES % "breached: frequency.cap", "utf-8")
    (root / "policies/cap.cases.yaml").write_text(CASES % "met: true", "utf-8")

    outcomes, coverage = run_workspace(root)

    assert [(each.policy, each.failures) for each in outcomes] == [("cap", ()), ("cap@team", ())]
    assert [(each.policy, each.met, each.breached) for each in coverage] == [("cap", 1, 0), ("cap@team", 0, 1)]


def test_shown_sends_are_plain_yaml(tmp_path):
    (problem,) = check(workspace(tmp_path, team__cap=CAP.replace("at_most: 3", "at_most: 4")))

    _, _, shown = problem.help.partition("as a case:\n")

    assert [case["policy"] for case in yaml.safe_load(shown)["cases"]] == ["cap", "cap@team"]


def test_facts_that_a_workspace_adds_are_tried_too(tmp_path):
    words = "facts: [{path: loyalty.stage, type: string, doc: how far they are, members: [new, old]}]\n"
    rule = 'policies:\n  - {id: stage, kind: rule, forbid: "%s", on_breach: block}\n'
    root = workspace(
        tmp_path, policies__words=words, policies__stage=rule % "loyalty.stage in ['new', 'old']",
        team__stage=rule % "loyalty.stage == 'old'",
    )  # fmt: skip

    (problem,) = check(root)

    _, _, shown = problem.help.partition("as a case:\n")
    assert yaml.safe_load(shown)["given"]["recipient"] == {"loyalty.stage": "new"}
    company = shown.replace("stage@team", "stage").encode()
    (root / "team/stage.yaml").unlink()
    (root / "policies/shown.cases.yaml").write_bytes(company.split(b"    - case: the overlay")[0])
    assert [outcome.failures for outcome in run_workspace(root)[0]] == [()]


class Broken(dict):
    """Kinds that a plugin gave, and that fail when they are asked for."""

    def get(self, *_):
        return 1 / 0


def test_a_version_that_cannot_be_compared_is_told_and_is_no_error(tmp_path):
    root = workspace(tmp_path, team__cap=CAP.replace("at_most: 3", "at_most: 2"))

    (problem,) = check_overlays(open_workspace(root).workspace, Broken())

    assert (problem.code, problem.severity) == ("overlay.unsearched", "warning")
    assert (
        problem.message == "`cap@team` could not be held against the one at policies/cap.yaml:2:5 (ZeroDivisionError)"
    )


def test_what_the_company_only_watches_is_not_made_looser_by_less_than_block(tmp_path):
    watched = CAP.replace("on_breach", "mode: audit, on_breach")
    root = workspace(
        tmp_path, policies__cap=watched, team__cap=CAP.replace("block", "{downgrade: {channel: less_intrusive}}")
    )

    assert check(root) == []
