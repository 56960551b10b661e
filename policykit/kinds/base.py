"""What every kind shares: its types, parts of schemas, and how it says that something is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from policykit.hookspecs import Context, Demand, Kind, Lowered, Schema
from policykit.ir.nodes import Const, Months, Span, Type
from policykit.ir.rules import Part
from policykit.language.spans import MonthSpan, known_zones, parse_span
from policykit.language.suggest import did_you_mean, some

__all__ = [
    "CHANGES", "Context", "Demand", "Kind", "Lowered", "Part", "Path", "Schema", "did_you_mean", "flag_shape",
    "known_zone", "matcher_shape", "names_in", "names_shape", "one_of_names", "read_fixed_span", "read_span", "some",
    "text",
]  # fmt: skip

Path = tuple[str | int, ...]

CHANGES: frozenset[Part] = frozenset({"block", "channel", "content"})  # what any policy may ask for

_HOW_SPAN = "write a number and a unit, e.g. `16 hours`, `7 days` or `24 months`"


def matcher_shape(says: str, words: Iterable[str] = (), *, ordered: bool = False) -> Schema:
    """Schema of a key that holds a matcher. Coarse: which members fit is said by the kind, at the value's place.

    words: the members there are, for editors. ordered: it takes at_least and at_most.
    """
    return {"type": ["string", "list", "dict"], "meta": {"says": says, "words": tuple(words), "ordered": ordered}}


def names_shape(says: str, words: Iterable[str] = ()) -> Schema:
    """Schema of a key that holds a name or a list of names."""
    meta = {"says": says, "words": tuple(words)}
    return {"type": ["string", "list"], "empty": False, "schema": {"type": "string"}, "meta": meta}


def flag_shape(says: str) -> Schema:
    return {"type": "boolean", "meta": {"says": says}}


def text(value: str) -> Const:
    return Const(value, Type.STRING)


def names_in(raw: str | list[str]) -> tuple[str, ...]:
    """A name or a list of names as a list."""
    return (raw,) if isinstance(raw, str) else tuple(raw)


def one_of_names(context: Context, path: Path, raw: Any, known: Iterable[str], what: str) -> frozenset[str] | None:
    """The names given, or None after reporting each one that is not known."""
    known = tuple(known)
    names = names_in(raw)
    wrong = [(i, name) for i, name in enumerate(names) if name not in known]
    for i, name in wrong:
        at = path if isinstance(raw, str) else (*path, i)
        context.problem(
            at,
            f"unknown {what} `{name}`{did_you_mean(name, known)}",
            f"expected one of {some(known, 12 if len(known) <= 12 else 5)}",
            "name",
        )
    return None if wrong else frozenset(names)


def read_span(context: Context, path: Path, raw: Any) -> Span | None:
    """A length of time above zero, in microseconds or calendar months; None after reporting what is wrong."""
    span = parse_span(raw)
    if span is None:
        context.problem(path, f"`{raw}` is not a length of time", _HOW_SPAN, "span")
    return Months(span.count) if isinstance(span, MonthSpan) else span


def read_fixed_span(context: Context, path: Path, raw: Any, instead: str) -> int | None:
    """As `read_span`, where months will not do because they differ in length; instead: what to write."""
    span = read_span(context, path, raw)
    if isinstance(span, Months):
        context.problem(path, f"`{raw}` has no fixed length here", instead, "span")
        return None
    return span


def known_zone(context: Context, path: Path, zone: Any) -> bool:
    """Whether it is `recipient` or a zone there is; reported when not."""
    if zone == "recipient" or zone in known_zones():
        return True
    near = did_you_mean(zone, ("recipient", *known_zones()))
    context.problem(
        path, f"unknown zone `{zone}`{near}", "write `recipient` or an IANA name like `Europe/Paris`", "zone"
    )
    return False
