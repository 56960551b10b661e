"""Programs that ask and do not give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from policykit.errors import Problem
from policykit.lint.base import Desk, Page, warning


def lint(desk: Desk) -> Iterator[Problem]:
    for program in desk.ruleset.programs.values():
        if not program.gives:
            message = f"program `{program.id}` gives nothing to those who join it"
            found = warning(program.place, message, "name its benefits under `gives:`", "program-gives-nothing")
            yield replace(found, severity="error")


_CLUB = "programs:\n  - id: club\n    purpose: marketing.communications\n"

PAGES = (
    Page(
        "lint.program-gives-nothing", "A program that gives nothing",
        "A program is something people join on purpose, for what it gives them. Without a benefit it is a way to "
        "collect consent, and no send of it can satisfy a policy that asks what it delivers.",
        {"policies/club.yaml": _CLUB},
        {"policies/club.yaml": _CLUB + "    gives: [{id: first-look, what: New things a day before the shops}]\n"},
        can_be_silenced=False,
    ),
)  # fmt: skip
