"""What a store holds of a person as mappings that read a cell when it is asked for.

A policy asks for few of them. Equal to the dict of everything they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

from policykit import addresses
from policykit.facts import cells
from policykit.facts.cells import Read, Value
from policykit.facts.feedback import suppressed_order
from policykit.facts.quick import maker
from policykit.model import UNREADABLE, Address, AttributeValue
from policykit.stores.base import Cell, Row
from policykit.stores.cells import found_at
from policykit.vocabulary import CHANNELS, ORIGINS

_T = TypeVar("_T")
Places: TypeAlias = frozenset[tuple[str, str]]  # suppressed ones, see `stores.base.Known`
_ORIGINS = frozenset(member for member, _ in ORIGINS)
_ADDRESS = {channel: f"address.{channel}" for channel in CHANNELS}
_RANK = {channel: f"rank.{channel}" for channel in CHANNELS}
_read_rank = cells.reader("int")
_make_address, _make_value = maker(Address), maker(AttributeValue)
_UNREAD = AttributeValue()
_NOTHING = AttributeValue()


class View(Mapping[str, _T]):
    """A mapping by `get` and the names it may know. Safe in threads: what is read twice is the same."""

    __slots__ = ()

    def names(self) -> Iterator[str]:
        """Names that `get` may know, each once."""
        raise NotImplementedError

    def __getitem__(self, name: str) -> _T:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.names() if self.get(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))


class Facts(View[Value]):
    """`recipient.*` and added facts. columns: fact -> its column and how it is read."""

    __slots__ = ("_columns", "_row")

    def __init__(self, columns: Mapping[str, tuple[str, Read]], row: Row) -> None:
        self._columns, self._row = columns, row

    def get(self, path: str, default: Any = None) -> Any:
        found = self._columns.get(path)
        if found is None:
            return default
        cell = self._row.get(found[0])
        value = None if cell is None else found[1](cell)
        return default if value is None else value

    def names(self) -> Iterator[str]:
        return iter(self._columns)


class Ranks(View[int]):
    """The person's own ranks of channels."""

    __slots__ = ("_row",)

    def __init__(self, row: Row) -> None:
        self._row = row

    def get(self, channel: str, default: Any = None) -> Any:
        cell = self._row.get(_RANK.get(channel, ""))
        rank = None if cell is None else _read_rank(cell)
        return default if rank is None else rank

    def names(self) -> Iterator[str]:
        return iter(_RANK)


class Addresses(View[Address]):
    """One address per channel: the one asked for, else the person's own column, else the row that sorts first."""

    __slots__ = ("_asked", "_found", "_people", "_rows", "_suppressed")

    def __init__(
        self, rows: tuple[Row, ...], people: Row, asked: tuple[str, str] | None, suppressed: Places | None = None
    ) -> None:
        self._rows, self._people, self._asked, self._suppressed = rows, people, asked, suppressed
        self._found: dict[str, Address] = {}

    def get(self, channel: str, default: Any = None) -> Any:
        found = self._found.get(channel)
        if found is None:
            row = self._row(channel)
            if row is None:
                return default
            found = self._found[channel] = _address(channel, row, self._suppressed)
        return found

    def __contains__(self, channel: object) -> bool:
        return channel in self._found or (isinstance(channel, str) and self._row(channel) is not None)

    def names(self) -> Iterator[str]:
        said = (cells.text(row.get("channel")) for row in self._rows)
        return iter(dict.fromkeys([*_ADDRESS, *filter(None, said), *((self._asked[0],) if self._asked else ())]))

    def _row(self, channel: str) -> Row | None:
        asked = self._asked
        fits = _fitting(*asked) if asked is not None and asked[0] == channel else _any
        column = _ADDRESS.get(channel)
        own = self._people.get(column) if column is not None else None
        if own is not None and (text := cells.text(own)) is not None and fits(text):
            shared = self._people.get(f"{column}.shared")
            return {"address": text, "shared": shared, "suppressed": self._marked(channel, text)}
        best: Row | None = None
        for row in self._rows:
            if row.get("channel") != channel or (text := cells.text(row.get("address"))) is None or not fits(text):
                continue
            if best is None or self._order(row) < self._order(best):
                best = row
        if best is None and fits is not _any and asked is not None:
            return {"address": asked[1]}
        return best

    def _marked(self, channel: str, address: str) -> Cell:
        """What a row of this very address says that stands in its way: that it is suppressed, or something unread."""
        said: Cell = None
        for row in self._rows:
            cell, text = row.get("suppressed"), cells.text(row.get("address"))
            if cell in (None, "") or row.get("channel") != channel or text is None or cells.flag(cell) is False:
                continue
            if _fitting(channel, address)(text):
                said = True if cells.flag(cell) or said is True else cell
        return said

    def _order(self, row: Row) -> tuple[str, ...]:
        """The address that sorts first is the one that counts, whatever the order of rows."""
        shared, said = cells.flag(row.get("shared")), row.get("suppressed")
        is_empty = said is None or said == ""
        marked = False if is_empty and self._suppressed is not None else cells.flag(said)
        return (
            cells.text(row.get("address")) or "",
            suppressed_order(marked, is_empty=is_empty),
            "" if shared is None else str(shared).lower(),
            cells.text(row.get("origin")) or "",
            cells.proof(row.get("permission")) or "",
        )


def _any(_: str) -> bool:
    return True


def _fitting(channel: str, asked: str) -> Callable[[str], bool]:
    """Whether an address is the one asked for."""
    return lambda text: text == asked or addresses.key(channel, text) == addresses.key(channel, asked)


def _address(channel: str, row: Row, places: Places | None) -> Address:
    # A row of the store names its permission or none; of an address from elsewhere nobody can tell.
    permission = cells.proof(row.get("permission")) is not None if "channel" in row else None
    text = cells.text(row["address"]) or ""
    return _make_address(
        text, cells.flag(row.get("shared")), cells.one_of(row.get("origin"), _ORIGINS), permission,
        suppressed(channel, text, row.get("suppressed"), places),
    )  # fmt: skip


def suppressed(channel: str, address: str, cell: Cell, places: Places | None) -> bool | None:
    """Whether an address is suppressed: by its row, or by the store. places: what the store has, None = it cannot say.

    A cell that cannot be read leaves it unknown; an empty one leaves it to the store.
    """
    if places and found_at(channel, addresses.key(channel, address)) in places:
        return True
    return False if places is not None and (cell is None or cell == "") else cells.flag(cell)


class Attributes(View[AttributeValue]):
    """Attribute values. values: of the application, in place of stored ones, whose provenance stays.

    Of several rows for one attribute the one collected last counts, and among equals the greatest by its texts.
    """

    __slots__ = ("_found", "_people", "_purposes", "_rows", "_values")

    def __init__(
        self, purposes: frozenset[str], rows: tuple[Row, ...], people: Row, values: Mapping[str, str] | None
    ) -> None:
        self._purposes, self._rows, self._people, self._values = purposes, rows, people, values
        self._found: dict[str, AttributeValue | None] = {}

    def get(self, name: str, default: Any = None) -> Any:
        found = self._found.get(name, _UNREAD)
        if found is _UNREAD:
            found = self._found[name] = self._read(name)
        return default if found is None else found

    def names(self) -> Iterator[str]:
        listed = (cells.text(row.get("attribute")) for row in self._rows)
        own = (name.removeprefix("attributes.") for name in self._people if name.startswith("attributes."))
        return iter(dict.fromkeys([*filter(None, listed), *own, *(self._values or ())]))

    def _read(self, name: str) -> AttributeValue | None:
        best: Row | None = None
        for row in self._rows:
            if row.get("attribute") == name and (best is None or _value_order(row) >= _value_order(best)):
                best = row
        found = None if best is None else self._value(best)
        if self._values is not None and name in self._values:
            text: str | None = self._values[name] or None
        else:
            text = cells.text(self._people.get("attributes." + name))
            if text is None:
                return found
        said = found or _NOTHING
        return _make_value(text, said.origin, said.collected_for, said.collected_at, said.permission)

    def _value(self, row: Row) -> AttributeValue:
        get = row.get
        origin, purposes, permission = get("origin"), get("collected_for"), get("permission")
        if origin is not None:
            origin = cells.text(origin)
        if purposes is not None:
            purposes = cells.text(purposes)
        collected_for = tuple(purposes.split("|")) if purposes is not None else None
        if collected_for is not None and not self._purposes.issuperset(collected_for):
            collected_for = (UNREADABLE,)
        return _make_value(
            cells.text(get("value")),
            origin if origin is None or origin in _ORIGINS else UNREADABLE,
            collected_for,
            cells.instant(get("collected_at")),
            None if permission is None else cells.proof(permission),
        )


def _value_order(row: Row) -> tuple[int | str, ...]:
    at = cells.instant(row.get("collected_at"))
    texts = [cells.text(row.get(name)) or "" for name in ("value", "origin", "collected_for")]
    return (-(2**63) if at is None else at, *texts, cells.proof(row.get("permission")) or "")
