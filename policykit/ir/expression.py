"""Expressions of authors, checked and lowered to conditions.

A subset of CEL; where it departs: an absent or null fact is unknown, types are static, and what is
not in the subset is refused with a way out. Everything wrong with an expression is reported in one
run, except that reading stops at the first thing that is no expression at all.
"""

from __future__ import annotations

from typing import assert_never

from policykit.errors import Problem
from policykit.ir import syntax as s
from policykit.ir.calls import SAID, Calls
from policykit.ir.lexer import SyntaxProblem
from policykit.ir.names import Quoted, Scope, Values
from policykit.ir.nodes import (
    INT_MAX,
    INT_MIN,
    And,
    Arith,
    Compare,
    Const,
    Expr,
    Fact,
    If,
    In,
    Not,
    Or,
    Type,
    UseCollectedFor,
)
from policykit.ir.walk import arith_type, type_of
from policykit.language.suggest import did_you_mean, some
from policykit.vocabulary import Vocabulary


def parse_expression(quoted: Quoted, vocabulary: Vocabulary, problems: list[Problem]) -> Expr | None:
    """The condition an author wrote, of type BOOL; None when something is wrong with it, all of it reported.

    `send.style` comes out as a fact of that name; compiling spells it out.
    """
    reader = _Reader(quoted, vocabulary)
    condition = None
    try:
        condition = reader.condition(s.read(quoted.text), Scope())
    except SyntaxProblem as found:
        reader.report(found.offset, found.message, found.hint, found.code)
    problems += reader.problems
    return None if reader.problems else condition


_DIVISIONS = {
    "/": "multiply the other side instead: `a / 2 > b` is `a > b * 2`",
    "%": "use a list of values: `x in [0, 2, 4]`",
}


class _Reader(Calls):
    """Lowers one expression: its values and operators."""

    def condition(self, node: s.Syntax, scope: Scope) -> Expr | None:
        return self.typed(node, scope, Type.BOOL)

    def typed(self, node: s.Syntax, scope: Scope, expected: Type, what: str = "") -> Expr | None:
        """A value of one type."""
        value = self.value(node, scope)
        if value is None:
            return None
        found = type_of(value)
        if found is expected:
            return value
        wanted = "a condition (true or false)" if expected is Type.BOOL else SAID[expected]
        self.wrong(node, f"expected {wanted}{what}, found {SAID[found]}", _conversion(found, expected))
        return None

    def value(self, node: s.Syntax, scope: Scope) -> Expr | None:
        """One value; lists and sets of values are refused."""
        found = self.any(node, scope)
        if isinstance(found, Values):
            self.wrong(node, f"`{found.path}` holds several values", f"ask `'...' in {found.path}`", "set")
            return None
        return found

    def any(self, node: s.Syntax, scope: Scope) -> Expr | Values | None:
        self.spend(node)
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

    def join(self, node: s.Join, scope: Scope) -> Expr | None:
        items = [self.typed(item, scope, Type.BOOL, f" beside `{node.op}`") for item in node.items]
        known = tuple(item for item in items if item is not None)
        if len(known) < len(items):
            return None
        return (And if node.op == "&&" else Or)(known, self.place(node))

    def choice(self, node: s.Choice, scope: Scope) -> Expr | None:
        condition = self.typed(node.condition, scope, Type.BOOL, " before `?`")
        then, orelse = self.value(node.then, scope), self.value(node.orelse, scope)
        if condition is None or then is None or orelse is None:
            return None
        if type_of(then) is not type_of(orelse):
            found = f"{SAID[type_of(then)]} and {SAID[type_of(orelse)]}"
            self.report(node.offset, f"both values of `?:` must have one type, found {found}",
                        _conversion(type_of(then), type_of(orelse)))  # fmt: skip
            return None
        return If(condition, then, orelse, self.place(node))

    def unary(self, node: s.Unary, scope: Scope) -> Expr | None:
        if node.op == "!":
            item = self.typed(node.item, scope, Type.BOOL, " after `!`")
            return None if item is None else Not(item, self.at(node.offset))
        number = self.value(node.item, scope)
        if number is None:
            return None
        of = type_of(number)
        if of not in (Type.INT, Type.DOUBLE):
            self.wrong(node, f"expected a number after `-`, found {SAID[of]}")
            return None
        return Arith("-", Const(0 if of is Type.INT else 0.0, of), number, self.at(node.offset))

    def binary(self, node: s.Binary, scope: Scope) -> Expr | None:
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
            self.report(node.offset, f"cannot compute {SAID[of]} `{node.op}` {SAID[other]}", _conversion(of, other))
            return None
        return Arith(node.op, left, right, self.place(node))  # type: ignore[arg-type]  # one of the three

    def compare(self, node: s.Binary, left: Expr, right: Expr) -> Expr | None:
        of, other = type_of(left), type_of(right)
        if of is not other:
            self.report(node.offset, f"cannot compare {SAID[of]} with {SAID[other]}", _conversion(of, other))
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

    def within(self, node: s.Binary, scope: Scope) -> Expr | None:
        if isinstance(node.right, s.Listing):
            return self.in_list(node, node.right, scope)
        right = self.any(node.right, scope)
        if right is None:
            self.value(node.left, scope)
            return None
        if not isinstance(right, Values):
            self.wrong(node.right, f"expected a list after `in`, found {SAID[type_of(right)]}",
                       "write `x in ['a', 'b']`, or `==` for one value")  # fmt: skip
            return None
        left = self.value(node.left, scope)
        return None if left is None else self.in_set(node, left, right)

    def in_set(self, node: s.Binary, left: Expr, right: Values) -> Expr | None:
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

    def in_list(self, node: s.Binary, listing: s.Listing, scope: Scope) -> Expr | None:
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

    def member(self, item: Expr, node: s.Syntax, scope: Scope, of: Type) -> Expr | None:
        value = self.typed(node, scope, of, " as in the item before `in`")
        return value if value is not None and self.fits(item, value, node) else None


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
