"""The section `responses:`: what is done when somebody tells us something back.

    responses:
      - id: stop-means-stop
        on: {event: [unsubscribe, stop]}
        do: {consent: {status: withdrawn, channel: this_channel, purpose: "*"}}
        because: "who says stop is not written to again"

A response only ever takes away: consent, tolerance, degree, or the address itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policykit.errors import Place, Problem
from policykit.language.registry import Registry
from policykit.language.schema import Schema, Shape
from policykit.language.suggest import did_you_mean, found
from policykit.language.tree import ListNode, MapNode, Node, find, to_plain
from policykit.vocabulary import CHANNELS, DEGREES, REFUSALS, TOLD

PAGE = """\
What is done when somebody tells us something back: an event that a provider signed (`policykit.feedback.receive`).

```yaml
responses:
  - id: stop-means-stop
    on: {event: [unsubscribe, stop]}
    do: {consent: {status: withdrawn, channel: this_channel, purpose: "*"}}
    because: Who says stop is not written to again.
  - id: too-much-knowledge
    on: {event: too_personal, channel: [push, email]}
    do: {lower_tolerance: 20, degree: provided}
```

Events are `unsubscribe`, `stop` (a reply), `complaint`, `bounce` (for good), `push_disabled` and `too_personal`;
`on` may also name a `channel` and a `provider`. `do` takes away, and never gives: `consent` records a refusal
(`status` is one; `channel` is `this_channel`, `"*"` or a channel; `purpose` is `"*"`, `this_purpose` or a purpose),
`refuse_attribute` records that one attribute is refused, which policies with `forbid: {refused: true}` obey,
`suppress: address` lets nothing be sent there any more, `lower_tolerance` takes points, `degree` is the furthest origin
of data they accept from then on. Every response to an event is made; order means nothing, and an event counts once.

An event that no response is about is answered all the same: who unsubscribes or says stop withdraws consent on that
channel, who complains objects to everything and their address is suppressed, an address that bounced for good is
suppressed, who switches push off refuses it, and too personal lowers tolerance by 20 and the degree to `provided`.
The same is done, besides, where an event names no channel and every response that fits it is about some channel only.
To suppress the address of somebody whom an event names without one suppresses those of theirs that it may be about; a
refusal that comes from an address that nobody we know has suppresses that.
"""

THIS_CHANNEL, THIS_PURPOSE, EVERYTHING = "this_channel", "this_purpose", "*"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal to be recorded. channel: `this_channel`, `*` or a channel; purpose: `this_purpose`, `*` or a key."""

    status: str
    channel: str = THIS_CHANNEL
    purpose: str = EVERYTHING


@dataclass(frozen=True, slots=True)
class Response:
    """What one response does. events: any of; channels, providers: any of, None = every one.

    points: taken from what the person tolerates. degree: furthest origin of data they accept from then on.
    refuses: the attribute they refuse from then on, in every message.
    """

    id: str
    events: tuple[str, ...]
    channels: tuple[str, ...] | None = None
    providers: tuple[str, ...] | None = None
    refusal: Refusal | None = None
    suppress: bool = False
    points: int = 0
    degree: str | None = None
    because: str | None = None
    refuses: str | None = None
    place: Place | None = field(default=None, compare=False)

    def answers(self, kind: str, channel: str | None, provider: str) -> bool:
        """Whether it is about such an event; one of which nobody knows the channel is about every channel."""
        return (
            kind in self.events
            and (self.channels is None or channel is None or channel in self.channels)
            and (self.providers is None or provider in self.providers)
        )


# What is done about an event that no response of the workspace is about.
DEFAULTS = (
    Response("unsubscribe", ("unsubscribe", "stop"), refusal=Refusal("withdrawn")),
    Response("complaint", ("complaint",), refusal=Refusal("objected", EVERYTHING), suppress=True),
    Response("bounce", ("bounce",), suppress=True),
    Response("push-disabled", ("push_disabled",), refusal=Refusal("refused")),
    Response("too-personal", ("too_personal",), points=20, degree="provided"),
)

RESPONSE_SCHEMA: Schema = {
    "id": {"type": "id", "required": True},
    "on": {
        "type": "dict",
        "required": True,
        "schema": {
            "event": {"type": ["string", "list"], "required": True, "allowed": list(TOLD), "empty": False},
            "channel": {"type": ["string", "list"], "allowed": list(CHANNELS), "empty": False},
            "provider": {"type": ["string", "list"], "empty": False},
        },
    },
    "do": {
        "type": "dict",
        "required": True,
        "empty": False,
        "schema": {
            "consent": {
                "type": "dict",
                "schema": {
                    "status": {"type": "string", "required": True, "allowed": list(REFUSALS)},
                    "channel": {"type": "string", "allowed": [THIS_CHANNEL, EVERYTHING, *CHANNELS]},
                    "purpose": {"type": "string"},
                },
            },
            "refuse_attribute": {"type": "string", "empty": False},
            "suppress": {"type": "string", "allowed": ["address"]},
            "lower_tolerance": {"type": "integer", "min": 1, "max": 1_000_000},
            "degree": {"type": "string", "allowed": [degree for degree, _ in DEGREES]},
        },
    },
    "because": {"type": "string", "empty": False},
}
_RESPONSE = Shape(RESPONSE_SCHEMA, "response")
_FINAL = ("unsubscribe", "stop", "complaint")


def read_responses(sections: Iterable[Node], registry: Registry, problems: list[Problem]) -> tuple[Response, ...]:
    """Every response, in order of id; what is wrong is reported and left out."""
    responses: dict[str, Response] = {}
    for section in sections:
        for node in _items(section, problems):
            response = _response(node, registry, problems)
            if response is None:
                continue
            first = responses.setdefault(response.id, response)
            if first is not response and first.place:
                problems.append(Problem(response.place, f"duplicate response `{response.id}`; the first is at "
                                        f"{first.place}", "rename one of the two", "response.duplicate"))  # fmt: skip
    return tuple(responses[name] for name in sorted(responses))


def _items(section: Node, problems: list[Problem]) -> Iterable[Node]:
    if isinstance(section, ListNode):
        return section.items
    problems.append(Problem(section.place, f"`responses` is {found(to_plain(section))}; expected a list",
                            "begin each response with `- id:`", "response.shape"))  # fmt: skip
    return ()


def _response(node: Node, registry: Registry, problems: list[Problem]) -> Response | None:
    wrong = _RESPONSE.check(node)
    problems += wrong
    if wrong or not isinstance(node, MapNode):
        return None
    plain = to_plain(node)
    on, do = plain["on"], plain["do"]
    purpose = do.get("consent", {}).get("purpose", EVERYTHING)
    if purpose not in (THIS_PURPOSE, EVERYTHING, *registry.purposes):
        known = (THIS_PURPOSE, EVERYTHING, *registry.purposes)
        problems.append(Problem(find(node, ("do", "consent", "purpose")).place,
                                f"unknown purpose `{purpose}`{did_you_mean(purpose, known)}",
                                "write `this_purpose`, `\"*\"` or a purpose", "response.unknown-purpose"))  # fmt: skip
        return None
    refuses = do.get("refuse_attribute")
    if refuses is not None and refuses not in registry.attributes:
        problems.append(Problem(find(node, ("do", "refuse_attribute")).place,
                                f"unknown attribute `{refuses}`{did_you_mean(refuses, registry.attributes)}",
                                "name one that is registered under `attributes:`",
                                "response.unknown-attribute"))  # fmt: skip
        return None
    response = Response(
        plain["id"], _texts(on["event"]) or (), _texts(on.get("channel")), _texts(on.get("provider")),
        _refusal(do.get("consent")), "suppress" in do, do.get("lower_tolerance", 0), do.get("degree"),
        plain.get("because"), refuses, find(node, ("id",)).place,
    )  # fmt: skip
    final = sorted(set(response.events) & set(_FINAL))
    if final and response.refusal is None and not response.suppress:
        problems.append(Problem(response.place, f"`{response.id}` answers `{final[0]}` with neither `consent` nor "
                                "`suppress`: they are written to again",
                                "add `consent: {status: withdrawn}`", "response.weak", "warning"))  # fmt: skip
    return response


def _refusal(said: Mapping[str, str] | None) -> Refusal | None:
    if said is None:
        return None
    return Refusal(said["status"], said.get("channel", THIS_CHANNEL), said.get("purpose", EVERYTHING))


def _texts(said: str | list[str] | None) -> tuple[str, ...] | None:
    return None if said is None else (said,) if isinstance(said, str) else tuple(said)
