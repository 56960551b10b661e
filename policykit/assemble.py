"""The one place that knows everybody: finds the workspace, loads, compiles, and hands the parts to each other.

Here, and nowhere below, the clock, the environment and the caller's files are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from policykit import cases
from policykit.compile import try_compile
from policykit.demo.library import library_path
from policykit.demo.write import write_demo
from policykit.engine import Engine
from policykit.errors import InvalidPolicies, Place, Problem, UsageError, WorkspaceNotFound
from policykit.explain import explain as explain_decision
from policykit.facts.given import read_given
from policykit.hookspecs import Kind
from policykit.ir.rules import RuleSet
from policykit.language.campaign import Manifest
from policykit.language.cases import Case
from policykit.language.config import CONFIG_FILE
from policykit.language.load import Workspace, find_workspace, load_manifest, raise_errors, read_workspace, shown
from policykit.language.policy import POLICY_SCHEMA
from policykit.language.registry import SECTIONS
from policykit.language.suggest import did_you_mean, some
from policykit.language.tree import to_plain
from policykit.language.yaml import parse_yaml
from policykit.lint import lint
from policykit.model import Micros, to_micros
from policykit.plugins import Plugins, discover
from policykit.reports.cases import CaseOutcome, Coverage
from policykit.reports.editor_schema import KindShape, policy_file
from policykit.reports.explanation import Explanation
from policykit.vocabulary import FACTS, FactSpec, Vocabulary

__all__ = [
    "Opened", "added_facts", "check", "explain_send", "first_sentence", "init", "json_schema", "kinds",
    "open_workspace", "plugins", "run_cases", "vocabulary",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opened:
    """A workspace that is right, with its rules."""

    workspace: Workspace
    ruleset: RuleSet
    plugins: Plugins

    @property
    def vocabulary(self) -> Vocabulary:
        return self.workspace.registry.vocabulary

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return self.workspace.warnings


def now() -> Micros:
    return to_micros(datetime.now(UTC))


# --- workspaces ---------------------------------------------------------------------------------


def open_workspace(folder: Path | None = None) -> Opened:
    """The workspace in a folder, or the nearest from here upwards, loaded and compiled.

    Raises `WorkspaceNotFound`, `UsageError` (only policykit.yaml is wrong) or `InvalidPolicies`, with every problem.
    """
    opened, problems = _read(folder)
    raise_errors(problems, _shown_config(opened.workspace))
    return replace(opened, workspace=replace(opened.workspace, warnings=tuple(_in_order(problems))))


def _read(folder: Path | None) -> tuple[Opened, list[Problem]]:
    """Everything that can be read and compiled, and every problem there is."""
    root = _find(folder)
    found = discover()
    workspace, problems = read_workspace(root, found.kinds, found.facts, Path.cwd())
    ruleset, wrong = try_compile(workspace.policies, workspace.registry, found.kinds)
    return Opened(workspace, ruleset, found), _in_order([*found.problems, *problems, *wrong])


def _find(folder: Path | None) -> Path:
    if folder is None:
        return find_workspace(Path.cwd())
    if not (folder / CONFIG_FILE).is_file():
        raise WorkspaceNotFound(f"`{folder}` is no workspace: it has no `{CONFIG_FILE}`",
                                "`policykit init DIR` makes one")  # fmt: skip
    return folder.absolute()


def _shown_config(workspace: Workspace) -> str:
    return shown(workspace.root / CONFIG_FILE, workspace.root, workspace.shown_from)


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once, in order of place."""
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.sort_key)


def init(folder: Path, people: int) -> None:
    """Makes the demo workspace in a new or empty folder."""
    write_demo(folder, library_path(), people)


def check(folder: Path | None, campaign: str | None = None) -> list[Problem]:
    """Every mistake and doubt there is, in order of place; with a campaign, also what its data lacks."""
    opened, problems = _read(folder)
    if any(problem.severity == "error" for problem in problems):
        return problems
    workspace = opened.workspace
    problems += lint(workspace.policies, opened.ruleset, opened.vocabulary, workspace.config.assume)
    return _in_order(problems)


def run_cases(folder: Path | None) -> tuple[list[CaseOutcome], list[Coverage]]:
    """Every case of the workspace, run, and what each policy's cases show."""
    opened = open_workspace(folder)
    written = [case for file in opened.workspace.cases for case in file.cases]
    timed = [_Timed(case.name, case.policy, case.given, case.expect, case.now, case.place)
             for case in written if case.now is not None]  # fmt: skip
    if len(timed) < len(written):
        raise InvalidPolicies(_untimed(case) for case in written if case.now is None)
    return cases.run_cases(opened.ruleset, opened.vocabulary, timed)


@dataclass(frozen=True, slots=True)
class _Timed:
    """A case that says when it is judged."""

    name: str
    policy: str | None
    given: Mapping[str, object]
    expect: Mapping[str, object]
    now: Micros
    place: Place


def _untimed(case: Case) -> Problem:
    way_out = 'begin the file with e.g. `now: "2026-03-02T10:00:00+01:00"`; a case never depends on today'
    return Problem(case.place, f"case `{case.name}` does not say when it is judged", way_out, "case.now")


def manifest(opened: Opened, campaign: str) -> Manifest:
    """A campaign of the workspace by its id, or any manifest by its path."""
    known = opened.workspace.manifests
    if campaign in known:
        return known[campaign]
    if Path(campaign).is_file():
        return load_manifest(Path(campaign).absolute(), opened.workspace)
    way_out = f"there is {some(sorted(known))}, or name a file" if known else "put manifests into `campaigns/`"
    raise UsageError(f"there is no campaign `{campaign}`{did_you_mean(campaign, known)}", way_out)


# --- one person ------------------------------------------------------------------------------------


def explain_send(folder: Path | None, text: bytes, file: str) -> Explanation:
    """The story of a send written by hand, as in the `given` of a case."""
    opened = open_workspace(folder)
    node, problems = parse_yaml(_decoded(text, file), file)
    if node is None or problems:
        raise UsageError(problems or [Problem(None, f"`{file}` is empty", "write a `send:` and a `recipient:`")])
    plain = to_plain(node)
    if not isinstance(plain, dict):
        raise UsageError(f"`{file}` is no mapping", "write it as the `given` of a case: `send:`, `recipient:`, ...")
    plain = plain.get("given", plain)
    at = now()
    given = read_given(opened.ruleset, opened.vocabulary, plain, at, node.place)
    decision = Engine(opened.ruleset).decide(given.campaign, given.person, at, given.channel)
    return explain_decision(
        opened.ruleset, given.campaign, given.person, at, decision, start=given.channel, name="This person"
    )


def _decoded(text: bytes, file: str) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"`{file}` is not UTF-8 (byte {error.start + 1})", "save it as UTF-8") from error


# --- the reference ------------------------------------------------------------------------------------


def kinds() -> dict[str, Kind]:
    """Every kind there is, built in and plugged in."""
    return discover().kinds


def plugins() -> list[dict[str, Any]]:
    """What is plugged in, for display: one entry per plugin, with what it adds or why it failed."""
    return [
        {
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "kinds": list(plugin.kinds),
            "facts": list(plugin.facts),
            "error": plugin.error,
        }
        for plugin in discover().found
    ]


def first_sentence(page: str) -> str:
    """The first sentence of a kind's page, on one line."""
    paragraph = " ".join(page.strip().split("\n\n")[0].split())
    return paragraph.split(". ")[0].rstrip(".")


def vocabulary(folder: Path | None) -> Vocabulary:
    """The words of a workspace when there is one, else those built in and plugged in."""
    try:
        return _read(folder)[0].vocabulary
    except WorkspaceNotFound:
        if folder is not None:
            raise
        return Vocabulary(discover().facts)


def added_facts(words: Vocabulary) -> list[FactSpec]:
    """Facts that are not built in."""
    built_in = {spec.path for spec in FACTS}
    return [spec for path, spec in sorted(words.facts.items()) if path not in built_in]


def json_schema(folder: Path | None) -> dict[str, Any]:
    """The JSON Schema of policy files, with the words of plugins and of the workspace when there is one."""
    found = discover()
    shapes = [
        KindShape(kind.name, first_sentence(kind.page), kind.schemas, kind.parts, kind.extra)
        for _, kind in sorted(found.kinds.items())
    ]
    return policy_file(POLICY_SCHEMA, SECTIONS, shapes, vocabulary(folder).facts.values())
