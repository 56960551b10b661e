"""What is special about `urllib.request`: openers, handlers, and errors that are responses."""

import http.client
import http.cookiejar
import io
import socket
import urllib.error
import urllib.request
from typing import Any

import pytest

from policykit.adapters.wire import Answer
from policykit.enforce.guards.urllib import attach
from policykit.testing.double import Cut, redirect
from tests.guards.gates import REFUSED, ScriptedGate

OK = Answer(200, "Fine", (("X-Theirs", "kept"),), b"ok")


def test_an_opener_made_before_the_guard_is_caught(double):
    opener = urllib.request.build_opener()
    gate = ScriptedGate()
    detach = attach(gate)

    with pytest.raises(urllib.error.HTTPError, match="403"):
        opener.open(f"{double.url}/send/refused", b"x")
    detach()

    assert opener.open(f"{double.url}/send/refused", b"x").status == 200


def test_an_installed_opener_and_every_way_to_open_are_caught(double, gate):
    before = urllib.request._opener
    url = f"{double.url}/send/refused"
    urllib.request.install_opener(urllib.request.build_opener())
    try:
        for words in (
            (url, b"x"),
            (urllib.request.Request(url, b"x"),),
            (urllib.request.Request(url), b"x"),
            (urllib.request.Request(url, data=b"x", method="POST"),),
        ):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(*words)
    finally:
        urllib.request.install_opener(before)

    assert (double.requests, len(gate.planned)) == ([], 4)


def test_a_refusal_is_the_librarys_own_error(gate):
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen("http://provider.example/send/refused", b"x")

    error = told.value
    assert (error.code, error.status, error.reason, error.msg) == (403, 403, "Quiet hours", "Quiet hours")
    assert (error.url, error.geturl()) == ("http://provider.example/send/refused",) * 2
    assert error.headers["X-Policykit-Decision"] == error.hdrs["X-Policykit-Decision"] == "pk-1"
    assert (error.read(), error.read()) == (REFUSED.body, b"")
    error.close()


def test_an_acceptance_is_the_librarys_own_response(gate):
    with urllib.request.urlopen("http://provider.example/send/accepted", b"x") as told:
        assert isinstance(told, http.client.HTTPResponse)
        assert (told.status, told.code, told.getcode(), told.msg) == (202, 202, 202, "Accepted")
        assert (told.getheader("X-Message-Id"), told.info()["X-Message-Id"]) == ("pk-2", "pk-2")
        assert (told.url, told.read()) == ("http://provider.example/send/accepted", b"")


def test_an_opener_that_raises_for_no_status_does_not_for_refusals(gate):
    class Quiet(urllib.request.HTTPErrorProcessor):
        def http_response(self, request: Any, response: Any) -> Any:
            return response

    with urllib.request.build_opener(Quiet).open("http://provider.example/send/refused", b"x") as told:
        assert (told.status, told.read()) == (403, REFUSED.body)


def test_a_provider_error_is_the_very_same_object_as_the_opener_raised(double, gate):
    double.answer("/send", Answer(429, "Slow down", (("Retry-After", "3"),), b"later"))

    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(f"{double.url}/send/x", b"x")

    assert (told.value.code, told.value.headers["Retry-After"], told.value.read()) == (429, "3", b"later")
    assert gate.settled == [429]
    told.value.close()


@pytest.mark.parametrize(
    ("make", "whole"),
    [
        (lambda: io.BytesIO(b"in a file"), b"in a file"),
        (lambda: (part for part in (b"ab", b"cd")), b"abcd"),
        (lambda: [b"ab", b"cd"], b"abcd"),
        (lambda: bytearray(b"bytes"), b"bytes"),
    ],
)
def test_a_body_of_any_kind_is_judged_whole(double, gate, make, whole):
    request = urllib.request.Request(f"{double.url}/send/x", make(), {"Content-Length": str(len(whole))})

    urllib.request.urlopen(request).close()

    assert (gate.planned[0].body, double.requests[0].body) == (whole, whole)


def test_a_body_the_library_refuses_is_refused_in_its_words(double, gate):
    with pytest.raises(TypeError, match="POST data should be bytes"):
        urllib.request.urlopen(f"{double.url}/send/x", "text")

    assert gate.ended == 1


def test_no_body_at_all_is_judged_as_empty(double, gate):
    urllib.request.urlopen(urllib.request.Request(f"{double.url}/send/x", method="POST")).close()

    assert gate.planned[0].body == b""


def test_a_pruned_request_keeps_class_headers_and_the_callers_object(double, gate):
    class Put(urllib.request.Request):
        mine = 1

    request = Put(f"{double.url}/send/pruned", b"everybody", {"X-Mine": "1", "Content-Type": "application/json"})
    request.add_unredirected_header("Authorization", "Bearer me")

    urllib.request.urlopen(request).close()

    (received,) = double.requests
    assert (received.body, received.header("X-Mine"), received.header("Authorization")) == (b"pruned", "1", "Bearer me")
    assert received.header("Content-Type") == "application/json"
    assert request.data == b"everybody"


def test_authentication_by_a_handler_is_the_same_send(double, gate):
    double.answer("/send", Answer(401, headers=(("WWW-Authenticate", 'Basic realm="r"'),)), OK)
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, double.url, "me", "pw")
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))

    with opener.open(f"{double.url}/send/pruned", b"everybody") as told:
        assert told.read() == b"ok"

    assert [each.body for each in double.requests] == [b"pruned", b"pruned"]
    assert (len(gate.planned), gate.settled) == (1, [200])


def test_a_proxy_is_the_same_send(double, gate):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": double.url}))

    opener.open("http://provider.example/send/x", b"x").close()

    assert (len(gate.planned), len(double.requests)) == (1, 1)
    assert gate.planned[0].url == "http://provider.example/send/x"


def test_cookies_of_an_opener_work_on(double, gate):
    double.answer("/send", Answer(200, headers=(("Set-Cookie", "seen=1"),)))
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    opener.open(f"{double.url}/send/x", b"x").close()

    assert [each.value for each in jar] == ["1"]


def test_a_redirect_the_library_will_not_follow_stays_its_error(double, gate):
    double.answer("/send/first", redirect("/send/there", 307))

    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(f"{double.url}/send/first", b"x")

    assert (told.value.code, gate.settled, len(double.requests)) == (307, [307], 1)
    told.value.close()


def test_a_broken_connection_is_the_librarys_error(double, gate):
    double.answer("/send", Cut())

    with pytest.raises(http.client.RemoteDisconnected):
        urllib.request.urlopen(f"{double.url}/send/x", b"x")

    assert (gate.settled, gate.ended) == ([], 1)


def test_a_timeout_is_passed_on(gate):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/send/x"
        with pytest.raises(TimeoutError):
            urllib.request.urlopen(url, b"x", timeout=0.05)

    assert gate.ended == 1


def test_other_schemes_pass(gate, tmp_path):
    (tmp_path / "send").write_text("here")

    with urllib.request.urlopen((tmp_path / "send").as_uri()) as told:
        assert told.read() == b"here"


def test_an_answer_that_needs_no_mending_can_still_be_read(double, gate):
    gate.mends = False
    double.answer("/send", OK, Answer(400, "Bad", (), b"no"))

    with urllib.request.urlopen(f"{double.url}/send/mended", b"x") as told:
        assert (told.status, told.headers["X-Theirs"], told.read()) == (200, "kept", b"ok")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{double.url}/send/mended", b"x")
    assert (refused.value.code, refused.value.reason, refused.value.read()) == (400, "Bad", b"no")
