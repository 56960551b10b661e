"""A rule set made for one campaign, channel and variant: what is the same for everybody folds away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policykit.ir.content import answer, asked_of
from policykit.ir.fold import fold, simplify
from policykit.ir.nodes import FALSE, And, Const, Expr, Fact, Leaf, Present, Type
from policykit.ir.offers import offers_on
from policykit.ir.rules import Rule, RuleSet
from policykit.ir.unroll import unroll, unroll_use
from policykit.ir.walk import canonical, leaves_of
from policykit.model import Campaign, Prepared, Use


@dataclass(frozen=True, slots=True)
class SpecialisedRule:
    """A rule with the constants of one campaign, channel and variant put in.

    use_terms: for effect `uses`: per strippable-or-not attribute of the variant, whether it is
    present and in breach; None where uses are unknown, empty for other effects. Terms that are
    always false are left out.
    """

    rule: Rule
    breached: Expr
    use_terms: tuple[tuple[str, Expr], ...] | None = ()

    @property
    def policy(self) -> str:
        return self.rule.policy


def specialise(ruleset: RuleSet, campaign: Campaign, prepared: Prepared, generic: bool) -> tuple[SpecialisedRule, ...]:  # noqa: FBT001  # the variant
    """One specialised rule per rule of the set, in its order: bit i of a mask stays rule i."""
    known = send_constants(ruleset, campaign, prepared, generic)
    variant = prepared.generic if generic else prepared.content
    uses = variant.uses if variant else ()
    purpose = send_purpose(ruleset, campaign)

    def _of(rule: Rule) -> SpecialisedRule:
        breached = fold(unroll(rule.breached, uses, ruleset.attributes, purpose), known)
        if rule.use_breached is None:
            return SpecialisedRule(rule, breached)
        return SpecialisedRule(rule, breached, _terms(rule.use_breached, uses, ruleset, purpose, known))

    return tuple(_of(rule) for rule in ruleset.rules)


def _terms(
    body: Expr, uses: tuple[Use, ...] | None, ruleset: RuleSet, purpose: str | None, known: dict[Expr, Expr]
) -> tuple[tuple[str, Expr], ...] | None:
    if uses is None:
        return None
    plain = unroll(body, uses, ruleset.attributes, purpose)  # a `when` may hold quantifiers of its own
    terms = []
    for use in uses:
        term = fold(unroll_use(plain, use, ruleset.attributes, purpose), known)
        term = simplify(And((Present(use.attribute), term)))
        if term != FALSE:
            terms.append((use.attribute, term))
    return tuple(terms)


def send_purpose(ruleset: RuleSet, campaign: Campaign) -> str | None:
    """The purpose of the campaign's sends: its program's, else its own; None when neither is known (M6)."""
    if campaign.program is None:
        return campaign.purpose
    program = ruleset.programs.get(campaign.program)
    return program.purpose if program else None


def send_constants(ruleset: RuleSet, campaign: Campaign, prepared: Prepared, generic: bool) -> dict[Expr, Expr]:  # noqa: FBT001  # the variant
    """Leaves about the send that are one value for everybody; rank, instant and address are not."""
    texts = {
        "send.channel": prepared.channel,
        "send.message_class": campaign.message_class,
        "send.purpose": send_purpose(ruleset, campaign),
        "send.program": campaign.program,
        "send.campaign": campaign.id,
        "send.provider": prepared.provider,
        "send.controller": campaign.controller or ruleset.controller,
        "send.helps": campaign.helps or "",
        "send.need": campaign.need or "",
        "send.delivers": campaign.delivers or "",
    }
    known: dict[Expr, Expr] = {Fact(path, Type.STRING): Const(text, Type.STRING) for path, text in texts.items()}
    known[Fact("send.generic", Type.BOOL)] = Const(generic, Type.BOOL)
    variant = prepared.generic if generic else prepared.content
    content = variant.content if variant is not None else None
    known.update((leaf, Const(answer(content, leaf), Type.BOOL)) for leaf in asked_of(ruleset.leaves))
    return known | _offer_constants(campaign, prepared.channel, generic=generic)


PERSONALISED = Fact("send.offers.personalised", Type.INT)
SHOWN = Fact("send.offers.shown", Type.INT)


def _offer_constants(campaign: Campaign, channel: str, *, generic: bool) -> dict[Expr, Expr]:
    """How many offers are shown; how many are personalised only where no change can lessen them."""
    offers = offers_on(campaign, channel, generic=generic)
    known: dict[Expr, Expr] = {SHOWN: Const(offers.show if offers else None, Type.INT)}
    if offers is None or not offers.personalised:
        known[PERSONALISED] = Const(None if offers is None else 0, Type.INT)
    return known


def leaves_left(rules: Iterable[SpecialisedRule]) -> tuple[Leaf, ...]:
    """Leaves that specialised rules still read, in a fixed order."""
    found: set[Leaf] = set()
    for rule in rules:
        found |= leaves_of(rule.breached)
        for _, term in rule.use_terms or ():
            found |= leaves_of(term)
    return tuple(sorted(found, key=canonical))
