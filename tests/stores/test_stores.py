"""Memory and SQLite keep the contract of stores."""

from __future__ import annotations

import sqlite3

from policykit.stores.memory import MemoryStore
from policykit.stores.sqlite import SQLiteStore
from policykit.testing import StoreContract


class TestMemory(StoreContract):
    def open(self, tmp_path):
        return MemoryStore()

    def rewrite(self, store, log):
        store._chains.log[:] = log
        return True


class TestSQLite(StoreContract):
    def open(self, tmp_path):
        return SQLiteStore(tmp_path / "store.db")

    def again(self, store):
        return SQLiteStore(store.path)

    def unreachable(self, tmp_path):
        (tmp_path / "store.db").write_text("name,age\n" * 1000)
        return SQLiteStore(tmp_path / "store.db")

    def rewrite(self, store, log):
        """As somebody would who knows SQLite: the triggers go first."""
        file = sqlite3.connect(store.path)
        with file:
            for trigger in ("decisions_stay", "decisions_last"):
                file.execute(f"DROP TRIGGER IF EXISTS {trigger}")
            file.execute("DELETE FROM decisions")
            rows = [(each.number, each.line, each.hash, each.nonce, each.digest) for each in log]
            file.executemany("INSERT INTO decisions VALUES (?, ?, ?, ?, ?)", rows)
        file.close()
        return True


class TestSQLiteFull(TestSQLite):
    """Everything on the disk before a call returns."""

    def open(self, tmp_path):
        return SQLiteStore(tmp_path / "store.db", synchronous="full")
