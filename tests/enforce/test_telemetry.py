"""Metrics and traces of live decisions, read back from OpenTelemetry's own in-memory readers."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from policykit.enforce import telemetry
from tests.enforce.worlds import World, email, rules_of

ANN, BOB = "ann@example.com", "bob@example.com"


@pytest.fixture
def seen(monkeypatch):
    """What an application's SDK would be given."""
    reader, spans = InMemoryMetricReader(), InMemorySpanExporter()
    meters, tracers = MeterProvider([reader]), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr("opentelemetry.metrics.get_meter", meters.get_meter)
    monkeypatch.setattr("opentelemetry.trace.get_tracer", tracers.get_tracer)
    yield SimpleNamespace(reader=reader, spans=spans)
    meters.shutdown()
    tracers.shutdown()


@pytest.fixture
def world(tmp_path, seen):
    with World(rules_of(tmp_path), observers=telemetry.observers()) as world:
        world.knows("ann", email=ANN)
        world.knows("bob", email=BOB, refused=True)
        yield world


def points(seen, name):
    found = seen.reader.get_metrics_data()
    return [
        point
        for resource in (found.resource_metrics if found else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
    ]


def test_every_decision_is_counted_by_what_it_was(world, seen):
    world.send(email(ANN))
    world.send(email(ANN, campaign=None))
    world.send(email(BOB))
    world.gate.flush()

    counted = {tuple(sorted(point.attributes.items())): point.value for point in points(seen, "policykit.decisions")}

    every = {"channel": "email", "provider": "sendgrid", "mode": "enforce"}
    assert counted == {
        tuple(sorted({**every, "verdict": "allow", "effect": "passed", "campaign": "spring"}.items())): 1,
        tuple(sorted({**every, "verdict": "block", "effect": "refused", "campaign": "spring"}.items())): 1,
        tuple(sorted({**every, "verdict": "block", "effect": "refused"}.items())): 1,
    }


def test_judging_is_timed_and_traced(world, seen):
    gate = telemetry.watched(world.gate)

    plan = gate.plan(email(ANN, BOB))

    assert [record.effect for record in plan.records] == ["passed", "refused"]
    (span,) = seen.spans.get_finished_spans()
    assert (span.name, dict(span.attributes)) == ("policykit.judge", {"policykit.sends": 2, "policykit.refused": 1})
    (timed,) = points(seen, "policykit.judge.duration")
    assert (timed.count, dict(timed.attributes)) == (1, {"provider": "sendgrid"})
    assert 0 < timed.sum < 5


def test_a_watched_gate_is_that_gate_in_everything_else(world):
    gate = telemetry.watched(world.gate)
    request = email(ANN)

    plan = gate.plan(request)
    gate.failed(plan)

    assert gate.claims("POST", request.url)
    assert not gate.claims("GET", request.url)
    assert plan.forward is request


def test_nobody_can_be_told_from_what_is_measured(world, seen):
    gate = telemetry.watched(world.gate)
    gate.plan(email(ANN, BOB))
    world.gate.flush()

    said = str(seen.reader.get_metrics_data().to_json()) + "".join(s.to_json() for s in seen.spans.get_finished_spans())

    assert not any(secret in said for secret in ("ann@", "bob@", "example.com", "~ann", "~bob", "secret", "tent"))


def test_a_span_stands_below_the_application_s_own(world, seen):
    gate = telemetry.watched(world.gate)
    from opentelemetry import trace

    with trace.get_tracer("shop").start_as_current_span("checkout") as outer:
        gate.plan(email(ANN))

    judged = seen.spans.get_finished_spans()[0]
    assert judged.parent.span_id == outer.get_span_context().span_id


def test_without_opentelemetry_nothing_is_put_around_the_gate(world, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)

    assert telemetry.watched(world.gate) is world.gate
    assert telemetry.observers() == ()


def test_importing_it_imports_no_opentelemetry():
    code = "import sys, policykit.enforce.telemetry; print([m for m in sys.modules if m.startswith('opentelemetry')])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
