"""What the laws of stores share: what a store under test gives, and one person with one row of everything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from policykit.stores.base import LEASE, Asked, Entry, Logged, Reservation, Row, Store, StoredPerson
from policykit.stores.chain import digest_of, link
from policykit.testing.laws import LawSuite

NOW = 1_700_000_000_000_000
FOREVER = 2**62  # later than any clock says
ADDRESS = Asked("email", "ada@example.com")
ADA: Row = {"id": "ada", "country": "FR", "zone": "Europe/Paris", "age": 36}
AT: Row = {"person": "ada", "channel": "email", "address": "Ada@Example.com", "shared": False}
LIKES: Row = {"person": "ada", "attribute": "basket", "value": "pram", "origin": "observed"}
YES: Row = {"id": "c1", "person": "ada", "status": "given", "channel": "email", "at": "2023-01-01T00:00:00Z"}
NO: Row = {"id": "c2", "person": "ada", "status": "withdrawn", "at": NOW}
SENT: Row = {"person": "ada", "at": NOW - 5, "channel": "email", "message_class": "marketing", "campaign": "spring"}
TOLD: Row = {
    "person": "ada", "id": "f1", "at": NOW - 9, "kind": "too_personal", "campaign": "spring", "lower_tolerance": 20,
}  # fmt: skip
ALL: Sequence[tuple[str, Row]] = (
    ("people", ADA), ("addresses", AT), ("attributes", LIKES), ("consents", YES), ("history", SENT),
    ("feedback", TOLD),
)  # fmt: skip


class StoreLaws(LawSuite):
    """What a store under test gives."""

    def open(self, tmp_path: Path) -> Store:
        """An empty store, that others opened in this test do not share."""
        raise NotImplementedError

    def again(self, store: Store) -> Store:
        """The same data, as another process would open it; the very store where it lives in one process."""
        return store

    def unreachable(self, tmp_path: Path) -> Store | None:
        """A store that cannot be reached, None where there is no such thing."""
        return None

    def rewrite(self, store: Store, log: Sequence[Logged]) -> bool:
        """Put a log in place of the store's, behind its back; False where nobody can."""
        return False

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = self.open(tmp_path)
        yield store
        store.close()


def fill(store: Store) -> None:
    for relation, row in ALL:
        store.write(relation, [row])


def read_ada(store: Store, now: int = NOW) -> StoredPerson:
    found = store.known([Asked("email", "", "ada")], now).named[0]
    assert found is not None
    return found


def read_seen(store: Store, name: str) -> int:
    found = store.known([Asked("email", "", name)], NOW).named[0]
    return found.seen if found else 0


def slot_of(
    decision: str,
    *,
    person: str = "ada",
    seen: int = 0,
    at: int = NOW,
    lease_until: int = NOW + LEASE,
    retry: bool = False,
) -> Reservation:
    return Reservation(decision, person, at, "email", "marketing", "spring", "logical", seen, lease_until, retry)


def take_slot(store: Store, slot: Reservation, now: int = NOW) -> bool:
    (granted,) = store.record([Entry(slot.decision, f'{{"id":"{slot.decision}"}}', slot)], now)
    return granted


def hashes(log: Sequence[Logged]) -> list[str]:
    found = [""]
    for each in log:
        found.append(link(found[-1], digest_of(each.nonce, each.line)))
    return found[1:]


def is_same(one: object, other: object) -> bool:
    """Equal and of one type: `True` is not 1."""
    return type(one) is type(other) and one == other


def are_same_rows(rows: Iterator[Row], expected: Sequence[Row]) -> bool:
    return sorted(map(texts, rows)) == sorted(map(texts, expected))


def texts(row: Row) -> list[tuple[str, str]]:
    return sorted((name, repr(cell)) for name, cell in row.items())


def content(person: StoredPerson) -> str:
    """Everything about a person but who it is, in an order of its own for history alone."""
    name = person.id
    ordered = [
        person.people, person.addresses, person.attributes, person.consents, sorted(map(texts, person.history)),
        person.feedback,
    ]  # fmt: skip
    return repr(ordered).replace(repr(name), "?")


def run_together(tasks: Sequence[Callable[[], object]]) -> None:
    """Runs tasks in threads at once; what one raises is raised here."""
    failed: list[BaseException] = []

    def _run(task: Callable[[], object]) -> None:
        try:
            task()
        except BaseException as error:  # raised again below
            failed.append(error)

    threads = [threading.Thread(target=_run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    if failed:
        raise failed[0]
