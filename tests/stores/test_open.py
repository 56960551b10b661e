"""A store's URL, as the workspace has it."""

from __future__ import annotations

import pytest

from policykit.errors import UsageError
from policykit.stores.memory import MemoryStore
from policykit.stores.open import open_store
from policykit.stores.sqlite import SQLiteStore


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (None, "shop/.policykit/store.db"),
        ("sqlite:///policykit.db", "shop/policykit.db"),
        ("sqlite:///data/my%20store.db?synchronous=full", "shop/data/my store.db"),
    ],
)
def test_a_path_is_relative_to_the_workspace(tmp_path, url, path):
    store = open_store(url, tmp_path / "shop")

    assert isinstance(store, SQLiteStore)
    assert store.path == tmp_path / path


def test_four_slashes_begin_an_absolute_path(tmp_path):
    assert open_store(f"sqlite:///{tmp_path}/s.db", tmp_path / "shop").path == tmp_path / "s.db"


def test_memory_and_schemes_of_plugins_open(tmp_path):
    mine = MemoryStore()

    assert isinstance(open_store("memory:", tmp_path), MemoryStore)
    assert open_store("redis://host:1/0", tmp_path, {"redis": lambda url, root: mine}) is mine


SCHEMES = "help: known schemes: `memory`, `redis`, `sqlite`"
FILES = "help: write `sqlite:///policykit.db`, relative to the workspace, or `sqlite:////var/lib/policykit.db`"


@pytest.mark.parametrize(
    ("url", "says", "help_"),
    [
        (
            "sqllite:///a.db",
            "unknown scheme `sqllite` of the store; did you mean `sqlite`?",
            f"{SCHEMES}; a plugin may be missing",
        ),
        ("policykit.db", "the store's URL names no scheme", f"{SCHEMES}; e.g. `sqlite:///policykit.db`"),
        ("sqlite:policykit.db", "the store's URL names no file", FILES),
        ("sqlite:///", "the store's URL names no file", FILES),
        ("sqlite:///a.db?sync=full", "unknown option `sync` in the store's URL", "help: known options: `synchronous`"),
        (
            "sqlite:///a.db?synchronous=off",
            "`synchronous` of the store cannot be `off`",
            "help: write `synchronous=normal` or `synchronous=full`",
        ),
    ],
)
def test_a_url_that_cannot_be_opened_says_what_can(tmp_path, url, says, help_):
    with pytest.raises(UsageError) as raised:
        open_store(url, tmp_path, {"redis": lambda url, root: MemoryStore()})

    assert str(raised.value) == f"{says}\n  {help_}"
