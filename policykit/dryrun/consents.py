"""The ledger of everybody, seen from one campaign (M6): liveness, and until when each requirement is met.

Only records that cover the send on some prepared channel are looked at. Refusals are few: they are
taken out first, each is held against the grants that could lift it, and what is left per person is
joined once to the grants. Since it is the end that is kept, a moved instant is a comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from policykit.dryrun.relations import Table
from policykit.dryrun.sources import quoted
from policykit.ir.nodes import Months, Requirement, Span
from policykit.model import FOREVER, Micros
from policykit.vocabulary import CHANNELS, GRANTS, NO_ANSWER, OWN_ACT, QUALITIES

OBJECTED, WITHDRAWN, REFUSED = 1, 2, 4
LEVELS = {"channel": 1, "purpose": 2, "everything": 4}
_EVERY = -1  # the channel `*`


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the rules read of the ledger on one channel (index of the prepared channel)."""

    channel: int
    requirement: Requirement | None  # None: until when any grant in force is unexpired
    timeless: bool = False  # ConsentWasMet: whether some grant suits but for time
    holds_at: Micros | None = None  # only whether it holds then: an eighth of the memory where no send ever moves


@dataclass(frozen=True, slots=True)
class Ledger:
    """What staging needs to know of the send. path: nodes, narrowest first; channels: those prepared, in order."""

    table: Table
    path: Sequence[str]
    channels: Sequence[str]
    known_channels: Sequence[str]
    known_purposes: Sequence[str]
    known_programs: Sequence[str]
    controller: str | None
    now: Micros


def stage_refusals(connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> int:
    """Makes table `refused`: person, and per channel k `last_k` (time of the last covering refusal), `level_k`
    and `standing_k` (bits of the live ones). Gives how many people are in it.
    """
    channels = range(len(ledger.channels))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE refusals AS SELECT row_number() OVER () AS refusal, * FROM ({_refusals(ledger)})"
    )
    if not connection.execute("SELECT 1 FROM refusals LIMIT 1").fetchall():
        return 0
    lifts = ", ".join(f"bool_or(g.ch IN ({_EVERY}, {k})) AS lifted_{k}" for k in channels)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE lifts AS SELECT r.refusal, {lifts} FROM ({_grants(ledger)}) AS g "
        "JOIN refusals AS r "
        f"ON g.person = r.person WHERE g.own_act AND g.instant > r.instant AND g.n <= r.n AND (r.ch = {_EVERY} "
        "OR g.ch = r.ch) GROUP BY r.refusal"
    )
    parts = ", ".join(
        f"max(instant) FILTER (WHERE ch IN ({_EVERY}, {k})) AS last_{k}, "
        f"coalesce(bit_or(level) FILTER (WHERE {_live(k)}), 0) AS level_{k}, "
        f"coalesce(bit_or(standing) FILTER (WHERE {_live(k)}), 0) AS standing_{k}"
        for k in channels
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE refused AS SELECT person, {parts} FROM refusals LEFT JOIN lifts "
        "USING (refusal) GROUP BY person"
    )
    connection.execute("DROP TABLE lifts; DROP TABLE refusals")
    return int(connection.execute("SELECT count(*) FROM refused").fetchall()[0][0])


def _live(channel: int) -> str:
    return f"ch IN ({_EVERY}, {channel}) AND NOT coalesce(lifted_{channel}, FALSE)"


def granted_sql(ledger: Ledger, wanted: Mapping[str, Wanted], refused: bool) -> str:  # noqa: FBT001  # whether `refused` has rows
    """A query with one row per person: per name the end of what is wanted, NULL when nothing does.

    A live refusal leaves no end where a requirement was asked. What a grant must be is asked once
    per requirement, then who it counts for once per channel.
    """
    asked = list(dict.fromkeys(_asked(want) for want in wanted.values()))
    ends = ", ".join(f"{_end(ledger, *ask)} AS e{i}" for i, ask in enumerate(asked))
    grants = f"SELECT person, ch, instant, {ends} FROM ({_grants(ledger)}) AS g"
    columns = ", ".join(
        f"{'max' if want.holds_at is None else 'bool_or'}(CASE WHEN {_counts(want, refused)} "
        f"THEN g.e{asked.index(_asked(want))} END) AS {name}"
        for name, want in wanted.items()
    )
    join = " LEFT JOIN refused AS f ON f.person = g.person" if refused else ""
    return f"SELECT g.person AS person, {columns} FROM ({grants}) AS g{join} GROUP BY g.person"


def members_sql(ledger: Ledger) -> str:
    """A query with one row per member of the program that the ledger's path begins with: until when they are in it.

    channels of the ledger: all that are known, because a program is joined on any of them.
    """
    refused = f"SELECT person, max(instant) AS last FROM ({_refusals(ledger)}) WHERE ch = {_EVERY} GROUP BY person"
    return (
        f"SELECT g.person AS person, max(g.expires_at) AS ends FROM ({_grants(ledger)}) AS g "
        f"LEFT JOIN ({refused}) AS l ON l.person = g.person "
        "WHERE g.n = 0 AND (l.last IS NULL OR g.instant > l.last) GROUP BY g.person"
    )


def _asked(want: Wanted) -> tuple[Requirement | None, bool, Micros | None]:
    """What is asked of a grant on any channel."""
    return want.requirement, want.timeless, want.holds_at


def _counts(want: Wanted, refused: bool) -> str:  # noqa: FBT001
    """Whether a grant is in force on a channel, and nothing live stands against it."""
    k = want.channel
    tests = [f"(g.ch = {_EVERY} OR g.ch = {k})"]
    if refused:
        tests.append(f"(f.last_{k} IS NULL OR g.instant > f.last_{k})")
        if want.requirement is not None and not want.timeless:
            tests.append(f"coalesce(f.level_{k} = 0, TRUE)")
    return " AND ".join(tests)


def _end(ledger: Ledger, requirement: Requirement | None, timeless: bool, holds_at: Micros | None) -> str:  # noqa: FBT001
    """When a grant ends as far as a requirement goes, or whether it holds then; NULL where it does not suit."""
    requirement = requirement or Requirement()
    end = str(FOREVER) if timeless else _until(requirement.max_age)
    if holds_at is not None:
        end = f"({holds_at} < {end})"
    tests = _suits(requirement, ledger)
    return f"CASE WHEN {' AND '.join(tests)} THEN {end} END" if tests else end


def _suits(requirement: Requirement, ledger: Ledger) -> list[str]:
    tests = []
    if requirement.quality is not None:
        tests.append(_in("g.quality", requirement.quality))
    if requirement.bases is not None:
        tests.append(_in("g.basis", requirement.bases))
    if requirement.defect_free:
        tests.append("g.defects IS NULL")
    if requirement.evidence:
        tests.append("g.evidence IS NOT NULL")
    if requirement.same_controller:
        same = "FALSE" if ledger.controller is None else f"g.controller = {quoted(ledger.controller)}"
        tests.append(same)
    for name in sorted(requirement.names):
        last = len(ledger.path) - 1
        program = ledger.path[0].startswith("program:")
        tests.append(
            {"channel": f"g.ch <> {_EVERY}", "program": "g.n = 0" if program else "FALSE"}.get(name, f"g.n <> {last}")
        )
    return tests


def _in(column: str, members: frozenset[str]) -> str:
    return f"{column} IN ({', '.join(map(quoted, sorted(members)))})" if members else "FALSE"


def _until(max_age: Span | None) -> str:
    if max_age is None:
        return "g.expires_at"
    if isinstance(max_age, Months):
        # Naive UTC timestamps: adding months clamps to month end and never meets a zone.
        aged = f"epoch_us(make_timestamp(g.instant) + to_months({max_age.count}))"
        late = f"make_timestamp(g.instant) + to_months({max_age.count}) >= TIMESTAMP '10000-01-01'"
        return f"least(g.expires_at, CASE WHEN {late} THEN {FOREVER} ELSE {aged} END)"
    if max_age > FOREVER - 253402300800000000:
        return (
            f"least(g.expires_at, CASE WHEN g.instant > {FOREVER - max_age} THEN {FOREVER} ELSE g.instant + "
            f"{min(max_age, FOREVER)} END)"
        )
    return f"least(g.expires_at, g.instant + {max_age})"


def stage_refused_attributes(
    connection: duckdb.DuckDBPyConnection, ledger: Ledger, wanted: Sequence[str], registered: Sequence[str]
) -> None:
    """Makes table `refused_attributes`: person, attribute, and per channel k `live_k`: a refusal of it is live.

    Few records name an attribute. One that names none of those registered is about every attribute.
    """
    asked = ", ".join(f"({quoted(name)})" for name in wanted)
    channels = range(len(ledger.channels))
    lifted = (
        "EXISTS (SELECT 1 FROM about_grants AS g WHERE g.person = r.person AND g.about = a.attribute "
        f"AND g.own_act AND g.instant > r.instant AND g.n <= r.n AND (r.ch = {_EVERY} OR g.ch = r.ch)"
    )
    live = ", ".join(
        f"r.ch IN ({_EVERY}, {k}) AND NOT {lifted} AND g.ch IN ({_EVERY}, {k})) AS live_{k}" for k in channels
    )
    either = ", ".join(f"bool_or(live_{k}) AS live_{k}" for k in channels)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE about_refusals AS {_refusals(ledger, registered)};"
        f"CREATE OR REPLACE TEMP TABLE about_grants AS {_grants(ledger, registered)};"
        f"CREATE OR REPLACE TEMP TABLE refused_attributes AS SELECT person, attribute, {either} FROM ("
        f"SELECT r.person, a.attribute, {live} FROM about_refusals AS r JOIN (VALUES {asked}) AS a (attribute) "
        "ON r.about IS NULL OR r.about = a.attribute) GROUP BY person, attribute;"
        "DROP TABLE about_refusals; DROP TABLE about_grants"
    )


# --- records that cover the send --------------------------------------------------------------------


def _column(ledger: Ledger, name: str) -> str:
    return name if name in ledger.table.columns else "CAST(NULL AS VARCHAR)"


def _about(ledger: Ledger, registered: Sequence[str] | None) -> tuple[str, str]:
    """A column and a condition: which records are looked at, those about sending or those about one attribute."""
    if registered is None:
        return "", " AND attribute IS NULL" if "attribute" in ledger.table.columns else ""
    return f", CASE WHEN {_known('attribute', registered)} THEN attribute END AS about", " AND attribute IS NOT NULL"


def _grants(ledger: Ledger, registered: Sequence[str] | None = None) -> str:
    """Grants covering the send on some prepared channel: person, n (place on the path), ch, at, ...

    registered: attributes; then it is grants of one of them, `about`. None = grants of sending.
    """
    about, where = _about(ledger, registered)
    ends = (
        f"CASE WHEN endless THEN {FOREVER} ELSE expires_at END"
        if "expires_at" in ledger.table.columns
        else str(FOREVER)
    )
    own = [quality for quality, rank in QUALITIES if rank >= OWN_ACT]
    places = " ".join(
        f"WHEN {quoted(node)} THEN {i}" for i, node in enumerate(ledger.path) if not node.startswith("program:")
    )
    node = f"CASE {_column(ledger, 'purpose')} {places} END"
    if "program" in ledger.table.columns:
        mine = ledger.path[0].removeprefix("program:") if ledger.path[0].startswith("program:") else None
        here = f"CASE WHEN program = {quoted(mine)} THEN 0 END" if mine in ledger.known_programs and mine else "NULL"
        node = f"CASE WHEN program IS NOT NULL THEN {here} ELSE {node} END"
    channel = " ".join(f"WHEN {quoted(c)} THEN {k}" for k, c in enumerate(ledger.channels))
    return (
        "SELECT person, n, ch, instant, expires_at, quality, basis, defects, evidence, controller, "
        f"own_act{', about' if about else ''} FROM (SELECT person, "
        f"CAST({node} AS TINYINT) AS n, CAST(CASE {_column(ledger, 'channel')} {channel} WHEN '*' THEN "
        f"{_EVERY} END AS TINYINT) AS ch, "
        f"instant, {ends} AS expires_at, {_column(ledger, 'quality')} AS quality, {_column(ledger, 'basis')} AS basis, "
        f"{_column(ledger, 'defects')} AS defects, {_column(ledger, 'evidence')} AS evidence, "
        f"{_column(ledger, 'controller')} AS controller, "
        f"coalesce({_column(ledger, 'quality')} IN ({', '.join(map(quoted, own))}), FALSE) "
        f"AND {_column(ledger, 'defects')} IS NULL AS own_act{about} "
        f"FROM {ledger.table.sql} WHERE status IN ({', '.join(map(quoted, GRANTS))}) AND instant <= {ledger.now}"
        f"{where}) "
        "WHERE n IS NOT NULL AND ch IS NOT NULL AND expires_at IS NOT NULL"
    )


def _refusals(ledger: Ledger, registered: Sequence[str] | None = None) -> str:
    """Refusals covering the send on some prepared channel; a scope that says nothing is about everything.

    registered: see `_grants`; `about` is NULL where the attribute cannot be read.
    """
    about, only = _about(ledger, registered)
    last = len(ledger.path) - 1
    places = " ".join(
        f"WHEN {quoted(node)} THEN {i}" for i, node in enumerate(ledger.path) if not node.startswith("program:")
    )
    purpose = _column(ledger, "purpose")
    node = (
        f"CASE {purpose} {places} ELSE CASE WHEN {_known(purpose, ledger.known_purposes)} THEN NULL ELSE {last} END END"
    )
    if "program" in ledger.table.columns:
        mine = ledger.path[0].removeprefix("program:")
        here = (
            f"WHEN program = {quoted(mine)} THEN 0 "
            if ledger.path[0].startswith("program:") and mine in ledger.known_programs
            else ""
        )
        other = f"WHEN {_known('program', ledger.known_programs)} THEN NULL"
        node = f"CASE WHEN program IS NULL THEN {node} {here}{other} ELSE {last} END"
    channel = _column(ledger, "channel")
    mine = " ".join(f"WHEN {quoted(c)} THEN {k}" for k, c in enumerate(ledger.channels))
    where = (
        f"CASE {channel} {mine} ELSE CASE WHEN {_known(channel, ledger.known_channels)} THEN NULL ELSE {_EVERY} END END"
    )
    level = (
        f"CASE WHEN ch <> {_EVERY} THEN {LEVELS['channel']} WHEN n <> {last} THEN {LEVELS['purpose']} ELSE "
        f"{LEVELS['everything']} END"
    )
    others = ", ".join(map(quoted, (*GRANTS, *NO_ANSWER)))  # what cannot be read may be a refusal
    standing = f"CASE status WHEN 'objected' THEN {OBJECTED} WHEN 'withdrawn' THEN {WITHDRAWN} ELSE {REFUSED} END"
    return (
        f"SELECT person, n, ch, instant, {level} AS level, {standing} AS standing{', about' if about else ''} "
        "FROM (SELECT person, status, "
        f"CAST(CASE WHEN status = 'objected' THEN {last} ELSE {node} END AS TINYINT) AS n, "
        f"CAST(CASE WHEN status = 'objected' THEN {_EVERY} ELSE {where} END AS TINYINT) AS ch, "
        f"coalesce(instant, {FOREVER}) AS instant{about} "
        f"FROM {ledger.table.sql} WHERE (status IS NULL OR status NOT IN ({others})) "
        f"AND (instant IS NULL OR instant <= {ledger.now}){only}) "
        "WHERE n IS NOT NULL AND ch IS NOT NULL"
    )


def _known(column: str, names: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(map(quoted, names))})" if names else "FALSE"


def channel_names(ranks: Mapping[str, int]) -> tuple[str, ...]:
    """Every channel that data may name."""
    return tuple(sorted({*ranks, *CHANNELS}))
