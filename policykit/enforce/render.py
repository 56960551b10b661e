"""A campaign's templates as texts for one person: what a replacement, or a stripped send, says.

Rendering is a function of the templates and the values alone: no clock, no file. It is bounded, so
that no template and no value can hold up a send.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import TextIO

import liquid
from liquid.output import LimitedStringIO

from policykit.errors import UnrenderableContent
from policykit.facts.values import read_text as read_value
from policykit.ir.nodes import Type
from policykit.language.template import OFFERS, Template
from policykit.model import Attribute, Offer

_ONE_LINE = frozenset({"subject", "preheader", "title"})
_MOST_OUTPUT = 2_000_000  # bytes of one part; providers refuse far less
_MOST_LOOPS = 20_000
_MOST_LOCALS = 4_000_000  # bytes of what a template assigns


def render(
    templates: Mapping[str, Template],
    values: Mapping[str, object],
    without: Collection[str] = (),
    offers: Iterable[Offer] = (),
) -> dict[str, str]:
    """Part -> its text. In part `html` values are escaped; a subject, preheader or title is one line.

    values: attribute -> value, None or empty = not known; `unsubscribe_url` and the other variables
    that senders furnish go among them. without: attributes that were stripped, absent as if unknown.
    offers: those this message shows, in order, as `offers`.
    Raises `UnrenderableContent`, which holds nothing of the text.
    """
    known = {name: value for name, value in values.items() if value not in (None, "") and name not in without}
    shown = [{"id": offer.id, "text": offer.text or ""} for offer in offers]
    return {part: _rendered(part, template.text, known, shown) for part, template in templates.items()}


def typed(values: Mapping[str, str | None], attributes: Mapping[str, Attribute]) -> dict[str, object]:
    """Attribute values as conditions of templates compare them: numbers and booleans as registered, else texts.

    A value that cannot be read as its type is left out, as it is unknown to policies too.
    """
    found = {name: _typed(text, attributes.get(name)) for name, text in values.items() if text}
    return {name: value for name, value in found.items() if value is not None}


def _typed(text: str, attribute: Attribute | None) -> object:
    type_ = Type(attribute.type) if attribute else Type.STRING
    if type_ in (Type.STRING, Type.TIMESTAMP, Type.DURATION):
        return text
    value = read_value(text, type_)
    # A price of 2.50 compares as a number and still shows its last zero.
    return Decimal(text) if isinstance(value, float) else value


def _rendered(part: str, text: str, values: Mapping[str, object], offers: Sequence[Mapping[str, str]]) -> str:
    try:
        said = _written(_template(text, html=part == "html"), {"attributes": values, **values, OFFERS: offers})
    except liquid.exceptions.ResourceLimitError:
        raise UnrenderableContent(part, "it grows beyond what one message may hold") from None
    except (liquid.exceptions.LiquidError, ArithmeticError, TypeError, ValueError, RecursionError):
        # Liquid's own words quote the template, and values with it.
        raise UnrenderableContent(part, "the template does not fit this person's values") from None
    return " ".join(said.split()) if part in _ONE_LINE else said


def _written(template: liquid.BoundTemplate, values: Mapping[str, object]) -> str:
    context, buffer = _Context(template, globals=values), _buffer(_MOST_OUTPUT)
    template.render_with_context(context, buffer)
    said: str = buffer.getvalue()
    return said


@lru_cache(maxsize=1024)
def _template(text: str, *, html: bool) -> liquid.BoundTemplate:
    return _environment(html=html).from_string(text)


class _Bounded(liquid.Environment):  # type: ignore[misc]  # liquid has no types here
    loop_iteration_limit = _MOST_LOOPS
    local_namespace_limit = _MOST_LOCALS


class _Context(liquid.RenderContext):  # type: ignore[misc]
    """Bounds what templates capture too, and leaves line ends as they are."""

    def get_buffer(self, buf: TextIO | None = None) -> LimitedStringIO:
        return _buffer(_MOST_OUTPUT - (buf.size if isinstance(buf, LimitedStringIO) else 0))


def _buffer(limit: int) -> LimitedStringIO:
    return LimitedStringIO(limit, newline="\n")


@cache
def _environment(*, html: bool) -> liquid.Environment:
    environment = _Bounded(autoescape=html)
    environment.add_filter("date", _dated)
    return environment


def _dated(value: object, form: object = "") -> str:
    """A date or instant as the format has it; any other text as it is.

    Liquid's own filter reads the clock for `now`, and for what a date leaves out.
    """
    text = str(value)
    if text.strip().lower() in ("now", "today"):
        raise liquid.exceptions.FilterArgumentError("a template has no clock", token=None)
    try:
        return datetime.fromisoformat(text).strftime(str(form)) if form else text
    except ValueError:
        return text
