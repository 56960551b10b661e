"""A workspace for one test: its files in a temporary folder, its store in memory, its guards on until the test ends."""

from __future__ import annotations

import os
import re
import shutil
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import overload

from policykit.assemble import live
from policykit.assemble.live import Installation, Live
from policykit.model import Micros
from policykit.sends import DecisionRecord, from_line, is_decision
from policykit.stores.base import Store

Files = Mapping[str, str]
_STORE = re.compile(r"^store:.*$", re.MULTILINE)


class Workspaces:
    """Makes workspaces and guards the process with the latest one.

        it = policykit_workspace({"policies/all.yaml": "policies: [...]"})
        it = policykit_workspace("shop", now=lambda: NOON)       # a copy of a folder

    What comes back is what `policykit.install` gives: `it.record(relation, rows)`, `it.store`, `it.gate`.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._made = root, 0
        self.current: Installation | None = None

    def __call__(
        self,
        files: Files | str | os.PathLike[str],
        mode: str | None = None,
        now: Callable[[], Micros] | None = None,
    ) -> Installation:
        """files: path -> YAML text; without `policykit.yaml` the mode is `enforce`. Or a folder, which is copied."""
        self.close()
        self._made += 1
        root = self._root / f"workspace{self._made}"
        if isinstance(files, Mapping):
            write_files(root, {"policykit.yaml": "mode: enforce\n", **files})
        else:
            shutil.copytree(files, root, ignore=shutil.ignore_patterns(".policykit", ".git"))
        _keep_in_memory(root / "policykit.yaml")
        self.current = live.install(root, mode, now=now)
        return self.current

    def close(self) -> None:
        if self.current is not None:
            for decisions in _LOOKING:
                len(decisions)  # what this workspace decided is read while it is there
            self.current = None
            live.uninstall()


class Decisions(Sequence[DecisionRecord]):
    """Every decision of the guarded process since this was made, oldest first, as the decision log has them.

    Read when it is looked at: decisions of an installation that the test itself took out are not there.
    """

    def __init__(self) -> None:
        self._records: list[DecisionRecord] = []
        self._read: dict[int, tuple[Store, int]] = {}  # by identity: the store, and how far it was read
        _LOOKING.add(self)
        self._look(skip=True)

    def __len__(self) -> int:
        return len(self._look())

    @overload
    def __getitem__(self, place: int) -> DecisionRecord: ...
    @overload
    def __getitem__(self, place: slice) -> list[DecisionRecord]: ...
    def __getitem__(self, place: int | slice) -> DecisionRecord | list[DecisionRecord]:
        return self._look()[place]

    def __iter__(self) -> Iterator[DecisionRecord]:
        return iter(list(self._look()))

    def __eq__(self, other: object) -> bool:
        return self._look() == (list(other) if isinstance(other, Sequence) else other)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return repr(self._look())

    def _look(self, skip: bool = False) -> list[DecisionRecord]:  # noqa: FBT001  # of its own
        installed: Live | None = live.installed()
        if installed is not None:
            store = installed.store
            _, after = self._read.get(id(store), (store, 0))
            while lines := store.decisions(after):
                after = lines[-1].number
                if not skip:
                    self._records += [from_line(each.line) for each in lines if is_decision(each.line)]
            self._read[id(store)] = (store, after)
        return self._records


_LOOKING: weakref.WeakSet[Decisions] = weakref.WeakSet()


def write_files(root: Path, files: Files) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _keep_in_memory(config: Path) -> None:
    """A test leaves nothing behind: whatever store the workspace names, it has one in memory."""
    text = config.read_text(encoding="utf-8")
    line = "store: 'memory:'"
    text = _STORE.sub(line, text) if _STORE.search(text) else f"{text.rstrip()}\n{line}\n"
    config.write_text(text, encoding="utf-8")
