from __future__ import annotations

import os
from pathlib import Path

import click

from policykit.cli.options import Taught, workspace_option
from policykit.enforce.run import run as run_guarded

_EXAMPLES = """\
  policykit run -- python app.py               every send of app.py is judged, without a line changed
  policykit run --mode audit -- gunicorn shop  judged and recorded, nothing stopped
  policykit run -w acme -- celery -A shop worker

Reaches every Python that the program starts in the same environment, but not one told to ignore it
(`python -I`, `-E`, `-S`). Ends with the program's own exit code; with 2 or 3 before it begins when nothing
can be guarded."""


@click.command(cls=Taught, examples=_EXAMPLES, context_settings={"allow_interspersed_args": False})
@click.argument("words", metavar="-- PROGRAM [ARGUMENTS]", nargs=-1, type=click.UNPROCESSED)
@click.option("--mode", type=click.Choice(("off", "audit", "enforce")), help="In place of the workspace's own.")
@workspace_option
def run(words: tuple[str, ...], mode: str | None, workspace: Path | None) -> int:
    """Start a program that never heard of policykit, with its sends guarded.

    Needs policykit and the adapters installed beside the program.
    """
    return run_guarded(words, os.environ, workspace, mode)
