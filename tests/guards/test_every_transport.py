"""What holds for every guard, whatever its transport."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from policykit.adapters.wire import Answer
from policykit.enforce.guards import attach_all
from policykit.enforce.underway import UNDERWAY
from policykit.errors import SendBlocked
from policykit.testing.double import Cut, Received, redirect
from tests.guards.gates import REFUSED, ScriptedGate
from tests.guards.transports import ALL, Reply

Post = Callable[..., Reply]
# urllib follows no redirect of a POST that would keep its body.
REDIRECTED = pytest.mark.parametrize("post", [ALL[name] for name in ALL if name != "urllib"])
OK = Answer(200, "Fine", (("Content-Type", "text/plain"), ("X-Theirs", "kept")), b"ok")


@pytest.fixture(params=sorted(ALL))
def post(request: pytest.FixtureRequest) -> Post:
    return ALL[request.param]


def heads(received: Received) -> list[tuple[str, str]]:
    """Headers as sent, without those that no two connections share."""
    return [(name, value) for name, value in received.headers if name.lower() != "host"]


def test_a_passed_send_reaches_the_server_as_without_us(post, double, gate):
    double.answer("/send", OK)
    body = bytes(range(256)) * 40

    told = post(f"{double.url}/send/x?a=1", body, {"X-Mine": "1"})

    assert (told.status, told.reason, told.body, told.header("X-Theirs")) == (200, "Fine", b"ok", "kept")
    (guarded,) = double.requests
    assert (guarded.body, guarded.path, guarded.query) == (body, "/send/x", "a=1")
    assert [(each.method, each.url, each.body) for each in gate.planned] == [("POST", f"{double.url}/send/x?a=1", body)]
    assert gate.planned[0].header("X-Mine") == "1"
    assert (gate.settled, gate.ended) == ([200], 0)


def test_the_wire_is_the_same_with_and_without_a_guard(post, double):
    post(f"{double.url}/send/x", b'{"a": 1}', {"X-Mine": "1", "Content-Type": "application/json"})
    detach = attach_all(ScriptedGate())
    try:
        post(f"{double.url}/send/x", b'{"a": 1}', {"X-Mine": "1", "Content-Type": "application/json"})
    finally:
        detach()

    plain, guarded = double.requests
    assert (heads(guarded), guarded.body) == (heads(plain), plain.body)


def test_a_refused_send_never_leaves_and_the_provider_seems_to_answer(post, double, gate):
    told = post(f"{double.url}/send/refused", b"x")

    assert (told.status, told.reason, told.body) == (403, "Quiet hours", REFUSED.body)
    assert told.header("X-Policykit-Decision") == "pk-1"
    assert told.header("Content-Type") == "application/json"
    assert (double.requests, double.connections) == ([], 0)
    assert (gate.settled, gate.ended) == ([], 0)


def test_a_send_that_something_else_took_the_place_of_looks_accepted(post, double, gate):
    told = post(f"{double.url}/send/accepted", b"x")

    assert (told.status, told.reason, told.body, told.header("X-Message-Id")) == (202, "Accepted", b"", "pk-2")
    assert double.requests == []


def test_a_refusal_is_raised_when_the_plan_says_so(post, double, gate):
    with pytest.raises(SendBlocked):
        post(f"{double.url}/send/raised", b"x")

    assert double.requests == []


def test_a_pruned_send_leaves_with_its_own_length(post, double, gate):
    double.answer("/send", OK)

    told = post(f"{double.url}/send/pruned", b"a much longer body", {"X-Mine": "1"})

    (received,) = double.requests
    assert (received.body, received.header("Content-Length"), received.header("X-Mine")) == (b"pruned", "6", "1")
    assert received.header("Transfer-Encoding") is None
    assert [name.lower() for name, _ in received.headers].count("content-length") == 1
    assert (told.status, told.body) == (200, b"ok")


def test_the_answer_to_a_pruned_send_is_mended(post, double, gate):
    double.answer("/send", OK)

    told = post(f"{double.url}/send/mended", b"x")

    assert (told.status, told.reason, told.body) == (207, "Mended", b"mended ok")
    assert (told.header("X-Theirs"), told.header("X-Mended"), told.header("Content-Length")) == ("kept", "yes", "9")
    assert [each.body for each in gate.answers] == [b"ok"]


def test_a_refusal_of_the_provider_itself_is_settled_and_unchanged(post, double, gate):
    double.answer("/send", Answer(400, "Bad", (("X-Theirs", "kept"),), b"no such sender"))

    told = post(f"{double.url}/send/x", b"x")

    assert (told.status, told.reason, told.body, told.header("X-Theirs")) == (400, "Bad", b"no such sender", "kept")
    assert gate.settled == [400]


def test_a_provider_error_after_pruning_can_be_mended_too(post, double, gate):
    double.answer("/send", Answer(500, "Oops", (), b"down"))

    told = post(f"{double.url}/send/mended", b"x")

    assert (told.status, told.body, gate.settled) == (207, b"mended down", [500])


def _sync(seen: list[bool]) -> Iterator[bytes]:
    seen.append(UNDERWAY.get() is not None)
    yield b"part"


async def _async(seen: list[bool]) -> AsyncIterator[bytes]:
    seen.append(UNDERWAY.get() is not None)
    yield b"part"


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_body_of_an_unclaimed_request_is_read_by_its_transport_alone(double, gate, name):
    seen: list[bool] = []

    ALL[name](f"{double.url}/upload", (_async if name in ("aiohttp", "httpx-async") else _sync)(seen))

    assert (seen, double.requests[0].body, gate.planned) == ([True], b"part", [])


def test_what_no_adapter_claims_passes(post, double, gate):
    double.answer("/status", OK)

    told = post(f"{double.url}/status", None, method="GET")

    assert (told.status, told.body) == (200, b"ok")
    assert gate.asked == [("GET", f"{double.url}/status")]
    assert (gate.planned, gate.settled, gate.ended) == ([], [], 0)


@REDIRECTED
def test_a_redirected_send_is_decided_once(post, double, gate):
    double.answer("/send/first", redirect("/send/second", 307))
    double.answer("/send/second", redirect("/send/third", 308))
    double.answer("/send/third", OK)

    told = post(f"{double.url}/send/first", b"body")

    assert (told.status, told.body) == (200, b"ok")
    assert [(each.path, each.body) for each in double.requests] == [
        ("/send/first", b"body"),
        ("/send/second", b"body"),
        ("/send/third", b"body"),
    ]
    assert [each.path for each in gate.planned] == ["/send/first"]
    assert gate.settled == [200]


@REDIRECTED
def test_a_redirect_of_a_pruned_send_carries_the_pruned_body(post, double, gate):
    double.answer("/send/mended", redirect("/send/there", 307))
    double.answer("/send/there", OK)

    told = post(f"{double.url}/send/mended", b"everybody")

    assert [(each.path, each.body) for each in double.requests] == [
        ("/send/mended", b"pruned"),
        ("/send/there", b"pruned"),
    ]
    assert (told.status, told.body) == (207, b"mended ok")
    assert (len(gate.planned), gate.settled) == (1, [200])


def test_a_redirect_that_becomes_a_get_is_no_second_send(post, double, gate):
    double.answer("/send/first", redirect("/result", 303))
    double.answer("/result", OK)

    told = post(f"{double.url}/send/first", b"body")

    assert (told.status, told.body) == (200, b"ok")
    assert [(each.method, each.path) for each in double.requests] == [("POST", "/send/first"), ("GET", "/result")]
    assert len(gate.planned) == 1
    assert (len(gate.settled), gate.ended) == (1, 0)


def test_the_same_send_twice_is_decided_twice(post, double, gate):
    post(f"{double.url}/send/x", b"x")
    post(f"{double.url}/send/x", b"x")

    assert (len(gate.planned), len(double.requests)) == (2, 2)


def test_a_transports_own_error_arrives_unchanged(post, double):
    double.answer("/send", Cut())
    with pytest.raises(Exception) as plain:  # whichever the transport raises
        post(f"{double.url}/send/x", b"x")

    gate = ScriptedGate()
    detach = attach_all(gate)
    try:
        with pytest.raises(type(plain.value)) as guarded:
            post(f"{double.url}/send/x", b"x")
    finally:
        detach()

    assert type(guarded.value) is type(plain.value)
    assert [type(each) for each in guarded.value.args] == [type(each) for each in plain.value.args]
    assert (gate.settled, gate.ended) == ([], 1)


@pytest.mark.parametrize("method", ["done", "failed"])
def test_a_gate_that_fails_to_settle_harms_nobody(post, double, gate, method, caplog):
    gate.fault = method
    double.answer("/send", OK)

    told = post(f"{double.url}/send/x", b"x")

    assert (told.status, told.body) == (200, b"ok")
    assert "secret" not in caplog.text


def test_a_gate_that_fails_to_judge_lets_nothing_leave(post, double, gate, caplog):
    gate.fault = "plan"

    with pytest.raises(SendBlocked):
        post(f"{double.url}/send/x", b"x")

    assert double.requests == []
    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text


def test_a_gate_that_cannot_tell_what_a_request_is_lets_it_pass(post, double, gate):
    gate.fault = "claims"
    double.answer("/anything", OK)

    assert post(f"{double.url}/anything", b"x").body == b"ok"


@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")  # aiohttp, guarded or not
def test_a_body_of_thirty_megabytes_is_judged_and_arrives_whole(post, double, gate):
    body = b"0123456789abcdef" * (30 * 65536)

    post(f"{double.url}/send/x", body)

    assert len(gate.planned[0].body) == len(double.requests[0].body) == len(body)
    assert double.requests[0].body == body


def test_detached_guards_ask_nobody(post, double):
    gate = ScriptedGate()
    attach_all(gate)()

    post(f"{double.url}/send/refused", b"x")

    assert (gate.asked, len(double.requests)) == ([], 1)


def test_sends_from_many_threads_are_each_decided_once(post, double, gate):
    threads = [threading.Thread(target=post, args=(f"{double.url}/send/{n}", str(n).encode())) for n in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(each.body for each in gate.planned) == sorted(str(n).encode() for n in range(12))
    assert sorted(each.body for each in double.requests) == sorted(str(n).encode() for n in range(12))
    assert len(gate.settled) == 12
