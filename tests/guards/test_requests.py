"""What is special about `requests`: its adapters, its mocks, its streams."""

import gzip
import io
import pickle
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import HTTPDigestAuth
from urllib3.util.retry import Retry

from policykit.adapters.wire import Answer
from policykit.enforce.guards.requests import attach
from policykit.errors import SendBlocked
from policykit.testing.double import redirect
from tests.guards.gates import REFUSED, ScriptedGate

OK = Answer(200, "Fine", (("X-Theirs", "kept"), ("Set-Cookie", "seen=1")), b"ok")


class Recording(BaseAdapter):
    """An application's own adapter: keeps what it was told to send, and with which arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[requests.PreparedRequest, dict[str, Any]]] = []

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        self.sent.append((request, kwargs))
        found = requests.Response()
        found.status_code, found.request, found.url, found.raw = 200, request, str(request.url), io.BytesIO(b"mine")
        return found

    def close(self) -> None:
        pass


# --- who is caught ---------------------------------------------------------------------------------


def test_a_session_made_before_the_guard_is_caught(double):
    session = requests.Session()
    gate = ScriptedGate()
    detach = attach(gate)

    refused = session.post(f"{double.url}/send/refused", b"x")
    detach()
    passed = session.post(f"{double.url}/send/refused", b"x")

    assert (refused.status_code, passed.status_code) == (403, 200)
    assert len(double.requests) == 1


def test_every_way_to_send_is_caught(double, gate):
    url = f"{double.url}/send/refused"
    session = requests.Session()
    prepared = requests.Request("POST", url, data=b"x").prepare()

    told = [
        requests.post(url, b"x"),
        requests.request("post", url, data=b"x"),
        session.post(url, b"x"),
        session.request("POST", url, data=b"x"),
        session.send(prepared),
        session.get_adapter(url).send(prepared),
    ]

    assert [each.status_code for each in told] == [403] * 6
    assert double.requests == []


def test_a_custom_adapter_is_guarded_and_given_its_arguments(gate):
    session, adapter = requests.Session(), Recording()
    session.mount("https://", adapter)

    told = session.post("https://here/send/x", b"x", timeout=(1, 2), verify="/ca.pem", cert="/me.pem", stream=True)

    ((request, kwargs),) = adapter.sent
    assert told.status_code == 200
    assert request.body == b"x"
    assert (kwargs["timeout"], kwargs["verify"], kwargs["cert"], kwargs["stream"]) == (
        (1, 2),
        "/ca.pem",
        "/me.pem",
        True,
    )


def test_the_found_adapter_is_still_the_applications_own(gate):
    session, adapter = requests.Session(), HTTPAdapter(pool_maxsize=3)
    session.mount("http://", adapter)

    found = session.get_adapter("http://here")
    found.max_retries = Retry(7)

    assert isinstance(found, HTTPAdapter)
    assert found == adapter
    assert adapter.max_retries.total == 7
    assert pickle.loads(pickle.dumps(session)).get_adapter("http://here") is not None


def test_a_wrapped_adapter_mounted_elsewhere_asks_once(double, gate):
    first, second = requests.Session(), requests.Session()
    second.mount("http://", first.get_adapter("http://here"))

    second.post(f"{double.url}/send/x", b"x")

    assert len(gate.planned) == 1


def test_a_session_within_an_adapter_is_the_same_send(double, gate):
    class Delegating(BaseAdapter):
        def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
            return requests.Session().send(request, **kwargs)

        def close(self) -> None:
            pass

    session = requests.Session()
    session.mount("http://", Delegating())

    session.post(f"{double.url}/send/x", b"x")

    assert (len(gate.planned), len(double.requests), gate.settled) == (1, 1, [200])


# --- `responses` -----------------------------------------------------------------------------------


@pytest.fixture
def mock() -> responses.RequestsMock:
    return responses.RequestsMock(assert_all_requests_are_fired=False)


def _send(name: str = "x") -> int:
    return requests.post(f"http://provider.example/send/{name}", b"x").status_code


def test_the_guard_first_then_responses(gate, mock):
    with mock:
        mock.post("http://provider.example/send/x", status=299)

        assert (_send(), _send("refused"), len(gate.planned), len(mock.calls)) == (299, 403, 2, 1)


def test_responses_first_then_the_guard(mock):
    with mock:
        mock.post("http://provider.example/send/x", status=299)
        gate = ScriptedGate()
        detach = attach(gate)

        assert (_send(), _send("refused"), len(gate.planned), len(mock.calls)) == (299, 403, 2, 1)
        detach()
        assert (_send(), len(gate.planned)) == (299, 2)


def test_responses_stopped_while_the_guard_stays(gate, mock, double):
    with mock:
        pass

    requests.post(f"{double.url}/send/x", b"x")
    refused = requests.post(f"{double.url}/send/refused", b"x")

    assert (refused.status_code, len(gate.planned), len(double.requests)) == (403, 2, 1)


def test_the_guard_gone_while_responses_stays(mock, double):
    gate = ScriptedGate()
    detach = attach(gate)
    with mock:
        mock.post("http://provider.example/send/x", status=299)
        detach()
        assert _send() == 299

    assert requests.post(f"{double.url}/send/refused", b"x").status_code == 200
    assert gate.planned == []


# --- bodies ----------------------------------------------------------------------------------------


class Pipe(io.RawIOBase):
    """A file that cannot be rewound."""

    def __init__(self, whole: bytes) -> None:
        self._left = io.BytesIO(whole)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._left.readinto(buffer)

    def tell(self) -> int:
        raise OSError("a pipe")


def _moved() -> io.BytesIO:
    file = io.BytesIO(b"skipped,kept")
    file.seek(8)
    return file


BODIES = {
    "generator": (lambda: (part for part in (b"ab", b"cd")), b"abcd"),
    "iterator of texts": (lambda: iter(["a", "é"]), "aé".encode()),
    "file": (lambda: io.BytesIO(b"in a file"), b"in a file"),
    "file read from its middle": (_moved, b"kept"),
    "pipe": (lambda: io.BufferedReader(Pipe(b"through a pipe")), b"through a pipe"),
    "text": (lambda: "naïve", "naïve".encode()),
    "form": (lambda: {"To": "+33 1", "Body": "é"}, b"To=%2B33+1&Body=%C3%A9"),
    "bytearray": (lambda: bytearray(b"bytes"), b"bytes"),
    "nothing": (lambda: None, b""),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_of_any_kind_is_judged_whole_and_leaves_as_without_us(double, kind):
    make, whole = BODIES[kind]
    requests.post(f"{double.url}/send/x", make())
    gate = ScriptedGate()
    detach = attach(gate)

    requests.post(f"{double.url}/send/x", make())
    detach()

    plain, guarded = double.requests
    assert gate.planned[0].body == whole == plain.body
    assert (guarded.body, guarded.headers) == (plain.body, plain.headers)


def test_multipart_is_judged_whole_and_leaves_as_it_was(double, gate):
    file = io.BytesIO(b"\x00\xff" * 500)

    requests.post(f"{double.url}/send/x", data={"to": "a"}, files={"attachment": ("a.bin", file)})

    assert gate.planned[0].body == double.requests[0].body
    assert b"\x00\xff" * 500 in double.requests[0].body
    assert (gate.planned[0].header("Content-Type") or "").startswith("multipart/form-data; boundary=")


@pytest.mark.parametrize("kind", ["generator", "pipe", "file", "file read from its middle"])
def test_a_stream_survives_a_redirect(double, gate, kind):
    make, whole = BODIES[kind]
    double.answer("/send/first", redirect("/send/there", 308))

    requests.post(f"{double.url}/send/first", make())

    assert [each.body for each in double.requests] == [whole, whole]
    assert len(gate.planned) == 1


def test_the_body_of_an_unclaimed_request_is_not_touched(double, gate):
    class Watched(io.BytesIO):
        reads = 0

        def read(self, *args: Any) -> bytes:
            if not args or args[0] in (-1, None):
                type(self).reads += 1
            return super().read(*args)

    requests.post(f"{double.url}/upload", Watched(b"x" * 100_000))

    assert (Watched.reads, len(double.requests[0].body), gate.planned) == (0, 100_000, [])


# --- one decision ----------------------------------------------------------------------------------


def test_retries_of_urllib3_are_one_send(double, gate):
    double.answer("/send", Answer(503), Answer(503), OK)
    session = requests.Session()
    retry = Retry(3, status_forcelist=[503], allowed_methods=None, backoff_factor=0)
    session.mount("http://", HTTPAdapter(max_retries=retry))

    told = session.post(f"{double.url}/send/x", b"x")

    assert (told.status_code, len(double.requests), len(gate.planned), gate.settled) == (200, 3, 1, [200])


def test_a_prepared_request_sent_again_after_a_redirect_is_a_new_send(double, gate):
    double.answer("/send/first", redirect("/send/there"))
    session = requests.Session()
    prepared = session.prepare_request(requests.Request("POST", f"{double.url}/send/first", data=b"x"))

    session.send(prepared)
    session.send(prepared)

    assert [each.path for each in gate.planned] == ["/send/first", "/send/first"]
    assert [each.path for each in double.requests] == ["/send/first", "/send/there"] * 2


def test_a_redirect_the_application_follows_itself_is_the_same_send_once(double, gate):
    double.answer("/send/first", redirect("/send/there"))
    session = requests.Session()

    first = session.post(f"{double.url}/send/first", b"x", allow_redirects=False)
    session.send(first.next)
    session.send(first.next)

    assert [each.path for each in gate.planned] == ["/send/first", "/send/there"]


def test_a_redirect_nobody_follows_is_settled_as_never_answered(double, gate):
    double.answer("/send/first", redirect("/send/there"))

    told = requests.post(f"{double.url}/send/first", b"x", allow_redirects=False)

    assert (told.status_code, gate.ended, gate.settled) == (307, 1, [])


def test_a_redirect_loop_ends_as_without_us(double, gate):
    double.answer("/send/round", redirect("/send/round"))
    session = requests.Session()
    session.max_redirects = 4

    with pytest.raises(requests.TooManyRedirects):
        session.post(f"{double.url}/send/round", b"x")

    assert (len(gate.planned), len(double.requests)) == (1, 5)


def test_the_answer_to_a_digest_challenge_is_the_same_send(double, gate):
    challenge = (("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"'),)
    double.answer("/send", Answer(401, headers=challenge), OK)

    told = requests.post(f"{double.url}/send/pruned", b"everybody", auth=HTTPDigestAuth("me", "pw"))

    assert (told.status_code, len(gate.planned)) == (200, 1)
    assert [each.body for each in double.requests] == [b"pruned", b"pruned"]


# --- answers ---------------------------------------------------------------------------------------


def test_a_refusal_is_a_real_response(gate):
    told = requests.post("http://provider.example/send/refused", b"x", stream=True)

    assert type(told) is requests.Response
    assert (told.url, told.request.method, told.ok) == ("http://provider.example/send/refused", "POST", False)
    assert b"".join(told.iter_content(7)) == REFUSED.body
    assert told.encoding == "utf-8"
    assert told.elapsed >= timedelta()
    with pytest.raises(requests.HTTPError, match="403 Client Error: Quiet hours"):
        told.raise_for_status()
    told.close()


def test_response_hooks_of_the_application_see_refusals(gate):
    seen: list[int] = []
    session = requests.Session()
    session.hooks["response"].append(lambda response, **kwargs: seen.append(response.status_code))

    session.post("http://provider.example/send/refused", b"x")

    assert seen == [403]


def test_a_streamed_answer_stays_a_stream(double, gate):
    double.answer("/send", Answer(200, body=b"line one\nline two\n"))

    with requests.post(f"{double.url}/send/x", b"x", stream=True) as told:
        assert told._content_consumed is False
        assert list(told.iter_lines()) == [b"line one", b"line two"]


def test_a_mended_answer_keeps_cookies_and_can_be_streamed(double, gate):
    double.answer("/send", OK)
    session = requests.Session()

    told = session.post(f"{double.url}/send/mended", b"x", stream=True)

    assert (told.raw.read(), told.content, told.json if False else told.text) == (
        b"mended ok",
        b"mended ok",
        "mended ok",
    )
    assert (session.cookies["seen"], told.cookies["seen"], told.headers["X-Theirs"]) == ("1", "1", "kept")


def test_a_compressed_answer_is_mended_as_text(double, gate):
    double.answer("/send", Answer(200, headers=(("Content-Encoding", "gzip"),), body=gzip.compress(b"plain")))

    told = requests.post(f"{double.url}/send/mended", b"x")

    assert (told.content, told.headers.get("Content-Encoding")) == (b"mended plain", None)


def test_refusals_raised_are_no_error_of_requests(gate):
    with pytest.raises(SendBlocked) as refused:
        requests.post("http://provider.example/send/raised", b"x")

    assert not isinstance(refused.value, requests.RequestException)


def test_the_prepared_request_of_the_caller_keeps_its_body_when_pruned(double, gate):
    session = requests.Session()
    prepared = session.prepare_request(requests.Request("POST", f"{double.url}/send/pruned", data=b"everybody"))

    told = session.send(prepared)

    assert (prepared.body, prepared.headers["Content-Length"]) == (b"everybody", "9")
    assert told.request.body == b"pruned"


def test_a_stream_whose_answer_needs_no_mending_can_still_be_read(double, gate):
    gate.mends = False
    double.answer("/send", Answer(200, headers=(("Content-Encoding", "gzip"),), body=gzip.compress(b"plain")))

    with requests.post(f"{double.url}/send/mended", b"x", stream=True) as told:
        assert (told.status_code, told.raw.read(), told.content) == (200, b"plain", b"plain")
