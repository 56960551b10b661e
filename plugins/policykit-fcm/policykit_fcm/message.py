"""The message of an FCM call: whom it reaches, and what shows on which platform.

Google reads every field in two spellings, `fcm_options` and `fcmOptions`; so do we.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from policykit import addresses
from policykit.adapters.payload import Reader, as_text, clean, flat
from policykit.sends import Send

CAMPAIGN_KEYS = ("campaign", "campaign_id")
_PERSONS = ("token", "fid")
_GROUPS = ("topic", "condition")
_PLATFORMS = ("android", "android_v2", "apns", "webpush")
_TRANSLATED = ("title_loc_key", "body_loc_key", "title-loc-key", "loc-key")  # words that the application holds


@cache
def other_spelling(key: str) -> str:
    head, *rest = key.split("_")
    return head + "".join(part.capitalize() for part in rest)


def spelled(holder: Mapping[str, Any], key: str) -> str:
    """The spelling of a field that the holder uses."""
    return key if key in holder else other_spelling(key)


class Fields:
    """The fields of one object of the payload; every method raises `UnreadableSend` for another type."""

    __slots__ = ("_below", "holder", "reader", "where")

    def __init__(self, reader: Reader, holder: Mapping[str, Any], where: str = "") -> None:
        self.reader, self.holder, self.where = reader, holder, where
        self._below: dict[str, Fields] = {}

    def raw(self, key: str) -> Any:
        return self.holder.get(spelled(self.holder, key))

    def has(self, key: str) -> bool:
        return self.raw(key) is not None

    def text(self, key: str) -> str | None:
        return self.reader.text(self.holder, spelled(self.holder, key), self.where) if self.holder else None

    def below(self, *keys: str) -> Fields:
        """The object under a path of fields, an empty one when there is none."""
        found = self
        for key in keys:
            if not found.holder:
                return found
            found = found._below.get(key) or found._read(key)
        return found

    def _read(self, key: str) -> Fields:
        inner = self.reader.mapping(self.holder, spelled(self.holder, key), self.where)
        found = self._below[key] = Fields(self.reader, inner, f"{self.where}{key}.")
        return found


def send(reader: Reader, payload: Mapping[str, Any]) -> Send:
    """The one send of a payload; `validate_only` is judged like any other."""
    message = Fields(reader, payload).below("message")
    if not message.holder:
        raise reader.unreadable("there is no `message`")
    return Send(
        channel="push",
        provider="fcm",
        address=_address(message),
        content=_content(message),
        values=_values(message),
        slots=_slots(message),
        silent=not is_visible(message),
        shows=_shows(message),
    )


def _address(message: Fields) -> str | None:
    """The device; None for topics and conditions, where nobody can tell whom they reach."""
    named = [key for key in (*_PERSONS, *_GROUPS) if message.has(key)]
    if len(named) != 1:
        raise message.reader.unreadable("it names no target, or several")
    found = message.text(named[0])
    if not found or not found.strip():
        raise message.reader.unreadable(f"`message.{named[0]}` is empty")
    return addresses.normal("push", found) if named[0] in _PERSONS else None


# --- what shows -------------------------------------------------------------------------------------


def remote(message: Fields) -> Fields:
    """What the second Android format shows (`AndroidConfigV2`, a preview; read 2026-11-21)."""
    return message.below("android_v2", "remote_notification")


def is_visible(message: Fields) -> bool:
    """Whether the system shows or sounds something; data alone is for the application."""
    if message.below("notification").holder:
        return True
    aps = message.below("apns", "payload", "aps")
    shown = (message.below("android", "notification"), message.below("webpush", "notification"), remote(message))
    return any(each.holder for each in shown) or any(aps.has(key) for key in ("alert", "sound", "content-state"))


def _content(message: Fields) -> dict[str, str]:
    """Part -> text; where platforms differ, their texts one after the other."""
    found: dict[str, dict[str, None]] = {}
    for part, text in _texts(message):
        if text:
            found.setdefault(part, {})[text] = None
    return {part: "\n".join(texts) for part, texts in found.items()}


def _shows(message: Fields) -> tuple[dict[str, str], ...]:
    """What each platform shows: its own words stand in place of those for all. An alert may stand there alone."""
    if not _is_for_platforms(message):
        return ()
    common, alert = _joined(_words(message.below("notification"))), _joined(_alert(_aps(message)))
    own = [_joined(_words(each)) for each in _with_words(message)]
    shown = [common, *({**common, **each} for each in (*own, alert) if each), alert]
    found = [each for at, each in enumerate(shown) if each and each not in shown[:at]]
    return (*found, *([{}] if _is_translated(message) else []))


def _is_translated(message: Fields) -> bool:
    """Whether some platform shows words that the application holds."""
    alert = _aps(message).raw("alert")
    spoken = [*_with_words(message), *([_aps(message).below("alert")] if isinstance(alert, dict) else [])]
    return any(each.has(key) for each in spoken for key in _TRANSLATED)


def _with_words(message: Fields) -> tuple[Fields, ...]:
    later = remote(message)
    return (message.below("android", "notification"), later, later.below("notification"),
            message.below("webpush", "notification"))  # fmt: skip


def _aps(message: Fields) -> Fields:
    return message.below("apns", "payload", "aps")


def _joined(texts: Iterator[tuple[str, str | None]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part, text in texts:
        if text:
            found[part] = f"{found[part]}\n{text}" if part in found else text
    return found


def _texts(message: Fields) -> Iterator[tuple[str, str | None]]:
    yield from _words(message.below("notification"))
    if not _is_for_platforms(message):
        return
    android, web = message.below("android", "notification"), message.below("webpush", "notification")
    for shown in (android, remote(message), remote(message).below("notification")):
        yield from _words(shown)
    yield "body", android.text("ticker")
    yield from _alert(message.below("apns", "payload", "aps"))
    yield from _words(web)
    for action in web.reader.objects(web.holder, "actions", web.where):
        yield "body", web.reader.text(action, "title", web.where)


def _words(shown: Fields) -> Iterator[tuple[str, str | None]]:
    yield "title", shown.text("title")
    yield "body", shown.text("body")


def _is_for_platforms(message: Fields) -> bool:
    return any(message.has(key) for key in _PLATFORMS)


def _alert(aps: Fields) -> Iterator[tuple[str, str | None]]:
    if isinstance(aps.raw("alert"), str):
        yield "body", aps.text("alert")
        return
    alert = aps.below("alert")
    yield "title", alert.text("title")
    yield "title", alert.text("subtitle")
    yield "body", alert.text("body")


# --- values and slots -------------------------------------------------------------------------------


def _values(message: Fields) -> dict[str, str]:
    """What travels beside the texts and may be put into them: data, and arguments of translated texts."""
    data = flat(_without_campaign(message.below("data")))
    if not _is_for_platforms(message):
        return data
    android, web = message.below("android", "notification"), message.below("webpush", "notification")
    payload = message.below("apns", "payload")
    alert = payload.below("aps", "alert") if isinstance(payload.below("aps").raw("alert"), dict) else None
    beside = {
        "android.data": _without_campaign(message.below("android", "data")),
        "android.notification.title_loc_args": android.raw("title_loc_args"),
        "android.notification.body_loc_args": android.raw("body_loc_args"),
        "apns.payload": {key: value for key, value in payload.holder.items() if key != "aps"},
        "apns.payload.aps.alert.title-loc-args": alert and alert.raw("title-loc-args"),
        "apns.payload.aps.alert.loc-args": alert and alert.raw("loc-args"),
        "apns.payload.aps.content-state": payload.below("aps").raw("content-state"),
        "webpush.data": _without_campaign(message.below("webpush", "data")),
        "webpush.notification.data": web.raw("data"),
    }
    return {**data, **flat(beside)}


def _without_campaign(data: Fields) -> dict[str, Any]:
    return {key: value for key, value in data.holder.items() if key not in CAMPAIGN_KEYS}


def _slots(message: Fields) -> dict[str, tuple[str, ...]]:
    found = {
        **{f"data.{clean(key)}": value for key, value in message.below("data").holder.items()},
        "fcm_options.analytics_label": message.below("fcm_options").raw("analytics_label"),
        **{key: message.raw(key) for key in _GROUPS},
    }
    if _is_for_platforms(message):
        found |= _platform_slots(message)
    return {slot: (as_text(value),) for slot, value in found.items() if value is not None}


def _platform_slots(message: Fields) -> dict[str, Any]:
    android, aps = message.below("android"), message.below("apns", "payload", "aps")
    return {
        "android.fcm_options.analytics_label": android.below("fcm_options").raw("analytics_label"),
        "apns.fcm_options.analytics_label": message.below("apns", "fcm_options").raw("analytics_label"),
        "android.notification.channel_id": android.below("notification").raw("channel_id"),
        "android.notification.tag": android.below("notification").raw("tag"),
        "android.collapse_key": android.raw("collapse_key"),
        "apns.payload.aps.category": aps.raw("category"),
        "apns.payload.aps.thread-id": aps.raw("thread-id"),
    }
