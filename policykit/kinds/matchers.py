"""Matchers: how a body says which values it means.

value                    equal to it
[a, b]                   equal to one of them
{not: [a, b]}            equal to none of them
{at_least: x}            on an ordered scale, or a number or length of time; `at_most` likewise, or both
{fact: path}             equal to what a fact says; also below at_least and at_most
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from policykit.ir.nodes import And, Compare, Const, Expr, Fact, In, Not, Rank, Type, Value
from policykit.kinds.base import Context, Path, did_you_mean, read_fixed_span
from policykit.vocabulary import DEGREES, ORIGINS, FactSpec, Scale

Condition = Callable[[Expr], Expr]  # from the thing looked at to what must hold of it

_FORMS = "write a value, a list, `{at_least: x}`, `{at_most: x}`, `{not: [x]}` or `{fact: path}`"
_BOUNDS: dict[str, Literal[">=", "<="]] = {"at_least": ">=", "at_most": "<="}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a matcher is about: its name for messages, its type, and the texts or scale it may hold."""

    name: str
    type: Type
    members: tuple[str, ...] | None = None
    scale: Scale | None = None

    @property
    def ordered(self) -> bool:
        return self.scale is not None or self.type in (Type.INT, Type.DOUBLE, Type.DURATION, Type.TIMESTAMP)


def subject_of(spec: FactSpec, name: str) -> Subject:
    kind = Type.STRING if spec.type in ("set", "uses") else Type(spec.type)
    return Subject(name, kind, spec.members, spec.scale)


def read_matcher(context: Context, path: Path, raw: Any, subject: Subject) -> Condition | None:
    """What must hold, as a function of the thing looked at; None after reporting what is wrong."""
    if isinstance(raw, list):
        return _one_of(context, path, raw, subject)
    if not isinstance(raw, dict):
        return _equal(context, path, raw, subject)
    if raw.keys() == {"not"}:
        listed = raw["not"] if isinstance(raw["not"], list) else [raw["not"]]
        inner = _one_of(context, (*path, "not"), listed, subject)
        return None if inner is None else lambda item: Not(inner(item))
    if raw.keys() == {"fact"}:
        return _like_fact(context, path, raw, subject)
    if raw and raw.keys() <= _BOUNDS.keys():
        return _bounds(context, path, raw, subject)
    unknown = next((key for key in raw if key not in (*_BOUNDS, "not", "fact")), None)
    found = f"unknown key `{unknown}`{did_you_mean(unknown, (*_BOUNDS, 'not', 'fact'))}" if unknown else "does not fit"
    context.problem((*path, unknown) if unknown else path, f"`{subject.name}`: {found}", _FORMS, "matcher")
    return None


def _equal(context: Context, path: Path, raw: Any, subject: Subject) -> Condition | None:
    value = read_literal(context, path, raw, subject)
    if value is None:
        return None
    if value.type is Type.BOOL:
        return (lambda item: item) if value.value else Not
    return lambda item: Compare("==", item, value)


def _one_of(context: Context, path: Path, raw: list[Any], subject: Subject) -> Condition | None:
    if not raw:
        context.problem(path, f"`{subject.name}`: an empty list matches nothing", _FORMS, "matcher")
        return None
    read = [read_literal(context, (*path, i), each, subject) for i, each in enumerate(raw)]
    values: tuple[Value, ...] = tuple(value.value for value in read if value is not None)
    return (lambda item: In(item, values)) if len(values) == len(raw) else None


def _like_fact(context: Context, path: Path, raw: dict[str, Any], subject: Subject) -> Condition | None:
    spec = _fact(context, path, raw, subject)
    if spec is None:
        return None
    other = Fact(spec.path, Type(spec.type), context.place(*path, "fact"))
    return lambda item: Compare("==", item, other)


def _bounds(context: Context, path: Path, raw: dict[str, Any], subject: Subject) -> Condition | None:
    if not subject.ordered:
        context.problem(path, f"`{subject.name}` has no order", "write a value, a list or `{not: [x]}`", "matcher")
        return None
    limits = [(_BOUNDS[key], read_limit(context, (*path, key), bound, subject)) for key, bound in raw.items()]
    sides = [(op, limit) for op, limit in limits if limit is not None]
    if len(sides) < len(limits) or not _leaves_room(context, path, dict(sides), subject):
        return None

    def condition(item: Expr) -> Expr:
        place = Rank(subject.scale, item) if subject.scale else item
        found = tuple(Compare(op, place, limit) for op, limit in sides)
        return found[0] if len(found) == 1 else And(found)

    return condition


def _leaves_room(context: Context, path: Path, sides: dict[Literal[">=", "<="], Expr], subject: Subject) -> bool:
    """Whether something fits between two constant bounds; reported when nothing does."""
    low, high = sides.get(">="), sides.get("<=")
    if not (isinstance(low, Const) and isinstance(high, Const)) or low.value <= high.value:  # type: ignore[operator]
        return True
    context.problem(path, f"`{subject.name}`: `at_least` is above `at_most`, nothing fits", "swap them", "matcher")
    return False


def read_limit(context: Context, path: Path, raw: Any, subject: Subject) -> Expr | None:
    """The bound of at_least or at_most as an INT, DOUBLE or DURATION; a scale's members stand for their ranks."""
    if isinstance(raw, dict) and raw.keys() == {"fact"}:
        spec = _fact(context, path, raw, subject)
        if spec is None:
            return None
        fact = Fact(spec.path, Type(spec.type), context.place(*path, "fact"))
        return Rank(spec.scale, fact) if spec.scale else fact
    value = read_literal(context, path, raw, subject)
    if value is None or subject.scale is None:
        return value
    return Const(dict(subject.scale)[str(value.value)], Type.INT)


def _fact(context: Context, path: Path, raw: dict[str, Any], subject: Subject) -> FactSpec | None:
    """The fact that a `{fact: path}` names, when it can be compared with the subject."""
    path = (*path, "fact")
    spec = context.vocabulary.get(raw["fact"]) if isinstance(raw["fact"], str) else None
    if spec is None or "[]" in spec.path:
        near = did_you_mean(raw["fact"], (p for p in context.vocabulary.paths() if "[]" not in p))
        context.problem(path, f"unknown fact `{raw['fact']}`{near}", "`policykit facts` lists them", "unknown-fact")
        return None
    if spec.type != subject.type.value or not _one_scale(spec.scale, subject.scale):
        message = f"`{spec.path}` cannot be compared with `{subject.name}`"
        context.problem(path, message, "`policykit facts` shows the type and scale of every fact", "type")
        return None
    return spec


def _one_scale(one: Scale | None, other: Scale | None) -> bool:
    """Whether ranks of both mean the same; a person's degree is told in ranks of origins (M9)."""
    return one == other or {one, other} == {ORIGINS, DEGREES}


def read_literal(context: Context, path: Path, raw: Any, subject: Subject) -> Const | None:
    """The constant a value stands for; None after reporting what is wrong."""
    if subject.type is Type.DURATION:
        span = read_fixed_span(context, path, raw, "write it in days, e.g. `30 days`")
        return None if span is None else Const(span, Type.DURATION)
    if not _has_type(raw, subject.type):
        context.problem(path, f"`{subject.name}`: found `{_shown(raw)}`, expected {_expected(subject)}", _FORMS, "type")
        return None
    if subject.members is not None and raw not in subject.members:
        near = did_you_mean(raw, subject.members)
        members = ", ".join(f"`{member}`" for member in subject.members)
        context.problem(path, f"`{subject.name}`: unknown value `{raw}`{near}", f"it is one of {members}", "value")
        return None
    return Const(float(raw) if subject.type is Type.DOUBLE else raw, subject.type)


def _has_type(raw: Any, type_: Type) -> bool:
    match type_:
        case Type.BOOL:
            return isinstance(raw, bool)
        case Type.INT:
            return isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < 2**63
        case Type.DOUBLE:
            return isinstance(raw, int | float) and not isinstance(raw, bool)
        case Type.STRING:
            return isinstance(raw, str)
        case Type.TIMESTAMP | Type.DURATION:
            return False


def _expected(subject: Subject) -> str:
    names = {Type.BOOL: "`true` or `false`", Type.INT: "a whole number", Type.DOUBLE: "a number", Type.STRING: "a text"}
    return names.get(subject.type, f"a {subject.type.value}")


def _shown(raw: Any) -> str:
    return "nothing" if raw is None else str(raw).lower() if isinstance(raw, bool) else str(raw)[:60]
