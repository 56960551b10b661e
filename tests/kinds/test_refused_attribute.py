"""One attribute refused: which records say so, when, for which sends; the same on every path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policykit.engine import Engine, reference_decide
from policykit.facts.given import read_given
from policykit.facts.stored import person_of
from policykit.language.spans import parse_instant
from policykit.model import UNREADABLE, Campaign, Prepared, Use, Variant
from policykit.stores.base import StoredPerson
from policykit.vocabulary import Vocabulary
from tests.kinds.test_program import AT, LAST_WEEK, LATER, LONG_AGO, NOW, everybody, everywhere
from tests.laws.oracle_compile import ruleset_of
from tests.laws.strategies import Setting

Row = dict[str, Any]
# Ids of attributes that the readers of the laws know.
REGISTRY = {
    "purposes": ["acme", "acme.loyalty"],
    "attributes": [
        {"id": "basket", "origin": "observed", "collected_for": ["acme"]},
        {"id": "mood", "origin": "inferred", "inferred_from": ["basket"], "collected_for": ["acme"]},
        {"id": "income", "origin": "provided", "collected_for": ["acme"]},
        {"id": "health", "origin": "provided", "collected_for": ["acme"]},
        {"id": "moving_date", "origin": "provided", "collected_for": ["acme"]},
    ],
    "programs": [{"id": "club", "purpose": "acme", "asks": [], "gives": [{"id": "points", "what": "points"}]}],
}
STRIP: Row = {
    "id": "refused", "kind": "data", "forbid": {"refused": True}, "on_breach": {"downgrade": {"uses": "strip"}},
}  # fmt: skip
CONSENT: Row = {"id": "yes", "kind": "consent", "require": {"quality": "written"}, "on_breach": "block"}
JOINED: Row = {"id": "in", "kind": "program", "require": {"joined": "this_program"}, "on_breach": "block"}


def campaign(*uses: str, purpose: str | None = "acme.loyalty", program: str | None = None) -> Campaign:
    content = Variant(tuple(Use(name) for name in sorted(uses)))
    return Campaign("spring", (Prepared("email", None, content), Prepared("push", None, content)), parse_instant(AT),
                    purpose=purpose, program=program)  # fmt: skip


def setting(*policies: Row, sent: Campaign) -> Setting:
    return Setting({"controller": "acme", "assume": {}}, REGISTRY, policies, sent, NOW)


NO: Row = {"status": "refused", "attribute": "basket", "purpose": "*"}
YES: Row = {"status": "given", "attribute": "basket", "purpose": "*", "quality": "single_opt_in"}
BASKET, ALL, NONE = ("basket", "mood"), ("basket", "income", "mood"), ()
HISTORIES: dict[str, tuple[list[Row], tuple[str, ...]]] = {
    "nobody said anything": ([], NONE),
    "refused, and what was worked out from it with it": ([NO], BASKET),
    "refused what was worked out": ([NO | {"attribute": "mood"}], ("mood",)),
    "refused another": ([NO | {"attribute": "health"}], NONE),
    "refused what nobody registered": ([NO | {"attribute": "shoe_size"}], ALL),
    "refused what nobody registered, then agreed to one": (
        [NO | {"attribute": "shoe_size", "at": LONG_AGO}, YES | {"attribute": "income"}], BASKET,
    ),
    "refused at the instant it is known": ([NO | {"at": "2026-03-02T09:00:00Z"}], BASKET),
    "refuses later than it is known": ([NO | {"at": LATER}], NONE),
    "refused nobody knows when": ([NO | {"at": "once"}, YES], BASKET),
    "refused, then agreed": ([NO | {"at": LONG_AGO}, YES], NONE),
    "refused, then agreed for a while": ([NO | {"at": LONG_AGO}, YES | {"expires_at": "2026-03-01T09:00:00Z"}], NONE),
    "agreed, then refused": ([YES | {"at": LONG_AGO}, NO], BASKET),
    "both at the same instant": ([YES, NO], BASKET),
    "agreed, nobody knows when": ([NO | {"at": LONG_AGO}, YES | {"at": None}], BASKET),
    "agreed to what nobody registered": ([NO | {"at": LONG_AGO}, YES | {"attribute": "shoe_size"}], BASKET),
    "agreed by a box that was ticked": ([NO | {"at": LONG_AGO}, YES | {"quality": "soft_opt_in"}], BASKET),
    "agreed to be written to": ([NO | {"at": LONG_AGO}, YES | {"attribute": None}], BASKET),
    "agreed for the channel": ([NO | {"at": LONG_AGO}, YES | {"channel": "email"}], NONE),
    "agreed for another channel": ([NO | {"at": LONG_AGO}, YES | {"channel": "push"}], BASKET),
    "refused on the channel, agreed on none by name": ([NO | {"at": LONG_AGO, "channel": "email"}, YES], BASKET),
    "agreed for no channel": ([NO | {"at": LONG_AGO}, YES | {"channel": None}], BASKET),
    "refused on the channel": ([NO | {"channel": "email"}], BASKET),
    "refused on another channel": ([NO | {"channel": "push"}], NONE),
    "refused nobody says on which channel": ([NO | {"channel": None}], BASKET),
    "refused on a channel nobody knows": ([NO | {"channel": "fax"}], BASKET),
    "refused for the purpose": ([NO | {"purpose": "acme"}], BASKET),
    "refused for another purpose": ([NO | {"purpose": "marketing"}], NONE),
    "refused nobody says for what": ([NO | {"purpose": None}], BASKET),
    "refused for another program": ([NO | {"purpose": None, "program": "club"}], NONE),
    "objected on another channel": ([NO | {"status": "objected", "channel": "push"}], BASKET),
    "said something nobody can read": ([NO | {"status": "hm"}], BASKET),
    "has not answered yet": ([NO | {"status": "requested"}], NONE),
    "refused to be written to": ([NO | {"attribute": None}], NONE),
}  # fmt: skip


def test_what_is_refused_is_the_same_on_every_path(tmp_path: Path) -> None:
    rows = {name: rows for name, (rows, _) in HISTORIES.items()}

    decided = everybody(setting(STRIP, sent=campaign("basket", "mood", "income")), rows, tmp_path)

    assert {name: (each.changes.strip, each.undetermined) for name, each in decided.items()} == {
        name: (stripped, ()) for name, (_, stripped) in HISTORIES.items()
    }


SENDING: Row = {"status": "given", "purpose": "*", "quality": "written", "at": LAST_WEEK}


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([SENDING], "allow"),
        ([SENDING | {"attribute": "basket"}], "block"),
        ([SENDING | {"attribute": "shoe_size"}], "block"),
        ([SENDING, NO], "allow"),
        ([SENDING, NO | {"attribute": "shoe_size"}], "allow"),
    ],
)
def test_a_record_about_an_attribute_is_no_word_about_sending(tmp_path, rows, verdict):
    assert str(everywhere(setting(CONSENT, sent=campaign()), rows, tmp_path).verdict) == verdict


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([{"status": "given", "program": "club"}], "allow"),
        ([{"status": "given", "program": "club", "attribute": "basket"}], "block"),
        ([{"status": "given", "program": "club"}, NO | {"at": "2026-03-01T09:00:00Z"}], "allow"),
    ],
)
def test_a_record_about_an_attribute_is_no_membership(tmp_path, rows, verdict):
    sent = campaign(purpose=None, program="club")

    assert str(everywhere(setting(JOINED, sent=sent), rows, tmp_path).verdict) == verdict


@pytest.mark.parametrize(("rows", "purpose"), [(None, "acme"), ([], None)])
def test_without_a_ledger_or_a_purpose_nobody_knows(tmp_path, rows, purpose):
    decision = everywhere(setting(STRIP, sent=campaign("basket", purpose=purpose)), rows, tmp_path)

    assert (str(decision.verdict), decision.undetermined) != ("allow", ())
    assert decision.undetermined == ("refused",)


def test_an_expression_asks_whether_it_is_refused(tmp_path):
    rule = {"id": "r", "kind": "rule", "forbid": "uses.exists(u, u.refused)", "on_breach": "block"}

    assert str(everywhere(setting(rule, sent=campaign("mood")), [NO], tmp_path).verdict) == "block"


def test_a_store_a_case_and_a_decision_say_what_a_file_says():
    ruleset = ruleset_of(setting(STRIP, sent=campaign("basket")))
    rows = [{"id": "r1", "channel": "*", "at": LAST_WEEK, **NO}, {"id": "r2", "channel": "*", "at": LAST_WEEK, **NO,
            "attribute": "shoe_size"}, {"id": "r3", "channel": "*", "at": LAST_WEEK, **SENDING}]  # fmt: skip
    stored = person_of(ruleset, Vocabulary(), StoredPerson("ana", {"id": "ana"}, consents=tuple(rows)))
    send = {"channel": "email", "message_class": "marketing", "purpose": "acme", "uses": ["basket"]}
    given = read_given(
        ruleset, Vocabulary(), {"send": send, "recipient": {"addresses": {"email": "a"}}, "consents": rows}, NOW
    )

    assert tuple(stored.consents or ()) == given.person.consents
    assert [record.attribute for record in stored.consents or ()] == ["basket", UNREADABLE, None]
    assert Engine(ruleset).stood_on(given.campaign, given.person, "email", NOW) == ("r3", "r1", "r2")
    assert reference_decide(ruleset, given.campaign, given.person, NOW).changes.strip == ("basket",)
