"""Pushes as real clients send them, each pointed at a base URL: firebase-admin, and hand-written code."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from unittest import mock

import firebase_admin
import httpx
import requests
from firebase_admin import credentials, messaging
from google.oauth2.credentials import Credentials

TOKEN = "ya29.a-token-that-must-never-show"
# Device tokens look like this, and are twice as long.
JANE, JOE, KIM = (f"{name}-device:APA91b{name * 20}" for name in ("jane", "joe", "kim"))
Client = Callable[[str], object]


class _Known(credentials.Base):
    """A credential with a token already, so that nothing is fetched."""

    def get_credential(self) -> Credentials:
        return Credentials(TOKEN)


@contextmanager
def app(base_url: str, credential: credentials.Base | None = None) -> Iterator[firebase_admin.App]:
    """firebase-admin has no setting for its host, only a private class attribute."""
    url = f"{base_url}/v1/projects/{{0}}/messages:send"
    with mock.patch.object(messaging._MessagingService, "FCM_URL", url):
        made = firebase_admin.initialize_app(
            credential or _Known(), {"projectId": "acme-app", "httpTimeout": 10}, name=base_url
        )
        try:
            yield made
        finally:
            firebase_admin.delete_app(made)


def message(token: str = JANE, campaign: str = "spring") -> messaging.Message:
    note = messaging.Notification("Spring is here", "Our new range")
    return messaging.Message(token=token, notification=note, data={"campaign": campaign, "screen": "range"})


def send(base_url: str) -> object:
    with app(base_url) as made:
        return messaging.send(message(), app=made)


def send_fid(base_url: str) -> object:
    """A Firebase installation id, and validation alone."""
    note = messaging.Message(
        fid="dXq7Zr4sT0uK1vW2xY3zAb", notification=messaging.Notification("Spring", "Our new range"),
        fcm_options=messaging.FCMOptions(analytics_label="spring"),
    )  # fmt: skip
    with app(base_url) as made:
        return messaging.send(note, dry_run=True, app=made)


def send_platforms(base_url: str) -> object:
    """Other words on every platform, and every other place where a value can be."""
    note = messaging.Message(
        token=JANE,
        notification=messaging.Notification("A crib for you", "Your crib waits", image="https://acme.example/crib.png"),
        data={"campaign": "spring", "item": "crib"},
        android=messaging.AndroidConfig(
            collapse_key="basket", priority="high", ttl=3600, data={"item": "crib"},
            notification=messaging.AndroidNotification(
                title="A crib, on Android", body="Still there", channel_id="offers", tag="basket", ticker="A crib",
                body_loc_key="waits", body_loc_args=["crib"], click_action="OPEN_CRIB", color="#aabbcc",
            ),
        ),
        apns=messaging.APNSConfig(
            headers={"apns-priority": "10"},
            payload=messaging.APNSPayload(
                messaging.Aps(
                    alert=messaging.ApsAlert(
                        "A crib, on iOS", "Only today", "Your crib waits", loc_key="waits", loc_args=["crib"]
                    ),
                    badge=1, sound="default", category="OFFER", thread_id="basket",
                ),
                item="crib",
            ),
            fcm_options=messaging.APNSFCMOptions(analytics_label="spring", image="https://acme.example/crib.png"),
        ),
        webpush=messaging.WebpushConfig(
            headers={"TTL": "3600"},
            data={"item": "crib"},
            notification=messaging.WebpushNotification(
                "A crib, on the web", "Your crib waits", icon="https://acme.example/logo.png", tag="basket",
                actions=[messaging.WebpushNotificationAction("buy", "Buy the crib")], data={"item": "crib"},
            ),
            fcm_options=messaging.WebpushFCMOptions("https://acme.example/crib"),
        ),
        fcm_options=messaging.FCMOptions(analytics_label="spring"),
    )  # fmt: skip
    with app(base_url) as made:
        return messaging.send(note, app=made)


def send_alert_text(base_url: str) -> object:
    """An alert that is a text alone, on Apple's platforms alone."""
    payload = messaging.APNSPayload(messaging.Aps(alert="Spring is here"))
    note = messaging.Message(token=JANE, apns=messaging.APNSConfig(payload=payload))
    with app(base_url) as made:
        return messaging.send(note, app=made)


def send_data(base_url: str) -> object:
    """Data alone: nothing shows."""
    payload = messaging.APNSPayload(messaging.Aps(content_available=True))
    note = messaging.Message(token=JANE, data={"refresh": "basket"}, apns=messaging.APNSConfig(payload=payload))
    with app(base_url) as made:
        return messaging.send(note, app=made)


def send_topic(base_url: str) -> object:
    note = messaging.Message(topic="offers", notification=messaging.Notification("Spring is here", "Our new range"))
    with app(base_url) as made:
        return messaging.send(note, app=made)


def send_each(base_url: str) -> object:
    """Three messages, each in a thread of its own."""
    with app(base_url) as made:
        return messaging.send_each([message(JANE), message(JOE), message(KIM)], app=made)


def send_multicast(base_url: str) -> object:
    note = messaging.MulticastMessage(
        [JANE, JOE], {"campaign": "spring"}, messaging.Notification("Spring", "Our new range")
    )  # fmt: skip
    with app(base_url) as made:
        return messaging.send_each_for_multicast(note, app=made)


def send_each_async(base_url: str, messages: Sequence[messaging.Message] = ()) -> messaging.BatchResponse:
    """Three messages at once, through httpx."""
    wanted = list(messages) or [message(JANE), message(JOE), message(KIM)]

    async def run(made: firebase_admin.App) -> messaging.BatchResponse:
        try:
            return await messaging.send_each_async(wanted, dry_run=False, app=made)
        finally:  # deleting the app would close its connections on another loop
            await messaging._get_messaging_service(made)._async_client.aclose()

    with app(base_url) as made:
        return asyncio.run(run(made))


def apprise_one(base_url: str) -> object:
    """Apprise knows no base URL, waits between sends, and logs in with a key file of its own."""
    import apprise
    from apprise.plugins.fcm import NotifyFCM

    url = f"{base_url}/v1/projects/{{project}}/messages:send"
    known = {"notify_oauth2_url": url, "request_rate_per_sec": 0, "access_token": TOKEN}
    with warnings.catch_warnings(), mock.patch.multiple(NotifyFCM, **known):
        warnings.filterwarnings("ignore", "'imghdr' is deprecated", DeprecationWarning)  # of a mail plugin beside it
        notify = apprise.Apprise()
        notify.add(NotifyFCM(project="acme-app", keyfile="key.json", apikey=None, targets=[JANE]))
        return notify.notify("Our new range", "Spring is here")


def by_hand(base_url: str, post: Callable[..., object] = requests.post) -> object:
    """Hand-written code, in Google's other spelling."""
    payload = {
        "validateOnly": False,
        "message": {
            "token": JANE,
            "notification": {"title": "Frühling", "body": "Unsere neue Auswahl \N{SUNFLOWER}"},
            "fcmOptions": {"analyticsLabel": "spring"},
            "android": {"collapseKey": "spring", "notification": {"channelId": "offers"}},
        },
    }
    url = f"{base_url}/v1/projects/acme-app/messages:send"
    return post(url, json=payload, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)


def by_hand_httpx(base_url: str) -> object:
    return by_hand(base_url, httpx.post)


CLIENTS: dict[str, tuple[Client, str]] = {
    "send": (send, "firebase-admin"),
    "send-fid": (send_fid, "firebase-admin"),
    "send-platforms": (send_platforms, "firebase-admin"),
    "send-alert-text": (send_alert_text, "firebase-admin"),
    "send-data": (send_data, "firebase-admin"),
    "send-topic": (send_topic, "firebase-admin"),
    "send-each": (send_each, "firebase-admin"),
    "send-multicast": (send_multicast, "firebase-admin"),
    "send-each-async": (send_each_async, "firebase-admin"),
    "apprise-one": (apprise_one, "apprise"),
    "requests-by-hand": (by_hand, "requests"),
}


def client_version(distribution: str) -> str:
    return f"{distribution} {version(distribution)}"
