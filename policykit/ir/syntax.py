"""Expressions as written: a tree without types, read by precedence climbing.

Grammar (CEL without maps, bytes, division and modulo), weakest first:
`a ? b : c`, `||`, `&&`, `== != < <= > >= in`, `+ -`, `*`, `! -`, then `.name`, `.call()`, `[i]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from policykit.ir.lexer import SyntaxProblem, Token, tokens

MAX_DEPTH = 50  # levels of nesting; far above what anybody can read, far below what Python can recurse


@dataclass(frozen=True, slots=True)
class Literal:
    """value: bool, int, float, str; None for `null`."""

    value: bool | int | float | str | None
    offset: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Select:
    item: Syntax
    name: str
    offset: int  # of the name


@dataclass(frozen=True, slots=True)
class Index:
    item: Syntax
    index: Syntax
    offset: int


@dataclass(frozen=True, slots=True)
class Call:
    """target: what stands before the dot, None for a plain call."""

    name: str
    target: Syntax | None
    args: tuple[Syntax, ...]
    offset: int  # of the name


@dataclass(frozen=True, slots=True)
class Unary:
    op: str
    item: Syntax
    offset: int


@dataclass(frozen=True, slots=True)
class Binary:
    op: str
    left: Syntax
    right: Syntax
    offset: int  # of the operator


@dataclass(frozen=True, slots=True)
class Join:
    """`&&` or `||` over two or more."""

    op: str
    items: tuple[Syntax, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Choice:
    condition: Syntax
    then: Syntax
    orelse: Syntax
    offset: int


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple[Syntax, ...]
    offset: int


Syntax: TypeAlias = Literal | Name | Select | Index | Call | Unary | Binary | Join | Choice | Listing

_RELATIONS = ("==", "!=", "<", "<=", ">", ">=", "in")
_LEVELS: tuple[tuple[str, ...], ...] = (("||",), ("&&",), _RELATIONS, ("+", "-"), ("*", "/", "%"))
_CONSTANTS = {"true": True, "false": False, "null": None}
_RESERVED = {
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
    "namespace", "return", "var", "void", "while",
}  # fmt: skip
_WORDS = {"and": "&&", "or": "||", "not": "!"}


def start_of(node: Syntax) -> int:
    """Offset of the first character of the node."""
    match node:
        case Select() | Index():
            return start_of(node.item)
        case Call():
            return node.offset if node.target is None else start_of(node.target)
        case Binary():
            return start_of(node.left)
        case Join():
            return start_of(node.items[0])
        case Choice():
            return start_of(node.condition)
        case _:
            return node.offset


def read(text: str) -> Syntax:
    """The tree of a text. Raises `SyntaxProblem` at the first thing that cannot be read."""
    reader = _Reader(tokens(text))
    node = reader.expression(0)
    reader.expect_end()
    return node


class _Reader:
    """A position in the tokens. depth: how many levels of nesting are open."""

    def __init__(self, found: list[Token]) -> None:
        self.found = found
        self.at = 0

    @property
    def token(self) -> Token:
        return self.found[self.at]

    def next(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def sees(self, *texts: str) -> bool:
        token = self.token
        return token.text in texts and (token.kind == "mark" or token.text == "in")

    def expect(self, text: str, after: str) -> None:
        if not self.sees(text):
            raise SyntaxProblem(self.token.offset, f"expected `{text}` {after}, found {_shown(self.token)}")
        self.at += 1

    def expect_end(self) -> None:
        token = self.token
        if token.kind == "end":
            return
        if token.text in _WORDS:
            raise SyntaxProblem(token.offset, f"unexpected `{token.text}`; did you mean `{_WORDS[token.text]}`?")
        raise SyntaxProblem(token.offset, f"expected an operator or the end, found {_shown(token)}")

    def expression(self, depth: int) -> Syntax:
        if depth > MAX_DEPTH:
            raise SyntaxProblem(self.token.offset, *_TOO_DEEP)
        condition = self.level(0, depth)
        if not self.sees("?"):
            return condition
        offset = self.next().offset
        then = self.expression(depth + 1)
        self.expect(":", "after the value for true")
        return Choice(condition, then, self.expression(depth + 1), offset)

    def level(self, level: int, depth: int) -> Syntax:
        """A run of operators of one precedence, read from the left."""
        if level == len(_LEVELS):
            return self.unary(depth)
        node = self.level(level + 1, depth)
        if self.sees("&&", "||") and self.sees(*_LEVELS[level]):
            return self.join(node, level, depth)
        count = 0
        while self.sees(*_LEVELS[level]):
            op = self.next()
            count += 1
            if depth + count > MAX_DEPTH:
                raise SyntaxProblem(op.offset, *_TOO_DEEP)
            node = Binary(op.text, node, self.level(level + 1, depth + count), op.offset)
        return node

    def join(self, first: Syntax, level: int, depth: int) -> Syntax:
        op = self.token
        items = [first]
        while self.sees(op.text):
            self.at += 1
            items.append(self.level(level + 1, depth))
        return Join(op.text, tuple(items), op.offset)

    def unary(self, depth: int) -> Syntax:
        if not self.sees("!", "-"):
            return self.member(depth)
        token = self.next()
        if depth >= MAX_DEPTH:
            raise SyntaxProblem(token.offset, *_TOO_DEEP)
        number = self.token
        if token.text == "-" and number.kind in ("int", "double") and isinstance(number.value, (int, float)):
            self.found[self.at] = Token(number.kind, f"-{number.text}", token.offset, -number.value)
            return self.member(depth)
        return Unary(token.text, self.unary(depth + 1), token.offset)

    def member(self, depth: int) -> Syntax:
        node = self.primary(depth)
        count = 0
        while self.sees(".", "["):
            mark = self.next()
            count += 1
            if depth + count > MAX_DEPTH:
                raise SyntaxProblem(mark.offset, *_TOO_DEEP)
            if mark.text == "[":
                node = Index(node, self.expression(depth + 1), mark.offset)
                self.expect("]", "after the index")
            else:
                node = self.select(node, depth)
        return node

    def select(self, node: Syntax, depth: int) -> Syntax:
        token = self.next()
        if token.kind != "name":
            raise SyntaxProblem(token.offset, f"expected a name after `.`, found {_shown(token)}")
        if self.sees("("):
            return Call(token.text, node, self.arguments(depth), token.offset)
        return Select(node, token.text, token.offset)

    def arguments(self, depth: int) -> tuple[Syntax, ...]:
        self.at += 1
        return self.items(")", depth)

    def items(self, closing: str, depth: int) -> tuple[Syntax, ...]:
        found: list[Syntax] = []
        while not self.sees(closing):
            found.append(self.expression(depth + 1))
            if not self.sees(closing):
                self.expect(",", f"or `{closing}`")
        self.at += 1
        return tuple(found)

    def primary(self, depth: int) -> Syntax:
        token = self.next()
        if token.kind in ("int", "double", "text"):
            return Literal(token.value, token.offset, token.text)
        if token.kind == "name":
            return self.name(token, depth)
        if token.text == "(":
            node = self.expression(depth + 1)
            self.expect(")", "to close the bracket")
            return node
        if token.text == "[":
            return Listing(self.items("]", depth), token.offset)
        if token.text == "{":
            raise SyntaxProblem(token.offset, "maps are not supported", "use a list: `['a', 'b']`", "unsupported")
        raise SyntaxProblem(token.offset, f"expected a value, found {_shown(token)}")

    def name(self, token: Token, depth: int) -> Syntax:
        if token.text in _CONSTANTS:
            return Literal(_CONSTANTS[token.text], token.offset, token.text)
        if token.text in _RESERVED or token.text in ("in", *_WORDS):
            meant = f"; did you mean `{_WORDS[token.text]}`?" if token.text in _WORDS else ""
            raise SyntaxProblem(token.offset, f"expected a value, found the word `{token.text}`{meant}")
        if self.sees("("):
            return Call(token.text, None, self.arguments(depth), token.offset)
        return Name(token.text, token.offset)


_TOO_DEEP = (
    f"nested more than {MAX_DEPTH} levels deep",
    "split the condition into several policies, or use `in [...]`",
    "depth",
)


def _shown(token: Token) -> str:
    if token.kind == "end":
        return "the end"
    return f"`{token.text[:40]}…`" if len(token.text) > 40 else f"`{token.text}`"
