"""What a message holds for everybody who gets it: its headers, its fixed text, its way out.

A text has marks where something is put in: a variable that the sender furnishes keeps its name,
anything else (a value, what only some people get) is a mark that matches nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import liquid
from liquid.builtin.expressions import FilteredExpression, Path

from policykit.language.markup import read
from policykit.language.schema import Schema
from policykit.model import Content

PARTS = ("subject", "preheader", "title", "body", "text", "html")
ANSWERS = ("one_click", "unsubscribe", "postal_address")  # questions with a fact of their own, `send.content.*`
FIELD = "\ufffc"
_OPEN, _CLOSE = "\ue000", "\ue001"
BODIES = ("body", "text", "html")
_URI = re.compile(r"<\s*([^<>\s]*)\s*>")
_HTTPS = re.compile(r"https://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?(?:[/?#][^\s]*)?")
_UNSUBSCRIBE, _SENDER = f"{_OPEN}unsubscribe_url{_CLOSE}", f"{_OPEN}sender_address{_CLOSE}"

# A way out in words: roots, folded, in the languages of the markets that law packs are for.
_ROOTS = (
    "unsubscri", "un-subscri", "opt out", "opt-out", "optout", "opting out", "abmeld", "abbestell", "austragen",
    "désabonn", "desabonn", "désinscri", "desinscri", "darse de baja", "date de baja", "dar de baja",
    "cancelar la suscripción", "cancelar suscripción", "cancelar a inscrição", "cancelar inscrição", "descadastr",
    "disiscri", "annulla l'iscrizione", "annulla l\u2019iscrizione", "cancella l'iscrizione", "uitschrijv", "afmeld",
    "avregistr", "avprenumer", "frameld", "peruuta tilaus", "wypisz", "zrezygnuj", "odhlás", "수신거부", "수신 거부",
    "配信停止", "購読解除", "登録解除", "退订", "退訂", "取消订阅", "取消訂閱",
)  # fmt: skip
_URL = re.compile(r"(?:https?://|mailto:)\S{0,500}")
_GOAL = re.compile(r"https?://|mailto:|\S@\S|\d[\d\s-]{1,3}\d")  # a link, a mail address, a number to call
_NOWHERE = re.compile(r"\Z|#|(?:javascript|about|data):", re.IGNORECASE)  # where links lead that nobody has set yet
_BETWEEN = re.compile(r"[\s<>\"()\[\]{}|]+")  # what stands around links in texts
_AROUND = ".,:;!?'\u2019\u201d\u3002"
_NO_WORD = re.compile(r"[\W_]+")
_NEAR = 200  # characters after the words within which it stands
_KEYWORDS = (
    "STOP|STOPALL|UNSUBSCRIBE|CANCEL|END|QUIT|OPTOUT|OPT-OUT|REVOKE|ARRET|ARRÊT|ALTO|BAJA|SALIR|CANCELAR|SAIR|STOPP|AF"
)
_VERBS = (
    r"reply|text|txt|send|sms|respond|r[ée]pond\w*|envoy\w*|antwort\w*|sende\w*|simse\w*|responde\w*|responda|env[ií]a\w*"
    r"|rispond\w*|invia\w*|stuur|sms'?e|svara|svar|skicka"
)
# `Reply STOP`, `Txt "STOP" to 62442`, `STOP to end`, `STOP au 36111`: never the bare word, which sells shoes too.
_KEYWORD = re.compile(
    rf"\b(?i:{_VERBS})\b[\s:]{{1,3}}(?:(?i:with|the|word|mit|avec|con|le|mot|das|wort)\s+){{0,3}}[\"'“\u2018«(]*\s?(?i:{_KEYWORDS})\b"
    rf"|(?<![\w-])(?:{_KEYWORDS})\b[\"'”\u2019»)]*\s*(?:=|:|to|au|an|al|til|naar|till)?\s*(?:\d{{3,}}|(?i:opt|end|stop|cancel|quit|unsub\w*|leave)\b)",
)  # fmt: skip


def normal(text: str) -> str:
    """The form in which texts are compared: composed characters, white space as one blank, none around."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def shown(markup: str) -> str:
    """The visible text of HTML."""
    return read(markup)[0]


# What a case may say of a message.
GIVEN: Schema = {
    **{part: {"type": "string", "nullable": True} for part in PARTS},
    "headers": {"type": "dict", "nullable": True},
    **{answer: {"type": "boolean", "nullable": True} for answer in ANSWERS},
}


# --- headers --------------------------------------------------------------------------------------------


def one_click(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether one click unsubscribes (RFC 8058): one HTTPS address in `List-Unsubscribe`, and the header that says so.

    headers: lower-case name and value. Other schemes may stand beside it (RFC 8058 section 3.1).
    """
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    posts, lists = found.get("list-unsubscribe-post", []), found.get("list-unsubscribe", [])
    if len(posts) != 1 or len(lists) != 1 or posts[0].strip().lower() != "list-unsubscribe=one-click":
        return False
    web = [uri for uri in _URI.findall(lists[0]) if uri.startswith(_UNSUBSCRIBE) or uri.lower().startswith("http")]
    return len(web) == 1 and (web[0] == _UNSUBSCRIBE or _HTTPS.fullmatch(web[0]) is not None)


def _addresses(headers: Iterable[tuple[str, str]] | None) -> tuple[str, ...]:
    """The addresses of `List-Unsubscribe`: a link to one of them is a way out, whatever it is called."""
    return tuple(
        uri for name, value in headers or () if name == "list-unsubscribe" for uri in _URI.findall(value) if uri
    )


# --- texts ------------------------------------------------------------------------------------------------


def way_out(texts: Mapping[str, str], known: Iterable[str] = ()) -> bool:
    """Whether every text of the message names a way out. known: addresses that are one."""
    addresses = (_UNSUBSCRIBE, *(each for each in known if _URL.fullmatch(each)))
    bodies = [part for part in BODIES if part in texts]
    return bool(bodies) and all(_leads_out(part, texts[part], addresses) for part in bodies)


def _leads_out(part: str, text: str, addresses: tuple[str, ...]) -> bool:
    links: tuple[tuple[str, str], ...] = ()
    if part == "html":
        text, links = read(text)
    seen = [(href, said) for href, said in links if said and not _NOWHERE.match(href)]
    if any(href in addresses for href, _ in seen) or _says_so("\n".join(f"{href}\n{said}" for href, said in seen)):
        return True
    if _UNSUBSCRIBE in text or any(_stands_whole(each, text) for each in addresses):
        return True
    folded = _folded(text)
    if any(_says_so(url) for url in _URL.findall(folded)):
        return True
    return any(_GOAL.search(folded, at, at + _NEAR) for at in _places(folded)) or bool(_KEYWORD.search(text))


def _stands_whole(address: str, text: str) -> bool:
    """Whether the text has the link, and not only a longer one that begins or ends like it."""
    bare = address.strip(_AROUND)
    return address in text and any(word.strip(_AROUND) == bare for word in _BETWEEN.split(text))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _says_so(text: str) -> bool:
    folded = _folded(text)
    return any(root in folded for root in _ROOTS)


def _places(folded: str) -> Iterator[int]:
    """Where words for a way out end."""
    for root in _ROOTS:
        at = folded.find(root)
        while at >= 0:
            yield at + len(root)
            at = folded.find(root, at + len(root))


def names_sender(texts: Mapping[str, str], sender_address: str | None) -> bool | None:
    """Whether every text shows the postal address of who sends; None when `policykit.yaml` does not say it."""
    wanted = _bare(sender_address or "")
    if not wanted:
        return None
    bodies = [read(texts[part])[0] if part == "html" else texts[part] for part in BODIES if part in texts]
    return bool(bodies) and all(_SENDER in text or wanted in _bare(text) for text in bodies)


def _bare(text: str) -> str:
    """Letters and digits alone: an address is broken into lines as the page wants it."""
    return _NO_WORD.sub("", unicodedata.normalize("NFKC", text).casefold())


def content_of(
    headers: Mapping[str, str] | None, texts: Mapping[str, str] | None, sender_address: str | None = None,
    known: Iterable[str] = (), asked: Collection[str] = ANSWERS,
) -> Content:  # fmt: skip
    """What a message holds. None = unknown. known: addresses that are a way out, beside those of its headers.

    asked: the answers that are worked out now.
    """
    lines = None if headers is None else tuple(sorted((name.lower(), value) for name, value in headers.items()))
    answers: dict[str, bool | None] = {}
    if texts is not None and "unsubscribe" in asked:
        answers["unsubscribe"] = way_out(texts, (*_addresses(lines), *known))
    if texts is not None and "postal_address" in asked:
        answers["postal_address"] = names_sender(texts, sender_address)
    kept = None if texts is None else tuple(sorted(texts.items()))
    return Content(lines, kept, tuple(answers.items()))


# --- templates ----------------------------------------------------------------------------------------------


def fixed(text: str, furnished: Iterable[str]) -> str | None:
    """The text of a template that everybody gets, with marks; None for one that cannot be read."""
    try:
        parsed = _environment().from_string(text)
    except (liquid.exceptions.LiquidError, RecursionError):
        return None
    return _fixed(parsed.nodes, frozenset(furnished))


@cache
def _environment() -> liquid.Environment:
    return liquid.Environment()


def _fixed(nodes: Iterable[Any], furnished: frozenset[str]) -> str:
    return "".join(_said(node, furnished) for node in nodes)


def _said(node: Any, furnished: frozenset[str]) -> str:
    match type(node).__name__:
        case "ContentNode":
            return str(node.text).replace(_OPEN, FIELD).replace(_CLOSE, FIELD)
        case "OutputNode" | "EchoNode":
            name = _plain_name(node.expression)
            return f"{_OPEN}{name}{_CLOSE}" if name in furnished else FIELD
        case "BlockNode" | "LiquidNode":
            return _fixed([node.block] if hasattr(node, "block") else node.nodes, furnished)
        case "CommentNode" | "DocNode" | "InlineCommentNode" | "AssignNode" | "CaptureNode":
            return ""
        case _:  # what only some people get, or more than once
            return FIELD


def _plain_name(expression: Any) -> str | None:
    if isinstance(expression, FilteredExpression):
        if expression.filters:
            return None
        expression = expression.left
    if isinstance(expression, Path) and len(expression.path) == 1 and isinstance(expression.path[0], str):
        return expression.path[0]
    return None
