"""An address several people share: what is changed must suit all of them, and everybody must have allowed it."""

from __future__ import annotations

import pytest

from policykit.enforce.judging import DIFFERENT
from policykit.language.spans import parse_instant
from policykit.model import Changes, Verdict
from policykit.testing.double import Double
from tests.enforce.worlds import EMAIL_RATHER, EVENINGS, POLICIES, STRIPPED, World, email, providers, push, rules_of

HOME = "home@example.com"
EVENING = parse_instant("2026-03-02T21:30:00Z") or 0  # 22:30 in Paris, 10:30 in Auckland, 16:30 in New York
MORNING = parse_instant("2026-03-03T07:00:00Z") or 0  # 8:00 in Paris, 20:00 in Auckland, 2:00 in New York


def home(folder, policies, **zones):
    world = World(rules_of(folder, POLICIES + policies, providers=providers("http://127.0.0.1:9")))
    for person, zone in zones.items():
        world.store.write("people", [{"id": person, "zone": zone}])
        world.store.write("addresses", [{"person": person, "channel": "email", "address": HOME}])
        world.store.write("addresses", [{"person": person, "channel": "push", "address": "tv"}])
        world.consents(person, "given", "*")
    return world


def sent(world, request):
    world.clock.now = EVENING
    (record,) = world.send(request).records
    return record.effect, record.failed, record.decision.changes


def test_same_change_for_everybody_is_made(tmp_path):
    with home(tmp_path, EVENINGS, ann="Europe/Paris", bob="Europe/Berlin") as world:
        assert sent(world, email(HOME)) == ("replaced", None, Changes(send_at=MORNING))


def test_instant_that_suits_one_is_taken_when_it_suits_the_other_too(tmp_path):
    with home(tmp_path, EVENINGS, ann="Europe/Paris", max="Pacific/Auckland") as world:
        assert sent(world, email(HOME)) == ("replaced", None, Changes(send_at=MORNING))


def test_instant_that_suits_one_alone_is_refused(tmp_path):
    with home(tmp_path, EVENINGS, ann="Europe/Paris", joe="America/New_York") as world:
        assert sent(world, email(HOME)) == ("refused", DIFFERENT, Changes(send_at=MORNING))


def test_two_instants_are_refused(tmp_path):
    with home(tmp_path, EVENINGS, ann="Europe/Paris", ivy="Europe/London") as world:
        world.clock.now = EVENING
        (record,) = world.send(email(HOME)).records

        assert (record.verdict, record.effect, record.failed) == (Verdict.DOWNGRADE, "refused", DIFFERENT)
        assert record.reason.endswith(DIFFERENT)


def test_text_is_stripped_for_everybody_when_one_asks_for_it(tmp_path):
    with home(tmp_path, STRIPPED, ann="Europe/Paris", bob="Europe/Paris") as world:
        world.store.write("attributes", [{"person": "bob", "attribute": "basket", "value": "tent",
                                          "collected_for": "marketing.communications"}])  # fmt: skip
        assert sent(world, push("tv")) == ("replaced", None, Changes(strip=("basket",)))


def test_two_people_cannot_both_be_moved_elsewhere(tmp_path):
    with home(tmp_path, EMAIL_RATHER, ann="Europe/Paris", bob="Europe/Paris") as world:
        assert sent(world, push("tv")) == ("refused", DIFFERENT, Changes(channel="email"))


def test_one_is_moved_while_the_other_would_have_got_it_there(tmp_path):
    invited = """
  - id: push-by-invitation
    kind: consent
    for: {channel: push}
    require: {names: [channel]}
    on_breach: {downgrade: {channel: [email]}}
"""
    with Double() as double, home(tmp_path, invited, ann="Europe/Paris", bob="Europe/Paris") as world:
        world.become(providers=providers(double.url))
        world.store.write("addresses", [{"person": "ann", "channel": "email", "address": "ann@example.com"}])
        world.consents("bob", "given", "push")

        assert sent(world, push("tv")) == ("replaced", None, Changes(channel="email"))
        (received,) = double.requests
        assert b"ann@example.com" in received.body
        assert world.history("ann") == [("email", EVENING, "spring")]
        assert world.history("bob") == []


@pytest.mark.parametrize("order", [("ann", "bob"), ("bob", "ann")])
def test_refusal_of_one_is_a_refusal_for_all_in_any_order(tmp_path, order):
    with home(tmp_path, "", **dict.fromkeys(order, "Europe/Paris")) as world:
        world.consents("bob", "objected", "*", "2026-02-01T00:00:00Z")

        assert sent(world, email(HOME))[0] == "refused"
