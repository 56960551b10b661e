"""Contracts that plugins prove themselves with, and a loopback double of their providers.

Each name is imported when first used, so that the pytest plugin costs nothing where it is not used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policykit.testing.adapter import AdapterContract
    from policykit.testing.double import Double
    from policykit.testing.store import StoreContract

__all__ = ["AdapterContract", "Double", "StoreContract"]

_HOME = {"AdapterContract": "adapter", "Double": "double", "StoreContract": "store"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module `policykit.testing` has no `{name}`")
    return getattr(import_module(f"policykit.testing.{_HOME[name]}"), name)
