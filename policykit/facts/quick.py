"""Frozen dataclasses, made at the price of others.

A frozen dataclass pays for every field that it sets, three times as much as it need. Here the fields
are set on a class with the same slots, and then the object is given its own class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar, cast

_T = TypeVar("_T")


def maker(of: Callable[..., _T]) -> Callable[..., _T]:
    """A function that makes objects of a frozen dataclass with slots, from all of its fields in order."""
    names = [field.name for field in fields(cast(Any, of))]
    lines = [f"def make({', '.join(names)}):", "    made = new(Open)"]
    lines += [f"    made.{name} = {name}" for name in names]
    lines += ["    made.__class__ = Own", "    return made"]
    known: dict[str, Any] = {"Open": type("Open", (), {"__slots__": tuple(names)}), "Own": of, "new": object.__new__}
    exec("\n".join(lines), known)  # noqa: S102  # our own text: names of our own fields
    return cast(Callable[..., _T], known["make"])
