"""Policies kept fresh in a running process: the whole changed set, or the one there was, and said so."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from policykit.assemble.workspace import Opened, read, valid
from policykit.enforce.rules import Rules
from policykit.errors import InvalidPolicies, Place, Problem, UsageError
from policykit.language.config import CONFIG_FILE, Config
from policykit.language.load import CAMPAIGNS

_log = logging.getLogger("policykit")
_LOOK_EVERY_S = 0.3
_LATE_S = 3.0  # no look for so long: threads do not run in this process
_PAUSE = 50  # times what a look took: a workspace of very many files costs no more than a fiftieth of a core
_MOST_DEEP = 20  # folders; links that lead in circles end here

Signature: TypeAlias = frozenset[tuple[str, int, int, int]]


class Reloader:
    """Gives the rules of now. A daemon thread looks at the files; where no thread runs, callers do, seldom.

    build: a workspace that is right -> its rules. refused: what is wrong with the set on disk, empty
    while it is the one in use. loads: how often rules were made. After a fork the child looks for itself.
    Raises `InvalidPolicies` or `UsageError` when the first set is not valid.
    """

    def __init__(self, root: Path, build: Callable[[Opened], Rules], every_s: float = _LOOK_EVERY_S) -> None:
        self.root, self.refused, self.loads = root, (), 1
        self._build, self._every_s = build, every_s
        before = _signature(_watched_before(root))
        opened, problems = read(root)
        self.opened = valid(opened, problems)
        self.rules = build(self.opened)
        self._watched = watched(opened)
        self._seen = _signature(self._watched)
        # What changed while it was loaded is loaded again; so it is where more is watched than was expected.
        self._loaded = self._seen if self._seen == before else None
        self._closed = False
        self._renew()
        _ALIVE.add(self)

    refused: tuple[Problem, ...]

    def _renew(self) -> None:
        """What no fork may carry over: locks and threads."""
        self._busy = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._looked = time.monotonic()

    def current(self) -> Rules:
        """The rules to judge by; costs two comparisons."""
        if self._thread is None:
            self._start()
        elif time.monotonic() - self._looked > _LATE_S:
            self.look()
        return self.rules

    def look(self) -> None:
        """Load the files again if they changed and lie still; whoever comes while another looks goes on."""
        if self._closed or not self._busy.acquire(blocking=False):
            return
        try:
            self._looked = time.monotonic()
            now = _signature(self._watched)
            still, self._seen = now == self._seen, now
            if still and now != self._loaded:
                self._load(now)
        # A border: whatever goes wrong here must not reach the application's send; the old set stays.
        except Exception as error:
            self._loaded = self._seen
            _log.error("policies in `%s` could not be loaded again (%s); those in use stay", self.root,
                       type(error).__name__)  # fmt: skip
        finally:
            self._busy.release()

    def close(self) -> None:
        self._closed = True
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(timeout=5)

    def _load(self, before: Signature) -> None:
        """Load what lies there. before: the signature as it was found."""
        self._loaded = before
        try:
            attempt, problems = read(self.root)
            self._watched = watched(attempt)
            self._seen = _signature(self._watched)
            self._loaded = self._seen if self._seen == before else None
            opened = valid(attempt, problems)
        except (InvalidPolicies, UsageError) as error:
            self._refuse(tuple(problem for problem in error.problems if problem.severity == "error"))
            return
        rules = self._build(opened)
        lost = self._lost(rules)
        if lost is not None:
            self._refuse((lost,))
            return
        if opened.workspace.config.store != self.opened.workspace.config.store:
            _log.warning("`store` in `%s` changed; this process keeps the one it opened until it restarts", self.root)
        if self.refused or rules.ruleset.hash != self.rules.ruleset.hash:
            _log.info("policies in `%s` were loaded again: rules %s", self.root, rules.ruleset.hash)
        self.opened, self.rules, self.refused = opened, rules, ()
        self.loads += 1

    def _lost(self, rules: Rules) -> Problem | None:
        """What looks like a workspace that is being put in place: what is there would let everything pass."""
        meant = "restart the process if that is meant"
        if not (self.root / CONFIG_FILE).read_bytes().strip():
            return Problem(Place(CONFIG_FILE), "this file is empty", meant)
        if self.rules.ruleset.rules and not rules.ruleset.rules:
            return Problem(None, "no policy is left", meant)
        return None

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        if problems != self.refused:
            more = f" (and {len(problems) - 1} more; `policykit check` lists them)" if len(problems) > 1 else ""
            _log.error("policies in `%s` changed and are not valid; those loaded before stay in force: %s%s",
                       self.root, str(problems[0]).split("\n")[0], more)  # fmt: skip
        self.refused = problems

    def _start(self) -> None:
        with self._busy:
            if self._thread is not None or self._closed:
                return
            self._thread = threading.Thread(target=self._run, name="policykit-reload", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter ends, or starts no threads: callers look instead
                _log.debug("no thread for reloading could be started")

    def _run(self) -> None:
        stop, spent = self._stop, 0.0
        while not stop.wait(min(max(self._every_s, spent * _PAUSE), max(self._every_s, _LATE_S / 2))):
            started = time.monotonic()
            self.look()
            spent = time.monotonic() - started


_ALIVE: weakref.WeakSet[Reloader] = weakref.WeakSet()


def _after_fork() -> None:
    for reloader in list(_ALIVE):
        reloader._renew()  # noqa: SLF001  # the class's own; a fork concerns every one there is


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


# --- what is looked at -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Watched:
    """Files, and folders with everything in them."""

    files: tuple[str, ...]
    folders: tuple[str, ...]


def watched(opened: Opened) -> Watched:
    """Everything a workspace is made of, and the folders where more of it could appear."""
    workspace = opened.workspace
    files = [workspace.root / CONFIG_FILE]
    for manifest in workspace.manifests.values():
        for content in (*manifest.templates.values(), *manifest.generic.values()):
            shown = [template.file for template in content.values() if template.file is not None]
            files += [_beside(manifest.path, manifest.file, file) for file in shown if manifest.path is not None]
    folders = [workspace.root / name for name in (*workspace.config.policies, CAMPAIGNS)]
    return Watched(tuple(sorted({str(file) for file in files})), tuple(sorted({str(folder) for folder in folders})))


def _watched_before(root: Path) -> Watched:
    """What most workspaces are made of, as far as can be known before they are read."""
    folders = (*Config().policies, CAMPAIGNS)
    return Watched((str(root / CONFIG_FILE),), tuple(sorted(str(root / name) for name in folders)))


def _beside(manifest: Path, shown: str, file: str) -> Path:
    """A template's file by how it is shown; both are shown from the same folder."""
    try:
        return manifest.parent / PurePosixPath(file).relative_to(PurePosixPath(shown).parent)
    except ValueError:
        return manifest


def _signature(what: Watched) -> Signature:
    """What changes when a file is written, added, removed or replaced."""
    found = set()
    for name in what.files:
        try:
            found.add(_mark(name, Path(name).stat()))
        except OSError:
            continue
    for name in what.folders:
        found.update(_marks(name))
    return frozenset(found)


def _marks(folder: str, depth: int = 0) -> Iterator[tuple[str, int, int, int]]:
    try:
        inside = list(os.scandir(folder))
    except NotADirectoryError:
        yield _mark(folder, Path(folder).stat())
        return
    except OSError:
        return
    for entry in inside:
        if entry.name.startswith("."):
            continue
        try:
            if not entry.is_dir():
                yield _mark(entry.path, entry.stat())
            elif depth < _MOST_DEEP:
                yield from _marks(entry.path, depth + 1)
        except OSError:
            continue


def _mark(name: str, stat: os.stat_result) -> tuple[str, int, int, int]:
    return (name, stat.st_mtime_ns, stat.st_size, stat.st_ino)
