"""Policies of every kind, as the documents an author would write."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from policykit.model import from_micros
from policykit.vocabulary import BASES, DEGREES, ORIGINS, QUALITIES, REFUSED_LEVELS, SENSITIVITIES, STYLES
from tests.laws.strategies import (
    ATTRIBUTES,
    CATEGORIES,
    CONTROLLERS,
    INSTANTS,
    NEAR_CHANNELS,
    PROGRAMS,
    PURPOSES,
    Document,
    some,
)
from tests.laws.strategies_expressions import conditions

QUALITY_NAMES = tuple(member for member, _ in QUALITIES)
ORIGIN_NAMES = tuple(member for member, _ in ORIGINS)
DEGREE_NAMES = tuple(member for member, _ in DEGREES)
SENSITIVITY_NAMES = tuple(member for member, _ in SENSITIVITIES)
AGES = ("1 month", "12 months", "24 months", "30 days", "1 day", "6 hours")
WINDOWS = ("7 days", "1 day", "30 days", "16 hours", "90 minutes")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
INTRUSIVE = ("push", "sms", "voice", "web_push")
CLOCKS = ("00:00", "02:00", "02:30", "08:00", "09:00", "12:00", "21:00", "22:00", "23:59")


def exactly_one(values: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """A value, a list, or a negated list."""
    return st.one_of(
        st.sampled_from(values),
        some(values, 1, 3),
        some(values, 1, 2).map(lambda chosen: {"not": chosen}),
    )


def along(scale: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """The same, and bounds along an ordered scale."""
    bounds = st.tuples(st.sampled_from(("at_least", "at_most")), st.sampled_from(scale))
    return exactly_one(scale) | bounds.map(lambda bound: {bound[0]: bound[1]})


# --- for whom -----------------------------------------------------------------------------------

SCOPES: dict[str, st.SearchStrategy[Any]] = {
    "channel": st.sampled_from(NEAR_CHANNELS) | some(NEAR_CHANNELS, 1, 3),
    "message_class": st.sampled_from(("any", "any", "marketing", "service", ["marketing", "transactional"])),
    "purpose": st.sampled_from(PURPOSES) | some(PURPOSES, 1, 2),
    "program": st.sampled_from(PROGRAMS),
    "campaign": st.sampled_from(("spring", "other")),
    "recipient.country": st.sampled_from(("FR", ["FR", "DE"], ["US"])),
    "recipient.account_type": st.sampled_from(("business", ["consumer"])),
    "recipient.customer": st.booleans(),
    "style": st.sampled_from(STYLES),
}
_MOMENTS = tuple(from_micros(at).isoformat() for at in INSTANTS)
_SORTED = tuple(sorted({text[:10] for text in _MOMENTS} | set(_MOMENTS)))


@st.composite
def scopes(draw: Any) -> Document:
    """The parts every kind shares: `for`, `when`, mode and dates; most policies have few of them."""
    scope: Document = {}
    if keys := draw(some(tuple(SCOPES), 0, draw(st.sampled_from((0, 1, 0, 2, 1))))):
        scope["for"] = {key: draw(SCOPES[key]) for key in keys}
    if draw(st.integers(0, 3)) == 3:
        scope["when"] = draw(conditions())
    if draw(st.integers(0, 11)) == 11:
        scope["mode"] = draw(st.sampled_from(("audit", "audit", "enforce", "off")))
    if draw(st.integers(0, 15)) == 15:
        first, last = sorted(draw(st.lists(st.sampled_from(_SORTED), min_size=2, max_size=2, unique=True)))
        scope |= draw(st.sampled_from(({"starts": first}, {"ends": last}, {"starts": first, "ends": last})))
    return scope


# --- what happens ---------------------------------------------------------------------------------

BLOCK = st.just("block")
MOVE = (st.just("less_intrusive") | st.just("less_intrusive") | some(NEAR_CHANNELS, 1, 4)).map(
    lambda to: {"downgrade": {"channel": to}}
)
GENERIC = st.just({"downgrade": {"content": "generic"}})
STRIP = st.just({"downgrade": {"uses": "strip"}})
BLEND = st.just({"downgrade": {"offers": "blend"}})
LATER = st.just({"downgrade": {"send_at": "next_allowed"}})


# --- bodies -----------------------------------------------------------------------------------------


@st.composite
def consent_bodies(draw: Any) -> Document:
    if draw(st.integers(0, 3)) == 3:
        levels = draw(some(REFUSED_LEVELS, 1, 3))
        return {"forbid": {"refused_for": levels if len(levels) > 1 else levels[0]}}
    first, second = draw(_grants()), draw(_grants())
    if first != second and draw(st.integers(0, 3)) == 3:
        return {"require": {"any": [first, second]}}
    return {"require": first}


@st.composite
def _grants(draw: Any) -> Document:
    """What is asked of one grant."""
    body: Document = {}
    if draw(st.booleans()):
        body["quality"] = draw(along(QUALITY_NAMES))
    if draw(st.integers(0, 3)) == 3:
        body["basis"] = draw(st.sampled_from(BASES) | some(BASES, 1, 3))
    if draw(st.booleans()):
        body["max_age"] = draw(st.sampled_from(AGES))
    if draw(st.integers(0, 2)) == 2:
        body["names"] = draw(some(("channel", "purpose", "program"), 1, 2))
    for key, value in (("defects", "none"), ("evidence", True), ("controller", "this_controller")):
        if draw(st.integers(0, 4)) == 4:
            body[key] = value
    return body or {"quality": {"at_least": draw(st.sampled_from(QUALITY_NAMES))}}


def _degrees(require: bool) -> st.SearchStrategy[Any]:
    return st.just({"at_most" if require else "at_least": {"fact": "recipient.degree"}})


_AGE_MATCHERS = st.sampled_from(
    ({"at_most": "30 days"}, {"at_least": "1 hour"}, {"at_least": "1 hour", "at_most": "30 days"}, {"at_most": "1 day"})
)
_USE_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "attribute": exactly_one(ATTRIBUTES),
    "category": st.sampled_from(CATEGORIES) | some(CATEGORIES, 1, 2),
    "sensitivity": along(SENSITIVITY_NAMES),
    "recited": st.booleans(),
    "selected": st.booleans(),
    "collected_for": st.sampled_from(("this_purpose", "this_purpose", *PURPOSES)),
    "permission": st.booleans(),
    "refused": st.booleans(),
    "controller": st.sampled_from(("this_controller", *CONTROLLERS)),
    "age": _AGE_MATCHERS,
    "disclosed": st.booleans(),
}


@st.composite
def use_bodies(draw: Any, *, style: bool = False) -> Document:
    require = draw(st.booleans())
    body: Document = {}
    if draw(st.booleans()):
        body["origin"] = draw(along(ORIGIN_NAMES) | _degrees(require))
    for key in draw(some(tuple(_USE_FIELDS), 0 if body else 1, 2)):
        body[key] = draw(_USE_FIELDS[key])
    if style and draw(st.booleans()):
        body = {"style": draw(exactly_one(STYLES))}
    return {"require" if require else "forbid": body}


@st.composite
def intrusiveness_bodies(draw: Any) -> Document:
    score: Document = {"channel": "rank"}
    if draw(st.booleans()):
        points, within = draw(st.sampled_from((5, 20))), draw(st.sampled_from(WINDOWS))
        score["per_recent_send"] = {"points": points, "within": within}
    if draw(st.booleans()):
        score["recites"] = {origin: draw(st.sampled_from((5, 15, 40))) for origin in draw(some(ORIGIN_NAMES, 1, 3))}
    at_most = draw(st.sampled_from(({"fact": "recipient.tolerance"}, 40, 65, 70, 100)))
    return {"require": {"at_most": at_most}, "score": score}


@st.composite
def frequency_bodies(draw: Any) -> Document:
    shape = draw(st.sampled_from(("rolling", "rolling", "calendar", "gap")))
    body: Document = {}
    if shape == "gap":
        body["gap"] = draw(st.sampled_from(WINDOWS))
    else:
        body["at_most"] = draw(st.sampled_from((1, 2, 1, 0, 3)))
        zone = draw(st.sampled_from(("recipient", "Europe/Paris", "America/Santiago")))
        calendar = {"calendar": draw(st.sampled_from(("day", "week", "month"))), "zone": zone}
        body["per"] = draw(st.sampled_from(WINDOWS)) if shape == "rolling" else calendar
    if draw(st.booleans()):
        counting: Document = {}
        if draw(st.booleans()):
            counting["channel"] = draw(st.sampled_from(("this_channel", ["push", "email"], ["sms"])))
        if draw(st.booleans()):
            counting["message_class"] = draw(st.sampled_from(("any", ["marketing", "service"], "service")))
        if draw(st.integers(0, 2)) == 2:
            counting["campaign"] = "this_campaign"
        if counting:
            body["counting"] = counting
    return {"require": body}


@st.composite
def openings(draw: Any) -> Document:
    """Hours that start, end, cross midnight or fill the day next to the instants we aim at."""
    days = draw(some(DAYS, 1, 4))
    spans = st.sampled_from(("mon-sun", "mon-sat", "sat-sun", "fri-mon"))
    start, end = draw(st.sampled_from(CLOCKS)), draw(st.sampled_from((*CLOCKS[1:], "24:00")))
    if start == end:
        start, end = "00:00", "24:00"
    return {"days": draw(st.just(days) | spans), "from": start, "to": end}


@st.composite
def quiet_bodies(draw: Any) -> Document:
    body: Document = {"local_time": draw(st.lists(openings(), min_size=1, max_size=2))}
    if draw(st.integers(0, 3)) == 3:
        body["zone"] = draw(st.sampled_from(("Europe/Paris", "Australia/Lord_Howe", "recipient")))
    spans = [(window["from"], window["to"]) for window in body["local_time"]]
    forbid = len(spans) == 1 and spans[0] != ("00:00", "24:00") and draw(st.booleans())
    return {"forbid" if forbid else "require": body}


SHARES = ("50%", "25%", "33.33%", "66.67%", "75%", "0%", "100%")  # of two, three and four offers, and just beside


@st.composite
def offer_bodies(draw: Any) -> Document:
    if draw(st.integers(0, 2)):
        return {"require": {"personalised": {"at_most": draw(st.sampled_from(SHARES))}}}
    return {"forbid": {"personalised": {"at_least": draw(st.sampled_from([s for s in SHARES if s != "0%"]))}}}


@st.composite
def content_bodies(draw: Any) -> Document:
    if draw(st.booleans()):
        names = some(("one_click_unsubscribe", "unsubscribe", "postal_address"), 1, 2)
        return {"require": dict.fromkeys(draw(names), True)}
    body: Document = {"says": draw(st.sampled_from(("(광고)", "Hi")))}
    if draw(st.booleans()):
        body["in"] = draw(st.sampled_from(("subject", "title", "body", "opening")))
        if draw(st.booleans()):
            body["at"] = draw(st.sampled_from(("start", "end")))
    return {"require": body}


PROGRAM_BODIES = (
    {"require": {"joined": "this_program"}},
    {"require": {"delivers": True}},
    {"require": {"joined": "asking_program"}},
    {"require": {"asked": "this_program"}},
)


@st.composite
def rule_bodies(draw: Any) -> Document:
    return {draw(st.sampled_from(("require", "forbid"))): draw(conditions())}


_KINDS: dict[str, tuple[st.SearchStrategy[Document], st.SearchStrategy[Any]]] = {
    "consent": (consent_bodies(), BLOCK | MOVE | MOVE | GENERIC),
    "intrusiveness": (intrusiveness_bodies(), MOVE | MOVE | BLOCK | GENERIC),
    "purpose": (use_bodies(), STRIP | STRIP | GENERIC | BLOCK),
    "data": (use_bodies(), STRIP | STRIP | STRIP | GENERIC | BLOCK | MOVE),
    "style": (use_bodies(style=True), GENERIC | GENERIC | BLOCK | MOVE),
    "frequency": (frequency_bodies(), BLOCK | MOVE | MOVE),
    "quiet_hours": (quiet_bodies(), LATER | LATER | LATER | LATER | BLOCK | MOVE),
    "offers": (offer_bodies(), BLEND | BLEND | BLEND | BLOCK | GENERIC | MOVE),
    "content": (content_bodies(), BLOCK | MOVE | GENERIC),
    "program": (st.sampled_from(PROGRAM_BODIES), BLOCK | MOVE | GENERIC),
    "rule": (rule_bodies(), BLOCK | MOVE | MOVE | GENERIC),
}


@st.composite
def policy_of(draw: Any, kind: str) -> Document:
    """One policy without its id."""
    bodies, effects = _KINDS[kind]
    document: Document = {"kind": kind, **draw(scopes()), **draw(bodies)}
    demand = document.get("require", document.get("forbid"))
    strips = kind == "style" and "style" not in demand and draw(st.booleans())
    document["on_breach"] = draw(STRIP if strips else effects)
    moves = document["on_breach"] != "block" and "channel" in document["on_breach"]["downgrade"]
    if moves and draw(st.integers(0, 3)):  # else no other channel passes either
        document["for"] = {**document.get("for", {}), "channel": draw(some(INTRUSIVE, 1, 4))}
    return _about_everybody(document) if kind == "purpose" else document


def _about_everybody(document: Document) -> Document:
    """A purpose policy may not look at the account type."""
    scope = {key: value for key, value in document.get("for", {}).items() if key != "recipient.account_type"}
    when = document.get("when", "true").replace("recipient.account_type", "recipient.language")
    return {**document, "for": scope or {"message_class": "marketing"}, "when": when}


@st.composite
def policies(draw: Any, least: int = 1, most: int = 6) -> tuple[Document, ...]:
    """Policies of any kinds. Ids sort otherwise than the order they are written in."""
    kinds = draw(st.lists(st.sampled_from(tuple(_KINDS)), min_size=least, max_size=most))
    return _named(tuple(draw(policy_of(kind)) for kind in kinds))


@st.composite
def joining(draw: Any) -> tuple[Document, ...]:
    """Policies about programs, those about single uses stripping."""
    bodies = draw(
        st.lists(st.sampled_from((*PROGRAM_BODIES, PROGRAM_BODIES[0], PROGRAM_BODIES[2])), min_size=1, max_size=4)
    )
    said = []
    for body in bodies:
        strips = body in PROGRAM_BODIES[2:] and draw(st.integers(0, 3)) > 0
        scope = {"when": draw(conditions())} if draw(st.integers(0, 5)) == 5 else {}
        said.append(
            {"kind": "program", **scope, **body, "on_breach": draw(STRIP if strips else BLOCK | GENERIC | MOVE)}
        )
    others = [draw(policy_of(kind)) for kind in draw(st.lists(st.sampled_from(("quiet_hours", "consent")), max_size=1))]
    return _named((*said, *others))


@st.composite
def blending(draw: Any) -> tuple[Document, ...]:
    """Policies that ask for fewer personalised offers, beside those that strip what picked them."""
    shares = [
        {"kind": "offers", **draw(scopes()), **draw(offer_bodies()), "on_breach": draw(BLEND)}
        for _ in range(draw(st.integers(1, 3)))
    ]
    strips = [
        {"kind": "data", "forbid": draw(_CHOOSERS), "when": draw(_SOME_PEOPLE), "on_breach": draw(STRIP)}
        for _ in range(draw(st.sampled_from((1, 2, 1, 0))))
    ]
    kinds = st.sampled_from(("data", "quiet_hours", "style", "offers", "rule"))
    others = [draw(policy_of(kind)) for kind in draw(st.lists(kinds, max_size=2))]
    return _named(tuple(draw(st.permutations([*shares, *strips, *others]))))


_CHOOSERS = st.one_of(
    st.sampled_from(ATTRIBUTES).map(lambda name: {"attribute": name}),
    some(ATTRIBUTES, 1, 2).map(lambda names: {"attribute": names}),
    st.sampled_from(SENSITIVITY_NAMES[4:]).map(lambda step: {"sensitivity": {"at_least": step}, "selected": True}),
    st.just({"permission": False, "selected": True}),
)
_SOME_PEOPLE = st.sampled_from(
    ("true", "recipient.customer", "!recipient.customer", "send.offers.personalised >= 2",
     "send.offers.personalised < send.offers.shown")
)  # fmt: skip


@st.composite
def watching(draw: Any, each: int = 2) -> tuple[Document, ...]:
    """Many policies of every kind, most only watching: what each says is seen, however many others are breached."""
    documents = []
    for kind in _KINDS:
        for turn in range(each + 3 * (kind == "consent")):
            document = {**draw(policy_of(kind)), "mode": "audit" if turn else "enforce"}
            if draw(st.sampled_from((True, True, False))):
                document.pop("for", None)
            documents.append(document)
    return _named(tuple(draw(st.permutations(documents))))


def _named(documents: tuple[Document, ...]) -> tuple[Document, ...]:
    return tuple(
        {"id": f"p{(index * 7) % 10}-{index}-{document['kind'].replace('_', '-')}", **document}
        for index, document in enumerate(documents)
    )
