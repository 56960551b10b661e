"""The contract of an adapter: one provider's wire format, whatever client or transport speaks it.

An adapter is pure: no clock, no network, no state. What it cannot do it does not declare; asking for
it anyway raises `UnsupportedRewrite`, which names adapter and effect. `policykit.testing.AdapterContract`
proves the laws L1 to L14.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.errors import UnsupportedRewrite
from policykit.model import Micros
from policykit.sends import Send

# Goes with every answer we give in a provider's place, so that `decision_of` finds the decision.
DECISION_HEADER = "X-Policykit-Decision"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Capability(Enum):
    """What an adapter can do beside reading.

    PRUNE: take single people out of a call. ANSWER: answer in the provider's place.
    REWRITE: put other content into a call for one person. SCHEDULE: the provider's own later delivery.
    COMPOSE: make a call from a campaign's prepared content, as the target of a downgrade.
    """

    PRUNE = "prune"
    ANSWER = "answer"
    REWRITE = "rewrite"
    SCHEDULE = "schedule"
    COMPOSE = "compose"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one send of a call, for the answer. accepted: it passed, was replaced or put off.

    id: of the decision. reason: one line for a person. code: a word or two for the reason phrase.
    """

    accepted: bool
    id: str
    reason: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Replacement:
    """A message to be composed: a campaign's prepared content for one person by one channel.

    content: part -> rendered text. at: for the provider's own schedule, None = at once; how far from
    `now` it may lie the adapter knows, which refuses any other with `UnsupportedRewrite`. headers: of a mail.
    """

    channel: str
    address: str = field(repr=False)
    content: Mapping[str, str] = field(repr=False)
    campaign: str | None = None
    decision: str = ""
    at: Micros | None = None
    now: Micros | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """What `policykit.yaml` says under `providers.<name>`, credentials resolved from the environment.

    options: everything else, e.g. `from`, `project`, `account_sid`, `base_url` (None = the provider's own host).
    """

    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def base_url(self) -> str | None:
        found = self.options.get("base_url")
        return str(found).rstrip("/") if found else None


class Adapter(ABC):
    """A provider. Class attributes declare what it is; methods translate.

    hosts: suffixes of the provider's hosts, for the tripwire; `claims` decides by path, because
    gateways and regional twins have other hosts. campaign_slots: where applications usually name the
    campaign, most telling first. on_block: `answer` = refuse in the provider's shape, the default of
    `policykit.yaml` for this provider. secret_headers: never stored, never shown.
    """

    name: ClassVar[str]
    channels: ClassVar[frozenset[str]]
    capabilities: ClassVar[frozenset[Capability]] = frozenset()
    hosts: ClassVar[tuple[str, ...]] = ()
    campaign_slots: ClassVar[tuple[str, ...]] = ()
    on_block: ClassVar[Literal["answer", "raise"]] = "answer"
    secret_headers: ClassVar[tuple[str, ...]] = ("Authorization", "Proxy-Authorization", "Cookie")

    @abstractmethod
    def claims(self, request: OutgoingRequest) -> bool:
        """Whether the request is a send of this provider; cheap, from method and path, never from the body."""

    @abstractmethod
    def read(self, request: OutgoingRequest) -> tuple[Send, ...]:
        """Every send of a claimed request, in the order of the wire. Raises `UnreadableSend`, nothing else."""

    def keep(self, request: OutgoingRequest, mask: Sequence[bool]) -> OutgoingRequest | None:
        """The request with only the sends whose place in the mask is true; None when none is.

        All kept gives the very same object. `read` of the result gives exactly the kept sends.
        """
        if all(mask):
            return request
        if not any(mask):
            return None
        raise UnsupportedRewrite(self.name, Capability.PRUNE.value)

    def rewrite(
        self, request: OutgoingRequest, content: Mapping[str, str], headers: Mapping[str, str] = NO_HEADERS
    ) -> OutgoingRequest:
        """A request for one person with other content; addressing, sender and campaign slots stay.

        Merge data, provider-side templates and other places where a value could hide go. headers: of a
        mail, in place of those of the same name; given only where the campaign has some.
        """
        raise UnsupportedRewrite(self.name, Capability.REWRITE.value)

    def schedule(self, request: OutgoingRequest, at: Micros, now: Micros) -> OutgoingRequest:
        """A request for one person, delivered by the provider at a later instant.

        Raises `UnsupportedRewrite` too when this instant or this request is beyond what the provider can do.
        """
        raise UnsupportedRewrite(self.name, Capability.SCHEDULE.value)

    def compose(self, replacement: Replacement, settings: Settings) -> OutgoingRequest:
        """A whole call for one person. Raises `UsageError` naming what `policykit.yaml` lacks."""
        raise UnsupportedRewrite(self.name, Capability.COMPOSE.value)

    def authorise(self, request: OutgoingRequest, settings: Settings) -> OutgoingRequest:
        """A stored request (kept without `secret_headers`) with credentials from the settings."""
        raise UnsupportedRewrite(self.name, Capability.COMPOSE.value)

    def answer(self, request: OutgoingRequest, sends: Sequence[Send], outcomes: Sequence[Outcome]) -> Answer:
        """The answer in the provider's place when nothing of a call is passed on.

        Any accepted: the provider's success shape, with the decision's id where its own id would be.
        None accepted: its refusal shape, with a status its clients do not retry (400, 403, 422).
        """
        raise UnsupportedRewrite(self.name, Capability.ANSWER.value)

    def mend(self, answer: Answer, sends: Sequence[Send], outcomes: Sequence[Outcome]) -> Answer:
        """The provider's answer to a pruned call, with positions and counts as for the whole call.

        sends, outcomes: of the whole call; those accepted and passed are in the provider's answer.
        """
        return answer

    def gone(self, answer: Answer, sends: Sequence[Send]) -> tuple[bool, ...]:
        """Aligned with the sends: whether the answer says that the address exists no more, for good. Raises nothing.

        Such an address is suppressed.
        """
        return (False,) * len(sends)

    def receipts(self, answer: Answer, sends: Sequence[Send]) -> tuple[str | None, ...]:
        """The provider's id for each send of the call that was answered; None where it gives none."""
        return (None,) * len(sends)
