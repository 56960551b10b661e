"""What one policy says of one send as it stands: outcome, reason code, missing facts, the facts beneath.

Told by the reference interpreter. Missing facts are those the policy refers to that are unknown
for this send, never a guess at those that mattered (M3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from policykit.backends import reference
from policykit.facts.consent import node_path
from policykit.facts.lineage import collected_at, own_collected_for, own_origin
from policykit.facts.row import Sight, State, fact_row, uses_of
from policykit.ir import say
from policykit.ir.nodes import (
    TRUE,
    Allowed,
    AllUses,
    AttributeRefused,
    ConsentMet,
    ConsentWasMet,
    ContentSays,
    ExistsUse,
    Expr,
    Fact,
    Joined,
    Leaf,
    LocalPart,
    Member,
    Present,
    Sends,
    SumUses,
    UseCollectedFor,
    UseFact,
    UseLeaf,
    UseOrigin,
    Value,
)
from policykit.ir.rules import Rule
from policykit.ir.specialise import send_purpose
from policykit.ir.walk import canonical, leaves_of, nodes, use_leaves_of
from policykit.model import Use

Outcome: TypeAlias = Literal["met", "breached", "unknown", "silent"]
UNKNOWN_FACT = "fact.unknown"  # the reason code of a breach that rests on unknown facts


@dataclass(frozen=True, slots=True)
class Told:
    """One policy about one send.

    outcome: silent = the policy is not for this send. code: the stable reason code of a breach.
    missing: names of unknown facts it refers to, sorted. facts: names and values of all it refers to.
    """

    policy: str
    outcome: Outcome
    code: str | None = None
    missing: tuple[str, ...] = ()
    facts: tuple[tuple[str, Value], ...] = ()


def tell(sight: Sight, state: State, rule: Rule) -> Told:
    """What a policy says of a send as it stands, with everything it stands on."""
    facts = _facts(sight, state, rule)
    breached = reference.evaluate(rule.breached, facts)
    applies = reference.evaluate(rule.applies or TRUE, facts)
    missing = missing_facts(sight, state, rule)
    beneath = tuple(_named_values(sight, state, rule, facts))
    if breached is None:
        return Told(rule.policy, "unknown", UNKNOWN_FACT, missing, beneath)
    if breached:
        code = reference.evaluate(rule.reason, facts)
        return Told(rule.policy, "breached", code if isinstance(code, str) else UNKNOWN_FACT, missing, beneath)
    return Told(rule.policy, "silent" if applies is False else "met", None, missing, beneath)


def missing_facts(sight: Sight, state: State, rule: Rule) -> tuple[str, ...]:
    """Names of the facts a policy refers to that are unknown for this send, sorted."""
    found: set[str] = set()
    leaves = _sorted_leaves(rule.breached)
    for leaf, value in zip(leaves, fact_row(sight, state, leaves, ()).values, strict=True):
        if value is None:
            found.update(_missing(sight, state, leaf))
    uses = uses_of(sight.campaign, state)
    if uses is None:
        found.update({"uses"} if _quantifies(rule.breached) else ())
        return tuple(sorted(found))
    use_leaves = _sorted_use_leaves(rule.breached)
    row = fact_row(sight, state, (), use_leaves)
    for use, values in zip(uses, row.uses or (), strict=True):
        for use_leaf, value in zip(use_leaves, values, strict=True):
            if value is None:
                found.update(_missing_of_use(sight, state, use, use_leaf))
    return tuple(sorted(found))


def _missing(sight: Sight, state: State, leaf: Leaf) -> Iterator[str]:
    """The facts for want of which a leaf is unknown."""
    match leaf:
        case Joined():
            yield "consents"
        case ConsentMet() | ConsentWasMet() | Member() | AttributeRefused() | Fact(path="consent.status"):
            yield from _missing_consent(sight)
        case Sends(window=window, counting=counting):
            if sight.person.history is None:
                yield "history"
            if counting.this_campaign and sight.campaign.id is None:
                yield "send.campaign"
            if window.calendar is not None and window.zone is None and sight.zone is None:
                yield "recipient.zone"
        case Allowed() | LocalPart():
            yield "send.at" if state.at is None else "recipient.zone"
        case _:
            yield say.fact_name(leaf)


def _missing_consent(sight: Sight) -> Iterator[str]:
    if node_path(sight.ruleset, sight.campaign) is None:
        yield "send.purpose"
    if sight.person.consents is None:
        yield "consents"


def _missing_of_use(sight: Sight, state: State, use: Use, leaf: UseLeaf) -> Iterator[str]:
    registered = sight.ruleset.attributes.get(use.attribute)
    lineage = (registered.lineage if registered else ()) or (use.attribute,)
    match leaf:
        case UseOrigin(origin):
            unknown = [own_origin(sight.ruleset, sight.person, member, origin) is None for member in lineage]
        case UseCollectedFor(named):
            purpose = named if named is not None else send_purpose(sight.ruleset, sight.campaign)
            if purpose is None:
                yield "send.purpose"
                return
            unknown = [own_collected_for(sight.ruleset, sight.person, member, purpose) is None for member in lineage]
        case UseFact("recited" | "selected"):
            yield "uses"
            return
        case UseFact("refused"):
            yield from _missing_consent(sight)
            return
        case UseFact("age"):
            if state.at is None:
                yield "send.at"
            unknown = [collected_at(sight.person, use.attribute) is None]
            lineage = (use.attribute,)
        case UseFact():
            yield f"attributes.{use.attribute}"
            return
    yield from (f"attributes.{member}" for member, missing in zip(lineage, unknown, strict=True) if missing)


# --- the facts beneath ---------------------------------------------------------------------------


def _facts(sight: Sight, state: State, rule: Rule) -> reference.Facts:
    exprs = _exprs(rule)
    leaves, use_leaves = _sorted_leaves(*exprs), _sorted_use_leaves(*exprs)
    return reference.facts_of(fact_row(sight, state, leaves, use_leaves), leaves, use_leaves)


def _named_values(sight: Sight, state: State, rule: Rule, facts: reference.Facts) -> Iterator[tuple[str, Value]]:
    for leaf in _sorted_leaves(rule.breached):
        if not isinstance(leaf, Present):
            yield leaf_name(leaf), facts.values[leaf]
    if facts.uses is None:
        if _quantifies(rule.breached):
            yield "uses", None
        return
    wanted = _sorted_use_leaves(rule.breached)
    for use, values in zip(uses_of(sight.campaign, state) or (), facts.uses, strict=True):
        yield from ((use_leaf_name(use.attribute, leaf), values[leaf]) for leaf in wanted)


def leaf_name(leaf: Leaf) -> str:
    """What a leaf is called where its value is shown."""
    match leaf:
        case Member(path=path, member=member):
            return f"`{member}` in {path}"
        case ConsentMet() | ConsentWasMet():
            return "consent as asked for"
        case Joined(program=program):
            return f"joined `{program}`"
        case AttributeRefused(attribute=attribute):
            return f"refused `{attribute}`"
        case ContentSays(part=part):
            return f"the label in {part}"
        case Sends(window=window, counting=counting):
            return f"{say.counted(counting)} {say.window(window)}"
        case Allowed():
            return "inside the allowed hours"
        case LocalPart(part=part):
            return f"local {part}"
        case Fact(path=path):
            return path
        case _:
            return say.fact_name(leaf)


def use_leaf_name(attribute: str, leaf: UseLeaf) -> str:
    match leaf:
        case UseOrigin(origin):
            return f"`{origin}` in origin of {attribute}"
        case UseCollectedFor(purpose):
            return f"{attribute} collected for {purpose or 'this purpose'}"
        case UseFact(field):
            return f"{field} of {attribute}"


def _exprs(rule: Rule) -> tuple[Expr, ...]:
    return tuple(expr for expr in (rule.breached, rule.reason, rule.applies) if expr is not None)


def _sorted_leaves(*exprs: Expr) -> tuple[Leaf, ...]:
    return tuple(sorted({leaf for expr in exprs for leaf in leaves_of(expr)}, key=canonical))


def _sorted_use_leaves(*exprs: Expr) -> tuple[UseLeaf, ...]:
    return tuple(sorted({leaf for expr in exprs for leaf in use_leaves_of(expr)}, key=canonical))


def _quantifies(expr: Expr) -> bool:
    return any(isinstance(node, ExistsUse | AllUses | SumUses) for node in nodes(expr))
