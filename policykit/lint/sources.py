"""Grants of consent that can satisfy no policy, wherever they came from: forms that ask for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policykit.errors import Place, Problem
from policykit.ir.nodes import ConsentMet, Requirement
from policykit.ir.rules import RuleSet
from policykit.ir.walk import leaves_of
from policykit.lint.base import Page, warning


@dataclass(frozen=True, slots=True)
class Grants:
    """Grants that are alike: most often those of one form. None = absent or unreadable.

    channel, purpose, program: what the scope names. defective: has a defect, or one that cannot be read.
    """

    count: int
    quality: str | None = None
    basis: str | None = None
    channel: str | None = None
    purpose: str | None = None
    program: str | None = None
    defective: bool = False
    evidence: bool = False


def useless_grants(grants: Iterable[Grants], ruleset: RuleSet, place: Place | None) -> Iterator[Problem]:
    """A warning per kind of grant that no consent policy in force accepts; none where no policy asks for consent."""
    asked = [
        (rule.policy, leaf.requirement)
        for rule in ruleset.rules if rule.mode == "enforce"
        for leaf in leaves_of(rule.breached) if isinstance(leaf, ConsentMet)
    ]  # fmt: skip
    for one in grants if asked else ():
        lacks = [_lacks(one, requirement) for _, requirement in asked]
        if all(lacks):
            shared = sorted(set.intersection(*map(set, lacks))) or sorted({each for some_ in lacks for each in some_})
            message = f"{one.count:,} grants ({_named(one)}) can satisfy no policy: they {' and '.join(shared)}"
            yield warning(place, message, "ask these people again, properly; until then they have said nothing",
                          "consent-source")  # fmt: skip


def _lacks(one: Grants, asks: Requirement) -> list[str]:
    """What the requirement asks for that these grants do not have; age aside, which passes."""
    lacks = []
    if one.channel is None or (one.purpose is None and one.program is None):
        lacks.append("name no scope, which covers nothing")
    if asks.quality is not None and one.quality not in asks.quality:
        lacks.append(f"are of quality `{one.quality or 'unknown'}`")
    if asks.bases and one.basis not in asks.bases:
        lacks.append(f"have the basis `{one.basis or 'unknown'}`")
    if asks.defect_free and one.defective:
        lacks.append("have defects")
    if asks.evidence and not one.evidence:
        lacks.append("have no evidence")
    named = {"channel": one.channel, "purpose": one.purpose, "program": one.program}
    lacks += [f"name no {what}" for what in sorted(asks.names) if named.get(what) in (None, "*")]
    return lacks


def _named(one: Grants) -> str:
    scope = one.program or one.purpose or "no purpose"
    words = [f"quality `{one.quality}`"] if one.quality else []
    return ", ".join([*words, f"for `{scope}` by `{one.channel or 'no channel'}`"])


_CAMPAIGN = (
    "campaign: spring\npurpose: marketing.communications\n"
    "audience: {from: data/people.csv, selected_by: [], consents: data/consents.csv}\n"
    'send: {at: "2026-03-02T10:00:00+01:00"}\n'
    'channels: {email: {provider: sendgrid, subject: Spring, body: "Hello"}}\n'
)
_POLICY = (
    "policies:\n  - {id: their-own-yes, kind: consent, on_breach: block,\n"
    "     require: {quality: {at_least: single_opt_in}, defects: none}}\n"
)
_HEAD = "id,person,status,channel,purpose,quality,basis,at,defects,evidence\n"

PAGES = (
    Page(
        "lint.consent-source", "Consents that can satisfy no policy",
        "Grants that share their quality, defects, evidence and scope come from one place: a form, a list, a till. "
        "Where no consent policy in force accepts what that place gives, however fresh, it is theatre: people were "
        "asked, and nothing follows from their answer. Told by `policykit check --campaign`.",
        {"policies/p.yaml": _POLICY, "campaigns/spring.yaml": _CAMPAIGN, "data/consents.csv":
         _HEAD + "c1,p1,given,email,marketing,single_opt_in,consent,2026-01-01T00:00:00Z,pre_ticked,form 7\n"},
        {"policies/p.yaml": _POLICY, "campaigns/spring.yaml": _CAMPAIGN, "data/consents.csv":
         _HEAD + "c1,p1,given,email,marketing,single_opt_in,consent,2026-01-01T00:00:00Z,,form 7\n"},
    ),
)  # fmt: skip
