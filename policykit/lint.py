"""Warnings about policies that are right but cannot mean what their author wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from policykit.errors import Problem
from policykit.ir.nodes import FALSE, And, Compare, Const, Expr, Fact, In, Not, Sends, Type, UseFact, Value
from policykit.ir.rules import Rule, RuleSet
from policykit.ir.walk import nodes
from policykit.language.policy import Policy
from policykit.language.suggest import did_you_mean
from policykit.language.tree import MapNode
from policykit.vocabulary import FactSpec, Vocabulary, covers

CHANNEL = "send.channel"
NOTHING_SPELT: Mapping[str, Collection[str]] = {}


def lint(
    policies: Iterable[Policy],
    ruleset: RuleSet,
    vocabulary: Vocabulary,
    assume: MapNode | None = None,
    spelt: Mapping[str, Collection[str]] = NOTHING_SPELT,
) -> list[Problem]:
    """Everything doubtful, as warnings in order of place.

    assume: the section of `policykit.yaml`, for its places. spelt: fact -> the words for it that manifests use.
    """
    written = {policy.id: policy for policy in policies}
    rules = [rule for rule in ruleset.rules if rule.policy in written]  # those of waivers are told of elsewhere
    found = [warning for rule in rules for warning in _rule(rule, written[rule.policy], ruleset, vocabulary)]
    found += [warning for rule in rules for warning in _misspelt(rule, written[rule.policy], spelt)]
    found += _assumptions(ruleset, assume)
    return sorted(found, key=lambda problem: problem.sort_key)


def _warning(policy: Policy, path: str, message: str, way_out: str, code: str) -> Problem:
    return Problem(policy.place_of(path), message, way_out, f"lint.{code}", "warning")


def _rule(rule: Rule, policy: Policy, ruleset: RuleSet, vocabulary: Vocabulary) -> Iterator[Problem]:
    if rule.applies is not None and can_never_be(rule.applies, vocabulary):
        yield _warning(
            policy, "id", f"`{policy.id}` can never apply", "its conditions exclude each other", "never-applies"
        )
    elif rule.breached == FALSE:
        yield _warning(
            policy, policy.demand, f"`{policy.id}` can never be breached", "say what would", "never-breached"
        )
    if _has_cap_of_zero(rule.breached):
        message = f"`{policy.id}` lets nothing pass: a cap of 0 is always reached"
        yield _warning(policy, policy.demand, message, "leave the policy out for no limit", "cap-of-zero")
    if rule.effect.channels and rule.applies is not None:
        yield from _permits_itself(rule, policy, vocabulary)
    if rule.use_breached is not None and _asks_selected(rule.use_breached):
        message = f"`{policy.id}` asks to strip what picked the people, which cannot be taken back: it can only block"
        yield _warning(policy, "on_breach", message, "say `on_breach: block`, or leave `selected` out", "cannot-strip")
    yield from _empty_categories(rule, policy, ruleset)


def _permits_itself(rule: Rule, policy: Policy, vocabulary: Vocabulary) -> Iterator[Problem]:
    """A policy that asks for one of the channels it speaks about is satisfied at once there (M5)."""
    left = _possible(rule.applies or FALSE, vocabulary).get(CHANNEL)
    if left is not None and left <= (rule.effect.channels or frozenset()):
        message = f"`{policy.id}` asks for channels on which it is already satisfied"
        yield _warning(policy, "on_breach", message, "name other channels, or `less_intrusive`", "satisfied")


def _asks_selected(use_breached: Expr) -> bool:
    """Whether only uses that picked the people or an offer can be in breach (M14)."""
    items = use_breached.items if isinstance(use_breached, And) else (use_breached,)
    return UseFact("selected", Type.BOOL) in items


def _has_cap_of_zero(expr: Expr) -> bool:
    return any(
        isinstance(node, Compare) and node.op == ">=" and isinstance(node.left, Sends) and _zero(node.right)
        for node in nodes(expr)
    )


def _zero(expr: Expr) -> bool:
    return isinstance(expr, Const) and expr.value == 0


def _empty_categories(rule: Rule, policy: Policy, ruleset: RuleSet) -> Iterator[Problem]:
    """A category that no registered attribute has but one has nearly: most likely misspelt."""
    known = {attribute.category for attribute in ruleset.attributes.values() if attribute.category}
    known |= {category[:at] for category in known for at, char in enumerate(category) if char == "."}
    for node in nodes(rule.breached):
        match node:
            case Compare(op="==", left=UseFact(field="category"), right=Const(value=str(named))):
                near = did_you_mean(named, known)
                if near and not any(covers(named, category) for category in known):
                    message = f"no registered attribute has the category `{named}`{near}"
                    yield _warning(policy, policy.demand, message, "correct it, or register an attribute", "category")
            case _:
                pass


def _misspelt(rule: Rule, policy: Policy, spelt: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """A campaign or provider that no manifest names but one has nearly: the policy would stay silent there."""
    for node in nodes(rule.breached):
        match node:
            case Compare(op="==", left=Fact(path=path), right=Const(value=value)) if path in spelt:
                named: tuple[Value, ...] = (value,)
            case In(item=Fact(path=path), values=values) if path in spelt:
                named = values
            case _:
                continue
        for word in named:
            near = did_you_mean(word, spelt[path]) if word not in spelt[path] else ""
            if near:
                what = path.removeprefix("send.")
                yield _warning(policy, "id", f"no manifest names the {what} `{word}`{near}",
                               "correct it; where it is misspelt the policy says nothing", what)  # fmt: skip


def _assumptions(ruleset: RuleSet, assume: MapNode | None) -> Iterator[Problem]:
    """Assumptions that no policy reads: most often left behind."""
    read = {leaf.path for leaf in ruleset.leaves if isinstance(leaf, Fact)}
    read.add("recipient.zone")  # hours, calendars and a campaign's local time stand on it
    for path, entry in assume.entries.items() if assume else ():
        if path not in read and not path.startswith("attributes."):  # those are read through uses
            way_out = "remove it; what absence means only counts where a policy looks"
            yield Problem(entry.key, f"no policy reads `{path}`", way_out, "lint.unread-assumption", "warning")


# --- conditions that exclude each other -------------------------------------------------------------


def can_never_be(condition: Expr, vocabulary: Vocabulary) -> bool:
    """Whether conditions that are and-ed exclude each other, as far as their constants show."""
    return condition == FALSE or any(not values for values in _possible(condition, vocabulary).values())


def _possible(applies: Expr, vocabulary: Vocabulary) -> dict[str, frozenset[Value]]:
    """Per fact, the values it may have where all the and-ed conditions hold; facts that may have any are left out."""
    possible: dict[str, frozenset[Value]] = {}
    for item in applies.items if isinstance(applies, And) else (applies,):
        narrowed = _narrows(item, vocabulary)
        if narrowed:
            path, values = narrowed
            possible[path] = possible[path] & values if path in possible else values
    return possible


def _narrows(item: Expr, vocabulary: Vocabulary) -> tuple[str, frozenset[Value]] | None:
    match item:
        case Compare(op="==", left=Fact(path=path), right=Const(value=value)):
            return path, frozenset((value,))
        case In(item=Fact(path=path), values=values):
            return path, frozenset(values)
        case Compare(op="!=", left=Fact(path=path), right=Const(value=value)):
            return _without(vocabulary.get(path), frozenset((value,)))
        case Not(item=In(item=Fact(path=path), values=values)):
            return _without(vocabulary.get(path), frozenset(values))
        case _:
            return None


def _without(spec: FactSpec | None, values: frozenset[Value]) -> tuple[str, frozenset[Value]] | None:
    return (spec.path, frozenset(spec.members) - values) if spec and spec.members else None
