"""What goes into a judgement and what comes out: the fact row, and the masks.

Bit i of every mask over rules is rule i of the rule set; bit j of a mask over uses is use j of the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from policykit.ir.nodes import Value

UseRow: TypeAlias = tuple[Value, ...]
"""Values of one use, aligned with `RuleSet.use_leaves`."""


@dataclass(frozen=True, slots=True)
class FactRow:
    """Everything known about one send at one (channel, content, instant).

    values: aligned with `RuleSet.leaves`. uses: one row per use still present, in the order of the
    variant's uses (stripped ones left out); None = the uses are unknown.
    attributes: the attribute of each row of `uses`, same order.
    """

    values: tuple[Value, ...]
    uses: tuple[UseRow, ...] | None = None
    attributes: tuple[str, ...] = ()


class Judged(NamedTuple):
    """breached, undetermined: masks over rules. in_breach: for each rule with `use_breached`, in rule order,
    the mask over `FactRow.uses` (of a specialised rule: over its `use_terms`) of the uses in breach, true or
    unknown; 0 when the rule is not breached or the uses are unknown.
    """

    breached: int
    undetermined: int
    in_breach: tuple[int, ...] = ()
