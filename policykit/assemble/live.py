"""policykit in a running process: `install()` puts the guards on, everything behind them is made here.

    policykit.install()                    # once, before or after clients exist; the nearest workspace
    with policykit.install("acme") as it:  # or for a block, for instance in a test
        ...
    policykit.status()                     # what runs: rules, mode, adapters, what could not be reloaded

INVARIANT: nothing here, and nothing it imports, imports `dryrun`: a sending application never loads duckdb.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from policykit.assemble.live_rules import checked_mode, live_rules
from policykit.assemble.moment import now as clock
from policykit.assemble.providers import named_providers, without_adapter
from policykit.assemble.pseudonyms import key_file, pseudonyms
from policykit.assemble.records import checked_rows
from policykit.assemble.reload import Reloader
from policykit.assemble.stores import StoreHere
from policykit.assemble.trial import trial_of
from policykit.assemble.workspace import Opened, find_root
from policykit.enforce import found, guards, telemetry
from policykit.enforce.context import sending
from policykit.enforce.deliver import Route, as_it_is
from policykit.enforce.gate import LiveGate
from policykit.enforce.loopback import Loopback, here
from policykit.enforce.rules import Mode, Rules
from policykit.enforce.tripwire import watch as watch_hosts
from policykit.errors import PolicykitError, Problem, UsageError, WorkspaceNotFound
from policykit.model import Micros
from policykit.sends import DecisionRecord, Send
from policykit.stores.base import Store, Written
from policykit.stores.open import open_store

WORKSPACE_VARIABLE, MODE_VARIABLE = "POLICYKIT_WORKSPACE", "POLICYKIT_MODE"
_log = logging.getLogger("policykit")


@dataclass(frozen=True, slots=True)
class Status:
    """What policykit does in this process.

    mode: `off`, `audit` or `enforce`. rules: hash of the rule set in force. refused: problems of a
    changed set that is not valid, while the one loaded before stays in force. adapters: names of the
    providers whose requests are recognised. missing: environment variables that `policykit.yaml` names
    for credentials and that are not set: nothing can be moved to such a provider. unjudged: providers
    the workspace names and no adapter is installed for: their sends pass as they come. loads: how often
    rules were made. bypassed: provider hosts reached around the guards (tripwire), and how often.
    """

    installed: bool = False
    workspace: Path | None = None
    mode: str = "off"
    rules: str = ""
    refused: tuple[Problem, ...] = ()
    adapters: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()
    loads: int = 0
    bypassed: Mapping[str, int] = field(default_factory=dict)


class Live:
    """A workspace ready to judge live sends: fresh rules, an open store, and the gate. Guards are not on yet."""

    def __init__(self, root: Path, mode: Mode | None = None, now: Callable[[], Micros] | None = None) -> None:
        self.root, self.mode, self.trial = root, mode, trial_of(os.environ)
        self.reloader = Reloader(root, self._rules)
        opened = self.reloader.opened
        self.plugins = opened.plugins
        for problem in self.plugins.problems:
            _log.warning("%s", problem.message)
        url = self.trial.store if self.trial else opened.workspace.config.store
        self.store: Store = open_store(url, root, self.plugins.stores)
        pseudonym = pseudonyms(root)
        if not key_file(root).exists():
            _log.warning("`%s` cannot be written: what this process calls people in its decisions no other one does; "
                         "put a key there once, and every process reads it", key_file(root))  # fmt: skip
        self.now = now or (self.trial.clock() if self.trial else None) or clock
        self.gate = LiveGate(
            self.reloader.current, self.store, self.plugins.adapters.values(), pseudonym, self.now,
            (*telemetry.observers(), *self.plugins.observers), self._route(),
        )  # fmt: skip

    def _route(self) -> Route:
        """In a trial our own sends stay on this machine too."""
        if self.trial is None:
            return as_it_is
        server = self.trial.server
        return lambda request: here(request, server)

    def _rules(self, opened: Opened) -> Rules:
        loopback = self.trial.server if self.trial else None
        return live_rules(opened, opened.plugins.adapters, os.environ, self.mode, loopback)

    def record(self, relation: str, rows: Iterable[Mapping[str, object]]) -> Written:
        """Write rows into the store, after the checks that data files get."""
        return self.store.write(relation, checked_rows(relation, rows, self.reloader.opened.vocabulary))

    def close(self) -> None:
        self.reloader.close()
        self.gate.close()
        self.store.close()


class Installation(Live):
    """Policykit in this process. As a context manager it takes itself out at the end of the block."""

    def __init__(self, root: Path, mode: Mode | None, now: Callable[[], Micros] | None) -> None:
        super().__init__(root, mode, now)
        self.installs = 0  # calls of `install` whose block has not ended
        self.bypassed: dict[str, int] = {}
        self._take_off: list[Callable[[], None]] = []
        self._watching = False
        self._seen_gate = telemetry.watched(Loopback(self.gate, self.trial.server) if self.trial else self.gate)
        for problem in without_adapter(self.reloader.opened):
            _log.warning("%s; %s", problem.message, problem.help)
        try:
            self._take_off.append(guards.attach_all(self._seen_gate))
            self._attach_plugins()
        except BaseException:
            self.remove()
            raise

    def _attach_plugins(self) -> None:
        for attach in self.plugins.guards:
            # The border for plugins: a guard that cannot be put on is named, and the others stand.
            try:
                self._take_off.append(attach(self._seen_gate))
            except Exception as error:
                _log.error("guard `%s` could not be put on: %s", attach.__module__, type(error).__name__)

    def watch(self) -> None:
        """Report sends to known providers that go around the guards, from here on."""
        if not self._watching:
            self._watching = True
            hosts = {host for adapter in self.plugins.adapters.values() for host in adapter.hosts}
            self._take_off.append(watch_hosts(hosts, self._bypassed))

    def _bypassed(self, host: str, library: str) -> None:
        first = host not in self.bypassed
        self.bypassed[host] = self.bypassed.get(host, 0) + 1
        if first:
            _log.error("`%s` was reached around policykit's guards, by `%s`: its sends are not judged", host, library)

    def remove(self) -> None:
        """Take the guards off and write what waits to be written."""
        while self._take_off:
            take_off = self._take_off.pop()
            # The border for plugins: a guard that does not come off keeps no other one on.
            try:
                take_off()
            except Exception as error:
                _log.error("guard `%s` could not be taken off: %s", take_off.__module__, type(error).__name__)
        self.close()

    def status(self) -> Status:
        reloader, adapters = self.reloader, self.plugins.adapters
        rules, providers = reloader.current(), reloader.opened.workspace.config.providers
        named = {variable for provider in providers.values() for variable in provider.credentials.values()}
        return Status(
            installed=True,
            workspace=self.root,
            mode=rules.mode,
            rules=rules.ruleset.hash,
            refused=reloader.refused,
            adapters=tuple(sorted(adapters)),
            missing=tuple(sorted(variable for variable in named if not os.environ.get(variable))),
            unjudged=tuple(sorted(named_providers(reloader.opened).keys() - adapters.keys())),
            loads=reloader.loads,
            bypassed=dict(self.bypassed),
        )

    def __enter__(self) -> Installation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _lock:
            self.installs -= 1
            last = self.installs <= 0
        if last and _current is self:
            uninstall()


_lock = threading.RLock()
_current: Installation | None = None
_beside: Live | None = None  # opened to judge where nothing is installed
_store: StoreHere | None = None  # opened to record where nothing is installed


def install(
    workspace: str | os.PathLike[str] | None = None,
    mode: str | None = None,
    *,
    tripwire: bool = False,
    now: Callable[[], Micros] | None = None,
) -> Installation:
    """Guard every send of this process from here on, through clients made before and after.

    workspace: its folder; else `POLICYKIT_WORKSPACE`, else the nearest one here or above. mode: `off`,
    `audit` or `enforce`; else `POLICYKIT_MODE`, else the workspace's. tripwire: report sends to known
    providers that went around the guards. now: the clock, as UTC microseconds, for tests.
    A second call for the same workspace gives the same installation.
    Raises `InvalidPolicies` (or `UsageError`) when the workspace is not valid: nothing is guarded
    then, and nothing should be sent.
    """
    root, asked = _root(workspace), checked_mode(mode or os.environ.get(MODE_VARIABLE) or None)
    with _lock:
        global _current  # one installation per process is what guards mean
        if _current is None:
            _close_beside()
            _current = Installation(root, asked, now)
        _refuse_other(_current, root, asked)
        if tripwire:
            _current.watch()
        _current.installs += 1
        return _current


def uninstall() -> None:
    """Take policykit out of this process; nothing happens where it is not installed."""
    global _current
    with _lock:
        installed, _current = _current, None
        _close_beside()
        if installed is not None:
            installed.remove()


atexit.register(uninstall)


def _after_fork() -> None:
    """A lock that another thread held as the process forked is nobody's in the child."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def installed() -> Installation | None:
    """What guards this process, None when nothing does."""
    return _current


def status() -> Status:
    """What policykit does in this process now."""
    installed = _current
    return installed.status() if installed is not None else Status()


def judge(
    send: Send, *, campaign: str | None = None, person: str | None = None, values: Mapping[str, object] | None = None
) -> DecisionRecord:
    """What would be decided of a send now, without sending: nothing is recorded and no slot is taken.

    campaign, person, values: as in `sending`. Works without guards too, in the workspace `install` would take.
    """
    if campaign is None and person is None and values is None:
        return live().gate.judge(send)
    with sending(campaign, person, values):
        return live().gate.judge(send)


def record(relation: str, rows: Iterable[Mapping[str, object]]) -> Written:
    """Write people, addresses, attributes, consents, history or feedback into the store.

    rows: under the columns that `policykit facts --columns` lists; None is an empty cell, an absent
    column is unknown. Instants are aware datetimes, or texts with an offset. Consents, history and feedback
    are appended, once each; of the others a row replaces the one with its key.
    Raises `BadData` with every problem, and then nothing was written; `StoreUnavailable` when the store
    cannot be reached: record them again then, which does no harm.

        policykit.record("consents", [{"person": "7", "status": "withdrawn", "at": now, "channel": "*"}])
    """
    judging = _current or _beside
    return judging.record(relation, rows) if judging is not None else _store_here().record(relation, rows)


def decision_of(thing: object) -> DecisionRecord | None:
    """The decision behind an answer, an exception or an id: `decision_of(error)`; None when there is none."""
    return found.decision_of(thing, _look_up)


def _look_up(id: str) -> DecisionRecord | None:  # noqa: A002  # its name everywhere
    try:
        judging = _current or _beside
        return judging.gate.look_up(id) if judging is not None else _store_here().look_up(id)
    except (PolicykitError, OSError):  # no workspace, or no store: what is not remembered is not known
        return None


def live() -> Live:
    """What is installed; else the workspace here, opened without guards and kept until `install` or the end."""
    global _beside
    with _lock:
        if _current is not None:
            return _current
        if _beside is None:
            _beside = Live(_root(None))
        return _beside


def _store_here() -> StoreHere:
    """The store of the workspace here, kept until `install` or the end."""
    global _store
    with _lock:
        if _store is None:
            _store = StoreHere(_root(None))
        return _store


def open_live(
    workspace: str | os.PathLike[str] | None = None, mode: str | None = None, now: Callable[[], Micros] | None = None
) -> Live:
    """A workspace ready to judge, without guards; the caller closes it."""
    return Live(_root(workspace), checked_mode(mode), now)


def _root(workspace: str | os.PathLike[str] | None) -> Path:
    said = workspace if workspace is not None else os.environ.get(WORKSPACE_VARIABLE) or None
    try:
        return find_root(Path(said) if said is not None else None).resolve()
    except WorkspaceNotFound as error:
        if said is not None:
            raise
        raise WorkspaceNotFound(
            error.problems[0].message, f'name it: `policykit.install("path")`, or set `{WORKSPACE_VARIABLE}`'
        ) from error


def _refuse_other(installed: Installation, root: Path, mode: Mode | None) -> None:
    if installed.root != root:
        raise UsageError(f"policykit is installed with another workspace: `{installed.root}`, not `{root}`",
                         "one process has one; `policykit.uninstall()` takes the first out")  # fmt: skip
    if mode is not None and mode != installed.reloader.rules.mode:
        raise UsageError(f"policykit is installed with the mode `{installed.reloader.rules.mode}`, not `{mode}`",
                         "`policykit.uninstall()` first")  # fmt: skip


def _close_beside() -> None:
    global _beside, _store
    beside, store, _beside, _store = _beside, _store, None, None
    if beside is not None:
        beside.close()
    if store is not None:
        store.store.close()
