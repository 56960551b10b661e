"""What is done when somebody tells us something back: rows to be written, and nothing that gives anything.

A pure function of the event, the workspace's responses and who the event is about. The same event gives the
same rows each time it comes, so that it counts once; no event undoes another, so that their order never matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from policykit.adapters.events import Event
from policykit.language.responses import DEFAULTS, EVERYTHING, THIS_CHANNEL, THIS_PURPOSE, Refusal, Response
from policykit.model import Micros
from policykit.stores.base import Because, Row, Suppression
from policykit.vocabulary import DEGREES

# Who says stop to a text means its pictures too.
_TEXTS = ("sms", "mms")
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
    event: Event, provider: str, responses: Sequence[Response], people: Iterable[str], purpose: str | None, now: Micros
) -> Answer:
    """What is done about an event.

    people: everybody it may be about; of an address that nobody knows the address itself is suppressed. purpose:
    that of the event's campaign, None = unknown. now: an event from the future counts as of now.
    """
    people, at = sorted(set(people)), min(event.at, now)
    chosen = _chosen(event, provider, responses)
    lowered = sum(response.points for response in chosen)
    degree = min((response.degree for response in chosen if response.degree), key=_DEGREES.__getitem__, default=None)
    refusals = [(response, response.refusal) for response in chosen if response.refusal is not None]
    suppress = any(response.suppress for response in chosen) or not people
    suppressions: tuple[Suppression, ...] = ()
    if suppress and event.address is not None and event.channel is not None:
        because = _BECAUSE.get(event.kind, "manual")
        suppressions = (Suppression(event.channel, event.address, because, at, event.evidence),)
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


def _chosen(event: Event, provider: str, responses: Iterable[Response]) -> list[Response]:
    """The workspace's responses to such an event, else what is done by default."""
    own = [response for response in responses if response.answers(event.kind, event.channel, provider)]
    return own or [response for response in DEFAULTS if event.kind in response.events]


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
