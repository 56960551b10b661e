"""The tripwire: providers' hosts looked up by whoever found a way around the guards."""

import asyncio
import http.client
import smtplib
import socket
import subprocess
import sys
import textwrap
import threading
import urllib.request
from collections.abc import Iterator

import aiohttp
import httpx
import pytest
import requests

from policykit.adapters.wire import Answer
from policykit.enforce.tripwire import watch

# Resolves without a network, and nobody listens there.
HOST = "api.localhost"
CLOSED = f"http://{HOST}:9/send/x"
Told = list[tuple[str, str]]


@pytest.fixture
def told() -> Iterator[Told]:
    """Reports for hosts below `localhost`."""
    found: Told = []
    unwatch = watch(["localhost"], lambda host, library: found.append((host, library)))
    yield found
    unwatch()


def _around() -> None:
    with pytest.raises(OSError):
        http.client.HTTPConnection(HOST, 9, timeout=1).request("POST", "/send/x", b"x")


def test_a_request_by_hand_is_told(told):
    _around()

    assert told == [(HOST, "tests")]


def test_unguarded_libraries_and_packages_are_named(told):
    with pytest.raises(requests.ConnectionError):
        requests.post(CLOSED)
    with pytest.raises(OSError):
        smtplib.SMTP(HOST, 9, timeout=1)

    assert told == [(HOST, "urllib3"), (HOST, "tests")]


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST.", "deep.api.localhost"])
def test_subdomains_and_spellings_are_the_same_host(told, name):
    with pytest.raises(OSError):
        http.client.HTTPConnection(name, 9, timeout=1).request("GET", "/")

    assert [host for host, _ in told] == [name.lower().rstrip(".")]


@pytest.mark.parametrize("name", ["notlocalhost", "localhost.example"])
def test_other_hosts_are_nobodys_business(told, name):
    sys.audit("socket.getaddrinfo", name, 80, 0, 0, 0)

    assert told == []


def test_older_ways_to_resolve_are_told(told):
    with pytest.raises(OSError):
        socket.create_connection((HOST, 9), 1)
    sys.audit("socket.gethostbyname", HOST)
    sys.audit("socket.connect", None, (HOST, 9))
    sys.audit("socket.connect", None, "/a/unix/socket")
    sys.audit("socket.getaddrinfo", None, 80, 0, 0, 0)
    sys.audit("socket.getaddrinfo", HOST.encode(), 80, 0, 0, 0)

    assert [host for host, _ in told] == [HOST] * 4


def test_guarded_requests_are_no_way_around(told, gate):
    with pytest.raises(requests.ConnectionError):
        requests.post(CLOSED)
    with pytest.raises(requests.ConnectionError):
        requests.get(CLOSED)
    with pytest.raises(OSError):
        urllib.request.urlopen(CLOSED, b"x")
    with pytest.raises(httpx.ConnectError):
        httpx.post(CLOSED)

    assert told == []


def test_guarded_async_requests_are_no_way_around(told, gate):
    async def go() -> None:
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ConnectError):
                await client.post(CLOSED)
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.post(CLOSED)

    asyncio.run(go())
    assert told == []

    _around()
    assert told == [(HOST, "tests")]


def test_unguarded_async_requests_are_told(told):
    async def go() -> None:
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ConnectError):
                await client.post(CLOSED)

    asyncio.run(go())

    assert told == [(HOST, "asyncio")]


def test_a_guarded_send_does_not_cover_another_thread(told, gate, double):
    def answer(received: object) -> object:
        thread = threading.Thread(target=_around)
        thread.start()
        thread.join()
        return Answer(200)

    double.answer("/send", answer)

    requests.post(f"{double.url}/send/x", b"x")

    assert told == [(HOST, "tests")]


def test_a_stopped_request_never_leaves():
    unwatch = watch(["localhost"], lambda host, library: None, stop=True)
    try:
        with pytest.raises(PermissionError, match=r"`api\.localhost` found a way around"):
            http.client.HTTPConnection(HOST, 9).request("POST", "/send/x")
    finally:
        unwatch()


def test_a_report_that_fails_harms_nobody(caplog):
    def report(host: str, library: str) -> None:
        raise ValueError("a secret")

    unwatch = watch(["localhost"], report)
    try:
        _around()
    finally:
        unwatch()

    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


def test_a_report_that_looks_up_hosts_itself_is_not_told_of_them():
    told: list[str] = []

    def report(host: str, library: str) -> None:
        told.append(host)
        socket.getaddrinfo("localhost", 80)

    unwatch = watch(["localhost"], report)
    try:
        _around()
    finally:
        unwatch()

    assert told == [HOST]


def test_watches_end_one_by_one():
    first: Told = []
    second: Told = []
    end_first = watch(["localhost"], lambda *found: first.append(found))
    end_second = watch(["localhost"], lambda *found: second.append(found))

    _around()
    end_first()
    _around()
    end_second()
    end_second()
    _around()

    assert (len(first), len(second)) == (1, 2)


def test_one_hook_serves_every_watch():
    program = """
        import sys
        from policykit.enforce.tripwire import watch
        added = []
        sys.addaudithook(lambda event, args: added.append(event) if event == "sys.addaudithook" else None)
        for _ in range(3):
            watch(["localhost"], lambda host, library: None)()
        print(len(added))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "1"
