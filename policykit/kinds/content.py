"""`content`: what must be in a message, whoever gets it (S18)."""

from __future__ import annotations

from typing import Any, Literal

from policykit.ir.nodes import And, ContentSays, Expr, Fact, If, Not, Type
from policykit.kinds.base import CHANGES, Context, Kind, Lowered, flag_shape, text
from policykit.language.content import normal
from policykit.language.policy import Policy

PAGE = """\
Asks that something is in the message, for everybody who gets it.

```yaml
policies:
  - id: one-click-out
    kind: content
    for: {channel: email}
    require: {one_click_unsubscribe: true}
    on_breach: block
    because: Leaving is as easy as joining.
```

`one_click_unsubscribe`: the headers of RFC 8058, `List-Unsubscribe` with one `https` address and
`List-Unsubscribe-Post: List-Unsubscribe=One-Click`. `unsubscribe`: every text names a way out: a
link to `{{ unsubscribe_url }}` or one that says so; in a short message, what to reply (`Reply STOP`).
`postal_address`: every text shows `sender_address` of `policykit.yaml`. `says`: a text, exactly as
written, with `in` (`subject`, `title`, `body`, `opening`: what is shown first, `anywhere`: the
default) and `at` (`start` or `end`).

A dry run looks at the manifest. Live the message as it leaves counts too, and both must have it. A
text that stands under a condition, or comes from a value, is not in the message for everybody.
A message whose content nobody knows breaches.

Reasons: `content.one_click`, `content.unsubscribe`, `content.postal_address`, `content.says`.
"""

_FLAGS = {"one_click_unsubscribe": "one_click", "unsubscribe": "unsubscribe", "postal_address": "postal_address"}
_PARTS = ("subject", "title", "body", "opening", "anywhere")
_Op = Literal["starts_with", "ends_with", "contains"]
_ENDS: dict[str, _Op] = {"start": "starts_with", "end": "ends_with"}


def _only_true(says: str) -> dict[str, Any]:
    return {**flag_shape(says), "allowed": [True]}


REQUIRE = {
    "one_click_unsubscribe": _only_true("one click in the mail program unsubscribes (RFC 8058)"),
    "unsubscribe": _only_true("every text names a way out"),
    "postal_address": _only_true("every text shows `sender_address` of `policykit.yaml`"),
    "says": {"type": "string", "empty": False, "meta": {"says": "a text the message must have, e.g. a label word"}},
    "in": {"type": "string", "allowed": list(_PARTS), "meta": {"says": "which part must say it"}},
    "at": {"type": "string", "allowed": list(_ENDS), "meta": {"says": "at which end of the part"}},
}


def lower(policy: Policy, context: Context) -> Lowered | None:
    body = policy.body
    asked: list[tuple[Expr, str]] = [
        (Fact(f"send.content.{name}", Type.BOOL, context.place("require", key)), f"content.{name}")
        for key, name in _FLAGS.items()
        if key in body
    ]
    if _misplaced(body, context):
        return None
    if "says" in body:
        asked.append((_label(body, context), "content.says"))
    if not asked:
        context.problem(("require",), "`require` asks for nothing", f"ask for {' or '.join(_FLAGS)}, or `says`", "body")
        return None
    every = asked[0][0] if len(asked) == 1 else And(tuple(question for question, _ in asked))
    return Lowered(Not(every), _first_missing(asked))


def _misplaced(body: dict[str, Any], context: Context) -> bool:
    """Whether `says`, `in` and `at` do not fit together; reported."""
    for key in ("in", "at"):
        if key in body and "says" not in body:
            context.problem(("require", key), f"`{key}` tells where a text stands, and there is none", "add `says`")
            return True
    if "at" in body and body.get("in", "anywhere") == "anywhere":
        context.problem(("require", "at"), "`at` needs a part that has a start and an end", "add e.g. `in: subject`")
        return True
    if "says" in body and not normal(body["says"]):
        context.problem(("require", "says"), "`says` is empty: every message has that", "write what it must say")
        return True
    return False


def _label(body: dict[str, Any], context: Context) -> Expr:
    op: _Op = _ENDS.get(body.get("at", ""), "contains")
    return ContentSays(body.get("in", "anywhere"), op, normal(body["says"]), context.place("require", "says"))


def _first_missing(asked: list[tuple[Expr, str]]) -> Expr:
    """The reason: the first that is known to be missing."""
    *rest, (_, last) = asked
    reason: Expr = text(last)
    for question, code in reversed(rest):
        reason = If(Not(question), text(code), reason)
    return reason


KIND = Kind("content", {"require": REQUIRE}, CHANGES, lower, PAGE)
