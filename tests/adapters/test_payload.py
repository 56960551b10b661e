"""Payloads taken apart: merge data as texts, and bodies that nobody should write."""

from __future__ import annotations

import gzip
import json

import pytest

from policykit.adapters.payload import Reader, as_text, clean, flat, with_json
from policykit.adapters.wire import OutgoingRequest
from policykit.errors import UnreadableSend

READER = Reader("acme")


def post(body: bytes, *headers: tuple[str, str]) -> OutgoingRequest:
    return OutgoingRequest("POST", "https://api.acme.example/send", headers, body)


def test_merge_data_becomes_texts_by_path():
    data = {"user": {"name": "A", "none": None}, "items": [1, 2.5, True, None], "": "empty", "a.b": "dotted"}

    assert flat(data) == {
        "user.name": "A", "items.0": "1", "items.1": "2.5", "items.2": "true", "": "empty", "a.b": "dotted",
    }  # fmt: skip


@pytest.mark.parametrize("value", [None, {}, [], {"a": []}])
def test_nothing_is_no_text(value):
    assert flat(value) == {}


def test_a_long_name_over_many_values_is_cut_off():
    found = flat({"k" * 1_000_000: list(range(1000))})

    assert len(found) == 1000
    assert max(map(len, found)) < 1100


def test_data_nested_deeper_than_calls_may_be_is_read():
    deep: object = "leaf"
    for _ in range(100_000):
        deep = [deep]

    assert list(flat(deep).values()) == ["leaf"]


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (1, "1"), (True, "true"), (None, "null"), (1.5, "1.5"), ("\ud800", "?"), ("é", "é")]
)
def test_a_scalar_is_shown_as_a_template_would(value, text):
    assert as_text(value) == text


def test_clean_texts_can_be_stored():
    assert clean("a\ud800\N{SUNFLOWER}é").encode() == "a?\N{SUNFLOWER}é".encode()


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (post(b"{"), "the body is no JSON in UTF-8, or names a key twice"),
        (post(b'{"a": 1, "a": 2}'), "the body is no JSON in UTF-8, or names a key twice"),
        (post(b"[1]"), "the body is no JSON object"),
        (post(b"{}", ("Content-Encoding", "br")), "the body is packed in a way it does not know"),
        (post(b"{}", ("Content-Encoding", "gzip")), "the body says it is gzipped and is not"),
        (post(gzip.compress(b"{}")[:-4], ("Content-Encoding", "gzip")), "the gzipped body is cut off or too large"),
        (post(gzip.compress(b"{}") * 2, ("Content-Encoding", "gzip")), "the gzipped body is cut off or too large"),
    ],
)
def test_a_body_that_cannot_be_read_says_why_and_quotes_nothing(request_, why):
    with pytest.raises(UnreadableSend) as caught:
        READER.body(request_)

    assert (caught.value.adapter, caught.value.why) == ("acme", why)
    assert caught.value.__cause__ is None


def test_a_body_that_was_packed_is_left_plain_when_it_is_written_anew():
    packed = post(gzip.compress(b'{"a":1}'), ("Content-Encoding", "GZIP"), ("Transfer-Encoding", "chunked"))

    new = with_json(packed, READER.body(packed) | {"b": "é"})

    assert json.loads(new.body) == {"a": 1, "b": "é"}
    assert new.headers == (("Content-Length", str(len(new.body))),)


@pytest.mark.parametrize(
    ("take", "why"),
    [
        (lambda held: READER.mapping(held, "text", "a."), "`a.text` is no object"),
        (lambda held: READER.items(held, "text"), "`text` is no list"),
        (lambda held: READER.objects(held, "list", "a."), "`a.list` holds something that is no object"),
        (lambda held: READER.text(held, "list"), "`list` is no text"),
    ],
)
def test_another_type_is_told_by_its_path(take, why):
    with pytest.raises(UnreadableSend) as caught:
        take({"text": "t", "list": [1], "null": None})

    assert caught.value.why == why


def test_null_is_absent():
    held = {"a": None}

    assert (READER.mapping(held, "a"), READER.items(held, "a"), READER.objects(held, "a"), READER.text(held, "a")) == (
        {}, [], [], None,
    )  # fmt: skip
