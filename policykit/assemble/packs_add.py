"""Packs copied into a workspace: all of them with their cases and the words they need, or nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policykit.assemble.packs import WORDS, Installed, as_numbers, choose, copied_of, files_of, installed, provenance
from policykit.assemble.workspace import Opened, open_workspace, read
from policykit.errors import InvalidPolicies, Problem, UsageError
from policykit.language.load import find_workspace, shown
from policykit.language.registry import Registry
from policykit.language.tree import ListNode, MapNode, Node, ScalarNode, to_plain
from policykit.language.yaml import read_yaml
from policykit.vocabulary import FACTS, PURPOSES

WORDS_FILE = "packs-registry.yaml"
_HEAD = """\
# What the policies and cases of copied packs speak of and this workspace had not registered.
# Examples: put your own attributes in their place, and change the cases where yours differ.
"""
_SECTIONS = ("purposes", "attributes", "programs", "facts")
_KEYS = {"attributes": "id", "programs": "id", "facts": "path"}


@dataclass(frozen=True, slots=True)
class Added:
    """What was copied. files: as the user would type them. words: section -> names. kept: packs that were there."""

    files: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kept: tuple[str, ...] = ()


def add(folder: Path | None, names: Sequence[str], to: str | None = None) -> Added:
    """Copies packs into a workspace. to: below it; None = the first folder that it reads policies from.

    Nothing is written when a pack is unknown, when a file that somebody edited stands in the way, when a
    policy of the same id stands elsewhere, or when the workspace would not be valid afterwards.
    """
    opened = open_workspace(folder)
    target = _target(opened, to)
    packs, _ = installed(opened.plugins)
    chosen = [choose(packs, name) for name in dict.fromkeys(names)]
    fresh = [found for found in chosen if not _is_there(found, target)]
    _refuse(opened, fresh, target)
    writes = dict(_copies(fresh, target))
    words = _words(fresh, opened.workspace.registry)
    if words:
        writes[target / WORDS_FILE] = _registered(target / WORDS_FILE, words)
    _write(opened, folder, writes)
    root, away = opened.workspace.root, opened.workspace.shown_from
    named = {kind: tuple(_name(kind, entry) for entry in entries) for kind, entries in words.items()}
    kept = tuple(found.pack.id for found in chosen if found not in fresh)
    return Added(tuple(shown(path, root, away) for path in sorted(writes)), named, kept)


def _target(opened: Opened, to: str | None) -> Path:
    """The folder to copy into, which must be one that the workspace reads."""
    root, folders = opened.workspace.root, opened.workspace.config.policies
    if to is None:
        to = next((name for name in folders if not (root / name).is_file()), "policies")
    target = (root / to).resolve()
    if not any(target.is_relative_to((root / folder).resolve()) for folder in folders):
        way_out = f"`policies:` of policykit.yaml lists {', '.join(f'`{folder}`' for folder in folders)}"
        raise UsageError(f"policies in `{to}` would not be read", way_out)
    return root / to


def _is_there(found: Installed, target: Path) -> bool:
    """Whether this version or a later one was copied before, cases and all, and nobody edited it."""
    here = [copied_of(target / path.relative_to(found.folder)) for path in found.files]
    return all(
        copied is not None
        and not copied.edited
        and copied.pack == found.pack.id
        and as_numbers(copied.version) >= as_numbers(found.pack.version)
        for copied in here
    )


def _refuse(opened: Opened, packs: Iterable[Installed], target: Path) -> None:
    problems = [problem for found in packs for problem in _in_the_way(opened, found, target)]
    if problems:
        raise UsageError(problems)


def _in_the_way(opened: Opened, found: Installed, target: Path) -> Iterator[Problem]:
    root, away = opened.workspace.root, opened.workspace.shown_from
    places = [target / path.relative_to(found.folder) for path in found.files]
    for place in places:
        copied = copied_of(place)
        if place.exists() and (copied is None or copied.edited or copied.pack != found.pack.id):
            what = "was edited" if copied and copied.edited else f"is no copy of pack `{found.pack.id}`"
            way_out = "move it away, or keep it as it is; nothing was written"
            yield Problem(None, f"`{shown(place, root, away)}` {what} and is not overwritten", way_out, "pack.edited")
    names = {shown(place, root, away) for place in places}
    for policy in opened.workspace.policies:
        if policy.id in found.pack.policies and policy.place.file not in names:
            message = f"pack `{found.pack.id}` holds policy `{policy.id}`, which this workspace has already"
            yield Problem(policy.place, message, "rename or remove one of the two; nothing was written", "pack.policy")


def _copies(packs: Iterable[Installed], target: Path) -> Iterator[tuple[Path, bytes]]:
    for found in packs:
        for path in found.files:
            content = path.read_bytes()
            yield target / path.relative_to(found.folder), provenance(found, content) + content


# --- the words a pack needs -------------------------------------------------------------------------


def _words(packs: Sequence[Installed], registry: Registry) -> dict[str, list[Any]]:
    """Section -> the entries of the packs' own registries that these packs name and the workspace lacks."""
    known = {
        "purposes": {*PURPOSES, *registry.purposes},
        "attributes": set(registry.attributes),
        "programs": set(registry.programs),
        "facts": {spec.path for spec in (*FACTS, *registry.facts)},
    }
    lacking: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
    for found in packs:
        theirs = _registry_of(found)
        own = _sections([found.pack.path])
        for section, name in _needed(found, theirs):
            if name not in known[section] and name not in own[section]:
                lacking[section][name] = theirs[section][name]
    return {section: list(entries.values()) for section, entries in lacking.items() if entries}


def _registry_of(found: Installed) -> dict[str, dict[str, Any]]:
    """What the workspace that a pack comes from registers, by section and name."""
    return _sections(files_of(find_workspace(found.pack.path.parent)))


def _sections(files: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """The entries of the sections of words, by section and name."""
    sections: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
    for path in files:
        if not WORDS.search(path.read_bytes()):
            continue
        node, _ = read_yaml(path, path.name)
        for section in _SECTIONS:
            rows = node.get(section) if isinstance(node, MapNode) else None
            for row in rows.items if isinstance(rows, ListNode) else ():
                entry = to_plain(row)
                sections[section][_name(section, entry)] = entry
    return sections


def _name(section: str, entry: Any) -> str:
    return str(entry if section == "purposes" else entry.get(_KEYS[section]))


def _needed(found: Installed, theirs: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Every registered name in a pack's files, and those that their entries name in turn."""
    said: set[str] = set()
    for path in found.files:
        node, _ = read_yaml(path, path.name)
        said.update(_texts(node))
    needed: list[tuple[str, str]] = []
    fresh = [(section, name) for section in _SECTIONS for name in theirs[section] if _is_said(section, name, said)]
    while fresh:
        needed += fresh
        inside = {text for section, name in fresh for text in _plain_texts(theirs[section][name])}
        fresh = [
            (section, name)
            for section in ("purposes", "attributes")
            for name in theirs[section]
            if name in inside and (section, name) not in needed
        ]
    return needed


def _is_said(section: str, name: str, said: set[str]) -> bool:
    """Whether a name stands by itself, or, of a fact or an attribute, in an expression."""
    if name in said or (section == "facts" and name.removeprefix("recipient.") in said):
        return True
    pattern = re.compile(rf"(?<![\w.]){re.escape(name if section == 'facts' else f'attributes.{name}')}(?!\w)")
    return section in ("facts", "attributes") and any(pattern.search(text) for text in said)


def _texts(node: Node | None) -> Iterator[str]:
    """Every key and every scalar of a file."""
    match node:
        case MapNode():
            for key, entry in node.entries.items():
                yield key
                yield from _texts(entry.node)
        case ListNode():
            for item in node.items:
                yield from _texts(item)
        case ScalarNode():
            yield node.text


def _plain_texts(entry: Any) -> Iterator[str]:
    match entry:
        case str():
            yield entry
        case list():
            for item in entry:
                yield from _plain_texts(item)
        case dict():
            for value in entry.values():
                yield from _plain_texts(value)


def _registered(path: Path, words: Mapping[str, Sequence[Any]]) -> bytes:
    """The file of words, with those it had before."""
    before = _sections([path]) if path.is_file() else {section: {} for section in _SECTIONS}
    lines = [_HEAD.rstrip()]
    for section in _SECTIONS:
        entries = [*before[section].values(), *words.get(section, ())]
        if entries:
            lines += [f"{section}:", *(line for entry in entries for line in _entry(entry))]
    return ("\n".join(lines) + "\n").encode()


def _entry(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f"  - {_scalar(entry)}"
        return
    for number, (key, value) in enumerate(entry.items()):
        yield f"  {'- ' if number == 0 else '  '}{key}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    """A value in YAML: plain where that is safe, else as JSON, which YAML reads alike."""
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_scalar(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w./ -]*", value) and value.lower() not in _RESERVED:
        return value.strip()
    return json.dumps(value, ensure_ascii=False)


_RESERVED = ("true", "false", "null", "yes", "no", "on", "off")


# --- writing -----------------------------------------------------------------------------------------


def _write(opened: Opened, folder: Path | None, writes: Mapping[Path, bytes]) -> None:
    """Writes every file, or puts everything back as it was when one cannot be written or is not valid here."""
    before = {path: path.read_bytes() if path.is_file() else None for path in writes}
    made = [parent for path in writes for parent in _missing_parents(path)]
    try:
        for path, content in writes.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _, problems = read(folder or opened.workspace.root)
        errors = [problem for problem in problems if problem.severity == "error"]
        if errors:
            raise InvalidPolicies(errors)
    except BaseException as error:
        _restore(before, made)
        if isinstance(error, OSError):
            raise UsageError(f"cannot write into the workspace: {error.strerror}; nothing was written") from error
        raise


def _missing_parents(path: Path) -> list[Path]:
    return [parent for parent in path.parents if not parent.exists()]


def _restore(before: Mapping[Path, bytes | None], made: Iterable[Path]) -> None:
    for path, content in before.items():
        if content is not None:
            path.write_bytes(content)
        elif path.is_file():
            path.unlink()
    for folder in sorted(set(made), reverse=True):
        if folder.is_dir():
            folder.rmdir()
