"""Rows as stores keep them: what a store holds about one person, and when two rows are one.

Shared by the stores, so that an import means the same in each of them.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NotRequired, TypeAlias, TypedDict
from urllib.parse import unquote_plus

from policykit import addresses
from policykit.errors import UsageError
from policykit.stores.base import Cell, Forgotten, Row, StoredPerson
from policykit.stores.chain import printable

KEYS: Mapping[str, tuple[str, ...]] = {
    "people": ("id",),
    "addresses": ("person", "channel"),
    "attributes": ("person", "attribute"),
    "consents": ("person",),
    "history": ("person",),
    "feedback": ("person", "id"),
}  # the columns without which a row of the relation cannot be kept; the first names the person
SENT = ("at", "channel", "message_class", "campaign")  # what history says of a send, beside id and person


Change: TypeAlias = Callable[[Row], Row | None]  # of a row, None = it goes


class Facts(TypedDict):
    """What is kept about one person, but for sends. Lists are in an order that no import decides."""

    people: dict[str, Cell]
    addresses: list[dict[str, Cell]]
    attributes: list[dict[str, Cell]]
    consents: list[dict[str, Cell]]
    feedback: NotRequired[list[dict[str, Cell]]]  # absent: none, as in what was written before there was any


def nothing() -> Facts:
    return {"people": {}, "addresses": [], "attributes": [], "consents": []}


# --- reading rows ---------------------------------------------------------------------------------


def check_relation(relation: str) -> None:
    """`UsageError` when stores keep no such relation."""
    if relation not in KEYS:
        raise UsageError(f"unknown relation `{relation}`", help="a store has " + ", ".join(f"`{one}`" for one in KEYS))


def checked(relation: str, row: Row) -> tuple[str, dict[str, Cell]]:
    """Whom a row is about, and the row as it is kept; `UsageError` when it cannot be kept."""
    check_relation(relation)
    for column in KEYS[relation]:
        if text(row.get(column)) is None:
            raise UsageError(
                f"a row of `{relation}` has no `{column}`", help=f"give every row of `{relation}` a `{column}`"
            )
    for column, cell in row.items():
        if cell is not None and not isinstance(cell, str | int | float):
            raise UsageError(
                f"a row of `{relation}` holds {type(cell).__name__} in column `{column}`",
                help="cells are texts, numbers or booleans",
            )
    kept = dict(row)
    person = printable(text(row[KEYS[relation][0]]) or "")
    kept[KEYS[relation][0]] = person
    return person, kept


def text(cell: object) -> str | None:
    """The text of a cell as a file would hold it; empty is none."""
    if cell is None or cell == "":
        return None
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def canonical(row: Mapping[str, Cell]) -> str:
    """One text for all rows of equal content, whatever the order of their columns."""
    return _SORTED.encode(row)


def compact(kept: object) -> str:
    """JSON in ASCII, as files of stores hold rows and facts."""
    return _COMPACT.encode(kept)


_SORTED = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_COMPACT = json.JSONEncoder(separators=(",", ":"))


# --- putting rows ---------------------------------------------------------------------------------


def put(facts: Facts, relation: str, row: dict[str, Cell]) -> bool:
    """Puts a checked row among the facts of its person; False when it is there already.

    people, addresses and attributes replace the row of the same key. A consent record is an event:
    it is added unless one with the very same content is there, so that a refusal under an id that
    is known already is not lost. Feedback is added once by its id.
    """
    match relation:
        case "people":
            changed = not _are_one(facts["people"], row)
            facts["people"] = row
            return changed
        case "addresses":
            return _replace(facts["addresses"], "channel", row)
        case "attributes":
            return _replace(facts["attributes"], "attribute", row)
        case "feedback":
            return _append_once(facts.setdefault("feedback", []), row)
        case _:
            return _append(facts["consents"], row)


def _replace(rows: list[dict[str, Cell]], column: str, row: dict[str, Cell]) -> bool:
    key = text(row[column])
    for place, old in enumerate(rows):
        if text(old[column]) == key:
            rows[place] = row
            return not _are_one(old, row)
    rows.append(row)
    rows.sort(key=lambda one: text(one[column]) or "")
    return True


def _append(rows: list[dict[str, Cell]], row: dict[str, Cell]) -> bool:
    content = canonical(row)
    contents = [canonical(old) for old in rows]
    place = bisect_left(contents, content)
    if place < len(contents) and contents[place] == content:
        return False
    rows.insert(place, row)
    return True


def _append_once(rows: list[dict[str, Cell]], row: dict[str, Cell]) -> bool:
    name = text(row["id"]) or ""
    names = [text(old["id"]) or "" for old in rows]
    place = bisect_left(names, name)
    if place < len(names) and names[place] == name:
        return False
    rows.insert(place, row)
    return True


def _are_one(old: dict[str, Cell], row: dict[str, Cell]) -> bool:
    """Whether two rows have equal content; to Python `True` is 1, here it is not."""
    return old == row and canonical(old) == canonical(row)


def reach(facts: Facts) -> set[tuple[str, str]]:
    """Where the person is reached (`found_at`): by every address of the rows, and of columns of the people row."""
    return _reach(facts["people"], facts["addresses"])


def reach_of(person: StoredPerson) -> set[tuple[str, str]]:
    """As `reach`, of a person as a store tells of them."""
    return _reach(person.people, person.addresses)


def _reach(people: Row, rows: Iterable[Row]) -> set[tuple[str, str]]:
    found = {
        (column.removeprefix("address."), address)
        for column, cell in people.items()
        if column.startswith("address.") and column.count(".") == 1 and (address := text(cell)) is not None
    }
    for row in rows:
        channel, address = text(row["channel"]), text(row.get("address"))
        if channel is not None and address is not None:
            found.add((channel, address))
    return {found_at(channel, addresses.key(channel, address)) for channel, address in found}


def found_at(channel: str, key: str) -> tuple[str, str]:
    """What an address is found by: one number is one place, whatever channel it is known for."""
    return printable(addresses.family(channel)), printable(key)


# --- forgetting -----------------------------------------------------------------------------------


def counted(facts: Facts, history: int, waiting: int, decisions: int) -> Forgotten:
    """What goes with a person."""
    return Forgotten(
        people=1 if facts["people"] else 0, addresses=len(reach(facts)), attributes=len(_values(facts)),
        consents=len(facts["consents"]), feedback=len(facts.get("feedback", ())), history=history, waiting=waiting,
        decisions=decisions,
    )  # fmt: skip


def _values(facts: Facts) -> list[str]:
    """Attributes that the person has a value of, by rows and by columns of the people row."""
    rows = {text(row["attribute"]) or "" for row in facts["attributes"]}
    return sorted(rows.union(column for column in facts["people"] if column.startswith("attributes.")))


def names(pseudonym: str) -> str:
    """How a line of the log names a person."""
    return f'"person":"{pseudonym}"'


def import_contents(row: Row) -> list[str]:
    """The texts by which an import may have known a row of history."""
    own = text(row.get("id"))
    if own is not None:
        return [canonical({"id": own})]
    return [canonical(row), canonical({name: cell for name, cell in row.items() if name != "id"})]


def is_for(person: str, places: Collection[tuple[str, str]], request: str, context: str) -> bool:
    """Whether a send that waits is for a person or speaks of them: named for it, or one of their addresses stands
    in it.
    """
    try:
        said, sent = json.loads(context), json.loads(request)
    except ValueError:
        return False
    if isinstance(said, dict) and said.get("person") == person:
        return True
    body = sent.get("body") if isinstance(sent, dict) else None
    if not isinstance(body, str):
        return False
    try:
        plain = b64decode(body).decode("utf-8", "replace")
    except ValueError:
        plain = body
    plain = f"{plain}\n{unquote_plus(plain)}"
    return any(_stands_in(address, plain) for _, address in places if address)


def _stands_in(address: str, plain: str) -> bool:
    """Whether an address stands in a text by itself: `na@example.com` is not in `ana@example.com`."""
    before = r"[\w.%+-]" if "@" in address else r"\w"
    return re.search(rf"(?<!{before}){re.escape(address)}(?![\w-])", plain, re.IGNORECASE) is not None


def amend_facts(facts: Facts, relation: str, change: Change) -> int:
    """Changes the facts of one person; how many rows."""
    if relation == "people":
        new = change(facts["people"]) if facts["people"] else facts["people"]
        if new is None or new == facts["people"]:
            return 0
        facts["people"] = dict(new)
        return 1
    rows = [(old, change(old)) for old in facts["attributes"]]
    facts["attributes"] = [dict(new) for _, new in rows if new is not None]
    return sum(1 for old, new in rows if new != old)
