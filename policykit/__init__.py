"""policykit: policy-as-code for marketing messages.

What is public, each name imported when first used: `import policykit` alone costs nothing.

    policykit.install()                                    # guards every send of this process
    with policykit.sending(campaign="basket") as sent: ... # says which campaign sends belong to
    policykit.decision_of(error)                           # the decision behind a refusal
    policykit.record("consents", rows)                     # writes what is learnt about people
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from policykit.version import __version__

if TYPE_CHECKING:
    from policykit.assemble.live import decision_of, install, judge, record, status, uninstall
    from policykit.enforce.context import sending
    from policykit.errors import (
        BadData,
        InvalidPolicies,
        PolicykitError,
        SendBlocked,
        StoreUnavailable,
        UsageError,
    )
    from policykit.hookspecs import hookimpl
    from policykit.model import Changes, Decision, Verdict
    from policykit.sends import DecisionRecord, Send

__all__ = [
    "BadData",
    "Changes",
    "Decision",
    "DecisionRecord",
    "InvalidPolicies",
    "PolicykitError",
    "Send",
    "SendBlocked",
    "StoreUnavailable",
    "UsageError",
    "Verdict",
    "__version__",
    "decision_of",
    "hookimpl",
    "install",
    "judge",
    "record",
    "sending",
    "status",
    "uninstall",
]

_ERRORS = ("BadData", "InvalidPolicies", "PolicykitError", "SendBlocked", "StoreUnavailable", "UsageError")
_LIVE = ("decision_of", "install", "judge", "record", "status", "uninstall")
_HOME = {
    **dict.fromkeys(_ERRORS, "policykit.errors"),
    **dict.fromkeys(_LIVE, "policykit.assemble.live"),
    **dict.fromkeys(("Changes", "Decision", "Verdict"), "policykit.model"),
    **dict.fromkeys(("DecisionRecord", "Send"), "policykit.sends"),
    "hookimpl": "policykit.hookspecs",
    "sending": "policykit.enforce.context",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module `policykit` has no `{name}`")
    found = globals()[name] = getattr(import_module(_HOME[name]), name)
    return found
