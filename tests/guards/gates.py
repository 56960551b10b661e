"""A gate that follows a script: to a guard as real as the live one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.enforce.plan import Plan
from policykit.errors import SendBlocked

REFUSED = Answer(
    403,
    "Quiet hours",
    (("Content-Type", "application/json"), ("X-Policykit-Decision", "pk-1")),
    b'{"message": "quiet hours (pk-1)"}',
)
BLOCKED = SendBlocked(())

WHO: ContextVar[str] = ContextVar("who", default="nobody")


def passed(request: OutgoingRequest) -> Plan:
    return Plan(request)


def refused(request: OutgoingRequest) -> Plan:
    return Plan(None, REFUSED)


def raised(request: OutgoingRequest) -> Plan:
    return Plan(None, REFUSED, BLOCKED)


def pruned(request: OutgoingRequest) -> Plan:
    return Plan(request.with_body(b"pruned"))


def mended(request: OutgoingRequest) -> Plan:
    return Plan(request.with_body(b"pruned"), mends=True)


def mend(answer: Answer) -> Answer:
    """As an adapter does: another status, body and header, the rest as it came."""
    return Answer(207, "Mended", (*answer.headers, ("X-Mended", "yes")), b"mended " + answer.body)


def accepted(request: OutgoingRequest) -> Plan:
    return Plan(None, Answer(202, "Accepted", (("X-Message-Id", "pk-2"),), b""))


@dataclass
class ScriptedGate:
    """Claims POSTs below /send; the last word of the path names the plan, others pass.

    sends: what else is claimed, by the end of the path. decides: gives the plan's name for those.
    """

    sends: tuple[str, ...] = ()
    decides: Callable[[OutgoingRequest], str] = lambda request: "passed"
    mends: bool = True  # False: answers that might be mended need not be
    fault: str = ""  # the method that fails
    asked: list[tuple[str, str]] = field(default_factory=list)
    planned: list[OutgoingRequest] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    ended: int = 0
    threads: set[str] = field(default_factory=set)
    contexts: list[str] = field(default_factory=list)
    most_at_once: int = 0
    held: threading.Event | None = None  # no plan before it is set
    waited: list[bool] = field(default_factory=list)  # whether it was
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def _fail(self, method: str) -> None:
        if self.fault == method:
            raise ZeroDivisionError("a secret of the message")

    def claims(self, method: str, url: str) -> bool:
        self._fail("claims")
        self.asked.append((method, url))
        path = urlsplit(url).path
        return method == "POST" and (path.startswith("/send") or path.endswith(self.sends or "\0"))

    def plan(self, request: OutgoingRequest) -> Plan:
        self._fail("plan")
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.planned.append(request)
            self.threads.add(threading.current_thread().name)
            self.contexts.append(WHO.get())
        if self.held:
            self.waited.append(self.held.wait(10))
        with self._lock:
            self._at_once -= 1
        name = request.path.rpartition("/")[2] if request.path.startswith("/send") else self.decides(request)
        return _PLANS.get(name, passed)(request)

    def done(self, plan: Plan, answer: Answer) -> Answer:
        self._fail("done")
        with self._lock:
            self.settled.append(answer.status)
            self.answers.append(answer)
        return mend(answer) if plan.mends and self.mends else answer

    def failed(self, plan: Plan) -> None:
        self._fail("failed")
        with self._lock:
            self.ended += 1


_PLANS: dict[str, Callable[[OutgoingRequest], Plan]] = {
    each.__name__: each for each in (refused, raised, pruned, mended, accepted)
}
