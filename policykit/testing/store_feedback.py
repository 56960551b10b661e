"""Laws of stores about what people told us back: addresses nothing may be sent to, and feedback."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from policykit.errors import UsageError
from policykit.stores.base import Asked, Row, Store, Suppression, Written
from policykit.stores.suppressed import address_hash
from policykit.testing.store_rows import ADDRESS, AT, NOW, TOLD, StoreLaws, fill, read_ada

BOUNCED = Suppression("email", "Ada@Example.com", "bounce", NOW, "f" * 64)
COMPLAINED = Suppression("sms", "+33 6 12", "complaint", NOW - 5)
GONE = Suppression("push", "tok\ud83d", "forgotten", NOW + 7)


class FeedbackLaws(StoreLaws):
    """L19 and L20."""

    def test_l19_a_suppressed_address_is_known_wherever_it_is_met(self, store: Store) -> None:
        fill(store)
        store.write("addresses", [{"person": "ada", "channel": "whatsapp", "address": "0033612"}])
        asked = [Asked("voice", "33612"), Asked("email", "ada@example.com"), Asked("email", "", "ada")]
        assert all(known.suppressed == frozenset() for known in (store.known(asked, NOW), store.known([ADDRESS], NOW)))

        assert store.suppress([COMPLAINED, BOUNCED, GONE, COMPLAINED]) == Written(3, 1)
        assert self.again(store).suppress([replace(BOUNCED, at=NOW - 1)]) == Written(0, 1)

        mail, phone = ("email", "ada@example.com"), ("phone", "33612")
        both = frozenset({mail, phone})
        assert store.known(asked, NOW).suppressed == self.again(store).known(asked, NOW).suppressed == both
        assert store.known(asked[2:], NOW).suppressed == both, "every address of who is found"
        assert store.known([ADDRESS], NOW).suppressed == both
        assert store.known([Asked("sms", "33612"), Asked("email", "eve@example.com")], NOW).suppressed == both
        assert store.known([Asked("voice", "33699")], NOW).suppressed == frozenset()
        assert store.known([Asked("push", "tok")], NOW).suppressed == frozenset()
        key, told = self.again(store).suppression_key(), store.suppressions()
        assert told == self.again(store).suppressions()
        assert [(one.channel, one.because, one.at, one.evidence) for one in told] == [
            ("phone", "complaint", NOW - 5, None), ("email", "bounce", NOW, "f" * 64),
            ("push", "forgotten", NOW + 7, None),
        ]  # fmt: skip
        assert [one.hash for one in told] == [
            address_hash(key, "whatsapp", "+33612"), address_hash(key, "email", "ADA@example.com"),
            address_hash(key, "push", "tok\ud83d"),
        ]  # fmt: skip
        assert not any(word in repr(told).lower() for word in ("ada@", "+33", "tok")), "no address can be read back"
        assert store.suppress(told) == Written(0, 3)
        for wrong in (Suppression("email", None, "bounce", NOW), Suppression("email", "", "manual", NOW)):
            with pytest.raises(UsageError):
                store.suppress([wrong])

    def test_l20_feedback_is_added_once_by_its_id(self, store: Store) -> None:
        fill(store)
        other: Row = {**TOLD, "id": "f2", "lower_tolerance": 7}
        rows = [other, {**TOLD, "lower_tolerance": 90}, {**TOLD, "person": "bob"}]
        random.Random(7).shuffle(rows)  # noqa: S311  # no secret

        assert store.write("feedback", rows) == Written(2, 1)
        assert self.again(store).write("feedback", [other]) == Written(0, 1)

        assert read_ada(store).feedback == read_ada(self.again(store)).feedback == (TOLD, other)
        bob = store.known([Asked("email", "", "bob")], NOW).named[0]
        assert bob is not None
        assert bob.feedback == ({**TOLD, "person": "bob"},)
        assert len(list(store.rows("feedback"))) == 3
        store.write("addresses", [{**AT, "address": "new@example.com"}])
        assert read_ada(store).feedback == (TOLD, other)
