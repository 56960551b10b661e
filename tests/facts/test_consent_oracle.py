"""Consent once more (M6), from scopes as sets of sends: slow, and written without the code it checks."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.facts.consent import (
    joined,
    membership,
    met,
    node_path,
    program_path,
    refused_for,
    standing,
    status,
)
from policykit.ir.nodes import Requirement
from policykit.ir.rules import RuleSet
from policykit.model import DAY, FOREVER, Campaign, ConsentRecord, Program
from tests.examples import examples

NOW = 1_000 * DAY
PARENT = {
    "program:home": "marketing.comms", "program:club": "marketing.comms", "marketing.comms.email": "marketing.comms",
    "marketing.comms": "marketing", "marketing": "*", "sales": "*", "*": None,
}  # fmt: skip
CHANNELS = ("push", "email", "sms")
RULES = RuleSet((), (), programs={name: Program(name, "marketing.comms") for name in ("home", "club")})
SENDS = {
    "program:home": Campaign("c", (), NOW, program="home"),
    "marketing.comms.email": Campaign("c", (), NOW, purpose="marketing.comms.email"),
    "marketing.comms": Campaign("c", (), NOW, purpose="marketing.comms"),
    "sales": Campaign("c", (), NOW, purpose="sales"),
}
OWN = ("single_opt_in", "double_opt_in", "written")


def below(node: str) -> frozenset[str]:
    """A node and everything under it."""

    def _is_under(each: str | None) -> bool:
        return each is not None and (each == node or _is_under(PARENT[each]))

    return frozenset(each for each in PARENT if _is_under(each))


def nodes_of(record: ConsentRecord, *, refusal: bool) -> frozenset[str]:
    if refusal and (record.status == "objected" or record.node is None):
        return below("*")
    return below(record.node) if record.node is not None else frozenset()


def channels_of(record: ConsentRecord, *, refusal: bool) -> frozenset[str]:
    everywhere = frozenset(("*", *CHANNELS))
    if record.channel == "*" or (refusal and (record.status == "objected" or record.channel is None)):
        return everywhere
    return frozenset({record.channel} if record.channel is not None else ())


def standing_of(
    records: Sequence[ConsentRecord], node: str, channel: str
) -> tuple[list[ConsentRecord], list[ConsentRecord]]:
    """Live refusals, and grants in force."""
    seen = [record for record in records if record.at is None or record.at <= NOW]
    refusals = [
        record for record in seen
        if record.status in ("refused", "withdrawn", "objected", "revoked", "invalidated", None)
        and node in nodes_of(record, refusal=True) and channel in channels_of(record, refusal=True)
    ]  # fmt: skip
    grants = [
        record for record in seen
        if record.status in ("given", "renewed") and record.at is not None and record.expires_at is not None
        and node in nodes_of(record, refusal=False) and channel in channels_of(record, refusal=False)
    ]  # fmt: skip

    def _comes_after(grant: ConsentRecord, refusal: ConsentRecord) -> bool:
        return refusal.at is not None and (grant.at or 0) > refusal.at

    def _lifts(grant: ConsentRecord, refusal: ConsentRecord) -> bool:
        return (
            _comes_after(grant, refusal)
            and grant.quality in OWN
            and nodes_of(grant, refusal=False) <= nodes_of(refusal, refusal=True)
            and channels_of(grant, refusal=False) <= channels_of(refusal, refusal=True)
        )

    live = [refusal for refusal in refusals if not any(_lifts(grant, refusal) for grant in grants)]
    return live, [grant for grant in grants if all(_comes_after(grant, refusal) for refusal in refusals)]


def levels(live: Sequence[ConsentRecord]) -> set[str]:
    def _level(refusal: ConsentRecord) -> str:
        if refusal.status == "objected":
            return "everything"
        if refusal.channel not in (None, "*"):
            return "channel"
        return "everything" if refusal.node in (None, "*") else "purpose"

    return {_level(refusal) for refusal in live}


records = st.builds(
    ConsentRecord,
    id=st.just("r"),
    status=st.sampled_from(
        [
            "given",
            "given",
            "given",
            "renewed",
            "refused",
            "refused",
            "withdrawn",
            "objected",
            "revoked",
            "requested",
            None,
        ]
    ),
    node=st.sampled_from([*PARENT, None]),
    channel=st.sampled_from(["*", "push", "push", "email", None]),
    quality=st.sampled_from(["double_opt_in", "written", "single_opt_in", "soft_opt_in", None]),
    at=st.sampled_from([NOW - 2, NOW - 1, NOW, NOW + 1, NOW - 3, None]),
    expires_at=st.sampled_from([FOREVER, FOREVER, NOW, NOW + 1, None]),
    controller=st.sampled_from(["acme", "acme", None]),
)


@settings(max_examples=examples(500), deadline=None)
@given(st.lists(records, max_size=6), st.sampled_from(sorted(SENDS)), st.sampled_from(["push", "sms"]))
def test_m6_consent_is_what_scopes_as_sets_of_sends_say(found: list[ConsentRecord], node: str, channel: str) -> None:
    path = node_path(RULES, SENDS[node])
    assert path is not None
    asks = Requirement(quality=frozenset(OWN), same_controller=True)

    seen = standing(found, path, channel, NOW)

    live, in_force = standing_of(found, node, channel)
    good = [g for g in in_force if g.quality in OWN and g.controller == "acme" and (g.expires_at or 0) > NOW]
    assert (list(seen.refusals), list(seen.in_force)) == (live, in_force)
    assert met(seen, asks, NOW, "acme") is (not live and bool(good))
    assert {level for level in ("channel", "purpose", "everything") if refused_for(seen, level)} == levels(live)
    said = {record.status for record in live}
    expected = (
        "objected" if "objected" in said
        else "withdrawn" if "withdrawn" in said
        else "refused" if said
        else "given" if any((g.expires_at or 0) > NOW for g in in_force)
        else "expired" if in_force
        else "missing"
    )  # fmt: skip
    assert status(seen, NOW) == expected


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(records, max_size=6), st.sampled_from(["home", "club"]))
def test_who_joined_is_whom_nothing_above_took_out_again(found: list[ConsentRecord], program: str) -> None:
    node = f"program:{program}"
    seen = [record for record in found if record.at is None or record.at <= NOW]
    leaving = [
        record for record in seen
        if record.status in ("refused", "withdrawn", "objected", "revoked", "invalidated", None)
        and node in nodes_of(record, refusal=True) and "*" in channels_of(record, refusal=True)
    ]  # fmt: skip
    joining = [
        record for record in seen
        if record.status in ("given", "renewed") and record.node == node and channels_of(record, refusal=False)
        and record.at is not None and record.expires_at is not None
    ]  # fmt: skip
    last = max((FOREVER if record.at is None else record.at for record in leaving), default=-1)
    path = program_path(RULES, program)
    assert path is not None

    in_it = membership(found, path, NOW)

    staying = [record for record in joining if (record.at or 0) > last]
    assert (list(in_it.refusals), list(in_it.in_force)) == (leaving, staying)
    assert joined(in_it, NOW) is any((record.expires_at or 0) > NOW for record in staying)
