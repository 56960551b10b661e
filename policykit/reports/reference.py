"""The vocabulary as a reference: facts and columns, as text and as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from policykit.vocabulary import RELATIONS, FactSpec

__all__ = ["columns_as_json", "columns_as_text", "facts_as_json", "facts_as_text"]


def facts_as_text(facts: Sequence[FactSpec]) -> str:
    width = max(len(fact.path) for fact in facts)
    return "\n".join(_fact_line(fact, width) for fact in facts)


def _fact_line(fact: FactSpec, width: int) -> str:
    lines = [f"{fact.path:<{width}}  {fact.type:<9}  {fact.doc}{f' ({fact.unit})' if fact.unit else ''}"]
    indent = " " * (width + 13)
    if fact.members:
        order = " (from low to high)" if fact.scale else ""
        lines.append(f"{indent}one of {', '.join(fact.members)}{order}")
    if fact.absence != "unknown":
        lines.append(f"{indent}absent: {fact.absence}")
    return "\n".join(lines)


def facts_as_json(facts: Iterable[FactSpec]) -> list[dict[str, Any]]:
    return [
        {
            "path": fact.path,
            "type": fact.type,
            "doc": fact.doc,
            "unit": fact.unit,
            "members": list(fact.members) if fact.members else None,
            "ordered": fact.scale is not None,
            "absence": fact.absence,
            "column": fact.column,
        }
        for fact in facts
    ]


def columns_as_text(extra: Sequence[FactSpec] = ()) -> str:
    """Every relation with its columns; `extra` are facts of the workspace that people files may hold."""
    parts = []
    for relation in columns_as_json(extra):
        width = max(len(column["name"]) for column in relation["columns"])
        lines = [f"{relation['name']}: {relation['doc']}; no row means: {relation['no_row']}"]
        for column in relation["columns"]:
            must = "required. " if column["required"] else ""
            lines.append(f"  {column['name']:<{width}}  {column['type']:<9}  {must}{column['doc']}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def columns_as_json(extra: Sequence[FactSpec] = ()) -> list[dict[str, Any]]:
    added = [
        {"name": fact.column, "type": fact.type, "doc": fact.doc, "required": False} for fact in extra if fact.column
    ]
    return [
        {
            "name": relation.name,
            "doc": relation.doc,
            "no_row": relation.no_row,
            "columns": [
                {"name": c.name, "type": c.type, "doc": c.doc, "required": c.required} for c in relation.columns
            ]
            + (added if relation.name == "people" else []),
        }
        for relation in RELATIONS
    ]
