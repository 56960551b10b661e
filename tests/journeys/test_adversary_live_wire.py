"""Live enforcement attacked by the way requests are written: paths, forms and bodies that could be read otherwise."""

from __future__ import annotations

import gzip
import json

import pytest
import requests

from .test_adversary_live import ACCOUNT, CALLBACK, FORM, MAIL, PUSH, form, knows, mail, post, written_to

# Fixtures, as their names are asked for here.
from .test_adversary_live import double as double
from .test_adversary_live import shop as shop

# --- how a request is written -----------------------------------------------------------------------

WAYS = [
    "/v3/mail/send/", "//v3/mail/send", "/v3//mail/send", "/v3/mail/send?x=1", "/v3/%6dail/send", "/V3/Mail/Send",
    "/gateway/v3/mail/send", "/v3/mail/send;v=1", "/v3/./mail/send", "/x/../v3/mail/send",
]  # fmt: skip


@pytest.mark.parametrize("path", WAYS)
def test_a_path_written_in_another_way_is_the_same_call(shop, double, path):
    knows(shop(), "nora", refused=True, email="no@example.com")

    assert post(double, path, mail("no@example.com")).status_code == 403
    assert double.requests == []


@pytest.mark.parametrize("path", [
    ACCOUNT + "/", ACCOUNT.replace("/Messages", "//Messages"), ACCOUNT.replace("Messages", "messages"),
    ACCOUNT.replace("Messages", "%4Dessages"), "/" + ACCOUNT, ACCOUNT + "?To=%2B33600000000",
    ACCOUNT.replace("Messages", "SMS/Messages"),
])  # fmt: skip
def test_a_text_is_caught_however_its_path_is_written(shop, double, path):
    knows(shop(), "nora", refused=True, sms="+33612345678")
    form = {"To": "+33612345678", "From": "+15550009999", "Body": "Hello", "StatusCallback": CALLBACK}

    assert requests.post(double.url + path, data=form).status_code == 403
    assert double.requests == []


@pytest.mark.parametrize("path", [PUSH, PUSH + "?alt=json", "/" + PUSH, PUSH.replace(":", "%3a"), PUSH + "/"])
def test_a_push_is_caught_however_its_path_is_written(shop, double, path):
    knows(shop(), "nora", refused=True, push="tok")
    body = {"message": {"token": "tok", "notification": {"title": "Hi"}, "data": {"campaign": "spring"}}}

    assert post(double, path, body).status_code == 403
    assert double.requests == []


# --- what is in a body ------------------------------------------------------------------------------


HIDDEN_TEXTS = [
    form(("To", "+33600000000"), ("To", "+33612345678"), ("Body", "Hi")),
    form(("To", "+33600000000"), ("to", "+33612345678"), ("Body", "Hi")),
    form(("To", "+33600000000"), ("To[]", "+33612345678"), ("Body", "Hi")),
    form(("Body", "Hi")),
    form(("To", ""), ("Body", "Hi")),
    form(("To", "+33600000000,+33612345678"), ("Body", "Hi")),
    form(("To", "+33600000000;+33612345678"), ("Body", "Hi")),
    json.dumps({"To": "+33612345678", "Body": "Hi"}),
    "\ufeff" + form(("To", "+33612345678"), ("Body", "Hi")),
    "",
]


@pytest.mark.parametrize("body", HIDDEN_TEXTS)
def test_a_form_that_can_be_read_in_two_ways_does_not_leave(shop, double, body):
    knows(shop(), "nora", refused=True, sms="+33612345678")

    response = requests.post(double.url + ACCOUNT, data=body.encode(), headers=FORM)

    assert response.status_code == 403
    assert double.requests == []


def test_a_recipient_in_the_query_beside_one_in_the_body_does_not_leave(shop, double):
    knows(shop(), "nora", refused=True, sms="+33612345678")

    assert (
        requests.post(
            f"{double.url}{ACCOUNT}?To=%2B33612345678", data=form(("To", "+33600000000"), ("Body", "Hi")), headers=FORM
        ).status_code
        == 403
    )
    assert double.requests == []


TO_NORA = b'"personalizations":[{"to":[{"email":"no@example.com"}]}]'
TO_ANA = b'"personalizations":[{"to":[{"email":"a@example.com"}]}]'
OF = b'"custom_args":{"campaign":"spring"}'
HIDDEN_MAILS = [
    b"{%s,%s,%s}" % (OF, TO_NORA, TO_ANA),
    b"{%s,%s,%s}" % (OF, TO_ANA, TO_NORA),
    b'{%s,"personalizations":[{"to":[{"email":"no@example.com","email":"a@b.de"}]}]}' % OF,
    b'{"personalizations":[{"to":[{"email":"a@b.de"}]}],"custom_args":{"campaign":"spring","campaign":"receipt"}}',
    b"\xef\xbb\xbf" + json.dumps(mail("no@example.com")).encode(),
    json.dumps(mail("no@example.com")).encode("utf-16"),
    json.dumps(mail("no@example.com")).encode()[:-3],
    b"[" * 100_000,
    b'{"personalizations":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"personalizations":[{"to":[{"email":7}]}]}',
    b'{"personalizations":[{"to":"no@example.com"}]}',
    b'{"personalizations":{"to":[{"email":"no@example.com"}]}}',
    b'{%s,"personalizations":[{"to":[{"email":"a@example.com,no@example.com"}]}]}' % OF,
    b'{%s,"personalizations":[{"to":[{"email":"a@example.com;no@example.com"}]}]}' % OF,
    b'{%s,"personalizations":[{"to":[{"email":"<no@example.com> a@example.com"}]}]}' % OF,
    b'{%s,"personalizations":[{"to":[{"email":"no@example.com, Ana <a@example.com>"}]}]}' % OF,
    b'{%s,"personalizations":[{"to":[{"email":"Nora <no@example.com>, Ana <a@example.com>"}]}]}' % OF,
    b'{%s,"personalizations":[{"to":[{"email":"a@example.com"}],"CC":[{"email":"no@example.com"}]}]}' % OF,
    b'{%s,"personalizations":[{"to":[{"email":"a@example.com","Email":"no@example.com"}]}]}' % OF,
    b"{%s,%s,%s}" % (OF, TO_ANA, TO_NORA.replace(b"p", b"P", 1)),
    b"null", b"", b"{}", b"\xff\xfe", b"NaN",
]  # fmt: skip


@pytest.mark.parametrize("body", HIDDEN_MAILS, ids=range(len(HIDDEN_MAILS)))
def test_a_body_that_can_be_read_in_two_ways_does_not_leave(shop, double, body):
    knows(shop(), "nora", refused=True, email="no@example.com")

    response = post(double, MAIL, body, headers={"Content-Type": "application/json"})

    assert response.status_code == 403
    assert double.requests == []


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "deflate", "br", "gzip, gzip", "identity, gzip"])
def test_a_packed_body_is_unpacked_or_refused(shop, double, encoding):
    knows(shop(), "nora", refused=True, email="no@example.com")
    packed = gzip.compress(json.dumps(mail("no@example.com")).encode())

    response = post(double, MAIL, packed, headers={"Content-Type": "application/json", "Content-Encoding": encoding})

    assert response.status_code == 403
    assert double.requests == []


def test_a_packed_body_of_two_people_is_pruned(shop, double):
    knows(shop(), "nora", refused=True, email="no@example.com")
    packed = gzip.compress(json.dumps(mail("no@example.com", "a@example.com")).encode())

    response = post(double, MAIL, packed, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})

    assert response.status_code == 202
    assert written_to(double) == ["a@example.com"]


def test_a_bomb_of_zeros_is_refused_quickly(shop, double):
    shop()
    packed = gzip.compress(b" " * 200_000_000, 1)

    response = post(double, MAIL, packed, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})

    assert response.status_code == 403
