"""Headers of a mail as a manifest writes them, and what that mail holds for everybody."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from policykit.errors import Problem
from policykit.language.content import content_of, fixed
from policykit.language.suggest import nearest
from policykit.language.template import FURNISHED, Template, read_template
from policykit.language.tree import MapNode, Node, ScalarNode
from policykit.model import Content

HEADERS = {"type": "dict", "empty": False}
_LEAVING = ("List-Unsubscribe", "List-Unsubscribe-Post")  # misspelt they do nothing, and nobody sees it
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
# What says who writes to whom is the provider's; SendGrid refuses these too (API reference, read 2026-11-21).
_TAKEN = frozenset({
    "from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "content-type", "content-transfer-encoding",
    "received", "dkim-signature", "mime-version", "sender", "return-path",
})  # fmt: skip


def read_headers(
    node: Node | None, channel: str, attributes: Iterable[str], undisclosed: Collection[str], problems: list[Problem]
) -> dict[str, Template]:
    """Name -> its template; what cannot be a header is reported."""
    if not isinstance(node, MapNode):
        return {}
    if channel != "email":
        entry = next(iter(node.entries.values()))
        problems.append(Problem(entry.key, f"a message by `{channel}` has no headers", "headers are for `email`",
                                "campaign.headers"))  # fmt: skip
        return {}
    found: dict[str, Template] = {}
    for name, (place, value) in node.entries.items():
        if not _NAME.fullmatch(name) or name.lower() in _TAKEN:
            problems.append(Problem(place, f"`{name}` cannot be set as a header", "write headers such as "
                                    "`List-Unsubscribe`", "campaign.headers"))  # fmt: skip
        elif meant := _misspelt(name):
            problems.append(Problem(place, f"`{name}` is nearly the header `{meant}`, and no mail program knows it",
                                    f"write `{meant}`", "campaign.headers"))  # fmt: skip
        elif any(name.lower() == other.lower() for other in found):
            problems.append(Problem(place, f"the header `{name}` comes twice", "keep one", "campaign.headers"))
        elif not isinstance(value, ScalarNode) or not isinstance(value.value, str) or not value.text.strip():
            problems.append(Problem(value.place, f"the header `{name}` has no text", "write one", "campaign.headers"))
        else:
            found[name] = _template(value, attributes, undisclosed, problems)
    return found


def _misspelt(name: str) -> str | None:
    """The header that was meant; `X-...` is anybody's own, and `List-Subscribe` (RFC 2369) is another one."""
    small = name.lower()
    meant = None if small.startswith("x-") or small == "list-subscribe" else nearest(name, _LEAVING)
    return meant if meant and meant.lower() != small else None


def _template(
    value: ScalarNode, attributes: Iterable[str], undisclosed: Collection[str], problems: list[Problem]
) -> Template:
    """A header is not shown, so what it uses is not recited."""
    template = read_template("header", value.text, attributes, value.at, problems, undisclosed=undisclosed)
    return replace(template, uses=tuple(replace(use, recited=False) for use in template.uses))


def content_held(
    headers: Mapping[str, Template], templates: Mapping[str, Template], sender_address: str | None
) -> Content:
    """What one content of a campaign holds for everybody; its texts are unknown where the manifest has none."""
    said = {name: fixed(template.text, FURNISHED) for name, template in headers.items()}
    texts = {part: fixed(template.text, FURNISHED) for part, template in templates.items()}
    return content_of(_known(said), _known(texts) if texts else None, sender_address)


def _known(texts: Mapping[str, str | None]) -> dict[str, str] | None:
    """The texts, None when one of them cannot be read."""
    known = {name: text for name, text in texts.items() if text is not None}
    return known if len(known) == len(texts) else None
