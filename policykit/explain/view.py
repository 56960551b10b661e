"""One person's send as it stood when a policy spoke of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from policykit.backends.reference import Facts, facts_of
from policykit.facts.consent import Standing, node_path, standing
from policykit.facts.row import Sight, State, fact_row
from policykit.facts.zones import segments, zones
from policykit.ir import say
from policykit.ir.rules import Rule
from policykit.ir.walk import canonical, leaves_of, use_leaves_of
from policykit.model import Micros, Use, from_micros
from policykit.rounds import variant_uses


@dataclass
class View:
    """One person's send as it stood when it was judged, with what was asked of it so far."""

    sight: Sight
    state: State
    rows: dict[str, Facts] = field(default_factory=dict)

    def facts(self, rule: Rule) -> Facts:
        found = self.rows.get(rule.policy)
        if found is None:
            exprs = [rule.breached, rule.reason, *([rule.use_breached] if rule.use_breached else [])]
            leaves = tuple(sorted({leaf for expr in exprs for leaf in leaves_of(expr)}, key=canonical))
            uses = tuple(sorted({leaf for expr in exprs for leaf in use_leaves_of(expr)}, key=canonical))
            row = fact_row(self.sight, self.state, leaves, uses)
            found = self.rows[rule.policy] = facts_of(row, leaves, uses)
        return found

    @property
    def uses(self) -> tuple[Use, ...]:
        return variant_uses(self.sight.campaign, self.state)

    @property
    def standing(self) -> Standing | None:
        path = node_path(self.sight.ruleset, self.sight.campaign)
        records = self.sight.person.consents
        return None if records is None or path is None else standing(records, path, self.state.channel, self.sight.now)


def local(at: Micros | None, zone: str | None) -> str | None:
    """An instant on the person's clock, else in UTC."""
    if at is None:
        return None
    if zone is None or zone not in zones():
        return f"{say.moment(from_micros(at))} (UTC)"
    return f"{say.moment(from_micros(at + segments(zone, at, at + 1)[0].offset))} ({zone})"
