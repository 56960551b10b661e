"""Policies become a RuleSet. Read this file first; its steps, in order:

1. `_lower`      the kind says what breaches (`kinds/`), and whether the effect fits it
2. `applies`     where it applies: `for`, dates, message class (`kinds/applies.py`), and `when`
3. `_rule`       both joined into `breached`, styles spelled out, types checked, constants folded
4. `waived`      what waivers set aside leaves `breached`, and each waiver gets a rule that only watches
                 (`kinds/waiver.py`)
5. `_ruleset`    rules in order of policy id, leaves in one order, a hash of the whole

Every mistake of every policy is collected; with any of them nothing is compiled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace

from policykit.errors import InvalidPolicies, Problem
from policykit.hookspecs import Context, Kind, Lowered
from policykit.ir.check import check
from policykit.ir.expression import parse_expression
from policykit.ir.fold import fold
from policykit.ir.nodes import TRUE, And, Expr, Leaf, Type
from policykit.ir.rules import Effect, Rule, RuleSet
from policykit.ir.walk import canonical, leaves_of, ordered_use_leaves
from policykit.kinds.applies import applies
from policykit.kinds.style import spell_out_style
from policykit.kinds.waiver import as_policy, waived
from policykit.kinds.words import check_words
from policykit.language.policy import Policy, Quoted
from policykit.language.registry import Registry
from policykit.language.suggest import did_you_mean
from policykit.language.waivers import Waiver
from policykit.model import Attribute, Program


def compile_ruleset(
    policies: Iterable[Policy], registry: Registry, kinds: Mapping[str, Kind], waivers: Iterable[Waiver] = ()
) -> RuleSet:
    """All policies as one RuleSet, whatever order they come in; those whose mode is `off` are only checked.

    kinds: by name, as plugins gave them. Raises `InvalidPolicies` with every problem found.
    """
    ruleset, problems = try_compile(policies, registry, kinds, waivers)
    if problems:
        raise InvalidPolicies(problems)
    return ruleset


def try_compile(
    policies: Iterable[Policy], registry: Registry, kinds: Mapping[str, Kind], waivers: Iterable[Waiver] = ()
) -> tuple[RuleSet, list[Problem]]:
    """The rules of those policies that are right and the problems of the others, so that more can be checked."""
    policies, problems = tuple(policies), list[Problem]()
    rules = [_compile(policy, _Work(policy, registry, kinds, problems)) for policy in policies]
    judged = [rule for policy, rule in zip(policies, rules, strict=True) if rule and policy.mode != "off"]
    scopes = [(waiver, _scope(waiver, registry, kinds, problems)) for waiver in waivers]
    return _ruleset(waived(judged, scopes), registry), problems


def _scope(waiver: Waiver, registry: Registry, kinds: Mapping[str, Kind], problems: list[Problem]) -> Expr | None:
    """The sends a waiver is for; None after reporting what is wrong with it, or when something was."""
    before = len(problems)
    policy = as_policy(waiver)
    work = _Work(policy, registry, kinds, problems)
    context = _context(work)
    conditions = applies(policy, context)
    when = work.parse(waiver.when) if waiver.when else None
    conditions += [when] if when else []
    for expr in conditions:
        check_words(expr, context)
    if not waiver.sound or len(problems) > before:
        return None
    scope = fold(spell_out_style(And(tuple(conditions))), {})
    wrong = check(scope)
    problems.extend(replace(problem, place=problem.place or waiver.place) for problem in wrong)
    return None if wrong else scope


@dataclass(frozen=True, slots=True)
class _Work:
    """One policy at work: what it is compiled with, and its expressions, each parsed once."""

    policy: Policy
    registry: Registry
    kinds: Mapping[str, Kind]
    problems: list[Problem]
    parsed: dict[Quoted, Expr | None] = field(default_factory=dict)

    def parse(self, quoted: Quoted) -> Expr | None:
        if quoted not in self.parsed:
            self.parsed[quoted] = parse_expression(quoted, self.registry.vocabulary, self.problems)
        return self.parsed[quoted]

    def report(self, path: tuple[str, ...], message: str, way_out: str, code: str) -> None:
        self.problems.append(Problem(self.policy.place_of(*path), message, way_out, f"policy.{code}"))


def _compile(policy: Policy, work: _Work) -> Rule | None:
    """The rule of a policy, None after reporting what is wrong with it."""
    before = len(work.problems)
    kind = _kind(policy, work)
    context = _context(work)
    lowered = _lower(kind, policy, context, work) if kind and policy.body is not None else None
    conditions = applies(policy, context)
    if policy.when:
        when = work.parse(policy.when)
        conditions += [when] if when else []
    for expr in (*conditions, lowered.breach if lowered else TRUE):
        check_words(expr, context)
    if lowered is None or not policy.sound or len(work.problems) > before:
        return None
    rule = _rule(policy, lowered, conditions)
    wrong = [*check(rule.breached), *check(rule.use_breached or TRUE, in_use=True), *check(rule.reason, Type.STRING)]
    work.problems.extend(replace(problem, place=problem.place or policy.place) for problem in wrong)
    return None if wrong else rule


def _kind(policy: Policy, work: _Work) -> Kind | None:
    kind = work.kinds.get(policy.kind)
    if kind is None and policy.sound:  # else the loader has said so
        message = f"unknown kind `{policy.kind}`{did_you_mean(policy.kind, work.kinds)}"
        work.report(("kind",), message, "`policykit kinds` lists the kinds", "unknown-kind")
    return kind


def _context(work: _Work) -> Context:
    registry = work.registry
    return Context(
        work.policy, registry.vocabulary, registry.attributes, registry.programs, registry.purposes, registry.channels,
        work.problems, work.parse,
    )  # fmt: skip


def _lower(kind: Kind, policy: Policy, context: Context, work: _Work) -> Lowered | None:
    """What the kind makes of the policy; a kind that cannot give what the effect needs is reported."""
    # A border for plugins: a kind that breaks is its author's fault, told at the policy that broke it.
    try:
        lowered = kind.lower(policy, context)
    except Exception as error:
        shown = f"{type(error).__name__}: {error}"
        work.report(
            ("kind",), f"kind `{kind.name}` failed on this policy: {shown}", "report it to its author", "kind-failed"
        )
        return None
    if lowered and policy.effect.part == "uses" and lowered.use_breach is None:
        message = "`uses: strip` needs a policy about single uses; this one is about the whole send"
        work.report(("on_breach",), message, "ask for `content: generic`, another channel, or `block`", "effect")
        return None
    if lowered and policy.effect.part == "send_at" and lowered.hours is None:
        message = "`send_at: next_allowed` needs hours in which it would be met; this policy names none"
        work.report(("on_breach",), message, "say them in a `quiet_hours` policy, or ask for another change", "effect")
        return None
    if lowered and policy.effect.part == "offers" and lowered.share is None:
        message = "`offers: blend` needs a share that may be personalised; this policy names none"
        work.report(("on_breach",), message, "say it in an `offers` policy, or ask for another change", "effect")
        return None
    return lowered


def _rule(policy: Policy, lowered: Lowered, conditions: list[Expr]) -> Rule:
    """The policy as a rule: breached = applies and not met."""

    def joined(*conditions: Expr) -> Expr:
        return fold(spell_out_style(And(conditions)), {})

    part = policy.effect.part
    strips = lowered.use_breach if part == "uses" else None
    return Rule(
        policy=policy.id,
        kind=policy.kind,
        breached=joined(*conditions, lowered.breach),
        effect=Effect(part, policy.effect.channels),
        reason=lowered.reason,
        mode="audit" if policy.mode == "audit" else "enforce",
        use_breached=None if strips is None else joined(*conditions, strips),
        hours=lowered.hours if part == "send_at" else None,
        share=lowered.share if part == "offers" else None,
        because=policy.because,
        owner=policy.owner,
        place=policy.place,
        source=policy.source,
        applies=joined(*conditions),
    )


def _ruleset(rules: list[Rule], registry: Registry) -> RuleSet:
    rules = sorted(rules, key=lambda rule: rule.policy)
    found = RuleSet(
        rules=tuple(rules),
        leaves=_leaves(rules),
        use_leaves=ordered_use_leaves(tuple(expr for rule in rules for expr in _judged(rule))),
        attributes=registry.attributes,
        programs=registry.programs,
        purposes=registry.purposes,
        ranks=registry.channels,
        assume=registry.assume,
        controller=registry.controller,
        members={path: spec.members for path, spec in registry.vocabulary.facts.items() if spec.members},
    )
    return replace(found, hash=hash_of(found))


def _judged(rule: Rule) -> tuple[Expr, ...]:
    return (rule.breached,) if rule.use_breached is None else (rule.breached, rule.use_breached)


def _leaves(rules: list[Rule]) -> tuple[Leaf, ...]:
    """Every leaf, those that only reasons read behind all others, each part in one order."""
    judged = {leaf for rule in rules for expr in _judged(rule) for leaf in leaves_of(expr)}
    told = {leaf for rule in rules for leaf in leaves_of(rule.reason)} - judged
    return (*sorted(judged, key=canonical), *sorted(told, key=canonical))


def hash_of(ruleset: RuleSet) -> str:
    """sha256, in hex, over everything a decision can depend on and nothing else (no places, no hash)."""
    digest = hashlib.sha256()
    for part in fields(ruleset):
        if part.name not in ("hash", "leaves", "use_leaves"):  # the leaves follow from the rules
            digest.update(f"{part.name}={_said(getattr(ruleset, part.name))}\n".encode())
    return digest.hexdigest()


def _said(value: object) -> str:
    """One text per value: mappings in order of their keys; where things are written or kept is left out."""
    if isinstance(value, Rule | Attribute | Program):
        return " ".join(
            f"{part.name}={_said(getattr(value, part.name))}"
            for part in fields(value)
            if part.name not in ("place", "sources")
        )
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_said(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_said(item) for item in value) + "]"
    return canonical(value)
