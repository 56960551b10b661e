"""Policies as written: one sentence each, checked in everything but the meaning of expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, cast

from policykit.errors import Place, Problem
from policykit.language.matching import Scope, read_scope
from policykit.language.registry import Registry
from policykit.language.schema import SILENCE, Schema, Shape
from policykit.language.spans import INSTANT_EXAMPLE, known_zones, parse_day, parse_instant
from policykit.language.suggest import did_you_mean, every, found
from policykit.language.tree import ListNode, MapNode, Node, Plain, ScalarNode, find, to_plain
from policykit.model import Micros

Demand: TypeAlias = Literal["require", "forbid"]
Part: TypeAlias = Literal["block", "channel", "uses", "content", "send_at", "offers"]
Mode: TypeAlias = Literal["off", "audit", "enforce"]


NOWHERE = Place("")


class KindLike(Protocol):
    """What the loader must know of a kind: the shapes of its policies and the changes they may ask for."""

    @property
    def name(self) -> str: ...
    @property
    def schemas(self) -> Mapping[Any, Schema | None]: ...
    @property
    def parts(self) -> frozenset[Any]: ...
    @property
    def extra(self) -> Schema: ...


@dataclass(frozen=True, slots=True)
class Quoted:
    """The text of an expression. place: where its first character stands."""

    text: str
    place: Place
    node: ScalarNode = field(repr=False, compare=False)

    def at(self, offset: int) -> Place:
        """Where a character of the text stands in the file, folded and escaped texts included."""
        return self.node.at(offset)


@dataclass(frozen=True, slots=True)
class OnBreach:
    """What a breach asks for. channels: for part `channel`, those permitted; None = any less intrusive."""

    part: Part
    channels: frozenset[str] | None = None
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy.

    applies_to: fact path -> values, any of; `send.message_class: ("any",)` means every class.
    body: what it requires or forbids, plain; a `Quoted` where the kind takes an expression.
    starts, ends: the instants [starts, ends) at which a send is judged by it; None = no bound.
    extra: keys its kind adds beside the common ones, plain.
    disclosed_as: what it means for people, said to them.
    beside: for an overlay's own version of a policy: the id that both were written with (M11).
    sound: False when something is wrong with it: it is kept only so that the rest is checked too,
        with `body` None where that cannot be used.
    """

    id: str
    kind: str
    demand: Demand
    body: Any
    effect: OnBreach
    applies_to: Scope = field(default_factory=dict)
    when: Quoted | None = None
    because: str | None = None
    source: Mapping[str, str] | None = None
    owner: str | None = None
    mode: Mode = "enforce"
    starts: Micros | None = None
    ends: Micros | None = None
    locked: bool = False
    extra: Mapping[str, Plain] = field(default_factory=dict)
    place: Place = NOWHERE
    node: MapNode | None = field(default=None, repr=False, compare=False)
    sound: bool = True
    beside: str | None = None
    disclosed_as: str | None = None

    def place_of(self, *path: str | int) -> Place:
        """Where the value under a path of keys stands, e.g. `place_of("require", "quality")`."""
        return find(self.node, path).place if self.node else self.place

    def key_place_of(self, *path: str | int) -> Place:
        """Where the key at the end of a path stands."""
        above = find(self.node, path[:-1]) if self.node else None
        entry = above.entries.get(str(path[-1])) if isinstance(above, MapNode) else None
        return entry.key if entry else self.place_of(*path)


_COMMON: Schema = {
    "id": {"type": "id", "required": True},
    "kind": {"type": "string", "required": True},
    "for": {"type": "dict"},
    "when": {"nullable": True},
    "require": {"nullable": True},
    "forbid": {"nullable": True},
    "on_breach": {"type": ["string", "dict"], "required": True},
    "because": {"type": "string", "empty": False},
    "source": {
        "type": "dict",
        "schema": {"url": {"type": "string"}, "verified_on": {"type": "date"}, "status": {"type": "string"}},
    },
    "owner": {"type": "string", "empty": False},
    "mode": {"type": "string", "allowed": ["off", "audit", "enforce"]},
    "starts": {"type": "string"},
    "ends": {"type": "string"},
    "zone": {"type": "zone"},
    "locked": {"type": "boolean"},
    "disclosed_as": {"type": "string", "empty": False},
    "silence": SILENCE,
}
COMMON_KEYS = tuple(_COMMON)
POLICY_SCHEMA = _COMMON  # what policies of all kinds have in common, for editors

_DEMANDS: tuple[Demand, ...] = ("require", "forbid")
_DOWNGRADES: Mapping[str, tuple[str, ...]] = {
    "channel": ("less_intrusive",), "uses": ("strip",), "content": ("generic",), "send_at": ("next_allowed",),
    "offers": ("blend",),
}  # fmt: skip


class PolicyReader:
    """Reads policies against one registry; the shapes of kinds are made ready once."""

    def __init__(self, registry: Registry, kinds: Mapping[str, KindLike], problems: list[Problem]) -> None:
        self.registry, self.kinds, self.problems = registry, kinds, problems
        self._whole: dict[str, Shape] = {}
        self._bodies: dict[tuple[str, str], Shape] = {}
        self._unknown_kind = Shape({**_COMMON, "score": {}}, "policy")

    def read(self, node: Node) -> Policy | None:
        """The policy; not `sound` after reporting what is wrong with it, None when it is no mapping."""
        before = len(self.problems)
        if not isinstance(node, MapNode):
            self._say(node.place, f"a policy is {found(to_plain(node))}; expected a mapping", "begin with `id:`")
            return None
        kind = self._kind(node)
        shape = self._shape(kind) if kind else self._unknown_kind
        misshapen = shape.check(node)
        self.problems += misshapen
        effect = self._effect(node.get("on_breach"), kind)
        demand, body = self._demand(node, kind)
        when = self.expression("when", node.get("when")) if "when" in node.entries else None
        scope = read_scope(node.get("for"), self.registry, self.problems)
        self._account_type(node, kind)
        starts, ends = read_dates(node, _zone(node), self.problems)
        sound = len(self.problems) == before and effect is not None and demand is not None and kind is not None
        if kind and kind.extra and misshapen:
            body = None
        plain = {key: to_plain(entry.node) for key, entry in node.entries.items() if key not in ("require", "forbid")}
        return Policy(
            id=str(plain.get("id", "")), kind=kind.name if kind else "", demand=demand or "require", body=body,
            effect=effect or OnBreach("block"), applies_to=scope, when=when, sound=sound,
            because=plain.get("because"), source=plain.get("source"), owner=plain.get("owner"),
            mode=plain.get("mode", "enforce"), starts=starts, ends=ends, locked=plain.get("locked", False),
            disclosed_as=plain.get("disclosed_as"),
            extra={key: value for key, value in plain.items() if key not in _COMMON}, place=node.place, node=node,
        )  # fmt: skip

    def expression(self, key: str, node: Node | None) -> Quoted | None:
        """The text of an expression, or None after reporting that YAML made something else of it."""
        place = node.place if node else None
        if isinstance(node, ScalarNode) and node.text.strip():
            if _cut_by_comment(node):
                self._say(place, "` #` begins a comment and cuts this expression short",
                          f"quote this expression, or use `{key}: |`", "yaml.expression")  # fmt: skip
                return None
            return Quoted(node.text, node.at(0), node)
        made = "nothing" if node is None or isinstance(node, ScalarNode) else found(to_plain(node))
        self._say(place, f"`{key}` is {made} to YAML; expected an expression",
                  f"quote this expression, or use `{key}: |`", "yaml.expression")  # fmt: skip
        return None

    def _say(self, place: Place | None, message: str, way_out: str | None = None, code: str = "policy.shape") -> None:
        self.problems.append(Problem(place, message, way_out, code))

    def _kind(self, node: MapNode) -> KindLike | None:
        named = node.get("kind")
        if not isinstance(named, ScalarNode) or not isinstance(named.value, str):
            return None
        kind = self.kinds.get(named.value)
        if kind is None:
            self._say(named.place, f"unknown kind `{named.value}`{did_you_mean(named.value, self.kinds)}",
                      "`policykit kinds` lists the kinds", "policy.unknown-kind")  # fmt: skip
        return kind

    def _shape(self, kind: KindLike) -> Shape:
        if kind.name not in self._whole:
            self._whole[kind.name] = Shape({**_COMMON, **kind.extra}, "policy")
        return self._whole[kind.name]

    def _body_shape(self, kind: KindLike, demand: str, schema: Schema) -> Shape:
        key = (kind.name, demand)
        if key not in self._bodies:
            self._bodies[key] = Shape(schema, demand)
        return self._bodies[key]

    def _demand(self, node: MapNode, kind: KindLike | None) -> tuple[Demand | None, Any]:
        given = [demand for key in node.entries for demand in _DEMANDS if key == demand]
        if len(given) != 1:
            place = node.entries[given[1]].key if given else node.place
            message = f"a policy needs exactly one of `require` and `forbid`; found {'both' if given else 'neither'}"
            way_out = "split it into two policies" if given else "say what it requires or forbids"
            self._say(place, message, way_out, "policy.demand")
            return None, None
        demand = given[0]
        if kind is None:
            return demand, None
        body, entry = node.entries[demand].node, node.entries[demand]
        if demand not in kind.schemas:
            self._say(entry.key, f"policies of kind `{kind.name}` cannot `{demand}`",
                      f"use {every(kind.schemas)}; see `policykit kinds {kind.name}`", "policy.demand")  # fmt: skip
            return demand, None
        schema = kind.schemas[demand]
        if schema is None:
            return demand, self.expression(demand, body)
        wrong = self._body_shape(kind, demand, schema).check(body, (demand,))
        self.problems += wrong
        return demand, None if wrong else to_plain(body)

    def _effect(self, node: Node | None, kind: KindLike | None) -> OnBreach | None:
        if node is None:
            return None
        plain = to_plain(node)
        if plain == "block":
            return OnBreach("block", None, node.place)
        asked = node.get("downgrade") if isinstance(node, MapNode) else None
        if not isinstance(node, MapNode) or set(node.entries) != {"downgrade"} or not isinstance(asked, MapNode):
            near = did_you_mean(plain, ("block",)) if isinstance(plain, str) else ""
            self._say(node.place, f"`on_breach` is {found(plain)}{near}" if near else
                      f"`on_breach` is {found(plain)}; expected `block` or `downgrade: {{PART: VALUE}}`",
                      f"write `block`, or `downgrade: {{PART: VALUE}}` with one of {every(_DOWNGRADES)}",
                      "policy.effect")  # fmt: skip
            return None
        return self._downgrade(asked, kind)

    def _downgrade(self, asked: MapNode, kind: KindLike | None) -> OnBreach | None:
        if len(asked.entries) != 1:
            self._say(asked.place, f"a policy asks for one change; found {len(asked.entries)}",
                      "split it into one policy per change", "policy.effect")  # fmt: skip
            return None
        (part, (key_place, value)) = next(iter(asked.entries.items()))
        if part not in _DOWNGRADES:
            self._say(key_place, f"unknown change `{part}`{did_you_mean(part, _DOWNGRADES)}",
                      f"expected one of {every(_DOWNGRADES)}", "policy.effect")  # fmt: skip
            return None
        if kind and part not in kind.parts:
            self._say(key_place, f"policies of kind `{kind.name}` cannot ask for `{part}`",
                      f"they may ask for {every(sorted(kind.parts))}", "policy.effect")  # fmt: skip
            return None
        channels = self._targets(part, value)
        return OnBreach(cast(Part, part), channels or None, value.place) if channels is not None else None

    def _targets(self, part: str, value: Node) -> frozenset[str] | None:
        """The channels listed; empty for the one word that a part takes; None after reporting."""
        word = _DOWNGRADES[part][0]
        if isinstance(value, ScalarNode) and value.value == word:
            return frozenset()
        known = self.registry.channels if part == "channel" else {}
        items = value.items if isinstance(value, ListNode) else [value]
        if part == "channel" and isinstance(value, ListNode) and not items:
            self._say(value.place, "`channel` is an empty list; expected channels", f"or `{word}`", "policy.effect")
            return None
        good = True
        for item in items:
            name = to_plain(item)
            if not isinstance(name, str) or name not in known:
                expected = f"`{word}`" + (" or a list of channels" if known else "")
                self._say(item.place, f"`{part}` is {found(name)}{did_you_mean(name, (word, *known))}",
                          f"expected {expected}", "policy.effect")  # fmt: skip
                good = False
        return frozenset(to_plain(item) for item in items) if good else None

    def _account_type(self, node: MapNode, kind: KindLike | None) -> None:
        scope = node.get("for")
        named = scope.entries.get("recipient.account_type") if isinstance(scope, MapNode) else None
        if kind and kind.name == "purpose" and named:
            self._say(named.key, "a purpose policy cannot depend on `recipient.account_type`",
                      "what data was collected for is the same for every account: drop this condition",
                      "policy.account-type")  # fmt: skip


def read_dates(node: MapNode, zone: str, problems: list[Problem]) -> tuple[Micros | None, Micros | None]:
    """`starts` and `ends` as the instants [starts, ends), days being those of a zone; None = no bound."""
    if zone not in known_zones():
        zone = "UTC"  # the shape has said so
    starts = _moment(node, "starts", zone, 0, problems)
    ends = _moment(node, "ends", zone, 1, problems)
    if starts is not None and ends is not None and ends <= starts:
        message = "`ends` is not after `starts`; it would never apply"
        problems.append(Problem(node.entries["ends"].node.place, message, "correct one of the two", "policy.dates"))
    return starts, ends


def _zone(node: MapNode) -> str:
    zone = node.get("zone")
    return zone.text if isinstance(zone, ScalarNode) else "UTC"


def _moment(node: MapNode, key: str, zone: str, edge: int, problems: list[Problem]) -> Micros | None:
    value = node.get(key)
    if not isinstance(value, ScalarNode) or not isinstance(value.value, str):
        return None
    instant = parse_instant(value.value)
    if instant is not None:
        return instant
    day = parse_day(value.value, zone)
    if day is None:
        message = f"`{key}` is {found(value.value)}; expected a date or an instant with an offset"
        way_out = f"write `2026-03-02` or `{INSTANT_EXAMPLE}`"
        problems.append(Problem(value.place, message, way_out, "policy.dates"))
        return None
    return day[edge]


def _cut_by_comment(node: ScalarNode) -> bool:
    """Whether a plain text ends in the middle of a quoted word because ` #` began a comment."""
    if not node.plain or (node.text.count("'") % 2 == 0 and node.text.count('"') % 2 == 0):
        return False
    return node.source.text[node.end :].lstrip(" \t").startswith("#")
