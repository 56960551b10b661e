"""Providers a workspace speaks of and nobody here can read."""

from __future__ import annotations

from collections.abc import Iterator

from policykit.assemble.workspace import Opened
from policykit.errors import Place, Problem
from policykit.language.suggest import did_you_mean

# Adapters that come from the makers of policykit, one distribution each.
_OURS = ("fcm", "sendgrid", "twilio")


def named_providers(opened: Opened) -> dict[str, Place | None]:
    """Every provider that a campaign or the configuration names, and where first."""
    workspace = opened.workspace
    places: dict[str, Place | None] = {}
    for manifest in workspace.manifests.values():
        for name, place in manifest.providers.items():
            places.setdefault(name, place)
    for name, provider in workspace.config.providers.items():
        places.setdefault(name, provider.place)
    return places


def without_adapter(opened: Opened) -> Iterator[Problem]:
    """A warning for each of them that no adapter is installed for."""
    known = opened.plugins.adapters
    for name, place in named_providers(opened).items():
        if name in known:
            continue
        guess = "" if name in _OURS else did_you_mean(name, {*known, *_OURS})
        message = f"no adapter for the provider `{name}` is installed{guess}"
        yield Problem(place, message, _way_to(name, guess), "provider.no-adapter", "warning")


def _way_to(name: str, guess: str) -> str:
    without = "without it its live sends are not judged, and nothing can be moved to it"
    if name in _OURS:
        return f"`pip install policykit-{name}` (`-e plugins/policykit-{name}` in a checkout); {without}"
    if guess:
        return "write the name as the adapter does; `policykit plugins` lists those installed"
    return f"install the plugin that has one, or write it (`plugins/README.md`); {without}"
