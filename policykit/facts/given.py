"""A send and a person written by hand, as in cases and `explain --send`: facts not given are unknown.

Relations follow the columns of data files. A key nobody knows is an error, with what was meant; a
value that cannot be read is unknown, as it would be in data. A number for an instant is an error.
"""

from __future__ import annotations

from dataclasses import dataclass

from policykit.errors import Place, UsageError
from policykit.facts.given_person import read_person
from policykit.facts.given_reader import Reader, Row
from policykit.facts.given_send import SEND, read_send
from policykit.ir.rules import RuleSet
from policykit.model import Campaign, Micros, Person
from policykit.vocabulary import Vocabulary

_SECTIONS = ("send", "recipient", "facts", "consents", "history", "attributes", "feedback")


@dataclass(frozen=True, slots=True)
class Given:
    """What a case or a hand-written send stands for. channel: where it starts, None = as planned."""

    campaign: Campaign
    person: Person
    channel: str | None


def read_given(ruleset: RuleSet, vocabulary: Vocabulary, given: Row, now: Micros, place: Place | None = None) -> Given:
    """The campaign and the person that `given` describes.

    now: the instant of the send when none is given. Raises `UsageError` with every problem.
    """
    reader = Reader(ruleset, vocabulary, place)
    top = reader.mapping(given, "given", _SECTIONS)
    send = reader.mapping(top.get("send"), "given.send", SEND)
    person = read_person(reader, top)
    channel = reader.one_of(send.get("channel"), "channel", reader.channels)
    campaign = read_send(reader, send, person, channel, now)
    if reader.problems:
        raise UsageError(reader.problems)
    return Given(campaign, person, channel)
