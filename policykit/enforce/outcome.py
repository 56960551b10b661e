"""What is done about a decision: pass, refuse, put something else in its place, or put off. Never a silent allow.

Everything here is worked out before anything is recorded or leaves, so that a decision that cannot
be carried out is a refusal that says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from policykit import addresses
from policykit.adapters.base import Adapter, Capability, Replacement, Settings
from policykit.adapters.wire import OutgoingRequest
from policykit.enforce.content import questions_of
from policykit.enforce.judging import Judged
from policykit.enforce.people import Subject
from policykit.enforce.render import render, typed
from policykit.enforce.rules import ProviderRules, Rules
from policykit.errors import UnrenderableContent, UnsupportedRewrite, UsageError
from policykit.facts.row import prepared_for
from policykit.ir.offers import shown_offers
from policykit.language.campaign import Manifest
from policykit.language.template import BECAUSE, FURNISHED
from policykit.model import Campaign, Changes, Micros, Offer, Verdict
from policykit.sends import Effect, Send


@dataclass(frozen=True, slots=True)
class Act:
    """What is done about one send.

    request, adapter: what leaves in its place and whose it is; for `put_off` the send alone, as it
    came. due: when it is to leave, for `put_off`. failed: why a decision cannot be carried out.
    """

    effect: Effect
    adapter: Adapter | None = None
    request: OutgoingRequest | None = None
    due: Micros | None = None
    failed: str | None = None


PASSED, REFUSED = Act("passed"), Act("refused")
NO_RULES = ProviderRules()


@dataclass(frozen=True, slots=True)
class Wire:
    """One send where it stands in its call."""

    adapter: Adapter
    request: OutgoingRequest
    sends: tuple[Send, ...]
    place: int

    @property
    def send(self) -> Send:
        return self.sends[self.place]

    def alone(self) -> OutgoingRequest:
        """The call with this send only. Raises `UnsupportedRewrite` where it cannot be taken out."""
        if len(self.sends) == 1:
            return self.request
        kept = self.adapter.keep(self.request, [place == self.place for place in range(len(self.sends))])
        if kept is None:
            raise UnsupportedRewrite(self.adapter.name, Capability.PRUNE.value)
        return kept


def act(rules: Rules, adapters: Mapping[str, Adapter], wire: Wire, judged: Judged, decision: str, now: Micros) -> Act:
    """What is done about a judged send. decision: its id, for what is composed."""
    if judged.decision.verdict is Verdict.ALLOW and judged.failed is None:
        return PASSED
    if judged.decision.verdict is Verdict.BLOCK or judged.failed is not None:
        return Act("refused", failed=judged.failed) if judged.failed else REFUSED
    changes = judged.decision.changes
    try:
        if changes.channel is not None:
            return _moved(rules, adapters, wire, judged, decision, now)
        if changes.strip or changes.generic or changes.blend is not None:
            return _rewritten(rules, wire, judged, now)
        return _scheduled(rules, wire, wire.alone(), changes, now)
    except (UnsupportedRewrite, UnrenderableContent) as error:
        return Act("refused", failed=str(error))
    except UsageError as error:
        return Act("refused", failed=error.problems[0].message if error.problems else str(error))


def _moved(
    rules: Rules, adapters: Mapping[str, Adapter], wire: Wire, judged: Judged, decision: str, now: Micros
) -> Act:
    """The campaign's content for another channel, composed for that channel's provider."""
    changes, subject = judged.decision.changes, judged.subject
    channel = changes.channel
    assert channel is not None
    assert subject is not None  # INVARIANT: a downgrade was judged for somebody
    manifest = _manifest(judged)
    prepared = prepared_for(judged.reading.campaign, channel)
    if prepared is None or prepared.provider is None:
        raise UsageError(f"the campaign names no provider for `{channel}`")
    adapter = adapters.get(prepared.provider)
    if adapter is None or channel not in adapter.channels:
        raise UsageError(f"there is no adapter for {channel} by `{prepared.provider}`")
    known = (subject.person.addresses or {}).get(channel)
    address = addresses.normal(channel, known.address) if known is not None else None
    if address is None:
        raise UsageError(f"the stored address for `{channel}` cannot be read")
    content, headers = _message(rules, wire.send, judged, manifest, channel)
    settings = rules.providers.get(adapter.name, NO_RULES).settings
    replacement = Replacement(channel, address, content, manifest.id, decision, headers=headers)
    at_once = adapter.compose(replacement, settings)
    if changes.send_at is None:
        return Act("replaced", adapter, at_once)
    later = replace(replacement, at=changes.send_at, now=now)
    try:
        return Act("replaced", adapter, adapter.compose(later, settings))
    except UnsupportedRewrite:
        return _put_off(rules, wire, wire.alone(), changes.send_at)


def _rewritten(rules: Rules, wire: Wire, judged: Judged, now: Micros) -> Act:
    """The same call for this person with the campaign's own content, lessened."""
    content, headers = _message(rules, wire.send, judged, _manifest(judged), wire.send.channel)
    alone = wire.alone()
    # An adapter without mail need not know of headers.
    lessened = wire.adapter.rewrite(alone, content, headers) if headers else wire.adapter.rewrite(alone, content)
    changes = judged.decision.changes
    if changes.send_at is None:
        return Act("replaced", wire.adapter, lessened)
    try:
        return Act("replaced", wire.adapter, wire.adapter.schedule(lessened, changes.send_at, now))
    except UnsupportedRewrite:
        return _put_off(rules, wire, alone, changes.send_at)


def _scheduled(rules: Rules, wire: Wire, alone: OutgoingRequest, changes: Changes, now: Micros) -> Act:
    """The same message later: by the provider where it can, else from the outbox."""
    assert changes.send_at is not None  # INVARIANT: a downgrade changes something
    try:
        return Act("replaced", wire.adapter, wire.adapter.schedule(alone, changes.send_at, now))
    except UnsupportedRewrite:
        return _put_off(rules, wire, alone, changes.send_at)


def _put_off(rules: Rules, wire: Wire, alone: OutgoingRequest, due: Micros) -> Act:
    """For the outbox; refused now where it could not be delivered from there for want of credentials."""
    adapter = wire.adapter
    settings: Settings = rules.providers.get(adapter.name, NO_RULES).settings
    adapter.authorise(alone.without(*adapter.secret_headers), settings)
    return Act("put_off", adapter, alone, due)


def _manifest(judged: Judged) -> Manifest:
    if judged.reading.manifest is None:
        raise UsageError("it belongs to no campaign that has another content")
    return judged.reading.manifest


def _message(
    rules: Rules, send: Send, judged: Judged, manifest: Manifest, channel: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Part -> text, and the headers, of the campaign for this person, without what was stripped.

    A message that would not hold what the campaign promises of it is refused: policies let it pass for that.
    """
    changes, subject = judged.decision.changes, judged.subject
    templates = (manifest.generic if changes.generic else manifest.templates).get(channel)
    if not templates:
        raise UsageError(f"the campaign has no content for `{channel}`")
    values = {BECAUSE: manifest.because, **_values(rules, send, subject, channel)}
    content = render(templates, values, changes.strip, _offers(judged.reading.campaign, subject, changes))
    headers = _headers(render(manifest.headers.get(channel, {}), values, changes.strip))
    link = values.get("unsubscribe_url")
    prepared = prepared_for(judged.reading.campaign, channel)
    variant = (prepared.generic if changes.generic else prepared.content) if prepared is not None else None
    questions = questions_of(rules.ruleset, rules.sender_address)
    lost = questions.broken(variant.content if variant else None, headers, content, str(link) if link else None)
    if lost is not None:
        raise UsageError(f"the message for `{channel}` would lack {lost}", "furnish `unsubscribe_url` for these sends")
    return content, headers


def _headers(said: Mapping[str, str]) -> dict[str, str]:
    """Headers on one line each. A variable that nobody furnished leaves a hole: such a header is worse than none."""
    whole = {name: " ".join(text.split()) for name, text in said.items() if text.strip() and "<>" not in text}
    leads = any(name.lower() == "list-unsubscribe" for name in whole)
    return whole if leads else {name: text for name, text in whole.items() if name.lower() != "list-unsubscribe-post"}


def _values(rules: Rules, send: Send, subject: Subject | None, channel: str) -> dict[str, object]:
    """What templates are filled with: the person's values, and what every sender furnishes."""
    known = (subject.person.attributes if subject is not None else None) or {}
    if subject is not None and subject.elsewhere and channel == send.channel:
        known = {}
    furnished: dict[str, object] = {name: text for name, text in send.values.items() if name in FURNISHED}
    if rules.sender_address is not None:
        furnished["sender_address"] = rules.sender_address
    return {**furnished, **typed({name: value.value for name, value in known.items()}, rules.ruleset.attributes)}


def _offers(campaign: Campaign, subject: Subject | None, changes: Changes) -> tuple[Offer, ...]:
    """What is left of the campaign's offers for this person; none in a generic text."""
    if campaign.offers is None or subject is None or changes.generic:
        return ()
    return shown_offers(campaign.offers, subject.person.id, campaign.id, changes.strip, changes.blend)
