"""A small shop whose emails go to a double of SendGrid, sent by SendGrid's own SDK; nothing stays installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Mail

import policykit
from policykit.language.spans import parse_instant
from policykit.testing.double import Double

NOON = parse_instant("2026-03-02T11:00:00Z") or 0

Send = Callable[..., int]


@pytest.fixture(autouse=True)
def nothing_stays_installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("POLICYKIT_WORKSPACE", raising=False)
    monkeypatch.delenv("POLICYKIT_MODE", raising=False)
    yield
    policykit.uninstall()


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as server:
        yield server


@pytest.fixture
def shop(workspace: Callable[[dict[str, str | bytes]], Path]) -> Path:
    """Children get no spring mail; the store is a file of the workspace."""
    return workspace({"policykit.yaml": "mode: enforce\npolicies: [policies/]\nstore: sqlite:///store.db\n"})


@pytest.fixture
def send(double: Double) -> Send:
    """Sends the spring mail to an address; the status of the answer, refusals included."""
    client = SendGridAPIClient("SG.key", host=double.url)

    def send_one(address: str, campaign: str | None = "spring") -> int:
        mail = Mail(from_email="shop@example.com", to_emails=address, subject="Spring", html_content="<p>Hello</p>")
        with policykit.sending(campaign=campaign):
            try:
                return int(client.send(mail).status_code)
            except Exception as error:
                code = getattr(error, "status_code", None)
                if code is None:
                    raise
                return int(code)

    return send_one


@pytest.fixture
def grown_up() -> Callable[[], None]:
    """Puts Ana, who is thirty, and Ben, who is twelve, into the store of what is installed."""

    def put() -> None:
        policykit.record("people", [{"id": "ana", "age": 30}, {"id": "ben", "age": 12}])
        policykit.record("addresses", [
            {"person": "ana", "channel": "email", "address": "ana@example.com"},
            {"person": "ben", "channel": "email", "address": "ben@example.com"},
        ])  # fmt: skip

    return put
