"""A dry run: files in, one decision per row out, and the numbers that a report is made from.

Read this file first; its steps, in order:

1. `read_data`    files typed and checked (`sources`, `cells`, `relations`)
2. `make_plan`    the rule set folded for this campaign and these files (`plan`, `staging`)
3. `_judge`       one wide scan, then rounds over the lessened rows (`scan`, `rounds_sql`), for
                  people with several rows turn by turn
4. `count`        numbers, from one grouping of the decisions (`numbers`)
5. `verify`       a sample judged again by the reference (`verify`)
6. writing        Parquet and lists, each whole or not at all (`write`)
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from policykit.dryrun import decided
from policykit.dryrun.numbers import Numbers, count, outcomes
from policykit.dryrun.plan import Plan, Variant, make_plan
from policykit.dryrun.preflight import Lack, preflight
from policykit.dryrun.relations import Data, Table, read_data
from policykit.dryrun.rounds_sql import Rounds
from policykit.dryrun.scan import Scan, make_scan, stage_leaves
from policykit.dryrun.sources import Sources
from policykit.dryrun.staging import Staging
from policykit.dryrun.verify import verify
from policykit.dryrun.write import check_places, write_decisions, write_lists
from policykit.errors import Problem, UsageError
from policykit.ir.fold import fold
from policykit.ir.nodes import Expr, Fact, Type
from policykit.ir.rules import RuleSet
from policykit.ir.specialise import send_constants, send_purpose
from policykit.ir.unroll import unroll
from policykit.ir.walk import leaves_of
from policykit.kinds.style import spell_out_style
from policykit.model import Campaign, Micros
from policykit.vocabulary import Vocabulary

Progress = Callable[[str], None]
Part = tuple[Scan, str, str | None]  # one turn: its scan, the table of it, and what became of the lessened

_DEFAULT_MEMORY = "2500MB"  # of DuckDB's buffers; the process takes about a tenth more
_MOST_THREADS = 256  # DuckDB starts as many as it is told, needed or not
_SMALL_LEDGER = 20  # times the audience: beyond it the ledger is narrowed to the audience first


@dataclass(frozen=True, slots=True)
class Options:
    """How to run, not what. sample: rows judged again by the reference; memory_limit as DuckDB reads it."""

    memory_limit: str | None = None
    threads: int | None = None
    sample: int = 200
    examples: int = 12


DEFAULTS = Options()


@dataclass(frozen=True, slots=True)
class Result:
    """What a dry run gives. warnings: about cells that could not be read. verified: rows judged twice."""

    numbers: Numbers
    lacks: tuple[Lack, ...]
    warnings: tuple[Problem, ...]
    verified: int


def dry_run(
    ruleset: RuleSet,
    campaign: Campaign,
    sources: Sources,
    now: Micros,
    *,
    vocabulary: Vocabulary | None = None,
    out: Path | None = None,
    lists: Path | None = None,
    pseudonym: Callable[[str], str] = lambda person: person,
    progress: Progress = lambda step: None,
    options: Options = DEFAULTS,
) -> Result:
    """Judges every row of the audience. Raises `BadData` with every problem of the files, before anything is written.

    pseudonym: how a person is called in numbers, errors and examples. out: decisions as Parquet.
    lists: a folder for one CSV per final channel and one of those not sent to.
    """
    check_places(out, lists)
    with Workbench(options) as bench:
        progress("reading")
        data = read_data(bench.connection, sources, vocabulary or Vocabulary(), ruleset.attributes)
        progress("judging")
        plan, assumed = judge(bench.connection, ruleset, campaign, data, now)
        progress("counting")
        found = outcomes(bench.connection, plan)
        numbers = count(bench.connection, plan, data, found, pseudonym, options.examples, assumed)
        lacks = preflight(bench.connection, ruleset, campaign, data)
        progress("verifying")
        verified = verify(bench.connection, plan, data, found, now, pseudonym, options.sample)
        progress("writing")
        if out is not None:
            write_decisions(bench.connection, plan, found, out)
        if lists is not None:
            write_lists(bench.connection, plan, found, lists)
        return Result(numbers, lacks, data.warnings, verified)


class Workbench:
    """A DuckDB of its own for one run, with a folder to spill into that is gone afterwards."""

    def __init__(self, options: Options) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="policykit-"))
        self.limit = options.memory_limit or _DEFAULT_MEMORY
        settings: dict[str, str | int | bool] = {
            "memory_limit": self.limit,
            "temp_directory": str(self.folder),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        }
        if options.threads is not None:
            settings["threads"] = min(options.threads, _MOST_THREADS)
        self.connection = duckdb.connect(":memory:", config=settings)
        self.connection.execute("SET enable_progress_bar = false")

    def __enter__(self) -> Workbench:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if isinstance(error, duckdb.OutOfMemoryException):
            raise UsageError(f"`{self.limit}` of memory is too little", "give more by `--memory-limit`") from error
        if isinstance(error, RuntimeError) and "interrupted" in str(error).lower():
            raise KeyboardInterrupt from error  # how DuckDB tells of one while it works


# --- judging ----------------------------------------------------------------------------------------


def judge(
    connection: duckdb.DuckDBPyConnection, ruleset: RuleSet, campaign: Campaign, data: Data, now: Micros
) -> tuple[Plan, tuple[str, ...]]:
    """Makes the view `decided` (see `decided.py`); gives the plan its masks follow, and the facts of `assumed`."""
    first = _narrowed(data)
    if data.repeated == 0:
        plan, staging = planned_for(ruleset, campaign, first, now)
        _view(connection, plan, [_turn(connection, plan, staging, 1)])
        return plan, tuple(staging.assumed)
    return _judge_in_turns(connection, ruleset, campaign, data, first, now)


def _judge_in_turns(
    connection: duckdb.DuckDBPyConnection, ruleset: RuleSet, campaign: Campaign, data: Data, first: Data, now: Micros
) -> tuple[Plan, tuple[str, ...]]:
    """People with several rows: first rows with everybody's, then each further row knowing the earlier ones (M7)."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE earlier (person {data.key_type}, instant BIGINT, channel VARCHAR, "
        "message_class VARCHAR, campaign VARCHAR)"
    )
    later = _about_repeated(data)
    parts: list[Part] = []
    plan = None
    for turn in range(1, data.most + 1):
        people = first.people if turn == 1 else later.people
        test = (
            "row NOT IN (SELECT row FROM repeated_rows WHERE turn > 1)"
            if turn == 1
            else f"row IN (SELECT row FROM repeated_rows WHERE turn = {turn})"
        )
        here = first if turn == 1 else later
        here = replace(
            here, tables={**here.tables, "people": replace(people, sql=f"(SELECT * FROM {people.sql} WHERE {test})")}
        )
        plan, staging = planned_for(ruleset, campaign, here, now)
        parts.append(_turn(connection, plan, staging, turn))
        _view(connection, plan, parts)
        if turn < data.most:
            _remember(connection, plan, parts[-1])
        assumed = tuple(staging.assumed)
    assert plan is not None
    return plan, assumed


def _remember(connection: duckdb.DuckDBPyConnection, plan: Plan, part: Part) -> None:
    """Adds what the last turn sent to people who have more rows to the sends that count."""
    campaign = plan.campaign
    channel = " ".join(f"WHEN {k} THEN ?" for k in range(len(plan.channels))) or "WHEN NULL THEN NULL"
    connection.execute(
        f"INSERT INTO earlier SELECT key, instant, CASE final {channel} END, ?, ? FROM ({_part(plan, part)}) "
        "WHERE verdict <> 2 AND key IN (SELECT key FROM repeated_people)",
        [*plan.channels, campaign.message_class, campaign.id],
    )


def planned_for(ruleset: RuleSet, campaign: Campaign, data: Data, now: Micros) -> tuple[Plan, Staging]:
    """The plan, and a staging that knows what can fold away only because of these files."""
    probe = Staging(ruleset, campaign, data, now)
    plan = make_plan(ruleset, campaign, probe.constant)
    staging = Staging(ruleset, campaign, data, now, uses=plan.uses, moves=plan.can_move, blends=plan.can_blend)
    staging.assumed |= probe.assumed
    return plan, staging


def _turn(connection: duckdb.DuckDBPyConnection, plan: Plan, staging: Staging, turn: int) -> Part:
    """Judges the people of `staging`."""
    styles = styles_of(plan, staging)
    stage_leaves(plan, staging, styles)
    staging.prepare(connection)
    scan = make_scan(plan, staging, styles, earlier=turn > 1)
    scanned, lessened = f"scanned_{turn}", f"lessened_{turn}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {scanned} AS {scan.sql}")
    staging.clock.make(connection)
    rounds = Rounds(plan, staging, scan, styles, earlier=turn > 1)
    return scan, scanned, lessened if rounds.run(connection, scanned, lessened) else None


def styles_of(plan: Plan, staging: Staging) -> dict[Variant, Expr]:
    """The style of each variant (M12), as far as it is not the same for everybody."""
    ruleset, campaign = plan.ruleset, plan.campaign
    purpose = send_purpose(ruleset, campaign)
    styles: dict[Variant, Expr] = {}
    for k, generic in plan.variants:
        prepared = campaign.prepared[k]
        variant = prepared.generic if generic else prepared.content
        known = send_constants(ruleset, campaign, prepared, generic)
        tree = unroll(
            spell_out_style(Fact("send.style", Type.STRING)),
            variant.uses if variant else (),
            ruleset.attributes,
            purpose,
        )
        tree = fold(tree, known)
        constants = {leaf: value for leaf in leaves_of(tree) if (value := staging.constant(leaf, k)) is not None}
        styles[k, generic] = fold(tree, constants)  # type: ignore[arg-type]  # leaves are trees
    return styles


def _view(connection: duckdb.DuckDBPyConnection, plan: Plan, parts: list[Part]) -> None:
    union = " UNION ALL ".join(_part(plan, part) for part in parts)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW decided AS {union}")


def _part(plan: Plan, part: Part) -> str:
    scan, scanned, lessened = part
    plain = decided.unlessened(plan, scan, scanned)
    return f"{plain} UNION ALL SELECT {', '.join(decided.columns(plan))} FROM {lessened}" if lessened else plain


def _narrowed(data: Data) -> Data:
    """Ledgers much larger than the audience, narrowed to it."""
    keys = f"(SELECT key FROM {data.people.sql})"
    tables: Mapping[str, Table] = {
        name: replace(table, sql=f"(SELECT * FROM {table.sql} WHERE person IN {keys})")
        if name != "people" and table.rows > _SMALL_LEDGER * data.people.rows else table
        for name, table in data.tables.items()
    }  # fmt: skip
    return replace(data, tables=tables)


def _about_repeated(data: Data) -> Data:
    tables = {
        name: table
        if name == "people"
        else replace(table, sql=f"(SELECT * FROM {table.sql} WHERE person IN (SELECT key FROM repeated_people))")
        for name, table in data.tables.items()
    }
    return replace(data, tables=tables)
