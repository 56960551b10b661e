"""The one wide scan: every person's facts joined once, every rule judged on the channel the send starts on.

Rows that some rule lessens keep what later rounds need; for all others those columns are NULL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policykit.dryrun import masks
from policykit.dryrun.clock import Asked
from policykit.dryrun.people import Known, Said
from policykit.dryrun.places import ZONE_JOIN
from policykit.dryrun.plan import Plan, as_planned
from policykit.dryrun.sources import quoted
from policykit.dryrun.staging import Staging
from policykit.ir.nodes import Expr
from policykit.vocabulary import STYLES

_STAGED = re.compile(r"\b[smnj][0-9]+\b")


@dataclass(frozen=True, slots=True)
class Scan:
    """The text of the scan. kept: staged columns that later rounds read.

    Its columns: row, key, start (number of the prepared channel, NULL = no address), instant, last_at,
    zone_number, style (number), assumed (bits), b_w and u_w (breached and undetermined as planned), lessened,
    and for lessened rows base (bits of channels it could move to), b{k}_w, u{k}_w, and `kept`.
    constants: those of the columns that are one for everybody, left out of the table.
    """

    sql: str
    kept: tuple[str, ...]
    constants: Mapping[str, str]

    def source(self, scanned: str) -> str:
        """The table of a scan with what it leaves out."""
        return f"(SELECT *{self.left_out()} FROM {scanned})"

    def left_out(self, but: Iterable[str] = ()) -> str:
        """The columns that are the same for everybody, to follow others in a SELECT."""
        return "".join(f", {sql} AS {name}" for name, sql in self.constants.items() if name not in but)


def stage_leaves(plan: Plan, staging: Staging, styles: dict[tuple[int, bool], Expr]) -> None:
    """Makes `staging` know every column that the scan and the rounds will read; run before `Staging.prepare`."""
    for variant in plan.variants:
        printer = staging.printer(variant[0])
        exprs = [*plan.breached[variant], styles[variant]]
        exprs += [term for terms in plan.terms[variant].values() for _, term in terms or ()]
        for expr in exprs:
            printer.expr(expr)
    for rule in plan.live:
        if rule.hours is not None and rule.mode == "enforce" and rule.effect.part == "send_at":
            staging.clock.column(Asked(rule.hours))


def make_scan(plan: Plan, staging: Staging, styles: dict[tuple[int, bool], Expr], *, earlier: bool) -> Scan:
    """The scan; `stage_leaves` and `Staging.prepare` have run."""
    channels = range(len(plan.channels))
    truths = [
        [staging.printer(k).expr(as_planned(plan.breached[k, False][bit], plan.campaign)) for k in channels]
        for bit in range(len(plan.live))
    ]
    style = _style(plan, staging, styles)
    constants = staging.places.constants()
    if all(test == "TRUE" for test in staging.assumed.values()):
        constants["assumed"] = _assumed(staging)
    kept = _kept(plan, staging, styles)
    own = {bit: texts for bit, texts in enumerate(truths) if len(set(texts)) > 1}
    ranks = [_rank(staging, k) for k in channels]
    layers = [
        [f"{masks.chosen('start', texts)} AS r{bit}" for bit, texts in enumerate(truths)],
        _words(plan),
        [f"{_lessened(plan)} AS lessened", f"{style} AS style"],
        [f"CASE WHEN lessened THEN {_base(plan, ranks)} END AS base"],
        [
            f"CASE WHEN base & {1 << k} <> 0 THEN {texts[k]} END AS r{bit}_{k}"
            for bit, texts in own.items() for k in channels
        ],
    ]  # fmt: skip
    sql = staged(plan, staging, earlier=earlier)
    for layer in layers:
        if layer:
            sql = f"SELECT *, {', '.join(layer)} FROM ({sql})"
    return Scan(f"SELECT {', '.join(_out(plan, own, kept, constants))} FROM ({sql})", kept, constants)


def staged(plan: Plan, staging: Staging, *, earlier: bool = False) -> str:
    """Every person with the staged facts of every prepared channel."""
    channels = range(len(plan.channels))
    ranks = [_rank(staging, k) for k in channels]
    has = [staging.people.has_address(k) for k in channels]
    place = staging.places.columns()
    start = " ".join(f"WHEN {text} THEN {k}" for k, text in enumerate(has) if text != "FALSE")
    columns = {
        "row": "p.row",
        "key": "p.key",
        "start": f"CAST({f'CASE {start} END' if start else 'NULL'} AS TINYINT)",
        **{f"has{k}": text for k, text in enumerate(has)},
        **{f"rank{k}": text for k, text in enumerate(ranks)},
        "strip": "CAST(0 AS BIGINT)",
        **place,
        **staging.columns,
        **{name: f"h.{name}" for name in staging.counters},
        "assumed": _assumed(staging),
    }
    alike = staging.places.one_instant(counter.window for counter in staging.counters.values())
    by_row = None if alike or not staging.counters else _places(staging, place)
    listed = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    return f"SELECT {listed} FROM {staging.joins(earlier=earlier, by_row=by_row)}"


def _places(staging: Staging, place: dict[str, str]) -> str:
    """Each row with its own instant and windows, for counts around it."""
    edges = {edge for counter in staging.counters.values() for edge in counter.edges or ()}
    columns = "".join(f", {place[name]} AS {name}" for name in ("instant", *sorted(edges)))
    return f"(SELECT p.row AS row, p.key AS key{columns} FROM {staging.data.people.sql} AS p {ZONE_JOIN})"


def _assumed(staging: Staging) -> str:
    # The widest type has 126 bits to give; who assumes more facts than that reads of the first ones only.
    tests = list(staging.assumed.values())[:126]
    kind = next(name for name, room in (("INTEGER", 31), ("BIGINT", 63), ("HUGEINT", 127)) if len(tests) < room)
    bits = [f"CASE WHEN {test} THEN {1 << i} ELSE 0 END" for i, test in enumerate(tests)]
    return f"CAST({' + '.join(bits) or '0'} AS {kind})"


def _rank(staging: Staging, k: int) -> str:
    found = staging.people.rank(k)
    match found:
        case Known(value):
            return "CAST(NULL AS BIGINT)" if value is None else f"CAST({value} AS BIGINT)"
        case Said():
            return f"coalesce({found.sql}, {'NULL' if found.assumed is None else found.assumed})"


def _words(plan: Plan) -> list[str]:
    bits = range(len(plan.live))
    breached = masks.gathered([(bit, f"coalesce(r{bit}, TRUE)") for bit in bits], plan.words, plan.word_type)
    unknown = masks.gathered([(bit, f"r{bit} IS NULL") for bit in bits], plan.words, plan.word_type)
    judged = f"start IS NOT NULL AND instant IS NOT NULL AND NOT {past_deadline(plan)}"
    return [
        f"CASE WHEN {judged} THEN {text} ELSE 0 END AS {name}_{w}"
        for name, texts in (("b", breached), ("u", unknown)) for w, text in enumerate(texts)
    ]  # fmt: skip


def past_deadline(plan: Plan) -> str:
    """Whether the planned instant lies after the last one; only a deadline that somebody named can be before it."""
    return "FALSE" if plan.campaign.not_after is None else "coalesce(instant > last_at, FALSE)"


def _lessened(plan: Plan) -> str:
    """Whether no rule blocks outright and some rule asks for something less."""
    laws = plan.laws
    blocks = masks.some(masks.kept("b", laws[0].blocks if laws else 0, plan.words))
    lesser = [law.asks | law.contents | law.strips | law.schedules | law.blends for law in laws]
    parts = [masks.some(masks.kept("b", mask, plan.words)) for mask in lesser]
    return f"(NOT {blocks} AND coalesce({masks.chosen('start', parts) if parts else 'FALSE'}, FALSE))"


def _base(plan: Plan, ranks: list[str]) -> str:
    """Bits of the other channels with an address and a strictly lower rank."""
    count = len(plan.channels)
    if count < 2:
        return "0"
    ceiling = masks.chosen("start", [f"rank{k}" for k in range(count)])
    bits = [f"CASE WHEN start <> {k} AND has{k} AND rank{k} < {ceiling} THEN {1 << k} ELSE 0 END" for k in range(count)]
    return " + ".join(bits)


def _style(plan: Plan, staging: Staging, styles: dict[tuple[int, bool], Expr]) -> str:
    texts = [staging.printer(k).expr(as_planned(styles[k, False], plan.campaign)) for k in range(len(plan.channels))]
    return style_number(masks.chosen("start", texts)) if texts else "NULL"


def style_number(style: str) -> str:
    """A style as its place among `STYLES`, NULL when unknown."""
    return f"CAST(CASE {style} {' '.join(f'WHEN {quoted(s)} THEN {i}' for i, s in enumerate(STYLES))} END AS TINYINT)"


def _kept(plan: Plan, staging: Staging, styles: dict[tuple[int, bool], Expr]) -> tuple[str, ...]:
    """Staged columns that a round may read again."""
    texts = []
    for variant in plan.variants:
        printer = staging.printer(variant[0])
        texts += [printer.expr(plan.breached[variant][bit]) for bit in plan.moving]
        texts += [printer.expr(term) for terms in plan.terms[variant].values() for _, term in terms or ()]
        texts.append(printer.expr(styles[variant]))
    return tuple(sorted({name for text in texts for name in _STAGED.findall(text)}))


def _out(plan: Plan, own: dict[int, list[str]], kept: tuple[str, ...], constants: Mapping[str, str]) -> list[str]:
    names = ["row", "key", "start", "instant", "last_at", "zone_number", "style", "assumed", "lessened", "base"]
    names += [f"{letter}_{w}" for letter in "bu" for w in plan.words]
    columns = [name for name in names if name not in constants]
    for k in range(len(plan.channels)) if len(plan.channels) > 1 else ():
        truths = [f"r{bit}_{k}" if bit in own else f"r{bit}" for bit in range(len(plan.live))]
        for letter, test in (("b", "coalesce({}, TRUE)"), ("u", "{} IS NULL")):
            words = masks.gathered(
                [(bit, test.format(truth)) for bit, truth in enumerate(truths)], plan.words, plan.word_type
            )
            columns += [
                f"CASE WHEN base & {1 << k} <> 0 THEN {text} END AS {letter}{k}_{w}" for w, text in enumerate(words)
            ]
    return columns + [f"CASE WHEN lessened THEN {name} END AS {name}" for name in kept]
