"""`policykit.yaml`: how a workspace runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from policykit.errors import Place, Problem
from policykit.language.providers import Provider, read_providers
from policykit.language.schema import SILENCE, Shape
from policykit.language.tree import MapNode, Node, to_plain
from policykit.vocabulary import MESSAGE_CLASSES, RELATIONS

CONFIG_FILE = "policykit.yaml"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """How the company speaks in `policykit disclose`. names: controller -> its name; contact: where people may ask."""

    names: Mapping[str, str] = field(default_factory=dict)
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """What `policykit.yaml` says.

    policies: folders relative to the workspace, later ones on top of earlier ones.
    data: relation -> default file, relative to the workspace. on_error: what happens per message
    class when facts cannot be fetched. providers: by name. store: URL of the live store, None = SQLite
    in `.policykit/` of the workspace. sender_address: the postal address that messages show.
    also_test: other workspaces, relative to this one, whose cases `policykit test` runs too.
    store_place: where `store` stands.
    keep: `history` -> how long sends are kept, for `policykit retain`. silence: codes of warnings of
    `check` that are answered, and why.
    """

    mode: Literal["off", "audit", "enforce"] = "audit"
    store: str | None = None
    policies: tuple[str, ...] = ("policies/",)
    controller: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    on_error: Mapping[str, str] = field(
        default_factory=lambda: {"marketing": "block", "service": "block", "transactional": "allow"}
    )
    providers: Mapping[str, Provider] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)
    also_test: tuple[str, ...] = ()
    disclosure: Disclosure = Disclosure()
    assume: MapNode | None = field(default=None, repr=False, compare=False)
    silence: MapNode | None = field(default=None, repr=False, compare=False)
    sender_address: str | None = None
    store_place: Place | None = field(default=None, repr=False, compare=False)
    data_places: Mapping[str, Place] = field(default_factory=dict, repr=False, compare=False)


_SHAPE = Shape(
    {
        "mode": {"type": "string", "allowed": ["off", "audit", "enforce"]},
        "store": {"type": "string", "empty": False},
        "policies": {"type": ["list", "string"], "empty": False, "schema": {"type": "string", "empty": False}},
        "controller": {"type": "string", "empty": False},
        "sender_address": {"type": "string", "empty": False},
        "disclosure": {
            "type": "dict",
            "schema": {"contact": {"type": "string", "empty": False}, "names": {"type": "dict"}},
        },
        "also_test": {"type": "list", "schema": {"type": "string", "empty": False}},
        "assume": {"type": "dict"},
        "keep": {"type": "dict", "schema": {"history": {"type": "span"}}},
        "lint": {
            "type": "dict",
            "schema": {"silence": SILENCE},
        },
        "on_error": {
            "type": "dict",
            "schema": {name: {"type": "string", "allowed": ["allow", "block"]} for name in MESSAGE_CLASSES},
        },
        "providers": {"nullable": True},
        "data": {
            "type": "dict",
            "schema": {relation.name: {"type": "string", "empty": False} for relation in RELATIONS},
        },
    },
    "policykit.yaml",
)


def read_config(node: Node | None, problems: list[Problem]) -> Config:
    """The configuration; where it is wrong the problem is reported and the default stands."""
    if node is None:
        return Config()
    wrong = _SHAPE.check(node)
    problems += wrong
    if not isinstance(node, MapNode):
        return Config()
    bad = {str(problem.place) for problem in wrong}
    given = {key: to_plain(entry.node) for key, entry in node.entries.items()
             if not any(_within(entry.node, place) for place in bad)}  # fmt: skip
    plain = ("mode", "store", "controller", "data", "sender_address", "keep")
    known = {key: value for key, value in given.items() if key in plain}
    if "policies" in given:
        folders = given["policies"]
        known["policies"] = (folders,) if isinstance(folders, str) else tuple(folders)
    if "on_error" in given:
        known["on_error"] = {**Config().on_error, **given["on_error"]}
    if isinstance(given.get("disclosure"), dict):
        names = {str(key): str(name) for key, name in (given["disclosure"].get("names") or {}).items()}
        known["disclosure"] = Disclosure(names, given["disclosure"].get("contact"))
    known["also_test"] = tuple(given.get("also_test", ()))
    known["providers"] = read_providers(node.get("providers"), problems)
    assume = node.get("assume")
    section = node.get("lint")
    silence = section.get("silence") if isinstance(section, MapNode) else None
    store, data = node.get("store"), node.get("data")
    files = data.entries if isinstance(data, MapNode) else {}
    return Config(
        **known,
        assume=assume if isinstance(assume, MapNode) else None,
        silence=silence if isinstance(silence, MapNode) else None,
        store_place=store.place if store else None,
        data_places={name: entry.node.place for name, entry in files.items()},
    )


def _within(node: Node, place: str) -> bool:
    """Whether a place (as text) is that of a node or of anything below it."""
    if str(node.place) == place:
        return True
    if isinstance(node, MapNode):
        return any(str(entry.key) == place or _within(entry.node, place) for entry in node.entries.values())
    return any(_within(item, place) for item in getattr(node, "items", ()))
