"""Blending by hand (M5): what each breach makes of a message's offers, the same on every path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import duckdb
import pytest

from policykit.dryrun import blends, rounds_sql, staging
from policykit.dryrun.blends import Blends
from policykit.engine import Engine, reference_decide
from policykit.errors import InternalError
from policykit.language.offers import offered
from policykit.model import Campaign, Changes, Decision, Offer, Offers, Prepared, Use, Variant, Verdict
from tests.laws import oracle
from tests.laws.oracle_compile import registry_of, ruleset_of
from tests.laws.oracle_files import dry_decisions, write_tables
from tests.laws.strategies import INSTANTS, Document, Setting, Tables

NOON = INSTANTS[0]
REGISTRY: Document = {
    "attributes": [
        {"id": "basket", "origin": "observed", "collected_for": ["marketing"], "sensitivity": "behavioural"},
        {"id": "health", "origin": "inferred", "collected_for": ["marketing"], "sensitivity": "behavioural"},
        {"id": "city", "origin": "provided", "collected_for": ["marketing"], "sensitivity": "personal"},
    ]
}
CRIB, PRAM = Offer("crib", ("health",), "special_category"), Offer("pram", ("basket", "health"))
TENT, MUG = Offer("tent", ("basket",)), Offer("mug", ("basket",))
TEA, CAKE, SOAP, LAMP = (Offer(name) for name in ("tea", "cake", "soap", "lamp"))
FOUR = Offers((CRIB, PRAM, TENT, MUG), (TEA, CAKE, SOAP, LAMP), 4)


def at_most(share: str, **more: object) -> Document:
    return {"id": f"at-most-{share.rstrip('%').replace('.', '-')}", "kind": "offers",
            "require": {"personalised": {"at_most": share}}, "on_breach": {"downgrade": {"offers": "blend"}},
            "for": {"message_class": "marketing"}, **more}  # fmt: skip


def stripped(attribute: str, **more: object) -> Document:
    return {"id": f"no-{attribute}", "kind": "data", "forbid": {"attribute": attribute},
            "on_breach": {"downgrade": {"uses": "strip"}}, **more}  # fmt: skip


PRIVATE: Document = {
    "id": "private", "kind": "data", "forbid": {"sensitivity": {"at_least": "special_category"}},
    "on_breach": {"downgrade": {"uses": "strip"}},
}  # fmt: skip
BELOW_HALF: Document = {
    "id": "below-half", "kind": "offers", "forbid": {"personalised": {"at_least": "50%"}},
    "on_breach": {"downgrade": {"offers": "blend"}},
}  # fmt: skip
ORDINARY: Document = {
    "id": "ordinary", "kind": "rule", "forbid": "!send.generic", "on_breach": {"downgrade": {"content": "generic"}},
}  # fmt: skip
ELSEWHERE: Document = {
    "id": "elsewhere", "kind": "rule", "forbid": "send.channel == 'push'",
    "on_breach": {"downgrade": {"channel": "less_intrusive"}},
}  # fmt: skip


def campaign(offers: Offers | None = FOUR, *uses: Use, generic: bool = True) -> Campaign:
    lesser = Variant(()) if generic else None
    prepared = (Prepared("push", None, Variant(uses), lesser), Prepared("email", None, Variant(uses), lesser))
    return Campaign("spring", offered(prepared, offers), NOON, purpose="marketing.communications", offers=offers)


def everywhere(folder: Path, planned: Campaign, *policies: Document) -> Decision:
    """The decision for one person, after the paths were found to agree on it."""
    setting = Setting({"controller": None, "assume": {}}, REGISTRY, policies, planned, NOON)
    rules = ruleset_of(setting)
    tables = Tables(({"id": "ann", "address.push": "t1", "address.email": "a@example.com", "age": "17"},))
    (ann,) = oracle.people(tables)

    decision = replace(reference_decide(rules, planned, ann, NOON), skipped=())
    folder.mkdir(exist_ok=True)
    found, _ = dry_decisions(setting, rules, registry_of(setting).vocabulary, write_tables(tables, folder, "csv"))

    assert replace(Engine(rules).decide(planned, ann, NOON), skipped=()) == decision
    assert found == [decision]
    return decision


def lessened(*by: str, unknown: tuple[str, ...] = (), **changes: object) -> Decision:
    made = Changes(**changes)  # type: ignore[arg-type]
    return Decision(Verdict.DOWNGRADE, made, by, unknown, channel=made.channel or "push", at=NOON)


def refused(impossible: str, *by: str, unknown: tuple[str, ...] = ()) -> Decision:
    return Decision(Verdict.BLOCK, Changes(), by, unknown, impossible=impossible)  # type: ignore[arg-type]


AS_PLANNED = Decision(Verdict.ALLOW, channel="push", at=NOON)
World = tuple[Campaign, tuple[Document, ...], Decision]

# What is asked, and what comes of it. Each line differs from another in one thing.
WORLDS: dict[str, World] = {
    "a share exactly on the limit is kept": (
        campaign(replace(FOUR, personalised=(TENT, MUG))), (at_most("50%"),), AS_PLANNED,
    ),
    "one offer above the limit is blended down to it": (
        campaign(replace(FOUR, personalised=(CRIB, TENT, MUG))), (at_most("50%"),), lessened("at-most-50", blend=2),
    ),
    "a limit between two numbers is rounded down": (
        campaign(replace(FOUR, personalised=(CRIB, TENT, MUG), show=5)), (at_most("50%"),),
        lessened("at-most-50", blend=2),
    ),
    "a share of nothing leaves none": (campaign(), (at_most("0%"),), lessened("at-most-0", blend=0)),
    "a share of all asks for nothing": (campaign(), (at_most("100%"),), AS_PLANNED),
    "forbidden from a share on, exactly that share is too much": (
        campaign(replace(FOUR, personalised=(TENT, MUG))),
        (BELOW_HALF,), lessened("below-half", blend=1),
    ),
    "the smallest share wins": (
        campaign(), (at_most("50%"), at_most("25%"), at_most("75%")), lessened("at-most-25", blend=1),
    ),
    "two that ask for the same both decided": (
        campaign(), (at_most("50%"), at_most("75%"), {**at_most("50%"), "id": "half"}),
        lessened("at-most-50", "half", blend=2),
    ),
    "nothing is shown, nothing is asked": (campaign(Offers()), (at_most("0%"),), AS_PLANNED),
    "exactly enough general offers do": (
        campaign(Offers((TENT, MUG), (TEA,), 2)), (at_most("50%"),), lessened("at-most-50", blend=1),
    ),
    "one general offer too few is a refusal": (
        campaign(Offers((TENT, MUG), (TEA,), 3)), (at_most("34%"),), refused("no_general_offer", "at-most-34"),
    ),
    "too few for the smallest share is a refusal, though another could be kept": (
        campaign(Offers((TENT, MUG, CRIB, PRAM), (TEA, CAKE), 4)), (at_most("50%"), at_most("25%")),
        refused("no_general_offer", "at-most-25"),
    ),
    "offers nobody knows cannot be blended": (
        campaign(None), (at_most("50%"),), refused("unknown_offers", "at-most-50", unknown=("at-most-50",)),
    ),
    "offers nobody knows are out of a generic text": (
        campaign(None), (at_most("50%"), ORDINARY),
        lessened("ordinary", unknown=("at-most-50",), generic=True),
    ),
    "a doubt about whom it is for asks for nothing where the share is kept": (
        campaign(replace(FOUR, personalised=(TENT, MUG))), (at_most("50%", when="recipient.tolerance > 3"),),
        AS_PLANNED,
    ),
    "a doubt about whom it is for blends where it is not": (
        campaign(), (at_most("50%", when="recipient.tolerance > 3"),),
        lessened("at-most-50", unknown=("at-most-50",), blend=2),
    ),
    "a generic text beats a blend": (campaign(), (at_most("50%"), ORDINARY), lessened("ordinary", generic=True)),
    "a generic text that is not there is a refusal": (
        campaign(FOUR, generic=False), (at_most("50%"), ORDINARY), refused("no_generic", "ordinary"),
    ),
    "a strip takes out what the attribute picked, alone or with another": (
        campaign(), (stripped("health"),), lessened("no-health", strip=("health",)),
    ),
    "a strip that keeps the share leaves nothing to blend": (
        campaign(), (stripped("health"), at_most("50%")), lessened("no-health", strip=("health",)),
    ),
    "a strip and a blend are made together": (
        campaign(), (stripped("health"), at_most("25%")),
        lessened("at-most-25", "no-health", strip=("health",), blend=1),
    ),
    "a strip after a blend counts what is left": (
        campaign(), (at_most("50%"), stripped("health", when="send.offers.personalised < 3"),
                     stripped("basket", when="send.offers.personalised < 2")),
        lessened("at-most-50", "no-health", strip=("health",), blend=2),
    ),
    "a strip that keeps just the share leaves nothing to blend": (
        campaign(replace(FOUR, personalised=(CRIB, TENT, MUG))), (stripped("health"), at_most("50%")),
        lessened("no-health", strip=("health",)),
    ),
    "what is left is told, not what was asked for": (
        campaign(), (at_most("50%"), stripped("basket", when="send.offers.personalised < 3")),
        lessened("at-most-50", "no-basket", strip=("basket",), blend=1),
    ),
    "a blend is not asked for where a strip fails": (
        campaign(Offers((CRIB, TENT), (), 2), Use("health", selected=True, strippable=False)),
        (stripped("health"), at_most("50%")), refused("selected_attribute", "no-health"),
    ),
    "stripping everything leaves no personalised offer": (
        campaign(), (stripped("health"), stripped("basket"), at_most("25%")),
        lessened("no-basket", "no-health", strip=("basket", "health")),
    ),
    "a strip needs general offers too": (
        campaign(Offers((CRIB, TENT), (), 2)), (stripped("health"),), refused("no_general_offer", "no-health"),
    ),
    "only who takes out offers is to blame": (
        campaign(Offers((CRIB, TENT), (), 2), Use("city")), (stripped("health"), stripped("city")),
        refused("no_general_offer", "no-health"),
    ),
    "a strip of what picks no offer needs none": (
        campaign(Offers((CRIB, TENT), (), 2), Use("city")), (stripped("city"),), lessened("no-city", strip=("city",)),
    ),
    "what picked the people and an offer stays": (
        campaign(FOUR, Use("health", selected=True, strippable=False)), (stripped("health"), at_most("50%")),
        refused("selected_attribute", "no-health"),
    ),
    "a text that needs the attribute becomes generic, and is not blended": (
        campaign(FOUR, Use("health", recited=True, required=True)), (stripped("health"), at_most("25%")),
        lessened("no-health", generic=True),
    ),
    "an offer that tells something private makes its use private": (
        campaign(), (PRIVATE,), lessened("private", strip=("health",)),
    ),
    "blending does not unmake a use": (
        campaign(), ({**PRIVATE, "on_breach": "block"}, at_most("0%")),
        Decision(Verdict.BLOCK, determining=("private",)),
    ),
    "another channel is judged from the original offers": (
        campaign(), (ELSEWHERE, at_most("50%"), {**at_most("25%"), "for": {"channel": "push"}}),
        lessened("at-most-50", "elsewhere", channel="email", blend=2),
    ),
    "a rule of plain words counts what is left": (
        campaign(), (at_most("50%"), {"id": "two", "kind": "rule", "forbid": "send.offers.personalised == 2",
                                      "on_breach": "block"}),
        Decision(Verdict.BLOCK, determining=("two",)),
    ),
    "audit only tells": (
        campaign(), (at_most("50%", mode="audit"),), replace(AS_PLANNED, audit=("at-most-50",)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WORLDS)
def test_what_becomes_of_the_offers(name: str, tmp_path: Path) -> None:
    planned, policies, expected = WORLDS[name]

    decision = everywhere(tmp_path, planned, *policies)

    assert decision == expected


# --- a broken blend is noticed -----------------------------------------------------------------------

_next, _shown, _too_few, _final = Blends.next, Blends.shown, Blends._too_few, Blends.final  # broken below
_layers = Blends.layers

BREAKS: dict[str, Callable[[], object]] = {
    "a blend forgets the number": lambda: patch.object(Blends, "next", lambda self: "blend"),
    "a kept share is remembered": lambda: patch.object(
        Blends, "next", lambda self: _next(self).replace("o_asked < o_after", "TRUE")
    ),
    "strips do not take out offers": lambda: patch.object(
        Blends, "shown", lambda self, strip="strip": _shown(self, strip).replace(strip, "0")
    ),
    "the pool may be one offer short": lambda: patch.object(
        Blends, "_too_few", lambda self, left: f"{_too_few(self, left)} + 1"
    ),
    "the pool is one offer short too early": lambda: patch.object(
        Blends, "_too_few", lambda self, left: f"{_too_few(self, left)} - 1"
    ),
    "the largest number wins": lambda: _layer("least(CAST(NULL AS INTEGER)", "greatest(CAST(NULL AS INTEGER)"),
    "every rule that asks decides": lambda: _layer("o_asked < o_after AND o_asked =", "o_asked < o_after AND 0 <>"),
    "a kept share is asked for": lambda: _layer("o_asked < o_after AND", "o_asked <= o_after AND"),
    "unknown offers fail nobody": lambda: _layer("THEN bld_0 ELSE 0", "THEN 0 ELSE 0"),
    "a blend beside a failed strip": lambda: _layer("NOT (f4_0 <> 0) AND NOT (f5_0", "NOT (f5_0"),
    "every strip is to blame": lambda: _layer(" & 2 <> 0", " <> 99"),
    "what was blended is not told": lambda: patch.object(Blends, "final", lambda self: blends.NONE_LEFT),
    "what was asked for is told, not what is left": lambda: patch.object(
        Blends, "final", lambda self: _final(self).replace("least(", "greatest(")
    ),
    "rules do not see what is left": lambda: patch.object(
        staging, "left_sql", lambda offers, uses, **_: str(len(offers.personalised))
    ),
}


def _layer(before: str, after: str) -> object:
    def layers(self: Blends, count: str, rules: list[int]) -> list[list[str]]:
        return [[text.replace(before, after) for text in layer] for layer in _layers(self, count, rules)]

    return patch.object(Blends, "layers", layers)


NOTICED_BY = {
    "a blend forgets the number": "one offer above the limit is blended down to it",
    "a kept share is remembered": "a strip that keeps the share leaves nothing to blend",
    "strips do not take out offers": "a strip that keeps the share leaves nothing to blend",
    "the pool may be one offer short": "one general offer too few is a refusal",
    "the pool is one offer short too early": "exactly enough general offers do",
    "the largest number wins": "the smallest share wins",
    "every rule that asks decides": "the smallest share wins",
    "a kept share is asked for": "a strip that keeps just the share leaves nothing to blend",
    "unknown offers fail nobody": "offers nobody knows cannot be blended",
    "a blend beside a failed strip": "a blend is not asked for where a strip fails",
    "every strip is to blame": "only who takes out offers is to blame",
    "what was blended is not told": "one offer above the limit is blended down to it",
    "what was asked for is told, not what is left": "what is left is told, not what was asked for",
    "rules do not see what is left": "a rule of plain words counts what is left",
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_blend_is_noticed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds_sql, "_MOST_ROUNDS", 20)
    planned, policies, _ = WORLDS[NOTICED_BY[name]]

    with BREAKS[name](), pytest.raises((AssertionError, duckdb.Error, InternalError)):  # type: ignore[attr-defined]
        everywhere(tmp_path, planned, *policies)
