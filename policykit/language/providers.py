"""`providers:` of `policykit.yaml`: how each provider is reached, and how its sends are understood.

INVARIANT: no message shows a value of an option or credential: somebody may have pasted a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from policykit.errors import Place, Problem
from policykit.language.suggest import did_you_mean, nearest
from policykit.language.tree import Entry, ListNode, MapNode, Node, ScalarNode, to_plain

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SECRET = re.compile(r"(?:^|_)(?:key|token|secret|password|passphrase)s?$")
KEYS = ("credentials", "campaign_from", "on_block", "transactional", "base_url")
_WAYS = ("answer", "raise")


@dataclass(frozen=True, slots=True)
class Provider:
    """What is said of one provider.

    credentials: name -> environment variable that holds it. campaign_from: metadata slots that name
    the campaign; empty = those the adapter knows. on_block: None = as the adapter has it.
    transactional: slot -> values that make a send without a manifest transactional.
    options: everything else (`base_url`, `from`, `project`, ...), read by the adapter.
    """

    credentials: Mapping[str, str] = field(default_factory=dict)
    campaign_from: tuple[str, ...] = ()
    on_block: Literal["answer", "raise"] | None = None
    transactional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = field(default=None, compare=False)


def read_providers(node: Node | None, problems: list[Problem]) -> dict[str, Provider]:
    """Providers by name; what is wrong is reported and left out."""
    providers = {}
    for name, (key, settings) in _entries(node, "providers", problems):
        if not _NAME.fullmatch(name):
            _say(problems, key, f"`providers.{name}` is no name of a provider",
                 "write it in lower case, e.g. `sendgrid`")  # fmt: skip
        providers[name] = _provider(name, key, settings, problems)
    return providers


def _provider(name: str, place: Place, node: Node, problems: list[Problem]) -> Provider:
    entries = dict(_entries(node, f"providers.{name}", problems))
    nodes = {key: entry.node for key, entry in entries.items()}
    _check_options(name, entries, problems)
    return Provider(
        credentials=dict(_credentials(nodes.get("credentials"), f"providers.{name}.credentials", problems)),
        campaign_from=_texts(nodes.get("campaign_from"), f"providers.{name}.campaign_from", problems),
        on_block=_on_block(nodes.get("on_block"), f"providers.{name}.on_block", problems),
        transactional=dict(_transactional(nodes.get("transactional"), f"providers.{name}.transactional", problems)),
        options={key: to_plain(value) for key, value in nodes.items() if key not in KEYS or key == "base_url"},
        place=place,
    )


def _check_options(name: str, entries: Mapping[str, Entry], problems: list[Problem]) -> None:
    for key, (place, value) in entries.items():
        meant = None if key in KEYS else nearest(key, KEYS)
        if key not in KEYS and _SECRET.search(key):
            _say(problems, place, f"`providers.{name}.{key}` looks like a secret, which does not belong in a file",
                 f"put it into an environment variable and write `credentials: {{{key}: NAME_OF_THE_VARIABLE}}`",
                 "config.secret")  # fmt: skip
        elif meant:
            _say(problems, place, f"unknown key `providers.{name}.{key}`{did_you_mean(key, KEYS)}",
                 f"write `{meant}`; options of the adapter itself may have any other name")  # fmt: skip
        elif key == "base_url" and not _is_base(value):
            _say(problems, value.place, f"`providers.{name}.base_url` is no address of a server",
                 "write e.g. `https://gateway.example.com`, without user, password or query")  # fmt: skip


def _is_base(node: Node) -> bool:
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        return False
    try:
        parts = urlsplit(node.value)
        host, _ = parts.hostname, parts.port  # a port that is no number raises here
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and not (parts.username or parts.password or parts.query)


def _credentials(node: Node | None, name: str, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    for key, (_, value) in _entries(node, name, problems):
        if isinstance(value, ScalarNode) and _VARIABLE.fullmatch(value.text):
            yield key, value.text
        else:
            _say(problems, value.place, f"`{name}.{key}` is not the name of an environment variable",
                 "put the secret into a variable and write its name, e.g. `SENDGRID_API_KEY`",
                 "config.secret")  # fmt: skip


def _on_block(node: Node | None, name: str, problems: list[Problem]) -> Literal["answer", "raise"] | None:
    if node is None:
        return None
    text = to_plain(node)
    if text == "answer":
        return "answer"
    if text == "raise":
        return "raise"
    _say(problems, node.place, f"`{name}` is neither `answer` nor `raise`{did_you_mean(text, _WAYS)}",
         "`answer` refuses in the provider's own way, `raise` raises `policykit.SendBlocked`")  # fmt: skip
    return None


def _transactional(node: Node | None, name: str, problems: list[Problem]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for slot, (_, values) in _entries(node, name, problems):
        yield slot, _texts(values, f"{name}.{slot}", problems)


def _texts(node: Node | None, name: str, problems: list[Problem]) -> tuple[str, ...]:
    """One text or a list of them; numbers are taken as they are written."""
    if node is None or (isinstance(node, ScalarNode) and node.value is None):
        return ()
    items = node.items if isinstance(node, ListNode) else [node]
    wrong = [item for item in items if not isinstance(item, ScalarNode) or not item.text]
    for item in wrong:
        _say(problems, item.place, f"`{name}` is not a text or a list of texts", "write e.g. `[receipts, alerts]`")
    return tuple(item.text for item in items if isinstance(item, ScalarNode) and item.text)


def _entries(node: Node | None, name: str, problems: list[Problem]) -> Iterable[tuple[str, Entry]]:
    if isinstance(node, MapNode):
        return node.entries.items()
    if node is not None and to_plain(node) is not None:
        _say(problems, node.place, f"`{name}` is not a mapping", "write `{key: value}`, or one indented line per key")
    return ()


def _say(problems: list[Problem], place: Place, message: str, way_out: str, code: str = "config.providers") -> None:
    problems.append(Problem(place, message, way_out, code))
