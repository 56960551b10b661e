"""Which campaign a send belongs to, and by which class it is judged (M13).

Only a manifest says what a send is for. The block of `sending(...)` and the wire's metadata name the
manifest; where they contradict each other every reading is judged and the strictest wins.

Conflicts: `context.conflict` more than one manifest is named; `campaign.unknown` a campaign is named
that has no manifest; `context.class` the wire says another class; `context.person` the address
belongs to somebody else than the person named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from policykit.enforce.content import Questions, Seen, questions_of
from policykit.enforce.context import Sending
from policykit.enforce.rules import ProviderRules, Rules
from policykit.facts.row import prepared_for
from policykit.language.campaign import Manifest
from policykit.model import Campaign, Prepared, Variant
from policykit.sends import Send

CONFLICT, UNKNOWN, CLASS, PERSON = "context.conflict", "campaign.unknown", "context.class", "context.person"
_STRICTNESS = {"transactional": 0, "service": 1, "marketing": 2}
_KEPT = 4096  # campaigns as seen by the wire; beyond it all are made anew


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A send as one campaign's. manifest: None = it belongs to none. campaign: with the wire's provider."""

    manifest: Manifest | None
    campaign: Campaign


@dataclass(frozen=True, slots=True)
class Readings:
    """Every reading of a send, the strictest class first; exactly one unless there is a contradiction."""

    all: tuple[Reading, ...]
    conflict: tuple[str, ...] = ()

    @property
    def message_class(self) -> str:
        return self.all[0].campaign.message_class

    @property
    def named(self) -> bool:
        """Whether some manifest is named."""
        return any(reading.manifest is not None for reading in self.all)


class Resolver:
    """Finds readings by one workspace. Campaigns are made once each: generated code is kept by their identity."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.questions = questions_of(rules.ruleset, rules.sender_address)
        self._made: dict[tuple[object, ...], Reading] = {}
        self._found: dict[tuple[object, ...], Readings] = {}

    def readings(self, send: Send, slots: Sequence[str], sending: Sending | None) -> Readings:
        """Every reading of a send. slots: where its adapter looks for a campaign. sending: the block it leaves in."""
        provider = self.rules.providers.get(send.provider) or _NO_PROVIDER
        context = sending.campaign if sending is not None else None
        wire = tuple(_on_the_wire(send, slots, provider, self.rules)) if send.slots else ()
        listed = bool(provider.transactional) and _listed(send, provider)
        held = self.questions.on_wire(send)
        key = (send.channel, send.provider, send.message_class, context, wire, listed, held)
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= _KEPT:
                self._found.clear()
            named = (context, *wire) if context is not None else wire
            found = self._found[key] = self._read(send, tuple(dict.fromkeys(named)), held, listed=listed)
        return found

    def _read(self, send: Send, named: tuple[str, ...], held: tuple[Seen, ...], *, listed: bool) -> Readings:
        """named: campaigns that the block and the wire name. held: what the message answers."""
        manifests = self.rules.manifests
        known: list[str | None] = [name for name in named if name in manifests]
        conflict: tuple[str, ...] = (CONFLICT,) if len(named) > 1 else ()
        if len(known) < len(named):
            conflict = (*conflict, UNKNOWN)
        if len(known) < len(named) or not known:
            known.append(None)
        readings = [self._reading(name, send, held, listed=listed) for name in known]
        if send.message_class is not None and any(_contradicts(reading, send) for reading in readings):
            conflict = (*conflict, CLASS)
        strictest_first = sorted(readings, key=lambda each: -_STRICTNESS[each.campaign.message_class])
        return Readings(tuple(strictest_first), conflict)

    def _reading(self, name: str | None, send: Send, held: tuple[Seen, ...], *, listed: bool) -> Reading:
        manifest = self.rules.manifests[name] if name is not None else None
        unnamed = "transactional" if listed else "marketing"
        said = manifest.campaign.message_class if manifest is not None else unnamed
        message_class = _stricter(said, send.message_class)
        key = (name, send.channel, send.provider, message_class, held)
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= _KEPT:
                self._made.clear()
            made = self._made[key] = Reading(manifest, _campaign(manifest, send, message_class, self.questions, held))
        return made


_NO_PROVIDER = ProviderRules()


def _on_the_wire(send: Send, slots: Sequence[str], provider: ProviderRules, rules: Rules) -> Iterator[str]:
    """Campaigns that the metadata names: known ones; where `campaign_from` names none that is known, what it says."""
    if provider.campaign_from:
        said = [value for slot in provider.campaign_from for value in send.slots.get(slot, ()) if value]
        known = [value for value in said if value in rules.manifests]
        yield from dict.fromkeys(known or said[:1])
        return
    found = (value for slot in slots for value in send.slots.get(slot, ()))
    yield from dict.fromkeys(value for value in found if value in rules.manifests)


def _listed(send: Send, provider: ProviderRules) -> bool:
    """Whether `policykit.yaml` lists a value of this send as transactional."""
    return any(not values.isdisjoint(send.slots.get(slot, ())) for slot, values in provider.transactional.items())


def _stricter(said: str, wire: str | None) -> str:
    return wire if wire is not None and _STRICTNESS.get(wire, -1) > _STRICTNESS[said] else said


def _contradicts(reading: Reading, send: Send) -> bool:
    return reading.manifest is not None and reading.manifest.campaign.message_class != send.message_class


def _campaign(
    manifest: Manifest | None, send: Send, message_class: str, questions: Questions, held: tuple[Seen, ...]
) -> Campaign:
    """The campaign with the wire's provider; a channel that is not prepared has unknown uses."""
    if manifest is None:
        alone = Variant(None, questions.alone(held))
        return Campaign(None, (Prepared(send.channel, send.provider, alone),), None, message_class)
    campaign = manifest.campaign
    if prepared_for(campaign, send.channel) is None:
        # The manifest says what its own channels offer, and nothing of this one.
        campaign = replace(campaign, offers=None)
        prepared: tuple[Prepared, ...] = (*campaign.prepared, Prepared(send.channel, send.provider, Variant(None)))
    else:
        prepared = tuple(
            replace(each, provider=send.provider) if each.channel == send.channel else each
            for each in campaign.prepared
        )
    found = replace(campaign, prepared=prepared, message_class=message_class)
    return questions.campaign(found, send.channel, held)
