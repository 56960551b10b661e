"""`audience:` of a manifest: where the people are, and which of their columns mean what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from policykit.errors import Place, Problem
from policykit.language.config import Config
from policykit.language.registry import Registry
from policykit.language.suggest import did_you_mean, found
from policykit.language.template import undisclosed_use
from policykit.language.tree import ListNode, MapNode, Node, ScalarNode, to_plain
from policykit.vocabulary import CHANNELS, RELATIONS

_RELATED = {relation.name: {column.name for column in relation.columns} for relation in RELATIONS}
_VARIABLE = re.compile(r"([^<]*)(<\w+>)?(.*)")
RELATION_KEYS = tuple(name for name in _RELATED if name != "people")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that holds a relation. columns: our column name -> the file's; place: where it is named, if anywhere."""

    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class AudienceSpec:
    """Who a campaign is for.

    files: relation -> its file, `people` being the audience itself; a relation that is not in it
    is not supplied. columns: the mapping as given, by relation, also for files named elsewhere.
    selected_by: attributes that picked the people, () = none did, None = unknown. ignore: headers of
    columns that may look personal and are left alone.
    """

    files: Mapping[str, DataFile] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    selected_by: tuple[str, ...] | None = None
    place: Place | None = None
    ignore: frozenset[str] = frozenset()


def read_audience(
    node: Node | None, root: Path, config: Config, registry: Registry, problems: list[Problem]
) -> AudienceSpec:
    """The audience; relations it does not name come from `data:` of the workspace."""
    given = node if isinstance(node, MapNode) else None
    columns = _columns(given.get("columns") if given else None, registry, problems)
    files = {
        name: DataFile(root / path, columns.get(name, {}), config.data_places.get(name))
        for name, path in config.data.items()
    }
    for name in _RELATED:
        said = given.get("from" if name == "people" else name) if given else None
        if isinstance(said, ScalarNode) and said.text:
            files[name] = DataFile(root / said.text, columns.get(name, {}), said.place)
    selected_by = _selected(given.get("selected_by") if given else None, registry, problems)
    ignore = _ignored(given.get("ignore") if given else None, problems)
    return AudienceSpec(files, columns, selected_by, given.place if given else None, ignore)


def _ignored(node: Node | None, problems: list[Problem]) -> frozenset[str]:
    headers = []
    for item in node.items if isinstance(node, ListNode) else ():
        header = to_plain(item)
        if isinstance(header, str) and header:
            headers.append(header)
        else:
            problems.append(Problem(item.place, f"`ignore` holds {found(header)}; expected headers of columns",
                                    "write them as they are in the file", "campaign.shape"))  # fmt: skip
    return frozenset(headers)


def _selected(node: Node | None, registry: Registry, problems: list[Problem]) -> tuple[str, ...] | None:
    if not isinstance(node, ListNode):
        return None
    names = []
    for item in node.items:
        name = to_plain(item)
        if not isinstance(name, str):
            problems.append(Problem(item.place, f"`selected_by` holds {found(name)}; expected ids of attributes",
                                    "e.g. `selected_by: [basket]`", "campaign.shape"))  # fmt: skip
        elif name in registry.attributes:
            names.append(name)
            if name in registry.undisclosed:
                problems.append(Problem(item.place, *undisclosed_use(name)))
        else:
            problems.append(Problem(item.place, f"unknown attribute `{name}`{did_you_mean(name, registry.attributes)}",
                                    "register it under `attributes:`", "campaign.unknown-attribute"))  # fmt: skip
    return tuple(sorted(set(names)))


def _columns(node: Node | None, registry: Registry, problems: list[Problem]) -> dict[str, dict[str, str]]:
    columns: dict[str, dict[str, str]] = {}
    for key, (place, value) in node.entries.items() if isinstance(node, MapNode) else ():
        name = value.text if isinstance(value, ScalarNode) else ""
        if not name:
            message = f"`{key}` is {found(to_plain(value))}; expected the name of a column"
            problems.append(Problem(value.place, message, "write the header as it is in the file", "campaign.columns"))
            continue
        relation, column = _column(key, registry)
        if relation is None:
            problems.append(Problem(place, f"unknown column `{key}`{did_you_mean(key, _long_names(registry))}",
                                    "`policykit facts --columns` lists the columns", "campaign.columns"))  # fmt: skip
        else:
            columns.setdefault(relation, {})[column] = name
    return columns


def _people(registry: Registry) -> set[str]:
    """Every column that an audience file may have: `<channel>` and `<id>` written out, added facts included."""
    names = {spec.column for spec in registry.vocabulary.facts.values() if spec.column}
    for pattern in _RELATED["people"]:
        before, variable, after = _VARIABLE.match(pattern).groups()  # type: ignore[union-attr]  # matches any text
        words = {"<channel>": tuple(CHANNELS), "<id>": tuple(registry.attributes)}.get(variable, ("",))
        names.update(f"{before}{word}{after}" for word in words)
    return names


def _long_names(registry: Registry) -> list[str]:
    people = (name if "." in name else f"recipient.{name}" for name in _people(registry))
    return [*people, *(f"{relation}.{column}" for relation in RELATION_KEYS for column in sorted(_RELATED[relation]))]


def _column(key: str, registry: Registry) -> tuple[str | None, str]:
    """(relation, our column) of a key such as `recipient.id`, `address.email` or `consents.person`."""
    spec = registry.vocabulary.get(key)
    if spec and spec.column:
        return "people", spec.column
    if key in _people(registry):
        return "people", key
    relation, _, column = key.partition(".")
    if relation in RELATION_KEYS and column in _RELATED[relation]:
        return relation, column
    return None, key
