from __future__ import annotations

import sys
from pathlib import Path

import click

from policykit.assemble import importing
from policykit.cli.options import Taught, json_option, print_json, workspace_option
from policykit.cli.progress import progress_shown
from policykit.errors import UsageError
from policykit.reports import problems as rendering
from policykit.vocabulary import RELATIONS

_NAMES = tuple(relation.name for relation in RELATIONS)
_EXAMPLES = """\
  policykit import people data/people.csv --columns recipient.id=customer_no
  policykit import consents data/consents.csv       each event once, however often it is imported
  policykit import addresses data/addresses.csv     a person's address by a channel replaces the one before
  policykit import history data/history.parquet     what was sent before policykit was there

`policykit facts --columns` lists the columns. What a cell says and nobody can read counts as unknown, and
is told. Ends with 2 when the file has mistakes, all of them told at once; then nothing was written."""


@click.command("import", cls=Taught, examples=_EXAMPLES)
@click.argument("relation", metavar="RELATION", type=click.Choice(_NAMES))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--columns", metavar="NAME=HEADER", multiple=True,
              help="Read a column from one of another name in the file; may be given several times.")  # fmt: skip
@workspace_option
@json_option
def import_(relation: str, file: Path, columns: tuple[str, ...], workspace: Path | None, as_json: bool) -> None:
    """Put a data file (CSV, JSONL or Parquet) into the store that live sends are judged by.

    RELATION is people, addresses, consents, history, attributes or feedback.

    People, addresses and attributes replace what is there under the same key; consents and history are added,
    each once. Says how many rows were new and how many were known.
    """
    with progress_shown(sys.stderr.isatty()) as step:
        done = importing.import_file(workspace, relation, file, dict(map(_mapped, columns)), step)
    for warning in done.warnings:
        click.echo(str(warning), err=True)
    if as_json:
        print_json({
            "relation": done.relation, "rows": done.rows, "new": done.new, "known": done.known,
            "left_out": done.left_out, "warnings": [rendering.as_dict(warning) for warning in done.warnings],
        })  # fmt: skip
    else:
        click.echo(f"{relation}: {done.rows:,} rows, {done.new:,} new or changed, {done.known:,} known already")


def _mapped(text: str) -> tuple[str, str]:
    name, sign, header = text.partition("=")
    if not (sign and name and header):
        raise UsageError(f"`--columns {text}` maps nothing", "write e.g. `--columns recipient.id=customer_no`")
    return name, header
