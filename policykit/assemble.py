"""The one place that knows everybody: finds the workspace, loads, compiles, and hands the parts to each other.

Here, and nowhere below, the clock and the file system of the caller are read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from policykit.demo.library import library_path
from policykit.demo.write import write_demo
from policykit.hookspecs import Kind
from policykit.language.policy import POLICY_SCHEMA
from policykit.language.registry import SECTIONS
from policykit.plugins import discover
from policykit.reports.editor_schema import KindShape, policy_file
from policykit.vocabulary import FACTS, FactSpec, Vocabulary


def init(folder: Path, people: int) -> None:
    """Makes the demo workspace in a new or empty folder."""
    write_demo(folder, library_path(), people)


def kinds() -> dict[str, Kind]:
    """Every kind there is, built in and plugged in."""
    return discover().kinds


def plugins() -> list[dict[str, Any]]:
    """What is plugged in, for display: one entry per plugin, with what it adds or why it failed."""
    return [
        {
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "kinds": list(plugin.kinds),
            "facts": list(plugin.facts),
            "error": plugin.error,
        }
        for plugin in discover().found
    ]


def first_sentence(page: str) -> str:
    """The first sentence of a kind's page, on one line."""
    paragraph = " ".join(page.strip().split("\n\n")[0].split())
    return paragraph.split(". ")[0].rstrip(".")


def vocabulary(workspace: Path | None) -> Vocabulary:
    return Vocabulary(discover().facts)


def added_facts(words: Vocabulary) -> list[FactSpec]:
    """Facts that are not built in."""
    built_in = {spec.path for spec in FACTS}
    return [spec for path, spec in sorted(words.facts.items()) if path not in built_in]


def json_schema(workspace: Path | None) -> dict[str, Any]:
    """The JSON Schema of policy files, with the words of plugins and of the workspace when there is one."""
    found = discover()
    shapes = [
        KindShape(kind.name, first_sentence(kind.page), kind.schemas, kind.parts, kind.extra)
        for _, kind in sorted(found.kinds.items())
    ]
    return policy_file(POLICY_SCHEMA, SECTIONS, shapes, vocabulary(workspace).facts.values())
