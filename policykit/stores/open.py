"""A store by its URL, as `store:` in policykit.yaml has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from policykit.errors import UsageError
from policykit.stores.base import Store
from policykit.stores.memory import MemoryStore
from policykit.stores.sqlite import SQLiteStore

Opener = Callable[[str, Path], Store]

DEFAULT = Path(".policykit") / "store.db"
_SYNCHRONOUS = ("normal", "full")


def open_store(url: str | None, root: Path, more: Mapping[str, Opener] = {}) -> Store:
    """The store of a workspace; nothing is read or made before its first use.

    url: `sqlite:///policykit.db` (relative to the workspace), `sqlite:////var/lib/policykit.db`, either with
    `?synchronous=full`; `memory:`; or a scheme of a plugin. None: SQLite at `.policykit/store.db`.
    more: scheme -> what opens its URLs, given the URL and the workspace.
    """
    if url is None:
        return SQLiteStore(root / DEFAULT)
    openers: dict[str, Opener] = {"sqlite": _open_sqlite, "memory": lambda _, __: MemoryStore(), **more}
    scheme, colon, _ = url.partition(":")
    if colon and scheme in openers:
        return openers[scheme](url, root)
    known = ", ".join(f"`{one}`" for one in sorted(openers))
    if not colon:
        raise UsageError(
            "the store's URL names no scheme", help=f"known schemes: {known}; e.g. `sqlite:///policykit.db`"
        )
    close = get_close_matches(scheme, openers, 1)
    meant = f"; did you mean `{close[0]}`?" if close else ""
    raise UsageError(
        f"unknown scheme `{scheme}` of the store{meant}", help=f"known schemes: {known}; a plugin may be missing"
    )


def _open_sqlite(url: str, root: Path) -> Store:
    place, _, query = url.partition("?")
    path = unquote(place.removeprefix("sqlite://").removeprefix("/")) if place.startswith("sqlite:///") else ""
    if not path:
        raise UsageError(
            "the store's URL names no file",
            help="write `sqlite:///policykit.db`, relative to the workspace, or `sqlite:////var/lib/policykit.db`",
        )
    options = dict(parse_qsl(query, keep_blank_values=True))
    synchronous = options.pop("synchronous", "normal")
    if options:
        raise UsageError(f"unknown option `{min(options)}` in the store's URL", help="known options: `synchronous`")
    if synchronous not in _SYNCHRONOUS:
        raise UsageError(
            f"`synchronous` of the store cannot be `{synchronous}`",
            help="write `synchronous=normal` or `synchronous=full`",
        )
    return SQLiteStore(root / path, synchronous=synchronous)
