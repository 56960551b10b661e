"""`for:` read and typed: fact paths with the values that match. A misspelt key never matches everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from policykit.errors import Place, Problem
from policykit.language.registry import Registry
from policykit.language.spans import INSTANT_EXAMPLE, known_zones, parse_instant
from policykit.language.suggest import did_you_mean, found, some
from policykit.language.tree import ListNode, MapNode, Node, ScalarNode, to_plain
from policykit.vocabulary import COUNTRIES, COUNTRY_GROUPS, REGIONS, FactSpec

Value: TypeAlias = bool | int | float | str
Scope: TypeAlias = Mapping[str, tuple[Value, ...]]

_NEARLY = {"UK": "GB", "EL": "GR"}  # countries as often misspelt


def read_scope(node: Node | None, registry: Registry, problems: list[Problem]) -> Scope:
    """Full fact path -> values, any of. What cannot be read is reported and left out."""
    if not isinstance(node, MapNode):
        return {}
    scope: dict[str, tuple[Value, ...]] = {}
    written: dict[str, str] = {}
    for key, (key_place, value) in node.entries.items():
        path = key if "." in key else f"send.{key}"
        spec = registry.vocabulary.get(path)
        if spec is None or spec.type == "uses" or path.startswith("uses"):
            problems.append(_unknown_fact(key, key_place, registry))
        elif path in written:
            message = f"`{key}` is the same fact as `{written[path]}` above"
            problems.append(Problem(key_place, message, "keep one of the two", "policy.for"))
        elif spec.type in ("timestamp", "duration"):
            problems.append(Problem(key_place, f"`{key}` is a {spec.type}, which never equals a value",
                                    f"compare it in `when`, e.g. `when: {path} < send.at`", "policy.for"))  # fmt: skip
        else:
            scope[path] = _values(key, value, spec, registry, problems)
        written.setdefault(path, key)
    return scope


def _unknown_fact(key: str, place: Place, registry: Registry) -> Problem:
    if key.startswith("uses"):
        return Problem(place, f"`{key}` is about attributes, not about the send", "say it in `require` or `forbid`",
                       "policy.for")  # fmt: skip
    known = [path for path in registry.vocabulary.facts if not path.startswith("uses")]
    if "." not in key:
        known += [path.removeprefix("send.") for path in known if path.startswith("send.")]
    prefix = key.split(".")[0] if "." in key else "send"
    near = did_you_mean(key, known)
    if prefix not in ("send", "recipient", "consent", "attributes"):
        prefix = ""
    command = f"policykit facts {prefix}".strip()
    return Problem(place, f"unknown fact `{key}`{near}", f"`{command}` lists the facts a policy may use",
                   "policy.unknown-fact")  # fmt: skip


def _values(key: str, node: Node, spec: FactSpec, registry: Registry, problems: list[Problem]) -> tuple[Value, ...]:
    items = node.items if isinstance(node, ListNode) else [node]
    if not items:
        message = f"`{key}` is an empty list, which matches nothing"
        problems.append(Problem(node.place, message, "name a value, or drop it", "policy.for"))
    values = [_value(key, item, spec, registry, problems) for item in items if not _is_group(item, spec)]
    values += [country for item in items if _is_group(item, spec) for country in COUNTRY_GROUPS[str(to_plain(item))]]
    if spec.path == "send.message_class" and "any" in values and len(values) > 1:
        problems.append(Problem(node.place, "`any` stands alone", "write `message_class: any`", "policy.for"))
    return tuple(value for value in values if value is not None)


def _is_group(node: Node, spec: FactSpec) -> bool:
    """Whether a value stands for several countries, as `EEA` does."""
    return spec.path == "recipient.country" and isinstance(node, ScalarNode) and node.text in COUNTRY_GROUPS


def _value(key: str, node: Node, spec: FactSpec, registry: Registry, problems: list[Problem]) -> Value | None:
    if not isinstance(node, ScalarNode) or node.value is None:
        problems.append(Problem(node.place, f"`{key}` is {found(to_plain(node))}; expected a value or a list of values",
                                "comparisons belong into `when`", "policy.for"))  # fmt: skip
        return None
    problem = check_value(node, spec, registry)
    if problem:
        problems.append(problem)
        return None
    return typed(node, spec)


def typed(node: ScalarNode, spec: FactSpec) -> Value:
    """The value of a scalar as a fact's type has it: a text fact keeps what was typed."""
    return node.text if spec.type in ("string", "set") else node.value  # type: ignore[return-value]  # None was refused


def check_value(node: ScalarNode, spec: FactSpec, registry: Registry) -> Problem | None:
    """What keeps a scalar from being a value of this fact, if anything."""
    wanted = {"bool": "`true` or `false`", "int": "a whole number", "double": "a number"}.get(spec.type)
    if wanted:
        return None if _fits(node.value, spec.type) else _not(node, spec, wanted)
    known = known_words(spec, registry)
    if known is not None and node.text not in known:
        what = spec.path.rsplit(".", 1)[-1].replace("_", " ")
        way_out = f"expected one of {some(known, 15)}" if 0 < len(known) <= 15 else _REGISTERED.get(spec.path)
        message = f"unknown {what} `{node.text}`{did_you_mean(node.text, known)}"
        return Problem(node.place, message, way_out, "policy.unknown-word")
    form = _FORMS.get(spec.path)
    if form and not form[0](node.text):
        return _not(node, spec, form[1](node.text))
    return None


# Where the words of an open list come from.
_REGISTERED: Mapping[str, str] = {
    "send.purpose": "`purposes:` in a policy file adds purposes of your own",
    "send.program": "register it under `programs:`",
    "recipient.zone": "names are those of the IANA time zone database, e.g. `Europe/Paris`",
}


def known_words(spec: FactSpec, registry: Registry) -> tuple[str, ...] | None:
    """The only texts that a fact may be compared with; None = any."""
    match spec.path:
        case "send.message_class":
            return (*(spec.members or ()), "any")
        case "send.purpose":
            return registry.purposes
        case "send.program":
            return tuple(sorted(registry.programs))
        case "recipient.zone":
            return tuple(sorted(known_zones()))
        case _:
            return spec.members


def _fits(value: object, kind: str) -> bool:
    if isinstance(value, bool) or kind == "bool":
        return isinstance(value, bool) and kind == "bool"
    return isinstance(value, int) or (kind == "double" and isinstance(value, float))


def _not(node: ScalarNode, spec: FactSpec, wanted: str) -> Problem:
    return Problem(node.place, f"`{spec.path}` is {found(node.value)}; expected {wanted}",
                   f"`policykit facts {spec.path}` says what it holds", "policy.for")  # fmt: skip


def _country_hint(text: str) -> str:
    near = _NEARLY.get(text.upper(), text.upper())
    hint = f"; did you mean `{near}`?" if near in COUNTRIES else ""
    return f"a country of two capital letters, e.g. `FR`{hint}"


def _region_hint(text: str) -> str:
    near = text.rpartition("-")[2].upper()
    hint = f"; did you mean `{near}`?" if near in REGIONS else ""
    return f"the code of a region without its country, e.g. `FL`{hint}"


_FORMS: Mapping[str, tuple[Callable[[str], object], Callable[[str], str]]] = {
    "recipient.country": (COUNTRIES.__contains__, _country_hint),
    "recipient.region": (REGIONS.__contains__, _region_hint),
}


def read_assume(node: Node | None, registry: Registry, problems: list[Problem]) -> dict[str, Value]:
    """What absence means in this workspace: fact path -> typed value, instants in microseconds."""
    assumed: dict[str, Value] = {}
    for path, (place, value) in node.entries.items() if isinstance(node, MapNode) else ():
        spec = registry.vocabulary.get(path)
        if spec is None:
            problems.append(_unknown_fact(path, place, registry))
        elif not _assumable(spec):
            problems.append(Problem(place, f"`{path}` cannot be assumed; it is not read from data",
                                    "`policykit facts --columns` lists what is", "config.assume"))  # fmt: skip
        elif not isinstance(value, ScalarNode) or value.value is None:
            message = f"`{path}` is {found(to_plain(value))}; expected a value"
            problems.append(Problem(value.place, message, "write one value", "config.assume"))
        elif spec.type == "timestamp":
            instant = parse_instant(value.value)
            if instant is None:
                problems.append(_not(value, spec, f"an instant such as `{INSTANT_EXAMPLE}`"))
            else:
                assumed[path] = instant
        elif problem := check_value(value, spec, registry):
            problems.append(problem)
        else:
            assumed[path] = typed(value, spec)
    return assumed


def _assumable(spec: FactSpec) -> bool:
    if spec.path == "recipient.id":
        return False
    return spec.column is not None or spec.path.startswith(("send.address.", "attributes."))
