"""Files looked through for personal data that the registry does not know (S21)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from policykit.assemble.workspace import find_root, read
from policykit.detect.concepts import OTHERS
from policykit.detect.found import Found, look
from policykit.detect.names import snake, tokens
from policykit.detect.registered import Registered, registered
from policykit.detect.slots import Slot, merge_fields, payload_slots
from policykit.dryrun.personal import listed_attributes, sample, values_of
from policykit.dryrun.run import Options, Workbench
from policykit.dryrun.sources import Source, open_source
from policykit.errors import BadData, Problem, UsageError, WorkspaceNotFound
from policykit.language.load import Workspace
from policykit.language.registry import TO_FILL
from policykit.language.template import FURNISHED
from policykit.language.tree import MapNode, to_plain
from policykit.language.yaml import parse_yaml
from policykit.reports.proposals import Proposal, Scanned, Seen
from policykit.vocabulary import RELATIONS, Relation, Vocabulary, is_column, relation_columns, short_name

_DATA = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".pq")
_TEXTS = (".html", ".htm", ".txt", ".liquid", ".md", ".mjml", ".hbs", ".j2", ".eml", ".mustache")
_ROWS = 10_000  # of a data file that are looked at; the dry run looks at fewer
_MOST_TEXT = 5_000_000  # bytes of a template or payload
_ORDER = {"high": 0, "medium": 1, "low": 2}
_ANY = Relation("data", "any data file", "-")


@dataclass(frozen=True, slots=True)
class _Field:
    """A field that was looked at, with what it may hold."""

    seen: Seen
    found: Found | None = None


@dataclass(slots=True)
class _Scan:
    """What is known before the first file, and what has been found so far. mapped: file -> headers with a meaning."""

    known: Registered = field(default_factory=Registered)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    mapped: Mapping[Path, frozenset[str]] = field(default_factory=dict)
    fields: list[_Field] = field(default_factory=list)
    recognised: list[Seen] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def scan(folder: Path | None, files: Sequence[Path]) -> Scanned:
    """What in these files looks personal and is not registered. Without a workspace nothing is registered.

    Raises `UsageError` when a file cannot be read, with all of them; a workspace that is not valid yet serves as far
    as it can be read.
    """
    workspace = _workspace(folder)
    state = _begin(workspace)
    with Workbench(Options()) as bench:
        for path in files:
            _look_through(bench, path, state)
    if state.problems:
        raise UsageError(state.problems)
    surely = [each for each in state.fields if each.found is not None and each.found.confidence != "low"]
    unclear = tuple(each.seen for each in state.fields if each.found is None or each.found.confidence == "low")
    controller = workspace.config.controller if workspace else None
    return Scanned(tuple(map(str, files)), tuple(_proposals(surely, state.known)), tuple(state.recognised), unclear,
                   controller=controller, to_fill=TO_FILL)  # fmt: skip


def _workspace(folder: Path | None) -> Workspace | None:
    """The workspace named, or the nearest; None where there is none and none was named."""
    if folder is not None:
        return read(find_root(folder))[0].workspace
    try:
        return read(None)[0].workspace
    except WorkspaceNotFound:
        return None


def _begin(workspace: Workspace | None) -> _Scan:
    if workspace is None:
        return _Scan()
    mapped: dict[Path, frozenset[str]] = {}
    for found in workspace.manifests.values():
        for data in found.audience.files.values():
            path = data.path.resolve()
            mapped[path] = mapped.get(path, frozenset()) | {*data.columns.values(), *found.audience.ignore}
    return _Scan(registered(workspace.registry.attributes.values()), workspace.registry.vocabulary, mapped)


# --- files -----------------------------------------------------------------------------------------


def _look_through(bench: Workbench, path: Path, state: _Scan) -> None:
    suffix = path.suffix.lower()
    if suffix in _DATA:
        _data(bench, path, state)
        return
    text = _text(path, state)
    if text is None:
        return
    if suffix == ".json":
        _payload(path, text, state)
    elif suffix in (".yaml", ".yml"):
        _manifest(bench, path, text, state)
    elif suffix in _TEXTS:
        _slots(path, merge_fields(text), "merge field", state)
    else:
        state.problems.append(Problem(None, f"`{path}` is neither data, a template, a manifest nor a payload",
                                      f"known endings: {', '.join((*_DATA, *_TEXTS, '.yaml', '.json'))}",
                                      "scan.format"))  # fmt: skip


def _text(path: Path, state: _Scan) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_TEXT).decode("utf-8-sig", errors="replace")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        state.problems.append(Problem(None, f"cannot read `{path}`: {reason}", None, "scan.unreadable"))
        return None


def _data(bench: Workbench, path: Path, state: _Scan) -> None:
    opened, problems = open_source(bench.connection, _ANY, Source(path), Vocabulary())
    state.problems += problems
    if opened is None:
        return
    relation = _relation_of({raw.header for raw in opened.unread}, state.vocabulary)
    mapped = state.mapped.get(path.resolve(), frozenset())
    here = []
    for raw in opened.unread:
        if raw.header in mapped or _is_ours(str(path), raw.header, relation, state):
            state.recognised.append(Seen(str(path), raw.header, "column", "high", "known", 1, raw.position))
        else:
            here.append(raw)
    try:
        cells_of = sample(bench.connection, opened, here, _ROWS)
    except BadData as error:
        state.problems += error.problems
        return
    for raw, cells in cells_of.items():
        seen = Seen(str(path), raw.header, "column", "", "", 1, raw.position)
        _add(seen, look(raw.header.removeprefix("attributes."), cells), state)
    if relation is not None and relation.name == "attributes":
        _attribute_rows(bench, path, relation, state)


def _relation_of(headers: set[str], vocabulary: Vocabulary) -> Relation | None:
    """The relation a file most likely holds: one whose required columns it all has; people before others."""
    for relation in sorted(RELATIONS, key=lambda each: -sum(c.required for c in each.columns)):
        required = {column.name for column in relation_columns(relation, vocabulary) if column.required}
        if required <= {short_name(header, relation) for header in headers}:
            return relation
    return None


def _is_ours(file: str, header: str, relation: Relation | None, state: _Scan) -> bool:
    """Whether a column has a meaning already, in the registry or in the vocabulary of its relation."""
    if state.known.knows(header, file):
        return True
    relation = relation or RELATIONS[0]
    short = short_name(header, relation)
    ours = is_column(short, relation_columns(relation, state.vocabulary))
    return ours and not short.startswith("attributes.")


def _attribute_rows(bench: Workbench, path: Path, relation: Relation, state: _Scan) -> None:
    """A file of attribute values says in its cells what it remembers: each id is looked at like a column."""
    opened, _ = open_source(bench.connection, relation, Source(path), state.vocabulary)
    if opened is None:
        return
    for name in listed_attributes(bench.connection, opened):
        seen = Seen(str(path), name, "attribute", "", "")
        if state.known.knows(name, str(path)):
            state.recognised.append(replace(seen, confidence="high", why="known"))
        else:
            _add(seen, look(name, values_of(bench.connection, opened, name, _ROWS)), state)


def _payload(path: Path, text: str, state: _Scan) -> None:
    try:
        payload = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        state.problems.append(Problem(None, f"`{path}` is no JSON (line {line})", None, "scan.unreadable"))
        return
    _slots(path, payload_slots(payload), "slot", state)


def _slots(path: Path, slots: Iterable[Slot], what: str, state: _Scan) -> None:
    for slot in slots:
        seen = Seen(str(path), slot.name, what, "", "")
        if slot.name in FURNISHED:
            continue
        if state.known.knows(slot.name, str(path)):
            state.recognised.append(replace(seen, confidence="high", why="known"))
        else:
            _add(seen, _slot_found(slot), state)


def _slot_found(slot: Slot) -> Found | None:
    """A slot by its last word, then by all of them: `customer.first_name` is a name, `user.id` an id of a user."""
    last = look(slot.name.rpartition(".")[2], slot.values)
    whole = look(slot.name.replace(".", "_"), slot.values) if "." in slot.name else None
    if last is None or (set(tokens(slot.name.rpartition(".")[0])) & OTHERS):
        return whole
    return last if whole is None or _ORDER[last.confidence] <= _ORDER[whole.confidence] else whole


# --- manifests ---------------------------------------------------------------------------------------


def _manifest(bench: Workbench, path: Path, text: str, state: _Scan) -> None:
    """The texts of a manifest, and the files that it names: templates beside it, its audience."""
    node, problems = parse_yaml(text, str(path))
    state.problems += problems
    plain = to_plain(node) if isinstance(node, MapNode) else {}
    if not isinstance(plain, dict):
        return
    _slots(path, [slot for text in _texts(plain.get("channels")) for slot in merge_fields(text)], "merge field", state)
    for named in _texts(plain.get("channels")):
        for within in ("", "templates"):
            beside = path.parent / within / named
            if len(named) < 200 and "\n" not in named and beside.suffix.lower() in _TEXTS and beside.is_file():
                _look_through(bench, beside, state)
    audience = plain.get("audience")
    for named in _texts(audience.get("from") if isinstance(audience, dict) else None):
        for base in (path.parent, path.parent.parent):
            if (base / named).is_file():
                _look_through(bench, base / named, state)
                break


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
        case _:
            pass


# --- what is proposed ----------------------------------------------------------------------------------


def _add(seen: Seen, found: Found | None, state: _Scan) -> None:
    if found is not None:
        seen = replace(seen, confidence=found.confidence, why=found.why)
    state.fields.append(_Field(seen, found))


def _proposals(fields: Sequence[_Field], known: Registered) -> list[Proposal]:
    """One per thing remembered: the same concept in several files is one entry, two columns of one file are two."""
    groups: dict[str, list[_Field]] = {}
    for each in fields:
        groups.setdefault(_id(each, fields), []).append(each)
    made = [_proposal(name, members, known) for name, members in groups.items()]
    return sorted(made, key=lambda each: (each.maps_to is not None, _ORDER[each.confidence], each.id))


def _id(each: _Field, fields: Sequence[_Field]) -> str:
    assert each.found is not None
    concept = each.found.concept.id
    same = [other for other in fields if other.found and other.found.concept.id == concept]
    alone = all(other.seen.file != each.seen.file or other.seen.name == each.seen.name for other in same)
    return (
        concept
        if alone and each.found.concept.id not in ("purchases", "browsing")
        else snake(each.seen.name) or concept
    )


def _proposal(name: str, members: Sequence[_Field], known: Registered) -> Proposal:
    best = min((each.found for each in members if each.found), key=lambda found: _ORDER[found.confidence])
    columns_only = all(each.seen.what == "column" for each in members)
    concept = best.concept
    seen = tuple(dict.fromkeys(each.seen for each in members))
    maps_to = concept.column if columns_only else None
    return Proposal(name, concept.category, concept.origin, concept.sensitivity, concept.plain, best.confidence, seen,
                    maps_to, registered=maps_to is None and known.knows(name, ""))  # fmt: skip
