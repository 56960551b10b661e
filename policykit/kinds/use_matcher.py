"""The use matcher: which uses of a send a `purpose`, `data` or `style` policy means.

All fields of a body are and-ed per use. `forbid` is breached when some use matches them all,
`require` when some use fails one. Origins are a set (M9): under `forbid` any member of it may
match, under `require` every member must.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policykit.ir.fold import fold
from policykit.ir.nodes import (
    FALSE,
    TRUE,
    And,
    Compare,
    Const,
    ExistsUse,
    Expr,
    Fact,
    Not,
    Or,
    Text,
    Type,
    UseCollectedFor,
    UseFact,
    UseOrigin,
)  # fmt: skip
from policykit.kinds.base import (
    Context,
    Demand,
    Path,
    Schema,
    flag_shape,
    matcher_shape,
    names_in,
    one_of_names,
)  # fmt: skip
from policykit.kinds.kept import within_keep
from policykit.kinds.matchers import Subject, read_matcher, subject_of
from policykit.vocabulary import ORIGINS, SENSITIVITIES

_ORIGINS, _SENSITIVITIES = ([member for member, _ in scale] for scale in (ORIGINS, SENSITIVITIES))

SCHEMA: Schema = {
    "attribute": matcher_shape("ids of registered attributes"),
    "category": matcher_shape("data categories; a parent covers its children"),
    "origin": matcher_shape("origins of the attribute and of all it was inferred from", _ORIGINS, ordered=True),
    "sensitivity": matcher_shape(
        "highest sensitivity of the attribute and all it was inferred from", _SENSITIVITIES, ordered=True
    ),
    "recited": flag_shape("its value can reach the visible text"),
    "selected": flag_shape("it picked the people or an offer"),
    "collected_for": matcher_shape("`this_purpose`, or purposes it was collected for"),
    "permission": flag_shape("the person's value names the record it was collected under"),
    "refused": flag_shape("the person refused the attribute, or one it was inferred from"),
    "controller": matcher_shape("`this_controller`, or companies the attribute was given to"),
    "age": matcher_shape("time since it was collected, e.g. `{at_least: 1 hour, at_most: 30 days}`"),
    "within_keep": flag_shape("it is no older than the registry's `keep` promises; without a `keep` it always is"),
    "disclosed": flag_shape("the registry has a sentence that discloses it"),
}


def read_use(context: Context, demand: Demand, body: Mapping[str, Any]) -> Expr | None:
    """What breaches, about the use at hand; None after reporting what is wrong."""
    fields = [_field(context, (demand, key), raw, demand) for key, raw in body.items() if key in SCHEMA]
    met = tuple(field for field in fields if field is not None)
    if len(met) < len(fields):
        return None
    if not met:
        context.problem((demand,), f"`{demand}` says nothing about a use", "name at least one field", "empty-body")
        return None
    every = met[0] if len(met) == 1 else And(met)
    return every if demand == "forbid" else Not(every)


def some_use(breach: Expr) -> Expr:
    return ExistsUse(breach)


def _field(context: Context, path: Path, raw: Any, demand: Demand) -> Expr | None:
    name = str(path[-1])
    if name == "origin":
        return _origin(context, path, raw, demand)
    if name == "collected_for":
        return _collected_for(context, path, raw)
    if name == "within_keep":
        kept = within_keep(context.attributes)
        return kept if raw is True else Not(kept)
    if name == "category":
        return _category(context, path, raw)
    if name == "controller" and raw == "this_controller":
        return Compare("==", UseFact("controller", Type.STRING), Fact("send.controller", Type.STRING))
    spec = context.vocabulary.facts[f"uses[].{name}"]
    subject = subject_of(spec, name)
    if name == "attribute" and context.attributes:
        subject = Subject(name, Type.STRING, tuple(context.attributes))
    condition = read_matcher(context, path, raw, subject)
    return condition(UseFact(name, subject.type)) if condition else None  # type: ignore[arg-type]  # keys of SCHEMA


def _origin(context: Context, path: Path, raw: Any, demand: Demand) -> Expr | None:
    """Over the members of the set: some of them (forbid), or each of them (require), must fit."""
    spec = context.vocabulary.facts["uses[].origin"]
    condition = read_matcher(context, path, raw, Subject("origin", Type.STRING, spec.members, ORIGINS))
    if condition is None:
        return None
    fits = [(UseOrigin(origin), fold(condition(Const(origin, Type.STRING)), {})) for origin, _ in ORIGINS]
    if demand == "forbid":
        return _or(tuple(_both(has, fit) for has, fit in fits if fit != FALSE))
    return _and(tuple(Not(has) if fit == FALSE else Or((Not(has), fit)) for has, fit in fits if fit != TRUE))


def _both(has: Expr, fit: Expr) -> Expr:
    return has if fit == TRUE else And((has, fit))


def _and(items: tuple[Expr, ...]) -> Expr:
    return items[0] if len(items) == 1 else And(items)


def _or(items: tuple[Expr, ...]) -> Expr:
    return items[0] if len(items) == 1 else Or(items)


def _collected_for(context: Context, path: Path, raw: Any) -> Expr | None:
    if isinstance(raw, dict) and raw.keys() == {"not"}:
        inner = _collected_for(context, (*path, "not"), raw["not"])
        return None if inner is None else Not(inner)
    if not _is_names(raw):
        forms = "write `this_purpose`, a purpose, a list of purposes or `{not: [purpose]}`"
        context.problem(path, "`collected_for` is matched by purpose keys", forms, "matcher")
        return None
    known = ("this_purpose", *context.purposes)
    if one_of_names(context, path, raw, known, "purpose") is None:
        return None
    names = dict.fromkeys(names_in(raw))
    return _or(tuple(UseCollectedFor(None if name == "this_purpose" else name) for name in names))


def _category(context: Context, path: Path, raw: Any) -> Expr | None:
    """A category covers its children, so it is matched by its key and by what begins with the key and a dot."""
    if isinstance(raw, dict) and raw.keys() == {"not"}:
        inner = _category(context, (*path, "not"), raw["not"])
        return None if inner is None else Not(inner)
    if not _is_names(raw):
        context.problem(path, "`category` is matched by keys", "write a key, a list or `{not: [key]}`", "matcher")
        return None
    item = UseFact("category", Type.STRING)
    return _or(tuple(each for name in dict.fromkeys(names_in(raw)) for each in _covered(item, name)))


def _covered(item: Expr, key: str) -> tuple[Expr, Expr]:
    below = Const(key + ".", Type.STRING)
    return Compare("==", item, Const(key, Type.STRING)), Text("starts_with", item, below)


def _is_names(raw: Any) -> bool:
    return isinstance(raw, str) or (isinstance(raw, list) and bool(raw) and all(isinstance(name, str) for name in raw))
