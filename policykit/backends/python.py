"""Generated Python for one send at a time (M2).

Two functions per set of rules: a two-valued one for sends whose facts are all known, and a Kleene
one. One test chooses; the fast one also hands over where a computation turns out unknown (an
overflow, a text that is on no scale). The source is registered, so that tracebacks and debuggers
show it, and names each policy in a comment.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, NoReturn, TypeAlias
from weakref import finalize

from policykit.backends.python_kleene import kleene_function
from policykit.backends.python_known import known_function
from policykit.backends.python_source import Source, Unknown
from policykit.ir.nodes import Leaf, UseLeaf
from policykit.ir.rows import FactRow, Judged
from policykit.ir.rules import Rule
from policykit.ir.specialise import SpecialisedRule

Judge: TypeAlias = Callable[[FactRow], Judged]


def compile_rules(
    rules: Sequence[Rule | SpecialisedRule], leaves: Sequence[Leaf], use_leaves: Sequence[UseLeaf] = ()
) -> Judge:
    """A function that judges fact rows by these rules.

    leaves, use_leaves: what a row's `values` and each of its `uses` are aligned with. Specialised
    rules have no uses left; bit j of their `in_breach` is the j-th of `use_terms`.
    """
    return _build(source_of(rules, leaves, use_leaves))


def source_of(
    rules: Sequence[Rule | SpecialisedRule], leaves: Sequence[Leaf], use_leaves: Sequence[UseLeaf] = ()
) -> str:
    """The text of the functions `judge` (two-valued, calls the other where it must) and `kleene`."""
    source = Source(tuple(rules), tuple(leaves), tuple(use_leaves))
    kleene = kleene_function(source)
    known = known_function(source)
    return "\n".join([*source.tables, *kleene, "", *known, ""])


@lru_cache(maxsize=512)
def _build(source: str) -> Judge:
    name = f"<policykit rules {sha256(source.encode()).hexdigest()[:12]}>"
    names: dict[str, Any] = {"Judged": Judged, "Unknown": Unknown, "new": tuple.__new__, "unknown": _unknown}
    exec(compile(source, name, "exec", dont_inherit=True), names)  # noqa: S102  # our own text, every value in it by repr
    judge: Judge = names["judge"]
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    finalize(judge, linecache.cache.pop, name, None)
    return judge


def _unknown() -> NoReturn:
    raise Unknown
