"""Laws of stores about forgetting: what goes, what stays verifiable, and rows that are too old."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace

from policykit.stores.base import Asked, Entry, Forgotten, Logged, PutOff, Row, Store
from policykit.stores.chain import digest_of
from policykit.testing.store_rows import (
    ADA,
    ADDRESS,
    AT,
    LIKES,
    NO,
    NOW,
    SENT,
    YES,
    StoreLaws,
    are_same_rows,
    fill,
    read_ada,
    read_seen,
    slot_of,
)

PSEUDONYM = "3f9c2a81d0e4"
BOB: Row = {"id": "bob", "country": "FR", "address.sms": "+33 6 12"}


class ForgetLaws(StoreLaws):
    """L21 to L24."""

    def test_l21_nothing_of_a_forgotten_person_is_left(self, store: Store) -> None:
        expected = _remember(store)

        foretold = self.again(store).would_forget("ada", PSEUDONYM)
        done = store.forget("ada", NOW, PSEUDONYM)
        again = store.forget("ada", NOW + 1, PSEUDONYM)

        other = self.again(store)
        known = other.known([ADDRESS, Asked("push", "tok", "ada"), Asked("sms", "33612")], NOW)
        assert (foretold, done) == (expected, expected)
        assert (again, store.forget("nobody", NOW)) == (Forgotten(), Forgotten())
        assert (known.people[:2], known.named) == (((), ()), (None, None, None))
        assert known.suppressed == frozenset({("email", "ada@example.com"), ("push", "tok")})
        assert [person.id for person in known.people[2]] == ["bob"]
        rows = {name: list(other.rows(name)) for name in ("people", "addresses", "attributes", "consents", "feedback")}
        assert rows == {"people": [BOB], "addresses": [], "attributes": [], "consents": [], "feedback": []}
        assert list(other.rows("history")) == []
        assert [one.decision for one in other.waiting()] == ["pk-b"]
        assert not any(PSEUDONYM in each.line or '"ada"' in each.line for each in other.decisions())
        assert {one.because for one in other.suppressions()} == {"forgotten"}
        store.write("addresses", [AT])
        suppressed = other.known([ADDRESS], NOW).suppressed
        assert suppressed == frozenset({("email", "ada@example.com")}), "an old file brought them back"

    def test_l22_a_redacted_line_holds_where_a_forgetting_accounts_for_it(self, store: Store) -> None:
        _remember(store)
        before = store.verify()
        whole = list(store.decisions())

        store.forget("ada", NOW, PSEUDONYM)

        log = list(self.again(store).decisions())
        assert (before.broken, store.verify()) == (None, replace(before, lines=before.lines + 1, head=log[-1].hash))
        assert [each.hash for each in log[:-1]] == [each.hash for each in whole]
        assert [json.loads(each.line).get("verdict") for each in log[:-1]] == ["allow", "block", "allow"]
        assert [bool(each.nonce) for each in log] == [False, False, True, True]
        assert store.decision(json.loads(log[-1].line)["id"]) == log[-1]
        damages = {
            "brought back": ([whole[0], *log[1:]], 1),
            "said otherwise": ([log[0], replace(log[1], line="{}"), *log[2:]], 2),
            "one more": ([*log[:2], replace(log[2], line="{}", nonce="", digest=_digest(log[2])), log[3]], 3),
        }
        for name, (damaged, first) in damages.items():
            if self.rewrite(store, damaged):
                assert store.verify().broken == first, name
        if self.rewrite(store, log):
            assert store.verify().broken is None

    def test_l23_the_ledger_of_consents_is_a_chain(self, store: Store) -> None:
        assert store.verify_consents().lines == 0
        store.write("consents", [YES, {**YES, "person": "bob"}, NO])
        before = self.again(store).verify_consents()

        store.forget("ada", NOW)
        store.write("consents", [{**NO, "person": "eve"}])

        after = self.again(store).verify_consents()
        assert (before.lines, before.broken) == (3, None)
        assert (after.lines, after.broken) == (4, None)
        assert are_same_rows(store.rows("consents"), [{**YES, "person": "bob"}, {**NO, "person": "eve"}])

    def test_l24_rows_are_changed_or_go_and_nothing_else(self, store: Store) -> None:
        fill(store)
        store.write("attributes", [{**LIKES, "attribute": "size"}, {**LIKES, "person": "bob"}])
        store.write("history", [{**SENT, "at": 1}])
        store.write("people", [{**ADA, "attributes.size": "XL"}])
        store.record([Entry("pk-1", '{"id":"pk-1"}', slot_of("pk-1", seen=read_seen(store, "ada")))], NOW)
        seen = read_ada(store).seen

        changed = [
            store.amend("attributes", lambda row: None if row["attribute"] == "basket" else row),
            store.amend("people", lambda row: {name: cell for name, cell in row.items() if name != "attributes.size"}),
            store.amend("history", lambda row: None if row["at"] != SENT["at"] else row),
        ]

        ada = read_ada(self.again(store))
        assert changed == [2, 1, 1]
        assert (ada.people, ada.attributes) == (ADA, ({**LIKES, "attribute": "size"},))
        assert sorted(str(row["id"]) for row in ada.history) == ["None", "pk-1"]
        assert ada.seen > seen, "who read before it would be granted a slot"
        assert store.amend("attributes", lambda row: row) == 0
        store.note("pn-1", '{"id":"pn-1","at":1,"event":"retained"}')
        assert (store.verify().lines, store.verify().broken, store.scrub()) == (2, None, True)


def _remember(store: Store) -> Forgotten:
    """Writes everything that can be known of ada, and a little of bob; what goes with ada."""
    fill(store)
    store.write("addresses", [{"person": "ada", "channel": "push", "address": "tok"}])
    store.write("people", [BOB])
    sent = _line("pk-1", "allow", PSEUDONYM, records=["c1"], recites=["basket"])
    store.record([Entry("pk-1", sent, slot_of("pk-1", seen=read_seen(store, "ada")))], NOW)
    store.record([Entry("pk-2", _line("pk-2", "block", PSEUDONYM)), Entry("pk-3", _line("pk-3", "allow", "b0b"))], NOW)
    body = b64encode(b'{"to":"ADA@example.com"}').decode()
    other = json.dumps({"body": b64encode(b"to=dada%40example.com&cc=ada@example.com-mail").decode()})
    for name, request, context in (
        ("pk-1", "{}", "{}"), ("pk-a", "{}", '{"person":"ada"}'), ("pk-c", json.dumps({"body": body}), "{}"),
        ("pk-b", other, '{"person":"bob"}'),
    ):  # fmt: skip
        store.put_off(PutOff(name, NOW, "sendgrid", request, context))
    return Forgotten(people=1, addresses=2, attributes=1, consents=1, feedback=1, history=2, waiting=3, decisions=2,
                     suppressed=2)  # fmt: skip


def _line(name: str, verdict: str, person: str, **more: object) -> str:
    said = {"id": name, "at": NOW, "verdict": verdict, "person": person, "campaign": "spring", **more}
    return json.dumps(said, separators=(",", ":"))


def _digest(logged: Logged) -> str:
    return digest_of(logged.nonce, logged.line)
