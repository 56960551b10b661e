"""The guards with the real gate behind them: what a transport gives its caller leads back to the decision."""

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

import policykit
from policykit.adapters.wire import Answer
from policykit.assemble.live import Installation
from policykit.testing.double import redirect
from tests.guards.transports import ALL, Reply

Post = Callable[..., Reply]
GRANTED = "ana@example.org"
CAMPAIGN = """
campaign: news
message_class: marketing
purpose: marketing.communications
audience: {from: audience.csv, selected_by: []}
channels:
  email: {subject: hi, text: hello}
"""
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def installed(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """Ana said yes; nobody else did."""
    monkeypatch.delenv("POLICYKIT_WORKSPACE", raising=False)
    monkeypatch.delenv("POLICYKIT_MODE", raising=False)
    (workspace / "campaigns").mkdir()
    (workspace / "campaigns" / "news.yaml").write_text(CAMPAIGN)
    with policykit.install(workspace) as installed:
        policykit.record("people", [{"id": "ana"}])
        policykit.record("addresses", [{"person": "ana", "channel": "email", "address": GRANTED}])
        policykit.record("consents", [{
            "person": "ana", "status": "given", "at": "2026-01-01T00:00:00Z", "purpose": "marketing.communications",
            "channel": "email", "quality": "single_opt_in",
        }])  # fmt: skip
        yield installed


@pytest.fixture(params=sorted(ALL))
def post(request: pytest.FixtureRequest) -> Post:
    return ALL[request.param]


def mail(*addresses: str) -> bytes:
    people = [{"to": [{"email": each}], "custom_args": {"campaign": "news"}} for each in addresses]
    content = [{"type": "text/plain", "value": "hello"}]
    message = {"personalizations": people, "from": {"email": "a@b.example"}, "subject": "hi", "content": content}
    return json.dumps(message).encode()


def test_a_granted_mail_arrives_byte_for_byte_and_another_not_at_all(post, double, installed):
    passed = post(f"{double.url}/v3/mail/send", mail(GRANTED), JSON)
    refused = post(f"{double.url}/v3/mail/send", mail("ben@example.org"), JSON)

    assert (passed.status, passed.header("X-Policykit-Decision")) == (202, None)
    assert [each.body for each in double.requests] == [mail(GRANTED)]
    assert refused.status == 403
    record = policykit.decision_of(refused.header("X-Policykit-Decision"))
    assert record is not None
    assert (record.effect, record.decision.determining, record.campaign) == ("refused", ("a-grant",), "news")
    assert record.id in refused.body.decode()


def test_a_batch_loses_exactly_the_refused(post, double, installed):
    told = post(f"{double.url}/v3/mail/send", mail("ben@example.org", GRANTED, "carl@example.org"), JSON)

    (received,) = double.requests
    assert (told.status, received.json()["personalizations"]) == (202, json.loads(mail(GRANTED))["personalizations"])


def test_a_campaign_named_by_context_reaches_the_gate(post, double, installed):
    with policykit.sending(campaign="news") as sent:
        post(f"{double.url}/v3/mail/send", mail("ben@example.org").replace(b"campaign", b"whatever"), JSON)

    assert [(each.campaign, each.effect) for each in sent.decisions] == [("news", "refused")]


def test_other_requests_to_a_provider_pass(post, double, installed):
    assert post(f"{double.url}/v3/templates", b"{}", JSON).status == 200
    assert installed.store.last(10) == ()


def test_redirects_and_retries_are_one_decision(double, installed):
    double.answer("/v3/mail/send", Answer(503), redirect("/gateway/v3/mail/send", 307))
    double.answer("/gateway", Answer(503), Answer(202))
    session = requests.Session()
    retry = Retry(3, status_forcelist=[503], allowed_methods=None, backoff_factor=0)
    session.mount("http://", HTTPAdapter(max_retries=retry))

    told = session.post(f"{double.url}/v3/mail/send", mail(GRANTED, "ben@example.org"), headers=JSON)
    installed.gate.flush()

    assert (told.status_code, len(double.requests)) == (202, 4)
    assert {each.body for each in double.requests[1:]} == {double.requests[0].body}
    assert len(installed.store.last(10)) == 2
    assert len(list(installed.store.rows("history"))) == 1


def _by_urllib(url: str) -> Any:
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(urllib.request.Request(url, mail("ben@example.org"), JSON))
    return told.value


def _by_requests(url: str) -> Any:
    told = requests.post(url, mail("ben@example.org"), headers=JSON)
    with pytest.raises(requests.HTTPError) as error:
        told.raise_for_status()
    return error.value


def _by_httpx(url: str) -> Any:
    with pytest.raises(httpx.HTTPStatusError) as error:
        httpx.post(url, content=mail("ben@example.org"), headers=JSON).raise_for_status()
    return error.value


def _by_aiohttp(url: str) -> Any:
    async def go() -> None:
        async with aiohttp.ClientSession(raise_for_status=True) as session:
            await session.post(url, data=mail("ben@example.org"), headers=JSON)

    with pytest.raises(aiohttp.ClientResponseError) as error:
        asyncio.run(go())
    return error.value


@pytest.mark.parametrize("send", [_by_urllib, _by_requests, _by_httpx, _by_aiohttp])
def test_the_transports_own_error_leads_to_the_decision(send, double, installed):
    error = send(f"{double.url}/v3/mail/send")

    record = policykit.decision_of(error)

    assert record is not None
    assert record.decision.determining == ("a-grant",)
    assert double.requests == []


def test_tasks_of_one_loop_keep_their_contexts_apart(double, installed):
    async def one(client: httpx.AsyncClient, address: str) -> tuple[str, list[str]]:
        with policykit.sending(campaign="news") as sent:
            await client.post(f"{double.url}/v3/mail/send", content=mail(address), headers=JSON)
            return address, [each.effect for each in sent.decisions]

    async def go() -> list[tuple[str, list[str]]]:
        async with httpx.AsyncClient() as client:
            return await asyncio.gather(*[one(client, name) for name in (GRANTED, "ben@example.org") * 10])

    told = asyncio.run(go())

    assert sorted(told) == [(GRANTED, ["passed"])] * 10 + [("ben@example.org", ["refused"])] * 10
    assert len(double.requests) == 10


def test_threads_without_a_context_are_judged_by_the_wire(double, installed):
    told: list[int] = []

    def send(address: str) -> None:
        told.append(requests.post(f"{double.url}/v3/mail/send", mail(address), headers=JSON).status_code)

    threads = [threading.Thread(target=send, args=(each,)) for each in [GRANTED, "ben@example.org"] * 4]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(told) == [202] * 4 + [403] * 4
