"""What a message holds, as a case or a hand-written send says it.

```yaml
content:
  subject: "(광고) Spring offers"                # parts of the text; `{{ unsubscribe_url }}` stands for the link
  html: '<a href="{{ unsubscribe_url }}">Unsubscribe</a>'
  headers: {List-Unsubscribe: "<https://acme.example/u>", List-Unsubscribe-Post: List-Unsubscribe=One-Click}
  one_click: true                               # or the answer itself: true, false or null for unknown
```

Texts and headers that are not given are unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from policykit.language.content import ANSWERS, PARTS, content_of, fixed
from policykit.language.template import FURNISHED
from policykit.model import Content

KEYS = (*PARTS, "headers", *ANSWERS)


def read_content(given: Mapping[str, object], problem: Callable[[str, str], None]) -> Content:
    """The content that a mapping of these keys describes. problem: takes what is wrong and the way out."""
    texts = {part: _text(part, given[part], problem) for part in PARTS if given.get(part) is not None}
    headers = given.get("headers")
    if headers is not None and not isinstance(headers, Mapping):
        problem("`headers` is no mapping", 'write `headers: {List-Unsubscribe: "<https://...>"}`')
        headers = None
    lines = None if headers is None else {str(name): str(text) for name, text in headers.items()}
    found = content_of(lines, texts or None)
    said = {key: _answer(key, given[key], problem) for key in ANSWERS if key in given}
    return Content(found.headers, found.texts, tuple({**dict(found.answers), **said}.items()))


def _text(part: str, value: object, problem: Callable[[str, str], None]) -> str:
    found = fixed(value, FURNISHED) if isinstance(value, str) else None
    if found is None:
        problem(f"`{part}` is no text, or no template that can be read", "write the text in quotes")
    return found or ""


def _answer(key: str, value: object, problem: Callable[[str, str], None]) -> bool | None:
    if value is not None and not isinstance(value, bool):
        problem(f"`{key}` is neither `true` nor `false`", "write one of the two, or `null` for unknown")
        return None
    return value
