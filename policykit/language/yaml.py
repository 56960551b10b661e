"""YAML read strictly: a tree in which every key and value knows its place.

Scalars follow YAML 1.2 core, and where even core would rewrite what an author typed the text
stays: `NO`, `yes`, `22:00`, `010`, `0x1F` and `+33612345678` are text. Nothing here raises for
what a file holds: every finding is a `Problem`, and as much of the tree as could be read comes too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from policykit.errors import Place, Problem
from policykit.language.tree import Entry, ListNode, MapNode, Node, Plain, ScalarNode, Source, Value, find, to_plain
from policykit.language.yaml_errors import broken_expression, not_closed, retold

__all__ = [
    "Entry",
    "ListNode",
    "MapNode",
    "Node",
    "Plain",
    "ScalarNode",
    "Source",
    "Value",
    "find",
    "parse_yaml",
    "read_text",
    "read_yaml",
    "resolve",
    "to_plain",
]

MAX_LINE = 100_000  # characters; a longer line is a mistake, and no editor shows it
MAX_DEPTH = 60
MAX_NODES_BY_ALIAS = 100_000  # nodes after aliases are written out: stops alias bombs


# The C scanner is nine times faster; a PyYAML built without libyaml reads the same, slower.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# --- scalars ------------------------------------------------------------------------------------

_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{1,40})?(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Value] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


def resolve(text: str) -> Value:
    """What a plain scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-0123456789":
        return text
    if _INT.fullmatch(text):
        number = int(text)
        return number if -(2**63) <= number < 2**63 else text
    if _FLOAT.fullmatch(text):
        real = float(text)
        return text if real in (float("inf"), float("-inf")) else real
    return text


# --- reading --------------------------------------------------------------------------------------

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_text(path: Path, file: str) -> tuple[str | None, list[Problem]]:
    """The text of a UTF-8 file, or the problem that keeps it from being read."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None, [Problem(Place(file), f"no such file `{file}`", "check the path", "file.missing")]
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return None, [Problem(Place(file), f"cannot read `{file}`: {reason}", None, "file.unreadable")]
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        place = Source(file, before).place(len(before))
        return None, [Problem(place, f"byte 0x{raw[error.start]:02x} is not UTF-8", "save the file as UTF-8",
                              "file.encoding")]  # fmt: skip


def read_yaml(path: Path, file: str) -> tuple[Node | None, list[Problem]]:
    """The tree of a file and every problem met; None when nothing could be read."""
    text, problems = read_text(path, file)
    return (None, problems) if text is None else parse_yaml(text, file)


def parse_yaml(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """The tree of a text and every problem met; None when nothing could be read."""
    source = Source(file, text.replace("\r\n", "\n"))
    problem = _unfit(source)
    if problem:
        return None, [problem]
    composer = _Composer(source)
    try:
        for event in yaml.parse(source.text, Loader=_LOADER):
            composer.take(event)
    except _Refused as refused:
        composer.problems.append(refused.problem)
        return None, composer.problems
    except yaml.MarkedYAMLError as error:
        composer.problems.append(composer.unclosed(error) or retold(error, source))
        return None, composer.problems
    except yaml.YAMLError as error:
        composer.problems.append(Problem(Place(file), f"this is not YAML: {str(error).splitlines()[0]}", None,
                                         "yaml.syntax"))  # fmt: skip
        return None, composer.problems
    if composer.root is None and not composer.problems:
        composer.problems.append(Problem(Place(file), "this file is empty", "fill it in, or remove it", "yaml.empty"))
    return composer.root, composer.problems


def _unfit(source: Source) -> Problem | None:
    found = _UNPRINTABLE.search(source.text)
    if found:
        return Problem(source.place(found.start()), f"unprintable character U+{ord(found.group()):04X}",
                       "remove it; a policy file is plain text", "yaml.character")  # fmt: skip
    if len(source.text) <= MAX_LINE:
        return None
    for number, line in enumerate(source.text.split("\n"), 1):
        if len(line) > MAX_LINE:
            found_text = f"line of {len(line):,} characters; expected at most {MAX_LINE:,}"
            return Problem(Place(source.file, number), found_text,
                           "put long texts in a file of their own", "yaml.long-line")  # fmt: skip
    return None


class _Refused(Exception):  # noqa: N818  (never leaves this module)
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet. weight: nodes in it, aliases written out."""

    node: MapNode | ListNode
    anchor: str | None
    weight: int = 1
    key: str | None = None
    key_place: Place | None = None
    flow: bool = False  # in brackets
    drop: bool = False  # the key at hand was refused: its value goes nowhere


class _Composer:
    """Builds the tree from events: no recursion, so depth is ours to refuse."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._documents = 0

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            mark = event.start_mark
            self._begin(event, MapNode(self.source, mark.line + 1, mark.column + 1, {}))
        elif kind is yaml.SequenceStartEvent:
            mark = event.start_mark
            self._begin(event, ListNode(self.source, mark.line + 1, mark.column + 1, []))
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._end()
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                self._refuse(event, "a second document begins here; expected one document per file",
                             "put it in a file of its own, or remove the `---`", "yaml.documents")  # fmt: skip

    def unclosed(self, error: yaml.MarkedYAMLError) -> Problem | None:
        """The bracket that was still open when the text ended, if that is what is wrong."""
        mark = error.problem_mark
        if mark is None or mark.index < len(self.source.text.rstrip()) or not self._stack or not self._stack[-1].flow:
            return None
        return not_closed(self._stack[-1].node.place, is_list=isinstance(self._stack[-1].node, ListNode))

    def _scalar(self, event: Any) -> None:
        mark, style = event.start_mark, event.style or None
        if style is None and not event.implicit[0] and event.tag is None:
            style = "'"
        if event.tag not in (None, "!") and event.tag != "tag:yaml.org,2002:str":
            self._tag(event)
            return
        plain = style is None and event.implicit[0]
        value = resolve(event.value) if plain else event.value
        node = ScalarNode(self.source, mark.line + 1, mark.column + 1, mark.index, event.end_mark.index,
                          event.value, value, style)  # fmt: skip
        self._remember(event.anchor, node, 1)
        self._add(node, 1)

    def _begin(self, event: Any, node: MapNode | ListNode) -> None:
        if event.tag is not None:
            self._tag(event)
        if len(self._stack) >= MAX_DEPTH:
            self._refuse(event, f"nested more than {MAX_DEPTH} deep", "flatten it", "yaml.depth")
        parent = self._stack[-1] if self._stack else None
        if parent and isinstance(parent.node, MapNode) and parent.key is None:
            self._refuse(event, "a list or mapping cannot be a key; expected text", "quote the key if it is text",
                         "yaml.key")  # fmt: skip
        self._stack.append(_Open(node, event.anchor, flow=bool(event.flow_style)))

    def _end(self) -> None:
        closed = self._stack.pop()
        self._remember(closed.anchor, closed.node, closed.weight)
        self._add(closed.node, closed.weight)

    def _alias(self, event: Any) -> None:
        name = event.anchor
        if any(frame.anchor == name for frame in self._stack):
            self._refuse(event, f"`*{name}` stands inside what it refers to", "write the value out", "yaml.recursive")
        if name not in self._anchors:
            raise _Refused(broken_expression(self.source, event.start_mark) or Problem(
                self._place(event), f"`*{name}` refers to nothing; no `&{name}` comes before it",
                "quote text that begins with `*`", "yaml.alias"))  # fmt: skip
        node, weight = self._anchors[name]
        self._add(node, weight, event)

    def _remember(self, anchor: str | None, node: Node, weight: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, weight)

    def _add(self, node: Node, weight: int, event: Any = None) -> None:
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        frame.weight += weight
        if event is not None and frame.weight > MAX_NODES_BY_ALIAS:
            self._refuse(event, f"aliases multiply into more than {MAX_NODES_BY_ALIAS:,} values",
                         "write the values out", "yaml.bomb")  # fmt: skip
        if isinstance(frame.node, ListNode):
            frame.node.items.append(node)
        elif frame.key is None:
            self._key(frame, node, self._place(event) if event else node.place)
        else:
            if not frame.drop:
                frame.node.entries[frame.key] = Entry(frame.key_place or node.place, node)
            frame.key, frame.drop = None, False

    def _key(self, frame: _Open, node: Node, place: Place) -> None:
        assert isinstance(frame.node, MapNode)
        if not isinstance(node, ScalarNode):
            raise _Refused(Problem(place, "a list or mapping cannot be a key; expected text", None, "yaml.key"))
        frame.key, frame.key_place = node.text, place
        first = frame.node.entries.get(node.text)
        if node.text == "<<" and node.plain:
            self._note(place, "merge key `<<` is not supported", "write the keys out", "yaml.merge")
            frame.drop = True
        elif first is not None:
            self._note(place, f"duplicate key `{node.text}`; the first is at line {first.key.line}, column "
                       f"{first.key.column}", "keep one of the two", "yaml.duplicate-key")  # fmt: skip
            frame.drop = True

    def _tag(self, event: Any) -> None:
        shown = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        raise _Refused(broken_expression(self.source, event.start_mark) or Problem(
            self._place(event), f"tag `{shown}` is not supported", "quote text that begins with `!`", "yaml.tag",
        ))  # fmt: skip

    def _note(self, place: Place, message: str, way_out: str, code: str) -> None:
        self.problems.append(Problem(place, message, way_out, code))

    def _refuse(self, event: Any, message: str, way_out: str, code: str) -> None:
        raise _Refused(Problem(self._place(event), message, way_out, code))

    def _place(self, event: Any) -> Place:
        return Place(self.source.file, event.start_mark.line + 1, event.start_mark.column + 1)
