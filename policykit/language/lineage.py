"""Lineage (M9): what an attribute was inferred from, transitively, and how sensitive that makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from policykit.errors import Place, Problem
from policykit.model import Attribute
from policykit.vocabulary import SENSITIVITIES

_RANK = dict(SENSITIVITIES)
_TOP = SENSITIVITIES[-1][0]


def close_lineage(
    attributes: Mapping[str, Attribute], place: Callable[[str], Place], problems: list[Problem]
) -> dict[str, Attribute]:
    """The attributes with lineage and sensitivity filled in; each cycle is reported once."""
    for cycle in _cycles(attributes):
        path = " -> ".join(f"`{name}`" for name in (*cycle, cycle[0]))
        problems.append(Problem(place(cycle[0]), f"`{cycle[0]}` is inferred from itself: {path}",
                                "remove one of these steps", "registry.cycle"))  # fmt: skip
    closed = {}
    for name, attribute in attributes.items():
        lineage = tuple(sorted(_reach(name, attributes)))
        members = [attributes[member] for member in lineage]
        closed[name] = replace(attribute, lineage=lineage, sensitivity=_highest(members))
    return closed


def _reach(start: str, attributes: Mapping[str, Attribute]) -> set[str]:
    seen, todo = {start}, [start]
    while todo:
        for below in attributes[todo.pop()].inferred_from:
            if below in attributes and below not in seen:
                seen.add(below)
                todo.append(below)
    return seen


def _highest(members: Iterable[Attribute]) -> str | None:
    """The highest sensitivity; None when a member says none and has no inputs to take it from."""
    members = tuple(members)
    stated = [member.own_sensitivity for member in members if member.own_sensitivity is not None]
    highest = max(stated, key=_RANK.__getitem__, default=None)
    silent = any(member.own_sensitivity is None and not member.inferred_from for member in members)
    return None if silent and highest != _TOP else highest


def _cycles(attributes: Mapping[str, Attribute]) -> list[tuple[str, ...]]:
    """At least one cycle of every knot, each once and beginning with its first attribute by name."""
    found: dict[frozenset[str], tuple[str, ...]] = {}
    seen: set[str] = set()
    for start in sorted(attributes):
        if start in seen:
            continue
        path, ways = [start], [_inputs(start, attributes)]
        seen.add(start)
        while path:
            below = next(ways[-1], None)
            if below is None:
                path.pop()
                ways.pop()
            elif below in path:
                cycle = tuple(path[path.index(below) :])
                least = cycle.index(min(cycle))
                found.setdefault(frozenset(cycle), cycle[least:] + cycle[:least])
            elif below not in seen:
                seen.add(below)
                path.append(below)
                ways.append(_inputs(below, attributes))
    return list(found.values())


def _inputs(name: str, attributes: Mapping[str, Attribute]) -> Iterator[str]:
    return (below for below in attributes[name].inferred_from if below in attributes)
