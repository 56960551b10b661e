"""What the application says about a block of sends, and the marks that keep our own sends from being judged twice.

Context variables follow async tasks and copied contexts. Bare worker threads do not inherit them:
there the wire's own metadata names the campaign (M13).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date

from policykit.sends import DecisionRecord


@dataclass(slots=True)
class Sending:
    """A block of sends. campaign, person: None = the wire says. values: attribute -> value for these sends.

    decisions: filled as sends of this block are decided, in order.
    """

    campaign: str | None = None
    person: str | None = None
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    decisions: list[DecisionRecord] = field(default_factory=list)


_SENDING: ContextVar[Sending | None] = ContextVar("policykit_sending", default=None)
_OURS: ContextVar[bool] = ContextVar("policykit_ours", default=False)


@contextmanager
def sending(
    campaign: str | None = None, person: str | None = None, values: Mapping[str, object] | None = None
) -> Iterator[Sending]:
    """Sends in this block belong to a campaign, and to a person where one is named; inner blocks win.

    values: this person's attribute values for these sends, by attribute id, in place of stored ones; None = not known.
    """
    texts = {name: _text(value) for name, value in (values or {}).items()}
    block = Sending(_name(campaign), _name(person), texts)
    token = _SENDING.set(block)
    try:
        yield block
    finally:
        # A block that ends in another context than it began in (a generator of a web framework) has nothing to undo.
        with suppress(ValueError):
            _SENDING.reset(token)


def _name(given: object) -> str | None:
    """Ids as stores and manifests have them: a customer number may be given as the number it is."""
    return None if given is None else str(given)


def _text(value: object) -> str:
    """A value as a data file would hold it; nothing is the empty text, which is not known."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case date():
            return value.isoformat()
        case _:
            return str(value)


def current() -> Sending | None:
    return _SENDING.get()


@contextmanager
def ours() -> Iterator[None]:
    """Sends in this block are policykit's own, judged already: guards let them pass."""
    token = _OURS.set(True)  # a mark
    try:
        yield
    finally:
        _OURS.reset(token)


def is_ours() -> bool:
    return _OURS.get()
