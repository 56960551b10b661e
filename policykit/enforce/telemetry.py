"""Metrics and traces through OpenTelemetry's API, where it is installed; where it is not, nothing is done at all.

    counter    policykit.decisions        by verdict, effect, channel, provider, mode, and campaign where there is one
    histogram  policykit.judge.duration   seconds from a caught call to its plan, replacements delivered and all
    span       policykit.judge            around the same, with how many sends the call has and how many were refused

Attributes name no person, no address and no value. What is done with them the application's own
OpenTelemetry SDK decides; without one, the API does nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.enforce.plan import Gate, Plan
from policykit.sends import DecisionRecord
from policykit.version import __version__

# Judging takes about 0.1 ms, a delivered replacement as long as its provider does.
_BOUNDS = (0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)


def observers() -> tuple[Callable[[Sequence[DecisionRecord]], None], ...]:
    """What counts decisions, called off the path of sends; nothing where OpenTelemetry is not installed."""
    metrics = _api("opentelemetry.metrics")
    if metrics is None:
        return ()
    counter = metrics.get_meter("policykit", __version__).create_counter(
        "policykit.decisions", unit="{decision}", description="Decisions about sends"
    )

    def count(records: Sequence[DecisionRecord]) -> None:
        for record in records:
            counter.add(1, _attributes(record))

    return (count,)


def watched(gate: Gate) -> Gate:
    """The gate with its plans timed and traced; the very same gate where OpenTelemetry is not installed."""
    metrics, trace = _api("opentelemetry.metrics"), _api("opentelemetry.trace")
    return gate if metrics is None or trace is None else _Watched(gate, metrics, trace)


def _api(module: str) -> Any:
    # OpenTelemetry is optional: applications that measure have it, others need not.
    try:
        return import_module(module)
    except ImportError:
        return None


def _attributes(record: DecisionRecord) -> dict[str, str]:
    said = {
        "verdict": str(record.verdict), "effect": record.effect, "channel": record.channel,
        "provider": record.provider, "mode": record.mode,
    }  # fmt: skip
    return said if record.campaign is None else {**said, "campaign": record.campaign}


class _Watched:
    """A gate whose plans are timed and traced."""

    def __init__(self, gate: Gate, metrics: Any, trace: Any) -> None:
        self._gate = gate
        self._tracer = trace.get_tracer("policykit", __version__)
        self._duration = metrics.get_meter("policykit", __version__).create_histogram(
            "policykit.judge.duration",
            unit="s",
            description="From a caught call to its plan",
            explicit_bucket_boundaries_advisory=_BOUNDS,
        )

    def claims(self, method: str, url: str) -> bool:
        return self._gate.claims(method, url)

    def plan(self, request: OutgoingRequest) -> Plan:
        start = time.perf_counter()
        with self._tracer.start_as_current_span("policykit.judge", record_exception=False) as span:
            plan = self._gate.plan(request)
            refused = sum(record.effect == "refused" for record in plan.records)
            span.set_attribute("policykit.sends", len(plan.records))
            span.set_attribute("policykit.refused", refused)
        provider = plan.records[0].provider if plan.records else "none"
        self._duration.record(time.perf_counter() - start, {"provider": provider})
        return plan

    def done(self, plan: Plan, answer: Answer) -> Answer:
        return self._gate.done(plan, answer)

    def failed(self, plan: Plan) -> None:
        self._gate.failed(plan)
