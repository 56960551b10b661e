"""Tokens of the expression language, each with the offset of its first character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

MAX_LENGTH = 8_000  # characters; a condition longer than this belongs into a list of the registry

Kind: TypeAlias = Literal["name", "int", "double", "text", "mark", "end"]


class SyntaxProblem(Exception):  # noqa: N818  # travels no further than `expression`
    """What cannot be read, and where; reading stops there."""

    def __init__(self, offset: int, message: str, hint: str | None = None, code: str = "syntax") -> None:
        super().__init__(message)
        self.offset, self.message, self.hint, self.code = offset, message, hint, code


@dataclass(frozen=True, slots=True)
class Token:
    """text: as written. value: of a number or a quoted text."""

    kind: Kind
    text: str
    offset: int
    value: int | float | str | None = None


_SPACE = re.compile(r"(?:[ \t\r\n\f]+|//[^\n]*)*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]+[uU]?|(?:[0-9]*\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?[uU]?")
_MARK = re.compile(r"&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}]")
_QUOTE = re.compile(r"'''|\"\"\"|'|\"")
_PREFIX = re.compile(r"[rRbB]{1,2}(?=['\"])")
_ESCAPE = re.compile(r"\\(?:[xX]([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"} | {c: c for c in "\\?\"'`"}


def tokens(text: str) -> list[Token]:
    """All tokens, an `end` last. Raises `SyntaxProblem` at the first character that fits nothing."""
    if len(text) > MAX_LENGTH:
        raise SyntaxProblem(
            0, f"the expression has {len(text):,} characters, expected at most {MAX_LENGTH:,}", "split it into policies"
        )
    found: list[Token] = []
    at = _past_space(text, 0)
    while at < len(text):
        token, at = _token(text, at)
        found.append(token)
        at = _past_space(text, at)
    return [*found, Token("end", "", at)]


def _past_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _token(text: str, at: int) -> tuple[Token, int]:
    if _PREFIX.match(text, at) or text[at] in "'\"":
        return _quoted(text, at)
    if match := _NUMBER.match(text, at):
        return _number(match[0], at), match.end()
    if match := _NAME.match(text, at):
        return Token("name", match[0], at), match.end()
    if match := _MARK.match(text, at):
        return Token("mark", match[0], at), match.end()
    raise _unexpected(text, at)


_MEANT = {"&": "&&", "|": "||", "=": "==", "≤": "<=", "≥": ">=", "≠": "!="}
_MEANT |= {"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"}  # quotes as word processors write them


def _unexpected(text: str, at: int) -> SyntaxProblem:
    char = text[at]
    hint = f"; did you mean `{_MEANT[char]}`?" if char in _MEANT else ""
    return SyntaxProblem(at, f"unexpected `{char if char.isprintable() else ascii(char)[1:-1]}`{hint}")


def _number(text: str, at: int) -> Token:
    if text[-1] in "uU":
        raise SyntaxProblem(at, f"`{text}` is an unsigned number: not supported", f"write `{text[:-1]}`", "type")
    if text[:2].lower() == "0x":
        return Token("int", text, at, int(text, 16))
    if text.isdigit():
        # Python reads at most 4,300 digits; anything above 20 is out of range anyway.
        return Token("int", text, at, int(text[:40]))
    value = float(text)
    if value == float("inf"):
        raise SyntaxProblem(at, f"`{text}` is too large for a double", None, "range")
    return Token("double", text, at, value)


def _quoted(text: str, start: int) -> tuple[Token, int]:
    prefix = match[0].lower() if (match := _PREFIX.match(text, start)) else ""
    if "b" in prefix:
        raise SyntaxProblem(start, "bytes are not supported", "write a text without `b`", "unsupported")
    opening = _QUOTE.match(text, start + len(prefix))
    quote = opening[0] if opening else "'"
    raw = prefix == "r"
    body = start + len(prefix) + len(quote)
    end = _closing(text, body, quote, raw=raw)
    if end is None:
        raise SyntaxProblem(start, f"this text is not closed: expected `{quote}`")
    written = text[body:end]
    value = written if raw else _unescaped(written, body)
    return Token("text", text[start : end + len(quote)], start, value), end + len(quote)


def _closing(text: str, at: int, quote: str, *, raw: bool) -> int | None:
    while at < len(text):
        if text.startswith(quote, at):
            return at
        if text[at] == "\n" and len(quote) == 1:
            return None
        at += 2 if text[at] == "\\" and not raw else 1
    return None


def _unescaped(written: str, start: int) -> str:
    def _one(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code or match[4]:
            return _character(int(code, 16) if code else int(match[4], 8), match[0], start + match.start())
        if match[5] not in _SIMPLE:
            raise SyntaxProblem(
                start + match.start(), f"unknown escape `{match[0]}`", "write `\\\\` for a backslash", "escape"
            )
        return _SIMPLE[match[5]]

    return _ESCAPE.sub(_one, written)


def _character(code: int, written: str, at: int) -> str:
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise SyntaxProblem(at, f"`{written}` is not a character", None, "escape")
    return chr(code)
