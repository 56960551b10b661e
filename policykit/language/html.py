"""Where in HTML a template's output stands: in visible text, or inside a URL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

_URLS = frozenset({"href", "src", "srcset", "action", "formaction", "background", "poster", "cite"})
_MOST_STATES = 40


class State(NamedTuple):
    """Between two characters: in text, a comment, a tag, or an attribute's value (quote: how it ends)."""

    mode: Literal["text", "comment", "tag", "equals", "value"] = "text"
    name: str = ""
    quote: str = ""


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
        case "equals":
            if char.isspace():
                return state, index + 1
            if char == ">":
                return TEXT, index + 1
            return State("value", state.name, char if char in "\"'" else ""), index + 1
        case "value":
            if state.quote:
                end = text.find(state.quote, index)
                return (State("tag"), end + 1) if end >= 0 else (state, len(text))
            if char == ">":
                return TEXT, index + 1
            return (State("tag") if char.isspace() else state), index + 1


def _in_text(text: str, index: int) -> tuple[State, int]:
    start = text.find("<", index)
    if start < 0:
        return TEXT, len(text)
    if text.startswith("<!--", start):
        return State("comment"), start + 4
    begins_tag = text[start + 1 : start + 2].isalpha() or text[start + 1 : start + 2] == "/"
    return (State("tag"), start + 2) if begins_tag else (TEXT, start + 1)


def _in_tag(state: State, char: str) -> State:
    if char == ">":
        return TEXT
    if char == "=":
        return State("equals", state.name)
    if char.isspace() or char == "/":
        return State("tag", state.name.strip() + " ")
    # A space after a name marks it as finished: `a b=` gives the value to `b`.
    return State("tag", char if state.name.endswith(" ") else state.name + char)
