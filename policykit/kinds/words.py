"""Texts in expressions that nothing can ever equal: a misspelt purpose must not make a policy silent."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from policykit.errors import Place
from policykit.ir.nodes import Compare, Const, Expr, Fact, In, UseCollectedFor, UseFact, Value
from policykit.ir.walk import nodes
from policykit.kinds.base import Context, did_you_mean, some
from policykit.language.spans import known_zones
from policykit.vocabulary import COUNTRIES, REGIONS


def check_words(expr: Expr, context: Context) -> None:
    """Report every text that is compared with a purpose, program, zone, attribute or country and is none."""
    for node, text, place in _compared(expr):
        what, known = _known(node, context)
        where = place or context.place()
        if known is not None and text not in known:
            message = f"unknown {what} `{text}`{did_you_mean(text, known)}"
            way_out = f"expected one of {some(sorted(known))}" if known else f"no {what} is registered"
            context.problem_at(where, message, way_out, f"unknown-{what}")
        elif what == "country" and text not in COUNTRIES:
            way_out = "write two capital letters of ISO 3166, e.g. `'FR'`, or `'GB'` for the United Kingdom"
            context.problem_at(where, f"`{text}` is not a country", way_out, "unknown-country")
        elif what == "region" and text not in REGIONS:
            way_out = "write the code of ISO 3166-2 without its country, e.g. `'FL'`"
            context.problem_at(where, f"`{text}` is not a region", way_out, "unknown-region")


def _compared(expr: Expr) -> Iterator[tuple[Expr, str, Place | None]]:
    """Each thing that is held against a text, the text, and where the text stands."""
    for node in nodes(expr):
        match node:
            case Compare(op="==" | "!=", left=Const(value=str(text), place=place), right=other):
                yield other, text, place or node.place
            case Compare(op="==" | "!=", left=other, right=Const(value=str(text), place=place)):
                yield other, text, place or node.place
            case In(item=other, values=values):
                yield from ((other, text, node.place) for text in _texts(values))
            case UseCollectedFor(purpose=str(text)):
                yield node, text, node.place
            case _:
                pass


def _texts(values: tuple[Value, ...]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str))


def _known(node: Expr, context: Context) -> tuple[str, Collection[str] | None]:
    """What is compared, and the only texts it may equal; None = any."""
    match node:
        case Fact(path="send.purpose") | UseCollectedFor():
            return "purpose", context.purposes
        case Fact(path="send.program"):
            return "program", context.programs
        case Fact(path="recipient.zone"):
            return "zone", known_zones()
        case UseFact(field="attribute"):
            return "attribute", context.attributes
        case Fact(path="recipient.country"):
            return "country", None
        case Fact(path="recipient.region"):
            return "region", None
        case _:
            return "", None
