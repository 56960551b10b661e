"""Name and values together: what a field holds, how sure that is, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from policykit.detect.concepts import BY_ID, Concept
from policykit.detect.names import Called, called, is_of_something_else
from policykit.detect.values import Shares, shares

Confidence: TypeAlias = Literal["high", "medium", "low"]

_MOST = 0.9  # of the cells pass: chance is out of the question for strict checks
_ENOUGH = 10  # cells: fewer may look like anything
_NAMES = 0.4  # of the cells begin with one of our few hundred names: the others are names too

# What values alone can say: check -> (concept, what they are). The first that fits counts.
_BY_VALUES = (
    ("email", "email", "e-mail addresses"), ("phone", "phone", "phone numbers"), ("iban", "bank_account", "IBANs"),
    ("card", "payment_card", "card numbers with a right check digit"), ("push", "push_token", "push tokens"),
    ("ip", "ip_address", "internet addresses"), ("state", "government_id", "state numbers with right check digits"),
    ("birth", "birth_date", "dates spread as births are"),
)  # fmt: skip
_HINTS = (("mentions", "communications", "hold an e-mail address"), ("device", "device_id", "look like ids of devices"))
_SAID = {
    "email": "e-mail addresses", "phone": "phone numbers", "iban": "IBANs", "card": "card numbers",
    "push": "push tokens", "ip": "internet addresses", "state": "state numbers", "date": "dates",
    "postcode": "postcodes", "gender": "genders", "name": "given names we know", "device": "ids of devices",
}  # fmt: skip
# How much of a sample at least passes the check that its name promises; less is a contradiction. Names are too many to
# know them all, other ids have no form, and states write theirs in many ways.
_PROMISED = {"email": 0.3, "phone": 0.3, "ip": 0.5, "date": 0.5, "postcode": 0.3, "iban": 0.0, "card": 0.0}


@dataclass(frozen=True, slots=True)
class Found:
    """What one field holds. why: in words, with shares, never with a value."""

    concept: Concept
    confidence: Confidence
    why: str


def look(name: str, cells: Iterable[str | None] = ()) -> Found | None:
    """What a field of this name with these values holds about a person; None when nothing says that it does.

    cells: a sample, empty where no values are at hand.
    """
    seen, said = shares(cells), called(name)
    by_values = _by_values(seen)
    if by_values is not None and is_of_something_else(name):
        return Found(by_values.concept, "low", f"{by_values.why}, but the name speaks of something else")
    if by_values is not None and (said is None or by_values.confidence == "high"):
        return _agreeing(by_values, said)
    if said is None:
        return None
    return _by_name(said, seen)


def _agreeing(found: Found, said: Called | None) -> Found:
    """What values say, in the words of the name where it only says it more exactly."""
    if said is None or not said.sure:
        return found
    same = said.concept if said.concept.category.startswith(found.concept.category) else found.concept
    return Found(same, "high", f"{found.why}, and the name says `{said.word}`")


def _by_values(seen: Shares) -> Found | None:
    for check, concept, what in _BY_VALUES:
        share = seen.of(check)
        if share >= _MOST:
            # Dates may be spread like births and be something else's beginning; only a name makes them sure.
            sure: Confidence = "high" if seen.filled >= _ENOUGH and check != "birth" else "medium"
            return Found(BY_ID[concept], sure, f"{_of_values(share)} are {what}")
    if seen.of("name") >= _NAMES and seen.filled >= _ENOUGH:
        sure = "high" if seen.of("name") >= 2 * _NAMES and seen.distinct >= _ENOUGH else "medium"
        concept = "full_name" if seen.of("full_name") >= seen.of("name") / 2 else "first_name"
        return Found(BY_ID[concept], sure, f"{_of_values(seen.of('name'))} begin with a given name")
    for check, concept, what in _HINTS:
        share = seen.of(check)
        if share >= (_MOST if check == "device" else 0.05) and seen.filled >= _ENOUGH:
            return Found(BY_ID[concept], "medium", f"{_of_values(share)} {what}")
    return None


def _by_name(said: Called, seen: Shares) -> Found:
    concept, name = said.concept, f"the name says `{said.word}`"
    against = _contradiction(concept, seen)
    if against is not None:
        return Found(concept, "low", f"{name}, but {against}")
    proof = _proof(concept, seen)
    if said.sure:
        # A country, a language or a time zone alone tells nobody from others.
        sure: Confidence = "medium" if concept.sensitivity == "internal" else "high"
        return Found(concept, sure, name + (f", and {proof}" if proof else ""))
    if proof:
        return Found(
            concept, "high" if concept.values in ("email", "phone", "name") else "medium", f"{name}, and {proof}"
        )
    hint: Confidence = "medium" if concept.sensitivity != "personal" else "low"
    return Found(concept, hint, f"{name}, which may mean other things")


def _contradiction(concept: Concept, seen: Shares) -> str | None:
    """What speaks against the name in the values; values that were hashed speak neither way."""
    if seen.filled < _ENOUGH or seen.of("hash") >= _MOST:
        return None
    if not concept.number and seen.of("flag") >= _MOST:
        return "its values are flags"
    if not concept.number and seen.of("number") >= _MOST and not (concept.values and seen.of(concept.values) >= _MOST):
        return "its values are numbers"
    check = "digits" if concept.values == "phone" else concept.values or ""
    share = seen.of(check)
    if concept.values in _PROMISED and share < _PROMISED[concept.values]:
        return f"{_of_values(share)} are {_SAID[concept.values]}"
    return None


def _proof(concept: Concept, seen: Shares) -> str | None:
    """What the values say for the name."""
    check = concept.values
    if check is None or seen.filled == 0:
        return None
    share = seen.of(check)
    return f"{_of_values(share)} are {_SAID[check]}" if share >= (_NAMES if check == "name" else _MOST) else None


def _of_values(share: float) -> str:
    return "all values" if share == 1 else f"{100 * share:.0f} % of values"
