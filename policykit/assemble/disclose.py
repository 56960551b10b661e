"""The statement of what is remembered, from the registry the policies use; and what is held about one person (S15)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from policykit.assemble.held import of_files, of_store
from policykit.assemble.moment import now
from policykit.assemble.workspace import Opened, open_workspace
from policykit.ir.fold import fold
from policykit.ir.nodes import (
    FALSE,
    AllUses,
    AttributeOrigin,
    Const,
    ExistsUse,
    Expr,
    Fact,
    Member,
    SumUses,
    Type,
    UseFact,
)
from policykit.ir.rules import Rule, RuleSet
from policykit.ir.unroll import NONE, unroll_use
from policykit.ir.walk import leaves_of, nodes
from policykit.language.campaign import Manifest
from policykit.language.waivers import Waiver
from policykit.model import Attribute, Micros, Use, from_micros
from policykit.reports.disclosure import Guard, Joined, Remembered, Statement, Used
from policykit.vocabulary import SENSITIVITIES

_TRUE = Const(True, Type.BOOL)
_SEVERAL = 3  # things: of fewer it is clearer to say it each time
_RANKS = dict(SENSITIVITIES)
_USES = tuple((recited, selected) for recited in (True, False) for selected in (True, False))


def disclose(folder: Path | None, person: str | None = None, files: Mapping[str, Path] | None = None, *,
             store: bool = False) -> Statement:  # fmt: skip
    """The statement of a workspace; with a person also what is held about them, from its files or its live store.

    Raises `UsageError` when nothing at all is held about the person.
    """
    opened = open_workspace(folder)
    about = None
    if person is not None:
        about = of_store(opened, person) if store else of_files(opened, person, files or {})
    config, registry = opened.workspace.config, opened.workspace.registry
    read = _read_in_force(opened.ruleset) if config.mode == "enforce" else frozenset()
    names = config.disclosure.names
    owner = registry.controller
    remembered = tuple(_remembered(opened, attribute, names) for attribute in _in_order(registry.attributes.values()))
    common = _common(remembered)
    remembered = tuple(replace(each, guards=tuple(guard for guard in each.guards if guard not in common))
                       for each in remembered)  # fmt: skip
    return Statement(
        company=names.get(owner or "", owner or "this company"),
        remembered=remembered,
        programs=tuple(
            Joined(program.id, program.purpose, tuple(what or benefit for benefit, what in program.gives), program.asks,
                   program.leave)
            for program in registry.programs.values()
        ),
        rules=_rules(opened, remembered),
        contact=config.disclosure.contact,
        unsaid=tuple(sorted(name for name, found in opened.workspace.manifests.items() if _is_unsaid(found))),
        as_of=from_micros(now()).astimezone(UTC).date().isoformat(),
        person=about,
        enforced=config.mode == "enforce",
        refusable=config.mode == "enforce" and any(map(_obeys_refusals, opened.ruleset.rules)),
        bounded="recipient.degree" in read,
        refused={"consent.refused_for channel", "consent.refused_for everything"} <= read,
        silenced="send.address.suppressed" in read,
    )  # fmt: skip


def _in_order(attributes: Iterable[Attribute]) -> list[Attribute]:
    """The most sensitive first: what people most want to know must not stand at the end."""
    return sorted(attributes, key=lambda each: (-_RANKS.get(each.sensitivity or "", 99), each.id))


def _remembered(opened: Opened, attribute: Attribute, names: Mapping[str, str]) -> Remembered:
    registry = opened.workspace.registry
    holder = attribute.controller
    inputs = (registry.attributes.get(each) for each in attribute.inferred_from)
    return Remembered(
        id=attribute.id,
        says=attribute.disclosed_as or None,
        origin=attribute.origin,
        category=attribute.category,
        sensitivity=attribute.sensitivity,
        does_for_you=attribute.remembered_for,
        collected_for=attribute.collected_for,
        keep=attribute.keep,
        holder=names.get(holder, holder) if holder else None,
        made_from=tuple(each.disclosed_as or each.id for each in inputs if each),
        programs=tuple(sorted(name for name, each in registry.programs.items() if attribute.id in each.asks)),
        campaigns=tuple(_campaigns(opened.workspace.manifests, attribute.id)),
        guards=tuple(_guards(opened, attribute)),
    )


# --- which campaigns use it ------------------------------------------------------------------------


def _campaigns(manifests: Mapping[str, Manifest], attribute: str) -> Iterator[Used]:
    for name, found in sorted(manifests.items()):
        how = how_used(found, attribute)
        if how:
            yield Used(name, how, found.because)


def how_used(found: Manifest, attribute: str) -> tuple[str, ...]:
    """How a campaign uses an attribute, on any channel: keys of `disclosure.HOW`; empty when it does not."""
    uses = [use for use in _uses(found) if use.attribute == attribute]
    offers = found.campaign.offers
    offered = offers is not None and any(attribute in offer.chosen_by for offer in offers.personalised)
    picked = attribute in (found.audience.selected_by or ())
    written = {use.attribute for parts in (found.templates, found.generic) for each in parts.values()
               for template in each.values() for use in template.uses}  # fmt: skip
    shown = any(use.recited for use in uses)
    how = {"shown": shown, "picked": picked, "offer": offered, "shaped": attribute in written and not shown}
    return tuple(key for key, is_so in how.items() if is_so)


def _uses(found: Manifest) -> Iterator[Use]:
    for prepared in found.campaign.prepared:
        for variant in (prepared.content, prepared.generic):
            yield from (variant.uses or ()) if variant else ()


def _is_unsaid(found: Manifest) -> bool:
    """Whether a campaign leaves open what it uses (M3): then nobody can promise what it does not."""
    return any(prepared.content.uses is None for prepared in found.campaign.prepared)


# --- which policies guard it -------------------------------------------------------------------------


def _guards(opened: Opened, attribute: Attribute) -> Iterator[Guard]:
    """Policies in force that some use of the attribute may breach."""
    for rule, guard in _in_force(opened):
        if _speaks_of(rule, attribute, opened.ruleset.attributes):
            yield guard


def _in_force(opened: Opened) -> Iterator[tuple[Rule, Guard]]:
    """Policies in force that say something about themselves, and until when waivers set them aside."""
    sentences = {policy.id: policy.disclosed_as for policy in opened.workspace.policies}
    waived = _waived(opened.workspace.waivers, now())
    for rule in opened.ruleset.rules:
        guard = Guard(rule.policy, rule.because, sentences.get(rule.policy), waived.get(rule.policy))
        if rule.mode == "enforce" and (guard.because or guard.disclosed_as):
            yield rule, guard


def _waived(waivers: Iterable[Waiver], at: Micros) -> dict[str, str]:
    """Policy -> the end of the last waiver of it that has not ended: a promise with exceptions must name them."""
    lasting = [(waiver.ends, waiver) for waiver in waivers if waiver.ends is not None and at < waiver.ends]
    by_end = sorted(lasting, key=lambda each: each[0])
    return {policy: waiver.until for _, waiver in by_end for policy in waiver.policies}


def _speaks_of(rule: Rule, attribute: Attribute, attributes: Mapping[str, Attribute]) -> bool:
    path = f"attributes.{attribute.id}"
    if any(isinstance(leaf, Fact) and leaf.path == path for leaf in leaves_of(rule.breached)):
        return True
    uses = [Use(attribute.id, recited=recited, selected=selected) for recited, selected in _USES]
    return any(_may_matter(node, use, attributes) for node in nodes(rule.breached) for use in uses)


def _may_matter(node: Expr, use: Use, attributes: Mapping[str, Attribute]) -> bool:
    """Whether a quantifier over uses may come out otherwise because of this one."""
    match node:
        case ExistsUse():
            return _as_registered(node.body, use, attributes) != FALSE
        case AllUses():
            return _as_registered(node.body, use, attributes) != _TRUE
        case SumUses():
            return _as_registered(node.body, use, attributes) != NONE
        case _:
            return False


def _as_registered(body: Expr, use: Use, attributes: Mapping[str, Attribute]) -> Expr:
    """The body for this use as far as everybody's is alike; values are taken to be of the registered origin."""
    tree = unroll_use(body, use, attributes, None)
    origins: dict[Expr, Expr] = {
        leaf: Const(attributes[leaf.attribute].origin == leaf.origin, Type.BOOL)
        for leaf in leaves_of(tree)
        if isinstance(leaf, AttributeOrigin) and leaf.attribute in attributes
    }
    return fold(tree, origins)


def _obeys_refusals(rule: Rule) -> bool:
    """Whether a policy in force is breached by every use that somebody refused."""
    refused = ExistsUse(UseFact("refused", Type.BOOL))
    return rule.mode == "enforce" and any(node == refused for node in nodes(rule.breached))


def _read_in_force(ruleset: RuleSet) -> frozenset[str]:
    """Facts that policies in force look at, and members of sets that they look for."""
    leaves = [leaf for rule in ruleset.rules if rule.mode == "enforce" for leaf in leaves_of(rule.breached)]
    facts = {leaf.path for leaf in leaves if isinstance(leaf, Fact)}
    return frozenset(facts | {f"{leaf.path} {leaf.member}" for leaf in leaves if isinstance(leaf, Member)})


def _rules(opened: Opened, remembered: Sequence[Remembered]) -> tuple[Guard, ...]:
    """Policies in force that guard no single thing: those about when, how often and by which channel."""
    told = {guard.policy for each in remembered for guard in each.guards}
    return tuple(guard for _, guard in _in_force(opened) if guard.policy not in told)


def _common(remembered: Sequence[Remembered]) -> frozenset[Guard]:
    """What guards every single thing: told once instead of each time."""
    if len(remembered) < _SEVERAL:
        return frozenset()
    return frozenset.intersection(*(frozenset(each.guards) for each in remembered))
