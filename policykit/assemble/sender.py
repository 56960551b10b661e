"""What policies look for in messages and nobody wrote down."""

from __future__ import annotations

from collections.abc import Iterator

from policykit.assemble.workspace import Opened
from policykit.errors import Problem
from policykit.ir.nodes import Fact
from policykit.ir.walk import leaves_of

_ADDRESS = "send.content.postal_address"


def missing_sender_address(opened: Opened) -> Iterator[Problem]:
    """Policies that look for the sender's postal address where `policykit.yaml` names none: nothing can meet them."""
    if opened.workspace.config.sender_address is not None:
        return
    for rule in opened.ruleset.rules:
        if any(isinstance(leaf, Fact) and leaf.path == _ADDRESS for leaf in leaves_of(rule.breached)):
            message = f"`{rule.policy}` looks for the postal address of who sends, which nobody says"
            way_out = "write `sender_address:` in `policykit.yaml`"
            yield Problem(rule.place, message, way_out, "content.sender-address", "warning")
