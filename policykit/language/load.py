"""A workspace read from its files: every mistake of every file in one run.

The order is: files, registry, what absence means, policies, campaigns, cases; a later step is
checked against what the earlier ones could read, and nothing stops before the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from policykit.errors import InvalidPolicies, Place, Problem, UsageError, WorkspaceNotFound
from policykit.language.campaign import Manifest, read_campaign
from policykit.language.cases import CaseFile, read_cases
from policykit.language.config import CONFIG_FILE, Config, read_config
from policykit.language.layers import LAYER_MARK, Written, companys_own, companys_programs, layer_names, stand_beside
from policykit.language.matching import read_assume
from policykit.language.packs import Pack, read_pack, unlike
from policykit.language.policy import KindLike, Policy, PolicyReader
from policykit.language.registry import Registry, read_registry, with_assumptions
from policykit.language.responses import Response, read_responses
from policykit.language.suggest import did_you_mean, found, some
from policykit.language.tree import ListNode, MapNode, Node, ScalarNode, to_plain
from policykit.language.waivers import Waiver, known_waivers, read_waivers
from policykit.language.yaml import read_yaml
from policykit.vocabulary import FactSpec

CAMPAIGNS = "campaigns"
_SUFFIXES = (".yaml", ".yml")
SECTIONS = ("pack", "policies", "attributes", "programs", "purposes", "channels", "facts", "waivers", "responses")
_REGISTERED = tuple(f"unknown-{what}" for what in ("attribute", "program", "purpose", "fact", "policy", "campaign"))


@dataclass(frozen=True, slots=True)
class Workspace:
    """Everything a workspace says, valid. warnings: what works but deserves a look."""

    root: Path
    config: Config
    policies: tuple[Policy, ...]
    registry: Registry
    cases: tuple[CaseFile, ...] = ()
    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    shown_from: Path | None = None
    packs: tuple[Pack, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    responses: tuple[Response, ...] = ()


@dataclass(frozen=True, slots=True)
class _File:
    """A file that can be read. layer: the number of its folder in `policies:`; manifests may have none (0)."""

    path: Path
    shown: str
    node: Node
    layer: int = 0


def find_workspace(start: Path) -> Path:
    """The nearest folder with a `policykit.yaml`, from `start` upwards."""
    for folder in (start, *start.parents):
        if (folder / CONFIG_FILE).is_file():
            return folder
    raise WorkspaceNotFound(f"no `{CONFIG_FILE}` in `{start}` or any folder above it",
                            "run `policykit init DIR` to make a workspace, or name one with `--workspace`")  # fmt: skip


def load_workspace(root: Path, kinds: Mapping[str, KindLike], facts: Iterable[FactSpec] = (),
                   shown_from: Path | None = None) -> Workspace:  # fmt: skip
    """The workspace in a folder.

    kinds: by name, built in and from plugins. facts: those that plugins add. shown_from: files are
    named relative to this folder in problems (None: to the workspace).
    Raises UsageError when only `policykit.yaml` is wrong, else InvalidPolicies; both with all problems.
    """
    workspace, problems = read_workspace(root, kinds, facts, shown_from)
    raise_errors(problems, shown(root / CONFIG_FILE, root, shown_from))
    return workspace


def read_workspace(root: Path, kinds: Mapping[str, KindLike], facts: Iterable[FactSpec] = (),
                   shown_from: Path | None = None, only: Callable[[Path], bool] | None = None,
                   ) -> tuple[Workspace, list[Problem]]:  # fmt: skip
    """As much of the workspace as can be read, and every problem, errors and warnings: for those that check on.

    only: reads just the policy files, cases and manifests that it says yes to.
    """
    problems: list[Problem] = []
    config_file = shown(root / CONFIG_FILE, root, shown_from)
    node, found_problems = read_yaml(root / CONFIG_FILE, config_file)
    # An empty configuration is a fine one: every key has a default.
    problems += [problem for problem in found_problems if problem.code != "yaml.empty"]
    config = read_config(node, problems)
    files, unread = _files(root, config, node, shown_from, problems, only)
    manifest_files = [file for file in files if _is_manifest(file, root)]
    sections = _sections(files, root, problems)
    maps = [file.node for file in sections if isinstance(file.node, MapNode)]
    registry = read_registry(maps, problems, config.controller, facts)
    registry = with_assumptions(registry, read_assume(config.assume, registry, problems))
    rows = [(file.layer, row) for file in sections for row in _policy_rows(file.node, problems)]
    names = layer_names(config.policies)
    packs = unlike(_packs(sections, problems), problems)
    reader = PolicyReader(registry, kinds, problems)
    policies = stand_beside([_written(layer, row, reader) for layer, row in rows], names, problems)
    waivers = read_waivers(_named("waivers", maps), policies, reader, problems)
    responses = read_responses(_named("responses", maps), registry, problems)
    manifests = _manifests(manifest_files, root, config, registry, problems)
    policy_ids = sorted({*_ids(row for _, row in rows), *(policy.id for policy in policies)})
    campaign_ids = _ids((file.node for file in manifest_files), "campaign")
    cases = [
        _of_layer(read_cases(file.node, file.shown, registry, policy_ids, problems, campaign_ids), names[file.layer],
                  policies)
        for file in files if _is_case_file(file.path)
    ]  # fmt: skip
    for case in (case for file in cases if file for case in file.cases):
        known_waivers(case, waivers, problems)
    if not rows and not problems:
        problems.append(Problem(Place(config_file), "there are no policies: every send is allowed",
                                "put some into `policies/`", "workspace.no-policies", "warning"))  # fmt: skip
    if unread:
        problems = [problem for problem in problems if not _may_follow(problem)]
    workspace = Workspace(root, config, policies, registry, tuple(case for case in cases if case), manifests,
                          tuple(sorted(problems, key=lambda problem: problem.sort_key)), shown_from, packs,
                          waivers, responses)  # fmt: skip
    return workspace, problems


def load_manifest(path: Path, workspace: Workspace) -> Manifest:
    """A manifest that may lie anywhere, read against a workspace."""
    problems: list[Problem] = []
    file = shown(path, workspace.root, workspace.shown_from)
    node, found_problems = read_yaml(path, file)
    problems += found_problems
    if any(problem.code == "file.missing" for problem in problems):
        raise UsageError(problems)
    manifest = None
    if node is not None:
        manifest = read_campaign(node, path, file, workspace.root, workspace.config, workspace.registry, problems)
    raise_errors(problems, CONFIG_FILE)
    assert manifest is not None  # INVARIANT: no manifest without an error
    return manifest


def raise_errors(problems: Iterable[Problem], config_file: str) -> None:
    """Raise when a problem is an error; warnings alone never raise."""
    problems = list(problems)
    errors = [problem for problem in problems if problem.severity == "error"]
    if not errors:
        return
    only_config = all(problem.place is not None and problem.place.file == config_file for problem in errors)
    raise (UsageError if only_config else InvalidPolicies)(problems)


def shown(path: Path, root: Path, shown_from: Path | None) -> str:
    """A file as the user would type it."""
    for base in (shown_from or root, root):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return path.as_posix()


# --- files ----------------------------------------------------------------------------------------


def _files(root: Path, config: Config, node: Node | None, shown_from: Path | None, problems: list[Problem],
           only: Callable[[Path], bool] | None = None) -> tuple[list[_File], bool]:  # fmt: skip
    """Every readable file, by folder and name; and whether one that may register names could not be read."""
    before = len(problems)
    paths = _policy_files(root, config, node, problems)
    unread = len(problems) > before
    paths = {**dict.fromkeys(_yaml_files(root / CAMPAIGNS), 0), **paths}
    files = []
    for path, layer in paths.items():
        if only is not None and not only(path):
            continue
        name = shown(path, root, shown_from)
        tree, found_problems = read_yaml(path, name)
        problems += found_problems
        if tree is not None:
            files.append(_File(path, name, tree, layer))
        elif not _is_case_file(path) and not path.is_relative_to(root / CAMPAIGNS):
            unread = True
    return files, unread


def _policy_files(root: Path, config: Config, node: Node | None, problems: list[Problem]) -> dict[Path, int]:
    """The files of the policy folders with the last folder that has them; folders that do not exist are reported."""
    listed = node.get("policies") if isinstance(node, MapNode) else None
    paths: dict[Path, int] = {}
    for index, name in enumerate(config.policies):
        folder = root / name
        if folder.is_dir():
            paths.update(dict.fromkeys(_yaml_files(folder), index))
        elif folder.is_file():
            paths[folder] = index
        elif listed is not None:
            place = listed.items[index].place if isinstance(listed, ListNode) else listed.place
            problems.append(
                Problem(place, f"no such folder `{name}`", "create it, or correct the name", "config.policies")
            )
    return paths


def _may_follow(problem: Problem) -> bool:
    """Whether a name is unknown perhaps only because the file that registers it could not be read."""
    return problem.code.endswith(_REGISTERED) and "did you mean" not in problem.message


def _yaml_files(folder: Path) -> list[Path]:
    """The YAML files of a folder; a link that leads nowhere is one, so that reading it says so."""
    return sorted(path for path in _below(folder) if path.suffix.lower() in _SUFFIXES and path.name != CONFIG_FILE)


def _below(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Every file below a folder but hidden ones, through linked folders too, and never round in circles."""
    real = folder.resolve()
    if real in above or not folder.is_dir():
        return
    try:
        inside = list(folder.iterdir())
    except OSError as error:
        raise UsageError(f"the folder `{folder}` cannot be read: {error.strerror}", "let us read it") from error
    for path in inside:
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _below(path, above | {real})
        else:
            yield path


def _is_case_file(path: Path) -> bool:
    return path.name.lower().endswith(tuple(f".cases{suffix}" for suffix in _SUFFIXES))


def _is_manifest(file: _File, root: Path) -> bool:
    """A manifest lies in `campaigns/`, or says `campaign:` elsewhere."""
    if _is_case_file(file.path):
        return False
    return file.path.is_relative_to(root / CAMPAIGNS) or (
        isinstance(file.node, MapNode) and "campaign" in file.node.entries
    )


def _sections(files: Iterable[_File], root: Path, problems: list[Problem]) -> list[_File]:
    """The files of policies and words, whose sections are known and stand in layers that may have them."""
    found = [file for file in files if not _is_case_file(file.path) and not _is_manifest(file, root)]
    for file in found:
        _check_sections(file.node, problems)
        companys_own(file.node, file.layer, problems)
    companys_programs([(file.layer, file.node) for file in found], problems)
    return found


def _named(section: str, files: Iterable[MapNode]) -> Iterator[Node]:
    return (node.entries[section].node for node in files if section in node.entries)


def _check_sections(node: Node, problems: list[Problem]) -> None:
    if not isinstance(node, MapNode):
        problems.append(Problem(node.place, f"this file is {found(to_plain(node))}; expected sections",
                                f"sections: {some(SECTIONS, 10)}", "policy.sections"))  # fmt: skip
        return
    for name, (place, _) in node.entries.items():
        if name not in SECTIONS:
            problems.append(Problem(place, f"unknown section `{name}`{did_you_mean(name, SECTIONS)}",
                                    f"sections: {some(SECTIONS, 10)}", "policy.sections"))  # fmt: skip


# --- policies and campaigns -------------------------------------------------------------------------


def _packs(files: Iterable[_File], problems: list[Problem]) -> list[Pack]:
    read = (read_pack(file.node, file.path, problems) for file in files if isinstance(file.node, MapNode))
    return [pack for pack in read if pack]


def _policy_rows(node: Node, problems: list[Problem]) -> list[Node]:
    section = node.get("policies") if isinstance(node, MapNode) else None
    if section is None:
        return []
    if isinstance(section, ListNode):
        return section.items
    problems.append(Problem(section.place, f"`policies` is {found(to_plain(section))}; expected a list",
                            "begin each policy with `- id:`", "policy.sections"))  # fmt: skip
    return []


def _ids(rows: Iterable[Node], key: str = "id") -> list[str]:
    nodes = (row.get(key) for row in rows if isinstance(row, MapNode))
    return sorted({node.value for node in nodes if isinstance(node, ScalarNode) and isinstance(node.value, str)})


def _written(layer: int, row: Node, reader: PolicyReader) -> Written:
    name = row.get("id") if isinstance(row, MapNode) else None
    return Written(layer, reader.read(row), name if isinstance(name, ScalarNode) else None)


def _of_layer(file: CaseFile | None, layer: str, policies: Iterable[Policy]) -> CaseFile | None:
    """The cases of a file; those about a policy that its folder has its own version of are about that one."""
    own = {policy.beside: policy.id for policy in policies if policy.id.endswith(f"{LAYER_MARK}{layer}")}
    if file is None or not own:
        return file
    return replace(file, cases=tuple(replace(case, policy=own.get(case.policy, case.policy)) for case in file.cases))


def _manifests(files: Iterable[_File], root: Path, config: Config, registry: Registry,
               problems: list[Problem]) -> dict[str, Manifest]:  # fmt: skip
    manifests: dict[str, Manifest] = {}
    for file in files:
        manifest = read_campaign(file.node, file.path, file.shown, root, config, registry, problems)
        if manifest is None:
            continue
        first = manifests.setdefault(manifest.id, manifest)
        if first is not manifest and manifest.place:
            message = f"duplicate campaign `{manifest.id}`; the first is in `{first.file}`"
            problems.append(Problem(manifest.place, message, "rename one of the two", "campaign.duplicate"))
    return manifests
