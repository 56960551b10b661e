"""A trial set up: a store that is thrown away, with the people the workspace knows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from policykit.adapters.base import Adapter
from policykit.assemble.dry_run import sources
from policykit.assemble.stores import opened_store
from policykit.assemble.workspace import Opened, open_workspace
from policykit.dryrun.rows import file_rows
from policykit.dryrun.run import Options, Workbench
from policykit.dryrun.sources import Source
from policykit.stores.base import Store
from policykit.stores.sqlite import SQLiteStore
from policykit.vocabulary import RELATIONS


@contextmanager
def throwaway_store(
    folder: Path | None, progress: Callable[[str], None] = lambda step: None
) -> Iterator[tuple[str, Mapping[str, Adapter]]]:
    """URL of a store for one trial, and the adapters there are.

    It holds what the workspace's own store holds; while that has nobody, what the workspace's data
    files and its campaigns' audiences say.
    """
    progress("loading the workspace")
    opened = open_workspace(folder)
    with tempfile.TemporaryDirectory(prefix="policykit-") as place:
        store = SQLiteStore(Path(place) / "store.db")
        try:
            _fill(opened, store, progress)
        finally:
            store.close()
        yield f"sqlite:///{Path(place) / 'store.db'}", opened.plugins.adapters


def _fill(opened: Opened, store: Store, progress: Callable[[str], None]) -> None:
    with opened_store(opened) as own:
        if next(own.rows("people"), None) is not None or next(own.rows("addresses"), None) is not None:
            for relation in RELATIONS:
                progress(f"copying {relation.name}")
                store.write(relation.name, own.rows(relation.name))
            return
    with Workbench(Options()) as bench:
        for name, source in _files(opened):
            progress(f"reading {source.path.name}")
            store.write(name, file_rows(bench.connection, name, source, opened.vocabulary).cells())


def _files(opened: Opened) -> list[tuple[str, Source]]:
    """Every data file that a campaign of the workspace names, once, in order of relation and path."""
    found: dict[tuple[str, Path], Source] = {}
    for manifest in opened.workspace.manifests.values():
        if "people" in manifest.audience.files:
            for name, source in sources(manifest, {}).given().items():
                found[name, source.path] = source
    return [(name, found[name, path]) for name, path in sorted(found)]
