"""Packs as installed: the list, one as a page, and what a workspace's copies are to them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from policykit.assemble.workspace import Opened, open_workspace
from policykit.compile import try_compile
from policykit.errors import Place, Problem, UsageError, WorkspaceNotFound
from policykit.explain.policies import case_line, demanded, otherwise, speaks_of
from policykit.language.config import CONFIG_FILE, read_config
from policykit.language.load import find_workspace, raise_errors, read_workspace, shown
from policykit.language.packs import Pack, read_pack
from policykit.language.suggest import did_you_mean, some
from policykit.language.tree import MapNode, to_plain
from policykit.language.yaml import read_yaml
from policykit.plugins import Plugins, discover
from policykit.reports.packs import PackLine, PackPage, PolicyPage

PROVENANCE = "# copied from"
_LINE = re.compile(
    rf"{PROVENANCE} (?P<from>\S+ \S+): pack (?P<pack>\S+) (?P<version>\d+\.\d+\.\d+), sha256 (?P<digest>[0-9a-f]{{64}})"
)
WORDS = re.compile(rb"^(purposes|attributes|programs|facts):", re.MULTILINE)
_PACK = re.compile(rb"^pack:", re.MULTILINE)


@dataclass(frozen=True)
class Installed:
    """A pack that some distribution brought. folder: of that distribution's packs."""

    pack: Pack
    folder: Path
    distribution: str
    version: str
    policies: tuple[Mapping[str, Any], ...]

    @property
    def below(self) -> Path:
        """The file's path below the folder of packs, which is its path in a workspace too."""
        return self.pack.path.relative_to(self.folder)

    @cached_property
    def files(self) -> tuple[Path, ...]:
        beside = self.pack.cases_path
        return (self.pack.path, beside) if beside.is_file() else (self.pack.path,)


@dataclass(frozen=True, slots=True)
class Copied:
    """What the first line of a copy says, and whether the rest is as it was."""

    pack: str
    version: str
    edited: bool


def installed(plugins: Plugins) -> tuple[dict[str, Installed], list[Problem]]:
    """Every pack there is, by id, and what is wrong with those that cannot be read."""
    packs: dict[str, Installed] = {}
    problems: list[Problem] = []
    for plugin in plugins.found:
        for folder in plugin.packs:
            for found in _in_folder(folder, plugin.distribution, plugin.version, problems):
                name, first = found.pack.id, packs.setdefault(found.pack.id, found)
                if first is not found:
                    message = f"pack `{name}` of `{plugin.distribution}` is left out: `{first.distribution}` has it"
                    problems.append(Problem(None, message, "rename one of them", "pack.duplicate", "warning"))
    return packs, problems


def _in_folder(folder: Path, distribution: str, version: str, problems: list[Problem]) -> Iterator[Installed]:
    for path in sorted(folder.rglob("*.yaml")):
        if path.name.endswith(".cases.yaml") or not _PACK.search(path.read_bytes()):
            continue
        node, wrong = read_yaml(path, path.as_posix())
        pack = read_pack(node, path, wrong) if isinstance(node, MapNode) else None
        problems += wrong
        if pack is not None and isinstance(node, MapNode):
            yield Installed(pack, folder, distribution, version, tuple(_policies(node)))


def _policies(node: MapNode) -> Iterator[Mapping[str, Any]]:
    section = node.get("policies")
    rows = to_plain(section) if section is not None else []
    yield from (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def choose(packs: Mapping[str, Installed], name: str) -> Installed:
    if name not in packs:
        holding = sorted(pack for pack in packs if len(name) > 1 and name in pack)
        near = did_you_mean(name, packs) or (f"; did you mean {some(holding)}?" if holding else "")
        raise UsageError(f"there is no pack `{name}`{near}", "`policykit packs list` lists them")
    return packs[name]


# --- list and show --------------------------------------------------------------------------------


def pack_lines(folder: Path | None) -> tuple[list[PackLine], list[Problem]]:
    """Every pack, for the list; those that the workspace has copied say so."""
    packs, problems = installed(discover())
    has = _versions_in(folder)
    return [_line(found, has.get(name)) for name, found in sorted(packs.items())], problems


def _versions_in(folder: Path | None) -> dict[str, str]:
    """Pack -> the version copied into the workspace, when there is one."""
    try:
        root = folder or find_workspace(Path.cwd())
    except WorkspaceNotFound:
        return {}
    files = (copied_of(path) for path in files_of(root))
    return {copied.pack: copied.version for copied in files if copied}


def files_of(root: Path) -> list[Path]:
    """The files that a workspace's policies and words are read from, cases left out."""
    node, problems = read_yaml(root / CONFIG_FILE, CONFIG_FILE)
    places = [root / name for name in read_config(node, problems).policies]
    files = [path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("*.yaml")))]
    return [path for path in files if not path.name.endswith(".cases.yaml") and path.name != CONFIG_FILE]


def _line(found: Installed, copied: str | None = None) -> PackLine:
    pack = found.pack
    statuses = [str(row["source"]["status"]).split(";")[0] for row in found.policies if _has_status(row)]
    audit = bool(found.policies) and all(row.get("mode") == "audit" for row in found.policies)
    family = found.below.parent.as_posix()
    return PackLine(
        pack.id, pack.version, pack.title, pack.jurisdiction, family, pack.channels, pack.stories, pack.policies,
        tuple(dict.fromkeys(statuses)), audit, f"{found.distribution} {found.version}", copied,
    )  # fmt: skip


def _has_status(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("source"), dict) and "status" in row["source"]


def page(name: str) -> PackPage:
    """One pack as a page: its policies and their cases in words."""
    plugins = discover()
    found = choose(installed(plugins)[0], name)
    return _page(found, _opened(found, plugins))


def pages() -> Iterator[PackPage]:
    """Every pack as a page, by id; each workspace that packs are at home in is opened once."""
    homes: dict[Path, Opened] = {}
    for _, found in sorted(installed(discover())[0].items()):
        root = find_workspace(found.pack.path.parent)
        home = homes.get(root) or homes.setdefault(root, open_workspace(root))
        yield _page(found, home)


def _page(found: Installed, home: Opened) -> PackPage:
    return PackPage(_line(found), found.pack.note, found.below.as_posix(), tuple(pages_of(found, home)))


def _opened(found: Installed, plugins: Plugins) -> Opened:
    """The workspace that a pack comes from, with no more of it than the pack needs."""
    root = find_workspace(found.pack.path.parent)
    workspace, problems = read_workspace(
        root, plugins.kinds, plugins.facts, root, lambda path: path in found.files or _is_words(path)
    )
    ruleset, wrong = try_compile(workspace.policies, workspace.registry, plugins.kinds)
    raise_errors([*problems, *wrong], CONFIG_FILE)
    return Opened(workspace, ruleset, plugins)


def _is_words(path: Path) -> bool:
    """Whether a file registers words and is no pack and no case file."""
    content = path.read_bytes() if not path.name.endswith(".cases.yaml") else b""
    return bool(WORDS.search(content)) and not _PACK.search(content)


def pages_of(found: Installed, home: Opened) -> Iterator[PolicyPage]:
    """The policies of a pack in words. home: the workspace that the pack comes from."""
    rules = {rule.policy: rule for rule in home.ruleset.rules}
    cases = [case for file in home.workspace.cases for case in file.cases]
    for policy in home.workspace.policies:
        if policy.id not in found.pack.policies or policy.id not in rules:
            continue
        asks = demanded(policy, rules[policy.id])
        source = policy.source or {}
        lines = tuple(case_line(case, policy) for case in cases if case.policy == policy.id)
        yield PolicyPage(
            policy.id, speaks_of(policy), asks.asks, asks.alternatives, otherwise(policy.effect), policy.because,
            source.get("url"), source.get("status"), source.get("verified_on"), policy.mode == "audit", lines,
        )  # fmt: skip


# --- copies ---------------------------------------------------------------------------------------


def digest(content: bytes) -> str:
    """Of a file's text, however its lines end."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def provenance(found: Installed, content: bytes) -> bytes:
    """The first line of a copy."""
    pack = found.pack
    line = f"{PROVENANCE} {found.distribution} {found.version}: pack {pack.id} {pack.version}, sha256 {digest(content)}"
    return line.encode() + b"\n"


def copied_of(path: Path) -> Copied | None:
    """What a file was copied from, None when it does not say."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    first, _, rest = content.partition(b"\n")
    said = _LINE.fullmatch(first.decode("utf-8", "replace").strip())
    return Copied(said["pack"], said["version"], digest(rest) != said["digest"]) if said else None


def copies(opened: Opened) -> Iterator[Problem]:
    """Warnings about copies of packs: those older than what is installed, and those edited since."""
    root, away = opened.workspace.root, opened.workspace.shown_from
    found = [(path, copied) for path in _policy_files(opened) if (copied := copied_of(path))]
    packs, _ = installed(opened.plugins) if found else ({}, [])
    for path, copied in found:
        place = Place(shown(path, root, away))
        newest = packs.get(copied.pack)
        if newest and as_numbers(copied.version) < as_numbers(newest.pack.version):
            message = f"pack `{copied.pack}` is here in version {copied.version}; {newest.pack.version} is installed"
            way_out = f"`policykit packs add {copied.pack}` brings it up to date"
            yield Problem(place, message, way_out, "pack.older", "warning")
        if copied.edited:
            message = f"this copy of pack `{copied.pack}` was edited, so it says other than the pack does"
            way_out = "to make it yours, remove its first line; to tighten it, write a policy beside it"
            yield Problem(place, message, way_out, "pack.edited", "warning")


def _policy_files(opened: Opened) -> Sequence[Path]:
    return sorted({path for pack in opened.workspace.packs for path in (pack.path, pack.cases_path) if path.is_file()})


def as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))
