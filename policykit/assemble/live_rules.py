"""A workspace as live enforcement runs by it: its rules, and each provider's settings with credentials resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from policykit.adapters.base import Adapter, Settings
from policykit.assemble.workspace import Opened
from policykit.enforce.rules import Mode, ProviderRules, Rules
from policykit.engine import Engine
from policykit.errors import UsageError
from policykit.language.providers import Provider
from policykit.language.suggest import did_you_mean, every

MODES: tuple[Mode, ...] = get_args(Mode)


def live_rules(
    opened: Opened,
    adapters: Mapping[str, Adapter],
    environ: Mapping[str, str],
    mode: Mode | None = None,
    loopback: str | None = None,
) -> Rules:
    """What the gate runs by. mode: in place of the workspace's own. environ: where credentials are read.

    loopback: a server that gets everything in place of the providers, with nobody's credentials.
    """
    config = opened.workspace.config
    names = sorted({*config.providers, *adapters})
    return Rules(
        ruleset=opened.ruleset,
        engine=Engine(opened.ruleset),
        vocabulary=opened.vocabulary,
        manifests=opened.workspace.manifests,
        mode=mode or config.mode,
        on_error=config.on_error,
        providers={
            name: _provider_rules(config.providers.get(name, Provider()), adapters.get(name), environ, loopback)
            for name in names
        },
        sender_address=config.sender_address,
    )


def _provider_rules(
    said: Provider, adapter: Adapter | None, environ: Mapping[str, str], loopback: str | None
) -> ProviderRules:
    return ProviderRules(
        settings=settings_of(said, environ) if loopback is None else _here(said, loopback),
        on_block=said.on_block or (adapter.on_block if adapter else "answer"),
        campaign_from=said.campaign_from,
        transactional={slot: frozenset(values) for slot, values in said.transactional.items()},
    )


def settings_of(said: Provider, environ: Mapping[str, str]) -> Settings:
    found = {name: environ[variable] for name, variable in said.credentials.items() if environ.get(variable)}
    return Settings(found, said.options)


def _here(said: Provider, loopback: str) -> Settings:
    credentials = dict.fromkeys(said.credentials, "loopback")
    if "service_account" in credentials:  # a file that need not exist here
        credentials = {"access_token": "loopback"}
    return Settings(credentials, {**said.options, "base_url": loopback})


def checked_mode(mode: str | None) -> Mode | None:
    """The mode, or None when none was asked for; anything else is wrong use."""
    found = next((each for each in MODES if each == mode), None)
    if mode is not None and found is None:
        raise UsageError(f"there is no mode `{mode}`{did_you_mean(mode, MODES)}", f"modes: {every(MODES)}")
    return found
