"""The contract of a store. Facts come out in one round trip; decisions and reservations go in, in one.

Cells are texts, numbers or booleans under the columns of `vocabulary.RELATIONS`, as data files hold
them: what cannot be read stays as it was written and is judged unknown, on every path alike.
Instants of our own (leases, log) are UTC microseconds. A method that cannot reach the store raises
`StoreUnavailable` and has changed nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from policykit.model import Micros

Cell: TypeAlias = str | int | float | bool | None
Row: TypeAlias = Mapping[str, Cell]
LEASE: Micros = 120_000_000  # how long a reservation holds its slot without being settled

Ending: TypeAlias = Literal["sent", "released", "ended"]
Because: TypeAlias = Literal["bounce", "complaint", "manual", "forgotten"]
BECAUSE: tuple[Because, ...] = ("bounce", "complaint", "manual", "forgotten")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who a send is for. address: `addresses.key`; person: named by the application, else None.

    An address finds whoever has it on a channel of the same family (`addresses.family`).
    """

    channel: str
    address: str = field(repr=False)
    person: str | None = None


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """Everything stored about one person, rows under the columns of `vocabulary.RELATIONS`.

    people: columns of the people relation that are known. history: sends, reservations that hold a
    slot now among them, each with `id` (the decision's, None for imported rows). seen: number of the
    latest write to this person's history; `record` grants a reservation only while it is still that.
    feedback: what they told us back.
    """

    id: str
    people: Row = field(default_factory=dict, repr=False)
    addresses: tuple[Row, ...] = field(default=(), repr=False)
    attributes: tuple[Row, ...] = field(default=(), repr=False)
    consents: tuple[Row, ...] = field(default=(), repr=False)
    history: tuple[Row, ...] = field(default=(), repr=False)
    seen: int = 0
    feedback: tuple[Row, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """The answer to a question of who. people: aligned with what was asked; several live at a shared address,
    none at an unknown one. named: aligned too; the person named by the application, None when not stored or not named.
    holds: campaign -> why it is on hold. retry: place in what was asked -> decision id of an earlier attempt of
    the same logical send that ended without success and still holds its slot; absent where there is none.
    suppressed: of the addresses asked for and all addresses of the people found, those that are suppressed, as
    (`addresses.family`, `addresses.key`); None = the store cannot say, so every address may be.
    """

    people: tuple[tuple[StoredPerson, ...], ...]
    named: tuple[StoredPerson | None, ...]
    holds: Mapping[str, str] = field(default_factory=dict)
    retry: Mapping[int, str] = field(default_factory=dict)
    suppressed: frozenset[tuple[str, str]] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address nothing may be sent to any more. evidence: hash of the event that said so.

    address: as it is written anywhere, for who suppresses it; a store keeps only its hash, which is all that
    can be read back. A hash in place of an address is one that the same store gave.
    """

    channel: str
    address: str | None = field(repr=False)
    because: Because
    at: Micros
    evidence: str | None = None
    hash: str | None = None


@dataclass(frozen=True, slots=True)
class SuppressionKey:
    """The secret of a store that addresses are hashed with (`suppressed.address_hash`)."""

    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reservation:
    """A slot in somebody's history, taken before the send leaves.

    logical: hash of endpoint, body and place in the call: equal ones are one logical send within the
    lease. at: the instant the send leaves. seen: as read with the facts. retry: takes over the slot
    of this decision id instead of a new one.
    """

    decision: str
    person: str
    at: Micros
    channel: str
    message_class: str
    campaign: str | None
    logical: str
    seen: int
    lease_until: Micros
    retry: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision to record. line: JSON of `sends.to_line`. reservation: None for what does not leave."""

    id: str
    line: str = field(repr=False)
    reservation: Reservation | None = None


@dataclass(frozen=True, slots=True)
class PutOff:
    """A send that waits in the outbox. request: JSON without secret headers; context: campaign, person, values.

    The person's slot is reserved under `decision` at `due`; it is judged again as it leaves.
    """

    decision: str
    due: Micros
    provider: str
    request: str = field(repr=False)
    context: str = field(default="{}", repr=False)
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Logged:
    """A line of the decision log. number: from 1, without gaps; hash: chained, hexadecimal (see `chain`).

    nonce: empty when the line was redacted; then digest is that of the line as it was written.
    """

    number: int
    line: str = field(repr=False)
    hash: str
    nonce: str = field(default="", repr=False)
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether the chain holds. broken: number of the first line that was changed, removed or added, None = none."""

    lines: int
    head: str
    broken: int | None = None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much of a person went, by what it was; nothing at all when nobody of that id was known.

    decisions: lines of the log that were redacted. waiting: sends taken out of the outbox. suppressed: addresses
    nothing is sent to any more.
    """

    people: int = 0
    addresses: int = 0
    attributes: int = 0
    consents: int = 0
    feedback: int = 0
    history: int = 0
    waiting: int = 0
    decisions: int = 0
    suppressed: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows an import added or changed, and how many were there already."""

    written: int
    same: int


class Store(ABC):
    """Where everything is kept. Safe to use from any thread, and after a fork."""

    @abstractmethod
    def known(self, asked: Sequence[Asked], now: Micros, logical: Sequence[str] = ()) -> Known:
        """Everything about the people asked for, in one round trip.

        logical: aligned with asked, or empty: looks for earlier attempts of the same logical sends.
        """

    @abstractmethod
    def record(self, entries: Sequence[Entry], now: Micros) -> tuple[bool, ...]:
        """Appends decisions to the log and takes their slots, in one transaction; which were granted.

        A reservation is granted when nothing was written to the person's history since `seen` (other
        entries of this call aside), or, with `retry`, when the slot of that decision is there, ended,
        and nobody took it over. An entry that is not granted leaves no trace. An entry whose id is in the
        log is granted and not appended again.
        """

    @abstractmethod
    def settle(self, ended: Mapping[str, Ending], now: Micros, receipts: Mapping[str, str] | None = None) -> None:
        """How attempts ended, by decision id: `sent` keeps the slot for good, `released` frees it,
        `ended` keeps it until its lease ends (nobody knows whether it left; a retry may take it over).
        receipts: decision id -> the provider's id.
        """

    @abstractmethod
    def write(self, relation: str, rows: Iterable[Row]) -> Written:
        """Import rows of a relation: people, addresses and attributes are replaced by key (person;
        person and channel; person and attribute); consents, feedback and history are appended, once each:
        feedback by id, history by id where a row has one, everything else by content, so that a refusal under
        a known id is not lost. Equal rows of history without an id count as often as one import has them.
        A row without its person or key is a `UsageError`. Many rows may be written in several transactions.
        """

    @abstractmethod
    def rows(self, relation: str) -> Iterator[Row]:
        """Every row of a relation, for the dry run and for export; history holds what counts now."""

    @abstractmethod
    def suppress(self, entries: Iterable[Suppression]) -> Written:
        """From now on nothing is sent to these addresses: `known` says so, whenever an address is met. Nothing is
        ever taken back; entries that differ in nothing but the instant are one, that of the first.
        """

    @abstractmethod
    def suppressions(self) -> tuple[Suppression, ...]:
        """Everything that was ever suppressed, with hashes in place of addresses, oldest first."""

    @abstractmethod
    def suppression_key(self) -> SuppressionKey:
        """What addresses are hashed with, to look many up among the suppressions; the same in every process."""

    @abstractmethod
    def hold(self, campaign: str, because: str, now: Micros) -> None:
        """Put a campaign on hold; a new reason replaces the old one."""

    @abstractmethod
    def release(self, campaign: str) -> bool:
        """Let a campaign go on; False when it was not on hold."""

    @abstractmethod
    def holds(self) -> Mapping[str, str]:
        """Campaigns on hold and why."""

    @abstractmethod
    def put_off(self, waiting: PutOff) -> None:
        """Keep a send for later; the same decision replaces its entry."""

    @abstractmethod
    def take_due(self, now: Micros, lease_until: Micros, most: int = 100) -> tuple[PutOff, ...]:
        """Sends whose time has come, each given to one taker until the lease ends."""

    @abstractmethod
    def drop(self, decision: str) -> None:
        """Take a send out of the outbox: it left, or never will."""

    @abstractmethod
    def waiting(self) -> tuple[PutOff, ...]:
        """Everything in the outbox, soonest first."""

    @abstractmethod
    def decisions(self, after: int = 0, most: int = 1000) -> tuple[Logged, ...]:
        """Lines of the log with numbers above `after`, in order."""

    @abstractmethod
    def last(self, most: int) -> tuple[Logged, ...]:
        """The latest lines, oldest first."""

    @abstractmethod
    def decision(self, id: str) -> Logged | None:  # noqa: A002  # its name everywhere
        """The line of one decision, None when the log has none."""

    @abstractmethod
    def verify(self) -> Verified:
        """Walks the chain of the log from its first line; a redacted line holds when a forgetting accounts for it."""

    @abstractmethod
    def verify_consents(self) -> Verified:
        """Likewise that of the ledger of consents, which must hold exactly what people are judged by."""

    @abstractmethod
    def forget(self, person: str, now: Micros, pseudonym: str | None = None) -> Forgotten:
        """Takes a person out of everything, for good: rows of every relation, sends that wait for them, and from
        the log who its lines were about; their addresses are suppressed, so that an old file brings nobody back.

        pseudonym: what the log calls them. What was forgotten is itself a line of the log, so that both chains
        still hold. Nobody of that id, or forgotten already: nothing is written.
        """

    @abstractmethod
    def would_forget(self, person: str, pseudonym: str | None = None) -> Forgotten:
        """What `forget` would take out now."""

    @abstractmethod
    def amend(self, relation: str, change: Callable[[Row], Row | None]) -> int:
        """Puts what `change` gives in place of rows of people, attributes or history, nothing where it gives None;
        how many rows changed. A person's row stays, and so does the key of every row; a send is kept as it is or goes,
        unless its slot may still be settled. Many rows may be changed in several transactions.
        """

    @abstractmethod
    def note(self, event: str, line: str) -> None:
        """Adds a line to the log that is no decision: JSON with `id` (event), `at` and `event`."""

    @abstractmethod
    def scrub(self) -> bool:
        """Makes what was taken out unreadable in what the store keeps; False while others are in the way."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is open in this process."""
