"""Shapes of documents: the one file that knows Cerberus.

A `Shape` holds one Cerberus schema and checks nodes against it; what Cerberus finds is retold as
problems at the place where it stands. Schemas use plain rules only: no `*of` (its errors cannot be
read), no coercion or defaults (documents are never rewritten), no registries (they are global).

Types beyond Cerberus's own, for our schemas and those of kinds: `span` (`7 days`), `instant` (ISO
with an offset), `date`, `id` (lower-case letters, digits, `-`, `_`), `name` (an id without `-`), `path`
(dotted names), `percent` (`5%`), `version` (`1.0.0`), `zone`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from threading import Lock
from typing import Any, TypeAlias

from cerberus import SchemaError, TypeDefinition, Validator, errors

from policykit.errors import Place, PluginError, Problem
from policykit.language.spans import INSTANT_EXAMPLE, SPAN_EXAMPLE, known_zones, parse_day, parse_instant, parse_span
from policykit.language.suggest import clip, did_you_mean, every, found, nearest, some
from policykit.language.tree import ListNode, MapNode, Node, ScalarNode, find, to_plain

Schema: TypeAlias = Mapping[str, Any]

# `silence: {code: why}`: warnings of `check` that are answered, wherever they may be.
SILENCE: Schema = {"type": "dict", "valuesrules": {"type": "string", "empty": False}}

_FORBIDDEN_RULES = re.compile(
    r"(allof|anyof|noneof|oneof)(_.*)?|coerce|default|default_setter|rename|rename_handler|purge_unknown"
)
_PERCENT = re.compile(r"(100|[0-9]{1,2})(\.[0-9]{1,4})?%")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
_VERSION = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}")

# What an author is told that a type expects.
EXPECTED: Mapping[str, str] = {
    "string": "text", "integer": "a whole number", "number": "a number", "float": "a number",
    "boolean": "`true` or `false`", "list": "a list", "dict": "a mapping",
    "span": f"a length of time such as `{SPAN_EXAMPLE}`",
    "instant": f"an instant with an offset such as `{INSTANT_EXAMPLE}`",
    "date": "a date such as `2026-03-02`",
    "id": "an id of lower-case letters, digits, `-` and `_`",
    "name": "a name of lower-case letters, digits and `_`",
    "path": "a dotted path such as `recipient.tier`",
    "percent": "a share such as `5%`",
    "version": "a version such as `1.0.0`",
    "zone": "an IANA time zone such as `Europe/Paris`",
}  # fmt: skip


class _Form(type):
    """A type whose instances are the values that a function accepts: how Cerberus learns a form of text."""

    accepts: Callable[[object], bool]

    def __instancecheck__(cls, value: object) -> bool:
        return cls.accepts(value)


def _form(name: str, accepts: Callable[[object], bool]) -> tuple[str, TypeDefinition]:
    return name, TypeDefinition(name, (_Form(name, (), {"accepts": staticmethod(accepts)}),), ())


def _matches(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


class _Validator(Validator):  # type: ignore[misc]  # the library has no types
    """Cerberus with types for texts of a form."""

    types_mapping = dict(  # noqa: RUF012  (Cerberus's own way)
        (
            *Validator.types_mapping.items(),
            ("integer", TypeDefinition("integer", (int,), (bool,))),  # Cerberus takes `true` for a number
            _form("span", lambda value: parse_span(value) is not None),
            _form("instant", lambda value: parse_instant(value) is not None),
            _form("date", lambda value: parse_day(value, "UTC") is not None),
            _form("zone", lambda value: isinstance(value, str) and value in known_zones()),
            _form("id", _matches(_ID)),
            _form("name", _matches(_NAME)),
            _form("path", _matches(_PATH)),
            _form("percent", _matches(_PERCENT)),
            _form("version", _matches(_VERSION)),
        )
    )


class Shape:
    """A schema made ready once and used for many nodes.

    what: the noun in messages, e.g. `policy`. A schema that Cerberus refuses is its author's
    fault, not a workspace's: `PluginError`.
    """

    def __init__(self, schema: Schema, what: str) -> None:
        self.what = what
        refused = next(_forbidden(schema), None)
        if refused:
            raise PluginError(f"schema of `{what}` uses the rule `{refused}`, which is not supported",
                              "spell the shapes out, or check them by hand")  # fmt: skip
        self.schema = schema
        self._lock = Lock()  # a validator holds the document at hand

    @cached_property
    def _validator(self) -> Any:
        try:
            return _Validator(dict(self.schema))
        except SchemaError as error:
            raise PluginError(f"schema of `{self.what}` is not valid: {clip(str(error), 200)}") from error

    def check(self, node: Node, path: tuple[str | int, ...] = ()) -> list[Problem]:
        """Every way in which a mapping does not have this shape, in order of place.

        path: keys that lead to the node, shown in front of its own keys.
        """
        if not isinstance(node, MapNode):
            name = ".".join(map(str, path)) or self.what
            return [Problem(node.place, f"`{name}` is {found(to_plain(node))}; expected a mapping",
                            f"keys: {some(self.schema, 12)}", "shape.type")]  # fmt: skip
        with self._lock:
            if self._validator.validate(to_plain(node), normalize=False):
                return []
            found_errors = list(_leaves(self._validator._errors))  # noqa: SLF001  (`errors` is prose without positions)
        teller = _Teller(node, self.what, path, self.schema)
        told = [error for error in found_errors if not teller.is_echo(error, found_errors)]
        problems = [problem for error in told for problem in teller.tell(error)]
        return sorted(problems, key=lambda problem: problem.sort_key)


def _forbidden(schema: object) -> Iterator[str]:
    for key, value in schema.items() if isinstance(schema, Mapping) else ():
        if key in ("schema", "keysrules", "valuesrules") and isinstance(value, str):
            yield f"{key}: {value}"
        if isinstance(value, Mapping):
            yield from (rule for rule in value if isinstance(rule, str) and _FORBIDDEN_RULES.fullmatch(rule))
            yield from _forbidden(value)


def _leaves(found_errors: Iterable[Any]) -> Iterator[Any]:
    for error in found_errors:
        if error.is_group_error:
            yield from _leaves(error.child_errors)
        else:
            yield error


class _Teller:
    """Turns the errors of one node into problems."""

    def __init__(self, node: MapNode, what: str, path: tuple[str | int, ...], schema: Schema) -> None:
        self.node, self.what, self.path, self.schema = node, what, path, schema

    def is_echo(self, error: Any, others: list[Any]) -> bool:
        """Whether a missing key is the very one that a misspelt key beside it was meant to be."""
        *above, key = error.document_path
        return error.code == errors.REQUIRED_FIELD.code and any(
            other.code == errors.UNKNOWN_FIELD.code
            and [*other.document_path[:-1]] == above
            and nearest(other.document_path[-1], self._keys_beside(other)) == key
            for other in others
        )

    def tell(self, error: Any) -> list[Problem]:
        if error.code == errors.UNKNOWN_FIELD.code:
            return [self._unknown(error)]
        if error.code == errors.REQUIRED_FIELD.code:
            return [self._missing(error)]
        if error.code in (errors.UNALLOWED_VALUE.code, errors.UNALLOWED_VALUES.code):
            return list(self._unallowed(error))
        where, name = find(self.node, error.document_path), self._name(error.document_path)
        if error.code == errors.BAD_TYPE.code and (where_bad := _not_a_zone(error)):
            way_out = "names are those of the IANA time zone database, e.g. `Europe/Paris`"
            return [Problem(where.place, f"`{name}` is {found(error.value)}; {where_bad}", way_out, "shape.zone")]
        if error.rule == "empty":
            return [Problem(where.place, f"`{name}` is empty", "fill it in, or leave it out", "shape.value")]
        if error.code == errors.CUSTOM.code:
            said = "; ".join(map(str, error.info))
            return [Problem(where.place, said, None, "shape.value")]
        if "keysrules" in error.schema_path:
            where_key = self._key_place(error.document_path)
            return [Problem(where_key, f"`{error.document_path[-1]}` cannot be a key here; {_expected(error)}", None,
                            "shape.key")]  # fmt: skip
        return [Problem(where.place, f"`{name}` is {found(error.value)}; {_expected(error)}", _way_out(error),
                        "shape.type" if error.rule in ("type", "nullable") else "shape.value")]  # fmt: skip

    def _unknown(self, error: Any) -> Problem:
        key, known = error.document_path[-1], self._keys_beside(error)
        within = self._within(error, "a")
        way_out = f"keys of {within}: {some(known, 15)}" if known else f"{within} takes no keys"
        if re.search(r"[()'\"=&|<>!]", str(key)):
            way_out = "YAML cuts at commas inside `{}`: quote the expression that this is part of"
        return Problem(self._key_place(error.document_path), f"unknown key `{key}`{did_you_mean(key, known)}", way_out,
                       "shape.unknown-key")  # fmt: skip

    def _missing(self, error: Any) -> Problem:
        above = find(self.node, error.document_path[:-1])
        within = self._within(error, "this")
        key = error.document_path[-1]
        return Problem(above.place, f"{within} has no `{key}`", f"add `{key}:`", "shape.missing")

    def _unallowed(self, error: Any) -> Iterator[Problem]:
        where, name = find(self.node, error.document_path), self._name(error.document_path)
        allowed = [_shown(item) for item in error.constraint]
        bad = error.info[0] if error.code == errors.UNALLOWED_VALUES.code else [error.value]
        for value in bad:
            key, near = _last(name), did_you_mean(value, allowed)
            what = f"`{key}` cannot be" if key in _NO_NOUNS else f"unknown {key}"
            message = f"{what} `{_shown(value)}`{near}"
            one_of = "one of " if len(allowed) > 1 else ""
            yield Problem(
                _place_of(where, value), message, f"expected {one_of}{some(allowed, 15)}", "shape.unknown-word"
            )

    def _within(self, error: Any, article: str) -> str:
        """What holds the key at fault: `` `require.quality` ``, `a policy`, `this policy`."""
        name = self._name(error.document_path[:-1])
        if name or "." in self.what:
            return f"`{name or self.what}`"
        return f"{'an' if article == 'a' and self.what[0] in 'aeio' else article} {self.what}"

    def _keys_beside(self, error: Any) -> list[str]:
        """The keys that were possible where an unknown one was found."""
        at: Any = self.schema
        for step in error.schema_path:
            if not isinstance(at, Mapping) or step not in at:
                break
            at = at[step]
        return [str(key) for key in at] if isinstance(at, Mapping) else []

    def _name(self, path: tuple[str | int, ...]) -> str:
        return "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in (*self.path, *path)).strip(
            "."
        )

    def _key_place(self, path: tuple[str | int, ...]) -> Place:
        above = find(self.node, path[:-1])
        entry = above.entries.get(str(path[-1])) if isinstance(above, MapNode) else None
        return entry.key if entry else above.place


_NO_NOUNS = frozenset({"asked", "at", "in", "joined", "reveals"})  # no name of what their values are


def _last(name: str) -> str:
    return re.sub(r"\[\d+\]", "", name.rsplit(".", 1)[-1]) or "value"


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else clip(str(value))


def _place_of(node: Node, value: object) -> Place:
    if isinstance(node, ListNode):
        return next(
            (item.place for item in node.items if isinstance(item, ScalarNode) and item.value == value), node.place
        )
    return node.place


def _types(constraint: object) -> list[str]:
    return [constraint] if isinstance(constraint, str) else list(constraint)  # type: ignore[call-overload]  # a list of names


def _not_a_zone(error: Any) -> str | None:
    if _types(error.constraint) != ["zone"] or not isinstance(error.value, str):
        return None
    return f"no such time zone{did_you_mean(error.value, known_zones())}"


def _expected(error: Any) -> str:
    """What a rule wants, as the end of a sentence."""
    constraint = error.constraint
    match error.rule:
        case "type":
            return "expected " + " or ".join(EXPECTED.get(name, name) for name in _types(constraint))
        case "nullable":
            return "expected a value"
        case "min":
            return f"expected {constraint} or more"
        case "max":
            return f"expected {constraint} or less"
        case "minlength":
            return f"expected at least {constraint}"
        case "maxlength":
            return f"expected at most {constraint}"
        case "regex":
            return f"expected the form `{constraint}`"
        case "excludes":
            return f"it cannot stand beside {every(_types(constraint))}"
        case "dependencies":
            return f"it needs {every(_types(constraint))} beside it"
        case _:
            return f"expected {error.rule} {constraint}"


def _way_out(error: Any) -> str | None:
    wants_text = error.rule == "type" and {"string", "id", "name", "path"} & set(_types(error.constraint))
    if wants_text and isinstance(error.value, bool | int | float):
        return f'quote it: `"{_shown(error.value)}"`'
    if error.rule == "nullable":
        return "write a value, or leave the key out"
    return _WAYS_OUT.get(_types(error.constraint)[0]) if error.rule == "type" else None


_WAYS_OUT: Mapping[str, str] = {
    "string": "write a text",
    "integer": "write digits, without quotes",
    "number": "write digits, without quotes",
    "boolean": "`yes`, `no`, `on` and `off` are texts: write `true` or `false`",
    "list": "write `[a, b]`, or one line per item beginning with `- `",
    "dict": "write `{key: value}`, or one indented line per key",
    "span": "write a number and a unit, e.g. `16 hours`, `7 days` or `24 months`",
    "instant": "an instant without an offset is never guessed",
    "date": "year, month and day, e.g. `2026-03-02`",
    "id": "e.g. `quiet-hours-fr`",
    "name": "expressions call it by this name: no `-`, no capital letters",
    "path": "the first word says what it is about, the last what is known",
    "zone": "names are those of the IANA time zone database",
    "percent": "a number from 0 to 100 with a percent sign",
    "version": "three numbers, quoted or not: `1.0.0`",
}
