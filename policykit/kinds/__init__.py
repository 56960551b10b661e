"""The built-in kinds of policy, one file each: schema, lowering, documentation page.

A kind is sugar: it lowers to conditions of the IR and has no code in any backend. This module is
itself a plugin: its kinds arrive through `policykit_kinds`, as those of third parties do, and the
library of policies through `policykit_packs`.
"""

from __future__ import annotations

from pathlib import Path

from policykit.demo.library import library_folders
from policykit.hookspecs import Kind, hookimpl
from policykit.kinds import (
    consent,
    content,
    data,
    frequency,
    intrusiveness,
    offers,
    program,
    purpose,
    quiet_hours,
    rule,
    style,
)

_FILES = (consent, content, data, frequency, intrusiveness, offers, program, purpose, quiet_hours, rule, style)
BUILT_IN: tuple[Kind, ...] = tuple(file.KIND for file in _FILES)


@hookimpl
def policykit_kinds() -> tuple[Kind, ...]:
    return BUILT_IN


@hookimpl
def policykit_packs() -> tuple[Path, ...]:
    return library_folders()
