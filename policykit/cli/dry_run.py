from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from policykit.assemble import dry_run as running
from policykit.cli.options import (
    Taught,
    data_options,
    json_option,
    print_json,
    print_rich,
    store_option,
    workspace_option,
)
from policykit.cli.progress import progress_shown
from policykit.reports import summary as rendering
from policykit.reports.terminal import print_summary

_EXAMPLES = """\
  policykit dry-run basket                               a campaign of the workspace, or a path to one
  policykit dry-run basket --out decisions.parquet       one row per message, for your own analysis
  policykit dry-run basket --lists lists                 who may be sent to, per channel, and who not
  policykit dry-run basket --send-at 2026-12-01T10:00Z   had it been planned for then
  policykit dry-run basket --store                       on what live sends are judged by
  policykit dry-run basket --json                        the same numbers for scripts

Ends with 1 when a brake of the campaign is crossed."""


@click.command("dry-run", cls=Taught, examples=_EXAMPLES)
@click.argument("campaign")
@data_options
@store_option
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write every decision here, as Parquet.")
@click.option("--lists", metavar="DIR", type=click.Path(path_type=Path), help="Write who may be sent to, and who not.")
@click.option("--memory-limit", metavar="SIZE", help="Most memory to use, e.g. 1GB; slower when it is tight.")
@click.option("--threads", type=click.IntRange(1, 256), help="Processor threads to use; else all.")
@click.option("--progress/--no-progress", default=None, help="Show progress; else only on a terminal.")
@workspace_option
@json_option
def dry_run(
    campaign: str, workspace: Path | None, as_json: bool, progress: bool | None, known_at: str | None,
    send_at: str | None, store: bool, out: Path | None, lists: Path | None, memory_limit: str | None,
    threads: int | None, **relations: Path | None,
) -> int:  # fmt: skip
    """Judge every person of a campaign's audience before anything is sent.

    Says how many would get the message as planned, how many a gentler one, how many none, and why.
    """
    wish = running.Wish(
        campaign, {name: path for name, path in relations.items() if path}, known_at, send_at, out, lists,
        memory_limit, threads, store,
    )  # fmt: skip
    with progress_shown(sys.stderr.isatty() if progress is None else progress) as step:
        summary = running.dry_run(workspace, wish, step)
    if as_json:
        print_json(rendering.as_json(summary))
    else:
        print_rich(Console(highlight=False), lambda console: print_summary(summary, console))
    return 1 if summary.brake_crossed else 0
