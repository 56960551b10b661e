"""Connections to one SQLite file, for any thread and process: opened when needed, one user each, never over a fork.

SQLite's locks belong to a process: a connection carried over a fork, even unused, can make the
library of either process think that it holds what it does not. So a fork waits for the few
microseconds a transaction takes, finds every connection closed, and both sides open their own.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from json import JSONDecodeError
from pathlib import Path
from typing import TypeVar

from policykit.errors import StoreUnavailable
from policykit.stores.schema import APPLICATION, TABLES, VERSION
from policykit.stores.upgrade import EARLIER, upgrade

T = TypeVar("T")

PATIENCE_S = 1.0  # how long a transaction waits for others
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_CACHE_KB = 4_000  # a connection's own pages; the system caches the file
_LOOK_S = 0.02  # how long the file that is open is taken to be the one at the path
_TIDY_AFTER = 400  # writes of this process; each leaves about 15 kB in the write-ahead log
_LONGEST_LOG = 8_000  # pages of it, 32 MB, after which whoever writes next has to tidy
_PAUSE_S = (0.0002, 0.002)  # between attempts, drawn so that processes do not march in step


class Pool:
    """read, write: one transaction each, `work` done inside it; tried again while others hold the file.

    Errors of SQLite become `StoreUnavailable`, without a value; what `work` raises comes through.
    Either way nothing was changed.
    """

    def __init__(self, path: Path, synchronous: str, patience_s: float) -> None:
        self.path, self._synchronous, self._patience_s = path, synchronous, patience_s
        self._name = str(path)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._used = self._written = 0
        self._file: tuple[int, int] | None = None  # that is open: device and number; None = none was yet
        self._look_at = 0.0
        self._torn = False
        self._resting = False  # while a fork waits for what is under way
        weakref.finalize(self, _close_all, self._idle)
        _POOLS.add(self)

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` finds in one snapshot."""
        return self._try("BEGIN", work, time.monotonic() + self._patience_s)

    def see(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` finds with a single statement, which is a snapshot by itself."""
        return self._try(None, work, time.monotonic() + self._patience_s)

    def write(self, work: Callable[[sqlite3.Connection], T], *, full: bool = False) -> T:
        """What `work` gives, and has written. full: on the disk when this returns, whatever the power does.

        Threads of this process queue here, where waking up is prompt; processes poll.
        """
        return self._in_turn("BEGIN IMMEDIATE", work, full=full)

    def put(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` gives, and has written with a single statement, which is a transaction by itself."""
        return self._in_turn(None, work)

    def _in_turn(
        self,
        begin: str | None,
        work: Callable[[sqlite3.Connection], T],
        *,
        full: bool = False,
        patience_s: float | None = None,
    ) -> T:
        deadline = time.monotonic() + (self._patience_s if patience_s is None else patience_s)
        if not self._writing.acquire(timeout=self._patience_s):
            raise self._locked()
        try:
            self._written += 1
            return self._try(begin, work, deadline, full=full)
        finally:
            self._writing.release()

    def tidy(self) -> None:
        """Now and then moves the write-ahead log into the file, beside readers and writers; for who is in no hurry."""
        if self._written < _TIDY_AFTER:
            return
        self._written = 0
        with suppress(sqlite3.Error, StoreUnavailable):
            self._once(None, lambda connection: connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone())

    def scrub(self, patience_s: float) -> bool:
        """Writes the file anew, without what was deleted, and empties the write-ahead log; False while others read.

        Whoever writes meanwhile waits: 3.8 s for 240 MB, measured on a virtual machine with two cores (2026-11-22).
        """
        until = time.monotonic() + patience_s
        self._in_turn(None, lambda connection: connection.execute("VACUUM"), patience_s=patience_s)
        while True:
            busy, *_ = self._in_turn(
                None, lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            )
            if not busy or time.monotonic() > until:
                return not busy
            time.sleep(random.uniform(*_PAUSE_S))  # noqa: S311  # no secret

    def close(self) -> None:
        with self._lock:
            _close_all(self._idle)

    # --- one transaction

    def _try(
        self, begin: str | None, work: Callable[[sqlite3.Connection], T], deadline: float, *, full: bool = False
    ) -> T:
        while True:
            try:
                return self._once(begin, work, full=full)
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", None)
                if code is None:  # raised by Python's module, with the very text that it could not read
                    raise self._damaged() from None
                if not _is_busy(error):
                    raise StoreUnavailable(f"the store `{self.path}` cannot be used: {_words(error)}") from error
            except JSONDecodeError:  # it holds the text
                raise self._damaged() from None
            except (OverflowError, UnicodeError):
                raise StoreUnavailable(f"the store `{self.path}` cannot hold what it was given") from None
            if time.monotonic() >= deadline:
                raise self._locked()
            time.sleep(random.uniform(*_PAUSE_S))  # noqa: S311  # no secret

    def _once(self, begin: str | None, work: Callable[[sqlite3.Connection], T], *, full: bool = False) -> T:
        connection = self._take()
        file, sound = self._file, False
        try:
            if full:
                connection.execute("PRAGMA synchronous = FULL")
            if begin is not None:
                connection.execute(begin)
            result = work(connection)
            if begin is not None:
                connection.execute("COMMIT")
            if full:
                connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            sound = True
            return result
        except sqlite3.OperationalError as error:
            sound = _is_busy(error) and not connection.in_transaction and not full
            raise
        finally:
            self._give_back(connection, sound=sound and file == self._file)

    def _take(self) -> sqlite3.Connection:
        while self._resting:
            time.sleep(_PAUSE_S[0])
        if self._file is not None and time.monotonic() > self._look_at:
            self._look_at_file()
        with self._lock:
            if self._torn:
                raise StoreUnavailable(f"the store `{self.path}` was in use as this process was forked")
            self._used += 1
            if self._idle:
                return self._idle.pop()
        try:
            return self._open()
        except BaseException:
            with self._lock:
                self._used -= 1
            raise

    def _look_at_file(self) -> None:
        """Lets go of a file that another has taken the place of.

        Raises `StoreUnavailable` when none has: whoever deletes a store has not asked for an empty one,
        in which nobody ever refused anything.
        """
        try:
            found = _identity(os.stat(self._name))  # noqa: PTH116  # asked before every transaction, and faster
        except OSError as error:
            raise StoreUnavailable(f"the store `{self.path}` is gone: {error.strerror}") from error
        self._look_at = time.monotonic() + _LOOK_S
        if found != self._file:
            with self._lock:
                _close_all(self._idle)
                self._file = found

    def _give_back(self, connection: sqlite3.Connection, *, sound: bool) -> None:
        """A connection something went wrong on is closed, which rolls back."""
        if not sound:
            connection.close()
        with self._lock:
            self._used -= 1
            if sound:
                self._idle.append(connection)

    def _damaged(self) -> StoreUnavailable:
        return StoreUnavailable(f"the store `{self.path}` cannot be used: {_NAMED['SQLITE_CORRUPT']}")

    def _locked(self) -> StoreUnavailable:
        return StoreUnavailable(f"the store `{self.path}` stayed locked for {self._patience_s:g} s")

    # --- opening

    def _open(self) -> sqlite3.Connection:
        known = self._file is not None
        try:
            self.path.parent.mkdir(exist_ok=True)
            # Personal data: for the eyes of this user alone, unless somebody decides otherwise.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreUnavailable(f"the store `{self.path}` cannot be opened: {error.strerror}") from error
        connection = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        try:
            self._prepare(connection, known=known)
            self._file = _identity(self.path.stat())
        except OSError as error:
            connection.close()
            raise StoreUnavailable(f"the store `{self.path}` is gone: {error.strerror}") from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection, *, known: bool) -> None:
        """known: whether the file was in use before."""
        connection.execute("BEGIN")
        version = self._version(connection)
        connection.execute("COMMIT")
        if version == 0 and known:
            raise StoreUnavailable(f"the store `{self.path}` was emptied")
        if version == 0:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            if self._version(connection) == 0:  # else another process was first
                for statement in TABLES:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        elif version < VERSION:
            self._upgrade(connection)
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: without it a disk may say so too early
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LONGEST_LOG}")

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        """Gives a file of an earlier version what it lacks; what is in it stays. Whoever has it open goes on."""
        connection.execute("BEGIN IMMEDIATE")
        if self._version(connection) < VERSION:  # else another process was first
            upgrade(connection)
        connection.execute("COMMIT")

    def _version(self, connection: sqlite3.Connection) -> int:
        """Of our tables in the file, 0 when it is empty; anything else in it is not for us."""
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application == APPLICATION and (version == VERSION or version in EARLIER):
            return int(version)
        if application == APPLICATION:
            raise StoreUnavailable(
                f"the store `{self.path}` has format {version}, this policykit reads formats up to {VERSION}"
            )
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
            raise StoreUnavailable(f"the store `{self.path}` is a SQLite file of something else")
        return 0

    # --- forking

    def rest(self, until: float) -> None:
        """Waits for transactions under way and closes everything; nobody begins one until `go_on`."""
        self._resting = True
        while True:
            self._lock.acquire()
            if not self._used or time.monotonic() > until:
                break
            self._lock.release()
            time.sleep(0.0002)
        _close_all(self._idle)

    def go_on(self) -> None:
        self._lock.release()
        self._resting = False

    def begin_again(self) -> None:
        """In the child. A transaction that the fork did not wait for leaves it without this store: nothing is safer."""
        self._torn = self._torn or self._used > 0
        self._lock, self._writing, self._used = threading.Lock(), threading.Lock(), 0
        self._resting = False


def _identity(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_dev, stat.st_ino


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY


def _words(error: sqlite3.Error) -> str:
    """What went wrong, by SQLite's own name of it: its texts may quote what was written."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return _NAMED.get(name, name)


_NAMED = {
    "SQLITE_CANTOPEN": "it cannot be opened",
    "SQLITE_CORRUPT": "the file is damaged",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_NOTADB": "it is no SQLite file",
    "SQLITE_READONLY": "it cannot be written",
}


def _close_all(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


# --- forks ------------------------------------------------------------------------------------------

_POOLS: weakref.WeakSet[Pool] = weakref.WeakSet()
_FORKING = threading.Lock()
_RESTING: list[Pool] = []


def _before_fork() -> None:
    _FORKING.acquire()
    until = time.monotonic() + 2 * PATIENCE_S
    for pool in list(_POOLS):
        pool.rest(until)
        _RESTING.append(pool)


def _after_fork_in_parent() -> None:
    for pool in _RESTING:
        pool.go_on()
    _RESTING.clear()
    _FORKING.release()


def _after_fork_in_child() -> None:
    global _FORKING
    for pool in _RESTING:
        pool.begin_again()
    _RESTING.clear()
    _FORKING = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
