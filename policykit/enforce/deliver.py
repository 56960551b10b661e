"""Our own sends: what takes the place of a send, and what was put off. They pass the guards unjudged."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeAlias

import requests
from requests.adapters import HTTPAdapter

from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.enforce.context import ours

TIMEOUT_S = (5.0, 20.0)  # to connect, and between two pieces of the answer: the application waits
_MOST_ANSWER = 1_000_000  # bytes; receipts are far smaller
# Belong to the connection the application would have used, or are set anew.
_NOT_OURS = (
    "Connection", "Content-Length", "Expect", "Keep-Alive", "Proxy-Connection", "TE", "Transfer-Encoding", "Upgrade",
    "Accept-Encoding",
)  # fmt: skip


Route: TypeAlias = Callable[[OutgoingRequest], OutgoingRequest]


def as_it_is(request: OutgoingRequest) -> OutgoingRequest:
    """Where sends of ours go outside of trials."""
    return request


class DeliveryError(Exception):
    """The provider did not answer: nobody knows whether it was sent. Holds nothing of the request."""


def deliver(request: OutgoingRequest) -> Answer:
    """The provider's answer. Redirects are not followed: a message must not end up elsewhere."""
    try:
        prepared = _prepared(request)
        with ours():
            session = _session()
            found = session.merge_environment_settings(prepared.url, {}, None, None, None)
            response = session.send(
                prepared, timeout=TIMEOUT_S, allow_redirects=False, stream=True,
                proxies=found["proxies"], verify=found["verify"], cert=found["cert"],
            )  # fmt: skip
            with response:
                body = response.raw.read(_MOST_ANSWER, decode_content=True)
    except (requests.RequestException, OSError, ValueError) as error:
        # The library's own words quote the URL, where addresses and keys may stand.
        raise DeliveryError(type(error).__name__) from None
    return Answer(response.status_code, response.reason or "", tuple(response.headers.items()), body)


def _prepared(request: OutgoingRequest) -> requests.PreparedRequest:
    # Not by `Session.request`: that would put credentials of a netrc file in place of ours.
    headers = dict(request.without(*_NOT_OURS).headers)
    prepared = requests.Request(request.method, request.url, headers=headers, data=request.body).prepare()
    prepared.headers.setdefault("User-Agent", "policykit")
    return prepared


_kept = threading.local()


def _session() -> requests.Session:
    """A session of this thread; never one that was made before a fork."""
    if getattr(_kept, "process", None) != os.getpid():
        session = requests.Session()
        session.mount("https://", HTTPAdapter(max_retries=0))
        session.mount("http://", HTTPAdapter(max_retries=0))
        _kept.session, _kept.process = session, os.getpid()
    found: requests.Session = _kept.session
    return found
