"""policykit: policy-as-code for marketing messages.

What is public, each name imported when first used: `import policykit` alone costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from policykit.version import __version__

if TYPE_CHECKING:
    from policykit.errors import BadData, InvalidPolicies, PolicykitError, UsageError
    from policykit.hookspecs import hookimpl
    from policykit.model import Changes, Decision, Verdict

__all__ = [
    "BadData",
    "Changes",
    "Decision",
    "InvalidPolicies",
    "PolicykitError",
    "UsageError",
    "Verdict",
    "__version__",
    "hookimpl",
]

_HOME = {
    **dict.fromkeys(("BadData", "InvalidPolicies", "PolicykitError", "UsageError"), "policykit.errors"),
    **dict.fromkeys(("Changes", "Decision", "Verdict"), "policykit.model"),
    "hookimpl": "policykit.hookspecs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module `policykit` has no `{name}`")
    return getattr(import_module(_HOME[name]), name)
