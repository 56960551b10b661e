"""The payload of a mail send: who gets what, the same without some of them, with other content, and made anew.

Every address under `to`, `cc` and `bcc` of every personalization is a send of its own, in this order.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policykit import addresses
from policykit.adapters.base import NO_HEADERS, Replacement
from policykit.adapters.payload import Reader, as_text, clean, flat
from policykit.sends import Send

_FIELDS = ("to", "cc", "bcc")
_WHOM = frozenset({*_FIELDS, "email", "personalizations"})
_PARTS = {"text/plain": "text", "text/html": "html"}
_AMP = "text/x-amp-html"
_LATEST = 253_402_300_799  # the last second of year 9999
_NAMED = re.compile(r"(.*)<([^<>]*)>\s*", re.DOTALL)
_BODY_TAG = re.compile(r"<body[^>]*>", re.IGNORECASE)

# What stays of a message whose content is replaced: who sends, to whom, when, and how it is counted.
_STAYS = frozenset({
    "from", "reply_to", "reply_to_list", "headers", "categories", "custom_args", "send_at", "batch_id", "asm",
    "ip_pool_name", "mail_settings", "tracking_settings",
})  # fmt: skip
_STAYS_OF_ONE = frozenset({*_FIELDS, "from", "headers", "custom_args", "send_at"})


def sends(reader: Reader, payload: Mapping[str, Any]) -> tuple[Send, ...]:
    """Every send of the payload. Raises `UnreadableSend`, also for a payload that names nobody."""
    _spelled(reader, payload)
    shared = _Shared(reader, payload)
    found = tuple(
        send
        for place, personalization in enumerate(reader.objects(payload, "personalizations"))
        for send in shared.of(personalization, f"personalizations[{place}].")
    )
    if not found:
        raise reader.unreadable("it names nobody in `personalizations`")
    copied = _copied(reader, payload)
    return found if copied is None else (*found, shared.copy(copied))


def _copied(reader: Reader, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """Who is sent a hidden copy of everything: an old setting of the account that a call may still name."""
    if not payload.get("mail_settings"):
        return None
    setting = reader.mapping(reader.mapping(payload, "mail_settings"), "bcc", "mail_settings.")
    return setting if setting.get("enable") and setting.get("email") else None


def _spelled(reader: Reader, holder: Mapping[str, Any]) -> None:
    """Refuses `CC` beside or for `cc`: servers differ in whether that is a recipient."""
    for key in holder:
        if key not in _WHOM and key.lower() in _WHOM:
            raise reader.unreadable("it names people under a key that is not spelled as the API has it")


class _Shared:
    """What all personalizations of a payload have in common, read once."""

    def __init__(self, reader: Reader, payload: Mapping[str, Any]) -> None:
        self.reader = reader
        self.at = _at(reader, payload, "")
        self.parts = _parts(reader, payload)
        self.content = self._content(reader.text(payload, "subject"))
        self.custom_args = _texts(reader, payload, "custom_args", "")
        self.headers = _texts(reader, payload, "headers", "")
        self.values = _texts(reader, payload, "sections", "")
        self.of_call = _slots(reader, payload)
        self.slots = self._slots({}, {})
        self.adds = _added(reader, payload)
        self.amp = _of_type(reader, payload, _AMP)
        self.has_template = bool(payload.get("template_id"))
        self.shows = self._shown(self.content)

    def copy(self, holder: Mapping[str, Any]) -> Send:
        """The hidden copy of everything."""
        address = _address(self.reader, holder, "mail_settings.", "bcc")
        return self._send(address, self.content, self.values, self.at, self.slots, self.headers)

    def _send(
        self, address: str | None, content: Mapping[str, str], values: Mapping[str, str], at: int | None,
        slots: Mapping[str, tuple[str, ...]], headers: Mapping[str, str],
    ) -> Send:  # fmt: skip
        # Whether SendGrid's headers stand in place of the application's own is not said: then only its own count.
        own = any(name.lower().startswith("list-unsubscribe") for name in headers)
        adds = self.adds - {"one_click"} if own else self.adds
        return Send(
            "email",
            "sendgrid",
            address,
            content,
            values,
            at,
            slots,
            headers=headers,
            adds=adds,
            shows=self.shows if content is self.content else self._shown(content),
        )

    def of(self, personalization: Mapping[str, Any], where: str) -> Iterator[Send]:
        """The sends of one personalization, which share everything but the address."""
        read = self.reader
        _spelled(read, personalization)
        subject = read.text(personalization, "subject", where)
        content = self.content if subject is None else self._content(subject)
        own_at = _at(read, personalization, where)
        at = self.at if own_at is None else own_at
        substitutions = _texts(read, personalization, "substitutions", where)
        data = flat(read.mapping(personalization, "dynamic_template_data", where))
        values = {**self.values, **substitutions, **data} if substitutions or data else self.values
        custom_args = _texts(read, personalization, "custom_args", where)
        headers = _texts(read, personalization, "headers", where)
        slots = self._slots(custom_args, headers) if custom_args or headers else self.slots
        lines = {**self.headers, **headers} if headers else self.headers
        for field in _FIELDS:
            for each in read.objects(personalization, field, where):
                yield self._send(_address(read, each, where, field), content, values, at, slots, lines)

    def _shown(self, content: Mapping[str, str]) -> tuple[Mapping[str, str], ...]:
        """A template's texts may stand in place of those of the call, and a page for AMP in place of the others."""
        heads = {part: text for part, text in content.items() if part not in _PARTS.values()}
        pages = [{**heads, "html": page} for page in self.amp]
        if not content or not (pages or self.has_template):
            return ()
        return (content, *pages, *([_HELD] if self.has_template else []))

    def _content(self, subject: str | None) -> dict[str, str]:
        return self.parts if subject is None else {"subject": subject, **self.parts}

    def _slots(self, custom_args: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        # Those of the personalization win over those of the call (API reference, read 2026-11-21).
        return {
            **{f"custom_args.{key}": (text,) for key, text in {**self.custom_args, **custom_args}.items()},
            **{f"headers.{key}": (text,) for key, text in {**self.headers, **headers}.items()},
            **self.of_call,
        }


_NOTHING: frozenset[str] = frozenset()
_HELD: Mapping[str, str] = {}  # texts that SendGrid has


def _added(reader: Reader, payload: Mapping[str, Any]) -> frozenset[str]:
    """What SendGrid puts in by itself: with subscription tracking both headers of RFC 8058, and a link to every text.

    With a tag of its own the link only takes the tag's place. Unsubscribe groups (`asm`) promise no header.
    Source: https://www.twilio.com/docs/sendgrid/ui/sending-email/list-unsubscribe, read 2026-11-22.
    """
    if not payload.get("tracking_settings"):
        return _NOTHING
    settings = reader.mapping(payload, "tracking_settings")
    tracking = reader.mapping(settings, "subscription_tracking", "tracking_settings.")
    if tracking.get("enable") is not True:
        return _NOTHING
    return frozenset({"one_click"} if tracking.get("substitution_tag") else {"one_click", "unsubscribe"})


def _slots(reader: Reader, payload: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Slots that only the call has."""
    found = {
        "categories": _listed(reader, payload, "categories"),
        "asm.group_id": _single(reader.mapping(payload, "asm").get("group_id")),
        "template_id": _single(payload.get("template_id")),
        "ip_pool_name": _single(payload.get("ip_pool_name")),
    }
    return {slot: texts for slot, texts in found.items() if texts}


def _listed(reader: Reader, payload: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The texts of a list; a text alone is read all the same."""
    found = payload.get(key)
    return _single(found) if isinstance(found, str) else tuple(as_text(each) for each in reader.items(payload, key))


def _single(value: object) -> tuple[str, ...]:
    return () if value is None else (as_text(value),)


def _texts(reader: Reader, holder: Mapping[str, Any], key: str, where: str) -> dict[str, str]:
    if key not in holder:
        return {}
    found = reader.mapping(holder, key, where)
    return {clean(name): as_text(value) for name, value in found.items() if value is not None}


def _parts(reader: Reader, payload: Mapping[str, Any]) -> dict[str, str]:
    """The texts a person sees; several of one type, which only Anymail can send, are put together."""
    found = {part: _of_type(reader, payload, kind) for kind, part in _PARTS.items()}
    return {part: "\n".join(texts) for part, texts in found.items() if texts}


def _of_type(reader: Reader, payload: Mapping[str, Any], wanted: str) -> list[str]:
    found: list[str] = []
    for each in reader.objects(payload, "content"):
        kind = (reader.text(each, "type", "content[].") or "").partition(";")[0].strip().lower()
        value = reader.text(each, "value", "content[].")
        if kind == wanted and value is not None:
            found.append(value)
    return found


def _at(reader: Reader, holder: Mapping[str, Any], where: str) -> int | None:
    found = holder.get("send_at")
    if found is None:
        return None
    if type(found) is not int or not 0 <= found <= _LATEST:
        raise reader.unreadable(f"`{where}send_at` is no time in Unix seconds")
    return found * 1_000_000


def _address(reader: Reader, holder: Mapping[str, Any], where: str, field: str) -> str | None:
    """None for a text that is no address: nobody can tell whom it would reach."""
    _spelled(reader, holder)
    found = holder.get("email")
    if not isinstance(found, str):
        raise reader.unreadable(f"`{where}{field}[].email` is missing, or no text")
    found = clean(found)
    return addresses.normal("email", found)


def split_address(text: str) -> tuple[str, str]:
    """Name and address of `Name <address>`, or no name and the text itself."""
    named = _NAMED.fullmatch(text)
    return (named[1].strip().strip('"'), named[2].strip()) if named else ("", text.strip())


# --- the same call for fewer people ----------------------------------------------------------------


def kept(payload: Mapping[str, Any], mask: Sequence[bool]) -> dict[str, Any]:
    """A payload that was read, with only the addresses whose place in the mask is true, in the same order."""
    left: list[dict[str, Any]] = []
    start = 0
    for personalization in payload["personalizations"]:
        groups = [(field, personalization.get(field) or []) for field in _FIELDS]
        end = start + sum(len(group) for _, group in groups)
        marks = mask[start:end]
        start = end
        if any(marks):
            stays = iter(marks)
            people = {field: [each for each in group if next(stays)] for field, group in groups}
            left.extend(_without_others(personalization, people))
    pruned = {**payload, "personalizations": left}
    if start < len(mask) and not (left and mask[start]):
        # The hidden copy is last. Without it, its setting goes; alone, it becomes a message.
        settings = {key: value for key, value in payload["mail_settings"].items() if key != "bcc"}
        copied = payload["mail_settings"]["bcc"]["email"]
        return {**pruned, "mail_settings": settings, "personalizations": left or [{"to": [{"email": copied}]}]}
    return pruned


def _without_others(personalization: Mapping[str, Any], people: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    if people["to"]:
        whole = {key: people.get(key, value) for key, value in personalization.items()}
        yield {key: value for key, value in whole.items() if key not in _FIELDS or value}
        return
    # INVARIANT: without a `to` everybody left gets a message of their own. SendGrid refuses a personalization
    # without `to`, and one person moved there would show a hidden copy to the others.
    rest = {key: value for key, value in personalization.items() if key not in _FIELDS}
    for each in (*people["cc"], *people["bcc"]):
        yield {"to": [each], **rest}


# --- other content, another instant ----------------------------------------------------------------


def is_whole(content: Mapping[str, str]) -> bool:
    """Whether SendGrid would take it as an email: a subject and at least one text."""
    return bool(content.get("subject")) and bool(content.get("text") or content.get("html"))


def rewritten(
    payload: Mapping[str, Any], content: Mapping[str, str], headers: Mapping[str, str] = NO_HEADERS
) -> dict[str, Any]:
    """The payload with other content, and with these headers in place of those of the same name.

    Templates, merge data, sections, attachments and footers go, because values of a person may be in them.
    """
    stays = {key: value for key, value in payload.items() if key in _STAYS}
    stays["personalizations"] = [
        {key: value for key, value in each.items() if key in _STAYS_OF_ONE} for each in payload["personalizations"]
    ]
    _drop(stays, "mail_settings", "footer")
    tracking = dict(stays.get("tracking_settings") or {})
    if tracking:
        _drop(tracking, "subscription_tracking", "text", "html")
        stays["tracking_settings"] = tracking
    if headers:
        stays["personalizations"] = [_without_headers(each, headers) for each in stays["personalizations"]]
        stays["headers"] = {**(_without_headers(stays, headers).get("headers") or {}), **headers}
    return {**stays, **_content(content)}


def _without_headers(holder: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The holder without headers of these names, in whatever case."""
    taken = {name.lower() for name in names}
    kept = {name: text for name, text in (holder.get("headers") or {}).items() if name.lower() not in taken}
    rest = {key: value for key, value in holder.items() if key != "headers"}
    return {**rest, "headers": kept} if kept else rest


def _drop(holder: dict[str, Any], key: str, *names: str) -> None:
    found = holder.get(key)
    if isinstance(found, dict):
        holder[key] = {name: value for name, value in found.items() if name not in names}


def _content(content: Mapping[str, str]) -> dict[str, Any]:
    parts = []
    if content.get("text"):
        parts.append({"type": "text/plain", "value": content["text"]})
    if content.get("html"):
        parts.append({"type": "text/html", "value": _with_preheader(content["html"], content.get("preheader"))})
    return {"subject": content["subject"], "content": parts}


def _with_preheader(page: str, preheader: str | None) -> str:
    """The page with the line that inboxes show after the subject, hidden at its top."""
    if not preheader:
        return page
    line = f'<div style="display:none;max-height:0;overflow:hidden">{html.escape(preheader)}</div>'
    tag = _BODY_TAG.search(page)
    place = tag.end() if tag else 0
    return f"{page[:place]}{line}{page[place:]}"


def scheduled(payload: Mapping[str, Any], seconds: int) -> dict[str, Any]:
    """The payload delivered at a Unix second, whatever its personalizations said."""
    people = [{key: value for key, value in each.items() if key != "send_at"} for each in payload["personalizations"]]
    return {**payload, "personalizations": people, "send_at": seconds}


def composed(
    replacement: Replacement, sender: Mapping[str, str], unsubscribe_group: int | None = None
) -> dict[str, Any]:
    """A whole payload for one person; with an unsubscribe group SendGrid adds its link and header."""
    marks = {"campaign": replacement.campaign, "policykit": replacement.decision}
    group = {"asm": {"group_id": unsubscribe_group}} if unsubscribe_group is not None else {}
    return {
        "personalizations": [{"to": [{"email": replacement.address}]}],
        "from": dict(sender),
        "custom_args": {name: text for name, text in marks.items() if text},
        **group,
        **({"headers": dict(replacement.headers)} if replacement.headers else {}),
        **_content(replacement.content),
    }
