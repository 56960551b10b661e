from __future__ import annotations

from pathlib import Path

import click

from policykit.assemble import workspace
from policykit.cli.options import Taught

_EXAMPLES = """\
  policykit init demo              then: policykit dry-run basket --workspace demo
  policykit init demo --people 500"""


@click.command(cls=Taught, examples=_EXAMPLES)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--people", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True,
              help="How many people to make up.")  # fmt: skip
def init(folder: Path, people: int) -> None:
    """Make a workspace in DIR that works at once: policies with cases, two campaigns, made-up people.

    The people are the same on every machine and belong to nobody. DIR must be new or empty.
    """
    workspace.init(folder, people)
    click.echo(f"made the workspace `{folder}` with {people:,} made-up people; now try")
    click.echo(f"  policykit dry-run basket --workspace {folder}")
    click.echo(f"  policykit test --workspace {folder}")
