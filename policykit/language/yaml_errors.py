"""What the YAML scanner says, retold: the C scanner and the pure one in the same words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from policykit.errors import Place, Problem
from policykit.language.tree import Source

_EXPRESSION_KEY = re.compile(r"""(?:^|[\s{,])["']?(when|require|forbid)["']?:\s+(?=\S)""")


def broken_expression(source: Source, mark: Any) -> Problem | None:
    """The problem of an expression broken by YAML, when the line of the mark holds one."""
    lines = source.text.split("\n")
    if mark is None or mark.line >= len(lines):
        return None
    line = lines[mark.line]
    for found in _EXPRESSION_KEY.finditer(line):
        if found.end() > mark.column + 1 or line[found.end()] == "{":
            continue
        place = Place(source.file, mark.line + 1, found.end() + 1)
        rest = line[found.end() :].rstrip()
        return Problem(place, f"YAML cannot read this expression: `{_short(rest)}`",
                       f"quote this expression, or use `{found.group(1)}: |`", "yaml.expression")  # fmt: skip
    return None


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def retold(error: yaml.MarkedYAMLError, source: Source) -> Problem:
    mark, context = error.problem_mark, error.context_mark
    hint = broken_expression(source, mark) or broken_expression(source, context)
    if hint:
        return hint
    said, around = error.problem or "", error.context or ""
    for message, way_out, at_context in _explanations(said, around, _char(source, mark)):
        at = context if at_context and context is not None else mark or context
        place = Place(source.file, at.line + 1, at.column + 1) if at else Place(source.file)
        return Problem(place, message, way_out, "yaml.syntax")
    at = mark or context
    return Problem(Place(source.file, at.line + 1, at.column + 1) if at else Place(source.file),
                   f"this is not YAML: {said}", "check indentation and quotes", "yaml.syntax")  # fmt: skip


def not_closed(place: Place, *, is_list: bool) -> Problem:
    """A bracket without its other half; place: where it stands."""
    closing, opened = ("]", "list") if is_list else ("}", "mapping")
    return Problem(place, f"the {opened} that begins here is not closed; expected `,` or `{closing}`",
                   "close it, or quote text that holds brackets", "yaml.syntax")  # fmt: skip


def _char(source: Source, mark: Any) -> str:
    if mark is None:
        return ""
    lines = source.text.split("\n")
    return lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""


def _explanations(said: str, around: str, char: str) -> Iterator[tuple[str, str, bool]]:
    """(message, help, whether it belongs where the construct began): the C and the pure scanner alike."""
    if "incompatible YAML" in said:
        yield "this file asks for another version of YAML", "remove the `%YAML` line", False
    if "mapping values are not allowed" in said:
        yield (
            "`:` is not allowed here",
            "quote text that holds `: `, and start the keys of one mapping in the same column",
            False,
        )
    if "cannot start any token" in said:
        if char == "\t":
            yield "a tab is used as indentation", "indent with spaces", False
        yield f"`{char}` cannot begin a value", "quote the text", False
    if "']'" in said or "'}'" in said:
        closing = "]" if "']'" in said else "}"
        opened = "list" if closing == "]" else "mapping"
        yield (
            f"the {opened} that begins here is not closed; expected `,` or `{closing}`",
            "close it, or quote text that holds brackets",
            True,
        )
    if "quoted scalar" in around:
        yield "the quotes that begin here are not closed", "close them, or double a `'` inside single quotes", True
    if "flow node" in around or "node content" in said:
        yield "a value is missing", "close the bracket, or write the value", True
    if "block" in around and ("expected key" in said or "block end" in said):
        yield (
            "unexpected text; expected a key",
            "check indentation, and quote the whole value if it goes on here",
            False,
        )
    if "'-' indicator" in said or "block sequence" in said or "block collection" in around:
        yield "unexpected text; expected `-`", "start the items of one list in the same column", False
    if "could not find expected ':'" in said or "simple key" in around:
        yield "expected `:` after this key", "write `key: value`", True
