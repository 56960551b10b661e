"""What a guard asks of the gate, and what it is told to do with a caught request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.errors import SendBlocked
from policykit.sends import DecisionRecord


@dataclass(slots=True)
class Plan:
    """What to do with one caught request.

    forward: what leaves instead; the very same object = leave the request untouched; None = nothing
    leaves, give `answer`, or raise `error` when there is one. tickets: what the gate needs to settle it; opaque.
    """

    forward: OutgoingRequest | None
    answer: Answer | None = None
    error: SendBlocked | None = None
    records: tuple[DecisionRecord, ...] = ()
    mends: bool = False  # whether `done` may change the provider's answer; else its result may be ignored
    tickets: object = field(default=None, repr=False)


class Gate(Protocol):
    """What stands behind every guard. No method raises into the application."""

    def claims(self, method: str, url: str) -> bool:
        """Whether some adapter knows this as a send; cheap, asked of every request before its body is read.

        False for policykit's own sends, and when the workspace's mode is `off`.
        """

    def plan(self, request: OutgoingRequest) -> Plan:
        """Judges a claimed request, delivers or puts off what takes its place, and records it. Blocks on I/O."""

    def done(self, plan: Plan, answer: Answer) -> Answer:
        """Settles a forwarded request that was answered; the answer as the caller is to see it. Never blocks on I/O."""

    def failed(self, plan: Plan) -> None:
        """Settles a forwarded request that ended in an exception: nobody knows whether it left."""
