"""The same message with other words, and a message made anew.

Of a message whose words are replaced stays what delivers, groups and counts it. Everything else goes: data,
images, links, actions and texts of the application may hold a person's values.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from policykit.adapters.base import Replacement

from policykit_fcm.message import CAMPAIGN_KEYS, Fields, other_spelling, remote, spelled

_TARGETS = ("token", "fid")
_ANDROID = (
    "collapse_key", "priority", "ttl", "restricted_package_name", "direct_boot_ok", "bandwidth_constrained_ok",
    "restricted_satellite_ok",
)  # fmt: skip
_ANDROID_SHOWN = (
    "icon", "color", "sound", "tag", "channel_id", "sticky", "local_only", "notification_priority",
    "default_sound", "default_vibrate_timings", "default_light_settings", "vibrate_timings", "light_settings",
    "visibility", "notification_count", "proxy",
)  # fmt: skip
_APS = (
    "badge", "sound", "category", "thread-id", "content-available", "mutable-content", "interruption-level",
    "relevance-score",
)  # fmt: skip
_WEB_SHOWN = (
    "badge", "icon", "dir", "lang", "renotify", "require_interaction", "silent", "tag", "vibrate", "timestamp",
)  # fmt: skip
_ANALYTICS_LABEL = re.compile(r"[a-zA-Z0-9_.~%-]{1,50}")
# An installation id, which firebase-admin 7.7 prefers; registration tokens are far longer (read 2026-11-21).
_FID = re.compile(r"[c-f][A-Za-z0-9_-]{21}")


def words(content: Mapping[str, str]) -> dict[str, str]:
    """What a push shows; empty when the content has neither title nor body."""
    return {part: content[part] for part in ("title", "body") if content.get(part)}


def why_not(message: Fields) -> str | None:
    """Why the words of this message cannot be replaced; None when they can."""
    aps = message.below("apns", "payload", "aps")
    if not any(message.has(key) for key in _TARGETS):
        return "it names no person"
    if aps.has("content-state") or message.below("apns").has("live_activity_token"):
        return "a live activity holds more than words"
    if remote(message).holder:
        return "`android_v2` is not written yet"
    shown = [message.below(*path, "notification").holder for path in ((), ("android",), ("webpush",))]
    return None if any(shown) or aps.has("alert") else "the application writes the words itself"


def rewritten(message: Fields, new: Mapping[str, str]) -> dict[str, Any]:
    """The message with other words wherever it showed some."""
    found = {
        "fcm_options": _only(message.below("fcm_options"), ("analytics_label",)),
        "notification": dict(new) if message.below("notification").holder else {},
        "data": _only(message.below("data"), CAMPAIGN_KEYS),
        "android": _android(message.below("android"), new),
        "apns": _apns(message.below("apns"), new),
        "webpush": _web(message.below("webpush"), new),
    }
    return _with(_only(message, _TARGETS), **found)


def _only(fields: Fields, keys: Collection[str]) -> dict[str, Any]:
    """Those fields alone, in either spelling."""
    wanted = {*keys, *map(other_spelling, keys)}
    return {key: value for key, value in fields.holder.items() if key in wanted}


def _with(holder: dict[str, Any], **found: dict[str, Any]) -> dict[str, Any]:
    return {**holder, **{key: value for key, value in found.items() if value}}


def _android(android: Fields, new: Mapping[str, str]) -> dict[str, Any]:
    shown = android.below("notification")
    return _with(
        _only(android, _ANDROID),
        data=_only(android.below("data"), CAMPAIGN_KEYS),
        notification={**_only(shown, _ANDROID_SHOWN), **new} if shown.holder else {},
        fcm_options=_only(android.below("fcm_options"), ("analytics_label",)),
    )


def _apns(apns: Fields, new: Mapping[str, str]) -> dict[str, Any]:
    aps = apns.below("payload", "aps")
    alert = {"alert": dict(new)} if aps.has("alert") else {}
    return _with(
        _only(apns, ("headers",)),
        payload=_with({}, aps={**_only(aps, _APS), **alert}),
        fcm_options=_only(apns.below("fcm_options"), ("analytics_label",)),
    )


def _web(web: Fields, new: Mapping[str, str]) -> dict[str, Any]:
    shown = web.below("notification")
    return _with(
        _only(web, ("headers",)),
        data=_only(web.below("data"), CAMPAIGN_KEYS),
        notification={**_only(shown, _WEB_SHOWN), **new} if shown.holder else {},
        fcm_options=_only(web.below("fcm_options"), ("analytics_label",)),
    )


def whole(payload: Mapping[str, Any], message: Mapping[str, Any]) -> dict[str, Any]:
    """The payload around another message."""
    return {**payload, spelled(payload, "message"): dict(message)}


def composed(replacement: Replacement) -> dict[str, Any]:
    """A whole payload for one person."""
    target = "fid" if _FID.fullmatch(replacement.address) else "token"
    marks = {"campaign": replacement.campaign, "policykit": replacement.decision}
    message: dict[str, Any] = {target: replacement.address, "notification": words(replacement.content)}
    data = {name: text for name, text in marks.items() if text}
    if data:
        message["data"] = data
    if replacement.campaign and _ANALYTICS_LABEL.fullmatch(replacement.campaign):
        message["fcm_options"] = {"analytics_label": replacement.campaign}
    return {"message": message}
