"""Records what the real clients send: `python record.py` writes `recordings/*.http` anew, against a loopback server.

Needs twilio, apprise, requests and aiohttp. Texts, numbers and credentials are made up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import apprise
import requests
from apprise.plugins.twilio import NotifyTwilio
from policykit.testing.double import Double
from policykit.testing.recordings import write_recording
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

HERE = Path(__file__).parent / "recordings"
DOCS = "https://www.twilio.com/docs/messaging/api/message-resource"
ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "recorded-auth-token-0123456789ab"
SERVICE = "MG" + "0123456789abcdef" * 2
TEMPLATE = "HX" + "0123456789abcdef" * 2
FROM, TO = "+15005550006", "+33612345678"


def sdk(base_url: str) -> Client:
    client = Client(ACCOUNT, TOKEN)
    client.api.base_url = base_url
    return client


def sms(base_url: str) -> None:
    sdk(base_url).messages.create(
        to=TO,
        from_=FROM,
        body="Camille, 10 € off boots & coats until Sunday. STOP to end",
        message_intent="marketing",
        status_callback="https://shop.example/twilio?campaign=spring&team=crm",
    )


def scheduled(base_url: str) -> None:
    sdk(base_url).messages.create(
        to=TO,
        messaging_service_sid=SERVICE,
        body="The sale begins now",
        send_at=datetime(2026, 11, 27, 9, 0, tzinfo=UTC),
        schedule_type="fixed",
    )


def mms(base_url: str) -> None:
    sdk(base_url).messages.create(
        to=TO,
        from_=FROM,
        body="New boots",
        media_url=["https://shop.example/boots.jpg", "https://shop.example/coats.jpg"],
    )


def whatsapp(base_url: str) -> None:
    sdk(base_url).messages.create(to=f"whatsapp:{TO}", from_=f"whatsapp:{FROM}", body="Your size is back")


def whatsapp_template(base_url: str) -> None:
    sdk(base_url).messages.create(
        to=f"whatsapp:{TO}",
        messaging_service_sid=SERVICE,
        content_sid=TEMPLATE,
        content_variables='{"1": "Camille", "2": "trail boots"}',
    )


def otp(base_url: str) -> None:
    sdk(base_url).messages.create(to=TO, messaging_service_sid=SERVICE, body="Code 493021", message_intent="otp")


def async_sms(base_url: str) -> None:
    async def send() -> None:
        async with AsyncTwilioHttpClient() as http:
            client = Client(ACCOUNT, TOKEN, http_client=http)
            client.api.base_url = base_url
            await client.messages.create_async(to=TO, from_=FROM, body="Sent without waiting")

    asyncio.run(send())


def by_requests(base_url: str) -> None:
    url = f"{base_url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    form = {"To": "+33 6 12-34 56 78", "From": FROM, "Body": "Written by hand"}
    requests.post(url, data=form, auth=(ACCOUNT, TOKEN), timeout=10).raise_for_status()


def by_apprise(base_url: str) -> None:
    fixed, NotifyTwilio.notify_sms_url = (
        NotifyTwilio.notify_sms_url,
        base_url + "/2010-04-01/Accounts/{sid}/Messages.json",
    )
    try:
        sender = apprise.Apprise()
        sender.add(f"twilio://{ACCOUNT}:{TOKEN.replace('-', 'f')}@{FROM}/{TO}")
        assert sender.notify(title="Spring", body="Boots are here")
    finally:
        NotifyTwilio.notify_sms_url = fixed


CLIENTS: dict[str, tuple[str, Callable[[str], None]]] = {
    "sms": ("twilio", sms),
    "scheduled": ("twilio", scheduled),
    "mms": ("twilio", mms),
    "whatsapp": ("twilio", whatsapp),
    "whatsapp_template": ("twilio", whatsapp_template),
    "otp": ("twilio", otp),
    "async_sms": ("twilio", async_sms),
    "by_requests": ("requests", by_requests),
    "by_apprise": ("apprise", by_apprise),
}


def record(name: str) -> None:
    client, send = CLIENTS[name]
    with Double() as double:
        send(double.url)
        (received,) = double.requests
    notes = {"sdk": f"{client} {version(client)}", "recorded": datetime.now(UTC).date().isoformat(), "docs": DOCS}
    request = received.as_sent_to("https://api.twilio.com")
    write_recording(HERE / f"{name}.http", request, notes)


if __name__ == "__main__":
    for each in CLIENTS:
        record(each)
