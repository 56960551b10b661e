"""What is special about `aiohttp`: bodies of many kinds, statuses raised on request, base URLs, parameters."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from policykit.adapters.wire import Answer
from policykit.enforce.guards.aiohttp import attach
from policykit.enforce.plan import Plan
from tests.guards.gates import REFUSED, ScriptedGate

OK = Answer(200, "Fine", (("X-Theirs", "kept"), ("Set-Cookie", "seen=1")), b'{"a": 1}')
URL = "http://provider.example/send"


def run(send: Callable[[aiohttp.ClientSession], Any], **options: Any) -> Any:
    async def go() -> Any:
        async with aiohttp.ClientSession(**options) as session:
            return await send(session)

    return asyncio.run(go())


async def _parts() -> AsyncIterator[bytes]:
    yield b"ab"
    yield b"cd"


def _form() -> aiohttp.FormData:
    form = aiohttp.FormData({"to": "a"})
    form.add_field("f", io.BytesIO(b"\x00\xff"), filename="a.bin")
    return form


BODIES: dict[str, tuple[Callable[[], dict[str, Any]], bytes | None]] = {
    "bytes": (lambda: {"data": b"abcd"}, b"abcd"),
    "text": (lambda: {"data": "é"}, "é".encode()),
    "json": (lambda: {"json": {"a": "é"}}, None),
    "form": (lambda: {"data": {"To": "+33 1", "Body": "é"}}, b"To=%2B33+1&Body=%C3%A9"),
    "list of pairs": (lambda: {"data": [("To", "1"), ("To", "2")]}, b"To=1&To=2"),
    "file": (lambda: {"data": io.BytesIO(b"in a file")}, b"in a file"),
    "empty": (lambda: {"data": b""}, b""),
    "nothing": (dict, b""),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_of_any_kind_is_judged_whole_and_leaves_as_without_us(double, kind):
    make, whole = BODIES[kind]
    run(lambda session: session.post(f"{double.url}/send/x", **make()))
    gate = ScriptedGate()
    detach = attach(gate)

    run(lambda session: session.post(f"{double.url}/send/x", **make()))
    detach()

    plain, guarded = double.requests
    assert gate.planned[0].body == plain.body
    assert whole is None or whole == plain.body
    assert (guarded.body, guarded.headers) == (plain.body, plain.headers)
    assert gate.planned[0].header("Content-Type") == (plain.header("Content-Type") if kind != "nothing" else None)


@pytest.mark.parametrize("make", [_parts, _form])
def test_a_stream_is_judged_whole_and_arrives(double, gate, make):
    run(lambda session: session.post(f"{double.url}/send/x", data=make()))

    assert gate.planned[0].body == double.requests[0].body != b""
    assert gate.planned[0].header("Content-Type") == double.requests[0].header("Content-Type")


def test_a_refusal_is_a_real_response(gate):
    async def send(session: aiohttp.ClientSession) -> None:
        async with session.post(f"{URL}/refused", json={}) as told:
            assert isinstance(told, aiohttp.ClientResponse)
            assert (told.status, told.reason, told.ok, told.method) == (403, "Quiet hours", False, "POST")
            assert (await told.json(), await told.text()) == ({"message": "quiet hours (pk-1)"}, REFUSED.body.decode())
            assert (str(told.url), told.content_type, told.history) == (f"{URL}/refused", "application/json", ())
            assert await told.content.read() == REFUSED.body
            assert "403" in repr(told)
            with pytest.raises(aiohttp.ClientResponseError, match="Quiet hours"):
                told.raise_for_status()
        told.release()
        told.close()

    run(send)


def test_statuses_are_raised_where_the_session_asks_for_it(double, gate):
    double.answer("/send", Answer(400, "Bad"))

    for path in ("refused", "x"):
        with pytest.raises(aiohttp.ClientResponseError):
            run(lambda session, path=path: session.post(f"{double.url}/send/{path}"), raise_for_status=True)
        with pytest.raises(aiohttp.ClientResponseError):
            run(lambda session, path=path: session.post(f"{double.url}/send/{path}", raise_for_status=True))

    assert (gate.settled, gate.ended) == ([400, 400], 0)


def test_statuses_are_judged_by_the_applications_own_function(double, gate):
    seen: list[int] = []

    async def look(response: aiohttp.ClientResponse) -> None:
        seen.append(response.status)

    run(lambda session: session.post(f"{double.url}/send/refused"), raise_for_status=look)

    assert seen == [403]


def test_base_urls_and_parameters_are_part_of_the_request(double, gate):
    run(lambda session: session.post("/send/x", params={"a": "1 2"}), base_url=double.url)

    assert gate.planned[0].url == f"{double.url}/send/x?a=1+2"
    assert (double.requests[0].path, double.requests[0].query) == ("/send/x", "a=1+2")


def test_a_pruned_request_keeps_parameters_headers_and_authentication(double, gate):
    async def send(session: aiohttp.ClientSession) -> None:
        headers = {"Authorization": "Basic bWU6cHc=", "X-Mine": "1"}
        await session.post("/send/pruned", params={"a": "1"}, json={"to": "all"}, headers=headers)

    run(send, base_url=double.url, headers={"X-Session": "2"})

    (received,) = double.requests
    assert (received.body, received.query, received.header("Content-Length")) == (b"pruned", "a=1", "6")
    assert (received.header("X-Mine"), received.header("X-Session")) == ("1", "2")
    assert (received.header("Authorization"), received.header("Content-Type")) == ("Basic bWU6cHc=", "application/json")


@pytest.mark.filterwarnings("ignore:.*'auth' parameter is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
@pytest.mark.parametrize("by", ["session", "request"])
def test_authentication_by_argument_stays_with_a_pruned_request(double, gate, by):
    auth = {"auth": aiohttp.BasicAuth("me", "pw")}
    ours, sessions = (auth, {}) if by == "request" else ({}, auth)

    run(lambda session: session.post(f"{double.url}/send/pruned", data=b"everybody", **ours), **sessions)

    (received,) = double.requests
    assert (received.body, received.header("Authorization")) == (b"pruned", "Basic bWU6cHc=")
    assert gate.planned[0].header("Authorization") == "Basic bWU6cHc="


def test_a_mended_answer_keeps_cookies_and_reads_as_json(double, gate):
    double.answer("/send", OK)

    async def send() -> None:
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
            session.post(f"{double.url}/send/mended") as told,
        ):
            assert (told.status, await told.read()) == (207, b'mended {"a": 1}')
            assert [told.cookies["seen"].value, *(each.value for each in session.cookie_jar)] == ["1", "1"]

    asyncio.run(send())


def test_a_url_that_is_none_is_refused_in_the_librarys_words(gate):
    with pytest.raises(aiohttp.InvalidURL):
        run(lambda session: session.post("http://[/send"))


def test_a_streamed_answer_stays_a_stream(double, gate):
    double.answer("/send", Answer(200, body=b"one\ntwo\n"))

    async def send(session: aiohttp.ClientSession) -> list[bytes]:
        async with session.post(f"{double.url}/send/x") as told:
            return [line async for line in told.content]

    assert run(send) == [b"one\n", b"two\n"]


def test_a_request_that_is_sent_elsewhere_takes_its_parameters_along(double, gate):
    gate.plan = lambda request: Plan(replace(request, url=f"{double.url}/send/there?b=2"))

    run(lambda session: session.post(f"{double.url}/send/x", params={"a": "1"}))

    assert [(each.path, each.query) for each in double.requests] == [("/send/there", "b=2")]


def test_a_stream_whose_answer_needs_no_mending_can_still_be_read(double, gate):
    gate.mends = False
    double.answer("/send", OK)

    async def send(session: aiohttp.ClientSession) -> tuple[int, bytes]:
        async with session.post(f"{double.url}/send/mended") as told:
            return told.status, await told.content.read()

    assert run(send) == (200, b'{"a": 1}')
