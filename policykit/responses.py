"""What is done when somebody tells us something back: rows to be written, and nothing that gives anything.

A pure function of the event, the workspace's responses and who the event is about. The same event gives the
same rows each time it comes, so that it counts once; no event undoes another, so that their order never matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from policykit import addresses
from policykit.adapters.events import Event
from policykit.language.responses import DEFAULTS, EVERYTHING, THIS_CHANNEL, THIS_PURPOSE, Refusal, Response
from policykit.model import Micros
from policykit.stores.base import Because, Row, Suppression
from policykit.vocabulary import CHANNELS, DEGREES

# Who says stop to a text means its pictures too.
_TEXTS = ("sms", "mms")
# One channel of each family of addresses.
_ONE_EACH = tuple({addresses.family(channel): channel for channel in CHANNELS}.values())
Place: TypeAlias = tuple[str, str]  # channel, or its family, and address
_DEGREES = {degree: place for place, (degree, _) in enumerate(DEGREES)}
_BECAUSE: Mapping[str, Because] = {"bounce": "bounce", "complaint": "complaint"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be written about one event, and what it amounts to in words of `responses:`."""

    consents: tuple[Row, ...] = ()
    feedback: tuple[Row, ...] = ()
    suppressions: tuple[Suppression, ...] = field(default=(), repr=False)
    done: tuple[str, ...] = ()


def answer(
    event: Event, provider: str, responses: Sequence[Response], people: Iterable[str], purpose: str | None, now: Micros,
    places: Iterable[Place] = (), *, known: bool = True,
) -> Answer:  # fmt: skip
    """What is done about an event.

    people: everybody it may be about. purpose: that of the event's campaign, None = unknown. now: an event from the
    future counts as of now. places: channel and address of where those people are reached, for an event that names
    no address. known: whether somebody is known at the address it names; else a refusal suppresses the address too.
    """
    people, at = sorted(set(people)), min(event.at, now)
    places = _places(event, places)
    chosen = _chosen(event, provider, responses, can_suppress=bool(places))
    lowered = sum(response.points for response in chosen)
    degree = min((response.degree for response in chosen if response.degree), key=_DEGREES.__getitem__, default=None)
    refusals = [(response, response.refusal) for response in chosen if response.refusal is not None]
    suppress = any(response.suppress for response in chosen) or not people or (bool(refusals) and not known)
    because = _BECAUSE.get(event.kind, "manual")
    suppressions = tuple(Suppression(*place, because, at, event.evidence) for place in places if suppress)
    return Answer(
        tuple(row for person in people for response, refusal in refusals
              for row in _rows(event, response, refusal, person, purpose, at))
        + tuple(_refused(event, response, person, at) for person in people for response in chosen if response.refuses),
        tuple(_told(event, person, at, lowered, degree) for person in people),
        suppressions,
        (
            *(f"consent {refusal.status}" for _, refusal in refusals if people),
            *(f"attribute {response.refuses} refused" for response in chosen if response.refuses and people),
            *(["address suppressed"] if suppressions else []),
            *([f"tolerance lowered by {lowered}"] if lowered and people else []),
            *([f"degree {degree}"] if degree and people else []),
        ),
    )  # fmt: skip


def _chosen(event: Event, provider: str, responses: Iterable[Response], *, can_suppress: bool) -> list[Response]:
    """The workspace's responses to such an event; where none is surely about it, what is done by default as well.

    Responses that do nothing but suppress an address nobody knows leave the event unanswered.
    """
    own = [response for response in responses if response.answers(event.kind, event.channel, provider)]
    sure = any(event.channel is not None or response.channels is None for response in own)
    lost = not can_suppress and not any(response.refusal for response in own) and any(each.suppress for each in own)
    return own if sure and not lost else [*own, *(each for each in DEFAULTS if event.kind in each.events)]


def _places(event: Event, reached: Iterable[Place]) -> tuple[Place, ...]:
    """Where nothing is to be sent any more, if the address is to be suppressed; each place once."""
    if event.address:
        return addressed(event)
    family = None if event.channel is None else addresses.family(event.channel)
    return tuple(sorted({place for place in reached if family in (None, addresses.family(place[0]))}))


def addressed(event: Event) -> tuple[Place, ...]:
    """Where the address that an event names may be found; one of which nobody says the channel is anywhere."""
    channels = _ONE_EACH if event.channel is None else (event.channel,)
    text = event.address or ""
    return tuple((channel, text) for channel in channels if addresses.key(channel, text))


def _rows(
    event: Event, response: Response, refusal: Refusal, person: str, purpose: str | None, at: Micros
) -> Iterable[Row]:
    node = (purpose or EVERYTHING) if refusal.purpose == THIS_PURPOSE else refusal.purpose
    for channel in _channels(event, refusal):
        yield {
            "id": f"{event.id}-{response.id}-{channel}", "person": person, "status": refusal.status,
            "channel": channel, "purpose": node, "at": at, "evidence": event.evidence,
        }  # fmt: skip


def _refused(event: Event, response: Response, person: str, at: Micros) -> Row:
    """The refusal of one attribute, in every message."""
    return {
        "id": f"{event.id}-{response.id}-refuses-{response.refuses}", "person": person, "status": "refused",
        "channel": EVERYTHING, "purpose": EVERYTHING, "at": at, "evidence": event.evidence,
        "attribute": response.refuses,
    }  # fmt: skip


def _channels(event: Event, refusal: Refusal) -> tuple[str, ...]:
    if refusal.channel != THIS_CHANNEL:
        return (refusal.channel,)
    if event.channel is None:
        return (EVERYTHING,)
    return _TEXTS if event.channel in _TEXTS else (event.channel,)


def _told(event: Event, person: str, at: Micros, lowered: int, degree: str | None) -> Row:
    return {
        "person": person, "id": event.id, "at": at, "kind": event.kind, "channel": event.channel,
        "campaign": event.campaign, "lower_tolerance": lowered or None, "degree": degree,
    }  # fmt: skip
