"""Discovery of plugins: what they add, and which of them could not be used and why.

A plugin that fails never takes the host down: it is listed with its error, the rest goes on, and
what needed it says so. The order of plugins never matters: they are taken by name, built-in first.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, cast

import pluggy

from policykit import hookspecs, kinds
from policykit.adapters.base import Adapter
from policykit.adapters.envelope import Envelope
from policykit.adapters.events import Receiver
from policykit.errors import Problem
from policykit.hookspecs import PROJECT, Attach, Kind, OpenStore
from policykit.language.config import CONFIG_FILE
from policykit.language.policy import POLICY_SCHEMA
from policykit.language.schema import Shape
from policykit.language.tree import MapNode, Source
from policykit.sends import DecisionRecord
from policykit.version import __version__
from policykit.vocabulary import CHANNELS, FACTS, FactSpec

_HOOKS = (
    "policykit_kinds", "policykit_facts", "policykit_adapters", "policykit_stores", "policykit_guards",
    "policykit_packs", "policykit_feedback", "policykit_decided",
)  # fmt: skip
_BUILT_IN = "policykit-core"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*")
_STORES = ("sqlite", "memory")  # built in
_NOTHING = MapNode(Source("", ""), 1, 1, {})
_FACT_TYPES = ("bool", "int", "double", "string", "timestamp", "duration")
_OURS = ("send", "consent", "uses", "uses[]", "attributes")  # facts that policykit itself derives


Observer = Callable[[Sequence[DecisionRecord]], None]
_log = logging.getLogger("policykit")


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin as found. error: None when it loaded; packs: its folders; the rest: the names of what it added."""

    name: str
    distribution: str
    version: str
    error: str | None = None
    kinds: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    observes: bool = False
    packs: tuple[Path, ...] = ()
    receivers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plugins:
    """Everything plugins add, the built-in kinds among it, and warnings about those that could not.

    adapters: by name of the provider. stores: by scheme. observers: never raise.
    """

    kinds: dict[str, Kind]
    facts: tuple[FactSpec, ...]
    found: tuple[Plugin, ...]
    problems: tuple[Problem, ...] = ()
    adapters: Mapping[str, Adapter] = field(default_factory=dict)
    stores: Mapping[str, OpenStore] = field(default_factory=dict)
    guards: tuple[Attach, ...] = ()
    observers: tuple[Observer, ...] = ()
    receivers: Mapping[str, Receiver] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Added:
    """What one plugin's hooks gave, checked."""

    kinds: tuple[Kind, ...]
    facts: tuple[FactSpec, ...]
    adapters: tuple[Adapter, ...]
    stores: Mapping[str, OpenStore]
    guards: tuple[Attach, ...]
    observers: tuple[Observer, ...]
    packs: tuple[Path, ...]
    receivers: tuple[Receiver, ...] = ()


class _Loading:
    """Plugins as they come in: pluggy checks their hooks, and names are given to the first who asks."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.kinds: dict[str, Kind] = {}
        self.facts: dict[str, FactSpec] = {}
        self.adapters: dict[str, Adapter] = {}
        self.stores: dict[str, OpenStore] = {}
        self.receivers: dict[str, Receiver] = {"app": Envelope()}
        self.guards: list[Attach] = []
        self.observers: list[Observer] = []
        self.owners: dict[tuple[str, str], str] = {
            **{("fact", spec.path): _BUILT_IN for spec in FACTS},
            **{("store", scheme): _BUILT_IN for scheme in _STORES},
            ("receiver", "app"): _BUILT_IN,
        }
        self.given: set[tuple[str, str]] = set(self.owners)
        self.found: list[Plugin] = []
        self.problems: list[Problem] = []

    def warn(self, message: str, way_out: str | None = None) -> None:
        self.problems.append(Problem(None, message, way_out, "plugin.failed", "warning"))

    def add(self, name: str, distribution: str, version: str, load: Callable[[], object]) -> None:
        """Take one plugin in, or list it with its error."""
        # The border for plugins: whatever their code raises belongs to them, and is told with their name.
        try:
            plugin = self._take(name, distribution, version, load())
        except (Exception, SystemExit) as error:
            shown = _shown(error)
            self.found.append(Plugin(name, distribution, version, error=shown))
            self.warn(f"plugin `{name}` of `{distribution}` could not be used: {shown}", "update it, or uninstall it")
        else:
            self.found.append(plugin)

    def _take(self, name: str, distribution: str, version: str, plugin: object) -> Plugin:
        if self.manager.has_plugin(name):
            raise ValueError(f"another plugin is named `{name}`")
        self.manager.register(plugin, name)
        self._check_hooks(name, plugin)
        # All hooks answer before anything is taken, so that a plugin is used whole or not at all.
        added = self._added(name, plugin)
        if distribution != _BUILT_IN:
            _check_kinds(added.kinds)
            _check_facts(added.facts)
            _check_adapters(added.adapters)
            _check_stores(added.stores)
            _check_packs(added.packs)
        return self._give(name, distribution, version, added)

    def _added(self, name: str, plugin: object) -> _Added:
        stores: dict[str, OpenStore] = {}
        for answer in self._called("policykit_stores", plugin):
            stores |= cast(Mapping[str, OpenStore], answer)
        guards = [
            each for answer in self._called("policykit_guards", plugin) for each in cast(Iterable[Attach], answer)
        ]
        if not all(callable(each) for each in (*guards, *stores.values())):
            raise TypeError("`policykit_guards` and `policykit_stores` give functions")
        return _Added(
            tuple(self._answers("policykit_kinds", plugin, Kind)),
            tuple(self._answers("policykit_facts", plugin, FactSpec)),
            tuple(self._answers("policykit_adapters", plugin, Adapter)),
            stores,
            tuple(guards),
            tuple(_unharmful(name, impl) for impl in self._impls("policykit_decided", plugin)),
            tuple(self._answers("policykit_packs", plugin, Path)),
            tuple(self._answers("policykit_feedback", plugin, Receiver)),
        )

    def _give(self, name: str, distribution: str, version: str, added: _Added) -> Plugin:
        """Take what nobody gave before; what was given stays with the first."""
        kinds = {kind.name: kind for kind in added.kinds if self._own("kind", kind.name, distribution)}
        facts = {spec.path: spec for spec in added.facts if self._own("fact", spec.path, distribution)}
        adapters = {each.name: each for each in added.adapters if self._own("adapter", each.name, distribution)}
        stores = {key: value for key, value in added.stores.items() if self._own("store", key, distribution)}
        receivers = {each.name: each for each in added.receivers if self._own("receiver", each.name, distribution)}
        self.receivers |= receivers
        self.kinds |= kinds
        self.facts |= facts
        self.adapters |= adapters
        self.stores |= stores
        self.guards += added.guards
        self.observers += added.observers
        return Plugin(
            name, distribution, version, None, tuple(kinds), tuple(facts), tuple(adapters), tuple(stores),
            tuple(_named(guard) for guard in added.guards), bool(added.observers), added.packs,
            tuple(receivers),
        )  # fmt: skip

    def _own(self, what: str, name: str, distribution: str) -> bool:
        """Give a name to a distribution; False, and said so, when it is taken, by itself included."""
        owner = self.owners.setdefault((what, name), distribution)
        taken = (what, name) in self.given
        self.given.add((what, name))
        if taken:
            self.warn(f"{what} `{name}` of `{distribution}` is left out: `{owner}` has that name", "rename one of them")
        return not taken

    def _check_hooks(self, name: str, plugin: object) -> None:
        """Say which hooks of a plugin do nothing: unknown to this policykit, or not marked."""
        for caller in self.manager.get_hookcallers(plugin) or ():
            if not caller.has_spec():
                self.warn(f"plugin `{name}`: no hook is called `{caller.name}`", f"the hooks are {_listed(_HOOKS)}")
        marked = {caller.name for caller in self.manager.get_hookcallers(plugin) or ()}
        for hook in _HOOKS:
            if hasattr(plugin, hook) and hook not in marked:
                self.warn(f"plugin `{name}`: `{hook}` is not marked", "mark it with `@policykit.hookimpl`")

    def _impls(self, hook: str, plugin: object) -> list[pluggy.HookImpl]:
        caller: pluggy.HookCaller = getattr(self.manager.hook, hook)
        return [impl for impl in caller.get_hookimpls() if impl.plugin is plugin]

    def _called(self, hook: str, plugin: object) -> Iterator[object]:
        return (impl.function() for impl in self._impls(hook, plugin))

    def _answers(self, hook: str, plugin: object, type_: type[Any]) -> Iterator[Any]:
        for answers in self._called(hook, plugin):
            for answer in cast(Iterable[object], answers):
                if not isinstance(answer, type_):
                    raise TypeError(f"`{hook}` gave a {type(answer).__name__}, expected {type_.__name__}")
                yield answer


def discover(found: Iterable[EntryPoint] | None = None) -> Plugins:
    """Load every plugin installed beside policykit, each in isolation.

    found: entry points to take instead of those of this environment.
    """
    loading = _Loading()
    loading.add("kinds", _BUILT_IN, __version__, lambda: kinds)
    installed = entry_points(group=PROJECT) if found is None else found
    for point in sorted(installed, key=lambda point: (_distribution(point), point.name)):
        version = point.dist.version if point.dist else "unknown"
        loading.add(point.name, _distribution(point), version, point.load)
    return Plugins(
        loading.kinds, tuple(loading.facts.values()), tuple(loading.found), tuple(loading.problems),
        loading.adapters, loading.stores, tuple(loading.guards), tuple(loading.observers),
        loading.receivers,
    )  # fmt: skip


def _unharmful(name: str, impl: pluggy.HookImpl) -> Observer:
    """An observer that never raises; what it raises is logged, the first time with its kind."""
    failed = False

    def observe(decisions: Sequence[DecisionRecord]) -> None:
        nonlocal failed
        # The border for plugins: an observer's fault costs no send anything.
        try:
            impl.function(decisions) if impl.argnames else impl.function()
        except Exception as error:
            if not failed:
                failed = True
                # Only the kind of error: its text may hold what the observer was given.
                _log.warning("plugin `%s` failed to observe decisions: %s", name, type(error).__name__)

    return observe


def _named(function: Callable[..., object]) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__name__)}"


def _check_kinds(kinds: Iterable[Kind]) -> None:
    """Raise for a kind that would fail, or bend a common key, when a policy of it is read."""
    for kind in kinds:
        if not _NAME.fullmatch(kind.name):
            raise ValueError(f"`{kind.name}` is no name for a kind; expected lower-case letters, digits and `_`")
        if not kind.schemas or kind.schemas.keys() - {"require", "forbid"}:
            raise ValueError(f"kind `{kind.name}` must have schemas for `require`, `forbid` or both, and no others")
        common = kind.extra.keys() & POLICY_SCHEMA.keys()
        if common:
            raise ValueError(f"kind `{kind.name}` redefines {_listed(sorted(common))}, which every policy has")
        for schema in (*kind.schemas.values(), kind.extra):
            Shape(schema or {}, kind.name).check(_NOTHING)


def _check_facts(facts: Iterable[FactSpec]) -> None:
    for spec in facts:
        if spec.path.split(".")[0] in _OURS or "." not in spec.path:
            raise ValueError(f"fact `{spec.path}` is not about the person; expected e.g. `recipient.tier`")
        if spec.type not in _FACT_TYPES:
            raise ValueError(f"fact `{spec.path}` has the type `{spec.type}`; expected {_listed(_FACT_TYPES)}")


def _check_adapters(adapters: Iterable[Adapter]) -> None:
    for adapter in adapters:
        name = getattr(adapter, "name", None)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(f"`{name}` is no name for a provider; expected lower-case letters, digits and `_`")
        unknown = set(getattr(adapter, "channels", ())) - set(CHANNELS)
        if unknown or not getattr(adapter, "channels", ()):
            which = _listed(sorted(unknown)) if unknown else "none"
            raise ValueError(f"adapter `{name}` has the channels {which}; expected some of {_listed(CHANNELS)}")


def _check_stores(stores: Mapping[str, OpenStore]) -> None:
    for scheme in stores:
        if not _SCHEME.fullmatch(scheme):
            raise ValueError(f"`{scheme}` is no scheme of a URL")


def _check_packs(folders: Iterable[Path]) -> None:
    for folder in folders:
        if not (folder / CONFIG_FILE).is_file():
            raise ValueError(f"a folder of packs has no `{CONFIG_FILE}`: `{folder.name}`")


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _shown(error: BaseException) -> str:
    said = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
