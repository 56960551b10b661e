"""What there is to use: kinds, plugins, facts, and the schema for editors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from policykit.adapters.base import Adapter, Capability
from policykit.assemble.workspace import read
from policykit.errors import WorkspaceNotFound
from policykit.hookspecs import Kind
from policykit.language.campaign_cases import CAMPAIGN_CASE
from policykit.language.cases import CASE, FILE, SEND
from policykit.language.layers import PAGE as OVERLAYS
from policykit.language.packs import PACK_SCHEMA
from policykit.language.policy import POLICY_SCHEMA
from policykit.language.registry import SECTIONS
from policykit.language.responses import PAGE as RESPONSES
from policykit.language.responses import RESPONSE_SCHEMA
from policykit.language.waivers import PAGE as WAIVERS
from policykit.language.waivers import WAIVER_SCHEMA
from policykit.plugins import discover
from policykit.reports.editor_schema import KindShape, case_file, policy_file
from policykit.vocabulary import CHANNELS, FACTS, FactSpec, Vocabulary

# Of the language, beside the pages of kinds.
PAGES: Mapping[str, str] = {"overlays": OVERLAYS, "responses": RESPONSES, "waivers": WAIVERS}


def kinds() -> dict[str, Kind]:
    """Every kind there is, built in and plugged in."""
    return discover().kinds


def plugins() -> list[dict[str, Any]]:
    """What is plugged in, for display: one entry per plugin, with what it adds or why it failed."""
    found = discover()
    return [
        {
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "kinds": list(plugin.kinds),
            "facts": list(plugin.facts),
            "adapters": [_adapter(found.adapters[name]) for name in plugin.adapters],
            "stores": list(plugin.stores),
            "guards": list(plugin.guards),
            "packs": [folder.as_posix() for folder in plugin.packs],
            "receivers": list(plugin.receivers),
            "observes": plugin.observes,
            "error": plugin.error,
        }
        for plugin in found.found
    ]


def _adapter(adapter: Adapter) -> dict[str, Any]:
    """What an adapter declares, in the order of the contract."""
    return {
        "provider": adapter.name,
        "channels": [channel for channel in CHANNELS if channel in adapter.channels],
        "capabilities": [each.value for each in Capability if each in adapter.capabilities],
        "campaign_slots": list(adapter.campaign_slots),
        "on_block": adapter.on_block,
    }


def first_sentence(page: str) -> str:
    """The first sentence of a kind's page, on one line."""
    paragraph = " ".join(page.strip().split("\n\n")[0].split())
    return paragraph.split(". ")[0].rstrip(".")


def vocabulary(folder: Path | None) -> Vocabulary:
    """The words of a workspace when there is one, else those built in and plugged in."""
    try:
        return read(folder)[0].vocabulary
    except WorkspaceNotFound:
        if folder is not None:
            raise
        return Vocabulary(discover().facts)


def added_facts(words: Vocabulary) -> list[FactSpec]:
    """Facts that are not built in."""
    built_in = {spec.path for spec in FACTS}
    return [spec for path, spec in sorted(words.facts.items()) if path not in built_in]


def json_schema(folder: Path | None) -> dict[str, Any]:
    """The JSON Schema of policy files, with the words of plugins and of the workspace when there is one."""
    found = discover()
    shapes = [
        KindShape(kind.name, first_sentence(kind.page), kind.schemas, kind.parts, kind.extra)
        for _, kind in sorted(found.kinds.items())
    ]
    return policy_file(
        POLICY_SCHEMA,
        {**SECTIONS, "responses": RESPONSE_SCHEMA, "waivers": WAIVER_SCHEMA},
        shapes,
        vocabulary(folder).facts.values(),
        PACK_SCHEMA,
    )


def json_schema_of_cases() -> dict[str, Any]:
    """The JSON Schema of case files."""
    return case_file(FILE.schema, SEND.schema, CASE.schema, CAMPAIGN_CASE.schema)
