"""Names in expressions: facts, fields of uses, items of lists; and where everything stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from policykit.errors import Place, Problem
from policykit.ir import syntax as s
from policykit.ir.lexer import SyntaxProblem
from policykit.ir.nodes import Expr, Fact, Member, Type, UseCollectedFor, UseFact, UseOrigin
from policykit.ir.walk import use_leaves_of
from policykit.language.suggest import did_you_mean, some
from policykit.vocabulary import FactSpec, Vocabulary

MOST_NODES = 20_000  # of an expression when its `exists` and `all` over lists are written out


class Quoted(Protocol):
    """The text of an expression and where each of its characters stands."""

    @property
    def text(self) -> str: ...
    def at(self, offset: int) -> Place: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """Names in sight.

    items: variables over lists, each with the item and the names in sight where it was written.
    use: the variable over the uses at hand. outer: those of uses that are not at hand. level: how
    many quantifiers over uses stand around.
    """

    items: dict[str, tuple[s.Syntax, Scope]] = field(default_factory=dict)
    use: str | None = None
    outer: frozenset[str] = frozenset()
    level: int = 0


@dataclass(frozen=True, slots=True)
class Values:
    """A fact with several values: only `in` asks about it. member: the condition that it has one."""

    path: str
    members: tuple[str, ...] | None
    member: Callable[[str, Place], Expr]


_TYPES: dict[str, Type] = {of.value: of for of in Type}


class Names(ABC):
    """Reads one expression: what its names mean. Methods give None after reporting what is wrong."""

    def __init__(self, quoted: Quoted, vocabulary: Vocabulary) -> None:
        self.quoted = quoted
        self.vocabulary = vocabulary
        self.problems: list[Problem] = []
        self.places: dict[int, Place] = {}
        self.spent = 0

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

    def spend(self, node: s.Syntax) -> None:
        """Counts what is written out: lists inside lists multiply."""
        self.spent += 1
        if self.spent > MOST_NODES:
            raise SyntaxProblem(s.start_of(node), "this grows too large when its lists are written out",
                                "use `in [...]`, or split it into policies", "depth")  # fmt: skip

    @abstractmethod
    def any(self, node: s.Syntax, scope: Scope) -> Expr | Values | None:
        """A value, or a fact with several values."""

    @abstractmethod
    def value(self, node: s.Syntax, scope: Scope) -> Expr | None:
        """One value; facts with several are refused."""

    @abstractmethod
    def typed(self, node: s.Syntax, scope: Scope, expected: Type, what: str = "") -> Expr | None:
        """A value of one type. what: where it stands, for the message."""

    def path(self, node: s.Name | s.Select | s.Index, scope: Scope) -> Expr | Values | None:
        found = dotted(node)
        if found is None:
            self.wrong(node, "this has no fields", "fields are those of facts and of uses", "unknown-field")
            return None
        path, root = found
        if root in scope.items:
            return self.item(node, root, scope)
        if root == scope.use:
            return self.use_field(node, path, root)
        if root in scope.outer:
            self.another_use(node, root)
            return None
        return self.fact(node, path)

    def item(self, node: s.Syntax, name: str, scope: Scope) -> Expr | Values | None:
        if not isinstance(node, s.Name):
            self.wrong(node, f"`{name}` is an item of a list and has no fields", None, "unknown-field")
            return None
        item, home = scope.items[name]
        found = self.any(item, home)
        about_use = isinstance(found, Values) and home.use is not None and found.path.startswith(f"{home.use}.")
        if home.level != scope.level and (about_use or _asks_of_use(found)):
            self.another_use(node, name)
            return None
        return found

    def another_use(self, node: s.Syntax, name: str) -> None:
        self.wrong(node, f"`{name}` is about another use", "a condition looks at one use at a time", "scope")

    def fact(self, node: s.Syntax, path: str) -> Expr | Values | None:
        spec = None if "[]" in path else self.vocabulary.get(path)
        if spec is None:
            self.unknown_fact(node, path)
            return None
        place = self.place(node)
        if spec.type == "uses":
            self.wrong(node, f"`{path}` is a list", f"ask `{path}.exists(u, ...)` or `{path}.all(u, ...)`", "list")
            return None
        if spec.type == "set":
            return Values(path, spec.members, lambda member, at: Member(path, member, at))
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

    def use_field(self, node: s.Syntax, path: str, root: str) -> Expr | Values | None:
        if isinstance(node, s.Name):
            self.wrong(node, f"`{root}` is a use, not a value", f"name a field: `{root}.category`", "unknown-field")
            return None
        name = path[len(root) + 1 :]
        place = self.place(node)
        if name == "origin":
            return Values(path, self.members("uses[].origin"), lambda member, at: UseOrigin(member, at))
        if name == "collected_for":
            return Values(path, self.members("uses[].collected_for"), lambda member, at: UseCollectedFor(member, at))
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


def _asks_of_use(found: Expr | Values | None) -> bool:
    return found is not None and not isinstance(found, Values) and bool(use_leaves_of(found))


def dotted(node: s.Syntax) -> tuple[str, str] | None:
    """The path and its first name: `attributes['my-id']` is `attributes.my-id`; None for anything else."""
    match node:
        case s.Name():
            return node.name, node.name
        case s.Select():
            above = dotted(node.item)
            return (f"{above[0]}.{node.name}", above[1]) if above else None
        case s.Index(index=s.Literal(value=str(name))):
            above = dotted(node.item)
            return (f"{above[0]}.{name}", above[1]) if above else None
        case _:
            return None
