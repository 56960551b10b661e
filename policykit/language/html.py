"""Where in HTML a template's output stands: in visible text, or inside a URL."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

_URLS = frozenset({"href", "src", "srcset", "action", "formaction", "background", "poster", "cite"})
# Elements whose content is text up to their end: a tag in it is none.
_RAW = re.compile(r"(script|style|textarea|title|xmp|iframe|noembed|noframes|noscript)(?=[\s/>])", re.IGNORECASE)
_MOST_STATES = 40


class State(NamedTuple):
    """Between two characters: in text, a comment, a tag, or an attribute's value (quote: how it ends).

    raw: the element whose content is, or after the tag will be, nothing but text.
    """

    mode: Literal["text", "comment", "tag", "equals", "value", "raw"] = "text"
    name: str = ""
    quote: str = ""
    raw: str = ""


TEXT = State()
States: TypeAlias = frozenset[State]


def is_visible(states: States) -> bool:
    """Whether an output here can be seen, in at least one of the states that may hold."""
    return any(not (state.mode in ("equals", "value") and state.name.strip().lower() in _URLS) for state in states)


def merged(states: Iterable[State]) -> States:
    """States as a set; too many to follow become plain text, where everything is visible."""
    every = frozenset(states)
    return every if len(every) <= _MOST_STATES else frozenset({TEXT})


def after(state: State, text: str) -> State:
    """The state after some more text."""
    index = 0
    while index < len(text):
        state, index = _step(state, text, index)
    return state


def _step(state: State, text: str, index: int) -> tuple[State, int]:
    char = text[index]
    match state.mode:
        case "text":
            return _in_text(text, index)
        case "comment":
            end = text.find("-->", index)
            return (TEXT, end + 3) if end >= 0 else (state, len(text))
        case "tag":
            return _in_tag(state, char), index + 1
        case "raw":
            ends = re.compile(rf"</{state.raw}(?=[\s/>])", re.IGNORECASE).search(text, index)
            return (State("tag"), ends.end()) if ends else (state, len(text))
        case "equals":
            if char.isspace():
                return state, index + 1
            if char == ">":
                return _content(state), index + 1
            return State("value", state.name, char if char in "\"'" else "", state.raw), index + 1
        case "value":
            if state.quote:
                end = text.find(state.quote, index)
                return (State("tag", raw=state.raw), end + 1) if end >= 0 else (state, len(text))
            if char == ">":
                return _content(state), index + 1
            return (State("tag", raw=state.raw) if char.isspace() else state), index + 1


def _in_text(text: str, index: int) -> tuple[State, int]:
    start = text.find("<", index)
    if start < 0:
        return TEXT, len(text)
    if text.startswith("<!--", start):
        return State("comment"), start + 4
    raw = _RAW.match(text, start + 1)
    if raw:
        return State("tag", raw=raw[1].lower()), raw.end()
    begins_tag = text[start + 1 : start + 2].isalpha() or text[start + 1 : start + 2] == "/"
    return (State("tag"), start + 2) if begins_tag else (TEXT, start + 1)


def _in_tag(state: State, char: str) -> State:
    if char == ">":
        return _content(state)
    if char == "=":
        return State("equals", state.name, raw=state.raw)
    if char.isspace() or char == "/":
        return State("tag", state.name.strip() + " ", raw=state.raw)
    # A space after a name marks it as finished: `a b=` gives the value to `b`.
    return State("tag", char if state.name.endswith(" ") else state.name + char, raw=state.raw)


def _content(tag: State) -> State:
    """What follows the end of a tag."""
    return State("raw", raw=tag.raw) if tag.raw else TEXT
