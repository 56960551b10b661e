"""Recordings come back from their files as they went in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.errors import UsageError
from policykit.sends import Send
from policykit.testing.recordings import (
    find_answers,
    find_recordings,
    read_recording,
    read_sends,
    sends_text,
    write_recording,
)

NOTES = {"sdk": "acme 1.0", "recorded": "2026-11-21", "docs": "https://acme.example/docs"}


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_body_is_kept_to_the_byte(tmp_path_factory, body):
    path = tmp_path_factory.mktemp("recordings") / "one.http"
    request = OutgoingRequest("POST", "https://acme.example/send?a=b", (("X-One", "1"),)).with_body(body)

    write_recording(path, request, NOTES)

    recording = read_recording(path)
    assert (recording.name, recording.request.body, recording.notes) == ("one", body, NOTES)
    assert (recording.request.method, recording.request.url) == (request.method, request.url)


def test_headers_of_the_connection_alone_are_left_out(tmp_path):
    headers = (("Host", "127.0.0.1:80"), ("Connection", "keep-alive"), ("Accept-Encoding", "gzip"), ("X-One", "1"))

    write_recording(tmp_path / "one.http", OutgoingRequest("GET", "https://acme.example/", headers), NOTES)

    assert read_recording(tmp_path / "one.http").request.headers == (("X-One", "1"),)


def test_a_file_with_windows_line_ends_is_read(tmp_path):
    (tmp_path / "one.http").write_bytes(
        b"# sdk: a\r\nPOST https://a.example/ HTTP/1.1\r\nContent-Length: 2\r\n\r\nok\r\n"
    )

    (recording,) = find_recordings(tmp_path)

    assert (recording.notes, recording.request.body) == ({"sdk": "a"}, b"ok")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("POST /relative HTTP/1.1\n\n", "has no absolute URL"),
        ("hello\n", "is no recorded request"),
        ("POST https://a.example/ HTTP/1.1\nContent-Length: 9\n\nshort", "says `Content-Length: 9`"),
    ],
)
def test_what_is_no_recording_is_named(tmp_path, text, said):
    (tmp_path / "one.http").write_text(text)

    with pytest.raises(UsageError, match=said) as error:
        find_recordings(tmp_path)

    assert "one.http" in str(error.value)


def test_an_answer_has_its_receipts_and_the_recording_it_answers(tmp_path):
    text = "# receipts: [m-1, null]\nHTTP/1.1 202 Accepted\nX-One: 1\n\n{}\n"
    (tmp_path / "batch.accepted.answer").write_text(text)

    (found,) = find_answers(tmp_path)

    assert (found.to, found.receipts) == ("batch", ("m-1", None))
    assert found.answer == Answer(202, "Accepted", (("X-One", "1"),), b"{}")


SENDS = st.builds(
    Send,
    channel=st.just("email"),
    provider=st.just("acme"),
    address=st.none() | st.just("camille@example.com"),
    content=st.dictionaries(st.sampled_from(("subject", "body")), st.text()),
    values=st.dictionaries(st.text(), st.text()),
    at=st.none() | st.integers(0, 4_000_000_000_000_000),
    slots=st.dictionaries(st.text(), st.lists(st.text(), max_size=3).map(tuple), max_size=3),
    message_class=st.sampled_from((None, "marketing")),
    silent=st.booleans(),
)


@settings(deadline=None)
@given(st.lists(SENDS, max_size=3).map(tuple))
def test_sends_come_back_as_they_were(tmp_path_factory, sends):
    path = tmp_path_factory.mktemp("sends") / "one.sends.yaml"
    path.write_text(sends_text(sends), encoding="utf-8", newline="")

    assert read_sends(path) == sends


def test_why_nothing_can_be_read_is_a_golden_answer_too(tmp_path):
    path = tmp_path / "one.sends.yaml"
    path.write_text(sends_text("it names no recipient"))

    assert read_sends(path) == "it names no recipient"


def test_a_missing_golden_file_says_what_writes_it(tmp_path):
    with pytest.raises(UsageError, match="--policykit-update"):
        read_sends(Path(tmp_path / "none.sends.yaml"))
