"""Our own sends: whole, unjudged, with our credentials, never followed elsewhere."""

from __future__ import annotations

import pytest
import requests

from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.enforce import guards
from policykit.enforce.deliver import DeliveryError, deliver
from policykit.testing.double import Cut, Double, redirect
from tests.enforce.worlds import World, email, rules_of


@pytest.fixture
def double():
    with Double() as double:
        yield double


def request_to(double, body=b"hello", **headers):
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return OutgoingRequest("POST", double.url + "/v3/mail/send?x=1", named, body)


def test_request_arrives_as_it_is(double):
    double.answer("/", Answer(202, "Accepted", (("X-Message-Id", "m1"),), b"{}"))
    answer = deliver(request_to(double, b"\xff\x00", Content_Type="text/x", Authorization="Bearer k"))

    (received,) = double.requests
    headers = {name.lower(): value for name, value in received.headers}
    assert (received.method, received.path, received.body) == ("POST", "/v3/mail/send", b"\xff\x00")
    assert (headers["content-type"], headers["authorization"], headers["content-length"]) == ("text/x", "Bearer k", "2")
    assert (answer.status, answer.header("x-message-id"), answer.body) == (202, "m1", b"{}")


def test_headers_of_the_applications_connection_stay_behind(double):
    deliver(request_to(double, Transfer_Encoding="chunked", Content_Length="999", Connection="close", Expect="100"))

    headers = {name.lower(): value for name, value in double.requests[0].headers}
    assert headers["content-length"] == "5"
    assert "transfer-encoding" not in headers
    assert "expect" not in headers


def test_credentials_of_a_netrc_file_do_not_replace_ours(double, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    deliver(request_to(double, Authorization="Bearer ours"))

    assert ("authorization", "Bearer ours") in [(name.lower(), value) for name, value in double.requests[0].headers]


def test_redirects_are_not_followed(double):
    double.answer("/v3", redirect(double.url + "/elsewhere"))

    assert deliver(request_to(double)).status == 307
    assert len(double.requests) == 1


def test_silence_is_an_error_that_names_nothing(double):
    double.answer("/", Cut())
    with pytest.raises(DeliveryError) as raised:
        deliver(request_to(double, b"secret body"))

    assert str(raised.value) == "ConnectionError"
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "nonsense", "http://", "http://127.0.0.1:99999/"])
def test_places_that_do_not_answer(url):
    with pytest.raises(DeliveryError):
        deliver(OutgoingRequest("POST", url))


def test_own_sends_pass_the_guards_unjudged(tmp_path, double):
    with World(rules_of(tmp_path)) as world:
        detach = guards.attach_all(world.gate)
        try:
            request = email("nobody@example.com", base=double.url)
            blocked = requests.post(request.url, data=request.body, headers=dict(request.headers))
            ours = deliver(request)
        finally:
            detach()

        assert (blocked.status_code, ours.status) == (403, 202)
        assert len(double.requests) == 1
        assert len(world.log()) == 1
