"""One send at a time: a person's record in, a decision out.

`Engine` judges with Python generated for each (campaign, channel, content); `reference_decide` with
the interpreter and the rules as compiled. Both must agree on everything (M2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from policykit import rounds
from policykit.backends.python import compile_rules
from policykit.facts.consent import Standing, membership, node_path, program_path, refuses, standing_on
from policykit.facts.readers import row_reader
from policykit.facts.row import Sight, State, prepared_for, uses_of
from policykit.ir.nodes import AttributeRefused, Joined, Leaf, Value
from policykit.ir.offers import offers_on
from policykit.ir.rows import FactRow, Judged
from policykit.ir.rules import RuleSet
from policykit.ir.specialise import leaves_left, specialise
from policykit.model import Campaign, Decision, Micros, Person, Prepared
from policykit.rounds.reference import audience, decide_audience, reference_decide, reference_judge

__all__ = ["Engine", "audience", "decide_audience", "reference_decide", "reference_judge"]

_NOTHING = Standing((), ())
_KEPT = 4096  # specialised functions kept; beyond it all are made anew


@dataclass(frozen=True, slots=True)
class _Specialised:
    """The function for one campaign, channel and variant, and what reads its facts.

    terms: per rule with effect `uses`, the attribute that each bit of `in_breach` stands for.
    masks: what `_by_use` said before. programs: the path of every program that some rule asks who joined.
    refused: attributes of which some rule asks whether the person refused them.
    """

    judge: Callable[[_Values], Judged]
    read: Callable[[Sight, State], list[Value]]
    strips: int
    programs: tuple[tuple[str, ...], ...]
    refused: tuple[str, ...]
    terms: tuple[tuple[str, ...], ...]
    masks: dict[tuple[tuple[int, ...], frozenset[str]], tuple[int, ...]] = field(default_factory=dict)


class _Values(NamedTuple):
    """The fact row of specialised rules, which read nothing of single uses."""

    values: list[Value]


@dataclass(slots=True)
class Engine:
    """Decides sends by one rule set; holds the functions generated so far, nothing about people."""

    ruleset: RuleSet
    laws: rounds.Laws = field(init=False)
    _made: dict[tuple[object, ...], _Specialised] = field(default_factory=dict, init=False, repr=False)
    _paths: dict[tuple[str | None, str | None], Mapping[str, int]] = field(default_factory=dict, init=False, repr=False)
    _unspecialised: Callable[[FactRow], Judged] | None = field(default=None, init=False, repr=False)
    _last: tuple[Campaign, dict[tuple[str, bool], _Specialised]] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.laws = rounds.Laws(self.ruleset)

    def decide(
        self, campaign: Campaign, person: Person, now: Micros, start: str | None = None, at: Micros | None = None
    ) -> Decision:
        """The decision for one send.

        start, at: the channel and the instant it was going to leave by, None = as planned.
        """
        return rounds.decide(self.laws, self.judge, campaign, person, now, start, at)

    def stood_on(self, campaign: Campaign, person: Person, channel: str, now: Micros) -> tuple[str, ...]:
        """Ids of the consent records that speak about this send: live refusals, then grants in force, as recorded.

        Those by which the person is, or is no more, in a program that policies ask about follow, then refusals of
        attributes.
        """
        if not person.consents:
            return ()
        places = self._places(campaign)
        found = _NOTHING if places is None else standing_on(person.consents, places, channel, now)
        ids = [record.id for record in (*found.refusals, *found.in_force)]
        made = self._specialised(campaign, channel, False)
        for path in made.programs:
            joined = membership(person.consents, path, now)
            ids += [record.id for record in joined.in_force or joined.refusals]
        for attribute in made.refused if places is not None else ():
            ids += [record.id for record in refuses(person.consents, attribute, places or {}, channel, now)]
        return tuple(dict.fromkeys(ids)) if len(ids) > 1 else tuple(ids)

    def decide_from(
        self,
        facts: Callable[[State], FactRow],
        campaign: Campaign,
        person: Person,
        now: Micros,
        start: str | None = None,
    ) -> Decision:
        """The decision when the facts are at hand already.

        facts: gives the row of the send as it stands, aligned with the rule set's leaves; asked
            again only after the send was lessened. person: read for addresses, ranks and zone alone.
        """
        judge = self._whole()

        def _judge(_: Sight, state: State) -> Judged:
            return judge(facts(state))

        return rounds.decide(self.laws, _judge, campaign, person, now, start)

    def judge(self, sight: Sight, state: State) -> Judged:
        """What every rule says of a send as it stands (`rounds.Judge`)."""
        made = self._specialised(sight.campaign, state.channel, state.generic)
        judged = made.judge(_Values(made.read(sight, state)))
        if not judged.breached & made.strips:
            return judged
        key = (judged.in_breach, state.stripped)
        masks = made.masks.get(key)
        if masks is None:
            if len(made.masks) >= _KEPT:
                made.masks.clear()
            masks = made.masks[key] = _by_use(judged.in_breach, made.terms, sight, state)
        return Judged(judged.breached, judged.undetermined, masks)

    def _places(self, campaign: Campaign) -> Mapping[str, int] | None:
        """Nodes that cover the campaign's sends, each with its place, narrowest first; None when nobody knows."""
        key = (campaign.purpose, campaign.program)
        found = self._paths.get(key)
        if found is None:
            path = node_path(self.ruleset, campaign)
            if path is None:
                return None
            if len(self._paths) >= _KEPT:
                self._paths.clear()
            found = self._paths[key] = {node: place for place, node in enumerate(path)}
        return found

    def _whole(self) -> Callable[[FactRow], Judged]:
        """The function for every send, made on first use."""
        if self._unspecialised is None:
            rules = self.ruleset
            self._unspecialised = compile_rules(rules.rules, rules.leaves, rules.use_leaves)
        return self._unspecialised

    def _specialised(self, campaign: Campaign, channel: str, generic: bool) -> _Specialised:  # noqa: FBT001  # a key
        last = self._last
        if last is None or last[0] is not campaign:
            last = self._last = (campaign, {})
        made = last[1].get((channel, generic))
        if made is None:
            made = last[1][channel, generic] = self._find(campaign, channel, generic)
        return made

    def _find(self, campaign: Campaign, channel: str, generic: bool) -> _Specialised:  # noqa: FBT001  # a key
        prepared = prepared_for(campaign, channel) or Prepared(channel)
        key = _content_key(campaign, prepared, generic)
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= _KEPT:
                self._made.clear()
            made = self._made[key] = self._make(campaign, prepared, generic)
        return made

    def _make(self, campaign: Campaign, prepared: Prepared, generic: bool) -> _Specialised:  # noqa: FBT001  # a key
        rules = specialise(self.ruleset, campaign, prepared, generic)
        order, read = row_reader(self.ruleset, campaign, prepared.channel, generic, leaves_left(rules))
        stripping = [(index, rule) for index, rule in enumerate(rules) if rule.rule.use_breached is not None]
        return _Specialised(
            judge=compile_rules(rules, order, ()),  # type: ignore[arg-type]  # they read `values` alone
            read=read,
            strips=sum(1 << index for index, _ in stripping),
            programs=tuple(filter(None, (program_path(self.ruleset, name) for name in _joined(order)))),
            refused=tuple(leaf.attribute for leaf in order if isinstance(leaf, AttributeRefused)),
            terms=tuple(tuple(attribute for attribute, _ in rule.use_terms or ()) for _, rule in stripping),
        )


def _joined(leaves: Iterable[Leaf]) -> Iterable[str]:
    return (leaf.program for leaf in leaves if isinstance(leaf, Joined))


def _content_key(campaign: Campaign, prepared: Prepared, generic: bool) -> tuple[object, ...]:  # noqa: FBT001  # a key
    """Everything that is folded into a specialised function."""
    content = prepared.generic if generic else prepared.content
    offers = offers_on(campaign, prepared.channel, generic=generic)
    return (
        campaign.id, campaign.message_class, campaign.purpose, campaign.program, campaign.controller,
        campaign.helps, campaign.need, campaign.delivers, prepared.channel, prepared.provider, generic, content,
        offers,
    )  # fmt: skip


def _by_use(
    in_breach: tuple[int, ...], terms: tuple[tuple[str, ...], ...], sight: Sight, state: State
) -> tuple[int, ...]:
    """Masks over the terms of specialised rules as masks over the uses still present."""
    places = {use.attribute: place for place, use in enumerate(uses_of(sight.campaign, state) or ())}
    return tuple(
        sum(1 << places[attribute] for bit, attribute in enumerate(names) if mask >> bit & 1)
        for mask, names in zip(in_breach, terms, strict=True)
    )
