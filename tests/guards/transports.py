"""Every guarded transport behind one function, so that what holds for all is written once."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import requests


@dataclass(frozen=True)
class Reply:
    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)


def by_requests(url: str, body: Any = b"", headers: Mapping[str, str] = {}, method: str = "POST") -> Reply:
    with requests.Session() as session:
        found = session.request(method, url, data=body, headers=dict(headers), timeout=10)
        return Reply(found.status_code, found.reason, dict(found.headers), found.content)


def by_urllib(url: str, body: Any = b"", headers: Mapping[str, str] = {}, method: str = "POST") -> Reply:
    request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as found:
            return Reply(found.status, found.reason, dict(found.headers.items()), found.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.reason, dict(error.headers.items()), error.read())


def by_httpx(url: str, body: Any = b"", headers: Mapping[str, str] = {}, method: str = "POST") -> Reply:
    with httpx.Client(follow_redirects=True, timeout=10, trust_env=False) as client:
        found = client.request(method, url, content=body, headers=headers)
        return Reply(found.status_code, found.reason_phrase, dict(found.headers), found.content)


def by_httpx_async(url: str, body: Any = b"", headers: Mapping[str, str] = {}, method: str = "POST") -> Reply:
    async def go() -> Reply:
        async with httpx.AsyncClient(follow_redirects=True, timeout=10, trust_env=False) as client:
            found = await client.request(method, url, content=body, headers=headers)
            return Reply(found.status_code, found.reason_phrase, dict(found.headers), found.content)

    return asyncio.run(go())


def by_aiohttp(url: str, body: Any = b"", headers: Mapping[str, str] = {}, method: str = "POST") -> Reply:
    async def go() -> Reply:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=body, headers=headers) as found,
        ):
            return Reply(found.status, found.reason or "", dict(found.headers), await found.read())

    return asyncio.run(go())


ALL: dict[str, Callable[..., Reply]] = {
    "requests": by_requests,
    "urllib": by_urllib,
    "httpx": by_httpx,
    "httpx-async": by_httpx_async,
    "aiohttp": by_aiohttp,
}
