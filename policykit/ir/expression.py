"""Expressions of authors, checked and lowered to conditions.

A subset of CEL; where it departs: an absent or null fact is unknown, types are static, and what is
not in the subset is refused with a way out. Everything wrong with an expression is reported in one
run, except that reading stops at the first thing that is no expression at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, assert_never

from policykit.errors import Place, Problem
from policykit.ir import syntax as s
from policykit.ir.lexer import SyntaxProblem
from policykit.ir.literals import parse_duration, parse_timestamp
from policykit.ir.nodes import (
    INT_MAX,
    INT_MIN,
    AllUses,
    And,
    Arith,
    Compare,
    Const,
    ExistsUse,
    Expr,
    Fact,
    If,
    In,
    Known,
    LocalPart,
    Member,
    Not,
    Or,
    Size,
    SumUses,
    Text,
    ToDouble,
    Type,
    UseCollectedFor,
    UseFact,
    UseOrigin,
)
from policykit.ir.walk import arith_type, type_of
from policykit.language.spans import known_zones
from policykit.language.suggest import did_you_mean, some
from policykit.vocabulary import FactSpec, Vocabulary


class Quoted(Protocol):
    """The text of an expression and where each of its characters stands."""

    @property
    def text(self) -> str: ...
    def at(self, offset: int) -> Place: ...


def parse_expression(quoted: Quoted, vocabulary: Vocabulary, problems: list[Problem]) -> Expr | None:
    """The condition an author wrote, of type BOOL; None when something is wrong with it, all of it reported.

    `send.style` comes out as a fact of that name; compiling spells it out.
    """
    reader = _Reader(quoted, vocabulary)
    try:
        tree = s.read(quoted.text)
    except SyntaxProblem as found:
        reader.report(found.offset, found.message, found.hint, found.code)
        tree = None
    condition = reader.condition(tree, _Scope()) if tree else None
    problems += reader.problems
    return None if reader.problems else condition


@dataclass(frozen=True, slots=True)
class _Scope:
    """Names in sight. items: variables over lists. use: the variable over the uses at hand; outer: hidden ones."""

    items: dict[str, s.Syntax] = field(default_factory=dict)
    use: str | None = None
    outer: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Set:
    """A fact with several values: only `in` asks about it. member: the condition that it has one."""

    path: str
    members: tuple[str, ...] | None
    member: Callable[[str, Place], Expr]


_TYPES: dict[str, Type] = {of.value: of for of in Type}
_SAID = {
    Type.BOOL: "true or false", Type.INT: "an int", Type.DOUBLE: "a double", Type.STRING: "a text",
    Type.TIMESTAMP: "a timestamp", Type.DURATION: "a duration",
}  # fmt: skip
_FUNCTIONS = ("has", "size", "double", "timestamp", "duration")
_SEARCHES = {"startsWith": "starts_with", "endsWith": "ends_with", "contains": "contains"}
_GETTERS = {
    "getHours": "hours", "getMinutes": "minutes", "getDayOfWeek": "day_of_week", "getDate": "date",
    "getMonth": "month", "getFullYear": "full_year",
}  # fmt: skip
_METHODS = (*_SEARCHES, *_GETTERS, "size", "exists", "all")
_ALL = tuple(dict.fromkeys((*_FUNCTIONS, *_METHODS)))
_REFUSED = {
    "matches": "use `startsWith`, `endsWith`, `contains` or `in [...]`; patterns differ between engines",
    "int": "compare as it is; an int becomes a double by `double(x)`, never the other way",
    "uint": "write the number without `u`",
    "string": "compare with a value of the same type",
    "bytes": "write a text",
    "type": "types are known when policies are checked",
    "dyn": "types are known when policies are checked",
    "map": "ask with `exists` or `all`",
    "filter": "ask with `exists` or `all`",
    "exists_one": "ask with `exists` or `all`",
    "getDayOfMonth": "use `getDate`, which counts from 1",
    "getDayOfYear": "use `getMonth` and `getDate`",
    "getSeconds": "use `getMinutes`",
    "getMilliseconds": "use `getMinutes`",
}
_DIVISIONS = {
    "/": "multiply the other side instead: `a / 2 > b` is `a > b * 2`",
    "%": "use a list of values: `x in [0, 2, 4]`",
}


class _Reader:
    """Lowers one expression. Methods give None after reporting what is wrong."""

    def __init__(self, quoted: Quoted, vocabulary: Vocabulary) -> None:
        self.quoted = quoted
        self.vocabulary = vocabulary
        self.problems: list[Problem] = []
        self.places: dict[int, Place] = {}

    def at(self, offset: int) -> Place:
        if offset not in self.places:
            self.places[offset] = self.quoted.at(offset)
        return self.places[offset]

    def place(self, node: s.Syntax) -> Place:
        return self.at(s.start_of(node))

    def report(self, offset: int, message: str, hint: str | None = None, code: str = "type") -> None:
        problem = Problem(self.at(offset), message, hint, f"expression.{code}")
        if problem not in self.problems:  # a body over a list is read once per item
            self.problems.append(problem)

    def wrong(self, node: s.Syntax, message: str, hint: str | None = None, code: str = "type") -> None:
        self.report(s.start_of(node), message, hint, code)

    # --- values -------------------------------------------------------------------------------

    def condition(self, node: s.Syntax, scope: _Scope) -> Expr | None:
        return self.typed(node, scope, Type.BOOL)

    def typed(self, node: s.Syntax, scope: _Scope, expected: Type, what: str = "") -> Expr | None:
        """A value of one type."""
        value = self.value(node, scope)
        if value is None:
            return None
        found = type_of(value)
        if found is expected:
            return value
        wanted = "a condition (true or false)" if expected is Type.BOOL else _SAID[expected]
        self.wrong(node, f"expected {wanted}{what}, found {_SAID[found]}", _conversion(found, expected))
        return None

    def value(self, node: s.Syntax, scope: _Scope) -> Expr | None:
        """One value; lists and sets of values are refused."""
        found = self.any(node, scope)
        if isinstance(found, _Set):
            self.wrong(node, f"`{found.path}` holds several values", f"ask `'...' in {found.path}`", "set")
            return None
        return found

    def any(self, node: s.Syntax, scope: _Scope) -> Expr | _Set | None:
        match node:
            case s.Literal():
                return self.literal(node)
            case s.Name() | s.Select() | s.Index():
                return self.path(node, scope)
            case s.Call():
                return self.call(node, scope)
            case s.Unary():
                return self.unary(node, scope)
            case s.Binary():
                return self.binary(node, scope)
            case s.Join():
                return self.join(node, scope)
            case s.Choice():
                return self.choice(node, scope)
            case s.Listing():
                self.wrong(node, "a list stands alone here", "use it after `in`, or with `exists` or `all`", "list")
                return None
            case _:
                assert_never(node)

    def literal(self, node: s.Literal) -> Expr | None:
        place = self.at(node.offset)
        match node.value:
            case None:
                self.wrong(node, "`null` is not supported: an absent fact is unknown",
                           "`has(x)` says whether a fact is known", "null")  # fmt: skip
                return None
            case bool(value):
                return Const(value, Type.BOOL, place)
            case int(value):
                if not INT_MIN <= value <= INT_MAX:
                    shown = node.text if len(node.text) < 40 else f"{node.text[:40]}…"
                    self.wrong(node, f"`{shown}` does not fit 64 bits", None, "range")
                    return None
                return Const(value, Type.INT, place)
            case float(value):
                return Const(value, Type.DOUBLE, place)
            case str(value):
                return Const(value, Type.STRING, place)
            case _:
                assert_never(node.value)

    # --- names --------------------------------------------------------------------------------

    def path(self, node: s.Name | s.Select | s.Index, scope: _Scope) -> Expr | _Set | None:
        found = _dotted(node)
        if found is None:
            self.wrong(node, "this has no fields", "fields are those of facts and of uses", "unknown-field")
            return None
        path, root = found
        if root in scope.items:
            return self.item(node, root, scope)
        if root == scope.use:
            return self.use_field(node, path, root)
        if root in scope.outer:
            self.wrong(node, f"`{root}` is about another use", "a condition looks at one use at a time", "scope")
            return None
        return self.fact(node, path)

    def item(self, node: s.Syntax, name: str, scope: _Scope) -> Expr | _Set | None:
        if not isinstance(node, s.Name):
            self.wrong(node, f"`{name}` is an item of a list and has no fields", None, "unknown-field")
            return None
        rest = {other: value for other, value in scope.items.items() if other != name}
        return self.any(scope.items[name], replace(scope, items=rest))

    def fact(self, node: s.Syntax, path: str) -> Expr | _Set | None:
        spec = None if "[]" in path else self.vocabulary.get(path)
        if spec is None:
            self.unknown_fact(node, path)
            return None
        place = self.place(node)
        if spec.type == "uses":
            self.wrong(node, f"`{path}` is a list", f"ask `{path}.exists(u, ...)` or `{path}.all(u, ...)`", "list")
            return None
        if spec.type == "set":
            return _Set(path, spec.members, lambda member, at: Member(path, member, at))
        return Fact(path, _TYPES[spec.type], place)

    def unknown_fact(self, node: s.Syntax, path: str) -> None:
        known = [name for name in self.vocabulary.paths() if "[]" not in name]
        above = next((name for name in known if path.startswith(f"{name}.")), None)
        if above:
            field = path[len(above) + 1 :]
            self.wrong(
                node, f"`{above}` has no field `{field}`", f"`policykit facts {above}` says what it is", "unknown-field"
            )
            return
        head = path.split(".", maxsplit=1)[0]
        group = head if any(name.startswith(f"{head}.") for name in known) else ""
        shown = f"policykit facts {group}".strip()
        self.wrong(node, f"unknown fact `{path}`{did_you_mean(path, known)}",
                   f"`{shown}` lists the facts a policy may name", "unknown-fact")  # fmt: skip

    def use_field(self, node: s.Syntax, path: str, root: str) -> Expr | _Set | None:
        if isinstance(node, s.Name):
            self.wrong(node, f"`{root}` is a use, not a value", f"name a field: `{root}.category`", "unknown-field")
            return None
        name = path[len(root) + 1 :]
        place = self.place(node)
        if name == "origin":
            return _Set(path, self.members("uses[].origin"), lambda member, at: UseOrigin(member, at))
        if name == "collected_for":
            return _Set(path, self.members("uses[].collected_for"), lambda member, at: UseCollectedFor(member, at))
        spec = self.vocabulary.get(f"uses[].{name}")
        if spec is None:
            fields = [known.removeprefix("uses[].") for known in self.vocabulary.paths("uses[].")]
            self.wrong(node, f"a use has no field `{name}`{did_you_mean(name, fields)}",
                       f"its fields are {some(fields, 20)}", "unknown-field")  # fmt: skip
            return None
        return UseFact(name, _TYPES[spec.type], place)  # type: ignore[arg-type]  # from the vocabulary

    def members(self, path: str) -> tuple[str, ...] | None:
        spec = self.vocabulary.get(path)
        return spec.members if spec else None

    def spec(self, expr: Expr) -> FactSpec | None:
        """What the vocabulary says of a fact, None for anything computed."""
        if isinstance(expr, Fact):
            return self.vocabulary.get(expr.path)
        return self.vocabulary.get(f"uses[].{expr.field}") if isinstance(expr, UseFact) else None

    # --- operators ----------------------------------------------------------------------------

    def join(self, node: s.Join, scope: _Scope) -> Expr | None:
        items = [self.typed(item, scope, Type.BOOL, f" beside `{node.op}`") for item in node.items]
        known = tuple(item for item in items if item is not None)
        if len(known) < len(items):
            return None
        return (And if node.op == "&&" else Or)(known, self.place(node))

    def choice(self, node: s.Choice, scope: _Scope) -> Expr | None:
        condition = self.typed(node.condition, scope, Type.BOOL, " before `?`")
        then, orelse = self.value(node.then, scope), self.value(node.orelse, scope)
        if condition is None or then is None or orelse is None:
            return None
        if type_of(then) is not type_of(orelse):
            found = f"{_SAID[type_of(then)]} and {_SAID[type_of(orelse)]}"
            self.report(node.offset, f"both values of `?:` must have one type, found {found}",
                        _conversion(type_of(then), type_of(orelse)))  # fmt: skip
            return None
        return If(condition, then, orelse, self.place(node))

    def unary(self, node: s.Unary, scope: _Scope) -> Expr | None:
        if node.op == "!":
            item = self.typed(node.item, scope, Type.BOOL, " after `!`")
            return None if item is None else Not(item, self.at(node.offset))
        number = self.value(node.item, scope)
        if number is None:
            return None
        of = type_of(number)
        if of not in (Type.INT, Type.DOUBLE):
            self.wrong(node, f"expected a number after `-`, found {_SAID[of]}")
            return None
        return Arith("-", Const(0 if of is Type.INT else 0.0, of), number, self.at(node.offset))

    def binary(self, node: s.Binary, scope: _Scope) -> Expr | None:
        if node.op in _DIVISIONS:
            self.report(node.offset, f"`{node.op}` is not supported: engines divide differently",
                        _DIVISIONS[node.op], "unsupported")  # fmt: skip
            return None
        if node.op == "in":
            return self.within(node, scope)
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        if left is None or right is None:
            return None
        if node.op in ("+", "-", "*"):
            return self.arith(node, left, right)
        return self.compare(node, left, right)

    def arith(self, node: s.Binary, left: Expr, right: Expr) -> Expr | None:
        of, other = type_of(left), type_of(right)
        if arith_type(node.op, of, other) is None:
            self.report(node.offset, f"cannot compute {_SAID[of]} `{node.op}` {_SAID[other]}", _conversion(of, other))
            return None
        return Arith(node.op, left, right, self.place(node))  # type: ignore[arg-type]  # one of the three

    def compare(self, node: s.Binary, left: Expr, right: Expr) -> Expr | None:
        of, other = type_of(left), type_of(right)
        if of is not other:
            self.report(node.offset, f"cannot compare {_SAID[of]} with {_SAID[other]}", _conversion(of, other))
            return None
        if node.op not in ("==", "!=") and not self.by_letters(node, left, right):
            return None
        fits = self.fits(left, right, node.right) & self.fits(right, left, node.left)
        return Compare(node.op, left, right, self.place(node)) if fits else None  # type: ignore[arg-type]  # one of six

    def by_letters(self, node: s.Binary, left: Expr, right: Expr) -> bool:
        """Whether `<` may compare these: texts of a closed list have no order of letters that means anything."""
        for side in (left, right):
            spec = self.spec(side)
            if spec is not None and spec.members:
                self.report(node.offset, f"`{spec.path}` cannot be compared by `{node.op}`: its values are words",
                            f"name them: `in [...]` of {some(spec.members, 12)}", "order")  # fmt: skip
                return False
        return True

    def fits(self, fact: Expr, value: Expr, node: s.Syntax) -> bool:
        """Whether a written text is one that the fact may hold."""
        spec = self.spec(fact)
        if spec is None or not spec.members or not isinstance(value, Const) or value.value in spec.members:
            return True
        self.no_member(node, str(value.value), spec.path, spec.members)
        return False

    def no_member(self, node: s.Syntax, text: str, path: str, members: tuple[str, ...]) -> None:
        self.wrong(node, f"`{path}` is never `{text}`{did_you_mean(text, members)}",
                   f"it may be {some(members, 12)}", "member")  # fmt: skip

    def within(self, node: s.Binary, scope: _Scope) -> Expr | None:
        if isinstance(node.right, s.Listing):
            return self.in_list(node, node.right, scope)
        right = self.any(node.right, scope)
        if right is None:
            self.value(node.left, scope)
            return None
        if not isinstance(right, _Set):
            self.wrong(node.right, f"expected a list after `in`, found {_SAID[type_of(right)]}",
                       "write `x in ['a', 'b']`, or `==` for one value")  # fmt: skip
            return None
        left = self.value(node.left, scope)
        return None if left is None else self.in_set(node, left, right)

    def in_set(self, node: s.Binary, left: Expr, right: _Set) -> Expr | None:
        place = self.place(node)
        if left == Fact("send.purpose", Type.STRING) and right.path.endswith(".collected_for"):
            return UseCollectedFor(None, place)
        if not isinstance(left, Const) or not isinstance(left.value, str):
            self.wrong(
                node.left, f"expected a text in quotes before `in {right.path}`", f"write `'...' in {right.path}`"
            )
            return None
        if right.members and left.value not in right.members:
            self.no_member(node.left, left.value, right.path, right.members)
            return None
        return right.member(left.value, place)

    def in_list(self, node: s.Binary, listing: s.Listing, scope: _Scope) -> Expr | None:
        item = self.value(node.left, scope)
        if item is None:
            for member in listing.items:
                self.value(member, scope)
            return None
        of = type_of(item)
        members = [self.member(item, member, scope, of) for member in listing.items]
        known = [member for member in members if member is not None]
        if len(known) < len(members):
            return None
        if all(isinstance(member, Const) for member in known):
            values = tuple(member.value for member in known if isinstance(member, Const))
            return In(item, values, self.place(node))
        return Or(tuple(Compare("==", item, member, self.place(node)) for member in known), self.place(node))

    def member(self, item: Expr, node: s.Syntax, scope: _Scope, of: Type) -> Expr | None:
        value = self.typed(node, scope, of, " as in the item before `in`")
        return value if value is not None and self.fits(item, value, node) else None

    # --- calls --------------------------------------------------------------------------------

    def call(self, node: s.Call, scope: _Scope) -> Expr | None:
        known = _FUNCTIONS if node.target is None else _METHODS
        if node.name not in known:
            self.unknown_call(node, known)
            return None
        if node.target is None:
            return self.function(node, scope)
        return self.method(node, node.target, scope)

    def unknown_call(self, node: s.Call, known: tuple[str, ...]) -> None:
        if node.name in _REFUSED:
            self.report(node.offset, f"`{node.name}()` is not supported", _REFUSED[node.name], "unsupported")
            return
        if node.name in _ALL:
            way = f"{node.name}(x)" if node.target else f"x.{node.name}(...)"
            self.report(node.offset, f"`{node.name}` is not called this way", f"write `{way}`", "unknown-function")
            return
        self.report(node.offset, f"unknown function `{node.name}`{did_you_mean(node.name, known)}",
                    f"there are {some(_ALL, 20)}", "unknown-function")  # fmt: skip

    def arguments(self, node: s.Call, count: int) -> bool:
        if len(node.args) == count:
            return True
        said = f"{count} argument{'' if count == 1 else 's'}"
        self.report(node.offset, f"`{node.name}()` takes {said}, found {len(node.args)}", None, "arguments")
        return False

    def function(self, node: s.Call, scope: _Scope) -> Expr | None:
        if not self.arguments(node, 1):
            return None
        item = node.args[0]
        match node.name:
            case "has":
                return self.has(node, item, scope)
            case "size":
                return self.size(node, item, scope)
            case "double":
                return self.double(node, item, scope)
            case "timestamp":
                return self.time(node, item, Type.TIMESTAMP, parse_timestamp, "2026-03-02T10:00:00+01:00")
            case _:
                return self.time(node, item, Type.DURATION, parse_duration, "24h")

    def has(self, node: s.Call, item: s.Syntax, scope: _Scope) -> Expr | None:
        if not isinstance(item, (s.Select, s.Index)):
            self.wrong(item, "`has()` takes a fact", "write `has(recipient.country)`", "arguments")
            return None
        found = self.any(item, scope)
        if isinstance(found, _Set):
            self.wrong(item, f"`has()` takes a fact with one value; `{found.path}` holds several",
                       f"ask `'...' in {found.path}`", "set")  # fmt: skip
            return None
        return None if found is None else Known(found, self.place(node))

    def size(self, node: s.Call, item: s.Syntax, scope: _Scope) -> Expr | None:
        if isinstance(item, s.Name) and item.name == "uses":
            return SumUses(Const(1, Type.INT), self.place(node))
        text = self.typed(item, scope, Type.STRING, " in `size()`")
        return None if text is None else Size(text, self.place(node))

    def double(self, node: s.Call, item: s.Syntax, scope: _Scope) -> Expr | None:
        number = self.value(item, scope)
        if number is None or type_of(number) is Type.DOUBLE:
            return number
        if type_of(number) is not Type.INT:
            self.wrong(item, f"expected an int in `double()`, found {_SAID[type_of(number)]}")
            return None
        return ToDouble(number, self.place(node))

    def time(
        self, node: s.Call, item: s.Syntax, of: Type, parse: Callable[[str], int | None], example: str
    ) -> Expr | None:
        text = item.value if isinstance(item, s.Literal) else None
        if not isinstance(text, str):
            self.wrong(
                item, f"`{node.name}()` takes a text in quotes", f"write `{node.name}('{example}')`", "arguments"
            )
            return None
        value = parse(text)
        if value is None:
            self.wrong(
                item, f"`{text[:60]}` is not a {node.name}", f"write it like `{example}`, to the microsecond", "literal"
            )
            return None
        return Const(value, of, self.place(node))

    def method(self, node: s.Call, target: s.Syntax, scope: _Scope) -> Expr | None:
        if node.name in ("exists", "all"):
            return self.quantified(node, target, scope)
        if node.name in _GETTERS:
            return self.getter(node, target, scope)
        if node.name == "size":
            return self.size(node, target, scope) if self.arguments(node, 0) else None
        if not self.arguments(node, 1):
            return None
        text = self.typed(target, scope, Type.STRING, f" before `.{node.name}()`")
        part = self.typed(node.args[0], scope, Type.STRING, f" in `{node.name}()`")
        if text is None or part is None:
            return None
        return Text(_SEARCHES[node.name], text, part, self.place(node))  # type: ignore[arg-type]  # from the table

    def getter(self, node: s.Call, target: s.Syntax, scope: _Scope) -> Expr | None:
        item = self.typed(target, scope, Type.TIMESTAMP, f" before `.{node.name}()`")
        if item is not None and item != Fact("send.at", Type.TIMESTAMP):
            self.wrong(target, f"`{node.name}()` works on `send.at` only", None, "unsupported")
            return None
        if len(node.args) != 1:
            self.report(node.offset, f"`{node.name}()` needs a zone: whose clock?",
                        f"write `send.at.{node.name}(recipient.zone)` or `('Europe/Paris')`", "zone")  # fmt: skip
            return None
        zone = self.typed(node.args[0], scope, Type.STRING, " as the zone")
        if item is None or zone is None:
            return None
        part = _GETTERS[node.name]
        place = self.place(node)
        match zone:
            case Fact(path="recipient.zone"):
                return LocalPart(part, None, place)  # type: ignore[arg-type]  # from the table
            case Const(value=str(name)) if name in known_zones():
                return LocalPart(part, name, place)  # type: ignore[arg-type]  # from the table
            case Const(value=str(name)):
                near = did_you_mean(name, known_zones())
                self.wrong(
                    node.args[0], f"unknown zone `{name}`{near}", "write an IANA name like `Europe/Paris`", "zone"
                )
            case _:
                self.wrong(node.args[0], "a zone is a name in quotes, or `recipient.zone`", None, "zone")
        return None

    def quantified(self, node: s.Call, target: s.Syntax, scope: _Scope) -> Expr | None:
        if not self.arguments(node, 2):
            return None
        variable, body = node.args
        if not isinstance(variable, s.Name):
            self.wrong(variable, f"expected a name for the item in `{node.name}()`",
                       f"write `.{node.name}(u, ...)`", "arguments")  # fmt: skip
            return None
        name = variable.name
        if any(path.split(".", maxsplit=1)[0] == name for path in self.vocabulary.facts):
            self.wrong(variable, f"`{name}` already names facts", "choose another name, like `u`", "scope")
            return None
        if isinstance(target, s.Listing):
            return self.over_list(node, name, body, target, scope)
        if _dotted(target) != ("uses", "uses"):
            self.wrong(
                target, f"`.{node.name}()` works on `uses` and on lists", f"write `uses.{node.name}(u, ...)`", "list"
            )
            return None
        outer = scope.outer | ({scope.use} if scope.use else set())
        items = {other: value for other, value in scope.items.items() if other != name}
        inner = self.typed(body, _Scope(items, name, frozenset(outer) - {name}), Type.BOOL, f" in `{node.name}()`")
        if inner is None:
            return None
        return (ExistsUse if node.name == "exists" else AllUses)(inner, self.place(node))

    def over_list(self, node: s.Call, name: str, body: s.Syntax, listing: s.Listing, scope: _Scope) -> Expr | None:
        """`exists` or `all` over a written list: the body once per item."""
        terms = []
        for item in listing.items:
            inner = replace(scope, items={**scope.items, name: item}, use=None if scope.use == name else scope.use)
            terms.append(self.typed(body, inner, Type.BOOL, f" in `{node.name}()`"))
        if not terms:
            self.typed(body, replace(scope, items={**scope.items, name: s.Literal(0, node.offset)}), Type.BOOL)
        known = tuple(term for term in terms if term is not None)
        if len(known) < len(terms):
            return None
        return (Or if node.name == "exists" else And)(known, self.place(node))


def _dotted(node: s.Syntax) -> tuple[str, str] | None:
    """The path and its first name: `attributes['my-id']` is `attributes.my-id`; None for anything else."""
    match node:
        case s.Name():
            return node.name, node.name
        case s.Select():
            above = _dotted(node.item)
            return (f"{above[0]}.{node.name}", above[1]) if above else None
        case s.Index(index=s.Literal(value=str(name))):
            above = _dotted(node.item)
            return (f"{above[0]}.{name}", above[1]) if above else None
        case _:
            return None


def _conversion(found: Type, expected: Type) -> str | None:
    """The way from one type to the other, where there is one."""
    pair = {found, expected}
    if pair == {Type.INT, Type.DOUBLE}:
        return "convert the int: `double(x)`, or write the number with a point: `1.0`"
    if Type.STRING in pair and Type.TIMESTAMP in pair:
        return "write the instant as `timestamp('2026-03-02T10:00:00+01:00')`"
    if Type.STRING in pair and Type.DURATION in pair:
        return "write the length as `duration('24h')`"
    if Type.INT in pair and Type.DURATION in pair:
        return "write the length as `duration('24h')`"
    if Type.STRING in pair and Type.INT in pair:
        return "write numbers without quotes and texts in quotes"
    return None
