"""What is special about `httpx`: two clients, event hooks, streams, auth flows, its own transports."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from policykit.adapters.wire import Answer
from policykit.enforce.guards.httpx import attach
from policykit.errors import SendBlocked
from policykit.testing.double import Cut
from tests.guards.gates import REFUSED, ScriptedGate

OK = Answer(200, "Fine", (("X-Theirs", "kept"),), b"ok")
URL = "http://provider.example/send"


def test_clients_made_before_the_guard_are_caught(double):
    client = httpx.Client()
    later = httpx.AsyncClient()
    gate = ScriptedGate()
    detach = attach(gate)

    async def send() -> int:
        return (await later.post(f"{double.url}/send/refused")).status_code

    async def close() -> None:
        await later.aclose()

    with asyncio.Runner() as runner, client:
        assert (client.post(f"{double.url}/send/refused").status_code, runner.run(send())) == (403, 403)
        detach()
        assert (client.post(f"{double.url}/send/refused").status_code, runner.run(send())) == (200, 200)
        runner.run(close())


def test_every_way_to_send_is_caught(gate):
    with httpx.Client() as client:
        told = [
            httpx.post(f"{URL}/refused"),
            httpx.request("POST", f"{URL}/refused"),
            client.post(f"{URL}/refused"),
            client.send(client.build_request("POST", f"{URL}/refused")),
            client.send(httpx.Request("POST", f"{URL}/refused")),
        ]
        with client.stream("POST", f"{URL}/refused") as streamed:
            assert streamed.is_stream_consumed is False
            assert b"".join(streamed.iter_raw()) == REFUSED.body
        with client.stream("POST", f"{URL}/refused") as streamed:
            assert "".join(streamed.iter_text()) == REFUSED.body.decode()

    assert [each.status_code for each in told] == [403] * 5


def test_a_refusal_is_a_real_response(gate):
    told = httpx.post(f"{URL}/refused", json={})

    assert type(told) is httpx.Response
    assert (told.reason_phrase, told.json(), told.http_version) == (
        "Quiet hours",
        {"message": "quiet hours (pk-1)"},
        "HTTP/1.1",
    )
    assert (str(told.request.url), told.is_closed, told.history) == (f"{URL}/refused", True, [])
    assert told.elapsed.total_seconds() >= 0
    with pytest.raises(httpx.HTTPStatusError, match="403 Quiet hours"):
        told.raise_for_status()


def test_event_hooks_see_refusals(gate):
    seen: list[Any] = []
    hooks = {"request": [lambda request: seen.append(request.method)], "response": [lambda r: r.raise_for_status()]}
    with httpx.Client(event_hooks=hooks) as client, pytest.raises(httpx.HTTPStatusError):
        client.post(f"{URL}/refused")

    assert seen == ["POST"]


def test_event_hooks_of_an_async_client_see_refusals(gate):
    async def complain(response: httpx.Response) -> None:
        response.raise_for_status()

    async def go() -> None:
        async with httpx.AsyncClient(event_hooks={"response": [complain]}) as client:
            await client.post(f"{URL}/refused")

    with pytest.raises(httpx.HTTPStatusError):
        asyncio.run(go())


def _parts() -> Iterator[bytes]:
    yield b"ab"
    yield b"cd"


async def _later() -> AsyncIterator[bytes]:
    yield b"ab"
    yield b"cd"


@pytest.mark.parametrize(
    "body",
    [
        lambda: {"content": b"abcd"},
        lambda: {"content": "é"},
        lambda: {"content": _parts()},
        lambda: {"json": {"a": "é"}},
        lambda: {"data": {"To": "+33"}},
        lambda: {"data": {"to": "a"}, "files": {"f": ("a.bin", io.BytesIO(b"\x00\xff"))},
                 "headers": {"Content-Type": "multipart/form-data; boundary=fixed"}},
        dict,
    ],
)  # fmt: skip
def test_a_body_of_any_kind_is_judged_whole_and_leaves_as_without_us(double, body):
    httpx.post(f"{double.url}/send/x", **body())
    gate = ScriptedGate()
    detach = attach(gate)

    httpx.post(f"{double.url}/send/x", **body())
    detach()

    plain, guarded = double.requests
    assert gate.planned[0].body == plain.body
    assert (guarded.body, guarded.headers) == (plain.body, plain.headers)


def test_an_async_body_is_judged_whole(double, gate):
    async def go() -> None:
        async with httpx.AsyncClient() as client:
            await client.post(f"{double.url}/send/x", content=_later())

    asyncio.run(go())

    assert (gate.planned[0].body, double.requests[0].body) == (b"abcd", b"abcd")
    assert double.requests[0].header("Transfer-Encoding") == "chunked"


def test_a_stream_of_the_wrong_kind_is_refused_in_the_librarys_words(double, gate):
    with pytest.raises(RuntimeError, match="async request with a sync Client"):
        httpx.post(f"{double.url}/send/x", content=_later())

    assert gate.planned == []


def test_a_closed_client_says_so(gate):
    client = httpx.Client()
    client.close()

    with pytest.raises(RuntimeError, match="closed"):
        client.post(f"{URL}/refused")
    assert gate.planned == []


def test_a_pruned_request_keeps_timeout_and_extensions(gate):
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        told = client.post(f"{URL}/pruned", content=b"everybody", timeout=3, extensions={"mine": 1}, auth=("me", "pw"))

    (sent,) = seen
    assert (sent.content, sent.headers["Content-Length"]) == (b"pruned", "6")
    assert sent.extensions["timeout"] == {"connect": 3, "read": 3, "write": 3, "pool": 3}
    assert sent.extensions["mine"] == 1
    assert sent.headers["Authorization"].startswith("Basic ")
    assert told.request.content == b"pruned"


def test_an_auth_flow_with_two_requests_is_one_send(double, gate):
    double.answer("/send", Answer(401, headers=(("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"'),)), OK)

    told = httpx.post(f"{double.url}/send/pruned", content=b"everybody", auth=httpx.DigestAuth("me", "pw"))

    assert (told.status_code, len(gate.planned), gate.settled) == (200, 1, [200])
    assert [each.body for each in double.requests] == [b"pruned", b"pruned"]


def test_a_streamed_answer_stays_a_stream(double, gate):
    double.answer("/send", Answer(200, body=b"one\ntwo\n"))

    with httpx.stream("POST", f"{double.url}/send/x") as told:
        assert not told.is_stream_consumed
        assert list(told.iter_lines()) == ["one", "two"]


def test_a_mended_answer_is_a_stream_where_one_was_asked_for(double, gate):
    double.answer("/send", OK)

    with httpx.stream("POST", f"{double.url}/send/mended") as told:
        assert b"".join(told.iter_raw()) == b"mended ok"
    assert (told.status_code, told.headers["X-Theirs"]) == (207, "kept")


def test_exceptions_of_the_transport_pass_unchanged(double, gate):
    double.answer("/send", Cut())

    with pytest.raises(httpx.RemoteProtocolError) as told:
        httpx.post(f"{double.url}/send/x")

    assert told.value.request.url.path == "/send/x"
    assert gate.ended == 1


def test_refusals_raised_are_no_error_of_httpx(gate):
    with pytest.raises(SendBlocked) as told:
        httpx.post(f"{URL}/raised")

    assert not isinstance(told.value, httpx.HTTPError)


def test_a_client_under_trio_is_guarded_too(double, gate):
    trio = pytest.importorskip("trio")

    async def go() -> tuple[int, int]:
        async with httpx.AsyncClient() as client:
            refused = await client.post(f"{double.url}/send/refused")
            return refused.status_code, (await client.post(f"{double.url}/send/x")).status_code

    assert trio.run(go) == (403, 200)


def test_a_task_begun_during_a_send_judges_its_own(double, gate):
    """It inherits the context in which the very same request was under way, and outlives it."""
    later: list[asyncio.Task[int]] = []

    async def send(client: httpx.AsyncClient) -> int:
        return (await client.post(f"{double.url}/send/x", content=b"x")).status_code

    async def go() -> None:
        async with httpx.AsyncClient() as plain:
            answered = asyncio.Event()

            async def again() -> int:
                await answered.wait()
                return await send(plain)

            async def begin(response: httpx.Response) -> None:
                later.append(asyncio.ensure_future(again()))

            async with httpx.AsyncClient(event_hooks={"response": [begin]}) as client:
                await send(client)
            answered.set()
            await later[0]

    asyncio.run(go())

    assert (len(gate.planned), len(double.requests)) == (2, 2)


def test_headers_beyond_ascii_leave_as_they_came(double, gate):
    headers = [(b"X-Mine", "é".encode()), (b"X-Other", "é".encode("latin-1"))]

    httpx.post(f"{double.url}/send/pruned", headers=headers)

    assert (double.requests[0].header("X-Mine"), double.requests[0].header("X-Other")) == ("Ã©", "é")


def test_a_stream_whose_answer_needs_no_mending_can_still_be_read(double, gate):
    gate.mends = False
    double.answer("/send", OK)

    with httpx.stream("POST", f"{double.url}/send/mended") as told:
        assert (told.status_code, b"".join(told.iter_raw())) == (200, b"ok")
