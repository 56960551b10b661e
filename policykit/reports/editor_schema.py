"""The JSON Schemas of policy files and case files, put together from the schemas that check them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from policykit.reports.json_schema import DIALECT, closed, field
from policykit.vocabulary import CHANNELS, FactSpec

__all__ = ["KindShape", "case_file", "policy_file"]

_EXPRESSION = {"type": ["string", "boolean"], "description": "an expression, see `policykit kinds rule`"}
_SCALAR = {"type": ["string", "boolean", "number"]}
_CHANGES: Mapping[str, dict[str, Any]] = {
    "channel": {
        "anyOf": [
            {"const": "less_intrusive"},
            {"type": "array", "minItems": 1, "items": {"enum": sorted(CHANNELS)}},
            {"enum": sorted(CHANNELS)},
        ],
        "description": "leave by a gentler channel: `less_intrusive`, or those listed",
    },
    "uses": {"const": "strip", "description": "leave out what is in breach"},
    "content": {"const": "generic", "description": "send the generic variant"},
    "send_at": {"const": "next_allowed", "description": "leave at the next allowed instant"},
    "offers": {"const": "blend", "description": "let general offers take the place of personalised ones"},
}


@dataclass(frozen=True, slots=True)
class KindShape:
    """A kind as an editor needs it. schemas: Cerberus, per demand; None = an expression. extra: further keys."""

    name: str
    says: str
    schemas: Mapping[Any, Mapping[str, Any] | None]
    parts: Collection[str]
    extra: Mapping[str, Any]


def policy_file(
    common: Mapping[str, Any], sections: Mapping[str, Mapping[str, Any]], kinds: Iterable[KindShape],
    facts: Iterable[FactSpec], pack: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """common: of what all policies have. sections: of one entry of each other section. All are Cerberus schemas."""
    kinds, facts = list(kinds), list(facts)
    entries = {name: {"type": "array", "items": _entry(name, schema, facts)} for name, schema in sections.items()}
    return {
        "$schema": DIALECT,
        "title": "policykit policy file",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "pack": closed(pack),
            "policies": {"type": "array", "items": _policy(common, kinds, facts)},
            "purposes": {
                "type": "array",
                "items": {"type": "string"},
                "description": "purposes added to those built in",
            },
            "channels": {
                "type": "object",
                "description": "ranks, most intrusive highest",
                "properties": {name: {"type": "integer", "minimum": 0, "maximum": 1000} for name in CHANNELS},
                "additionalProperties": False,
            },
            **entries,
        },
    }


def case_file(
    file: Mapping[str, Any], send: Mapping[str, Any], case: Mapping[str, Any], campaign: Mapping[str, Any]
) -> dict[str, Any]:
    """file: of a whole file. send: of what a case may say is sent. case, campaign: of one case of either sort."""
    shape = closed(file)
    single, whole = closed(case), closed(campaign)
    for given in (shape, single):
        given["properties"]["given"]["properties"]["send"] = {"anyOf": [closed(send), {"type": "null"}]}
    shape["properties"]["cases"]["items"] = {"if": {"required": ["campaign"]}, "then": whole, "else": single}
    return {"$schema": DIALECT, "title": "policykit case file", **shape}


def _entry(section: str, schema: Mapping[str, Any], facts: list[FactSpec]) -> dict[str, Any]:
    shape = closed(schema)
    if section == "waivers":
        shape["properties"] |= {"for": _scope(facts), "when": _EXPRESSION}
    return shape


def _policy(common: Mapping[str, Any], kinds: list[KindShape], facts: list[FactSpec]) -> dict[str, Any]:
    shape = closed(common)
    shape["properties"]["kind"] = {
        "oneOf": [{"const": kind.name, "description": kind.says} for kind in kinds],
        "description": "the family of the policy",
    }
    shape["properties"]["for"] = _scope(facts)
    shape["properties"]["when"] = _EXPRESSION
    shape["properties"] |= {key: {} for kind in kinds for key in kind.extra}
    shape["allOf"] = [_of_kind(kind) for kind in kinds]
    return shape


def _scope(facts: list[FactSpec]) -> dict[str, Any]:
    """Fact paths, and the short names of `send.` facts, with the values they may have."""
    shapes: dict[str, Any] = {}
    for fact in facts:
        if fact.type in ("uses", "timestamp", "duration") or fact.path.startswith("uses"):
            continue
        value = _fact_value(fact)
        shapes[fact.path] = value
        if fact.path.startswith("send.") and fact.path.count(".") == 1:
            shapes[fact.path.removeprefix("send.")] = value
    return {"type": "object", "properties": shapes, "additionalProperties": False}


def _fact_value(fact: FactSpec) -> dict[str, Any]:
    members = [*(fact.members or ()), *(["any"] if fact.path == "send.message_class" else [])]
    one = {"enum": members} if members else _SCALAR
    return {"anyOf": [one, {"type": "array", "minItems": 1, "items": one}], "description": fact.doc}


def _of_kind(kind: KindShape) -> dict[str, Any]:
    """What holds of policies of one kind: their body, their changes, and nothing of other kinds."""
    bodies: dict[str, Any] = {demand: False for demand in ("require", "forbid") if demand not in kind.schemas}
    bodies |= {
        demand: {**closed(schema), "description": kind.says} if schema is not None else _EXPRESSION
        for demand, schema in kind.schemas.items()
    }
    effect = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False,
              "properties": {part: shape for part, shape in _CHANGES.items() if part in kind.parts}}  # fmt: skip
    downgrade = {
        "type": "object", "required": ["downgrade"], "additionalProperties": False, "properties": {"downgrade": effect},
    }  # fmt: skip
    extra = {key: field(rules) for key, rules in kind.extra.items()}
    required = sorted(key for key, rules in kind.extra.items() if rules.get("required"))
    return {
        "if": {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]},
        "then": {
            "properties": {**bodies, **extra, "on_breach": {"anyOf": [{"const": "block"}, downgrade]}},
            "oneOf": [{"required": [demand]} for demand in sorted(kind.schemas)],
            "required": required,
        },
    }
