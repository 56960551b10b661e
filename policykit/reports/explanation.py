"""Why one person gets, or does not get, a message: at most six lines that read like sentences."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from policykit.reports.words import IMPOSSIBLE, channel_name, count, listed

__all__ = ["Explanation", "PolicyTold", "as_json", "as_text"]

Outcome = Literal["met", "breached", "unknown"]


@dataclass(frozen=True, slots=True)
class PolicyTold:
    """One policy that applied, for one send.

    known: what was found, each in words; way: what would let it pass; both as the end of a sentence,
    None when nothing is to say. without: attributes whose use it objects to; picked: one of them
    picked the people. missing: facts it needed that nobody says. part: what a breach asks for.
    facts: what was beneath, name and value. decided: it is among those that made the decision.
    owner: who answers for it. Of kind `waiver` it is no policy: breached = it let this send through.
    """

    policy: str
    kind: str
    outcome: Outcome
    part: str = "block"
    decided: bool = False
    audit: bool = False
    reason: str | None = None
    because: str | None = None
    known: tuple[str, ...] = ()
    way: str | None = None
    without: tuple[str, ...] = ()
    picked: bool = False
    missing: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One person's story.

    person: as the reader named them. planned: the channel it would have left by. channel: the one it
    leaves by, None when it does not leave. blend: personalised offers left where others gave way to
    general ones; offers: ids of those it shows, None where nobody says or it does not leave.
    skipped: other channels that were tried, with the policies against them and what was known to the first.
    at: the final instant in words, when it was moved.
    assumed: facts that the workspace assumed for this person: path, value, and both in words.
    """

    person: str
    campaign: str | None
    verdict: Literal["allow", "downgrade", "block"]
    planned: str | None
    channel: str | None = None
    strip: tuple[str, ...] = ()
    generic: bool = False
    at: str | None = None
    blend: int | None = None
    offers: tuple[str, ...] | None = None
    impossible: str | None = None
    skipped: tuple[tuple[str, tuple[str, ...], str | None], ...] = ()
    policies: tuple[PolicyTold, ...] = ()
    assumed: tuple[tuple[str, str, str], ...] = ()


_PARTS = ("block", "channel", "content", "uses", "offers", "send_at")  # the order in which reasons are told
_NO_START = {  # what stopped it before any policy was asked, and the way out
    "no_address": "they had an address for a channel it is prepared for",
    "no_instant": "somebody said in which time zone they are",
    "past_deadline": "it left sooner, or the last moment (`not_after`) were later",
}


def as_text(told: Explanation, *, everything: bool = False) -> str:
    """The story in at most six lines; with `everything`, every policy that applied follows."""
    decided = sorted((p for p in told.policies if p.decided), key=lambda p: _PARTS.index(p.part))
    lines = [
        _verdict(told),
        *_why(told, decided),
        *_known(decided),
        *_hindered(told, decided),
        *_way(told, decided),
        *_waived(told),
        *_assumed(told),
    ]
    lines = lines[:6]
    if everything:
        lines += ["", *(_policy_line(policy) for policy in told.policies)]
    return "\n".join(lines)


def _verdict(told: Explanation) -> str:
    what = f"`{told.campaign}`" if told.campaign else "this message"
    if told.verdict == "block":
        return f"{told.person} does not get {what}."
    if told.verdict == "allow":
        return f"{told.person} gets {what} by {channel_name(told.channel)}, as planned."
    changes = [f"by {channel_name(told.channel)} instead of {channel_name(told.planned)}"]
    if told.channel == told.planned:
        changes = [f"by {channel_name(told.channel)}"]
    if told.generic:
        changes.append("with the generic text")
    if told.strip:
        changes.append(f"without {listed(f'`{attribute}`' for attribute in told.strip)}")
    if told.blend is not None:
        shown = f" ({', '.join(f'`{offer}`' for offer in told.offers)})" if told.offers else ""
        changes.append(f"blended, with {count(told.blend, 'personalised offer')} left{shown}")
    if told.at:
        changes.append(f"later, on {told.at}")
    return f"{told.person} gets {what} {', '.join(changes)}."


def _why(told: Explanation, decided: list[PolicyTold]) -> list[str]:
    """The company's own words, else the policy's name; further policies by name."""
    if not decided and told.impossible in _NO_START:
        return [f"Why: {IMPOSSIBLE[told.impossible]}."]
    if not decided:
        return []
    first, *others = decided
    names = listed(f"`{policy.policy}`" for policy in decided)
    if first.because:
        also = f", and also {listed(f'`{policy.policy}`' for policy in others)}" if others else ""
        return [f"Why: {' '.join(first.because.split()).rstrip('.')} (`{first.policy}`{also})."]
    return [f"Why: {names} {'ask' if others else 'asks'} for it."]


def _known(decided: list[PolicyTold]) -> list[str]:
    said = list(dict.fromkeys(known for policy in decided for known in policy.known))[:4]
    return [f"What we know: {'; '.join(said)}."] if said else []


def _way(told: Explanation, decided: list[PolicyTold]) -> list[str]:
    if not decided and told.impossible in _NO_START:
        return [f"It would be judged if {_NO_START[told.impossible]}."]
    ways = list(dict.fromkeys(policy.way for policy in decided if policy.way))[:2]
    without = sorted({attribute for policy in decided for attribute in policy.without})
    if without:
        names = listed(f"`{attribute}`" for attribute in without)
        picked = any(policy.picked for policy in decided)
        ways.append(f"the people were picked without {names}" if picked else f"the message did without {names}")
    return [f"It would go as planned if {', and '.join(ways)}."] if ways else []


def _hindered(told: Explanation, decided: list[PolicyTold]) -> list[str]:
    if told.impossible is None or (not decided and told.impossible in _NO_START):
        return []
    if told.impossible == "no_channel_left" and told.skipped:
        return [f"No gentler way was left: {'; '.join(_tried(*tried) for tried in told.skipped)}."]
    return [f"No gentler way was left: {IMPOSSIBLE.get(told.impossible, told.impossible)}."]


def _tried(channel: str, policies: tuple[str, ...], known: str | None) -> str:
    names = listed(f"`{policy}`" for policy in policies)
    return f"{channel_name(channel)} is refused by {names}{f' ({known})' if known else ''}"


def _waived(told: Explanation) -> list[str]:
    """The waivers that kept policies from objecting, with who answers for them."""
    used = [policy for policy in told.policies if policy.kind == "waiver" and policy.outcome != "met"]
    if not used:
        return []
    named = listed(f"`{policy.policy}` (owner: {policy.owner})" for policy in used)
    because = f": {' '.join(used[0].because.split()).rstrip('.')}" if used[0].because and len(used) == 1 else ""
    return [f"A policy was set aside by {named}{because}."]


def _assumed(told: Explanation) -> list[str]:
    if not told.assumed:
        return []
    return [f"Assumed, because nobody says: {listed(words for _, _, words in told.assumed)}."]


_MARKS = {"met": "met      ", "breached": "breached ", "unknown": "unknown  "}


def _policy_line(policy: PolicyTold) -> str:
    tail = f": {'; '.join(policy.known)}" if policy.known else ""
    if policy.kind == "waiver":
        return f"  waived    {policy.policy}{tail}"
    note = " (only observed)" if policy.audit else " (decided)" if policy.decided else ""
    return f"  {_MARKS[policy.outcome]} {policy.policy}{note}{tail}"


def as_json(told: Explanation) -> dict[str, Any]:
    found = asdict(told)
    found["assumed"] = {path: value for path, value, _ in told.assumed}
    for policy in found["policies"]:
        policy["facts"] = dict(policy["facts"])
    return found
