"""The double is a server that real clients can use, and leaves nothing behind."""

from __future__ import annotations

import gc
import http.client
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from policykit.adapters.wire import Answer
from policykit.testing.double import Cut, Double, Received, Slow, redirect


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as running:
        yield running


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as open_session:
        yield open_session


def test_a_request_is_received_as_it_was_sent(double, session):
    session.post(f"{double.url}/a/b?c=d%20e", data=b"\x00body", headers={"X-One": "1"})

    (received,) = double.requests
    assert (received.method, received.path, received.query, received.body) == ("POST", "/a/b", "c=d%20e", b"\x00body")
    assert received.header("x-one") == "1"


def test_one_connection_serves_many_requests(double, session):
    for number in range(20):
        session.post(f"{double.url}/{number}", data=b"x" * number)

    assert [len(each.body) for each in double.requests] == list(range(20))
    assert double.connections == 1


def test_chunks_are_joined(double, session):
    session.post(f"{double.url}/", data=iter([b"one", b"", b"two" * 5000]))

    assert double.requests[0].body == b"one" + b"two" * 5000


def test_thirty_megabytes_come_whole(double, session):
    body = b"0123456789" * 3_000_000

    session.post(f"{double.url}/", data=body)

    assert double.requests[0].body == body


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(double):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
    host, _, port = double.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as client:
        client.sendall(head)
        assert client.recv(100).startswith(b"HTTP/1.1 100")
        client.sendall(b"ok")
        assert client.recv(100).startswith(b"HTTP/1.1 200")

    assert double.requests[0].body == b"ok"


def test_scripted_answers_come_in_order_and_the_last_stays(double, session):
    double.answer("/x", Answer(503, "Busy"), Answer(200, body=b"fine"))

    statuses = [session.post(f"{double.url}/x").status_code for _ in range(3)]

    assert statuses == [503, 200, 200]


def test_the_latest_script_for_a_path_wins_and_others_have_the_default(double, session):
    double.answer("/", Answer(418))
    double.answer("/x", lambda received: Answer(200, body=received.body[::-1]))

    assert session.post(f"{double.url}/x/y", data=b"abc").content == b"cba"
    assert session.post(f"{double.url}/z").status_code == 418


def test_a_redirect_keeps_method_and_body(double, session):
    double.answer("/old", redirect("/new"))

    session.post(f"{double.url}/old", data=b"kept")

    assert [(each.path, each.body) for each in double.requests] == [("/old", b"kept"), ("/new", b"kept")]


def test_a_cut_connection_is_an_error_of_the_client(double, session):
    double.answer("/", Cut())

    with pytest.raises(requests.ConnectionError):
        session.post(double.url)

    assert len(double.requests) == 1


def test_a_slow_answer_waits_for_its_event_and_holds_up_nobody_else(double):
    let_go = threading.Event()
    double.answer("/slow", Slow(let_go, Answer(200, body=b"at last")))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(requests.get, f"{double.url}/slow", timeout=10)
        assert double.wait_for(1)
        assert requests.get(f"{double.url}/quick", timeout=10).status_code == 200
        assert not slow.done()
        let_go.set()

        assert slow.result().content == b"at last"


def test_leaving_the_block_lets_go_of_who_waits():
    with ThreadPoolExecutor(1) as pool:
        with Double() as double:
            double.answer("/", Slow(threading.Event()))
            waiting = pool.submit(requests.get, double.url, timeout=10)
            assert double.wait_for(1)

        with pytest.raises(requests.ConnectionError):
            waiting.result()


def test_a_script_that_raises_is_shown_in_the_answer(double, session):
    def broken(received: Received) -> Answer:
        raise LookupError("no such thing")

    double.answer("/", broken)

    answer = session.get(double.url)

    assert (answer.status_code, "no such thing" in answer.text) == (500, True)


def test_sixty_clients_at_once_are_all_served(double):
    with ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(lambda n: requests.post(f"{double.url}/{n}", data=b"x", timeout=20), range(60)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(double.requests) == 60


@pytest.mark.parametrize(
    "broken",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -3\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTT",
    ],
    ids=["no request", "no length", "cut body", "no chunk", "cut head"],
)
def test_what_is_no_request_is_dropped_and_the_next_client_served(double, session, broken):
    host, _, port = double.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as client:
        client.sendall(broken)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""

    session.post(f"{double.url}/next")
    assert [each.path for each in double.requests] == ["/next"]


def test_head_and_empty_answers_have_no_body(double):
    double.answer("/none", Answer(204))
    client = http.client.HTTPConnection(double.url.removeprefix("http://"), timeout=5)
    seen = []
    for method, path in (("HEAD", "/x"), ("POST", "/none"), ("GET", "/x")):
        client.request(method, path)
        answer = client.getresponse()
        seen.append((answer.status, answer.read()))
    client.close()

    assert seen == [(200, b""), (204, b""), (200, b"{}")]
    assert double.connections == 1


def test_nothing_is_left_behind():
    before = threading.active_count()

    with Double() as double:
        double.answer("/", lambda received: Answer(200))
        requests.get(double.url, timeout=5)
        held = requests.Session()
        held.get(double.url, timeout=5)
    held.close()
    gc.collect()  # an unclosed socket or loop would warn, and warnings fail

    assert threading.active_count() == before
