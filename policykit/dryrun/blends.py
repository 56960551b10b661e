"""Offers over relations: how many personalised ones a send still shows, and what rules ask of them (M5).

`rounds._strip` and `rounds._blend` are the law in words. A campaign's offers are the same for
everybody, so all that differs from row to row is which attributes were stripped (`strip`, bits over
the plan's uses) and how many personalised offers may stay (`blend`, NULL = all).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from policykit.dryrun import masks
from policykit.dryrun.plan import Plan
from policykit.ir.offers import choosers
from policykit.model import Offers

NONE_LEFT = "CAST(NULL AS INTEGER)"  # of `blend`, where no rule can ask for it


def left_sql(offers: Offers, uses: Sequence[str], *, strip: str = "strip", blend: str | None = "blend") -> str:
    """How many personalised offers a main content shows. blend: None = nothing is ever blended."""
    bits = {name: 1 << j for j, name in enumerate(uses)}
    masks_ = Counter(sum(bits.get(name, 0) for name in set(offer.chosen_by)) for offer in offers.personalised)
    always = masks_.pop(0, 0)
    parts = [f"CASE WHEN {strip} & {mask} = 0 THEN {count} ELSE 0 END" for mask, count in sorted(masks_.items())]
    count = f"({' + '.join([str(always), *parts])})"
    return count if blend is None else f"least({count}, {blend})"  # least passes over NULL


class Blends:
    """The part of a round that is about offers; nothing where no change can touch them.

    Columns it adds: o_left and o_after, personalised offers before and after the strips of the round;
    f10s_w strip rules that take out what nobody can fill up; blending whether blends of this round
    count; o_asked the smallest number asked for; hitb_w rules that asked for it; f9_w and f10_w.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, self.words, self.word = plan, plan.words, plan.word_type
        self.offers = plan.campaign.offers
        self.rules: Mapping[int, int | None] = {
            bit: None if self.offers is None else rule.share.most(self.offers.show)
            for bit, rule in enumerate(plan.live)
            if rule.mode == "enforce" and rule.share is not None
        }
        self.picking = plan.strip_mask(sorted(choosers(self.offers)))

    @property
    def touched(self) -> bool:
        """Whether some change can lessen the personalised offers, or fail for want of others."""
        return bool(self.rules or self.picking)

    @property
    def column(self) -> str | None:
        """The column that says how many may stay."""
        return "blend" if self.rules else None

    def shown(self, strip: str = "strip") -> str:
        """Personalised offers of the send at hand; a generic text has none."""
        if self.offers is None:
            return "0"
        return (
            f"CASE WHEN generic THEN 0 ELSE {left_sql(self.offers, self.plan.uses, strip=strip, blend=self.column)} END"
        )

    def layers(self, strips_count: str, strip_rules: Sequence[int]) -> list[list[str]]:
        """Further columns of a round. strips_count: whether the strips of this round can be made."""
        if not self.touched:
            return []
        words = self.words
        after = f"CASE WHEN {strips_count} THEN {self.shown('(strip | in_breach)')} ELSE o_left END"
        short = f"(o_after < o_left AND {self._too_few('o_after')})"
        cut = masks.gathered(
            [(bit, f"{short} AND {masks.has('str', bit)} AND x{bit} & {self.picking} <> 0") for bit in strip_rules],
            words, self.word,
        )  # fmt: skip
        against = [masks.some(f"{name}_{w}" for w in words) for name in ("con", "needing", "f4", "f5", "f10s")]
        blending = " AND ".join(f"NOT {test}" for test in ("generic", *against))
        asked = [
            f"CASE WHEN {masks.has('bld', bit)} THEN {most} END"
            for bit, most in self.rules.items() if most is not None
        ]  # fmt: skip
        smallest = f"CASE WHEN blending THEN least({', '.join([NONE_LEFT, *asked])}) END"
        hits = masks.gathered(
            [(bit, f"o_asked < o_after AND o_asked = {most} AND {masks.has('bld', bit)}")
             for bit, most in self.rules.items() if most is not None],
            words, self.word,
        )  # fmt: skip
        failed = []
        for w in words:
            unknown = f"CASE WHEN blending THEN bld_{w} ELSE 0 END" if self.offers is None else "0"
            none_left = f"CASE WHEN {self._too_few('o_asked')} THEN hitb_{w} ELSE 0 END"
            failed += [f"{unknown} AS f9_{w}", f"f10s_{w} | ({none_left}) AS f10_{w}"]
        return [
            [f"{self.shown()} AS o_left"],
            [f"{after} AS o_after"],
            [f"{text} AS f10s_{w}" for w, text in enumerate(cut)],
            [f"({blending}) AS blending"],
            [f"{smallest} AS o_asked"],
            [f"{text} AS hitb_{w}" for w, text in enumerate(hits)],
            failed,
        ]

    def _too_few(self, personalised: str) -> str:
        if self.offers is None:
            return "FALSE"
        return f"{self.offers.show} - {personalised} > {len(self.offers.general)}"

    def next(self) -> str:
        """The number that may stay after a round that went on."""
        return "coalesce(CASE WHEN o_asked < o_after THEN o_asked END, blend)"

    def final(self) -> str:
        """How many personalised offers an ended send shows, NULL where it was not blended."""
        return (
            f"CASE WHEN sent AND NOT generic AND blend IS NOT NULL THEN {self.shown()} END" if self.rules else NONE_LEFT
        )
