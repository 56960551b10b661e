"""The store as the gate sees it: outages are noticed, records wait for it, how sends ended is written behind.

Decisions and their slots are written before a send leaves, by the caller. How it ended, and what
observers are told, goes through one thread per process, in batches. A crash can lose only what is
on this way: a slot whose ending was not written falls back to its lease. What could not be recorded
while the store was away is kept, bounded, and written when it is back.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from policykit.errors import StoreUnavailable
from policykit.model import Micros
from policykit.sends import DecisionRecord
from policykit.stores.base import Asked, Ending, Entry, Known, Row, Store, Suppression

log = logging.getLogger("policykit")

Observer = Callable[[Sequence[DecisionRecord]], None]

LINGER_S = 0.02  # how long endings are collected before they are written together
AGAIN_S = 2.0  # between attempts while the store is away
MOST_WAITING = 100_000  # of each kind; about 50 MB of lines
_MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Ended:
    """How sends ended. receipts: worked out off the caller's path; decision id -> the provider's id.

    shared: rows of history for others whom a sent message reached. gone: addresses of which the provider said that
    they exist no more, worked out likewise.
    """

    ids: tuple[str, ...]
    ending: Ending
    receipts: Callable[[], Mapping[str, str]] | None = field(default=None, repr=False)
    shared: tuple[Row, ...] = field(default=(), repr=False)
    gone: Callable[[], Sequence[Suppression]] | None = field(default=None, repr=False)


class Ledger:
    """One store, from any thread; outages raise `StoreUnavailable` here and are logged once each."""

    def __init__(self, store: Store, now: Callable[[], Micros], observers: Sequence[Observer] = ()) -> None:
        self.store = store
        self._now = now
        self._observers = tuple(observers)
        self.holds: Mapping[str, str] = {}  # as last read, for when the store is away
        self._reachable = True
        self._closed = False
        self._said: set[str] = set()
        self._begin()
        _LEDGERS.add(self)

    def _begin(self) -> None:
        """The writer's state, new in every process: what a parent queued is the parent's to write."""
        self._decided: deque[Sequence[DecisionRecord]] = deque()
        self._ended: deque[Ended] = deque()
        self._waiting: deque[Entry] = deque()
        self._unsettled: dict[str, Ending] = {}
        self._receipts: dict[str, str] = {}
        self._shared: list[Row] = []
        self._gone: list[Suppression] = []
        self._writing = threading.Lock()
        self._telling = threading.RLock()
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._failed = False  # an attempt ended without success, and that is not written yet
        self._thread: threading.Thread | None = None

    # --- on the caller's path

    def known(self, asked: Sequence[Asked], now: Micros, logical: Sequence[str]) -> Known:
        if self._failed:  # the client may be trying again already: its slot must be known as ended
            self._failed = False
            self._write()
        try:
            known = self.store.known(asked, now, logical)
        except StoreUnavailable:
            self._is_reachable(False)
            raise
        self.holds = known.holds
        return known

    def record(self, entries: Sequence[Entry], now: Micros) -> tuple[bool, ...]:
        try:
            granted = self.store.record(entries, now)
        except StoreUnavailable:
            self._is_reachable(False)
            raise
        # Not by reading: a store that is locked can be read, and would come and go with every send.
        self._is_reachable(True)
        return granted

    # --- behind it

    def decided(self, records: Sequence[DecisionRecord]) -> None:
        """Tells observers."""
        if self._observers and records:
            self._put(self._decided, records)

    def ended(self, ended: Ended) -> None:
        """Settles slots."""
        if ended.ids:
            self._put(self._ended, ended)
            self._failed = self._failed or ended.ending != "sent"

    def later(self, entries: Sequence[Entry]) -> None:
        """Keeps decisions that could not be recorded."""
        for entry in entries:
            self._put(self._waiting, entry)

    def flush(self) -> bool:
        """Writes everything and tells observers, now; False when the store cannot be reached."""
        written = self._write()
        self._observe()
        return written

    def close(self) -> None:
        """Writes what is left and ends the thread. The store stays open: it belongs to who opened it."""
        self._closed = True
        self._hurry.set()
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5)
        if not self.flush() and self._waiting:
            log.error("%d decisions were never recorded: the store did not come back", len(self._waiting))
        _LEDGERS.discard(self)

    def _put(
        self, queue: deque[object] | deque[Ended] | deque[Entry] | deque[Sequence[DecisionRecord]], item: object
    ) -> None:
        if len(queue) >= MOST_WAITING:
            self._say_once("more waits for the store than can be kept; slots fall back to their leases")
            return
        queue.append(item)  # type: ignore[arg-type]
        if self._closed:  # under way as policykit was taken out: nobody comes after us
            self.flush()
            return
        if self._thread is None:
            self._start()
        if not self._wake.is_set():
            self._wake.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="policykit-ledger", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # the process is ending, or has no thread left: `close` or `flush` writes it
                    self._say_once("no thread could be started; what waits is written at the end")
                    return
                self._thread = thread if thread.is_alive() else None
                _write_at_end(self)

    def _run(self) -> None:
        try:
            while not self._closed:
                self._wake.wait()
                self._hurry.wait(LINGER_S)
                self._wake.clear()
                if not self.flush() and not self._closed:
                    self._hurry.wait(AGAIN_S)
                    self._wake.set()
        finally:
            self._thread = None  # an observer may end even a thread: the next ending starts another

    def _write(self) -> bool:
        """Writes everything that waits; whether the store took it."""
        with self._writing:
            self._collect()
            try:
                self._write_waiting()
                self._settle()
            except StoreUnavailable:
                self._is_reachable(False)
                return False
            except Exception as error:  # border: the ledger's thread must live; what broke is dropped and said
                self._unsettled.clear()
                self._receipts.clear()
                self._shared.clear()
                self._gone.clear()
                self._say_once(f"endings could not be written: {type(error).__name__}")
            return True

    def _collect(self) -> None:
        while self._ended:
            ended = self._ended.popleft()
            if len(self._unsettled) < MOST_WAITING:
                self._unsettled.update(dict.fromkeys(ended.ids, ended.ending))
                self._receipts.update(self._read_receipts(ended))
                self._shared.extend(ended.shared)
                self._gone.extend(self._read_gone(ended))

    def _observe(self) -> None:
        """Tells observers, one call at a time; never while writing, because an observer may send something itself."""
        with self._telling:
            while self._decided:
                records = self._decided.popleft()
                for observer in self._observers:
                    try:
                        observer(records)
                    except Exception as error:  # border: an observer never harms a send
                        name = getattr(observer, "__qualname__", type(observer).__name__)
                        self._say_once(f"observer `{name}` failed: {type(error).__name__}")

    def _read_receipts(self, ended: Ended) -> Mapping[str, str]:
        if ended.receipts is None:
            return {}
        try:
            return ended.receipts()
        except Exception as error:  # border: an answer nobody expected; the send is settled without its receipt
            self._say_once(f"receipts could not be read: {type(error).__name__}")
            return {}

    def _read_gone(self, ended: Ended) -> Sequence[Suppression]:
        try:
            return ended.gone() if ended.gone is not None else ()
        except Exception as error:  # border: likewise
            self._say_once(f"an answer could not be read: {type(error).__name__}")
            return ()

    def _write_waiting(self) -> None:
        while self._waiting:
            batch = [self._waiting[place] for place in range(min(_MOST_AT_ONCE, len(self._waiting)))]
            self.store.record(batch, self._now())
            self._is_reachable(True)
            for _ in batch:
                self._waiting.popleft()

    def _settle(self) -> None:
        if self._shared:
            self.store.write("history", self._shared)
            self._shared = []
        if self._gone:
            self.store.suppress(self._gone)
            self._gone = []
        if not self._unsettled:
            return
        self.store.settle(self._unsettled, self._now(), self._receipts or None)
        self._unsettled, self._receipts = {}, {}

    # --- what is said

    def _is_reachable(self, reachable: bool) -> None:  # noqa: FBT001  # a state
        if reachable != self._reachable:
            self._reachable = reachable
            log.warning("the store is back" if reachable else "the store cannot be reached; `on_error` decides")

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            log.warning(text)


_LEDGERS: weakref.WeakSet[Ledger] = weakref.WeakSet()


def _after_fork() -> None:
    for ledger in list(_LEDGERS):
        ledger._begin()  # noqa: SLF001  # one module


def _write_at_end(ledger: Ledger) -> None:
    """Processes that multiprocessing forked end without `atexit`; what is to be done then is registered with it."""
    process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if process is not None and util is not None and process.parent_process() is not None:
        util.Finalize(None, _flush, args=(weakref.ref(ledger),), exitpriority=0)


def _flush(ledger: weakref.ref[Ledger]) -> None:
    found = ledger()
    if found is not None:
        found.flush()


def _at_exit() -> None:
    for ledger in list(_LEDGERS):
        ledger.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
