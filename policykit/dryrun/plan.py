"""What is left of a rule set for one campaign and one audience, decided before any row is read.

Rules that are false for everybody have no bit. A rule is `moving` when a change made to the send
(a strip, the generic variant, another instant) can change what it says; only those are judged again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from policykit.dryrun.facts_read import facts_read
from policykit.errors import UsageError
from policykit.ir.fold import fold
from policykit.ir.nodes import (
    FALSE,
    TRUE,
    Allowed,
    ConsentMet,
    Const,
    Expr,
    Fact,
    Leaf,
    LocalPart,
    Present,
    Sends,
    Type,
)
from policykit.ir.rules import Rule, RuleSet
from policykit.ir.specialise import PERSONALISED, SpecialisedRule, specialise
from policykit.ir.walk import leaves_of
from policykit.model import Campaign
from policykit.rounds import Law, law

WORD = 62  # rules in one mask column
_NARROW = 31  # from here on a word is a BIGINT
_MOST_USES = 63  # bits of a BIGINT

Variant = tuple[int, bool]  # (index of the prepared channel, generic)
Constant = Callable[[Leaf, int], Const | None]


@dataclass(frozen=True, slots=True)
class Plan:
    """live: rules with a bit, in the order of the set; everything below is aligned with it.

    breached: per variant and live rule the folded condition. terms: per variant and live rule with
    effect `uses`, which attribute is in breach when; None where the uses are unknown.
    uses: attributes that may be stripped, bit j = uses[j]. laws: per channel, masks over `live`.
    """

    ruleset: RuleSet
    campaign: Campaign
    live: tuple[Rule, ...]
    breached: Mapping[Variant, tuple[Expr, ...]]
    terms: Mapping[Variant, Mapping[int, tuple[tuple[str, Expr], ...] | None]]
    uses: tuple[str, ...]
    laws: tuple[Law, ...]
    lessens: bool
    can_move: bool
    moving: frozenset[int]

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(prepared.channel for prepared in self.campaign.prepared)

    @property
    def can_blend(self) -> bool:
        """Whether some rule may ask for fewer personalised offers."""
        return any(rule.mode == "enforce" and rule.effect.part == "offers" for rule in self.live)

    @property
    def words(self) -> range:
        """Mask columns that the live rules need."""
        return range(max(1, -(-len(self.live) // WORD)))

    @property
    def word_type(self) -> str:
        """The narrowest SQL type that holds a mask word: half the memory for most rule sets."""
        return "INTEGER" if len(self.live) < _NARROW else "BIGINT"

    @property
    def variants(self) -> tuple[Variant, ...]:
        return tuple(self.breached)

    @staticmethod
    def facts_of(expr: Expr) -> set[str]:
        """Facts of people that a condition reads."""
        return {fact for leaf in leaves_of(expr) for fact in facts_read(leaf)}

    def strip_mask(self, attributes: Sequence[str]) -> int:
        wanted = set(attributes)
        return sum(1 << j for j, attribute in enumerate(self.uses) if attribute in wanted)

    def leaves(self) -> Iterator[tuple[Leaf, int]]:
        """Every (leaf, channel) that some live rule or term reads."""
        for (k, generic), conditions in self.breached.items():
            exprs = list(conditions) + [term for terms in self.terms[k, generic].values() for _, term in terms or ()]
            for expr in exprs:
                for leaf in leaves_of(expr):
                    yield leaf, k


def make_plan(ruleset: RuleSet, campaign: Campaign, constant: Constant) -> Plan:
    """The plan; constant: the value of a leaf on a channel where it is one for everybody, else None."""
    special: dict[Variant, tuple[SpecialisedRule, ...]] = {}
    for k, prepared in enumerate(campaign.prepared):
        for generic in (False, True) if prepared.generic is not None else (False,):
            special[k, generic] = specialise(ruleset, campaign, prepared, generic)
    folded = {
        variant: tuple(_fold(r.breached, variant[0], constant) for r in rules) for variant, rules in special.items()
    }
    indexes = [i for i in range(len(ruleset.rules)) if any(exprs[i] != FALSE for exprs in folded.values())]
    live = tuple(ruleset.rules[i] for i in indexes)
    breached = {variant: tuple(exprs[i] for i in indexes) for variant, exprs in folded.items()}
    terms = {
        variant: {
            bit: _terms(rules[i], variant[0], constant)
            for bit, i in enumerate(indexes)
            if rules[i].rule.use_breached is not None
        }
        for variant, rules in special.items()
    }
    parts = {rule.effect.part for rule in live if rule.mode == "enforce"}
    lessens, can_move = bool(parts & {"content", "uses", "send_at", "offers"}), "send_at" in parts
    uses = _strippable(terms.values())
    moving = frozenset(
        bit for bit in range(len(live)) for k in range(len(campaign.prepared))
        if lessens and _moves(breached, k, bit, can_move)
    )  # fmt: skip
    laws = tuple(law(live, prepared.channel) for prepared in campaign.prepared)
    return Plan(ruleset, campaign, live, breached, terms, uses, laws, lessens, can_move, moving)


def _strippable(terms: Iterable[Mapping[int, tuple[tuple[str, Expr], ...] | None]]) -> tuple[str, ...]:
    """Attributes that some rule may ask to take out: each is a bit of an integer."""
    uses = sorted({attribute for rules in terms for asked in rules.values() for attribute, _ in asked or ()})
    if len(uses) > _MOST_USES:
        message = f"policies may strip {len(uses)} attributes from this campaign, more than {_MOST_USES}"
        raise UsageError(message, "use fewer attributes in its texts, or send them as two campaigns")
    return tuple(uses)


def _fold(expr: Expr, k: int, constant: Constant) -> Expr:
    known = {leaf: value for leaf in leaves_of(expr) if (value := constant(leaf, k)) is not None}
    return fold(expr, known)  # type: ignore[arg-type]  # leaves are trees


def _terms(rule: SpecialisedRule, k: int, constant: Constant) -> tuple[tuple[str, Expr], ...] | None:
    if rule.use_terms is None:
        return None
    folded = [(attribute, _fold(term, k, constant)) for attribute, term in rule.use_terms]
    return tuple((attribute, term) for attribute, term in folded if term != FALSE)


def _moves(breached: Mapping[Variant, tuple[Expr, ...]], k: int, bit: int, can_move: bool) -> bool:  # noqa: FBT001
    plain, generic = breached[k, False][bit], breached.get((k, True))
    if generic is not None and generic[bit] != plain:
        return True
    return any(
        isinstance(leaf, Present) or leaf == PERSONALISED or (can_move and depends_on_instant(leaf))
        for leaf in leaves_of(plain)
    )


def depends_on_instant(leaf: Leaf) -> bool:
    match leaf:
        case ConsentMet() | Sends() | Allowed() | LocalPart():
            return True
        case Fact(path):
            return path in ("send.at", "consent.status")
        case _:
            return False


def as_planned(expr: Expr, campaign: Campaign) -> Expr:
    """The condition for a send that nothing was taken from."""
    known: dict[Expr, Expr] = {leaf: TRUE for leaf in leaves_of(expr) if isinstance(leaf, Present)}
    if campaign.offers is not None:
        known[PERSONALISED] = Const(len(campaign.offers.personalised), Type.INT)
    return fold(expr, known)
