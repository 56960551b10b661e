"""Trying things out: a gate behind which no send leaves the machine.

What would be sent goes to a server on loopback instead, with path, headers and body as they are;
requests that are no sends pass as ever. Policies, store and answers are the real ones.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.enforce.plan import Gate, Plan
from policykit.errors import UsageError

_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


def checked(base: str) -> str:
    """The server's URL; anything that is not on this machine is wrong use."""
    if urlsplit(base).hostname not in _HOSTS:
        raise UsageError("the loopback server is not on this machine", "write e.g. `http://127.0.0.1:8025`")
    return base.rstrip("/")


class Loopback:
    """A gate that sends what may leave to a server on loopback."""

    def __init__(self, gate: Gate, base: str) -> None:
        self._gate, self._base = gate, checked(base)

    def claims(self, method: str, url: str) -> bool:
        return self._gate.claims(method, url)

    def plan(self, request: OutgoingRequest) -> Plan:
        plan = self._gate.plan(request)
        if plan.forward is not None:
            plan.forward = here(plan.forward, self._base)
        return plan

    def done(self, plan: Plan, answer: Answer) -> Answer:
        return self._gate.done(plan, answer)

    def failed(self, plan: Plan) -> None:
        self._gate.failed(plan)


def here(request: OutgoingRequest, base: str) -> OutgoingRequest:
    """The request as it goes to a server on loopback."""
    parts = urlsplit(request.url)
    query = f"?{parts.query}" if parts.query else ""
    return replace(request.without("Host"), url=f"{checked(base)}{parts.path}{query}")
