"""Worlds for the laws: registry, policies, campaign and audience, aimed at boundaries.

Everything about the rule set and the campaign is drawn by Hypothesis and shrinks. The audience is
written by a seeded generator (`strategies_audience`), because one rule set is judged for many
people at once and Hypothesis' own entropy does not stretch to thousands of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from hypothesis import strategies as st

from policykit.language.content import ANSWERS
from policykit.language.offers import offered
from policykit.model import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Campaign,
    Content,
    LocalTime,
    Offer,
    Offers,
    Prepared,
    Use,
    Variant,
    to_micros,
)
from policykit.vocabulary import CHANNELS, HELPS, ORIGINS, SENSITIVITIES

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[T]], T]
Document = dict[str, Any]

ATTRIBUTES = ("basket", "income", "moving_date", "mood", "health")
TYPED = {"income": "int", "mood": "bool", "moving_date": "timestamp"}  # the others are texts
PROGRAMS = ("new-home", "club")
PURPOSES = (
    "marketing", "marketing.communications", "marketing.communications.email", "marketing.communications.push",
    "marketing.advertising", "analytics", "essential.service", "acme", "acme.loyalty", "acme.loyalty.points",
)  # fmt: skip
OWN_PURPOSES = ("acme", "acme.loyalty", "acme.loyalty.points")
CATEGORIES = ("user.behavior", "user.behavior.purchase_history", "user.financial", "user.location.precise", "user")
CONTROLLERS = ("acme", "beta")
CHANNEL_NAMES = tuple(CHANNELS)
NEAR_CHANNELS = ("push", "email", "sms", "in_app", "voice", "web_push")


@dataclass(frozen=True)
class ExtraFact:
    """A fact that the workspace adds, with texts its column may hold."""

    path: str
    type: str
    texts: tuple[str, ...]
    header: str | None = None
    members: tuple[str, ...] | None = None

    @property
    def column(self) -> str:
        return self.header or self.path.removeprefix("recipient.")

    @property
    def document(self) -> Document:
        document: Document = {"path": self.path, "type": self.type, "doc": "added by the workspace"}
        if self.header:
            document["column"] = self.header
        if self.members:
            document["members"] = list(self.members)
        return document


EXTRA_FACTS = (
    ExtraFact("recipient.tier", "string", ("gold", "silver", "Gold", "ünïcode ☃", "")),
    ExtraFact("recipient.points", "int", ("0", "-1", "100", "99", "9223372036854775807", "1e3", "")),
    ExtraFact("recipient.spend", "double", ("0.0", "0.5", "99.5", "-1.25", "100", "nan", "inf", "1e400", "")),
    ExtraFact("recipient.vip", "bool", ("true", "false", "perhaps", ""), "is_vip"),
    ExtraFact("recipient.joined_at", "timestamp", ("2026-03-02T07:00:00Z", "2024-02-29T13:00:00+01:00", "soon", "")),
    ExtraFact("recipient.patience", "duration", ("3600000000", "-1", "0", "1h", "")),
    ExtraFact("loyalty.stage", "string", ("new", "old", "New", "gone", ""), None, ("new", "old")),
)


@dataclass(frozen=True)
class Tables:
    """Rows of the data files as texts; a relation that is None is not supplied. None in a cell = empty."""

    people: tuple[Mapping[str, str | None], ...]
    addresses: tuple[Mapping[str, str | None], ...] | None = None
    consents: tuple[Mapping[str, str | None], ...] | None = None
    history: tuple[Mapping[str, str | None], ...] | None = None
    attributes: tuple[Mapping[str, str | None], ...] | None = None
    feedback: tuple[Mapping[str, str | None], ...] | None = None


@dataclass(frozen=True)
class Setting:
    """All but the people. config: the keys of `policykit.yaml`; registry: sections of one policy file."""

    config: Document
    registry: Document
    policies: tuple[Document, ...]
    campaign: Campaign
    now: int
    instants: tuple[int, ...] = field(default=())  # instants at which the send may leave, for the audience to aim at
    waivers: tuple[Document, ...] = ()


def utc(text: str) -> int:
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


# Instants next to which answers change: clock changes of several zones, month ends, leap day, midnights.
INSTANTS = tuple(
    utc(text)
    for text in (
        "2026-10-25T00:30:00", "2026-10-25T01:00:00", "2026-10-25T01:30:00",  # Europe falls back
        "2026-03-29T00:59:59", "2026-03-29T01:00:00", "2026-03-29T01:30:00",  # Europe springs forward
        "2026-11-01T05:30:00", "2026-11-01T06:30:00",  # New York falls back
        "2026-04-04T15:00:00", "2026-04-04T14:45:00",  # Lord Howe: half an hour
        "2026-09-06T04:00:00",  # Santiago skips midnight
        "2024-02-29T12:00:00", "2026-03-31T08:00:00", "2026-02-28T12:00:00", "2026-12-31T23:00:00",
        "2026-03-02T06:59:59", "2026-03-02T07:00:00", "2026-03-02T20:00:00", "2026-03-01T22:59:59",
    )
)  # fmt: skip

LOCAL_TIMES = (
    "2026-10-25T02:30:00", "2026-10-25T02:00:00", "2026-10-25T00:00:00", "2026-03-29T02:30:00", "2026-03-29T02:00:00",
    "2026-09-06T00:00:00", "2026-04-05T01:45:00", "2026-03-02T08:00:00", "2026-02-28T23:59:59", "2026-11-01T01:30:00",
)  # fmt: skip


def some(items: tuple[T, ...], least: int = 0, most: int | None = None) -> st.SearchStrategy[list[T]]:
    """Distinct members in the drawn order."""
    return st.lists(st.sampled_from(items), min_size=least, max_size=len(items) if most is None else most, unique=True)


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


# --- registry -----------------------------------------------------------------------------------


@st.composite
def registries(draw: Any) -> Document:
    """Attributes with lineage, programs, purposes of our own, ranks, facts: the sections of a registry file."""
    attributes = []
    for index, name in enumerate(ATTRIBUTES):
        entry: Document = {
            "id": name,
            "category": draw(st.sampled_from(CATEGORIES)),
            "origin": draw(st.sampled_from([member for member, _ in ORIGINS])),
            "collected_for": draw(some(PURPOSES, 1, 3)),
            "sensitivity": draw(st.sampled_from([member for member, _ in SENSITIVITIES])),
        }
        if index and (inputs := draw(some(ATTRIBUTES[:index], 0, 2))):
            entry["inferred_from"] = inputs
        if controller := draw(st.sampled_from((None, *CONTROLLERS))):
            entry["controller"] = controller
        if name in TYPED:
            entry["type"] = TYPED[name]
        if draw(st.booleans()):
            entry["disclosed_as"] = f"what we know about {name}"
        attributes.append(entry)
    document: Document = {
        "purposes": list(OWN_PURPOSES),
        "attributes": attributes,
        "programs": [draw(programs(name)) for name in PROGRAMS],
        "facts": [fact.document for fact in EXTRA_FACTS],
    }
    if draw(st.booleans()):
        document["channels"] = draw(
            st.dictionaries(st.sampled_from(NEAR_CHANNELS), st.sampled_from((40, 65, 20, 0)), min_size=1)
        )
    return document


@st.composite
def programs(draw: Any, name: str) -> Document:
    """A program with what it asks; some ask the same, some nothing."""
    document: Document = {"id": name, "purpose": draw(st.sampled_from(PURPOSES))}
    if asks := draw(some(ATTRIBUTES, 0, 3)):
        document["asks"] = asks
    if gives := draw(some(BENEFITS, 0, 2)):
        document["gives"] = [{"id": benefit, "what": f"a {benefit}"} for benefit in gives]
    return document


BENEFITS = ("month", "points")


# --- campaign -----------------------------------------------------------------------------------


@st.composite
def variants(draw: Any, selected: tuple[str, ...], *, generic: bool) -> Variant:
    """Uses of one content: those that picked the people always, others as drawn."""
    uses = {name: Use(name, recited=False, selected=True, strippable=False) for name in selected}
    for name in draw(some(ATTRIBUTES, 0, 1) if generic else some(ATTRIBUTES, draw(st.sampled_from((1, 2, 0))), 4)):
        recited = draw(st.sampled_from((True, False, None)))
        required = draw(st.sampled_from((False, False, True)))
        uses[name] = Use(name, recited, selected=name in uses, strippable=name not in uses, required=required)
    return Variant(tuple(uses[name] for name in sorted(uses)), draw(maybe(contents())))


@st.composite
def contents(draw: Any) -> Content:
    """What a text holds for everybody: labels at both ends and inside, with marks where values go."""
    headers = draw(st.sampled_from((None, (), ONE_CLICK, ONE_CLICK[:1])))
    texts = draw(maybe(st.dictionaries(st.sampled_from(TEXT_PARTS), st.sampled_from(LABELLED), max_size=3)))
    answers = draw(st.dictionaries(st.sampled_from(ANSWERS), st.sampled_from((True, False, None))))
    return Content(headers, None if texts is None else tuple(sorted(texts.items())), tuple(sorted(answers.items())))


ONE_CLICK = (("list-unsubscribe", "<https://acme.example/u>"), ("list-unsubscribe-post", "List-Unsubscribe=One-Click"))
TEXT_PARTS = ("subject", "title", "body", "text", "html")
LABELLED = ("(광고) Hi \ufffc", "Hi (광고)", "\ufffc(광고)", "Hi", "", " <b>(광고)</b> Hi ")


@st.composite
def offers(draw: Any) -> Offers:
    """Offers whose general pool just does, just does not, or is there for nothing."""
    attributes = draw(some(ATTRIBUTES, 1, 3))
    personalised = tuple(
        Offer(f"p{at}", tuple(sorted(draw(some(tuple(attributes), 1, 2)))), draw(maybe(st.sampled_from(_REVEALED))))
        for at in range(draw(st.sampled_from((2, 3, 4, 1, 0))))
    )
    general = tuple(Offer(f"g{at}") for at in range(draw(st.sampled_from((4, 3, 4, 2, 1, 0)))))
    least, most = len(personalised), len(personalised) + len(general)
    return Offers(personalised, general, draw(st.sampled_from((least, least, most, (least + most) // 2))))


_REVEALED = ("special_category", "financial", "behavioural", "public")


@st.composite
def campaigns(draw: Any, *, offering: bool = False, joining: bool = False) -> Campaign:
    known_uses = draw(st.integers(0, 9)) < 9
    selected = tuple(draw(some(ATTRIBUTES, 0, 1))) if draw(st.booleans()) else ()
    prepared = []
    channels = draw(some(NEAR_CHANNELS, draw(st.sampled_from((1, 2, 3, 3))), 4))
    if draw(st.booleans()):
        channels.sort(key=lambda channel: -CHANNELS[channel])
    for channel in channels:
        content = draw(variants(selected, generic=False)) if known_uses else Variant(None)
        generic = None
        if draw(st.integers(0, 2)):
            generic = draw(variants(selected, generic=True)) if known_uses else Variant(None)
        prepared.append(Prepared(channel, draw(st.sampled_from(("acme-mail", None))), content, generic))
    at, not_after = draw(moments()) if not offering or draw(st.integers(0, 3)) == 3 else (INSTANTS[0], None)
    scope = draw(st.sampled_from(("purpose", "purpose", "purpose", "program", "program", "neither")))
    if joining and draw(st.integers(0, 3)):
        scope = "program"
    style = draw(st.booleans())
    shown = draw(offers() if offering else st.one_of(offers(), offers(), offers(), st.none()))
    return Campaign(
        id=draw(st.sampled_from(("spring", "ünïcode ☃", None))),
        prepared=offered(prepared, shown),
        at=at,
        message_class=draw(st.sampled_from(("marketing",) * 7 + ("service", "transactional"))),
        purpose=draw(st.sampled_from(PURPOSES)) if scope == "purpose" else None,
        program=draw(st.sampled_from(PROGRAMS)) if scope == "program" else None,
        controller=draw(st.sampled_from((*CONTROLLERS, None))),
        not_after=not_after,
        helps=draw(st.sampled_from(HELPS)) if style else None,
        need=draw(st.sampled_from(ATTRIBUTES)) if style else None,
        offers=shown,
        delivers=draw(st.sampled_from((None, *BENEFITS))),
    )


@st.composite
def moments(draw: Any) -> tuple[int | LocalTime, int | LocalTime | None]:
    """The planned moment and the deadline: near, on and before it, or the default."""
    if draw(st.integers(0, 2)):
        at = draw(st.sampled_from(INSTANTS)) + draw(st.sampled_from((0, 0, 1, -1, MINUTE, -MINUTE)))
        after = draw(
            st.sampled_from((None, None, None, None, at, at + 1, at + HOUR, at + DAY - 1, at + 2 * DAY, at - 1))
        )
        return at, after
    text = draw(st.sampled_from(LOCAL_TIMES))
    zone = draw(st.sampled_from((None, None, "Europe/Paris", "Australia/Lord_Howe")))
    until = draw(st.sampled_from((None, None, None, utc(text), text, text[:10] + "T23:59:59")))
    return LocalTime(text, zone), LocalTime(until, zone) if isinstance(until, str) else until


# --- whole settings -------------------------------------------------------------------------------


def planned(campaign: Campaign) -> int:
    """About when the campaign leaves: exact for an instant, the UTC reading of a local time."""
    at = campaign.at
    return at if isinstance(at, int) else utc(at.at) if at is not None else INSTANTS[0]


@st.composite
def settings_of(
    draw: Any, policies: st.SearchStrategy[tuple[Document, ...]], *, offering: bool = False, joining: bool = False
) -> Setting:
    campaign = draw(campaigns(offering=offering, joining=joining))
    at = planned(campaign)
    now = at + draw(st.sampled_from((0, -1, 1, -SECOND, -HOUR, -DAY, -30 * DAY, DAY)))
    config: Document = {"controller": draw(st.sampled_from((*CONTROLLERS, None)))}
    config["assume"] = draw(
        st.dictionaries(st.sampled_from(tuple(ASSUMABLE)), st.integers(0, 1), max_size=2).map(
            lambda chosen: {path: ASSUMABLE[path][index] for path, index in chosen.items()}
        )
    )
    return Setting(config, draw(registries()), draw(policies), campaign, now, (at,))


ASSUMABLE: Mapping[str, tuple[Any, Any]] = {
    "recipient.country": ("FR", "DE"),
    "recipient.zone": ("Europe/Paris", "America/New_York"),
    "recipient.degree": ("generic", "observed"),
    "recipient.tolerance": (0, 60),
    "recipient.customer": (True, False),
    "recipient.tier": ("gold", "silver"),
    "send.address.shared": (False, True),
    "send.address.suppressed": (False, True),
}
