"""Laws of stores about facts: what is known of people, and imports."""

from __future__ import annotations

import random

import pytest

from policykit.errors import UsageError
from policykit.stores.base import Asked, Row, Store, StoredPerson, Written
from policykit.testing.store_rows import (
    ADA,
    ADDRESS,
    ALL,
    AT,
    LIKES,
    NO,
    NOW,
    SENT,
    YES,
    StoreLaws,
    are_same_rows,
    content,
    fill,
    is_same,
    read_ada,
)


class FactLaws(StoreLaws):
    """L1 to L6."""

    def test_l1_nobody_is_nobody(self, store: Store) -> None:
        store.write("people", [ADA])

        known = store.known([ADDRESS, Asked("email", "", "nobody")], NOW, ["x", "y"])

        assert known.people == ((), ())
        assert known.named == (None, None)
        assert (dict(known.holds), dict(known.retry)) == ({}, {})
        assert store.known([], NOW).people == ()
        assert [list(store.rows(name)) for name in ("addresses", "attributes", "consents", "history")] == [[]] * 4

    def test_l2_everything_about_everybody_asked_comes_at_once(self, store: Store) -> None:
        fill(store)
        store.write("addresses", [{**AT, "person": "bob"}, {"person": "bob", "channel": "sms", "address": "+33 6 12"}])
        store.write("people", [{"id": "eve", "address.push": "tok", "address.push.shared": "true"}])
        store.hold("spring", "a wrong price", NOW)

        asked = [
            ADDRESS, Asked("sms", "33612", "ada"), Asked("push", "tok"), ADDRESS, Asked("web_push", "tok"),
            Asked("whatsapp", "33612"),
        ]  # fmt: skip
        known = store.known(asked, NOW)

        ada, bob = known.people[0]
        assert all(store.known([one], NOW).people == (people,) for one, people in zip(asked, known.people, strict=True))
        assert store.known([ADDRESS], NOW).holds == known.holds
        assert [[person.id for person in people] for people in known.people] == [
            ["ada", "bob"], ["bob"], ["eve"], ["ada", "bob"], [], ["bob"],
        ]  # fmt: skip
        assert known.named == (None, ada, None, None, None, None)
        assert known.holds == {"spring": "a wrong price"}
        assert (ada.people, ada.addresses, ada.attributes, ada.consents) == (ADA, (AT,), (LIKES,), (YES,))
        assert ada.history == ({"id": None, **SENT},)
        assert (bob.people, len(bob.addresses), bob.history) == ({}, 2, ())

    def test_l3_cells_come_back_as_they_were_written(self, store: Store) -> None:
        cells: dict[str, str | int | float | bool | None] = {
            "text": "Zoë \u2603 \U0001f600 '\"\n", "empty": "", "none": None, "true": True, "false": False,
            "one": 1, "float": 1.5, "huge": 2**70, "minus": -(2**63), "date": "2026-02-30",
            "nul": "a\0b", "half": "\ud83d",
        }  # fmt: skip
        store.write("people", [{"id": "ada", **cells}])
        store.write("consents", [{"person": "ada", **cells}])
        for number, (name, cell) in enumerate(cells.items()):
            store.write(
                "history", [{**SENT, "at": number, "campaign": cell}, {"person": "ada", name: cell, "n": number}]
            )

        ada = read_ada(store)

        kept = [ada.people, *ada.consents, *(row for row in ada.history if "n" in row)]
        assert all(is_same(row[name], cells[name]) for row in kept for name in cells if name in row)
        campaigns = {row["at"]: row["campaign"] for row in ada.history if "n" not in row}
        assert all(is_same(campaigns[number], cell) for number, cell in enumerate(cells.values()))
        assert are_same_rows(store.rows("people"), [ada.people])
        assert are_same_rows(store.rows("history"), ada.history)

    def test_l4_imports_replace_by_key_and_add_events_once(self, store: Store) -> None:
        day: Row = {"person": "ada", "at": "2023-01-01"}  # two sends of one day look alike
        assert store.write("people", [ADA, {"id": "bob"}]) == Written(2, 0)
        assert store.write("people", [{"id": "ada", "age": 37}, {"id": "bob"}]) == Written(1, 1)
        assert store.write("addresses", [AT]) == Written(1, 0)
        assert store.write("addresses", [{**AT, "address": "new@example.com"}]) == Written(1, 0)
        assert store.write("attributes", [LIKES, {**LIKES, "attribute": "size"}]) == Written(2, 0)
        assert store.write("attributes", [{**LIKES, "value": "cot"}]) == Written(1, 0)
        assert store.write("consents", [YES]) == Written(1, 0)
        assert store.write("consents", [YES, {**YES, "status": "withdrawn"}]) == Written(1, 1)
        assert store.write("history", [day, day, SENT]) == Written(3, 0)
        assert store.write("history", [day, SENT, day]) == Written(0, 3)
        assert store.write("history", [day, day, day]) == Written(1, 2)
        assert store.write("history", [{**SENT, "id": "m1"}, {**SENT, "id": "m1", "at": 1}]) == Written(1, 1)

        ada = read_ada(store)

        assert ada.people == {"id": "ada", "age": 37}
        assert [row["address"] for row in ada.addresses] == ["new@example.com"]
        assert {str(row["attribute"]): row["value"] for row in ada.attributes} == {"basket": "cot", "size": "pram"}
        assert sorted(str(row["status"]) for row in ada.consents) == ["given", "withdrawn"]
        assert len(ada.history) == 5
        assert store.known([ADDRESS], NOW).people == ((),)
        assert len(store.known([Asked("email", "new@example.com")], NOW).people[0]) == 1

    def test_l5_the_order_of_an_import_means_nothing(self, store: Store) -> None:
        rows = [*ALL, ("consents", NO), ("addresses", {**AT, "channel": "push"}), ("history", {**SENT, "at": 1})]
        told: list[list[StoredPerson]] = []
        for round_ in range(6):
            random.Random(round_).shuffle(rows)  # noqa: S311  # no secret
            name = f"ada{round_}"
            for relation, row in rows:
                store.write(relation, [{**row, "id" if relation == "people" else "person": name}])
            told.append([store.known([Asked("email", "", name)], NOW).named[0] or StoredPerson("")])

        assert len({content(person) for (person,) in told}) == 1

    def test_l6_rows_that_cannot_be_kept_are_wrong_use(self, store: Store) -> None:
        wrong: list[tuple[str, Row]] = [
            ("people", {"age": 3}), ("consents", {"person": ""}), ("sends", ADA), ("addresses", ADA),
            ("feedback", {"person": "ada"}),
        ]  # fmt: skip
        for relation, row in wrong:
            with pytest.raises(UsageError):
                store.write(relation, [row])
        with pytest.raises(UsageError):
            store.rows("sends")

        assert [list(store.rows(name)) for name, _ in ALL] == [[]] * len(ALL)
