"""What each kind refuses, and where it says so."""

from __future__ import annotations

import pytest

from .conftest import Wrong


def _one(wrong: Wrong, text: str, message: str) -> None:
    assert wrong(text) == [f"p.yaml:{message}"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("require: {quality: {at_least: doble_opt_in}}",
         "4:33: `quality`: unknown value `doble_opt_in`; did you mean `double_opt_in`?"),
        ("require: {quality: {at_lest: written}}", "4:32: `quality`: unknown key `at_lest`; did you mean `at_least`?"),
        ("require: {quality: []}", "4:22: `quality`: an empty list matches nothing"),
        ("require: {quality: {at_least: {fact: recipient.degree}}}",
         "4:40: `recipient.degree` cannot be compared with `quality`"),
        ("require: {basis: [consent, contrakt]}", "4:30: unknown legal basis `contrakt`; did you mean `contract`?"),
        ("require: {names: chanel}", "4:20: unknown scope `chanel`; did you mean `channel`?"),
        ("forbid: {refused_for: chanel}", "4:25: unknown level of refusal `chanel`; did you mean `channel`?"),
        ("require: {any: [{basis: consent}]}", "4:18: `require.any` is a list; expected at least 2"),
        ("require: {any: [{basis: consent}, {basis: consent}]}", "4:18: two items of `any` ask for the same"),
        ("require: {any: [{basis: consent}, {}], max_age: 1 day}",
         "4:51: `max_age` stands beside `any`, which says all there is to say"),
        ("require: {any: [{}, {basis: contrakt}]}",
         "4:31: unknown legal basis `contrakt`; did you mean `contract`?"),
        ("require: {any: [{}, {any: []}]}", "4:24: unknown key `any`"),
        ("forbid: {}", "4:11: `forbid` has no `refused_for`"),
        ("require: {defects: all}", "4:22: unknown defects `all`"),
        ("require: {max_age: 2 fortnights}",
         "4:22: `require.max_age` is the text `2 fortnights`; expected a length of time such as `7 days`"),
    ],
)  # fmt: skip
def test_consent(wrong: Wrong, body: str, message: str) -> None:
    _one(wrong, f"  kind: consent\n  {body}", message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("forbid: {}", "4:11: `forbid` says nothing about a use"),
        ("forbid: {orign: purchased}", "4:12: unknown key `orign`; did you mean `origin`?"),
        ("forbid: {origin: purchase}", "4:20: `origin`: unknown value `purchase`; did you mean `purchased`?"),
        ("forbid: {origin: [provided, bought]}", "4:31: `origin`: unknown value `bought`"),
        ("forbid: {origin: {at_most: {fact: recipient.degre}}}",
         "4:37: unknown fact `recipient.degre`; did you mean `recipient.degree`?"),
        ("forbid: {origin: {at_most: {fact: recipient.age}}}",
         "4:37: `recipient.age` cannot be compared with `origin`"),
        ("forbid: {attribute: baskets}", "4:23: `attribute`: unknown value `baskets`; did you mean `basket`?"),
        ("forbid: {collected_for: marketing.comunications}",
         "4:27: unknown purpose `marketing.comunications`; did you mean `marketing.communications`?"),
        ("forbid: {collected_for: {at_least: functional}}", "4:27: `collected_for` is matched by purpose keys"),
        ("forbid: {category: {at_least: user}}", "4:22: `category` is matched by keys"),
        ("forbid: {controller: {at_least: acme}}", "4:24: `controller` has no order"),
        ("forbid: {recited: maybe}", "4:21: `forbid.recited` is the text `maybe`; expected `true` or `false`"),
        ("forbid: {age: {at_least: 2 months}}", "4:28: `2 months` has no fixed length here"),
        ("forbid: {age: {at_least: soon}}", "4:28: `soon` is not a length of time"),
        ("forbid: {age: {at_least: 30 days, at_most: 1 hour}}",
         "4:17: `age`: `at_least` is above `at_most`, nothing fits"),
        ("forbid: {origin: {at_least: inferred, at_most: observed}}",
         "4:20: `origin`: `at_least` is above `at_most`, nothing fits"),
        ("require: {sensitivity: {at_most: {fact: recipient.degree}}}",
         "4:43: `recipient.degree` cannot be compared with `sensitivity`"),
        ("forbid: {sensitivity: {not: [secret]}}", "4:32: `sensitivity`: unknown value `secret`"),
    ],
)  # fmt: skip
def test_uses(wrong: Wrong, body: str, message: str) -> None:
    _one(wrong, f"  kind: data\n  {body}", message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{at_most: 3}", "4:12: missing `per`"),
        ("{per: 7 days}", "4:12: missing `at_most`"),
        ("{gap: 1 hour, at_most: 3, per: 7 days}", "4:35: `gap` and `at_most` do not go together"),
        ("{at_most: -1, per: 7 days}", "4:22: `require.at_most` is the number `-1`; expected 0 or more"),
        ("{at_most: 1.5, per: 7 days}",
         "4:22: `require.at_most` is the number `1.5`; expected a whole number or a mapping"),
        ("{at_most: 1, per: 1 month}", "4:30: `1 month` has no fixed length here"),
        ("{at_most: 1, per: {calendar: weak}}", "4:41: unknown calendar `weak`; did you mean `week`?"),
        ("{at_most: 1, per: {calendar: week, zoen: recipient}}", "4:53: unknown key `zoen`; did you mean `zone`?"),
        ("{at_most: 1, per: {zone: recipient}}", "4:30: `per` names no calendar"),
        ("{at_most: 1, per: {calendar: week, zone: Europe/Pariss}}",
         "4:53: unknown zone `Europe/Pariss`; did you mean `Europe/Paris`?"),
        ("{gap: 1 hour, counting: {channel: [push, smss]}}", "4:53: unknown channel `smss`; did you mean `sms`?"),
        ("{gap: 1 hour, counting: {message_class: ads}}", "4:52: unknown message class `ads`"),
    ],
)  # fmt: skip
def test_frequency(wrong: Wrong, body: str, message: str) -> None:
    _one(wrong, f"  kind: frequency\n  require: {body}", message)


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ('days: mon, from: "08:00", to: "08:00"', "4:57: `from` and `to` are both `08:00`: nothing, or a whole day?"),
        ('days: mon, from: "24:00", to: "08:00"', "4:44: a window cannot start at `24:00`"),
        ('days: mon, from: "8:00", to: "21:00"', "4:44: `8:00` is not a time of day"),
        ('days: mon, from: "08:00", to: "25:00"', "4:57: `25:00` is not a time of day"),
        ('days: mon-xyz, from: "08:00", to: "21:00"', "4:33: `mon-xyz` is not a day"),
        ('days: [mon, tues], from: "08:00", to: "21:00"', "4:39: `tues` is not a day; did you mean `tue`?"),
        ('days: mon, from: "08:00"', "4:26: `require.local_time[1]` has no `to`"),
    ],
)
def test_quiet_hours(wrong: Wrong, window: str, message: str) -> None:
    _one(wrong, f"  kind: quiet_hours\n  require: {{local_time: [{{{window}}}]}}", message)


def test_hours_that_leave_no_time_are_refused(wrong: Wrong) -> None:
    body = '{local_time: [{from: "00:00", to: "24:00"}]}'

    _one(wrong, f"  kind: quiet_hours\n  forbid: {body}", "4:24: no minute of the week is left")


def test_an_unknown_zone_is_refused(wrong: Wrong) -> None:
    body = '{local_time: [{from: "08:00", to: "21:00"}], zone: Mars/Base}'

    _one(wrong, f"  kind: quiet_hours\n  require: {body}", "4:63: unknown zone `Mars/Base`")


@pytest.mark.parametrize(
    ("score", "message"),
    [
        ("{}", "5:10: `score` adds up nothing"),
        ("{recites: {obsrved: 15}}", "5:21: unknown key `obsrved`; did you mean `observed`?"),
        ("{per_recent_send: {points: 5}}", "5:28: `score.per_recent_send` has no `within`"),
        ("{per_recent_send: {points: 5, within: 1 month}}", "5:48: `1 month` has no fixed length here"),
        ("{channel: rang}", "5:20: unknown channel `rang`; did you mean `rank`?"),
    ],
)
def test_intrusiveness(wrong: Wrong, score: str, message: str) -> None:
    _one(wrong, f"  kind: intrusiveness\n  require: {{at_most: 50}}\n  score: {score}", message)


def test_a_demand_that_a_kind_has_not(wrong: Wrong) -> None:
    _one(wrong, "  kind: frequency\n  forbid: {gap: 1 hour}", "4:3: policies of kind `frequency` cannot `forbid`")


def test_every_mistake_of_a_body_is_told(wrong: Wrong) -> None:
    found = wrong("  kind: data\n  forbid: {origin: bought, sensitivity: secret, attribute: nothing}")

    assert len(found) == 3
