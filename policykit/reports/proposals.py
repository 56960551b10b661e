"""What a scan of files proposes, as text to paste and as data. No value of anybody ever gets here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from policykit.errors import Problem
from policykit.reports.problems import as_dict

__all__ = ["Proposal", "Scanned", "Seen", "as_json", "as_text"]

_WIDTH = 116


@dataclass(frozen=True, slots=True)
class Seen:
    """A field where it was found. what: `column`, `merge field`, `slot` or `attribute`; file and name as written."""

    file: str
    name: str
    what: str
    confidence: str
    why: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Proposal:
    """An entry of the registry that seems to be missing.

    maps_to: the column of the vocabulary that it is; then a mapping is what is missing. registered: an
    attribute of this id is in the registry: then its `sources` are.
    """

    id: str
    category: str
    origin: str
    sensitivity: str
    plain: str
    confidence: str
    seen: tuple[Seen, ...]
    maps_to: str | None = None
    registered: bool = False


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan found. known: fields that are registered or of the vocabulary; unclear: the others, that nothing is
    known of. controller: the company of the workspace, whose these data would be.
    """

    files: tuple[str, ...]
    proposals: tuple[Proposal, ...]
    known: tuple[Seen, ...] = ()
    unclear: tuple[Seen, ...] = ()
    problems: tuple[Problem, ...] = ()
    controller: str | None = None
    to_fill: str = "TO FILL"


def as_json(scanned: Scanned) -> dict[str, Any]:
    found = asdict(scanned)
    found["problems"] = [as_dict(problem) for problem in scanned.problems]
    del found["to_fill"]
    return found


def as_text(scanned: Scanned) -> str:
    """YAML that can be pasted into the registry, everything else as comments."""
    entries = [each for each in scanned.proposals if each.maps_to is None and not each.registered]
    added = [each for each in scanned.proposals if each.registered]
    mapped = [each for each in scanned.proposals if each.maps_to is not None]
    parts = [_comment(_headline(scanned, entries, mapped))]
    if entries:
        parts.append("attributes:\n" + "\n".join(_entry(each, scanned) for each in entries))
    if added:
        parts.append("\n".join(_added(added)))
    if mapped:
        parts.append("\n".join(_mappings(mapped)))
    if scanned.unclear:
        parts.append("\n".join(_others(scanned.unclear)))
    return "\n\n".join(parts)


def _headline(scanned: Scanned, entries: list[Proposal], mapped: list[Proposal]) -> str:
    if not scanned.proposals:
        return "Nothing looks personal that is not registered."
    fill = f" Fill what says {scanned.to_fill}: `policykit check` refuses it until then." if entries else ""
    also = f" {len(mapped)} more in the vocabulary: map them." if mapped else ""
    if not entries:
        return f"Nothing is missing in the registry, it seems.{also}"
    begins = "1 field looks personal and is" if len(entries) == 1 else f"{len(entries)} fields look personal and are"
    return f"{begins} not registered.{also}{fill}"


def _entry(each: Proposal, scanned: Scanned) -> str:
    lines = [f"  # {_line(line)}" for line in _whys(each)]
    lines += [
        f"  - id: {each.id}",
        f"    category: {each.category}",
        f"    origin: {each.origin}   # a guess: provided, observed, derived, inferred or purchased?",
        f"    sensitivity: {each.sensitivity}",
        f"    collected_for: [{scanned.to_fill}]",
        f"    controller: {scanned.controller or scanned.to_fill}",
        f"    remembered_for: {scanned.to_fill}   # what remembering it does for the person",
        f"    disclosed_as: {scanned.to_fill}   # the words in which people are told",
        "    # keep: 12 months",
        f"    sources: [{_sources(each)}]",
    ]
    return "\n".join(lines)


def _sources(each: Proposal) -> str:
    return ", ".join(_quoted(name) for name in dict.fromkeys(f"{_last(seen.file)}: {seen.name}" for seen in each.seen))


def _mappings(mapped: list[Proposal]) -> Iterator[str]:
    yield _comment("These columns have a name in the vocabulary. Map them under `audience:` of the campaign; what it "
                   "does not need belongs in no file of its audience, or under `ignore:`.")  # fmt: skip
    for each in mapped:
        for seen in each.seen:
            mapping = f"columns: {{{each.maps_to}: {_quoted(seen.name)}}}"
            yield _line(f"#   {mapping}   # {seen.file}, {seen.confidence}: {seen.why}")


def _added(entries: list[Proposal]) -> Iterator[str]:
    yield _comment("These look like attributes that are registered. If they are, say so under their `sources:`.")
    for each in entries:
        yield _line(f"#   {each.id}: {{sources: [{_sources(each)}]}}   # {each.confidence}: {each.seen[0].why}")


def _others(unclear: tuple[Seen, ...]) -> Iterator[str]:
    yield _comment(
        "Nothing is known of these. In a file with one row per person everything is about a person: look at them."
    )
    by_file: dict[str, list[str]] = {}
    for seen in unclear:
        by_file.setdefault(seen.file, []).append(f"{seen.name} ({seen.why})" if seen.why else seen.name)
    for file, names in by_file.items():
        more = f" and {len(names) - 20} more" if len(names) > 20 else ""
        yield _comment(f"  {file}: {', '.join(names[:20])}{more}")


def _whys(each: Proposal) -> Iterator[str]:
    for seen in each.seen[:5]:
        yield f"{seen.confidence}: {seen.what} `{seen.name}` of {seen.file}: {seen.why}"
    if len(each.seen) > 5:
        yield f"and {len(each.seen) - 5} more places"


def _last(file: str) -> str:
    """The name of a file without its folders, as `sources:` of the registry compares it."""
    return file.replace("\\", "/").rpartition("/")[2]


def _comment(text: str) -> str:
    lines: list[str] = [""]
    for word in _line(text).split(" "):
        if lines[-1] and len(lines[-1]) + len(word) >= _WIDTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(f"# {line}".rstrip() for line in lines)


def _line(text: str) -> str:
    """A text that stays on its line, so that no name of a column can end a comment."""
    return "".join(char if char.isprintable() else " " for char in text)


def _quoted(text: str) -> str:
    """A text as a YAML scalar that reads back as it is."""
    escaped = "".join(
        c if c.isprintable() else f"\\u{ord(c):04x}" for c in text.replace("\\", "\\\\").replace('"', '\\"')
    )
    return f'"{escaped}"'
