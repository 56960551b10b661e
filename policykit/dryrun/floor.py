"""The floor of a dry run: every fact of every prepared channel joined and written, and nothing judged.

What the benchmark compares a dry run with; also a way to look at the facts themselves.
"""

from __future__ import annotations

from pathlib import Path

from policykit.dryrun.relations import read_data
from policykit.dryrun.run import DEFAULTS, Options, Workbench, planned_for, styles_of
from policykit.dryrun.scan import stage_leaves, staged
from policykit.dryrun.sources import Sources, quoted
from policykit.ir.rules import RuleSet
from policykit.model import Campaign, Micros
from policykit.vocabulary import Vocabulary


def write_facts(
    ruleset: RuleSet, campaign: Campaign, sources: Sources, now: Micros, out: Path, *,
    vocabulary: Vocabulary | None = None, options: Options = DEFAULTS,
) -> None:  # fmt: skip
    """One row per person to `out`, as Parquet: row, id, key, start, and the staged facts."""
    with Workbench(options) as bench:
        data = read_data(bench.connection, sources, vocabulary or Vocabulary())
        plan, staging = planned_for(ruleset, campaign, data, now)
        stage_leaves(plan, staging, styles_of(plan, staging))
        staging.prepare(bench.connection)
        bench.connection.execute(f"COPY ({staged(plan, staging)}) TO {quoted(str(out))} (FORMAT parquet)")
