"""One round of M5 over relations: what the rules say of each send as it stands, and what they ask of it.

Every layer is a SELECT over the one before; `policykit.rounds` is the law in words, and names here
are the same. Per mask word w: bb_w and uu_w breached and undetermined; blk_w, asks_w, con_w, str_w,
sch_w what breached rules ask for; f2_w to f7_w, f9_w and f10_w rules whose change cannot be made, by the number
of `model.Impossible`; made_w rules whose change is made. What is about offers is in `blends.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

from policykit.dryrun import masks
from policykit.dryrun.blends import Blends
from policykit.dryrun.clock import Asked
from policykit.dryrun.plan import Plan, Variant
from policykit.dryrun.scan import Scan
from policykit.dryrun.sends import counts_by_row
from policykit.dryrun.staging import Staging
from policykit.ir.nodes import Expr
from policykit.model import Use

GATHERED = ("und", "aud", "brk")
STATE = ("chg", "und", "aud", "brk", "cund", "caud", "cbrk", "ask")


class Round:
    """The SQL of one round over a course: from the send as it stands to what can and cannot be made of it.

    fixed: columns of a course that no round changes; columns: all that are stored.
    """

    def __init__(self, plan: Plan, staging: Staging, scan: Scan, styles: dict[Variant, Expr], *, earlier: bool) -> None:
        self.plan, self.staging, self.scan, self.styles, self.earlier = plan, staging, scan, styles, earlier
        self.words, self.word = plan.words, plan.word_type
        self.blends = Blends(plan)
        own = [name for name in ("zone_number", "last_at", "planned", "assumed") if name not in self.constants]
        self.fixed = [
            "row", "key", "start", *own, "base", *scan.kept,
            *(f"{letter}_{w}" for letter in "bu" for w in self.words),
            *(f"{letter}{k}_{w}" for letter in "bu" for k in self.others for w in self.words),
        ]  # fmt: skip
        self.columns = [
            *self.fixed,
            "ch",
            "strip",
            "generic",
            "instant",
            *(["blend"] if self.blends.rules else []),
            "cand",
            *(f"{n}_{w}" for n in STATE for w in self.words),
        ]

    @property
    def constants(self) -> dict[str, str]:
        """Columns of a course that are the same for every row in every round, and so are not stored."""
        return {"planned" if name == "instant" else name: sql for name, sql in self.scan.constants.items()}

    @property
    def left_out(self) -> str:
        return "".join(f", {sql} AS {name}" for name, sql in self.constants.items())

    @property
    def others(self) -> range:
        return range(len(self.plan.channels) if len(self.plan.channels) > 1 else 0)

    def sql(self, course: str, *, judge_again: bool) -> str:
        layers = [
            self._truths() if judge_again else [],
            self._judged(judge_again=judge_again),
            self._asked_for(),
            self._strips(),
            self._failures(),
            self._outcome(),
            *self.blends.layers(self._strips_made, self._strip_rules),
            self._next(),
        ]
        sql = self._seen(course, judge_again=judge_again)
        for layer in layers:
            if layer:
                sql = f"SELECT *, {', '.join(layer)} FROM ({sql})"
        return sql

    def _seen(self, course: str, *, judge_again: bool) -> str:
        """The course with the clock at each row's instant, and counts around instants that moved."""
        counters = [name for name in self.staging.counters if name in self.scan.kept]
        names = ", ".join(f"t.{name}" for name in (*self.columns, *self.constants) if name not in counters)
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

    def by_variant(self, texts: dict[Variant, str]) -> str:
        """One value per (channel, generic) as SQL over `variant`."""
        if len(set(texts.values())) == 1:
            return next(iter(texts.values()))
        return (
            "CASE variant "
            f"{' '.join(f'WHEN {k * 2 + generic} THEN {text}' for (k, generic), text in texts.items())} END"
        )

    def _truths(self) -> list[str]:
        return [
            self.by_variant(
                {v: self.staging.printer(v[0]).expr(self.plan.breached[v][bit]) for v in self.plan.variants}
            )
            + f" AS t{bit}"
            for bit in sorted(self.plan.moving)
        ]

    def _judged(self, *, judge_again: bool) -> list[str]:
        """bb_w and uu_w: what the rules say of the send as it stands."""
        columns = []
        for letter, test in (("b", "coalesce(t{}, TRUE)"), ("u", "t{} IS NULL")):
            again = self._by_word((bit, test.format(bit)) for bit in sorted(self.plan.moving))
            everything = (1 << len(self.plan.live)) - 1
            still = masks.split(everything & ~sum(1 << bit for bit in self.plan.moving), self.words)
            for w in self.words:
                stored = f"{letter}_{w}"
                if self.others:
                    by_channel = " ".join(f"WHEN {k} THEN {letter}{k}_{w}" for k in self.others)
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
            *([("bld", "blends")] if self.blends.rules else []),
        ):
            for w, text in enumerate(self._by_channel("bb", which)):
                value = f"CASE WHEN generic THEN 0 ELSE {text} END" if name == "con" else text
                columns.append(f"CAST({value} AS {self.word}) AS {name}_{w}")
        has_generic = [str(prepared.generic is not None).upper() for prepared in self.plan.campaign.prepared]
        return [*columns, f"{masks.chosen('ch', has_generic)} AS has_generic"]

    def uses(self, variant: Variant) -> tuple[Use, ...] | None:
        prepared = self.plan.campaign.prepared[variant[0]]
        content = prepared.generic if variant[1] else prepared.content
        return content.uses if content else ()

    @property
    def _strip_rules(self) -> list[int]:
        return [bit for bit, rule in enumerate(self.plan.live) if rule.mode == "enforce" and rule.effect.part == "uses"]

    def _strips(self) -> list[str]:
        """stripping: whether strips of this round count; uses_unknown; x{bit}: present uses in breach of one rule."""
        con, strips = masks.some(f"con_{w}" for w in self.words), masks.some(f"str_{w}" for w in self.words)
        unknown = {v: str(self.uses(v) is None).upper() for v in self.plan.variants}
        columns = [f"({strips} AND NOT {con}) AS stripping", f"{self.by_variant(unknown)} AS uses_unknown"]
        for bit in self._strip_rules:
            texts = {v: self._in_breach(v, bit) for v in self.plan.variants}
            columns.append(
                f"CAST(CASE WHEN {masks.has('str', bit)} THEN {self.by_variant(texts)} ELSE 0 END AS BIGINT) AS x{bit}"
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
                    [u.attribute for u in self.uses(v) or () if getattr(u, field) is (field == "required")]
                )
            )
            for v in self.plan.variants
        }
        return self.by_variant(texts)

    def _failures(self) -> list[str]:
        """Per word the rules whose change cannot be made, by why; and the instant asked for."""
        rules, asked = self._strip_rules, self._asked
        in_breach = " | ".join(f"x{bit}" for bit in rules) or "0"
        fixed, needed = self._masked("strippable"), self._masked("required")
        counts = "stripping AND NOT uses_unknown"
        selected = self._by_word((bit, f"{counts} AND x{bit} & ({fixed}) <> 0") for bit in rules)
        required = self._by_word((bit, f"{counts} AND x{bit} & ({needed}) <> 0") for bit in rules)
        no_zone = self._by_word((bit, f"{masks.has('sch', bit)} AND {name} IS NULL") for bit, name in asked.items())
        instants = [
            f"CASE WHEN {masks.has('sch', bit)} THEN coalesce({name}, instant) ELSE instant END"
            for bit, name in asked.items()
        ]
        columns = [f"({in_breach}) AS in_breach", f"greatest({', '.join(['instant', *instants])}) AS latest"]
        for w in self.words:
            columns += [
                f"CASE WHEN NOT has_generic THEN con_{w} ELSE 0 END AS f2_{w}",
                f"{required[w]} AS needing_{w}", f"{selected[w]} AS f4_{w}",
                f"CASE WHEN stripping AND uses_unknown THEN str_{w} ELSE 0 END AS f5_{w}", f"{no_zone[w]} AS f6_{w}",
            ]  # fmt: skip
        return columns

    def _by_word(self, tests: Iterable[tuple[int, str]]) -> list[str]:
        return masks.gathered(tuple(tests), self.words, self.word)

    @property
    def _asked(self) -> dict[int, str]:
        """Rules that ask for another instant, with the column of what each asks for."""
        return {
            bit: self.staging.clock.column(Asked(rule.hours))
            for bit, rule in enumerate(self.plan.live)
            if rule.mode == "enforce" and rule.effect.part == "send_at" and rule.hours
        }

    def _outcome(self) -> list[str]:
        """Outcome and the rest of what fails; hit_w: schedule rules that asked for exactly the latest instant."""
        hit = self._by_word(
            (bit, f"latest <> instant AND {masks.has('sch', bit)} AND {name} = latest")
            for bit, name in self._asked.items()
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
        fails = {code: masks.some(f"f{code}_{w}" for w in self.words) for code in self.fails}
        failed = f"({' OR '.join(fails.values())})"
        why = f"CASE {' '.join(f'WHEN {test} THEN {code}' for code, test in fails.items())} END"
        needing = masks.some(f"needing_{w}" for w in self.words)
        con = masks.some(f"con_{w}" for w in self.words)
        strips = self._strips_count
        columns = [
            f"({con} AND has_generic) OR ({strips} AND {needing}) AS made_generic",
            f"{self._strips_made} AS made_strips",
            f"{failed} AS failed", f"CAST({why} AS TINYINT) AS why",
        ]  # fmt: skip
        for w in self.words:
            strip_rules = f"CASE WHEN {strips} THEN str_{w} ELSE 0 END"
            blended = f" | hitb_{w}" if self.blends.touched else ""
            columns.append(
                f"(CASE WHEN has_generic THEN con_{w} ELSE 0 END) | ({strip_rules}) | (CASE WHEN late "
                f"THEN 0 ELSE hit_{w} END){blended} AS made_{w}"
            )
        return columns

    @property
    def fails(self) -> tuple[int, ...]:
        """Numbers of what can go wrong in a round."""
        return (*range(2, 8), *((9, 10) if self.blends.touched else ()))

    @property
    def _strips_count(self) -> str:
        """Whether the strips of this round lead to something: fewer uses, or the generic text."""
        fixed, required = (masks.some(f"f{code}_{w}" for w in self.words) for code in (4, 3))
        return f"(stripping AND NOT uses_unknown AND NOT {required} AND NOT {fixed} AND in_breach <> 0)"

    @property
    def _strips_made(self) -> str:
        needing = masks.some(f"needing_{w}" for w in self.words)
        return f"({self._strips_count} AND NOT {needing})"
