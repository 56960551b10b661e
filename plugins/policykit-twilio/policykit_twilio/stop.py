"""Words by which people say stop to a text message, in several languages."""

from __future__ import annotations

import re
import unicodedata

# A message that begins with one of these says stop, whatever follows: "stop please", "STOP texting me".
_FIRST = frozenset(
    """
    stop stopp stopall unsubscribe optout revoke desabonner desabonnement abmelden abbestellen afmelden
    uitschrijven disiscrivi disiscrivimi descadastrar avregistrera afmeld avmeld
    """.split()  # noqa: SIM905  # one table
)
# These say it when they stand alone: "end of the month?" asks something.
_ALONE = frozenset({
    "end", "quit", "cancel", "remove", "opt out", "opt me out", "remove me", "no more", "arret", "arreter", "annuler",
    "fin", "alto", "baja", "parar", "pare", "cancelar", "detener", "salir", "sair", "basta", "ferma", "annulla",
    "cancella", "ende", "aus", "kuendigen", "kundigen", "stoppen", "avsluta", "avslutt", "slut", "lopeta", "peruuta",
    "rezygnuje", "rezygnacja", "wypisz", "konec", "odhlasit", "leiratkozas", "dezabonare", "iptal", "dur", "ret",
    "td", "t", "стоп", "отписаться", "отписка", "отмена", "σταματα", "διαγραφη", "停止", "解除", "配信停止", "退订",
    "退訂", "取消", "수신거부", "거부", "중지", "बंद", "बंद करें", "توقف", "ايقاف", "الغاء", "הסר", "הפסק",
})  # fmt: skip
# Courtesy around the word changes nothing: "please stop", "cancel, thank you".
_POLITE = frozenset(
    """
    please pls plz kindly thanks thank you thx ok okay hi hello hey bitte danke merci svp por favor gracias grazie
    obrigado obrigada tack alstublieft
    """.split()  # noqa: SIM905  # one table
)
_NO_WORD = re.compile(r"[^\w\s]|_")


def says_stop(text: str) -> bool:
    """Whether a reply asks for no more messages."""
    words = _plain(text).split()
    while words and words[0] in _POLITE:
        words = words[1:]
    while words and words[-1] in _POLITE:
        words = words[:-1]
    if not words:
        return False
    return words[0] in _FIRST or " ".join(words) in _ALL or words[:2] == ["opt", "out"]


def _plain(text: str) -> str:
    """In small letters, without accents of letters that have them, and without signs."""
    letters = unicodedata.normalize("NFKD", text[:200]).casefold()
    bare = "".join(each for each in letters if not _is_accent(each))
    return _NO_WORD.sub(" ", unicodedata.normalize("NFKC", bare))


def _is_accent(letter: str) -> bool:
    """Of Latin and Greek letters; signs of Indian and other scripts belong to the word."""
    return "\u0300" <= letter <= "\u036f"


_ALL = frozenset(" ".join(_plain(each).split()) for each in _ALONE)
