"""Policies whose very form says that they cannot mean what their author wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from policykit.errors import Problem
from policykit.ir.nodes import FALSE, And, Compare, Const, Expr, Fact, In, Sends, Type, UseFact, Value
from policykit.ir.rules import Rule, RuleSet
from policykit.ir.walk import nodes
from policykit.language.policy import Policy
from policykit.language.suggest import did_you_mean
from policykit.lint.base import Desk, Page, warning
from policykit.lint.possible import can_never_be, possible
from policykit.vocabulary import Vocabulary, covers

CHANNEL = "send.channel"


def _warn(policy: Policy, path: str, message: str, way_out: str, code: str) -> Problem:
    return warning(policy.place_of(path), message, way_out, code)


def _rules(desk: Desk) -> Iterator[Problem]:
    for rule in desk.rules:
        yield from _rule(rule, desk.of(rule), desk.ruleset, desk.vocabulary)
        yield from _cannot_strip(rule, desk)
        yield from _misspelt(rule, desk.of(rule), desk.spelt)


def _rule(rule: Rule, policy: Policy, ruleset: RuleSet, vocabulary: Vocabulary) -> Iterator[Problem]:
    if rule.applies is not None and can_never_be(rule.applies, vocabulary):
        yield _warn(
            policy, "id", f"`{policy.id}` can never apply", "its conditions exclude each other", "never-applies"
        )
    elif rule.breached == FALSE:
        yield _warn(policy, policy.demand, f"`{policy.id}` can never be breached", "say what would", "never-breached")
    if _has_cap_of_zero(rule.breached):
        message = f"`{policy.id}` lets nothing pass: a cap of 0 is always reached"
        yield _warn(policy, policy.demand, message, "leave the policy out for no limit", "cap-of-zero")
    if rule.effect.channels and rule.applies is not None:
        yield from _permits_itself(rule, policy, vocabulary)
    yield from _empty_categories(rule, policy, ruleset)


def _permits_itself(rule: Rule, policy: Policy, vocabulary: Vocabulary) -> Iterator[Problem]:
    """A policy that asks for one of the channels it speaks about is satisfied at once there (M5)."""
    left = possible(rule.applies or FALSE, vocabulary).get(CHANNEL)
    if left is not None and left <= (rule.effect.channels or frozenset()):
        message = f"`{policy.id}` asks for channels on which it is already satisfied"
        yield _warn(policy, "on_breach", message, "name other channels, or `less_intrusive`", "satisfied")


def _cannot_strip(rule: Rule, desk: Desk) -> Iterator[Problem]:
    """A strip of what picked the people; what picked an offer can be taken out with it, so then nothing is said."""
    if rule.use_breached is None or not _asks_selected(rule.use_breached):
        return
    if any(manifest.campaign.offers and manifest.campaign.offers.personalised for manifest in desk.manifests.values()):
        return
    message = f"`{rule.policy}` asks to strip what picked the people, which cannot be taken back: it can only block"
    way_out = "say `on_breach: block`, or leave `selected` out"
    yield _warn(desk.of(rule), "on_breach", message, way_out, "cannot-strip")


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
                    yield _warn(policy, policy.demand, message, "correct it, or register an attribute", "category")
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
                yield _warn(policy, "id", f"no manifest names the {what} `{word}`{near}",
                               "correct it; where it is misspelt the policy says nothing", what)  # fmt: skip


def _assumptions(desk: Desk) -> Iterator[Problem]:
    """Assumptions that no policy reads: most often left behind."""
    read = {leaf.path for leaf in desk.ruleset.leaves if isinstance(leaf, Fact)}
    read.add("recipient.zone")  # hours, calendars and a campaign's local time stand on it
    for path, entry in desk.assume.entries.items() if desk.assume else ():
        if path not in read and not path.startswith("attributes."):  # those are read through uses
            way_out = "remove it; what absence means only counts where a policy looks"
            yield warning(entry.key, f"no policy reads `{path}`", way_out, "unread-assumption")


LINTS = (_rules, _assumptions)


# --- pages --------------------------------------------------------------------------------------------


def _policy(*lines: str) -> Mapping[str, str]:
    return {"policies/p.yaml": "policies:\n  - id: p\n" + "".join(f"    {line}\n" for line in lines)}


_EMAIL_ONLY = "for: {channel: email}"
_PUSH = "for: {channel: push}"
_FORBID = "forbid: recipient.tolerance < 10"
_BLOCK = "on_breach: block"

PAGES = (
    Page(
        "lint.never-applies", "A policy that can never apply",
        "Its conditions exclude each other, so it says nothing about any send. Somebody believes it protects people.",
        _policy("kind: rule", _EMAIL_ONLY, "when: \"send.channel == 'push'\"", _FORBID, _BLOCK),
        _policy("kind: rule", "for: {channel: push}", _FORBID, _BLOCK),
    ),
    Page(
        "lint.never-breached", "A policy that can never be breached",
        "What it forbids cannot happen, or what it requires always holds, whoever the send is for.",
        _policy("kind: rule", "forbid: 1 > 2", _BLOCK),
        _policy("kind: rule", _FORBID, _BLOCK),
    ),
    Page(
        "lint.cap-of-zero", "A cap of 0",
        "A cap of 0 is reached before the first send: the policy stops everything it applies to. Most often `0` was "
        "meant as no limit; who means that nothing may be sent says so with a rule that forbids it.",
        _policy("kind: frequency", "require: {at_most: 0, per: 1 day}", _BLOCK),
        _policy("kind: frequency", "require: {at_most: 1, per: 1 day}", _BLOCK),
    ),
    Page(
        "lint.satisfied", "A policy that asks for a channel on which it is already satisfied",
        "A breach asks for other channels. Where the present channel is among those it permits, it asks for nothing "
        "(law M5), so it never does anything.",
        _policy("kind: consent", _PUSH, "require: {}", "on_breach: {downgrade: {channel: [push, email]}}"),
        _policy("kind: consent", _PUSH, "require: {}", "on_breach: {downgrade: {channel: [email]}}"),
    ),
    Page(
        "lint.cannot-strip", "A strip of what picked the people",
        "An attribute that picked the audience is in every variant and cannot be taken back (law M14): asking to strip "
        "it can only block, and not say so. Nothing is said where a campaign has personalised offers: what picked an "
        "offer is taken out with the offer.",
        _policy("kind: data", "forbid: {selected: true, origin: inferred}", "on_breach: {downgrade: {uses: strip}}"),
        _policy("kind: data", "forbid: {selected: true, origin: inferred}", _BLOCK),
    ),
    Page(
        "lint.category", "A category that no attribute has",
        "No registered attribute has the category, one has nearly: where it is misspelt the policy says nothing.",
        {"policies/more.yaml": "attributes:\n  - {id: cart, category: user.behavior, origin: observed,\n"
                               "     collected_for: [marketing.communications], disclosed_as: your cart}\n",
         **_policy("kind: data", "forbid: {category: user.behaviour}", _BLOCK)},
        {"policies/more.yaml": "attributes:\n  - {id: cart, category: user.behavior, origin: observed,\n"
                               "     collected_for: [marketing.communications], disclosed_as: your cart}\n",
         **_policy("kind: data", "forbid: {category: user.behavior}", _BLOCK)},
    ),
    Page(
        "lint.campaign", "A campaign that no manifest names",
        "The policy speaks of a campaign that is nearly spelt like one there is: it says nothing there.",
        _policy("kind: rule", "for: {campaign: sprnig}", _FORBID, _BLOCK),
        _policy("kind: rule", "for: {campaign: spring}", _FORBID, _BLOCK),
    ),
    Page(
        "lint.provider", "A provider that no manifest names",
        "The policy speaks of a provider that is nearly spelt like one there is: it says nothing there.",
        _policy("kind: rule", "for: {provider: sendgird}", _FORBID, _BLOCK),
        _policy("kind: rule", "for: {provider: sendgrid}", _FORBID, _BLOCK),
    ),
    Page(
        "lint.unread-assumption", "An assumption nobody reads",
        "`assume:` says what absence of a fact means, and no policy looks at that fact: it was most often left behind, "
        "and will decide silently when a policy comes that does.",
        {"policykit.yaml": "mode: enforce\nassume:\n  recipient.country: FR\n"},
        {"policykit.yaml": "mode: enforce\nassume:\n  recipient.age: 40\n"},
    ),
)  # fmt: skip
