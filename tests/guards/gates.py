"""A gate that follows a script: to a guard as real as the live one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.enforce.plan import Plan

REFUSED = Answer(
    403,
    "Forbidden",
    (("Content-Type", "application/json"), ("X-Policykit-Decision", "pk-1")),
    b'{"why": "quiet hours"}',
)

WHO: ContextVar[str] = ContextVar("who", default="nobody")


def forward(request: OutgoingRequest) -> Plan:
    return Plan(request)


def refuse(request: OutgoingRequest) -> Plan:
    return Plan(None, REFUSED)


@dataclass
class ScriptedGate:
    """Claims POSTs below /send. plans: path -> what to do with it; others pass untouched."""

    plans: dict[str, Callable[[OutgoingRequest], Plan]] = field(default_factory=dict)
    mend: Callable[[Answer], Answer] = lambda answer: answer
    takes_s: float = 0.0
    asked: list[tuple[str, str]] = field(default_factory=list)
    planned: list[OutgoingRequest] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    ended: int = 0
    threads: set[str] = field(default_factory=set)
    contexts: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def claims(self, method: str, url: str) -> bool:
        self.asked.append((method, url))
        return method == "POST" and urlsplit(url).path.startswith("/send")

    def plan(self, request: OutgoingRequest) -> Plan:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.planned.append(request)
            self.threads.add(threading.current_thread().name)
            self.contexts.append(WHO.get())
        if self.takes_s:
            time.sleep(self.takes_s)
        with self._lock:
            self.at_once -= 1
        return self.plans.get(request.path, forward)(request)

    def done(self, plan: Plan, answer: Answer) -> Answer:
        self.settled.append(answer.status)
        self.answers.append(answer)
        return self.mend(answer)

    def failed(self, plan: Plan) -> None:
        self.ended += 1
