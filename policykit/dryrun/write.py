"""Decisions as files: each is written beside its place and then put there whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

from policykit.dryrun.numbers import Outcome
from policykit.dryrun.plan import WORD, Plan
from policykit.dryrun.rounds_sql import IMPOSSIBLE, names_of
from policykit.dryrun.sources import quoted
from policykit.errors import BadData, Problem
from policykit.kinds.waiver import WAIVER
from policykit.model import WAIVER_MARK
from policykit.vocabulary import CHANNELS

_VERDICTS = ("allow", "downgrade", "block")
_IN_ORDER = 200_000  # rows; beyond it the column `row` says the order
_RECIPIENT = "CAST(key AS VARCHAR) AS recipient_id"


def write_decisions(connection: duckdb.DuckDBPyConnection, plan: Plan, found: list[Outcome], out: Path) -> None:
    """One row per row of the audience; in its order where that costs nothing, else in none.

    Columns: row BIGINT (number in the audience, from 1), recipient_id, verdict, channel (final one, NULL when
    blocked), moved_to, stripped (attributes separated by `|`), generic, blend (INTEGER; personalised offers left, only
    when others gave way to general ones), send_at (TIMESTAMPTZ; only when the send was delayed), impossible, policies
    and undetermined (policy ids separated by `|`), waived (ids of the waivers that set a policy aside, separated by
    `|`), and the first two and what was in audit as masks: determining_w,
    undetermined_w, audit_w, where bit i of word w is the policy at 62 * w + i of the metadata `policykit.policies`.
    """
    _name_masks(connection, plan, found)
    masks = "".join(
        f", CAST({name}_{w} AS BIGINT) AS {called}_{w}"
        for w in plan.words
        for name, called in (("det", "determining"), ("und", "undetermined"), ("aud", "audit"))
    )
    query = (
        f"SELECT row, {_RECIPIENT}, {_enum('verdict', _VERDICTS)} AS verdict, "
        f"{_enum('final', plan.channels)} AS channel, "
        f"CASE WHEN final <> start THEN {_enum('final', plan.channels)} END AS moved_to, "
        f"{_stripped(plan)} AS stripped, generic, blended AS blend, "
        "CASE WHEN delayed THEN make_timestamptz(instant) END AS send_at, "
        f"{_enum('impossible', IMPOSSIBLE)} AS impossible, "
        f"n.policies, m.policies AS undetermined, {_waived(plan)} AS waived{masks} FROM decided AS d "
        f"LEFT JOIN mask_names AS n ON {_same(plan, 'd', 'det', 'n')} LEFT JOIN mask_names AS m ON "
        f"{_same(plan, 'd', 'und', 'm')}"
    )
    metadata = {
        "policykit.policies": "|".join(rule.policy for rule in plan.live),
        "policykit.rules": plan.ruleset.hash,
        "policykit.campaign": plan.campaign.id or "",
    }
    kept = ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in metadata.items())
    if sum(outcome.rows for outcome in found) <= _IN_ORDER:
        query += " ORDER BY row"
    with _beside(out) as place:
        connection.execute(f"COPY ({query}) TO {quoted(str(place))} (FORMAT parquet, KV_METADATA {{{kept}}})")


def write_lists(connection: duckdb.DuckDBPyConnection, plan: Plan, found: list[Outcome], folder: Path) -> None:
    """`to-<channel>.csv` per final channel and `not-sent.csv`; every row of the audience is in exactly one.

    In a folder that is there already, those of an earlier run go, whichever channels it had; nothing else does.
    """
    _name_masks(connection, plan, found)
    ours = {"not-sent.csv", *(f"to-{channel}.csv" for channel in (*CHANNELS, *plan.ruleset.ranks))}
    with _beside(folder, ours) as place:
        place.mkdir()
        for k, channel in enumerate(plan.channels):
            query = (
                f"SELECT {_RECIPIENT}, {_enum('verdict', _VERDICTS)} AS verdict, {_stripped(plan)} "
                "AS stripped, generic, "
                "strftime(make_timestamp(instant), '%Y-%m-%dT%H:%M:%SZ') AS send_at, "
                "blended AS blend FROM decided WHERE "
                f"final = {k} ORDER BY row"
            )
            connection.execute(f"COPY ({query}) TO {quoted(str(place / f'to-{channel}.csv'))} (FORMAT csv, HEADER)")
        query = (
            f"SELECT {_RECIPIENT}, n.policies, {_enum('impossible', IMPOSSIBLE)} AS impossible FROM decided AS d "
            f"LEFT JOIN mask_names AS n ON {_same(plan, 'd', 'det', 'n')} WHERE verdict = 2 ORDER BY row"
        )
        connection.execute(f"COPY ({query}) TO {quoted(str(place / 'not-sent.csv'))} (FORMAT csv, HEADER)")


def _enum(column: str, members: tuple[str, ...]) -> str:
    """A number as the text it stands for."""
    return (
        f"CASE {column} {' '.join(f'WHEN {i} THEN {quoted(m)}' for i, m in enumerate(members))} END"
        if members
        else "NULL"
    )


def _stripped(plan: Plan) -> str:
    parts = ", ".join(f"CASE WHEN stripped & {1 << j} <> 0 THEN {quoted(name)} END" for j, name in enumerate(plan.uses))
    return f"CASE WHEN stripped <> 0 THEN concat_ws('|', {parts}) END" if parts else "CAST(NULL AS VARCHAR)"


def _waived(plan: Plan) -> str:
    places = [(bit, rule.policy.removeprefix(WAIVER_MARK)) for bit, rule in enumerate(plan.live) if rule.kind == WAIVER]
    parts = ", ".join(
        f"CASE WHEN aud_{bit // WORD} & {1 << bit % WORD} <> 0 THEN {quoted(name)} END" for bit, name in places
    )
    return f"nullif(concat_ws('|', {parts}), '')" if parts else "CAST(NULL AS VARCHAR)"


def _same(plan: Plan, left: str, column: str, right: str) -> str:
    return " AND ".join(f"{left}.{column}_{w} = {right}.mask_{w}" for w in plan.words)


def _name_masks(connection: duckdb.DuckDBPyConnection, plan: Plan, found: list[Outcome]) -> None:
    """`mask_names`: the policies of every mask that occurs, as text; NULL for the empty one."""
    live = [rule.policy for rule in plan.live]
    masks = {mask for outcome in found for mask in (outcome.det, outcome.und)}
    words = ", ".join(f"mask_{w} {plan.word_type}" for w in plan.words)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE mask_names ({words}, policies VARCHAR)")
    rows = [
        f"({', '.join(str(mask >> WORD * w & (1 << WORD) - 1) for w in plan.words)}, "
            f"{quoted('|'.join(names_of(mask, live)))})"
        for mask in sorted(masks) if mask
    ]  # fmt: skip
    if rows:
        connection.execute(f"INSERT INTO mask_names VALUES {', '.join(rows)}")


def check_places(out: Path | None, lists: Path | None) -> None:
    """Raises `BadData` for places that nothing can be written to, before the work is done."""
    problems = [
        Problem(None, f"`{target}` cannot be written: {why}", way, "data.unwritable")
        for target, folder in ((out, False), (lists, True))
        if target is not None
        for why, way in _wrong(target, folder=folder)
    ]
    if problems:
        raise BadData(problems)


def _wrong(target: Path, *, folder: bool) -> Iterator[tuple[str, str]]:
    if not target.parent.is_dir():
        yield f"folder `{target.parent}` does not exist", "make it first, or write elsewhere"
    elif not os.access(target.parent, os.W_OK):
        yield f"nothing may be put into `{target.parent}`", "write elsewhere"
    elif target.exists() and target.is_dir() is not folder:
        yield f"it is a {'file, not a folder' if folder else 'folder, not a file'}", "write elsewhere"


@contextmanager
def _beside(target: Path, ours: Collection[str] = ()) -> Iterator[Path]:
    """A place in the same folder whose content takes the target's place when all went well.

    ours: names of the files that an earlier run may have left in a target that is a folder.
    """
    work = None
    try:
        work = Path(tempfile.mkdtemp(prefix=".policykit-", dir=target.parent))
        place = work / target.name
        yield place
        if place.is_dir() and target.is_dir():
            _exchange(place, target, ours, Path(tempfile.mkdtemp(dir=work)))
        else:
            place.replace(target)
    except (OSError, duckdb.IOException) as error:
        why = error.strerror if isinstance(error, OSError) else "is the disk full?"
        raise BadData(Problem(None, f"`{target}` cannot be written: {why}", None, "data.unwritable")) from error
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)


def _exchange(place: Path, target: Path, ours: Collection[str], before: Path) -> None:
    """Puts new files into a folder instead of our earlier ones, which wait in `before`; if one fails, all is undone."""
    files = list(place.iterdir())
    earlier = sorted({*ours, *(file.name for file in files)})
    with ExitStack() as undo:
        for name in earlier:
            if (target / name).is_file():
                (target / name).replace(before / name)
                undo.callback((before / name).replace, target / name)
        for file in files:
            file.replace(target / file.name)
            undo.callback((target / file.name).unlink)
        undo.pop_all()
