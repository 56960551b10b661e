"""Campaign manifests: a planned send, its contents and its audience."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from policykit.errors import Place, Problem
from policykit.language.audience import RELATION_KEYS, AudienceSpec, read_audience
from policykit.language.config import Config
from policykit.language.headers import HEADERS, content_held, read_headers
from policykit.language.offers import offered, offers_section, where_shown
from policykit.language.registry import Registry
from policykit.language.schema import SILENCE, Schema, Shape
from policykit.language.spans import INSTANT_EXAMPLE, known_zones, parse_instant, parse_local
from policykit.language.suggest import did_you_mean, every, found
from policykit.language.template import Template, read_template
from policykit.language.tree import MapNode, Node, ScalarNode, Source, find, to_plain
from policykit.language.yaml import read_text
from policykit.model import Campaign, LocalTime, Micros, Prepared, Use, Variant
from policykit.vocabulary import CHANNELS, HELPS, MESSAGE_CLASSES, REACTIONS, covers

PARTS = ("subject", "preheader", "title", "body", "text", "html")
FORECASTS = ("blocked", "unknown", "downgraded")
_FILES = (".html", ".htm", ".txt", ".md", ".liquid")
_LONGEST_NAME = 255  # bytes; asking for a file of a longer name is an error of the system

_TEXT: Schema = {"type": "string", "empty": False}
_PART_SHAPES: Schema = {part: {"type": "string"} for part in PARTS}
_SHAPE = Shape(
    {
        "campaign": {"type": "id", "required": True},
        "message_class": {"type": "string", "allowed": list(MESSAGE_CLASSES)},
        "purpose": _TEXT,
        "program": _TEXT,
        "delivers": _TEXT,
        "controller": _TEXT,
        "because": _TEXT,
        "owner": _TEXT,
        "silence": SILENCE,
        "audience": {
            "type": "dict",
            "schema": {
                "from": _TEXT,
                "columns": {"type": "dict"},
                "selected_by": {"type": "list"},
                "ignore": {"type": "list"},
                **dict.fromkeys(RELATION_KEYS, _TEXT),
            },
        },
        "style": {
            "type": "dict",
            "schema": {"helps": {"type": "string", "allowed": list(HELPS)}, "need": _TEXT},
        },
        "send": {
            "type": "dict",
            "schema": {"at": {"type": "string"}, "zone": {"type": "string"}, "not_after": {"type": "string"}},
        },
        "channels": {"type": "dict", "required": True, "empty": False},
        "offers": {"type": "dict"},
        "brakes": {
            "type": "dict",
            "schema": {name: {"type": "percent"} for name in (*FORECASTS, *REACTIONS)},
        },
    },
    "campaign",
)
_CHANNEL = Shape(
    {"provider": _TEXT, **_PART_SHAPES, "headers": HEADERS, "generic": {"type": "dict", "schema": _PART_SHAPES}},
    "channel",
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A campaign as written.

    file: the manifest as the user would type it. templates, generic: channel -> part -> template.
    headers: channel -> name -> template, of every content of the channel.
    brakes: `blocked`, `unknown`, `downgraded` of the forecast, `complaints`, `unsubscribes`, `too_personal` of
    past sends -> largest share (0.05 = 5 %) that may go on.
    providers: name -> where it is named first. because: why it is sent, in words for those who get it.
    silence: codes of warnings of `check` that are answered, and why.
    """

    id: str
    campaign: Campaign
    audience: AudienceSpec
    templates: Mapping[str, Mapping[str, Template]] = field(default_factory=dict)
    generic: Mapping[str, Mapping[str, Template]] = field(default_factory=dict)
    brakes: Mapping[str, float] = field(default_factory=dict)
    file: str = ""
    path: Path | None = None
    place: Place | None = None
    providers: Mapping[str, Place] = field(default_factory=dict, compare=False)
    headers: Mapping[str, Mapping[str, Template]] = field(default_factory=dict)
    because: str | None = None
    silence: MapNode | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What reading one manifest needs.

    folder: where it lies; shown: how its files are named in problems; because: whether it says why it is sent.
    """

    folder: Path
    shown: str
    root: Path
    config: Config
    registry: Registry
    problems: list[Problem]
    because: bool = False

    def say(self, place: Place, message: str, way_out: str | None = None, code: str = "campaign.invalid") -> None:
        self.problems.append(Problem(place, message, way_out, code))

    def warn(self, place: Place, message: str, way_out: str, code: str) -> None:
        self.problems.append(Problem(place, message, way_out, code, "warning"))


def read_campaign(
    node: Node, path: Path, file: str, root: Path, config: Config, registry: Registry, problems: list[Problem]
) -> Manifest | None:
    """The manifest, or None after reporting what is wrong with it; warnings are reported as well."""
    before = _errors(problems)
    problems += _SHAPE.check(node)
    if not isinstance(node, MapNode):
        return None
    because = "because" in node.entries
    reading = _Reading(path.parent, file.rpartition("/")[0], root, config, registry, problems, because)
    plain = to_plain(node)
    _words(node, plain, reading)
    audience = read_audience(node.get("audience"), root, config, registry, problems)
    if audience.selected_by is None:
        reading.warn(audience.place or node.place, "`audience` does not say what picked the people: uses are unknown",
                     "write `selected_by: []` if no data picked them", "campaign.selected-by")  # fmt: skip
    offers = offers_section(node.get("offers"), registry, problems)
    at, not_after = _when(node.get("send"), reading)
    prepared, templates, generic, headers = _channels(node.get("channels"), audience.selected_by, reading)
    problems += where_shown(node, offers, templates, generic)
    if _errors(problems) > before:
        return None
    program = registry.programs.get(plain.get("program", ""))
    style = plain.get("style") or {}
    campaign = Campaign(
        id=plain["campaign"], prepared=offered(prepared, offers), at=at,
        message_class=plain.get("message_class", "marketing"),
        purpose=program.purpose if program else plain.get("purpose"), program=plain.get("program"),
        controller=plain.get("controller", registry.controller), not_after=not_after,
        helps=style.get("helps"), need=style.get("need"), offers=offers,
        delivers=plain.get("delivers"),
    )  # fmt: skip
    silence = node.get("silence")
    brakes = {name: float(share.removesuffix("%")) / 100 for name, share in (plain.get("brakes") or {}).items()}
    return Manifest(campaign.id or "", campaign, audience, templates, generic, brakes,
                    file, path, node.place, _provider_places(node.get("channels")), headers,
                    plain.get("because"), silence if isinstance(silence, MapNode) else None)  # fmt: skip


def _errors(problems: Iterable[Problem]) -> int:
    return sum(problem.severity == "error" for problem in problems)


def _words(node: MapNode, plain: dict[str, Any], reading: _Reading) -> None:
    """Purpose, program, benefit and need must exist and agree."""
    registry = reading.registry
    need = plain["style"].get("need") if isinstance(plain.get("style"), dict) else None
    for path, word, what, known in (
        (("purpose",), plain.get("purpose"), "purpose", registry.purposes),
        (("program",), plain.get("program"), "program", registry.programs),
        (("style", "need"), need, "attribute", registry.attributes),
    ):
        if isinstance(word, str) and word not in known:
            reading.say(find(node, path).place, f"unknown {what} `{word}`{did_you_mean(word, known)}",
                        f"register it under `{what}s:`", f"campaign.unknown-{what}")  # fmt: skip
    program = registry.programs.get(str(plain.get("program")))
    if program and program.purpose and "purpose" in plain and plain["purpose"] != program.purpose:
        reading.say(find(node, ("purpose",)).place, f"`purpose` is `{plain['purpose']}`, but program `{program.id}` "
                    f"serves `{program.purpose}`", "drop `purpose`: it follows from the program",
                    "campaign.purpose")  # fmt: skip
    _class(node, plain, program.purpose if program else plain.get("purpose"), reading)
    _benefit(node, plain, reading)


def _class(node: MapNode, plain: dict[str, Any], purpose: object, reading: _Reading) -> None:
    """Marketing policies do not apply to transactional sends, so a marketing purpose may not hide behind the class."""
    if plain.get("message_class") == "transactional" and isinstance(purpose, str) and covers("marketing", purpose):
        reading.say(node.entries["message_class"].key, f"`transactional` contradicts the purpose `{purpose}`",
                    "write `message_class: marketing`, or the purpose that the message really serves",
                    "campaign.class")  # fmt: skip


def _benefit(node: MapNode, plain: dict[str, Any], reading: _Reading) -> None:
    delivers = plain.get("delivers")
    if not isinstance(delivers, str):
        return
    place = find(node, ("delivers",)).place
    program = reading.registry.programs.get(str(plain.get("program")))
    if "program" not in plain:
        reading.say(place, "`delivers` names a benefit, but the campaign names no `program`", "add `program:`")
    elif program:
        benefits = [name for name, _ in program.gives]
        if delivers not in benefits:
            reading.say(place, f"program `{program.id}` gives no `{delivers}`{did_you_mean(delivers, benefits)}",
                        "add it to `gives` of the program")  # fmt: skip


# --- when -----------------------------------------------------------------------------------------


def _when(node: Node | None, reading: _Reading) -> tuple[Micros | LocalTime | None, Micros | LocalTime | None]:
    if not isinstance(node, MapNode):
        return None, None
    zone_node = node.get("zone")
    zone = zone_node.text if isinstance(zone_node, ScalarNode) else None
    if zone_node and zone not in (None, "recipient") and zone not in known_zones():
        reading.say(zone_node.place, f"`zone` is `{zone}`; no such time zone{did_you_mean(zone, known_zones())}",
                    "write `recipient` or an IANA name such as `Europe/Paris`", "campaign.zone")  # fmt: skip
    at = _moment(node, "at", zone, reading)
    not_after = _moment(node, "not_after", zone, reading)
    if at is not None and type(at) is type(not_after) and _sooner(not_after, at):
        reading.say(find(node, ("not_after",)).place, "`not_after` is before `at`", "correct one of the two",
                    "campaign.deadline")  # fmt: skip
    return at, not_after


def _sooner(one: Any, other: Any) -> bool:
    if isinstance(one, LocalTime):
        return bool(one.at < other.at)
    return bool(one < other)


def _moment(node: MapNode, key: str, zone: str | None, reading: _Reading) -> Micros | LocalTime | None:
    value = node.get(key)
    if not isinstance(value, ScalarNode) or not isinstance(value.value, str):
        return None
    instant = parse_instant(value.value)
    if instant is not None:
        return instant
    local = parse_local(value.value)
    if local is None:
        reading.say(value.place, f"`send.{key}` is {found(value.value)}; expected an instant or a local time",
                    f"write `{INSTANT_EXAMPLE}`, or `2026-03-02T10:00` with `zone:`", "campaign.instant")  # fmt: skip
        return None
    if zone is None:
        message = f"`send.{key}` has no offset and no `zone` says whose clock it is"
        way_out = "add `zone: recipient`, a zone such as `Europe/Paris`, or an offset"
        reading.say(value.place, message, way_out, "campaign.naive-time")
        return None
    return LocalTime(local, None if zone == "recipient" else zone)


# --- what ------------------------------------------------------------------------------------------

_Parts = dict[str, dict[str, Template]]


def _channels(node: Node | None, selected: tuple[str, ...] | None,
              reading: _Reading) -> tuple[tuple[Prepared, ...], _Parts, _Parts, _Parts]:  # fmt: skip
    prepared: list[Prepared] = []
    templates: _Parts = {}
    generic: _Parts = {}
    headers: _Parts = {}
    registry, sender = reading.registry, reading.config.sender_address
    for name, (place, content) in node.entries.items() if isinstance(node, MapNode) else ():
        if name not in CHANNELS:
            reading.say(place, f"unknown channel `{name}`{did_you_mean(name, CHANNELS)}",
                        f"expected one of {every(CHANNELS)}", "campaign.unknown-channel")  # fmt: skip
        wrong = _CHANNEL.check(content, ("channels", name))
        reading.problems.extend(wrong)
        if wrong or not isinstance(content, MapNode):
            continue
        templates[name] = _templates(content, reading)
        if not any(part in content.entries for part in PARTS):
            reading.warn(
                place, f"`{name}` has no content: its uses are unknown", "write its `body`", "campaign.no-content"
            )
        own = read_headers(content.get("headers"), name, registry.attributes, registry.undisclosed, reading.problems)
        headers[name] = own
        variant = Variant(_uses(templates[name], selected, own), content_held(own, templates[name], sender))
        other = content.get("generic")
        lesser = None
        if isinstance(other, MapNode):
            generic[name] = _templates(other, reading)
            lesser = Variant(_uses(generic[name], selected, own), content_held(own, generic[name], sender))
            _not_generic(content, generic[name], reading)
        provider = content.get("provider")
        prepared.append(Prepared(name, provider.text if isinstance(provider, ScalarNode) else None, variant, lesser))
    return tuple(prepared), templates, generic, headers


def _provider_places(node: Node | None) -> dict[str, Place]:
    places: dict[str, Place] = {}
    for _, content in node.entries.values() if isinstance(node, MapNode) else ():
        provider = find(content, ("provider",))
        if isinstance(provider, ScalarNode):
            places.setdefault(provider.text, provider.place)
    return places


def _not_generic(content: MapNode, templates: Mapping[str, Template], reading: _Reading) -> None:
    for part, template in templates.items():
        if template.uses:
            place = find(content, ("generic", part)).place
            reading.warn(place, f"the generic variant uses `{template.uses[0].attribute}`",
                         "a generic text is the same for everybody", "campaign.generic")  # fmt: skip


def _uses(
    templates: Mapping[str, Template], selected: tuple[str, ...] | None, headers: Mapping[str, Template]
) -> tuple[Use, ...] | None:
    """The uses of one variant; None where its texts or what picked the people are not known (M3)."""
    if not templates or selected is None:
        return None
    uses: dict[str, Use] = {}
    for use in (use for template in (*templates.values(), *headers.values()) for use in template.uses):
        old = uses.get(use.attribute, use)
        uses[use.attribute] = replace(use, recited=use.recited or old.recited, required=use.required or old.required)
    for attribute in selected:
        uses[attribute] = replace(uses.get(attribute, Use(attribute)), selected=True, strippable=False)
    return tuple(uses[attribute] for attribute in sorted(uses))


def _templates(node: MapNode, reading: _Reading) -> dict[str, Template]:
    found_parts: dict[str, Template] = {}
    for part in PARTS:
        value = node.get(part)
        if not isinstance(value, ScalarNode):
            continue
        is_file = _is_file(value.text) or _beside(value.text, reading) is not None
        template = _from_file(part, value, reading) if is_file else _inline(part, value, reading)
        if template:
            found_parts[part] = template
    return found_parts


def _is_file(text: str) -> bool:
    return text.lower().endswith(_FILES) and not any(char in text for char in " \n{<")


def _beside(text: str, reading: _Reading) -> tuple[Path, str] | None:
    """A file of this name beside the manifest or in its `templates/` folder, and how it is shown."""
    could_be = "." in text and len(text.encode()) <= _LONGEST_NAME
    for within in ("", "templates/") if could_be else ():
        path = reading.folder / within / text
        if path.is_file():
            return path, "/".join(filter(None, (reading.shown, f"{within}{text}")))
    return None


def _inline(part: str, value: ScalarNode, reading: _Reading) -> Template:
    return read_template(part, value.text, reading.registry.attributes, value.at, reading.problems,
                         undisclosed=reading.registry.undisclosed, because=reading.because)  # fmt: skip


def _from_file(part: str, value: ScalarNode, reading: _Reading) -> Template | None:
    """The template of a file beside the manifest or in its `templates/` folder."""
    file = _beside(value.text, reading)
    if file is not None:
        path, shown = file
        text, problems = read_text(path, shown)
        reading.problems.extend(problems)
        if text is None:
            return None
        source = Source(shown, text)
        return read_template(part, text, reading.registry.attributes, source.place, reading.problems, shown,
                             reading.registry.undisclosed, because=reading.because)  # fmt: skip
    way_out = "put it beside the manifest, or in its `templates/` folder"
    reading.say(value.place, f"no such template `{value.text}`", way_out, "campaign.template")
    return None
