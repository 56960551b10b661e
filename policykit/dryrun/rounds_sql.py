"""M5 over relations: the rows that some rule lessens, round by round, all of them at once.

Each row of a course is one send as it stands: its channel, what was stripped, whether it
is generic, its instant, and the masks gathered so far. A round judges the moving rules again, then
either ends a row or carries it on. `policykit.rounds` is the law in words; names
here are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from policykit.dryrun import masks
from policykit.dryrun.clock import Asked
from policykit.dryrun.plan import Plan, Variant
from policykit.dryrun.scan import Scan, style_number
from policykit.dryrun.sends import counts_by_row
from policykit.dryrun.staging import Staging
from policykit.errors import InternalError
from policykit.ir.nodes import Expr
from policykit.model import Impossible, Use

IMPOSSIBLE: tuple[Impossible, ...] = (
    "no_address", "no_instant", "no_generic", "required_attribute", "selected_attribute", "unknown_uses",
    "unknown_zone", "past_deadline", "no_channel_left",
)  # fmt: skip
_NOWHERE = IMPOSSIBLE.index("no_channel_left")
ON, DONE, ASK, BLOCK = 0, 1, 2, 3
_MOST_ROUNDS = 10_000  # strips and instants only grow; more is a fault of ours

_GATHERED = ("und", "aud", "brk")
_STATE = ("chg", "und", "aud", "brk", "cund", "caud", "cbrk", "ask")


class Rounds:
    """Runs the rounds of one scan. See `run`."""

    def __init__(self, plan: Plan, staging: Staging, scan: Scan, styles: dict[Variant, Expr], *, earlier: bool) -> None:
        self.plan, self.staging, self.scan, self.styles, self.earlier = plan, staging, scan, styles, earlier
        self.words, self.word = plan.words, plan.word_type
        own = [name for name in ("zone_number", "last_at", "planned", "assumed") if name not in self._constants]
        self.fixed = [
            "row", "key", "start", *own, "base", *scan.kept,
            *(f"{letter}_{w}" for letter in "bu" for w in self.words),
            *(f"{letter}{k}_{w}" for letter in "bu" for k in self._others for w in self.words),
        ]  # fmt: skip
        self.columns = [
            *self.fixed,
            "ch",
            "strip",
            "generic",
            "instant",
            "cand",
            *(f"{n}_{w}" for n in _STATE for w in self.words),
        ]

    @property
    def _constants(self) -> dict[str, str]:
        """Columns of a course that are the same for every row in every round, and so are not stored."""
        return {"planned" if name == "instant" else name: sql for name, sql in self.scan.constants.items()}

    @property
    def _left_out(self) -> str:
        return "".join(f", {sql} AS {name}" for name, sql in self._constants.items())

    @property
    def _others(self) -> range:
        return range(len(self.plan.channels) if len(self.plan.channels) > 1 else 0)

    def run(self, connection: duckdb.DuckDBPyConnection, scanned: str, lessened: str) -> bool:
        """From the table `scanned` to a new table `lessened`, with the columns of `decided.py`.

        False, and no table, when nobody is lessened.
        """
        if not connection.execute(f"SELECT 1 FROM {scanned} WHERE lessened LIMIT 1").fetchall():
            return False
        course = self._first(scanned)
        for number in range(_MOST_ROUNDS):
            step = f"{lessened}_step_{number}"
            self._meet(connection, course)
            connection.execute(f"CREATE TEMP TABLE {step} AS {self._step(course, judge_again=number > 0)}")
            into = f"INSERT INTO {lessened}" if number else f"CREATE OR REPLACE TEMP TABLE {lessened} AS"
            connection.execute(f"{into} {self._final(step)}")
            if number:
                connection.execute(f"DROP TABLE {lessened}_step_{number - 1}")
            if not connection.execute(f"SELECT 1 FROM {step} WHERE NOT ended LIMIT 1").fetchall():
                connection.execute(f"DROP TABLE {step}")
                return True
            course = f"(SELECT {', '.join(self.columns)}{self._left_out} FROM {step} WHERE NOT ended)"
        raise InternalError("a send was lessened without end")

    def _first(self, scanned: str) -> str:
        """The course of every lessened row as planned."""
        zeros = ", ".join(f"CAST(0 AS {self.word}) AS {n}_{w}" for n in _STATE for w in self.words)
        fixed = ", ".join("instant AS planned" if name == "planned" else name for name in self.fixed)
        return (
            f"(SELECT {fixed}, start AS ch, CAST(0 AS BIGINT) AS strip, FALSE AS generic, instant, "
            f"CAST(0 AS BIGINT) AS cand, {zeros}{self._left_out} FROM {self.scan.source(scanned)} WHERE lessened)"
        )

    def _meet(self, connection: duckdb.DuckDBPyConnection, course: str) -> None:
        if self.staging.clock.columns:
            met = connection.execute(f"SELECT DISTINCT zone_number, instant FROM {course}").fetchall()
            self.staging.clock.meet(connection, met)

    # --- one round ------------------------------------------------------------------------------------

    def _step(self, course: str, *, judge_again: bool) -> str:
        layers = [
            self._truths() if judge_again else [],
            self._judged(judge_again=judge_again),
            self._asked_for(),
            self._strips(),
            self._failures(),
            self._outcome(),
            self._next(),
        ]
        sql = self._seen(course, judge_again=judge_again)
        for layer in layers:
            if layer:
                sql = f"SELECT *, {', '.join(layer)} FROM ({sql})"
        return self._carried(sql)

    def _seen(self, course: str, *, judge_again: bool) -> str:
        """The course with the clock at each row's instant, and counts around instants that moved."""
        counters = [name for name in self.staging.counters if name in self.scan.kept]
        names = ", ".join(f"t.{name}" for name in (*self.columns, *self._constants) if name not in counters)
        sql = f"SELECT {names}, t.ch * 2 + CAST(t.generic AS TINYINT) AS variant"
        clock = "".join(f", c.{name}" for name in self.staging.clock.columns)
        join = "LEFT JOIN clock AS c ON c.zone_number = t.zone_number AND c.clock_at = t.instant" if clock else ""
        if not counters:
            return f"{sql}{clock} FROM {course} AS t {join}"
        if not (judge_again and self.plan.can_move):
            return f"{sql}{clock}, {', '.join(f't.{n}' for n in counters)} FROM {course} AS t {join}"
        moved = f"(SELECT t.row, t.key, t.instant{clock} FROM {course} AS t {join} WHERE t.instant <> t.planned)"
        counts = counts_by_row(
            self.staging.data.tables["history"], {n: self.staging.counters[n] for n in counters}, self.plan.campaign,
            moved,
            self.staging.known_channels, earlier=self.earlier,
        )  # fmt: skip
        counted = ", ".join(f"CASE WHEN t.instant <> t.planned THEN h.{n} ELSE t.{n} END AS {n}" for n in counters)
        return f"{sql}{clock}, {counted} FROM {course} AS t {join} LEFT JOIN ({counts}) AS h ON h.row = t.row"

    def _by_variant(self, texts: dict[Variant, str]) -> str:
        """One value per (channel, generic) as SQL over `variant`."""
        if len(set(texts.values())) == 1:
            return next(iter(texts.values()))
        return (
            "CASE variant "
            f"{' '.join(f'WHEN {k * 2 + generic} THEN {text}' for (k, generic), text in texts.items())} END"
        )

    def _truths(self) -> list[str]:
        return [
            self._by_variant(
                {v: self.staging.printer(v[0]).expr(self.plan.breached[v][bit]) for v in self.plan.variants}
            )
            + f" AS t{bit}"
            for bit in sorted(self.plan.moving)
        ]

    def _judged(self, *, judge_again: bool) -> list[str]:
        """bb_w and uu_w: what the rules say of the send as it stands."""
        columns = []
        for letter, test in (("b", "coalesce(t{}, TRUE)"), ("u", "t{} IS NULL")):
            again = masks.gathered([(bit, test.format(bit)) for bit in sorted(self.plan.moving)], self.words, self.word)
            everything = (1 << len(self.plan.live)) - 1
            still = masks.split(everything & ~sum(1 << bit for bit in self.plan.moving), self.words)
            for w in self.words:
                stored = f"{letter}_{w}"
                if self._others:
                    by_channel = " ".join(f"WHEN {k} THEN {letter}{k}_{w}" for k in self._others)
                    stored = f"CASE WHEN ch = start THEN {stored} ELSE CASE ch {by_channel} END END"
                text = f"({stored} & {still[w]}) | {again[w]}" if judge_again else stored
                columns.append(f"{text} AS {letter * 2}_{w}")
        return columns

    def _by_channel(self, column: str, which: str) -> list[str]:
        """Per word `column & mask`, where the mask is each channel's law's."""
        parts = [masks.kept(column, getattr(law, which), self.words) for law in self.plan.laws]
        return [masks.chosen("ch", [part[w] for part in parts]) for w in self.words]

    def _asked_for(self) -> list[str]:
        """What breached rules ask for (con: not when generic already), and whether a generic text exists."""
        columns = []
        for name, which in (
            ("blk", "blocks"),
            ("asks", "asks"),
            ("con", "contents"),
            ("str", "strips"),
            ("sch", "schedules"),
        ):
            for w, text in enumerate(self._by_channel("bb", which)):
                value = f"CASE WHEN generic THEN 0 ELSE {text} END" if name == "con" else text
                columns.append(f"CAST({value} AS {self.word}) AS {name}_{w}")
        has_generic = [str(prepared.generic is not None).upper() for prepared in self.plan.campaign.prepared]
        return [*columns, f"{masks.chosen('ch', has_generic)} AS has_generic"]

    def _uses(self, variant: Variant) -> tuple[Use, ...] | None:
        prepared = self.plan.campaign.prepared[variant[0]]
        content = prepared.generic if variant[1] else prepared.content
        return content.uses if content else ()

    @property
    def _strip_rules(self) -> list[int]:
        return [bit for bit, rule in enumerate(self.plan.live) if rule.mode == "enforce" and rule.effect.part == "uses"]

    def _strips(self) -> list[str]:
        """stripping: whether strips of this round count; uses_unknown; x{bit}: present uses in breach of one rule."""
        con, strips = masks.some(f"con_{w}" for w in self.words), masks.some(f"str_{w}" for w in self.words)
        unknown = {v: str(self._uses(v) is None).upper() for v in self.plan.variants}
        columns = [f"({strips} AND NOT {con}) AS stripping", f"{self._by_variant(unknown)} AS uses_unknown"]
        for bit in self._strip_rules:
            texts = {v: self._in_breach(v, bit) for v in self.plan.variants}
            columns.append(
                f"CAST(CASE WHEN {masks.has('str', bit)} THEN {self._by_variant(texts)} ELSE 0 END AS BIGINT) AS x{bit}"
            )
        return columns

    def _in_breach(self, variant: Variant, bit: int) -> str:
        printer = self.staging.printer(variant[0])
        bits = [
            f"CASE WHEN coalesce({printer.expr(term)}, TRUE) THEN {self.plan.strip_mask([attribute])} ELSE 0 END"
            for attribute, term in self.plan.terms[variant].get(bit) or ()
        ]
        return f"({' + '.join(bits)})" if bits else "0"

    def _masked(self, field: str) -> str:
        """Mask over uses of each variant: those that are `required`, or not `strippable`."""
        texts = {
            v: str(
                self.plan.strip_mask(
                    [u.attribute for u in self._uses(v) or () if getattr(u, field) is (field == "required")]
                )
            )
            for v in self.plan.variants
        }
        return self._by_variant(texts)

    def _failures(self) -> list[str]:
        """Per word the rules whose change cannot be made, by why; and the instant asked for."""
        rules = self._strip_rules
        in_breach = " | ".join(f"x{bit}" for bit in rules) or "0"
        selected = masks.gathered(
            [
                (bit, f"stripping AND NOT uses_unknown AND x{bit} & ({self._masked('strippable')}) <> 0")
                for bit in rules
            ],
            self.words,
            self.word,
        )
        required = masks.gathered(
            [(bit, f"stripping AND NOT uses_unknown AND x{bit} & ({self._masked('required')}) <> 0") for bit in rules],
            self.words,
            self.word,
        )
        asked = {
            bit: self.staging.clock.column(Asked(hours))
            for bit in self._schedule_rules
            if (hours := self.plan.live[bit].hours)
        }
        no_zone = masks.gathered(
            [(bit, f"{masks.has('sch', bit)} AND {name} IS NULL") for bit, name in asked.items()], self.words, self.word
        )
        instants = ", ".join(
            [
                "instant",
                *(
                    f"CASE WHEN {masks.has('sch', bit)} THEN coalesce({name}, instant) ELSE instant END"
                    for bit, name in asked.items()
                ),
            ]
        )
        columns = [f"({in_breach}) AS in_breach", f"greatest({instants}) AS latest"]
        for w in self.words:
            columns += [
                f"CASE WHEN NOT has_generic THEN con_{w} ELSE 0 END AS f2_{w}",
                f"{required[w]} AS needing_{w}", f"{selected[w]} AS f4_{w}",
                f"CASE WHEN stripping AND uses_unknown THEN str_{w} ELSE 0 END AS f5_{w}", f"{no_zone[w]} AS f6_{w}",
            ]  # fmt: skip
        return columns

    @property
    def _schedule_rules(self) -> list[int]:
        return [
            bit for bit, rule in enumerate(self.plan.live) if rule.mode == "enforce" and rule.effect.part == "send_at"
        ]

    def _outcome(self) -> list[str]:
        """Outcome and the rest of what fails; hit_w: schedule rules that asked for exactly the latest instant."""
        asked = {
            bit: self.staging.clock.column(Asked(hours))
            for bit in self._schedule_rules
            if (hours := self.plan.live[bit].hours)
        }
        hit = masks.gathered(
            [
                (bit, f"latest <> instant AND {masks.has('sch', bit)} AND {name} = latest")
                for bit, name in asked.items()
            ],
            self.words,
            self.word,
        )
        late = "(latest <> instant AND (last_at IS NULL OR latest > last_at))"
        columns = [f"{late} AS late"]
        for w in self.words:
            columns += [
                f"CASE WHEN generic OR NOT has_generic THEN needing_{w} ELSE 0 END AS f3_{w}",
                f"{hit[w]} AS hit_{w}", f"CASE WHEN {late} THEN {hit[w]} ELSE 0 END AS f7_{w}",
            ]  # fmt: skip
        return columns

    def _next(self) -> list[str]:
        fails = {code: masks.some(f"f{code}_{w}" for w in self.words) for code in range(2, 8)}
        failed = f"({' OR '.join(fails.values())})"
        why = f"CASE {' '.join(f'WHEN {test} THEN {code}' for code, test in fails.items())} END"
        needing = masks.some(f"needing_{w}" for w in self.words)
        con = masks.some(f"con_{w}" for w in self.words)
        strips = f"(stripping AND NOT uses_unknown AND NOT {fails[3]} AND NOT {fails[4]} AND in_breach <> 0)"
        columns = [
            f"({con} AND has_generic) OR ({strips} AND {needing}) AS made_generic",
            f"({strips} AND NOT {needing}) AS made_strips",
            f"{failed} AS failed", f"CAST({why} AS TINYINT) AS why",
        ]  # fmt: skip
        for w in self.words:
            strip_rules = f"CASE WHEN {strips} THEN str_{w} ELSE 0 END"
            columns.append(
                f"(CASE WHEN has_generic THEN con_{w} ELSE 0 END) | ({strip_rules}) | (CASE WHEN late "
                f"THEN 0 ELSE hit_{w} END) AS made_{w}"
            )
        return columns

    # --- what becomes of each row ------------------------------------------------------------------------

    def _carried(self, sql: str) -> str:
        """The send as it stands after the round; ended: with nothing more to judge."""
        words = self.words
        blocks, asks = masks.some(f"blk_{w}" for w in words), masks.some(f"asks_{w}" for w in words)
        made = masks.some(f"made_{w}" for w in words)
        outcome = (
            f"CASE WHEN {blocks} THEN {BLOCK} WHEN {asks} THEN {ASK} WHEN failed THEN {BLOCK} WHEN {made} "
            f"THEN {ON} ELSE {DONE} END"
        )
        sql = f"SELECT *, {outcome} AS outcome FROM ({sql})"
        fails = [" | ".join(f"f{code}_{w}" for code in range(2, 8)) for w in words]
        deciders = [
            f"CASE outcome WHEN {ASK} THEN asks_{w} WHEN {BLOCK} THEN CASE WHEN {blocks} THEN blk_{w} "
            f"ELSE {fails[w]} END ELSE 0 END AS dec_{w}"
            for w in words
        ]
        first = "ch = start"
        gathered = [
            f"{acc}_{w} | {now} AS new_{acc}_{w}" for w in words
            for acc, now in (("cund", f"uu_{w}"), ("caud", self._audit(w)), ("cbrk", f"bb_{w}"))
        ]  # fmt: skip
        sql = f"SELECT *, {', '.join([*deciders, *gathered])} FROM ({sql})"
        permitted = " + ".join(
            f"CASE WHEN base & {1 << k} <> 0 AND NOT {self._forbidden(k)} THEN {1 << k} ELSE 0 END"
            for k in self._others
        ) or "0"  # fmt: skip
        others = (
            f"CASE WHEN outcome = {ASK} AND {first} THEN {permitted} WHEN {first} THEN cand ELSE cand & "
            "~(CAST(1 AS BIGINT) << ch) END"
        )
        sql = (
            f"SELECT *, {others} AS new_cand, (outcome = {ASK} OR (outcome = {BLOCK} AND NOT {first})) AS "
            f"turned FROM ({sql})"
        )
        sql = (
            f"SELECT *, (outcome = {DONE} OR (outcome = {BLOCK} AND {first}) OR (turned AND new_cand = 0)) AS "
            f"ended FROM ({sql})"
        )
        return (
            f"SELECT {', '.join(self._after())}, outcome, ended, turned, CASE WHEN NOT {blocks} THEN why END "
            f"AS why, {', '.join(f'dec_{w}' for w in words)} FROM ({sql})"
        )

    def _audit(self, w: int) -> str:
        return masks.kept("bb", self.plan.laws[0].audit, self.words)[w]

    def _forbidden(self, k: int) -> str:
        """Whether some asker names channels and this is none of them."""
        channel = self.plan.channels[k]
        mask = sum(
            1 << bit for bit, rule in enumerate(self.plan.live)
            if rule.effect.part == "channel" and rule.effect.channels is not None
            and channel not in rule.effect.channels
        )  # fmt: skip
        return masks.some(masks.kept("dec", mask, self.words))

    def _after(self) -> list[str]:
        """Every column of the course for the next round. A row that turns starts over on its next channel."""
        moved = "turned AND NOT ended"
        stripped = f"made_strips AND NOT failed AND outcome = {ON}"
        next_channel = masks.lowest("new_cand", len(self.plan.channels))
        columns = [
            *self.fixed,
            f"CAST(CASE WHEN {moved} THEN {next_channel} ELSE ch END AS TINYINT) AS ch",
            f"CASE WHEN {moved} THEN 0 WHEN {stripped} THEN strip | in_breach ELSE strip END AS strip",
            f"CASE WHEN {moved} THEN FALSE ELSE generic OR (made_generic AND outcome = {ON}) END AS generic",
            f"CASE WHEN {moved} THEN planned WHEN outcome = {ON} THEN latest ELSE instant END AS instant",
            "new_cand AS cand",
        ]
        for w in self.words:
            columns += [
                f"CASE WHEN {moved} THEN 0 WHEN outcome = {ON} THEN chg_{w} | made_{w} ELSE chg_{w} END AS chg_{w}",
                *(self._gathered(name, w) for name in _GATHERED),
                *(f"CASE WHEN {moved} THEN 0 ELSE new_c{name}_{w} END AS c{name}_{w}" for name in _GATHERED),
                f"CASE WHEN outcome = {ASK} AND ch = start THEN dec_{w} ELSE ask_{w} END AS ask_{w}",
            ]
        return columns

    def _gathered(self, name: str, w: int) -> str:
        """What the start channel's judgements gathered, kept when the send leaves it."""
        return f"CASE WHEN turned AND ch = start THEN new_c{name}_{w} ELSE {name}_{w} END AS {name}_{w}"

    def _final(self, step: str) -> str:
        """Ended rows as decisions; the columns are those of `decided.py`."""
        # A start that found no other channel ends turned: its own masks were just gathered.
        present = {v: str(self.plan.strip_mask([u.attribute for u in self._uses(v) or ()])) for v in self.plan.variants}
        styles = {v: self.staging.printer(v[0]).expr(self.styles[v]) for v in self.plan.variants}
        sql = f"SELECT *, ch * 2 + CAST(generic AS TINYINT) AS variant, outcome = {DONE} AS sent{self._left_out}"
        sql = f"{sql} FROM {step} WHERE ended"
        stripped, style = self._by_variant(present), self._by_variant(styles)
        sql = f"SELECT *, strip & ({stripped}) AS stripped, {style_number(style)} AS style FROM ({sql})"
        changed = "(ch <> start OR generic OR stripped <> 0 OR instant <> planned)"
        columns = [
            "row", "key", "start", "assumed",
            f"CAST(CASE WHEN NOT sent THEN 2 WHEN {changed} THEN 1 ELSE 0 END AS TINYINT) AS verdict",
            "CASE WHEN sent THEN ch END AS final",
            "CASE WHEN sent THEN stripped ELSE 0 END AS stripped",
            "(sent AND generic) AS generic",
            "CASE WHEN sent THEN instant END AS instant",
            "(sent AND instant <> planned) AS delayed",
            f"CAST(CASE WHEN turned THEN {_NOWHERE} WHEN sent THEN NULL ELSE why END AS TINYINT) AS impossible",
            "CASE WHEN sent THEN style END AS style",
        ]  # fmt: skip
        for w in self.words:
            columns += [
                f"CASE WHEN turned THEN ask_{w} WHEN sent THEN chg_{w} | ask_{w} ELSE dec_{w} END AS det_{w}",
                *(f"CASE WHEN turned THEN {n}_{w} ELSE {n}_{w} | c{n}_{w} END AS {n}_{w}" for n in _GATHERED),
                f"b_{w} AS first_{w}",
                f"u_{w} AS doubt_{w}",
            ]
        return f"SELECT {', '.join(columns)} FROM ({sql})"


def impossible_name(code: int | None) -> Impossible | None:
    return None if code is None else IMPOSSIBLE[code]


def names_of(mask: int, policies: Sequence[str]) -> tuple[str, ...]:
    """Policies of the bits set, sorted."""
    return tuple(sorted(policy for bit, policy in enumerate(policies) if mask >> bit & 1))
