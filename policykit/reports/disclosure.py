"""What a company remembers, told to the people it is remembered about: the words every rendering is made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

__all__ = [
    "CATEGORIES", "GUARDS", "GUARDS_ALL", "HOW", "ORIGINS", "ORIGIN_TITLES", "PROFILE", "PURPOSES", "QUOTED", "RULES",
    "SENSITIVITIES", "TRIED_OUT", "Decided", "Group", "Guard", "Held", "Joined", "Person", "Remembered", "Statement",
    "Used", "as_json", "category", "groups", "guard_text", "named", "opening", "purpose", "remarks", "sentence",
    "untold",
]  # fmt: skip

# How somebody came by it: a heading, and the origins below it, in the order they are told.
ORIGIN_TITLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("What you told us", ("provided", "contextual")),
    ("What we noticed", ("observed",)),
    ("What we worked out", ("derived", "inferred", "generated")),
    ("What we got from others", ("purchased",)),
)
ORIGINS = {
    "contextual": "from the moment itself, such as the page you are on",
    "provided": "you told us",
    "observed": "we noticed it when you used our services",
    "derived": "we calculated it",
    "inferred": "we guessed it",
    "generated": "a program of ours made it up from other data",
    "purchased": "we got it from another company",
}
SENSITIVITIES = {
    "public": "everybody may know it",
    "internal": "hardly private",
    "personal": "personal",
    "contact": "personal: how to reach you",
    "behavioural": "personal: what you do",
    "precise_location": "very personal: where you are",
    "financial": "very personal: your money",
    "special_category": "most personal: the law protects it specially",
}
HOW = {
    "shown": "shows it in the message",
    "picked": "picks the people it is for by it",
    "offer": "picks an offer by it",
    "shaped": "chooses its words by it, without showing it",
}

# Columns of people, as one tells them to the person; others by their names.
PROFILE = {
    "id": "your number with us",
    "country": "your country",
    "region": "your region",
    "zone": "your time zone",
    "language": "your language",
    "age": "your age",
    "account_type": "your kind of account",
    "customer": "you bought from us",
    "last_purchase_at": "your last purchase",
    "degree": "how far what we know may go",
    "tolerance": "how much intrusion you accept, in points",
}

# fideslang data categories (CC-BY-4.0, Ethyca) in plain words; a parent stands for what is not listed.
CATEGORIES = {
    "user": "data about you",
    "user.account": "your account",
    "user.account.settings": "your settings",
    "user.account.usage": "how you use our services",
    "user.account.username": "the name of your account",
    "user.authorization": "how you log in",
    "user.behavior": "what you do",
    "user.behavior.browsing_history": "pages you look at",
    "user.behavior.media_consumption": "what you watch and listen to",
    "user.behavior.purchase_history": "what you buy",
    "user.behavior.search_history": "what you search for",
    "user.biometric": "your body's features",
    "user.childrens": "children",
    "user.contact": "how to reach you",
    "user.contact.address": "where you live",
    "user.contact.email": "your e-mail address",
    "user.contact.phone_number": "your phone number",
    "user.content": "what you write and make",
    "user.content.private": "what you write in private",
    "user.content.public": "what you publish",
    "user.criminal_history": "criminal records",
    "user.demographic": "who you are",
    "user.demographic.age_range": "your age",
    "user.demographic.date_of_birth": "when you were born",
    "user.demographic.gender": "your gender",
    "user.demographic.language": "your language",
    "user.demographic.marital_status": "whether you are married",
    "user.demographic.political_opinion": "your political opinions",
    "user.demographic.race_ethnicity": "your origin",
    "user.demographic.religious_belief": "your beliefs",
    "user.demographic.sexual_orientation": "your sex life",
    "user.device": "your devices",
    "user.device.ip_address": "your internet address",
    "user.employment": "your work",
    "user.financial": "your money",
    "user.financial.bank_account": "your bank account",
    "user.government_id": "numbers the state gave you",
    "user.health_and_medical": "your health",
    "user.location": "where you are",
    "user.location.imprecise": "roughly where you are",
    "user.location.precise": "exactly where you are",
    "user.name": "your name",
    "user.payment": "how you pay",
    "user.unique_id": "numbers that stand for you",
    "user.workplace": "where you work",
}
PURPOSES = {
    "essential": "what a contract with you needs",
    "essential.service": "giving you the service you asked for",
    "essential.service.notifications": "telling you about a service you use",
    "functional": "making our services work well",
    "marketing": "marketing",
    "marketing.advertising": "advertising",
    "marketing.advertising.profiling": "working out which advertising suits you",
    "marketing.advertising.third_party": "advertising of other companies",
    "marketing.communications": "messages with offers",
    "personalize": "suiting what you see to you",
    "analytics": "counting and understanding how our services are used",
    "third_party_sharing": "giving it to other companies",
    "train_ai_system": "training programs that learn",
    "sales": "selling",
    "finance": "payments",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """A policy that a use of something remembered has to pass.

    because: its reason, in words meant for colleagues; disclosed_as: the same said to people. At least one is there.
    waived_until: the day on which the last waiver of it ends, as written; None = no waiver sets it aside.
    """

    policy: str
    because: str | None
    disclosed_as: str | None = None
    waived_until: str | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """A campaign that uses something. how: keys of `HOW`; because: why the campaign is sent, where it says."""

    campaign: str
    how: tuple[str, ...]
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """One thing remembered about people.

    says: the sentence that discloses it; None = nobody wrote one, then no message may use it. keep: how long,
    None = no time is set. made_from: the sentences of what it was inferred from. holder: the company that
    holds it, None = the registry does not say. campaigns: None = some campaign does not say what it uses.
    """

    id: str
    says: str | None
    origin: str
    category: str | None = None
    sensitivity: str | None = None
    does_for_you: str | None = None
    collected_for: tuple[str, ...] = ()
    keep: str | None = None
    holder: str | None = None
    made_from: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    campaigns: tuple[Used, ...] = ()
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Things that were come by alike. guards: what guards all of them, told once and no more with each."""

    title: str
    things: tuple[Remembered, ...]
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """A program that people join. gives: in words; asks: ids of what it asks; leave: channels to leave by."""

    id: str
    purpose: str
    gives: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A value held about one person. record: the consent record it was given under; because the person asked for it,
    and only then, the value stands here.
    """

    what: str
    value: str = field(repr=False)
    origin: str | None = None
    collected_at: str | None = None
    collected_for: tuple[str, ...] = ()
    record: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision about a message to the person.

    used: ids of what shaped the message that left; records: the consent records the decision stood on.
    """

    id: str
    at: str
    outcome: str
    campaign: str | None
    channel: str
    used: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    records: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """What is held about one person. rows: relation -> rows of (what, text); missing: what this account cannot say.

    refused: ids of attributes that they refused, in all messages or in some. decisions: None = there is no log
    at hand. suppressed: addresses that nothing is sent to; None = no store was asked.
    """

    id: str
    known_from: str
    values: tuple[Held, ...] = ()
    profile: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    rows: tuple[tuple[str, tuple[tuple[tuple[str, str], ...], ...]], ...] = field(default=(), repr=False)
    decisions: tuple[Decided, ...] | None = None
    missing: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything a company says it remembers.

    company: how it calls itself; contact: where to ask, None where the workspace names none. rules: policies
    that guard every message and not one thing alone. unsaid: campaigns that do not say what they use.
    enforced: whether policies stop messages already, or are only tried out. refusable: whether they obey when
    somebody refuses a single thing. bounded, refused, silenced: whether they obey a degree that somebody names,
    a no to a channel or to everything, and that an address is written to no more.
    """

    company: str
    remembered: tuple[Remembered, ...]
    programs: tuple[Joined, ...] = ()
    rules: tuple[Guard, ...] = ()
    contact: str | None = None
    unsaid: tuple[str, ...] = ()
    as_of: str = ""
    person: Person | None = None
    enforced: bool = True
    refusable: bool = False
    bounded: bool = False
    refused: bool = False
    silenced: bool = False

    def told(self) -> tuple[Remembered, ...]:
        return tuple(each for each in self.remembered if each.says)

    def untold(self) -> tuple[Remembered, ...]:
        return tuple(each for each in self.remembered if not each.says)

    def name_of(self, id: str) -> str:  # noqa: A002  # its name everywhere
        """How something remembered is called: its sentence, else its id."""
        return next((each.says for each in self.remembered if each.id == id and each.says), id)


def opening(statement: Statement) -> str:
    """What a reader has to know first."""
    told = len(statement.told())
    if not told:
        return "We remember nothing about you that any message may use."
    things = "one thing" if told == 1 else f"{told} things"
    return (
        f"We remember up to {things} about you, so that our messages are of use to you. Here is each of them: where it "
        "comes from, what for, how long, and what uses it. No message may use anything that is not on this list."
    )


GUARDS = "What guards it"
GUARDS_ALL = "What guards all of these"
RULES = "What every message keeps to"
TRIED_OUT = "We are trying our rules out: what breaks one is written down, and sent nevertheless."
EXCEPTED = "Until {} we make an exception for some messages."
QUOTED = "What stands in quotation marks are our own rules, word for word as our teams read them: “they” are you."


def groups(statement: Statement) -> tuple[Group, ...]:
    """What may be told, by how it was come by, in the order it is told; no group is empty."""
    found = ((title, [each for each in statement.told() if each.origin in origins]) for title, origins in ORIGIN_TITLES)
    return tuple(_group(title, things) for title, things in found if things)


def _group(title: str, things: list[Remembered]) -> Group:
    if len(things) == 1:
        return Group(title, tuple(things))
    shared = frozenset.intersection(*(frozenset(each.guards) for each in things))
    own = (replace(each, guards=tuple(guard for guard in each.guards if guard not in shared)) for each in things)
    return Group(title, tuple(own), tuple(guard for guard in things[0].guards if guard in shared))


def guard_text(guard: Guard) -> str:
    """What guards something as people are told it: the sentence meant for them, else the company's own, quoted."""
    said = guard.disclosed_as or f"“{guard.because}”"
    return f"{said} {EXCEPTED.format(guard.waived_until)}" if guard.waived_until else said


def remarks(statement: Statement) -> Iterator[str]:
    """What a reader has to know of the rules that are told anywhere below."""
    told = [*statement.rules, *(guard for each in statement.told() for guard in each.guards)]
    if told and not statement.enforced:
        yield TRIED_OUT
    reasons = [reason for each in (statement.person and statement.person.decisions) or () for reason in each.because]
    if any(text.startswith("“") for text in (*map(guard_text, told), *reasons)):
        yield QUOTED


def untold(statement: Statement) -> str | None:
    """What a reader has to know of things without a sentence; None when there are none."""
    number = len(statement.untold())
    what = "One more thing is" if number == 1 else f"{number} more things are"
    return (
        f"{what} remembered that nobody has described yet. No message may use it until somebody has."
        if number
        else None
    )


def named(id: str) -> str:  # noqa: A002  # its name everywhere
    """A campaign or program as one says it: its id without what joins words."""
    return f"“{id.replace('-', ' ').replace('_', ' ')}”"


def as_json(statement: Statement) -> dict[str, Any]:
    """The same for scripts; keys are stable."""
    return asdict(statement)


def category(key: str | None) -> str | None:
    """A fideslang category in plain words, by its nearest listed parent; the key itself where none is listed."""
    return _nearest(key, CATEGORIES)


def purpose(key: str) -> str:
    """A purpose in plain words, likewise."""
    return _nearest(key, PURPOSES) or key


def _nearest(key: str | None, words: dict[str, str]) -> str | None:
    parent = key
    while parent:
        if parent in words:
            return words[parent]
        parent = parent.rpartition(".")[0]
    return key


def sentence(text: str) -> str:
    """A phrase as a heading: its first letter large, no full stop."""
    text = text.strip().rstrip(".")
    return text if text.startswith("“") else text[:1].upper() + text[1:]
