"""The rules of a set as masks, and what was worked out about them before: names, permits, whole decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from policykit.facts.hours import allowed, next_allowed, zones
from policykit.facts.quick import maker
from policykit.ir.nodes import Hours
from policykit.ir.rows import Judged
from policykit.ir.rules import Rule, RuleSet
from policykit.model import FOREVER, Changes, Decision, Micros, Verdict

KEPT = 4096  # decisions and masks remembered; beyond it all are made anew
NO_CHANGES = Changes()
_make_decision = maker(Decision)
_UNSEEN: frozenset[str] = frozenset({"\x00unseen"})  # stands for what was not worked out yet


@dataclass(frozen=True, slots=True)
class Law:
    """The rules of a set as masks, for one channel.

    blocks, asks, contents, strips, schedules, blends: enforced rules by what a breach asks for. asks
    leaves out the rules this channel satisfies. acts: all six. audit: rules only listed (M10).
    strip_rules: every rule with effect `uses`, in order: what `Judged.in_breach` is aligned with.
    schedule_rules, blend_rules: the enforced rules with effect `send_at` and `offers`, in order.
    """

    blocks: int
    asks: int
    contents: int
    strips: int
    schedules: int
    blends: int
    acts: int
    audit: int
    strip_rules: tuple[int, ...]
    schedule_rules: tuple[int, ...]
    blend_rules: tuple[int, ...]


def law(rules: Sequence[Rule], channel: str) -> Law:
    """The masks of rules in their order, for sends by one channel."""
    enforced = [(index, rule) for index, rule in enumerate(rules) if rule.mode == "enforce"]

    def _mask(part: str) -> int:
        return bits_of(index for index, rule in enforced if rule.effect.part == part)

    asks = bits_of(index for index, rule in enforced if rule.effect.part == "channel" and not permits(rule, channel))
    blocks, contents, strips, schedules = _mask("block"), _mask("content"), _mask("uses"), _mask("send_at")
    blends = _mask("offers")
    return Law(
        blocks=blocks,
        asks=asks,
        contents=contents,
        strips=strips,
        schedules=schedules,
        blends=blends,
        acts=blocks | asks | contents | strips | schedules | blends,
        audit=bits_of(index for index, rule in enumerate(rules) if rule.mode == "audit"),
        strip_rules=tuple(index for index, rule in enumerate(rules) if rule.use_breached is not None),
        schedule_rules=tuple(index for index, rule in enforced if rule.effect.part == "send_at"),
        blend_rules=tuple(index for index, rule in enforced if rule.effect.part == "offers"),
    )


def permits(rule: Rule, channel: str) -> bool:
    """Whether a rule that asks for another channel names this one; `less_intrusive` names none."""
    return rule.effect.channels is not None and channel in rule.effect.channels


@dataclass(slots=True)
class Laws:
    """The masks of one rule set for every channel met, the policies' names by mask, and decisions met before."""

    ruleset: RuleSet
    by_channel: dict[str, Law] = field(default_factory=dict)
    by_mask: dict[int, tuple[str, ...]] = field(default_factory=dict)
    by_askers: dict[int, frozenset[str] | None] = field(default_factory=dict)
    by_clock: dict[tuple[int, str | None, Micros, Micros | None], Micros | None] = field(default_factory=dict)
    settled: dict[tuple[int, int, str], Decision] = field(default_factory=dict)
    lessened: dict[tuple[object, ...], Decision] = field(default_factory=dict)

    def of(self, channel: str) -> Law:
        found = self.by_channel.get(channel)
        if found is None:
            found = self.by_channel[channel] = law(self.ruleset.rules, channel)
        return found

    def names(self, mask: int) -> tuple[str, ...]:
        """Policies of the rules in a mask, sorted."""
        found = self.by_mask.get(mask)
        if found is None:
            if len(self.by_mask) >= KEPT:
                self.by_mask.clear()
            rules = self.ruleset.rules
            found = self.by_mask[mask] = tuple(sorted(rules[index].policy for index in indexes_of(mask)))
        return found

    def permitted(self, askers: int) -> frozenset[str] | None:
        """Channels that all of these rules permit; None = any less intrusive one."""
        found = self.by_askers.get(askers, _UNSEEN)
        if found is _UNSEEN:
            if len(self.by_askers) >= KEPT:
                self.by_askers.clear()
            lists = [self.ruleset.rules[index].effect.channels for index in indexes_of(askers)]
            named = [channels for channels in lists if channels is not None]
            found = self.by_askers[askers] = frozenset.intersection(*named) if named else None
        return found

    def asked_instant(self, rule: int, zone: str | None, at: Micros, limit: Micros | None) -> Micros | None:
        """What `asked_instant` says of a rule's hours."""
        key = (rule, zone, at, limit)
        found = self.by_clock.get(key, -1)  # before 1970: no send is put off to there
        if found == -1:
            if len(self.by_clock) >= KEPT:
                self.by_clock.clear()
            found = self.by_clock[key] = asked_instant(self.ruleset.rules[rule].hours, zone, at, limit)
        return found

    def most_personalised(self, rule: int, shown: int) -> int:
        """How many personalised offers a rule lets a message keep that shows so many."""
        share = self.ruleset.rules[rule].share
        assert share is not None  # INVARIANT: `compile` asks it of every rule with effect `offers`
        return share.most(shown)

    def at_once(self, judged: Judged, channel: str, at: Micros) -> Decision:
        """The decision of a first judgement that blocks, or that asks for nothing."""
        key = (judged.breached, judged.undetermined, channel)
        found = self.settled.get(key)
        if found is None or (found.at is not None and found.at != at):
            if len(self.settled) >= KEPT:
                self.settled.clear()
            found = self.settled[key] = self._at_once(judged, channel, at)
        return found

    def _at_once(self, judged: Judged, channel: str, at: Micros) -> Decision:
        masks = self.of(channel)
        unknown, audit = self.names(judged.undetermined), self.names(judged.breached & masks.audit)
        blockers = judged.breached & masks.blocks
        if blockers:
            return Decision(Verdict.BLOCK, NO_CHANGES, self.names(blockers), unknown, audit)
        return _make_decision(Verdict.ALLOW, NO_CHANGES, (), unknown, audit, channel, at, None, ())


def asked_instant(hours: Hours | None, zone: str | None, at: Micros, limit: Micros | None) -> Micros | None:
    """The instant a rule asks for: FOREVER when none lies before the deadline, None when the zone is unknown."""
    assert hours is not None
    at_zone = hours.zone or zone
    if at_zone is None or at_zone not in zones():
        return None
    if allowed(hours, zone, at):
        return at
    found = None if limit is None else next_allowed(hours, zone, at, limit)
    return FOREVER if found is None else found


def bits_of(indexes: Iterable[int]) -> int:
    return reduce(or_, (1 << index for index in indexes), 0)


def indexes_of(mask: int) -> list[int]:
    return [index for index in range(mask.bit_length()) if mask >> index & 1]
