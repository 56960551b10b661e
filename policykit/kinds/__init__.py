"""The built-in kinds of policy, one file each: schema, lowering, documentation page.

A kind is sugar: it lowers to conditions of the IR and has no code in any backend. This module is
itself a plugin: its kinds arrive through `policykit_kinds`, as those of third parties do.
"""

from __future__ import annotations

from policykit.hookspecs import Kind, hookimpl
from policykit.kinds import consent, data, frequency, intrusiveness, purpose, quiet_hours, rule, style

BUILT_IN: tuple[Kind, ...] = tuple(
    module.KIND for module in (consent, data, frequency, intrusiveness, purpose, quiet_hours, rule, style)
)


@hookimpl
def policykit_kinds() -> tuple[Kind, ...]:
    return BUILT_IN
