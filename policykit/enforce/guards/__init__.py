"""Guards, one file per transport: what catches outgoing requests and does what the gate says.

`attach_all` guards the libraries that are loaded now, and each other one at the moment it is loaded;
it loads none itself.

Not caught: other transports (`http.client` and sockets by hand, urllib3, botocore, grpc, pycurl); a
subclass that puts its own in place of what is patched without asking its parent, as some mocks do; with
httpx and aiohttp, which follow redirects below the guard, a request that no adapter claims and a server
redirects to one that some adapter would. The tripwire tells of hosts that were reached in the first way.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeAlias

from policykit.enforce.plan import Gate

_LOG = logging.getLogger("policykit.guards")

Detach: TypeAlias = Callable[[], None]
Attach: TypeAlias = Callable[[Gate], Detach]

# A transport's module -> the file here that guards it, and what its `attach` needs beside the gate.
_GUARDS: dict[str, tuple[str, ...]] = {
    "requests": ("requests",),
    "urllib.request": ("urllib",),
    "httpx": ("httpx", "httpx"),
    "httpx2": ("httpx", "httpx2"),
    "aiohttp": ("aiohttp",),
}


def attach_all(gate: Gate, more: Iterable[Attach] = ()) -> Detach:
    """Every guard we have, and those of plugins (`more`); the result takes all of them away."""
    held = _Held(gate)
    finder = _WhenLoaded(held)
    sys.meta_path.insert(0, finder)
    try:
        for name in _GUARDS:
            if name in sys.modules:
                held.take(name)
        for attach in more:
            held.keep(attach(gate))
    except BaseException:
        _leave(finder, held)
        raise
    return lambda: _leave(finder, held)


def _leave(finder: _WhenLoaded, held: _Held) -> None:
    if finder in sys.meta_path:
        sys.meta_path.remove(finder)
    held.leave()


class _Held:
    """What is attached so far, to be taken away in reverse."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._lock = threading.RLock()
        self._taken: set[str] = set()
        self._undo: list[Detach] = []
        self._left = False

    def take(self, name: str) -> None:
        """Guards a library that is loaded, or being loaded by another thread: then it waits for that."""
        import_module(name)
        with self._lock:
            if self._left or name in self._taken:
                return
            self._taken.add(name)
            guard, *rest = _GUARDS[name]
            try:
                attach = import_module(f"{__name__}.{guard}").attach
                self._undo.append(attach(self._gate, *rest))
            except Exception as error:  # border: a release of the library we do not know must not stop its import
                _LOG.error("`%s` cannot be guarded (%s): what it sends is not judged", name, type(error).__name__)

    def keep(self, detach: Detach) -> None:
        with self._lock:
            self._undo.append(detach)

    def leave(self) -> None:
        with self._lock:
            self._left = True
            while self._undo:
                self._undo.pop()()


class _WhenLoaded(MetaPathFinder):
    """Finds nothing itself: lends the loader of a transport's module a step to take after loading."""

    def __init__(self, held: _Held) -> None:
        self._held = held

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _GUARDS:
            return None
        for finder in sys.meta_path:
            if isinstance(finder, _WhenLoaded) or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Guarding(spec.loader, fullname)
                return spec
        return None


class _Guarding(Loader):
    """A module's own loader; once the module is there, every `attach_all` in force guards it."""

    def __init__(self, loader: Any, name: str) -> None:
        self._loader, self._name = loader, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        for finder in list(sys.meta_path):
            if isinstance(finder, _WhenLoaded):
                finder._held.take(self._name)  # noqa: SLF001  # its own class
