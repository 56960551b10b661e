"""People of a store mean what the same cells mean in data files."""

from __future__ import annotations

import csv
import pickle
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import TypeAlias

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.assemble.stores import exported, is_suppressed
from policykit.dryrun.person import people_of
from policykit.dryrun.relations import read_data
from policykit.dryrun.sources import Source, Sources
from policykit.facts.stored import person_of, stranger
from policykit.model import DAY, UNREADABLE, Address, AttributeValue, ConsentRecord, Person, Program, SentRecord
from policykit.stores.base import Asked, Cell, Row, StoredPerson, Suppression
from policykit.stores.memory import MemoryStore
from policykit.vocabulary import CHANNELS, RELATIONS, FactSpec, Vocabulary
from tests.dryrun.world import NOW, ruleset

RULES = replace(
    ruleset(), ranks={**CHANNELS, "carrier_pigeon": 10}, programs={"new-home": Program("new-home", "marketing")}
)
EXTRA = (
    FactSpec("recipient.loyal", "bool", "buys often", column="loyal"),
    FactSpec("recipient.score", "double", "a score", column="score"),
    FactSpec("shop.visits", "int", "visits", column="visits"),
    FactSpec("shop.stay", "duration", "length of stay", column="stay"),
    FactSpec("shop.tier", "string", "tier", members=("gold", "tin"), column="tier"),
    FactSpec("shop.same_tier", "string", "the same cell, read freely", column="tier"),
    FactSpec("shop.tags", "set", "tags", column="tags"),
    FactSpec("shop.met_at", "timestamp", "first visit", column="met_at"),
)
VOCABULARY = Vocabulary(EXTRA)
Tables: TypeAlias = dict[str, tuple[list[str], list[dict[str, str]]]]  # relation -> columns, rows


def read(stored: StoredPerson, **more: object) -> Person:
    return person_of(RULES, VOCABULARY, stored, **more)  # type: ignore[arg-type]


# --- the law ------------------------------------------------------------------------------------------

TEXTS = st.sampled_from(
    ["", "x", "yes", "true", "false", "True", "0", "7", "007", "-3", "+4", "2.5", "1e3", "inf", "nan", " 7", "a|b", "*",
     "é", "\u00a0", "9" * 20, str(2**63 - 1), "-" + str(2**63), "{}", "a,b", 'say "no"', "two\nlines", "|", "a||b"]
)  # fmt: skip
INSTANTS = st.sampled_from(
    ["", "2026-03-02T10:00:00Z", "2026-03-02 10:00+01:00", "2026-03-02T10:00:00.25-0500", "2026-02-30T10:00:00Z",
     "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "2026-03-02T24:00:00Z", "soon", "1772442000000000",
     "2026-03-02T10:00:00+99:00", "2026-03-02T10:00:60Z"]
)  # fmt: skip
NUMBERS = st.one_of(st.integers(-(2**64), 2**64).map(str), st.floats(allow_nan=True).map(str), TEXTS)
WORDS: Mapping[str, Sequence[str]] = {
    "id": ("", "r1", "r2"),
    "status": ("given", "renewed", "refused", "objected", "withdrawn", "unknown", "GIVEN", ""),
    "purpose": ("marketing", "marketing.communications", "*", "", "sales ", "nowhere"),
    "program": ("", "", "new-home", "old-home"),
    "channel": ("email", "push", "sms", "carrier_pigeon", "*", "", "fax"),
    "quality": ("written", "single_opt_in", "", "good"),
    "basis": ("consent", "contract", "", "whim"),
    "defects": ("", "bundled", "bundled|pre_ticked", "odd", "|"),
    "evidence": ("", "false", "FALSE", "form 7"),
    "permission": ("", "false", "False", "r1", "true"),
    "message_class": ("marketing", "service", "", "other"),
    "origin": ("", "observed", "provided", "stolen"),
    "collected_for": ("", "marketing", "marketing|sales", "*", "marketing|fun", "|"),
    "attribute": ("basket", "home", "new"),
    "degree": ("", "observed", "inferred", "hidden"),
    "zone": ("Europe/Paris", "Mars/Base", ""),
    "tier": ("gold", "tin", "lead", ""),
    "shared": ("true", "false", "", "maybe"),
    "suppressed": ("true", "false", "", "maybe"),
    "lower_tolerance": ("", "0", "20", "-5", "007", "x", "9" * 20),
    "address": ("", "a@b.example", "+33612345678", "c", "B"),
}
SUPPRESSED = ("A@B.example", "0033612345678", "c", "nobody")
PEOPLE = (
    *(column for relation in RELATIONS if relation.name == "people" for column in relation.columns
      if column.name != "id" and "<" not in column.name),
)  # fmt: skip
TYPES: Mapping[str, str] = {
    **{column.name: column.type for column in PEOPLE},
    **{spec.column: spec.type for spec in EXTRA if spec.column},
    "address.email": "text", "address.email.shared": "bool", "address.push": "text", "address.push.shared": "bool",
    "rank.email": "int", "rank.carrier_pigeon": "int", "attributes.basket": "text", "attributes.home": "text",
    "lower_tolerance": "int", "suppressed": "bool", "at": "timestamp", "expires_at": "timestamp",
    "collected_at": "timestamp",
}  # fmt: skip


def cell_of(column: str) -> st.SearchStrategy[str]:
    word = column.split(".")[-1] if column.endswith(".shared") else column.split(".")[0]
    if word in WORDS:
        return st.sampled_from(WORDS[word])
    match TYPES.get(column or "", "text"):
        case "timestamp":
            return INSTANTS
        case "int" | "double" | "duration":
            return NUMBERS
        case _:
            return TEXTS


@st.composite
def tables(draw: st.DrawFn) -> Tables:
    """Relation -> its columns and rows, as texts."""
    made = {}
    for relation in RELATIONS:
        if relation.name == "people":
            key = "id"
            columns = ["id", *draw(st.lists(st.sampled_from(list(TYPES)[:-5]), unique=True))]
        else:  # what a store gives away has every column
            key = "person"
            columns = [column.name for column in relation.columns]
        people = ["ann", "bob"] if key == "id" else draw(st.lists(st.sampled_from(["ann", "bob"]), max_size=5))
        rows = [{name: person if name == key else draw(cell_of(name)) for name in columns} for person in people]
        if relation.name == "feedback":  # kept once by its id
            rows = [{**row, "id": f"f{number}"} for number, row in enumerate(rows)]
        made[relation.name] = (columns, rows)
    return made


def native(text: str, column: str, *, plainly: bool) -> Cell:
    """The cell as a store may hold it: the text, or the value a file's text stands for."""
    if plainly and TYPES.get(column) == "bool" and text in ("true", "false"):
        return text == "true"
    if plainly and TYPES.get(column) in ("int", "double") and text.isdigit() and text == str(int(text)):
        return int(text)
    return text


def stored_of(made: Tables, person: str, *, plainly: bool) -> StoredPerson:
    def rows(name: str) -> tuple[Row, ...]:
        key = "id" if name == "people" else "person"
        mine = [row for row in made[name][1] if row[key] == person]
        return tuple(
            {c: native(text, c, plainly=plainly) for c, text in row.items() if c != key and (text or not plainly)}
            for row in mine
        )

    return StoredPerson(
        person,
        rows("people")[0],
        rows("addresses"),
        rows("attributes"),
        rows("consents"),
        rows("history"),
        feedback=rows("feedback"),
    )


def from_files(made: Tables) -> list[Person]:
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for name, (columns, rows) in made.items():
            paths[name] = Path(folder) / f"{name}.csv"
            with paths[name].open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, columns, quoting=csv.QUOTE_ALL)
                writer.writeheader()
                writer.writerows(rows)
        return by_dry_run(paths)


def by_dry_run(paths: Mapping[str, Path], suppressed: Callable[[str, str], bool] | None = None) -> list[Person]:
    """The people of data files, as the dry run reads them back."""
    with duckdb.connect() as connection:
        data = read_data(connection, Sources(
            **{name: Source(path) for name, path in paths.items()}, suppressed=suppressed  # type: ignore[arg-type]
        ), VOCABULARY)  # fmt: skip
        found = people_of(connection, RULES, data, [1, 2])
        return sorted((_without_nameless(person) for person in found.values()), key=lambda person: person.id)


def _without_nameless(person: Person) -> Person:
    """An address of no channel reaches nobody; the dry run lists it all the same."""
    addresses = {channel: address for channel, address in (person.addresses or {}).items() if channel is not None}
    return replace(person, addresses=addresses)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tables(), st.booleans())
def test_cells_of_a_store_and_of_files_are_the_same_person(made: Tables, plainly: bool) -> None:
    people = from_files(made)

    assert [read(stored_of(made, person, plainly=plainly)) for person in ("ann", "bob")] == people


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tables(), st.booleans(), st.sets(st.tuples(st.sampled_from(["email", "sms"]), st.sampled_from(SUPPRESSED))))
def test_what_a_store_knows_is_what_it_gives_to_the_dry_run(
    made: Tables, plainly: bool, suppressed: set[tuple[str, str]]
) -> None:
    store = MemoryStore(lambda: NOW)
    for name, (_, rows) in made.items():
        keys = {"addresses": ("channel",), "attributes": ("attribute",)}.get(name, ())
        store.write(name, [
            {c: native(text, c, plainly=plainly) for c, text in row.items() if text or not plainly}
            | ({"id": f"{name}-{number}"} if name == "consents" else {})
            for number, row in enumerate(rows) if all(row[key] for key in keys)
        ])  # fmt: skip

    store.suppress(Suppression(channel, address, "bounce", NOW) for channel, address in suppressed)

    known = store.known([Asked("email", "", person) for person in ("ann", "bob")], NOW)
    with exported(store, made) as paths:
        planned = by_dry_run(paths, is_suppressed(store))

    live = [read(stored, suppressed=known.suppressed) for stored in known.named if stored is not None]
    assert [_in_order(one) for one in live] == [_in_order(one) for one in planned]


def _in_order(person: Person) -> Person:
    return replace(
        person,
        consents=tuple(sorted(person.consents or (), key=lambda record: record.id)),
        history=tuple(sorted(person.history or (), key=repr)),
    )


# --- single persons -----------------------------------------------------------------------------------


def test_a_person_with_one_row_of_everything() -> None:
    stored = StoredPerson(
        "ann",
        people={"country": "FR", "age": 41, "tier": "lead", "customer": "yes", "rank.sms": "5"},
        addresses=({"channel": "email", "address": "ann@b.example", "shared": False, "permission": None},),
        attributes=({"attribute": "basket", "value": "shoes", "collected_for": "fun"},),
        consents=({"status": "given", "purpose": "marketing", "channel": "email", "at": NOW, "evidence": "false"},),
        history=({"id": "pk-1", "at": NOW, "channel": "email", "message_class": "marketing"},),
    )

    assert read(stored) == Person(
        "ann",
        facts={
            "recipient.country": "FR",
            "recipient.age": 41,
        },
        addresses={"email": Address("ann@b.example", shared=False, permission=False)},
        ranks={"sms": 5},
        consents=(ConsentRecord("1", "given", "marketing", "email", at=NOW),),
        history=(SentRecord(NOW, "email", "marketing"),),
        attributes={"basket": AttributeValue("shoes", collected_for=(UNREADABLE,))},
    )


def test_its_own_slot_does_not_count() -> None:
    rows = tuple({"id": number, "at": NOW} for number in ("pk-1", None, "pk-2"))

    person = read(StoredPerson("ann", history=rows), without="pk-1")

    assert person.history == (SentRecord(NOW), SentRecord(NOW))


ADDRESSES = (
    {"channel": "email", "address": "a@b.example", "shared": "true"},
    {"channel": "email", "address": "Z@B.example", "origin": "provided"},
    {"channel": "sms", "address": "0033 6 12", "origin": "observed"},
)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, Address("Z@B.example", None, "provided", permission=False)),
        (("email", "a@b.example"), Address("a@b.example", shared=True, permission=False)),
        (("email", "A@b.example"), Address("a@b.example", shared=True, permission=False)),
        (("email", "z@b.example"), Address("Z@B.example", None, "provided", permission=False)),
        (("email", "new@b.example"), Address("new@b.example")),
    ],
)
def test_of_several_addresses_the_one_asked_for_counts(asked: tuple[str, str] | None, expected: Address) -> None:
    found = read(StoredPerson("ann", addresses=ADDRESSES), address=asked)

    assert found.addresses == {"email": expected, "sms": Address("0033 6 12", None, "observed", permission=False)}


def test_a_phone_number_is_the_same_however_it_is_written() -> None:
    found = read(StoredPerson("ann", addresses=ADDRESSES), address=("sms", "+33612"))

    assert (found.addresses or {})["sms"] == Address("0033 6 12", None, "observed", permission=False)


def test_the_address_asked_for_is_known_where_none_was() -> None:
    found = read(StoredPerson("ann"), address=("push", "token"))

    assert found.addresses == {"push": Address("token")}


def test_an_address_of_the_people_file_wins_unless_another_is_asked_for() -> None:
    stored = StoredPerson("ann", {"address.email": "own@b.example", "address.email.shared": "false"}, ADDRESSES[:1])

    assert read(stored).addresses == {"email": Address("own@b.example", shared=False)}
    assert read(stored, address=("email", "a@b.example")).addresses == {
        "email": Address("a@b.example", shared=True, permission=False)
    }


def test_values_of_the_application_replace_stored_ones_and_keep_their_provenance() -> None:
    rows = (
        {"attribute": "basket", "value": "shoes", "origin": "observed", "permission": "r1"},
        {"attribute": "home", "value": "Lyon"},
    )

    person = read(
        StoredPerson("ann", {"attributes.home": "Nice"}, attributes=rows), values={"basket": "hats", "x": "1"}
    )

    assert person.attributes == {
        "basket": AttributeValue("hats", "observed", permission="r1"),
        "home": AttributeValue("Nice"),
        "x": AttributeValue("1"),
    }


def test_an_empty_value_of_the_application_is_none() -> None:
    person = read(StoredPerson("ann", attributes=({"attribute": "basket", "value": "hats"},)), values={"basket": ""})

    assert person.attributes == {"basket": AttributeValue()}


@pytest.mark.parametrize("rows", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_of_several_values_the_one_collected_last_counts(rows: list[int]) -> None:
    every: tuple[Row, ...] = (
        {"attribute": "basket", "value": "late", "collected_at": NOW},
        {"attribute": "basket", "value": "zeal", "collected_at": NOW - DAY},
        {"attribute": "basket", "value": "zzz"},
    )

    person = read(StoredPerson("ann", attributes=tuple(every[row] for row in rows)))

    assert person.attributes == {"basket": AttributeValue("late", collected_at=NOW)}


def test_nothing_stored_is_known_to_be_nothing() -> None:
    assert read(StoredPerson("ann")) == Person("ann", {}, {}, {}, (), (), {})


def test_a_stranger_has_an_address_and_nothing_else() -> None:
    assert stranger("email", "x@b.example") == Person(
        "", addresses={"email": Address("x@b.example")}, consents=(), history=(), attributes={}
    )


def test_what_a_person_is_made_of_shows_no_address_and_no_value() -> None:
    stored = StoredPerson("ann", {"address.email": "own@b.example", "attributes.home": "Lyon"}, ADDRESSES)

    shown = repr(read(stored, address=("push", "token"), values={"basket": "hats"}))

    assert not any(secret in shown for secret in ("own@", "Lyon", "b.example", "token", "hats", "0033"))


def test_records_are_as_frozen_as_any() -> None:
    person = read(StoredPerson("ann", consents=({"status": "given"},)))

    with pytest.raises(FrozenInstanceError):
        person.id = "bob"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        (person.consents or ())[0].status = "refused"  # type: ignore[misc]
    assert hash((person.consents or ())[0]) == hash(ConsentRecord("1", "given"))
    assert pickle.loads(pickle.dumps((person.consents or ())[0])) == ConsentRecord("1", "given")  # our own
