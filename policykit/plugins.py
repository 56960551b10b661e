"""Discovery of plugins: what they add, and which of them could not be used and why.

A plugin that fails never takes the host down: it is listed with its error, the rest goes on, and
what needed it says so. The order of plugins never matters: they are taken by name, built-in first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

import pluggy

from policykit import hookspecs, kinds
from policykit.errors import Problem
from policykit.hookspecs import PROJECT, Kind
from policykit.version import __version__
from policykit.vocabulary import FACTS, FactSpec

_HOOKS = ("policykit_kinds", "policykit_facts")
_BUILT_IN = "policykit-core"
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
        self.owners: dict[str, str] = {spec.path: _BUILT_IN for spec in FACTS}
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
        for spec in facts:
            if spec.path.split(".")[0] in _OURS or "." not in spec.path:
                raise ValueError(f"fact `{spec.path}` is not about the person; expected e.g. `recipient.tier`")
        given_kinds = [kind.name for kind in kinds if self._own(f"kind {kind.name}", kind.name, distribution, "kind")]
        given_facts = [spec.path for spec in facts if self._own(spec.path, spec.path, distribution, "fact")]
        self.kinds |= {kind.name: kind for kind in kinds if kind.name in given_kinds}
        self.facts |= {spec.path: spec for spec in facts if spec.path in given_facts}
        return tuple(given_kinds), tuple(given_facts)

    def _own(self, key: str, name: str, distribution: str, what: str) -> bool:
        """Give a name to a distribution; False, and said so, when it is taken."""
        owner = self.owners.setdefault(key, distribution)
        if owner != distribution or name in (self.kinds if what == "kind" else self.facts):
            self.warn(f"{what} `{name}` of `{distribution}` is left out: `{owner}` has that name", "rename one of them")
            return False
        return True

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


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _shown(error: BaseException) -> str:
    said = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
