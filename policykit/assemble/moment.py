"""The clock, and instants that a user types."""

from __future__ import annotations

from datetime import UTC, datetime

from policykit.errors import UsageError
from policykit.language.spans import INSTANT_EXAMPLE, parse_instant, parse_local
from policykit.model import Micros, to_micros


def now() -> Micros:
    return to_micros(datetime.now(UTC))


def instant(text: str | None, option: str) -> Micros | None:
    """The instant given with an option; None when it was not given."""
    if text is None:
        return None
    found = parse_instant(text)
    if found is None:
        what = "has no offset, so nobody knows when it is" if parse_local(text) else "is no instant"
        raise UsageError(f"`{option} {text}` {what}", f"write an instant with an offset, e.g. `{INSTANT_EXAMPLE}`")
    return found
