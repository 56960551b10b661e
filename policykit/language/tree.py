"""The tree of a YAML file: every key and value knows its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from policykit.errors import Place

Plain: TypeAlias = Any  # None, bool, int, float, str, list, dict: what `to_plain` gives
Value: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Source:
    """A file as read. file: as the user would type it."""

    file: str
    text: str = field(repr=False)

    def place(self, index: int) -> Place:
        """Line and column of a character by its index."""
        line_start = self.text.rfind("\n", 0, index) + 1
        return Place(self.file, self.text.count("\n", 0, index) + 1, index - line_start + 1)


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One value. text: as written, quotes and folding undone. value: text, unless plain and core says otherwise."""

    source: Source
    line: int
    column: int
    start: int
    end: int
    text: str
    value: Value
    style: str | None = None

    @property
    def plain(self) -> bool:
        return self.style is None

    @property
    def place(self) -> Place:
        return Place(self.source.file, self.line, self.column)

    def at(self, offset: int) -> Place:
        """Where the character of `text` at this offset stands in the file."""
        return self.source.place(_aligned(self.source.text, self, offset))


@dataclass(frozen=True, slots=True)
class ListNode:
    source: Source
    line: int
    column: int
    items: list[Node]

    @property
    def place(self) -> Place:
        return Place(self.source.file, self.line, self.column)


class Entry(NamedTuple):
    """A key of a mapping: where the key stands, and its value."""

    key: Place
    node: Node


@dataclass(frozen=True, slots=True)
class MapNode:
    source: Source
    line: int
    column: int
    entries: dict[str, Entry]

    @property
    def place(self) -> Place:
        return Place(self.source.file, self.line, self.column)

    def get(self, key: str) -> Node | None:
        entry = self.entries.get(key)
        return entry.node if entry else None


Node: TypeAlias = ScalarNode | ListNode | MapNode


def to_plain(node: Node) -> Plain:
    """The tree as dicts, lists and values, places forgotten."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, MapNode):
        return {key: to_plain(entry.node) for key, entry in node.entries.items()}
    return [to_plain(item) for item in node.items]


def find(node: Node, path: tuple[str | int, ...]) -> Node:
    """The node at a path of keys and indexes, or the nearest one above it that exists."""
    for step in path:
        below: Node | None = None
        if isinstance(node, MapNode):
            below = node.get(str(step))
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            below = node.items[step]
        if below is None:
            break
        node = below
    return node


# --- from a character of a scalar's text back to the file ------------------------------------------


def _aligned(text: str, node: ScalarNode, offset: int) -> int:
    if node.style == "|":
        return _aligned_literal(text, node, offset)
    index = node.start + (1 if node.style in ("'", '"') else 0)
    if node.style == ">":
        index = text.find("\n", index) + 1
    for char in node.text[:offset]:
        index = _past(text, index, node, char)
    return index if node.text[offset : offset + 1].isspace() else _unfolded(text, index, node)


def _past(text: str, index: int, node: ScalarNode, char: str) -> int:
    """The index after the source of one character of a scalar's text."""
    if char.isspace() and text[index] != "\\":
        # A folded line break is any stretch of white space: the next visible character skips it.
        return index + 1 if text[index] in " \t" else index
    index = _unfolded(text, index, node)
    if node.style == '"' and text[index] == "\\":
        return index + 2 + {"x": 2, "u": 4, "U": 8}.get(text[index + 1], 0)
    return index + (2 if node.style == "'" and char == "'" else 1)


def _unfolded(text: str, index: int, node: ScalarNode) -> int:
    """The index of the next visible character: past white space, and past line ends that were escaped."""
    while index < node.end - 1:
        if text[index].isspace():
            index += 1
        elif node.style == '"' and text.startswith("\\\n", index):
            index += 2
        else:
            break
    return index


def _aligned_literal(text: str, node: ScalarNode, offset: int) -> int:
    line_no = node.text.count("\n", 0, offset)
    column = offset - (node.text.rfind("\n", 0, offset) + 1)
    body = text.find("\n", node.start) + 1
    lines = text[body : node.end].split("\n")
    first = next((n for n, line in enumerate(node.text.split("\n")) if line.strip()), 0)
    source_line = lines[first] if first < len(lines) else ""
    shown = node.text.split("\n")[first]
    indent = len(source_line) - len(shown)
    start = body + sum(len(line) + 1 for line in lines[:line_no])
    width = len(lines[line_no]) if line_no < len(lines) else 0
    return start + min(indent + column, width)
