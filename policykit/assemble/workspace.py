"""Workspaces opened: found, read, compiled, checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from policykit.assemble.overlays import check_overlays
from policykit.compile import try_compile
from policykit.demo.library import library_path
from policykit.demo.write import write_demo
from policykit.errors import Problem, UsageError, WorkspaceNotFound
from policykit.ir.rules import RuleSet
from policykit.language.campaign import Manifest
from policykit.language.config import CONFIG_FILE
from policykit.language.load import Workspace, find_workspace, load_manifest, raise_errors, read_workspace, shown
from policykit.language.suggest import did_you_mean, some
from policykit.plugins import Plugins, discover
from policykit.vocabulary import Vocabulary


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


def open_workspace(folder: Path | None = None) -> Opened:
    """The workspace in a folder, or the nearest from here upwards, loaded and compiled.

    Raises `WorkspaceNotFound`, `UsageError` (only policykit.yaml is wrong) or `InvalidPolicies`, with every problem.
    """
    return valid(*read(folder))


def valid(opened: Opened, problems: Iterable[Problem]) -> Opened:
    """The workspace when nothing is wrong with it, warnings kept; else raises as `open_workspace` does."""
    problems = tuple(in_order(problems))
    raise_errors(problems, _shown_config(opened.workspace))
    return replace(opened, workspace=replace(opened.workspace, warnings=problems))


def read(folder: Path | None) -> tuple[Opened, list[Problem]]:
    """Everything that can be read and compiled, and every problem there is."""
    root = find_root(folder)
    found = discover()
    workspace, problems = read_workspace(root, found.kinds, found.facts, _here(root))
    ruleset, wrong = try_compile(workspace.policies, workspace.registry, found.kinds, workspace.waivers)
    looser = check_overlays(workspace, found.kinds)
    return Opened(workspace, ruleset, found), in_order([*found.problems, *problems, *wrong, *looser])


def find_root(folder: Path | None) -> Path:
    """The folder itself, which must be a workspace, or the nearest one from here upwards."""
    if folder is None:
        return find_workspace(Path.cwd())
    if not (folder / CONFIG_FILE).is_file():
        raise WorkspaceNotFound(f"`{folder}` is no workspace: it has no `{CONFIG_FILE}`",
                                "`policykit init DIR` makes one")  # fmt: skip
    return folder.absolute()


def _here(root: Path) -> Path:
    """The folder that files are shown from. A running process may stand in one that was removed under it."""
    try:
        return Path.cwd()
    except OSError:
        return root


def _shown_config(workspace: Workspace) -> str:
    return shown(workspace.root / CONFIG_FILE, workspace.root, workspace.shown_from)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once, in order of place."""
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.sort_key)


def init(folder: Path, people: int) -> None:
    """Makes the demo workspace in a new or empty folder."""
    write_demo(folder, library_path(), people)


def manifest(opened: Opened, campaign: str) -> Manifest:
    """A campaign of the workspace by its id, or any manifest by its path."""
    known = opened.workspace.manifests
    if campaign in known:
        return known[campaign]
    if Path(campaign).is_file():
        return load_manifest(Path(campaign).absolute(), opened.workspace)
    way_out = f"there is {some(sorted(known))}, or name a file" if known else "put manifests into `campaigns/`"
    raise UsageError(f"there is no campaign `{campaign}`{did_you_mean(campaign, known)}", way_out)
