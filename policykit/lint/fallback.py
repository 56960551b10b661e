"""Channels a campaign is prepared for and can never fall back to."""

from __future__ import annotations

from collections.abc import Iterator

from policykit.errors import Problem
from policykit.ir.nodes import FALSE
from policykit.ir.rules import Rule, RuleSet
from policykit.ir.specialise import specialise
from policykit.language.campaign import Manifest
from policykit.language.suggest import some
from policykit.lint.base import Desk, Page, warning
from policykit.model import Prepared


def lint(desk: Desk) -> Iterator[Problem]:
    for manifest in desk.manifests.values():
        prepared = manifest.campaign.prepared
        for place, channel in enumerate(prepared):
            if place and (why := _why_never(desk.ruleset, manifest, prepared[:place], channel)):
                message = f"`{manifest.id}` can never fall back to `{channel.channel}`: {why[0]}"
                yield warning(manifest.place, message, why[1], "fallback")


def no_address(manifest: Manifest, channel: str) -> Problem:
    """For a channel that is prepared, and that no file of the campaign has addresses for."""
    message = f"`{manifest.id}` can never fall back to `{channel}`: its data has no address there"
    return warning(manifest.place, message, f"add `address.{channel}` to the audience, or leave the channel out",
                   "fallback")  # fmt: skip


def _why_never(
    ruleset: RuleSet, manifest: Manifest, before: tuple[Prepared, ...], channel: Prepared
) -> tuple[str, str] | None:
    """Why no send on an earlier channel can end on this one, and the way out; None when one can.

    Who has no address on the earlier channels starts here, which is no fallback.
    """
    rank = ruleset.ranks.get(channel.channel, 0)
    loud = [one.channel for one in before if ruleset.ranks.get(one.channel, 0) > rank]
    if not loud:
        return (f"by the company's ranks it is no less intrusive than {some(sorted(one.channel for one in before))}",
                "name the most intrusive channel first; people may rank them otherwise, but seldom do")  # fmt: skip
    askers = [rule for one in before if one.channel in loud for rule in _askers(ruleset, manifest, one)]
    if not askers:
        return None if not ruleset.rules else ("no policy asks for another channel there",
                                               "leave the channel out, or write a policy that asks for it")  # fmt: skip
    if not any(rule.effect.channels is None or channel.channel in rule.effect.channels for rule in askers):
        named = some(sorted({rule.policy for rule in askers}))
        return (f"{named} asks for other channels", "prepare one of those, or say `channel: less_intrusive`")
    return None


def _askers(ruleset: RuleSet, manifest: Manifest, start: Prepared) -> Iterator[Rule]:
    for one in specialise(ruleset, manifest.campaign, start, generic=False):
        if one.rule.effect.part == "channel" and one.rule.mode == "enforce" and one.breached != FALSE:
            yield one.rule


_CAMPAIGN = (
    "campaign: news\npurpose: marketing.communications\naudience: {{from: data/people.csv, selected_by: []}}\n"
    'send: {{at: "2026-03-02T10:00:00+01:00"}}\nchannels:\n{}'
)
_EMAIL = "  email: {provider: sendgrid, subject: News, body: Hello}\n"
_PUSH = "  push: {provider: fcm, title: News, body: Hello}\n"
_PUSH_ASKS = (
    "policies:\n  - {id: push-asks, kind: consent, for: {channel: push}, require: {},\n"
    "     on_breach: {downgrade: {channel: less_intrusive}}}\n"
)

PAGES = (
    Page(
        "lint.fallback", "A channel that is never fallen back to",
        "A campaign may be prepared for several channels, and a policy moves a send to a less intrusive one (law M5). "
        "A channel that is as intrusive as those before it, or that no policy asks for, only serves people without an "
        "address on the earlier ones; whoever prepared it most often counts on more.",
        {"policies/p.yaml": _PUSH_ASKS, "campaigns/news.yaml": _CAMPAIGN.format(_EMAIL + _PUSH)},
        {"policies/p.yaml": _PUSH_ASKS, "campaigns/news.yaml": _CAMPAIGN.format(_PUSH + _EMAIL)},
    ),
)  # fmt: skip
