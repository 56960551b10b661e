"""Discovery of plugins: what they add, and which of them could not be used and why.

A plugin that fails never takes the host down: it is listed with its error, the rest goes on, and
what needed it says so. The order of plugins never matters: they are taken by name, built-in first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

import pluggy

from policykit import hookspecs, kinds
from policykit.errors import Problem
from policykit.hookspecs import PROJECT, Kind
from policykit.language.policy import POLICY_SCHEMA
from policykit.language.schema import Shape
from policykit.language.tree import MapNode, Source
from policykit.version import __version__
from policykit.vocabulary import FACTS, FactSpec

_HOOKS = ("policykit_kinds", "policykit_facts")
_BUILT_IN = "policykit-core"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NOTHING = MapNode(Source("", ""), 1, 1, {})
_FACT_TYPES = ("bool", "int", "double", "string", "timestamp", "duration")
_OURS = ("send", "consent", "uses", "uses[]", "attributes")  # facts that policykit itself derives


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin as found. error: None when it loaded; kinds and facts: the names it added."""

    name: str
    distribution: str
    version: str
    error: str | None = None
    kinds: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plugins:
    """Everything plugins add, the built-in kinds among it, and warnings about those that could not."""

    kinds: dict[str, Kind]
    facts: tuple[FactSpec, ...]
    found: tuple[Plugin, ...]
    problems: tuple[Problem, ...] = ()


class _Loading:
    """Plugins as they come in: pluggy checks their hooks, and names are given to the first who asks."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.kinds: dict[str, Kind] = {}
        self.facts: dict[str, FactSpec] = {}
        self.owners: dict[tuple[str, str], str] = {("fact", spec.path): _BUILT_IN for spec in FACTS}
        self.given: set[tuple[str, str]] = set(self.owners)
        self.found: list[Plugin] = []
        self.problems: list[Problem] = []

    def warn(self, message: str, way_out: str | None = None) -> None:
        self.problems.append(Problem(None, message, way_out, "plugin.failed", "warning"))

    def add(self, name: str, distribution: str, version: str, load: Callable[[], object]) -> None:
        """Take one plugin in, or list it with its error."""
        # The border for plugins: whatever their code raises belongs to them, and is told with their name.
        try:
            kinds, facts = self._take(name, distribution, load())
        except (Exception, SystemExit) as error:
            shown = _shown(error)
            self.found.append(Plugin(name, distribution, version, error=shown))
            self.warn(f"plugin `{name}` of `{distribution}` could not be used: {shown}", "update it, or uninstall it")
        else:
            self.found.append(Plugin(name, distribution, version, None, kinds, facts))

    def _take(self, name: str, distribution: str, plugin: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if self.manager.has_plugin(name):
            raise ValueError(f"another plugin is named `{name}`")
        self.manager.register(plugin, name)
        self._check_hooks(name, plugin)
        # Both hooks answer before anything is taken, so that a plugin is used whole or not at all.
        kinds = list(self._answers("policykit_kinds", plugin, Kind))
        facts = list(self._answers("policykit_facts", plugin, FactSpec))
        if distribution != _BUILT_IN:
            _check_kinds(kinds)
            _check_facts(facts)
        new_kinds = {kind.name: kind for kind in kinds if self._own("kind", kind.name, distribution)}
        new_facts = {spec.path: spec for spec in facts if self._own("fact", spec.path, distribution)}
        self.kinds |= new_kinds
        self.facts |= new_facts
        return tuple(new_kinds), tuple(new_facts)

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

    def _answers(self, hook: str, plugin: object, type_: type[Any]) -> Iterator[Any]:
        caller: pluggy.HookCaller = getattr(self.manager.hook, hook)
        for impl in caller.get_hookimpls():
            if impl.plugin is plugin:
                for answer in cast(Iterable[object], impl.function()):
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
    return Plugins(loading.kinds, tuple(loading.facts.values()), tuple(loading.found), tuple(loading.problems))


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


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _shown(error: BaseException) -> str:
    said = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
