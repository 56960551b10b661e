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
from policykit.dryrun.blends import NONE_LEFT
from policykit.dryrun.round_step import GATHERED, STATE, Round
from policykit.dryrun.scan import style_number
from policykit.errors import InternalError
from policykit.model import Impossible

IMPOSSIBLE: tuple[Impossible, ...] = (
    "no_address", "no_instant", "no_generic", "required_attribute", "selected_attribute", "unknown_uses",
    "unknown_zone", "past_deadline", "no_channel_left", "unknown_offers", "no_general_offer",
)  # fmt: skip
_NOWHERE = IMPOSSIBLE.index("no_channel_left")
ON, DONE, ASK, BLOCK = 0, 1, 2, 3
_MOST_ROUNDS = 10_000  # strips and instants only grow; more is a fault of ours


class Rounds(Round):
    """Runs the rounds of one scan, all lessened rows at once. See `run`."""

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
            connection.execute(f"CREATE TEMP TABLE {step} AS {self._carried(self.sql(course, judge_again=number > 0))}")
            into = f"INSERT INTO {lessened}" if number else f"CREATE OR REPLACE TEMP TABLE {lessened} AS"
            connection.execute(f"{into} {self._final(step)}")
            if number:
                connection.execute(f"DROP TABLE {lessened}_step_{number - 1}")
            if not connection.execute(f"SELECT 1 FROM {step} WHERE NOT ended LIMIT 1").fetchall():
                connection.execute(f"DROP TABLE {step}")
                return True
            course = f"(SELECT {', '.join(self.columns)}{self.left_out} FROM {step} WHERE NOT ended)"
        raise InternalError("a send was lessened without end")

    def _first(self, scanned: str) -> str:
        """The course of every lessened row as planned."""
        zeros = ", ".join(f"CAST(0 AS {self.word}) AS {n}_{w}" for n in STATE for w in self.words)
        fixed = ", ".join("instant AS planned" if name == "planned" else name for name in self.fixed)
        blend = f"{NONE_LEFT} AS blend, " if self.blends.rules else ""
        return (
            f"(SELECT {fixed}, start AS ch, CAST(0 AS BIGINT) AS strip, FALSE AS generic, instant, {blend}"
            f"CAST(0 AS BIGINT) AS cand, {zeros}{self.left_out} FROM {self.scan.source(scanned)} WHERE lessened)"
        )

    def _meet(self, connection: duckdb.DuckDBPyConnection, course: str) -> None:
        if self.staging.clock.columns:
            met = connection.execute(f"SELECT DISTINCT zone_number, instant FROM {course}").fetchall()
            self.staging.clock.meet(connection, met)

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
        fails = [" | ".join(f"f{code}_{w}" for code in self.fails) for w in words]
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
            for k in self.others
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
            *([f"CASE WHEN {moved} THEN NULL WHEN outcome = {ON} THEN {self.blends.next()} ELSE blend END AS blend"]
              if self.blends.rules else []),
            "new_cand AS cand",
        ]  # fmt: skip
        for w in self.words:
            columns += [
                f"CASE WHEN {moved} THEN 0 WHEN outcome = {ON} THEN chg_{w} | made_{w} ELSE chg_{w} END AS chg_{w}",
                *(self._gathered(name, w) for name in GATHERED),
                *(f"CASE WHEN {moved} THEN 0 ELSE new_c{name}_{w} END AS c{name}_{w}" for name in GATHERED),
                f"CASE WHEN outcome = {ASK} AND ch = start THEN dec_{w} ELSE ask_{w} END AS ask_{w}",
            ]
        return columns

    def _gathered(self, name: str, w: int) -> str:
        """What the start channel's judgements gathered, kept when the send leaves it."""
        return f"CASE WHEN turned AND ch = start THEN new_c{name}_{w} ELSE {name}_{w} END AS {name}_{w}"

    def _final(self, step: str) -> str:
        """Ended rows as decisions; the columns are those of `decided.py`."""
        # A start that found no other channel ends turned: its own masks were just gathered.
        present = {v: str(self.plan.strip_mask([u.attribute for u in self.uses(v) or ()])) for v in self.plan.variants}
        styles = {v: self.staging.printer(v[0]).expr(self.styles[v]) for v in self.plan.variants}
        sql = f"SELECT *, ch * 2 + CAST(generic AS TINYINT) AS variant, outcome = {DONE} AS sent{self.left_out}"
        sql = f"{sql} FROM {step} WHERE ended"
        stripped, style = self.by_variant(present), self.by_variant(styles)
        sql = (
            f"SELECT *, strip & ({stripped}) AS stripped, {style_number(style)} AS style, "
            f"{self.blends.final()} AS blended FROM ({sql})"
        )
        changed = "(ch <> start OR generic OR stripped <> 0 OR instant <> planned OR blended IS NOT NULL)"
        columns = [
            "row", "key", "start", "assumed",
            f"CAST(CASE WHEN NOT sent THEN 2 WHEN {changed} THEN 1 ELSE 0 END AS TINYINT) AS verdict",
            "CASE WHEN sent THEN ch END AS final",
            "CASE WHEN sent THEN stripped ELSE 0 END AS stripped",
            "(sent AND generic) AS generic",
            "CASE WHEN sent THEN instant END AS instant",
            "(sent AND instant <> planned) AS delayed",
            "CAST(blended AS INTEGER) AS blended",
            f"CAST(CASE WHEN turned THEN {_NOWHERE} WHEN sent THEN NULL ELSE why END AS TINYINT) AS impossible",
            "CASE WHEN sent THEN style END AS style",
        ]  # fmt: skip
        for w in self.words:
            columns += [
                f"CASE WHEN turned THEN ask_{w} WHEN sent THEN chg_{w} | ask_{w} ELSE dec_{w} END AS det_{w}",
                *(f"CASE WHEN turned THEN {n}_{w} ELSE {n}_{w} | c{n}_{w} END AS {n}_{w}" for n in GATHERED),
                f"b_{w} AS first_{w}",
                f"u_{w} AS doubt_{w}",
            ]
        return f"SELECT {', '.join(columns)} FROM ({sql})"


def impossible_name(code: int | None) -> Impossible | None:
    return None if code is None else IMPOSSIBLE[code]


def names_of(mask: int, policies: Sequence[str]) -> tuple[str, ...]:
    """Policies of the bits set, sorted."""
    return tuple(sorted(policy for bit, policy in enumerate(policies) if mask >> bit & 1))
