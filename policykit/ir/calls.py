"""Calls in expressions: functions, searches in texts, the clock, `exists` and `all`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from policykit.ir import syntax as s
from policykit.ir.literals import parse_duration, parse_timestamp
from policykit.ir.names import Names, Scope, Values, dotted
from policykit.ir.nodes import (
    AllUses,
    And,
    Const,
    ExistsUse,
    Expr,
    Fact,
    Known,
    LocalPart,
    Or,
    Size,
    SumUses,
    Text,
    ToDouble,
    Type,
)
from policykit.ir.walk import type_of
from policykit.language.spans import known_zones
from policykit.language.suggest import did_you_mean, some

SAID = {
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


class Calls(Names):
    """Reads one expression: its calls."""

    def call(self, node: s.Call, scope: Scope) -> Expr | None:
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

    def function(self, node: s.Call, scope: Scope) -> Expr | None:
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

    def has(self, node: s.Call, item: s.Syntax, scope: Scope) -> Expr | None:
        if not isinstance(item, (s.Select, s.Index)):
            self.wrong(item, "`has()` takes a fact", "write `has(recipient.country)`", "arguments")
            return None
        found = self.any(item, scope)
        if isinstance(found, Values):
            self.wrong(item, f"`has()` takes a fact with one value; `{found.path}` holds several",
                       f"ask `'...' in {found.path}`", "set")  # fmt: skip
            return None
        return None if found is None else Known(found, self.place(node))

    def size(self, node: s.Call, item: s.Syntax, scope: Scope) -> Expr | None:
        if isinstance(item, s.Name) and item.name == "uses":
            return SumUses(Const(1, Type.INT), self.place(node))
        text = self.typed(item, scope, Type.STRING, " in `size()`")
        return None if text is None else Size(text, self.place(node))

    def double(self, node: s.Call, item: s.Syntax, scope: Scope) -> Expr | None:
        number = self.value(item, scope)
        if number is None or type_of(number) is Type.DOUBLE:
            return number
        if type_of(number) is not Type.INT:
            self.wrong(item, f"expected an int in `double()`, found {SAID[type_of(number)]}")
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

    def method(self, node: s.Call, target: s.Syntax, scope: Scope) -> Expr | None:
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

    def getter(self, node: s.Call, target: s.Syntax, scope: Scope) -> Expr | None:
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

    def quantified(self, node: s.Call, target: s.Syntax, scope: Scope) -> Expr | None:
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
        if dotted(target) != ("uses", "uses"):
            self.wrong(
                target, f"`.{node.name}()` works on `uses` and on lists", f"write `uses.{node.name}(u, ...)`", "list"
            )
            return None
        outer = scope.outer | ({scope.use} if scope.use else set())
        items = {other: value for other, value in scope.items.items() if other != name}
        about_use = Scope(items, name, frozenset(outer) - {name}, scope.level + 1)
        inner = self.typed(body, about_use, Type.BOOL, f" in `{node.name}()`")
        if inner is None:
            return None
        return (ExistsUse if node.name == "exists" else AllUses)(inner, self.place(node))

    def over_list(self, node: s.Call, name: str, body: s.Syntax, listing: s.Listing, scope: Scope) -> Expr | None:
        """`exists` or `all` over a written list: the body once per item."""
        terms = []
        for item in listing.items:
            inner = replace(
                scope, items={**scope.items, name: (item, scope)}, use=None if scope.use == name else scope.use
            )
            terms.append(self.typed(body, inner, Type.BOOL, f" in `{node.name}()`"))
        if not terms:
            self.typed(body, replace(scope, items={**scope.items, name: (s.Literal(0, node.offset), scope)}), Type.BOOL)
        known = tuple(term for term in terms if term is not None)
        if len(known) < len(terms):
            return None
        return (Or if node.name == "exists" else And)(known, self.place(node))
