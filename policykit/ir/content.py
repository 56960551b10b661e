"""What must be in a message: the questions that policies ask of it, and their answers over what is known of it.

An answer is about every copy of the message: a text that only some people would get is not said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from policykit.ir.nodes import ContentSays, Fact, Leaf
from policykit.language.content import normal, one_click, shown
from policykit.model import Content

Question: TypeAlias = Fact | ContentSays

_ROOM = "send.content."
_BODY = ("body", "text", "html")
_OPENING = ("subject", "title", *_BODY)


def asked_of(leaves: Iterable[Leaf]) -> Iterator[Question]:
    """The leaves that ask something of the message."""
    return (leaf for leaf in leaves if isinstance(leaf, ContentSays) or _is_content_fact(leaf))  # type: ignore[misc]  # the test says so


def _is_content_fact(leaf: Leaf) -> bool:
    return isinstance(leaf, Fact) and leaf.path.startswith(_ROOM)


def key_of(leaf: Question) -> str:
    """How a question is called among the answers of a content."""
    if isinstance(leaf, ContentSays):
        return f"says {leaf.part} {leaf.op} {normal(leaf.text)}"
    return leaf.path.removeprefix(_ROOM)


def answer(content: Content | None, leaf: Question) -> bool | None:
    """What is known of a content; None = unknown."""
    if content is None:
        return None
    if isinstance(leaf, Fact):
        return content_fact(content, leaf.path.removeprefix("send."))
    key = key_of(leaf)
    for name, known in content.answers:
        if name == key:
            return known
    return None if content.texts is None else _says(dict(content.texts), leaf)


def content_fact(content: Content | None, name: str) -> bool | None:
    """`content.one_click`, `content.unsubscribe` or `content.postal_address`."""
    if content is None:
        return None
    question = name.removeprefix("content.")
    for key, known in content.answers:
        if key == question:
            return known
    if question != "one_click" or content.headers is None:
        return None
    return one_click(content.headers)


def _says(texts: Mapping[str, str], leaf: ContentSays) -> bool:
    """Whether the part says it; of texts that stand beside each other (plain and HTML) each must."""
    match leaf.part:
        case "subject" | "title":
            return leaf.part in texts and _fits(leaf, texts[leaf.part], leaf.part)
        case "body":
            return _each(texts, leaf)
        case "opening":
            first = next((part for part in _OPENING if part in texts), None)
            if first in ("subject", "title"):
                return _fits(leaf, texts[first], first)
            return _each(texts, leaf)
        case "anywhere":
            heads = (part for part in texts if part not in _BODY)
            return any(_fits(leaf, texts[part], part) for part in heads) or _each(texts, leaf)


def _each(texts: Mapping[str, str], leaf: ContentSays) -> bool:
    bodies = [part for part in _BODY if part in texts]
    return bool(bodies) and all(_fits(leaf, texts[part], part) for part in bodies)


def _fits(leaf: ContentSays, text: str, part: str) -> bool:
    said, wanted = normal(shown(text) if part == "html" else text), normal(leaf.text)
    match leaf.op:
        case "starts_with":
            return said.startswith(wanted)
        case "ends_with":
            return said.endswith(wanted)
        case "contains":
            return wanted in said
