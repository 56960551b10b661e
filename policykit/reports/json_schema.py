"""Cerberus schemas as JSON Schema (2020-12), so that editors complete and check what `policykit check` checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["DIALECT", "closed", "field"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# Types of `language.schema`, Cerberus's own and those for texts of a form.
_TYPES: Mapping[str, Mapping[str, Any]] = {
    "string": {"type": "string"},
    "id": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
    "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
    "path": {"type": "string", "pattern": "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+$"},
    "span": {"type": "string", "description": "a length of time such as `7 days` or `24 months`"},
    "instant": {"type": "string", "description": "an instant with an offset"},
    "date": {"type": "string", "description": "a date such as `2026-03-02`"},
    "zone": {"type": "string", "description": "an IANA time zone"},
    "percent": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%$"},
    "version": {"type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+$"},
    "integer": {"type": "integer"},
    "float": {"type": "number"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "list": {"type": "array"},
    "dict": {"type": "object"},
}


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An object with exactly these keys: a Cerberus schema as the editor's."""
    required = sorted(key for key, rules in schema.items() if rules.get("required"))
    shape: dict[str, Any] = {
        "type": "object",
        "properties": {key: field(rules) for key, rules in schema.items()},
        "additionalProperties": False,
    }
    return shape | ({"required": required} if required else {})


def field(rules: Mapping[str, Any]) -> dict[str, Any]:
    """One field; what JSON Schema cannot say is left to `policykit check`."""
    named = rules.get("type")
    types = [named] if isinstance(named, str) else list(named or ())
    shapes = [_typed(name, rules) for name in types]
    found: dict[str, Any] = shapes[0] if len(shapes) == 1 else {"anyOf": _different(shapes)} if shapes else {}
    if "allowed" in rules and "list" not in types:
        found["enum"] = list(rules["allowed"])
    if rules.get("nullable"):
        found = {"anyOf": [found, {"type": "null"}]}
    words = rules.get("meta", {}).get("words")
    if words:
        found = {"anyOf": [_matched(name, list(words), rules) for name in types]}
    says = rules.get("meta", {}).get("says")
    return found | ({"description": says} if says else {})


def _matched(name: str, words: list[str], rules: Mapping[str, Any]) -> dict[str, Any]:
    """One form of a key that holds names, or a matcher: a word, a list of words, a mapping."""
    word: dict[str, Any] = {"enum": words}
    some = {"type": "array", "items": word, "minItems": 1}
    if name != "dict":
        return some if name == "list" else word
    fact = {"type": "object", "properties": {"fact": {"type": "string"}}, "required": ["fact"]}
    bound = {"anyOf": [word, fact]}
    keys = {"not": {"anyOf": [word, some]}, "fact": {"type": "string"}}
    if rules["meta"].get("ordered"):
        keys |= {"at_least": bound, "at_most": bound}
    return {"type": "object", "properties": keys, "additionalProperties": False, "minProperties": 1}


def _different(shapes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for shape in shapes:
        if shape not in found:
            found.append(shape)
    return found


def _typed(name: str, rules: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(_TYPES.get(name, {}))
    match found.get("type"):
        case "object":
            return found | _object(rules)
        case "array":
            return found | _array(rules)
        case "string":
            return found | _text(rules)
        case _:
            return found | _bounds(rules, "min", "max", "minimum", "maximum")


def _object(rules: Mapping[str, Any]) -> dict[str, Any]:
    inner = rules.get("schema")
    if isinstance(inner, Mapping) and all(isinstance(item, Mapping) for item in inner.values()):
        return closed(inner)
    found: dict[str, Any] = {}
    if "valuesrules" in rules:
        found["additionalProperties"] = field(rules["valuesrules"])
    if "keysrules" in rules:
        found["propertyNames"] = field(rules["keysrules"])
    return found | _bounds(rules, "minlength", "maxlength", "minProperties", "maxProperties")


def _array(rules: Mapping[str, Any]) -> dict[str, Any]:
    found = _bounds(rules, "minlength", "maxlength", "minItems", "maxItems")
    if rules.get("empty") is False:
        found["minItems"] = 1
    inner = rules.get("schema")
    if isinstance(inner, Mapping):
        found["items"] = field(inner)
    if "allowed" in rules:
        found.setdefault("items", {})["enum"] = list(rules["allowed"])
    return found


def _text(rules: Mapping[str, Any]) -> dict[str, Any]:
    found = _bounds(rules, "minlength", "maxlength", "minLength", "maxLength")
    if rules.get("empty") is False:
        found["minLength"] = 1
    if "regex" in rules:
        found["pattern"] = f"^(?:{rules['regex']})$"
    return found


def _bounds(rules: Mapping[str, Any], low: str, high: str, least: str, most: str) -> dict[str, Any]:
    return {name: rules[rule] for rule, name in ((low, least), (high, most)) if rule in rules}
