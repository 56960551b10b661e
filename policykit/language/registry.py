"""The registry: what is remembered about people, what they join, and the words a workspace adds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from policykit.errors import Place, Problem
from policykit.language.lineage import close_lineage
from policykit.language.schema import Schema, Shape
from policykit.language.suggest import did_you_mean, every, found
from policykit.language.tree import ListNode, MapNode, Node, ScalarNode, find, to_plain
from policykit.model import Attribute, Program
from policykit.vocabulary import (
    CHANNELS,
    ORIGINS,
    PURPOSES,
    RELATIONS,
    SENSITIVITIES,
    FactSpec,
    FactType,
    Vocabulary,
    column_type,
    is_column,
)

Problems = list[Problem]


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything policies may refer to, from all files of a workspace.

    attributes: by id, lineage closed. purposes: built in and added, sorted. channels: company
    ranks. facts: those added by files and plugins. assume: fact path -> the value that absence
    means, typed (instants in microseconds).
    """

    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    programs: Mapping[str, Program] = field(default_factory=dict)
    purposes: tuple[str, ...] = tuple(sorted(PURPOSES))
    channels: Mapping[str, int] = field(default_factory=lambda: dict(CHANNELS))
    facts: tuple[FactSpec, ...] = ()
    assume: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    controller: str | None = None
    vocabulary: Vocabulary = field(default_factory=Vocabulary, repr=False, compare=False)

    @property
    def undisclosed(self) -> frozenset[str]:
        """Attributes that no sentence discloses, and that no campaign may use (S15)."""
        return frozenset(name for name, attribute in self.attributes.items() if attribute.disclosed_as is None)


_TEXT: Schema = {"type": "string", "empty": False}
_TEXTS: Schema = {"type": "list", "schema": {"type": "string"}}

_ATTRIBUTE = Shape(
    {
        "id": {"type": "name", "required": True},
        "category": _TEXT,
        "origin": {"type": "string", "allowed": [name for name, _ in ORIGINS], "required": True},
        "collected_for": _TEXTS,
        "sensitivity": {"type": "string", "allowed": [name for name, _ in SENSITIVITIES]},
        "controller": _TEXT,
        "keep": {"type": "span"},
        "remembered_for": _TEXT,
        "disclosed_as": _TEXT,
        "inferred_from": _TEXTS,
        "sources": _TEXTS,
        "type": {"type": "string", "allowed": ["string", "bool", "int", "double", "timestamp"]},
    },
    "attribute",
)
_PROGRAM = Shape(
    {
        "id": {"type": "id", "required": True},
        "purpose": {"type": "string", "required": True},
        "gives": {
            "type": "list",
            "schema": {"type": "dict", "schema": {"id": {"type": "id", "required": True}, "what": _TEXT}},
        },
        "asks": _TEXTS,
        "leave": _TEXTS,
    },
    "program",
)
_FACT = Shape(
    {
        "path": {"type": "path", "required": True},
        "type": {
            "type": "string", "allowed": ["bool", "int", "double", "string", "timestamp", "duration"], "required": True,
        },
        "doc": _TEXT,
        "unit": _TEXT,
        "members": {"type": "list", "schema": {"type": "string"}, "empty": False},
        "absence": {"type": ["string", "boolean", "number"]},
        "column": _TEXT,
    },
    "fact",
)  # fmt: skip
# Sections of a policy file beside `policies`, for editors: the schema of one entry.
SECTIONS = {"attributes": _ATTRIBUTE.schema, "programs": _PROGRAM.schema, "facts": _FACT.schema}
TO_FILL = "TO FILL"  # what only people can say, in entries that `policykit scan` proposes
GAPS = {
    "disclosed_as": "the words in which you tell people that you remember this",
    "remembered_for": "what remembering it does for the person",
    "collected_for": "the purposes people were told when it was collected",
    "keep": "how long it is kept, e.g. `12 months`",
    "controller": "the company that people gave it to",
}
_OWN_PREFIXES = ("send", "consent", "uses", "attributes")


def read_registry(files: Iterable[MapNode], problems: Problems, controller: str | None = None,
                  plugin_facts: Iterable[FactSpec] = ()) -> Registry:  # fmt: skip
    """The registry that all files make together; what is wrong is reported and left out."""
    files = tuple(files)
    purposes = _purposes(_section(files, "purposes", problems), problems)
    channels = _channels(files, problems)
    added = tuple(plugin_facts)
    facts = (*added, *_facts(_section(files, "facts", problems), problems, added))
    attributes = _attributes(_section(files, "attributes", problems), purposes, problems)
    programs = _programs(_section(files, "programs", problems), purposes, attributes, problems)
    specs = [FactSpec(f"attributes.{a.id}", cast(FactType, a.type), a.disclosed_as or "attribute value")
             for a in attributes.values()]  # fmt: skip
    return Registry(attributes, programs, purposes, channels, facts, {}, controller, Vocabulary((*facts, *specs)))


def _section(files: Iterable[MapNode], name: str, problems: Problems) -> list[Node]:
    rows: list[Node] = []
    for file in files:
        section = file.get(name)
        if isinstance(section, ListNode):
            rows += section.items
        elif section is not None:
            problems.append(Problem(section.place, f"`{name}` is {found(to_plain(section))}; expected a list",
                                    "begin each entry with `- `", "registry.shape"))  # fmt: skip
    return rows


def _unknown(node: Node, what: str, word: object, known: Iterable[str]) -> Problem:
    return Problem(node.place, f"unknown {what} `{word}`{did_you_mean(word, known)}",
                   f"expected one of {every(known)}" if what == "channel" else f"register it under `{what}s:`",
                   f"registry.unknown-{what}")  # fmt: skip


def _taken(place: Place, what: str, name: str, first: Place | None) -> Problem:
    before = f"; the first is at {first}" if first else ", which is built in"
    return Problem(place, f"duplicate {what} `{name}`{before}", "rename one of the two, or remove it",
                   "registry.duplicate")  # fmt: skip


def _purposes(rows: list[Node], problems: Problems) -> tuple[str, ...]:
    places: dict[str, Place | None] = dict.fromkeys(PURPOSES)
    for row in rows:
        if not isinstance(row, ScalarNode) or not isinstance(row.value, str):
            problems.append(Problem(row.place, f"a purpose is {found(to_plain(row))}; expected a dotted key",
                                    "e.g. `marketing.loyalty`", "registry.shape"))  # fmt: skip
        elif row.text in places:
            problems.append(_taken(row.place, "purpose", row.text, places[row.text]))
        else:
            places[row.text] = row.place
    for purpose, place in places.items():
        parent = purpose.rpartition(".")[0]
        if place and parent and parent not in places:
            problems.append(Problem(place, f"`{purpose}` has no parent: unknown purpose `{parent}`"
                                    f"{did_you_mean(parent, places)}", "register the parent as well",
                                    "registry.unknown-purpose"))  # fmt: skip
    return tuple(sorted(places))


def _channels(files: Iterable[MapNode], problems: Problems) -> dict[str, int]:
    ranks, seen = dict(CHANNELS), dict[str, Place]()
    for file in files:
        section = file.get("channels")
        if section is None:
            continue
        if not isinstance(section, MapNode):
            problems.append(Problem(section.place, f"`channels` is {found(to_plain(section))}; expected ranks",
                                    "e.g. `channels: {sms: 80}`", "registry.shape"))  # fmt: skip
            continue
        for name, (place, node) in section.entries.items():
            rank = to_plain(node)
            if name not in CHANNELS:
                problems.append(Problem(place, f"unknown channel `{name}`{did_you_mean(name, CHANNELS)}",
                                        f"expected one of {every(CHANNELS)}", "registry.unknown-channel"))  # fmt: skip
            elif name in seen:
                problems.append(_taken(place, "rank of channel", name, seen[name]))
            elif isinstance(rank, bool) or not isinstance(rank, int) or not 0 <= rank <= 1000:
                message = f"rank of `{name}` is {found(rank)}; expected a whole number from 0 to 1000"
                problems.append(Problem(node.place, message, "highest is most intrusive", "registry.shape"))
            else:
                ranks[name], seen[name] = rank, place
    return ranks


def _rows(rows: list[Node], shape: Shape, what: str, key: str, problems: Problems,
          make: Callable[[MapNode, dict[str, Any]], Any | None],
          stand_in: Callable[[str], Any] | None = None) -> dict[str, Any]:  # fmt: skip
    """Entries by their key; entries of a wrong shape and second ones of a key are reported.

    stand_in: stands for an entry of a wrong shape, so that what refers to it is not reported too.
    """
    made: dict[str, Any] = {}
    places: dict[str, Place] = {}
    for row in rows:
        if not isinstance(row, MapNode):
            problems.append(Problem(row.place, f"{what} is {found(to_plain(row))}; expected a mapping",
                                    f"begin with `{key}:`", "registry.shape"))  # fmt: skip
            continue
        wrong = shape.check(row)
        problems += wrong
        plain = to_plain(row)
        name = plain.get(key)
        if not isinstance(name, str):
            continue
        if name in places:
            problems.append(_taken(find(row, (key,)).place, what, name, places[name]))
        elif not wrong and (entry := make(row, plain)) is not None:
            made[name] = entry
        elif stand_in and name not in made:
            made[name] = stand_in(name)
        places.setdefault(name, find(row, (key,)).place)
    return made


def _facts(rows: list[Node], problems: Problems, added: Collection[FactSpec]) -> tuple[FactSpec, ...]:
    """added: facts that plugins add."""
    builtin, paths, read = Vocabulary(), {spec.path for spec in added}, [*added]

    def make(row: MapNode, plain: dict[str, Any]) -> FactSpec | None:
        path, place = plain["path"], find(row, ("path",)).place
        first = path.split(".")[0]
        if builtin.get(path):
            problems.append(_taken(place, "fact", path, None))
            return None
        if path in paths:
            message, way_out = (
                f"duplicate fact `{path}`, which a plugin adds",
                "remove it: the plugin says what it means",
            )
            problems.append(Problem(place, message, way_out, "registry.duplicate"))
            return None
        if first in _OWN_PREFIXES:
            problems.append(Problem(place, f"a fact of `{first}` cannot be added; expected e.g. `recipient.tier`",
                                    "only facts about people are read from data", "registry.fact"))  # fmt: skip
            return None
        members = plain.get("members")
        absence = plain.get("absence", "unknown")
        if absence != "unknown" and not _could_be(absence, plain["type"], members):
            message = f"`absence` is {found(absence)}; expected `unknown` or a value of type {plain['type']}"
            place = find(row, ("absence",)).place
            problems.append(Problem(place, message, "leave it out for `unknown`", "registry.fact"))
            return None
        shown = str(absence).lower() if isinstance(absence, bool) else str(absence)
        spec = FactSpec(path, plain["type"], plain.get("doc", ""), plain.get("unit"),
                        tuple(members) if members else None, None, shown,
                        plain.get("column", path.removeprefix("recipient.")))  # fmt: skip
        wrong = _misread(spec, read)
        if wrong:
            where = find(row, ("column",) if "column" in plain else ("path",)).place
            problems.append(Problem(where, *wrong, "registry.fact-column"))
            return None
        read.append(spec)
        return spec

    return tuple(_rows(rows, _FACT, "fact", "path", problems, make).values())


def _misread(spec: FactSpec, others: Iterable[FactSpec]) -> tuple[str, str] | None:
    """What is wrong with the column that a fact is read from, and the way out: a column is read in one way."""
    column, wanted = spec.column or "", column_type(spec.type)
    if column == "id":
        return "the column `id` says who somebody is, and is no fact to be read anew", "ask for `recipient.id`"
    ours = (each.type for each in RELATIONS[0].columns if is_column(column, [each]))
    theirs = (column_type(each.type) for each in others if each.column == column)
    other = next((each for each in (*ours, *theirs) if each != wanted), None)
    if other is None:
        return None
    return f"the column `{column}` is read as {other} already, and cannot be read as {wanted} too", (
        "give the fact a column of its own, or the same type"
    )


def _could_be(value: object, kind: str, members: list[str] | None) -> bool:
    match kind:
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "double":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str) and (members is None or value in members)
        case _:
            return False


def _to_fill(row: MapNode, problems: Problems) -> bool:
    """Whether an entry that `policykit scan` proposed still has gaps; each is reported."""
    gaps = [(key, entry.node) for key, entry in row.entries.items() if _is_gap(entry.node)]
    for key, node in gaps:
        message = f"`{key}` is still to fill: {GAPS.get(key, 'nobody but you can say it')}"
        problems.append(Problem(node.place, message, f"replace `{TO_FILL}`, or leave the line out", "registry.to-fill"))
    return bool(gaps)


def _is_gap(node: Node) -> bool:
    items = node.items if isinstance(node, ListNode) else [node]
    return any(isinstance(item, ScalarNode) and item.text.startswith(TO_FILL) for item in items)


def _attributes(rows: list[Node], purposes: tuple[str, ...], problems: Problems) -> dict[str, Attribute]:
    nodes: dict[str, MapNode] = {}

    def make(row: MapNode, plain: dict[str, Any]) -> Attribute | None:
        if _to_fill(row, problems):
            return None
        _known(row, "collected_for", plain.get("collected_for", ()), "purpose", purposes, problems)
        nodes[plain["id"]] = row
        return Attribute(
            id=plain["id"], category=plain.get("category"), origin=plain["origin"],
            collected_for=tuple(plain.get("collected_for", ())), sensitivity=None,
            own_sensitivity=plain.get("sensitivity"), controller=plain.get("controller"),
            type=plain.get("type", "string"), disclosed_as=plain.get("disclosed_as"),
            inferred_from=tuple(plain.get("inferred_from", ())), keep=plain.get("keep"),
            remembered_for=plain.get("remembered_for"), place=find(row, ("id",)).place,
            sources=tuple(plain.get("sources", ())),
        )  # fmt: skip

    def stand_in(name: str) -> Attribute:
        return Attribute(name, None, "provided", (), None, disclosed_as="")

    made: dict[str, Attribute] = _rows(rows, _ATTRIBUTE, "attribute", "id", problems, make, stand_in)
    for name, node in nodes.items():
        _known(node, "inferred_from", made[name].inferred_from, "attribute", made, problems)
    return close_lineage(made, lambda name: find(nodes[name], ("inferred_from",)).place, problems)


def _known(row: MapNode, key: str, words: Iterable[str], what: str, known: Iterable[str], problems: Problems) -> None:
    known = tuple(known)
    for index, word in enumerate(words):
        if word not in known:
            problems.append(_unknown(find(row, (key, index)), what, word, known))


def _programs(rows: list[Node], purposes: tuple[str, ...], attributes: Mapping[str, Attribute],
              problems: Problems) -> dict[str, Program]:  # fmt: skip
    def make(row: MapNode, plain: dict[str, Any]) -> Program:
        if plain["purpose"] not in purposes:
            problems.append(_unknown(find(row, ("purpose",)), "purpose", plain["purpose"], purposes))
        _known(row, "asks", plain.get("asks", ()), "attribute", attributes, problems)
        _known(row, "leave", plain.get("leave", ()), "channel", CHANNELS, problems)
        benefits: dict[str, str] = {}
        for index, benefit in enumerate(plain.get("gives", ())):
            if benefit["id"] in benefits:
                place = find(row, ("gives", index, "id")).place
                problems.append(_taken(place, "benefit", benefit["id"], find(row, ("gives", 0)).place))
            benefits[benefit["id"]] = benefit.get("what", "")
        return Program(plain["id"], plain["purpose"], tuple(benefits.items()), tuple(plain.get("asks", ())),
                       tuple(plain.get("leave", ())), find(row, ("id",)).place)  # fmt: skip

    return _rows(rows, _PROGRAM, "program", "id", problems, make, lambda name: Program(name, ""))


def with_assumptions(registry: Registry, assume: Mapping[str, bool | int | float | str]) -> Registry:
    """The registry with what absence means: `assume:` of the workspace over `absence:` of its facts."""
    own = {spec.path: _absence(spec) for spec in registry.facts if spec.absence != "unknown"}
    return replace(registry, assume={**own, **assume})


def _absence(spec: FactSpec) -> bool | int | float | str:
    match spec.type:
        case "bool":
            return spec.absence == "true"
        case "int":
            return int(spec.absence)
        case "double":
            return float(spec.absence)
        case _:
            return spec.absence
