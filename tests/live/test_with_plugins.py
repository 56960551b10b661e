"""What plugins add is at work in a guarded process; one that fails costs the others nothing."""

from __future__ import annotations

import importlib
import socket
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import policykit

PIGEON = """
    from policykit import hookimpl
    from policykit.adapters.base import Adapter

    TOLD = []
    GUARDS = []

    class Pigeon(Adapter):
        name = "pigeon"
        channels = frozenset({"postal"})
        hosts = ("localhost",)

        def claims(self, request):
            return False

        def read(self, request):
            return ()

    def fails(gate):
        raise OSError("no loft")

    def attach(gate):
        GUARDS.append("on")
        return lambda: GUARDS.append("off")

    @hookimpl
    def policykit_adapters():
        return [Pigeon()]

    @hookimpl
    def policykit_guards():
        return [fails, attach]

    @hookimpl
    def policykit_decided(decisions):
        TOLD.extend(decisions)
"""


@pytest.fixture
def pigeon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[[str], list[object]]:
    """A distribution as pip would leave it; what its module's lists hold comes back by name."""
    folder = tmp_path / "site"
    name = f"policykit_pigeon_{request.node.name}"  # of its own: modules stay loaded from one test to the next
    info = folder / "policykit_pigeon-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / f"{name}.py").write_text(textwrap.dedent(PIGEON))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: policykit-pigeon\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[policykit]\npigeon = {name}\n")
    monkeypatch.syspath_prepend(str(folder))
    return lambda what: list(getattr(importlib.import_module(name), what))


def test_observers_are_told_of_every_decision(shop, send, grown_up, pigeon):
    it = policykit.install(shop)
    grown_up()

    with policykit.sending() as sent:
        send("ana@example.com", None)
    send("ben@example.com")
    it.gate.flush()

    assert [each.campaign for each in pigeon("TOLD")] == [None, "spring"]
    assert sent.decisions == []  # the inner block of `send` wins


def test_guards_of_plugins_are_put_on_and_taken_off_and_one_that_fails_is_told(shop, send, grown_up, pigeon, caplog):
    with policykit.install(shop):
        grown_up()
        during = pigeon("GUARDS")
        status = send("ben@example.com")

    assert (during, pigeon("GUARDS")) == (["on"], ["on", "off"])
    assert status == 403
    assert any("could not be put on: OSError" in record.getMessage() for record in caplog.records)


def test_an_adapter_of_a_plugin_is_listed(shop, pigeon):
    policykit.install(shop)

    assert "pigeon" in policykit.status().adapters


def test_the_tripwire_counts_what_goes_around_the_guards(shop, double, pigeon, caplog):
    policykit.install(shop, tripwire=True)
    port = int(double.url.rpartition(":")[2])

    for _ in range(2):
        socket.getaddrinfo("localhost", port)
    policykit.uninstall()
    after = policykit.status()

    told = [record.getMessage() for record in caplog.records if "reached around" in record.getMessage()]
    assert len(told) == 1
    assert "`localhost` was reached around policykit's guards" in told[0]
    assert after.bypassed == {}


def test_what_went_around_is_in_the_status(shop, pigeon):
    policykit.install(shop, tripwire=True)

    socket.getaddrinfo("localhost", 80)

    assert policykit.status().bypassed == {"localhost": 1}


def test_credentials_that_are_not_set_are_named(shop, monkeypatch):
    monkeypatch.delenv("KEY_OF_THE_SHOP", raising=False)
    monkeypatch.setenv("SID_OF_THE_SHOP", "AC1")
    with (shop / "policykit.yaml").open("a") as file:
        file.write("providers:\n  sendgrid: {credentials: {api_key: KEY_OF_THE_SHOP}}\n"
                   "  twilio: {credentials: {auth_token: SID_OF_THE_SHOP}}\n")  # fmt: skip

    policykit.install(shop)

    assert policykit.status().missing == ("KEY_OF_THE_SHOP",)


def test_decisions_are_counted_where_opentelemetry_is_installed(shop, send, grown_up, monkeypatch):
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader])
    monkeypatch.setattr("opentelemetry.metrics.get_meter", meters.get_meter)
    it = policykit.install(shop)
    grown_up()

    send("ana@example.com")
    send("ben@example.com")
    it.gate.flush()

    found = reader.get_metrics_data()
    assert found is not None
    metrics = {each.name: each.data.data_points for each in found.resource_metrics[0].scope_metrics[0].metrics}
    meters.shutdown()
    assert sorted((point.attributes["effect"], point.value) for point in metrics["policykit.decisions"]) == [
        ("passed", 1), ("refused", 1),
    ]  # fmt: skip
    assert sum(point.count for point in metrics["policykit.judge.duration"]) == 2


def test_a_provider_that_no_adapter_reads_is_said_at_once_and_in_the_status(shop, caplog):
    with (shop / "policykit.yaml").open("a") as file:
        file.write("providers: {braze: {}}\n")

    policykit.install(shop)

    assert policykit.status().unjudged == ("braze",)
    assert any("no adapter for the provider `braze` is installed" in record.getMessage() for record in caplog.records)


def test_the_tripwire_may_be_asked_for_later(shop, pigeon):
    policykit.install(shop)
    socket.getaddrinfo("localhost", 80)
    policykit.install(shop, tripwire=True)
    policykit.install(shop, tripwire=True)

    socket.getaddrinfo("localhost", 80)

    assert policykit.status().bypassed == {"localhost": 1}


def test_a_guard_that_does_not_come_off_keeps_no_other_one_on(shop, send, grown_up, pigeon, caplog):
    it = policykit.install(shop)
    grown_up()
    it._take_off.append(lambda: 1 / 0)  # as a plugin's `attach` might have given

    policykit.uninstall()

    assert send("ben@example.com") == 202
    assert pigeon("GUARDS") == ["on", "off"]
    assert any("could not be taken off: ZeroDivisionError" in record.getMessage() for record in caplog.records)
