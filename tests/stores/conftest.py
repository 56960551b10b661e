"""An empty SQLite store, closed at the end."""

from __future__ import annotations

import pytest

from policykit.stores.sqlite import SQLiteStore


@pytest.fixture
def store(tmp_path):
    store = SQLiteStore(tmp_path / "store.db")
    yield store
    store.close()
