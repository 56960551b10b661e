"""`style`: help me, do not prove you know me (M12, S5)."""

from __future__ import annotations

from policykit.ir.nodes import TRUE, And, Compare, ExistsUse, Expr, Fact, If, In, Not, Or, Type, UseFact
from policykit.ir.walk import transform
from policykit.kinds.base import CHANGES, Context, Kind, Lowered, matcher_shape, text
from policykit.kinds.matchers import read_matcher, subject_of
from policykit.kinds.use_matcher import SCHEMA as USE
from policykit.kinds.use_matcher import read_use, some_use
from policykit.language.policy import Policy
from policykit.vocabulary import HELPS, STYLES

PAGE = """\
Bounds how a message shows what is known about a person.

```yaml
policies:
  - id: select-do-not-recite
    kind: style
    forbid: {recited: true, origin: {at_least: observed}}
    on_breach: {downgrade: {content: generic}}
    because: Being watched is one thing, being told so another.
```

`style` is `generic` (no attribute shapes the send), `help_me` (the manifest names what it helps
with and a need that is known for this person, and recites nothing else) or `prove_you_know_me`
(anything else): `forbid: {style: prove_you_know_me}`. The other fields are those of `data`, about
one use. With both, `forbid` is breached by a use that matches in a send of that style, and
`require` when the style or a use fails.

Reasons: `style.forbidden`, `style.not_allowed`.
"""

SCHEMA = {"style": matcher_shape("style of the message as checked against its content", STYLES), **USE}


def lower(policy: Policy, context: Context) -> Lowered | None:
    reason = text("style.forbidden" if policy.demand == "forbid" else "style.not_allowed")
    style = _style(policy, context)
    if policy.body.keys() == {"style"}:
        return None if style is None else Lowered(style, reason)
    breach = read_use(context, policy.demand, policy.body)
    if breach is None or ("style" in policy.body and style is None):
        return None
    if style is None:
        return Lowered(some_use(breach), reason, use_breach=breach)
    if policy.demand == "forbid":
        return Lowered(And((style, some_use(breach))), reason, use_breach=And((style, breach)))
    return Lowered(Or((style, some_use(breach))), reason)


def _style(policy: Policy, context: Context) -> Expr | None:
    """What breaches about the style of the whole send, None when the body does not speak of it (or is wrong)."""
    if "style" not in policy.body:
        return None
    subject = subject_of(context.vocabulary.facts["send.style"], "style")
    condition = read_matcher(context, (policy.demand, "style"), policy.body["style"], subject)
    if condition is None:
        return None
    fits = condition(Fact("send.style", Type.STRING, context.place(policy.demand, "style")))
    return fits if policy.demand == "forbid" else Not(fits)


_HELPS = Fact("send.helps", Type.STRING)
_NEED = Fact("send.need", Type.STRING)
_ATTRIBUTE = UseFact("attribute", Type.STRING)

# M12: no attribute shapes it; else it helps, the need is known and nothing else is recited; else the rest.
_CHECKED = If(
    Not(ExistsUse(TRUE)),
    text("generic"),
    If(
        And((
            In(_HELPS, HELPS),
            ExistsUse(And((Compare("==", _ATTRIBUTE, _NEED), UseFact("known", Type.BOOL)))),
            Not(ExistsUse(And((Compare("!=", _ATTRIBUTE, _NEED), UseFact("recited", Type.BOOL))))),
        )),
        text("help_me"),
        text("prove_you_know_me"),
    ),
)  # fmt: skip


def spell_out_style(expr: Expr) -> Expr:
    """The tree with `send.style` replaced by what it means."""
    return transform(expr, lambda node: _CHECKED if isinstance(node, Fact) and node.path == "send.style" else node)


KIND = Kind("style", {"require": SCHEMA, "forbid": SCHEMA}, CHANGES | {"uses"}, lower, PAGE)
