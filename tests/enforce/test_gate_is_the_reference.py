"""Law: the gate decides a send as the reference does for the same person, campaign and instant."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.adapters.base import Adapter
from policykit.enforce.rules import Rules
from policykit.engine import reference_decide
from policykit.facts.row import prepared_for
from policykit.facts.stored import person_of, stranger
from policykit.model import DAY, HOUR, MINUTE, Campaign, Prepared, Variant, from_micros
from policykit.sends import Send
from policykit.stores.base import Asked, StoredPerson
from policykit.stores.memory import MemoryStore
from tests.enforce.worlds import NOW, Clock, World, rules_of
from tests.examples import examples

HEAD = """
attributes:
  - {id: basket, disclosed_as: what is in your basket,
     category: user.behavior.purchase_history, origin: observed, collected_for: [marketing.communications]}
  - {id: city, disclosed_as: the city you live in, category: user.location, origin: provided, collected_for: [sales]}
  - {id: baby, disclosed_as: that a child may be on the way,
     category: user.health_and_medical, origin: inferred, inferred_from: [basket],
     collected_for: [marketing.communications], sensitivity: special_category}
policies:
"""
MENU = (
    """
  - {id: consent-first, kind: consent, require: {quality: {at_least: single_opt_in}}, on_breach: block}
""",
    """
  - {id: fresh-consent, kind: consent, require: {max_age: 2 months}, on_breach: {downgrade: {channel: less_intrusive}}}
""",
    """
  - {id: refusal-is-final, kind: consent, forbid: {refused_for: [purpose, everything]}, on_breach: block}
""",
    """
  - {id: not-here, kind: consent, forbid: {refused_for: channel}, on_breach: {downgrade: {channel: less_intrusive}}}
""",
    """
  - {id: one-a-day, kind: frequency, require: {at_most: 1, per: 1 day}, on_breach: block}
""",
    """
  - {id: two-a-week, kind: frequency, require: {at_most: 2, per: {calendar: week, zone: recipient}},
     on_breach: {downgrade: {channel: [email]}}}
""",
    """
  - id: evenings
    kind: quiet_hours
    for: {channel: [sms, push]}
    require: {local_time: [{days: mon-fri, from: "08:00", to: "12:00"}]}
    on_breach: {downgrade: {send_at: next_allowed}}
""",
    """
  - {id: collected-for-this, kind: purpose, require: {collected_for: this_purpose},
     on_breach: {downgrade: {uses: strip}}}
""",
    """
  - {id: select-do-not-recite, kind: style, forbid: {recited: true, origin: {at_least: observed}},
     on_breach: {downgrade: {content: generic}}}
""",
    """
  - {id: own-degree, kind: data, require: {origin: {at_most: {fact: recipient.degree}}},
     on_breach: {downgrade: {uses: strip}}}
""",
    """
  - id: shared-screens
    kind: rule
    forbid: "send.address.shared && uses.exists(u, u.sensitivity in ['special_category'])"
    on_breach: block
""",
    """
  - {id: listed-only, kind: frequency, mode: audit, require: {at_most: 0, per: 1 day}, on_breach: block}
""",
    """
  - {id: mixed, kind: offers, require: {personalised: {at_most: 50%}}, on_breach: {downgrade: {offers: blend}}}
""",
)
MARKETING = """
campaign: spring
purpose: marketing.communications
audience: {selected_by: []}
offers:
  show: 3
  personalised: [{id: tent, chosen_by: [basket]}, {id: crib, chosen_by: [baby], reveals: special_category}]
  general: [{id: tea}, {id: soap}]
channels:
  sms: {provider: twilio, body: "{{ basket }} in {{ city | default: 'town' }}", generic: {body: Spring}}
  push: {provider: fcm, body: "{% if baby %}Yours{% else %}Ours{% endif %}"}
  email: {provider: sendgrid, subject: Spring, text: "{{ city | default: 'you' }}"}
send: {at: "2026-03-02T10:00", zone: recipient, not_after: "2026-03-09T10:00"}
"""
SERVICE = """
campaign: outage
message_class: service
purpose: essential.service
audience: {selected_by: [city]}
channels:
  sms: {provider: twilio, body: "No signal in {{ city }}"}
  push: {provider: fcm, body: No signal}
"""
CHANNELS = {"sms": ("twilio", "+33600000001"), "push": ("fcm", "token"), "email": ("sendgrid", "a@example.com")}
SETS = 25


@pytest.fixture(scope="module")
def sets(tmp_path_factory) -> list[Rules]:
    """Some sets of policies: each alone, then ever more of them at once."""
    chosen = [[place] for place in range(len(MENU))]
    chosen += [[place for place in range(len(MENU)) if (number >> place % 5) & 1] for number in range(1, 11)]
    chosen += [list(range(len(MENU))), [2, 3, 5, 6, 7, 9, 11]]
    return [
        rules_of(tmp_path_factory.mktemp("set"), HEAD + "".join(MENU[each] for each in some), (MARKETING, SERVICE))
        for some in chosen
    ]


INSTANTS = st.sampled_from(
    [NOW - 70 * DAY, NOW - 59 * DAY, NOW - DAY, NOW - DAY + 1, NOW - HOUR, NOW, NOW + HOUR, None]
)
AT = st.builds(lambda at: "" if at is None else from_micros(at).isoformat(), INSTANTS)
CONSENT = st.fixed_dictionaries({
    "status": st.sampled_from(["given", "given", "withdrawn", "objected", "refused", "???"]),
    "purpose": st.sampled_from(["marketing.communications", "marketing", "*", "sales", ""]),
    "channel": st.sampled_from(["*", "sms", "push", "email", "pigeon", ""]),
    "quality": st.sampled_from(["double_opt_in", "single_opt_in", "soft_opt_in", ""]),
    "at": AT,
})  # fmt: skip
SENT = st.fixed_dictionaries({
    "at": AT, "channel": st.sampled_from(["sms", "push", "email", ""]),
    "message_class": st.sampled_from(["marketing", "service", "transactional", ""]),
    "campaign": st.sampled_from(["spring", "outage", ""]),
})  # fmt: skip
VALUE = st.fixed_dictionaries({
    "attribute": st.sampled_from(["basket", "city", "baby"]), "value": st.sampled_from(["tent", ""]),
    "origin": st.sampled_from(["", "provided", "purchased", "???"]),
    "collected_for": st.sampled_from(["", "sales", "marketing.communications|sales"]),
})  # fmt: skip
PERSON = st.fixed_dictionaries(
    {"zone": st.sampled_from(["Europe/Paris", "Pacific/Auckland", "Mars/Base", ""])},
    optional={
        "degree": st.sampled_from(["generic", "provided", "inferred", "???"]),
        "rank.sms": st.sampled_from(["5", "90"]),
    },
)
SHARED = st.sampled_from([True, False, None])


def numbered(rows):
    return [{"id": f"n{number}", "person": "ann", **row} for number, row in enumerate(rows)]


@st.composite
def worlds(draw):
    return {
        "people": [{"id": "ann", **draw(PERSON)}],
        "addresses": [{"person": "ann", "channel": channel, "address": text, "shared": draw(SHARED)}
                      for channel, (_, text) in CHANNELS.items() if draw(st.booleans())],
        "consents": numbered(draw(st.lists(CONSENT, max_size=4))),
        "history": numbered(draw(st.lists(SENT, max_size=4))),
        "attributes": [{"person": "ann", **row} for row in draw(st.lists(VALUE, max_size=3))],
    }  # fmt: skip


class Named(Adapter):
    """An adapter for nothing but its names of slots."""

    channels = frozenset(CHANNELS)
    campaign_slots = ("campaign",)

    def __init__(self, name):
        self.name = name  # type: ignore[misc]

    def claims(self, request):
        return False

    def read(self, request):
        raise NotImplementedError


@settings(max_examples=examples(1000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    number=st.integers(0, SETS - 1), rows=worlds(), channel=st.sampled_from(list(CHANNELS)),
    campaign=st.sampled_from(["spring", "outage", None]), later=st.sampled_from([None, 0, MINUTE, 9 * HOUR, 8 * DAY]),
    hour=st.sampled_from([0, 1, 11, 20]),
)  # fmt: skip
def test_gate_decides_what_the_reference_decides(sets, number, rows, channel, campaign, later, hour):
    rules, clock = sets[number], Clock(NOW + hour * HOUR)
    provider, address = CHANNELS[channel]
    store = MemoryStore(clock)
    for relation, some in rows.items():
        store.write(relation, some)
    slots = {"campaign": (campaign,)} if campaign else {}
    at = None if later is None else clock.now + later
    with World(rules, store, clock, [Named(name) for name, _ in CHANNELS.values()]) as world:
        record = world.gate.judge(Send(channel, provider, address, at=at, slots=slots))
        person = expected_person(rules, store, channel, address, clock.now)

    wanted = reference_decide(
        rules.ruleset,
        expected_campaign(rules, campaign, channel, provider, at or clock.now),
        person,
        clock.now,
        channel,
    )
    assert record.decision == wanted


def expected_campaign(rules, name, channel, provider, at):
    if name is None:
        return Campaign(None, (Prepared(channel, provider, Variant(None)),), at)
    campaign = rules.manifests[name].campaign
    others = [replace(each, provider=provider) if each.channel == channel else each for each in campaign.prepared]
    if prepared_for(campaign, channel) is None:
        others.append(Prepared(channel, provider, Variant(None)))
    return replace(campaign, prepared=tuple(others), at=at)


def expected_person(rules, store, channel, address, now):
    known = store.known([Asked(channel, address.removeprefix("+"))], now).people[0]
    if not known:
        return stranger(channel, address)
    (stored,) = known
    assert isinstance(stored, StoredPerson)
    return person_of(rules.ruleset, rules.vocabulary, stored, address=(channel, address))
