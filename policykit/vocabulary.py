"""Every word a policy may use: facts, scales, channels, and the columns of data files.

One table each. The type checker, the JSON Schema for editors, `policykit facts` and the expected
columns of every relation are derived from these tables; nothing else lists them again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

# --- ordered scales ---------------------------------------------------------------------------

Scale = tuple[tuple[str, int], ...]

QUALITIES: Scale = (
    ("none", 0), ("assumed", 1), ("implied_ebr", 2), ("soft_opt_in", 3),
    ("single_opt_in", 4), ("double_opt_in", 5), ("written", 6),
)  # fmt: skip
OWN_ACT = 4  # rungs from here on are the person's own act: only they, without defects, lift a refusal (M6)

SENSITIVITIES: Scale = (
    ("public", 0), ("internal", 1), ("personal", 2), ("contact", 3), ("behavioural", 4),
    ("precise_location", 5), ("financial", 6), ("special_category", 7),
)  # fmt: skip

# Degrees of origin (M9). `purchased` exceeds every degree a person can accept.
ORIGINS: Scale = (
    ("contextual", 1), ("provided", 2), ("observed", 3), ("derived", 3), ("inferred", 4), ("generated", 4),
    ("purchased", 5),
)  # fmt: skip
DEGREES: Scale = (("generic", 0), ("contextual", 1), ("provided", 2), ("observed", 3), ("derived", 3), ("inferred", 4))

MESSAGE_CLASSES = ("marketing", "service", "transactional")
STYLES = ("generic", "help_me", "prove_you_know_me")
HELPS = ("complete_purchase", "use_product", "solve_problem")  # what a help_me style may help with (M12)

GRANTS = ("given", "renewed")
REFUSALS = ("refused", "withdrawn", "objected", "revoked", "invalidated")
NO_ANSWER = ("unknown", "requested", "expired")  # count for nothing; a status that cannot be read may be a refusal
STATUSES = (*NO_ANSWER, *GRANTS, *REFUSALS)
CONSENT_STANDINGS = ("objected", "withdrawn", "refused", "given", "expired", "missing")  # for reasons, in this order
REFUSED_LEVELS = ("channel", "purpose", "everything")
BASES = ("consent", "contract", "legal_obligation", "vital_interest", "public_interest", "legitimate_interest")
DEFECTS = ("pre_ticked", "bundled", "conditional")

# What people tell us back, by whatever way it comes.
REACTIONS = ("complaints", "unsubscribes", "too_personal")  # of which rates are kept
TOLD = ("unsubscribe", "stop", "complaint", "bounce", "push_disabled", "too_personal")

# Channel -> rank, most intrusive highest. The order is evidenced, the numbers are ours: a company
# overrides them in `channels:`, a person by `rank.<channel>`.
CHANNELS: Mapping[str, int] = {
    "voice": 90, "whatsapp": 76, "sms": 75, "mms": 74, "push": 65, "web_push": 55, "email": 40, "postal": 30,
    "in_app": 20,
}  # fmt: skip

# fideslang 3.1.1 data uses (CC-BY-4.0, Ethyca), extended by the channels it does not have.
PURPOSES: tuple[str, ...] = (
    "essential", "essential.service", "essential.service.notifications", "essential.service.notifications.email",
    "essential.service.notifications.sms", "essential.service.operations", "essential.service.operations.support",
    "functional", "functional.service", "functional.service.improve",
    "marketing", "marketing.advertising", "marketing.advertising.first_party",
    "marketing.advertising.first_party.contextual", "marketing.advertising.first_party.targeted",
    "marketing.advertising.profiling", "marketing.advertising.third_party",
    "marketing.communications", "marketing.communications.email", "marketing.communications.sms",
    "marketing.communications.push", "marketing.communications.in_app", "marketing.communications.voice",
    "marketing.communications.postal", "marketing.communications.whatsapp",
    "personalize", "personalize.content", "personalize.content.limited", "personalize.content.profiled",
    "personalize.content.profiling",
    "analytics", "analytics.reporting", "third_party_sharing", "train_ai_system", "sales", "finance",
)  # fmt: skip

# ISO 3166-1 alpha-2, as listed by the IANA time zone database 2025 (iso3166.tab). Anything else is no country.
COUNTRIES: tuple[str, ...] = tuple(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW
    BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI
    FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN
    IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME
    MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF
    PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV
    SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE
    YT ZA ZM ZW
    """.split()  # noqa: SIM905  # one table, read as it is published
)


@dataclass(frozen=True, slots=True)
class Shaped:
    """Every text of one shape. pattern: a regular expression that Python and DuckDB read alike."""

    pattern: str

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and re.fullmatch(self.pattern, text) is not None


# ISO 3166-2 without the country. `Florida`, `fl` and `US-FL` are none, or Florida's law would take them for elsewhere.
REGIONS = Shaped("[A-Z0-9]{1,3}")

# Names for several countries, where a policy says in which countries it applies. EFTA states of the EEA: IS, LI, NO.
# Parts of a country that have a code of their own are meant too where its law holds: of France and Finland in the
# Union (Treaty on its Functioning, Art. 355), of the United States (47 USC 153).
_EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
_EU += "AX GF GP MF MQ RE YT".split()  # noqa: SIM905
COUNTRY_GROUPS: Mapping[str, tuple[str, ...]] = {
    "EU": tuple(_EU), "EEA": (*_EU, "IS", "LI", "NO"), "USA": ("US", "AS", "GU", "MP", "PR", "VI"),
}  # fmt: skip

# --- facts ------------------------------------------------------------------------------------

FactType = Literal["bool", "int", "double", "string", "timestamp", "duration", "set", "uses"]


@dataclass(frozen=True, slots=True)
class FactSpec:
    """One fact: what a policy may name.

    members: the texts an enum fact may hold (anything else is unknown), or a set's members.
    scale: set on ordered enums; `at_least` and `at_most` compare along it.
    absence: what it means that nobody says: `unknown` unless told otherwise.
    column: the name in a people file, None where it is not read from one.
    """

    path: str
    type: FactType
    doc: str
    unit: str | None = None
    members: tuple[str, ...] | None = None
    scale: Scale | None = None
    absence: str = "unknown"
    column: str | None = None


def _enum(path: str, members: Iterable[str], doc: str, **more: object) -> FactSpec:
    return FactSpec(path, "string", doc, members=tuple(members), **more)  # type: ignore[arg-type]  # forwarded fields


def _scale(path: str, scale: Scale, doc: str, **more: object) -> FactSpec:
    return _enum(path, (member for member, _ in scale), doc, scale=scale, **more)


FACTS: tuple[FactSpec, ...] = (
    _enum("send.channel", CHANNELS, "channel the send would leave by"),
    _enum("send.message_class", MESSAGE_CLASSES, "what kind of message it is", absence="marketing"),
    FactSpec("send.purpose", "string", "dotted purpose key; a policy on a parent covers its children"),
    FactSpec("send.program", "string", "program the send belongs to"),
    FactSpec("send.campaign", "string", "id of the campaign"),
    FactSpec("send.provider", "string", "provider that would deliver it"),
    FactSpec("send.controller", "string", "company that sends"),
    FactSpec("send.at", "timestamp", "instant the send would leave"),
    FactSpec("send.rank", "int", "intrusiveness of the channel for this person", unit="rank, 0 least"),
    _enum("send.style", STYLES, "generic, help_me or prove_you_know_me, checked against the content (M12)"),
    FactSpec("send.generic", "bool", "whether the content is the generic variant"),
    FactSpec("send.offers.personalised", "int", "offers of the message that data picked; a generic variant has none",
             unit="offers"),
    FactSpec("send.offers.shown", "int", "offers the message shows; a generic variant has none", unit="offers"),
    FactSpec("send.delivers", "string", "benefit of its program that the campaign names; empty when it names none"),
    FactSpec("send.content.one_click", "bool", "one click in the mail program unsubscribes (RFC 8058)"),
    FactSpec("send.content.unsubscribe", "bool", "the message shows a way out: a link, or what to reply"),
    FactSpec("send.content.postal_address", "bool", "the message shows the postal address of who sends"),
    FactSpec("send.address.shared", "bool", "device, mailbox or household is shared with others"),
    _scale("send.address.origin", ORIGINS, "how the address was come by"),
    FactSpec("send.address.permission", "bool", "the address names the record it was collected under"),
    FactSpec("send.address.suppressed", "bool",
             "nothing may be sent to the address any more: a hard bounce, a complaint, somebody forgotten"),
    FactSpec("recipient.id", "string", "the person", column="id", absence="wrong input"),
    FactSpec("recipient.country", "string", "country, ISO 3166 alpha-2, upper case", column="country"),
    FactSpec("recipient.region", "string", "region of the country, ISO 3166-2 without the country, e.g. FL",
             column="region"),
    FactSpec("recipient.zone", "string", "IANA time zone, exact spelling", column="zone"),
    FactSpec("recipient.language", "string", "BCP 47 language tag", column="language"),
    FactSpec("recipient.age", "int", "age in whole years", unit="years", column="age"),
    FactSpec("recipient.account_type", "string", "kind of account, e.g. consumer, business", column="account_type"),
    FactSpec("recipient.customer", "bool", "has bought from the controller", column="customer"),
    FactSpec("recipient.last_purchase_at", "timestamp", "last purchase", column="last_purchase_at"),
    FactSpec("recipient.last_contact_at", "timestamp", "last time they wrote, called or clicked; an open is none",
             column="last_contact_at"),
    FactSpec("recipient.last_message_at", "timestamp", "last message they wrote to us", column="last_message_at"),
    _scale("recipient.degree", DEGREES, "furthest origin of data the person accepts", column="degree"),
    FactSpec("recipient.tolerance", "int", "highest intrusiveness score the person accepts", unit="points",
             column="tolerance"),
    _enum("consent.status", CONSENT_STANDINGS, "standing of consent for this send, on its node and channel"),
    FactSpec("consent.refused_for", "set", "levels at which a live refusal covers this send", members=REFUSED_LEVELS),
    FactSpec("uses", "uses", "attributes that shape the send, each with the fields of `uses[]`"),
    FactSpec("uses[].attribute", "string", "id of the attribute"),
    FactSpec("uses[].category", "string", "fideslang data category; a parent covers its children"),
    _scale("uses[].sensitivity", SENSITIVITIES, "highest of the attribute's own and all it was inferred from"),
    FactSpec("uses[].origin", "set", "origins of the attribute and of all it was inferred from",
             members=tuple(member for member, _ in ORIGINS)),
    FactSpec("uses[].collected_for", "set", "purposes it and every input were collected for"),
    FactSpec("uses[].recited", "bool", "its value can reach the visible text"),
    FactSpec("uses[].selected", "bool", "it picked the people or an offer"),
    FactSpec("uses[].disclosed", "bool", "the registry has a sentence that discloses it"),
    FactSpec("uses[].permission", "bool", "this person's value names the record it was collected under"),
    FactSpec("uses[].refused", "bool", "this person refused the attribute, or one it was inferred from"),
    FactSpec("uses[].controller", "string", "company the attribute was given to"),
    FactSpec("uses[].known", "bool", "this person has a value", absence="never unknown"),
    FactSpec("uses[].age", "duration", "time from collection to the send's instant"),
)  # fmt: skip


# --- relations: what data files hold ------------------------------------------------------------

ColumnType = Literal["text", "bool", "int", "double", "timestamp", "list"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation.

    A name with `<...>` stands for one column per channel or attribute. `required` columns must
    exist; any other absent column is unknown for every row. Lists are texts separated by `|`.
    """

    name: str
    type: ColumnType
    doc: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    name: str
    doc: str
    no_row: str
    columns: tuple[Column, ...] = field(default_factory=tuple)


_ATTRIBUTE = re.compile(r"[a-z][a-z0-9_]*")
_COLUMN_TYPES: Mapping[str, ColumnType] = {"string": "text", "set": "list", "duration": "int"}


def column_type(fact: FactType) -> ColumnType:
    """How the column is read that holds facts of a type."""
    return _COLUMN_TYPES.get(fact) or cast(ColumnType, fact)  # the other types are called alike


RELATIONS: tuple[Relation, ...] = (
    Relation("people", "one row per send: the audience", "-", (
        *(Column(f.column, column_type(f.type), f.doc, f.column == "id") for f in FACTS if f.column),
        Column("address.<channel>", "text", "where the person is reached by the channel; empty = nowhere"),
        Column("address.<channel>.shared", "bool", "the address is shared with others"),
        Column("rank.<channel>", "int", "the person's own rank of the channel"),
        Column("attributes.<id>", "text", "the person's value of a registered attribute; empty = none"),
    )),
    Relation("addresses", "one row per person and channel (instead of address columns)", "no address", (
        Column("person", "text", "id of the person", True),
        Column("channel", "text", "channel", True),
        Column("address", "text", "the address; empty = none", True),
        Column("shared", "bool", "shared with others"),
        Column("origin", "text", "how it was come by"),
        Column("permission", "text", "id of the record it was collected under; empty or `false` = none"),
        Column("suppressed", "bool", "nothing may be sent to it any more; empty = unknown, or what the store says"),
    )),
    Relation("consents", "one row per consent event, append-only", "consent missing", (
        Column("id", "text", "id of the record"),
        Column("person", "text", "id of the person", True),
        Column("status", "text", "given, renewed, refused, withdrawn, objected, revoked, invalidated, ...", True),
        Column("channel", "text", "a channel or `*`; empty means `*` in a refusal and nothing in a grant"),
        Column("purpose", "text", "a purpose key or `*`; empty likewise"),
        Column("program", "text", "a program (then the purpose follows from it)"),
        Column("quality", "text", "rung of the quality ladder"),
        Column("basis", "text", "legal basis"),
        Column("at", "timestamp", "when it was given or refused", True),
        Column("expires_at", "timestamp", "when a grant ends; empty = never by itself"),
        Column("defects", "list", "pre_ticked, bundled, conditional; empty = none"),
        Column("evidence", "text", "where the proof is; empty or `false` = none"),
        Column("controller", "text", "company it was given to"),
        Column("attribute", "text", "the one attribute that the record is about; then it says nothing of sending"),
    )),
    Relation("history", "one row per send, past or scheduled", "0 sends", (
        Column("person", "text", "id of the person", True),
        Column("at", "timestamp", "when it left or will leave", True),
        Column("channel", "text", "channel; unknown counts in every cap"),
        Column("message_class", "text", "class; unknown counts in every cap"),
        Column("campaign", "text", "campaign; unknown counts in every cap"),
    )),
    Relation("attributes", "one row per person and attribute (instead of, or beside, attribute columns)", "no value", (
        Column("person", "text", "id of the person", True),
        Column("attribute", "text", "id of the attribute", True),
        Column("value", "text", "the value; empty = none"),
        Column("origin", "text", "origin of this value; empty = as registered"),
        Column("collected_for", "list", "purposes of this value; empty = as registered"),
        Column("collected_at", "timestamp", "when it was collected"),
        Column("permission", "text", "id of the record it was collected under; empty or `false` = none"),
    )),
    Relation("feedback", "one row per thing a person told us back, append-only", "nothing lowered", (
        Column("person", "text", "id of the person", True),
        Column("id", "text", "id of the row; rows of one id are one", True),
        Column("at", "timestamp", "when they told us; a row of which nobody can tell counts", True),
        Column("kind", "text", "unsubscribe, stop, complaint, bounce, push_disabled, too_personal, ..."),
        Column("channel", "text", "channel it was about"),
        Column("campaign", "text", "campaign it was about"),
        Column("lower_tolerance", "int", "points it takes from what the person tolerates; empty = none"),
        Column("degree", "text", "furthest origin of data the person accepts from then on; empty = as before"),
    )),
)  # fmt: skip


# --- the vocabulary of one workspace -------------------------------------------------------------


class Vocabulary:
    """The built-in facts and those a workspace and its plugins add, by path."""

    def __init__(self, extra: Iterable[FactSpec] = ()) -> None:
        self.facts: dict[str, FactSpec] = {spec.path: spec for spec in (*FACTS, *extra)}

    def get(self, path: str) -> FactSpec | None:
        return self.facts.get(path)

    def paths(self, prefix: str = "") -> list[str]:
        return sorted(path for path in self.facts if path.startswith(prefix))


def covers(parent: str, child: str) -> bool:
    """Whether a dotted key covers another: itself or any key below it; `*` covers all."""
    return parent == "*" or parent == child or child.startswith(parent + ".")


def relation_columns(relation: Relation, vocabulary: Vocabulary) -> tuple[Column, ...]:
    """The columns of a relation, with those that the workspace's own facts add to people."""
    if relation.name != "people":
        return relation.columns
    known = {column.name for column in relation.columns}
    extra = (
        Column(spec.column, column_type(spec.type), spec.doc)
        for spec in vocabulary.facts.values()
        if spec.column and spec.column not in known
    )
    return (*relation.columns, *extra)


def short_name(name: str, relation: Relation) -> str:
    """`recipient.country` -> `country` for people; `consents.at` -> `at` for consents."""
    prefix = "recipient." if relation.name == "people" else relation.name + "."
    return name.removeprefix(prefix)


def is_column(name: str, specs: Iterable[Column]) -> bool:
    """Whether a relation has a column of this name."""
    return any(name == spec.name or ("<" in spec.name and _fits_pattern(name, spec.name)) for spec in specs)


def _fits_pattern(name: str, pattern: str) -> bool:
    before, after = pattern.split("<")[0], pattern.split(">")[1]
    middle = name[len(before) : len(name) - len(after)] if after else name[len(before) :]
    if not (name.startswith(before) and name.endswith(after) and middle):
        return False
    return bool(_ATTRIBUTE.fullmatch(middle)) if before == "attributes." else middle in CHANNELS
