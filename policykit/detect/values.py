"""What stands in a column: checks of single cells, and the share of a sample that passes each.

Formats are checked as strictly as their own rules allow (check digits by python-stdnum, addresses of
the internet by the standard library), because a share near one of strict checks cannot be chance.
Phone numbers count in international form only (`+` and 8 to 15 digits, E.164): in national form they
are digits like any others, and their name must say what they are.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import import_module

from policykit.detect.given_names import GIVEN_NAMES

LONGEST = 200  # characters of a cell that are looked at
_CHECKED = 400  # cells of a sample that are checked: more would not make a share surer
_EMAIL = re.compile(r"[^\s@<>,;:\"]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}")
_MAILED = re.compile(r"(?:.*<)?" + _EMAIL.pattern + r">?")
_E164 = re.compile(r"(?:\+|00)[1-9][0-9]{7,14}")
_NATIONAL = re.compile(r"\(?0?[0-9][0-9 ()./-]{5,18}[0-9]")
_PUSH = re.compile(r"[\w-]{11,}:APA91[\w-]{60,}|ExponentPushToken\[[\w-]{10,}\]")
_IBAN = re.compile(r"[A-Za-z]{2}[0-9]{2}[A-Za-z0-9 ]{11,38}")
_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}", re.IGNORECASE)
_DATE = re.compile(r"(?:(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}))(?:[T ][0-9:.]+Z?)?")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_PLACE = re.compile(r"-?[0-9]{1,3}\.[0-9]{3,}(?:\s*[,;]\s*-?[0-9]{1,3}\.[0-9]{3,})?")
_POSTCODE = re.compile(
    r"[0-9]{4,5}(?:-[0-9]{3,4})?|[0-9]{3} ?[0-9]{2}|[0-9]{4} ?[A-Z]{2}|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}|"
    r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]|[A-Z]{1,2}-[0-9]{4,5}",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?[0-9]*[.,]?[0-9]+(?:[eE][-+]?[0-9]+)?")
_FLAGS = frozenset({"0", "1", "true", "false", "yes", "no", "y", "n", "t", "f", "ja", "nein", "oui", "non", "si"})
_GENDERS = frozenset(
    """
    m f w male female man woman men women mr mrs ms miss mx herr frau mannlich weiblich männlich divers d x h homme
    femme monsieur madame mme mlle hombre mujer varon sr sra uomo donna maschio femmina homem mulher vrouw man kvinna
    nainen mies u unknown other non-binary nonbinary diverse
    """.split()  # noqa: SIM905  # one table
)
# Numbers of states that have check digits, so that few other numbers pass.
_STATES = (
    "es.dni", "es.nie", "fr.nir", "de.idnr", "it.codicefiscale", "nl.bsn", "be.nn", "pt.cc", "pl.pesel",
    "se.personnummer", "fi.hetu", "no.fodselsnummer", "dk.cpr", "cz.rc", "ro.cnp", "gb.nhs", "ie.pps", "ch.ssn",
    "tr.tckimlik", "br.cpf", "ca.sin", "in_.aadhaar", "cn.ric", "kr.rrn", "mx.curp", "za.idnr", "au.tfn", "cl.rut",
    "gr.amka", "hu.anum",
)  # fmt: skip
_STATE = re.compile(r"[A-Z0-9][A-Z0-9 ./+-]{8,29}")
_DIGITS = 6  # at least: shorter numbers pass by chance


@dataclass(frozen=True, slots=True)
class Shares:
    """Of the cells of a sample that hold something (`filled`): how many pass each check, in parts of one."""

    filled: int
    distinct: int
    passed: Mapping[str, float]

    def of(self, check: str) -> float:
        return self.passed.get(check, 0.0)


def shares(cells: Iterable[str | None]) -> Shares:
    """What a sample of cells looks like. Nothing of a cell is kept."""
    texts = [cell.strip()[:LONGEST] for cell in cells if cell is not None and cell.strip()]
    if not texts:
        return Shares(0, 0, {})
    texts = texts[:: -(-len(texts) // _CHECKED)]
    often = Counter(texts)
    passed = {name: sum(often[text] for text in often if check(text)) / len(texts) for name, check in CHECKS.items()}
    passed["birth"] = 1.0 if passed["date"] >= 0.9 and _spread_like_births(texts) else 0.0
    passed["state"] = _state_share(texts)
    return Shares(len(texts), len(set(texts)), passed)


def is_value(name: str) -> bool:
    """Whether what should be a name is a value, as in a file without a header: then it must not be shown."""
    text = name.strip()[:LONGEST]
    return _holds_email(text) or is_phone(text) or is_iban(text) or is_card(text)


# --- checks of one cell ---------------------------------------------------------------------------------


def is_email(text: str) -> bool:
    return _MAILED.fullmatch(text) is not None


def is_phone(text: str) -> bool:
    """A phone number in international form, however it is spaced."""
    return text.startswith(("+", "00")) and _E164.fullmatch(re.sub(r"[ ()./-]", "", text)) is not None


def _could_be_phone(text: str) -> bool:
    return is_phone(text) or (_NATIONAL.fullmatch(text) is not None and 7 <= sum(map(str.isdigit, text)) <= 15)


def is_ip(text: str) -> bool:
    if text.count(".") != 3 and text.count(":") < 2:
        return False  # `ipaddress` reads bare numbers too
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_iban(text: str) -> bool:
    return _IBAN.fullmatch(text) is not None and _valid("iban", text)


def is_card(text: str) -> bool:
    """A payment card: 13 to 19 digits that begin as schemes' do and end in a check digit (Luhn)."""
    digits = re.sub(r"[ -]", "", text)
    return digits.isdigit() and 13 <= len(digits) <= 19 and digits[0] in "23456" and _valid("luhn", digits)


def _is_device(text: str) -> bool:
    return bool(_MAC.fullmatch(text) or _UUID.fullmatch(text)) or (
        text.isdigit() and len(text) == 15 and _valid("imei", text)
    )


def _is_date(text: str) -> bool:
    return _year_of(text) is not None or _YEAR.fullmatch(text) is not None


def _year_of(text: str) -> int | None:
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day = found.group(1, 2, 3) if found.group(1) else found.group(6, 5, 4)
    month, day = (day, month) if int(month) > 12 else (month, day)
    try:
        return date(int(year), int(month), int(day)).year
    except ValueError:
        return None


def _is_gender(text: str) -> bool:
    return text.casefold().rstrip(".") in _GENDERS


def _is_name(text: str) -> bool:
    first = re.split(r"[\s-]", text, maxsplit=1)[0].casefold()
    return first in GIVEN_NAMES and not any(char.isdigit() for char in text)


def _is_full_name(text: str) -> bool:
    return " " in text and _is_name(text)


def _holds_email(text: str) -> bool:
    return "@" in text and _EMAIL.search(text) is not None


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _is_flag(text: str) -> bool:
    return text.casefold() in _FLAGS


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "email": is_email,
    "phone": is_phone,
    "digits": _could_be_phone,
    "ip": is_ip,
    "iban": is_iban,
    "card": is_card,
    "push": lambda text: _PUSH.fullmatch(text) is not None,
    "device": _is_device,
    "date": _is_date,
    "place": lambda text: _PLACE.fullmatch(text) is not None,
    "postcode": lambda text: _POSTCODE.fullmatch(text) is not None,
    "gender": _is_gender,
    "name": _is_name,
    "full_name": _is_full_name,
    "hash": lambda text: _HASH.fullmatch(text) is not None,
    "mentions": _holds_email,
    "number": _is_number,
    "flag": _is_flag,
}


# --- checks of a whole sample ---------------------------------------------------------------------------


def _spread_like_births(texts: Sequence[str]) -> bool:
    """Whether dates lie as births do: over many years, half of them before 2005, none before 1890."""
    years = sorted(year for text in texts if (year := _year_of(text)) is not None)
    if len(years) < 0.9 * len(texts):
        return False
    low, middle, high = (years[int(share * (len(years) - 1))] for share in (0.1, 0.5, 0.9))
    return years[0] >= 1890 and middle < 2005 and high - low >= 10


def _state_share(texts: Sequence[str]) -> float:
    """The share of numbers with the check digits of one state, of the state that fits best."""
    candidates = [text for text in texts if _STATE.fullmatch(text) and sum(map(str.isdigit, text)) >= _DIGITS]
    if len(candidates) < 0.9 * len(texts):
        return 0.0
    few = candidates[:10]  # enough to rule a state out
    fit = [state for state in _STATES if sum(_valid(state, text) for text in few) >= 0.9 * len(few)]
    return max((sum(_valid(state, text) for text in candidates) / len(texts) for state in fit), default=0.0)


@cache
def _module(name: str) -> Callable[[str], bool]:
    check: Callable[[str], bool] = import_module(f"stdnum.{name}").is_valid
    return check


def _valid(name: str, text: str) -> bool:
    return bool(_module(name)(text))
