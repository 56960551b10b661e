"""Where a policy applies: its `for`, dates, and what the law adds, as conditions that are and-ed."""

from __future__ import annotations

from collections.abc import Sequence

from policykit.ir.nodes import And, Compare, Const, Expr, Fact, In, Known, Member, Not, Or, Type, Value
from policykit.kinds.base import Context
from policykit.language.policy import Policy
from policykit.vocabulary import FactSpec, covers

_AT = Fact("send.at", Type.TIMESTAMP)
_CLASS = Fact("send.message_class", Type.STRING)
_MARKETING = Compare("==", _CLASS, Const("marketing", Type.STRING))
# A send that states a purpose and no program is known to belong to none; with neither, the program is unknown (M6).
PROGRAM_SAID = Or((Known(Fact("send.program", Type.STRING)), Not(Known(Fact("send.purpose", Type.STRING)))))
_NOT_TRANSACTIONAL = Compare("!=", _CLASS, Const("transactional", Type.STRING))


def applies(policy: Policy, context: Context) -> list[Expr]:
    """The conditions under which a policy speaks, `when` left out.

    Without `message_class` it is for marketing; one that asks for a channel or an instant is never
    for transactional sends (M5).
    """
    scope = {path: values for path, values in policy.applies_to.items() if (path, values) != (_CLASS.path, ("any",))}
    found = [_one_of(path, values, context) for path, values in scope.items()]
    if _CLASS.path not in policy.applies_to:
        found.append(_MARKETING)
    if policy.effect.part in ("channel", "send_at"):
        found.append(_NOT_TRANSACTIONAL)
    if policy.starts is not None:
        found.append(Compare(">=", _AT, Const(policy.starts, Type.TIMESTAMP)))
    if policy.ends is not None:
        found.append(Compare("<", _AT, Const(policy.ends, Type.TIMESTAMP)))
    return found


def _one_of(path: str, values: Sequence[Value], context: Context) -> Expr:
    spec = context.vocabulary.facts[path]
    values = tuple(dict.fromkeys(values))
    if spec.type == "set":
        return _any([Member(path, str(value), context.place("for")) for value in values])
    fact = Fact(path, Type(spec.type), context.place("for"))
    if spec.type == "bool":
        return _any([fact if value else Not(fact) for value in values])
    if path == "send.purpose":
        values = [known for known in context.purposes if any(covers(str(value), known) for value in values)]
    included = _included(fact, values, spec)
    return And((PROGRAM_SAID, included)) if path == "send.program" else included


def _included(fact: Fact, values: Sequence[Value], spec: FactSpec) -> Expr:
    typed = [float(value) if spec.type == "double" else value for value in values]  # type: ignore[arg-type]  # a number
    constants = sorted(typed)  # type: ignore[type-var]  # of one type, none unknown
    return In(fact, tuple(constants)) if len(constants) != 1 else Compare("==", fact, Const(constants[0], fact.type))


def _any(items: list[Expr]) -> Expr:
    return items[0] if len(items) == 1 else Or(tuple(items))
