"""The fields that a text or a provider's payload fills in per person: merge fields and slots, by name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from policykit.detect.values import is_value

# Liquid, Handlebars, Jinja and Mustache; Mailchimp; Mailgun; Salesforce; SendGrid's old tags; ERB and shell-like ones.
_MERGE = (
    re.compile(r"\{\{\{?[-~]?[#/^&>!]?\s*([^{}]{1,200}?)\s*[-~]?\}?\}\}"),
    re.compile(
        r"\{%[-~]?\s*(?:if|elsif|unless|case|for\s+\w+\s+in|assign\s+\w+\s*=|capture)\s+([^%]{1,200}?)\s*[-~]?%\}"
    ),
    re.compile(r"\*\|([A-Z0-9_:]{2,60})\|\*"),
    re.compile(r"%recipient\.(\w{1,60})%"),
    re.compile(r"%%(\w{2,60})%%"),
    re.compile(r"\[%(\w{2,60})(?:\s*\|[^%]*)?%\]"),
    re.compile(r"\$\{(\w[\w.]{1,60})\}"),
)
_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"")
_PATH = re.compile(r"(?<![\w.|:])([^\W\d][\w-]*(?:\.[^\W\d][\w-]*|\[[^\]]*\])*)")
_FILTER = re.compile(r"\|\s*\w+:?|\b\w+:")
_KEYWORDS = frozenset(
    """
    and or not contains if else elsif unless endif case when for in true false nil null empty blank with as each this
    endfor forloop tablerowloop limit offset reversed default upcase downcase capitalize offers item items index first
    last end else_if is eq ne gt lt then lookup merge unsub update_profile archive current_year list include render
    """.split()  # noqa: SIM905  # one table
)
_SHORTHAND = {"fname": "first_name", "lname": "last_name", "mmerge": ""}

# Slots that are the provider's own: where the message goes, who sends it, what it says.
_OWN = frozenset(
    """
    to cc bcc from from_email from_name reply_to replyto token tokens topic condition registration_ids
    messagingservicesid accountsid statuscallback api_key template_id contentsid ip_pool_name asm batch_id categories
    send_at sendat scheduletype validityperiod maxprice subject body html text title content type value name headers
    android apns webpush webhook fcm_options priority ttl sound badge mediaurl image icon click_action collapse_key
    analytics_label mail_settings tracking_settings
    """.split()  # noqa: SIM905  # one table
)
_SLOTS = frozenset(
    """
    dynamic_template_data dynamictemplatedata substitutions custom_args customargs unique_args data contentvariables
    template_data variables merge_vars metadata personalization substitution_data params vars recipient_variables
    """.split()  # noqa: SIM905  # one table
)
_MOST_SLOTS = 5000


@dataclass(frozen=True, slots=True)
class Slot:
    """A field that is filled in per person. name: as the text or payload spells it; values: those seen, if any."""

    name: str
    values: tuple[str, ...] = field(default=(), repr=False)


def merge_fields(text: str) -> tuple[Slot, ...]:
    """The variables of a template, whichever language it is written in, each once, in order."""
    names: dict[str, None] = {}
    for pattern in _MERGE:
        for found in pattern.finditer(text):
            names.update(dict.fromkeys(_variables(found.group(1))))
    return tuple(Slot(name) for name in names)


def _variables(expression: str) -> Iterator[str]:
    plain = _FILTER.sub(" ", _TEXTS.sub(" ", expression))
    for found in _PATH.finditer(plain):
        name = re.sub(r"\[[^\]]*\]", "", found.group(1))
        if name.lower().split(".")[0] not in _KEYWORDS:
            yield _SHORTHAND.get(name.lower(), name) if name.isupper() else name


def payload_slots(payload: object) -> tuple[Slot, ...]:
    """The slots of a provider's payload that an application fills: template data, substitutions, data messages, and the
    merge fields in its texts. Where the message goes and who sends it are the provider's own slots and left out.
    """
    found: dict[str, list[str]] = {}
    for path, value in _leaves(payload, ()):
        if len(found) >= _MOST_SLOTS:
            break
        name = _slot_name(path)
        if name:
            found.setdefault(name, []).append(value)
        for field_ in merge_fields(value):
            found.setdefault(field_.name, [])
    return tuple(Slot(name, tuple(values)) for name, values in found.items())


def fields_within(cells: Iterable[str | None]) -> dict[str, list[str]]:
    """The fields of objects that cells hold as JSON, by their path, with their values; cells of lists included."""
    found: dict[str, list[str]] = {}
    for cell in cells:
        try:
            held = [*_leaves(_opened(cell.strip()), ())] if cell else []
        except RecursionError:  # nested so deep that nobody reads it
            continue
        for path, value in held:
            name = ".".join(step for step in path if not is_value(step))
            if name in found or len(found) < _MOST_SLOTS:
                found.setdefault(name, []).append(value)
    return found


def _slot_name(path: tuple[str, ...]) -> str | None:
    """The name of a slot by its path, None for those of the provider."""
    path = tuple(step for step in path if not is_value(step))  # variables may be keyed by address
    words = [re.sub(r"[^a-z_]", "", step.lower()) for step in path]
    held = next((at for at, word in enumerate(words) if word in _SLOTS), None)
    if held is not None and held + 1 < len(path):
        return ".".join(_bare(step) for step in path[held + 1 :])
    if words[-1:] == ["name"] and len(words) > 1 and words[-2] in ("to", "cc", "bcc"):
        return "recipient_name"
    return None if any(word in _OWN or word in _SLOTS for word in words) else _bare(path[-1]) if path else None


def _bare(step: str) -> str:
    """A substitution tag without what marks it: `-first_name-`, `{{name}}`, `%name%`."""
    return step.strip("-{}%[]*|:# ")


def _leaves(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text and number with the keys that lead to it; JSON inside a text is opened too (Twilio's variables)."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _leaves(inner, (*path, str(key)))
        case list():
            for inner in value:
                yield from _leaves(inner, path)
        case str():
            opened = _opened(value) if path else None
            if opened is not None:
                yield from _leaves(opened, path)
            else:
                yield path, value
        case bool() | None:
            yield path, ""
        case int() | float():
            yield path, str(value)
        case _:
            pass


def _opened(text: str) -> object:
    if not text.startswith(("{", "[")):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None
