"""What live enforcement runs by: the workspace as loaded, replaced as a whole when it is loaded again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from policykit.adapters.base import Settings
from policykit.engine import Engine
from policykit.ir.rules import RuleSet
from policykit.language.campaign import Manifest
from policykit.vocabulary import Vocabulary

Mode: TypeAlias = Literal["off", "audit", "enforce"]


@dataclass(frozen=True, slots=True)
class ProviderRules:
    """What `policykit.yaml` says of one provider.

    on_block: `answer` or `raise`. campaign_from: the slots that name the campaign, in this order;
    empty = those the adapter knows. transactional: slot -> values that make a send without a
    manifest transactional.
    """

    settings: Settings = field(default_factory=Settings)
    on_block: str = "answer"
    campaign_from: tuple[str, ...] = ()
    transactional: Mapping[str, frozenset[str]] = field(default_factory=dict)


# What holds where nothing is said: doubt is a refusal, except for what a person needs at once.
ON_ERROR: Mapping[str, str] = {"marketing": "block", "service": "block", "transactional": "allow"}


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """A workspace that is right. on_error: message class -> `block` or `allow`, when nothing can be judged.
    sender_address: the postal address that messages show.

    eq: identity, because what is worked out about a workspace is remembered by it.
    """

    ruleset: RuleSet
    engine: Engine
    vocabulary: Vocabulary
    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    mode: Mode = "audit"
    on_error: Mapping[str, str] = field(default_factory=lambda: ON_ERROR)
    providers: Mapping[str, ProviderRules] = field(default_factory=dict)
    sender_address: str | None = None
