"""Which facts of people a leaf stands on."""

from __future__ import annotations

from collections.abc import Iterator

from policykit.ir.nodes import (
    AttributePermission,
    AttributeRefused,
    ConsentMet,
    ConsentWasMet,
    Fact,
    Joined,
    Leaf,
    Member,
    Sends,
)


def facts_read(leaf: Leaf) -> Iterator[str]:
    """Names of the facts of people that a leaf stands on, as a case would report them missing."""
    match leaf:
        case Fact(path) if path == "consent.status":
            yield "consents"
        case Fact(path) if not path.startswith("send.") or path.startswith("send.address."):
            yield path
        case Member() | ConsentMet() | ConsentWasMet() | Joined() | AttributeRefused():
            yield "consents"
        case Sends(window):
            yield "history"
            if window.rolling is None and window.zone is None:
                yield "recipient.zone"
        case AttributePermission(attribute):
            yield f"attributes.{attribute}"
        case _:
            zone = leaf if hasattr(leaf, "zone") else getattr(leaf, "hours", None)
            if zone is not None and getattr(zone, "zone", "") is None:
                yield "recipient.zone"
