from __future__ import annotations

from pathlib import Path

import click

from policykit.assemble import decisions as log
from policykit.cli.options import Taught, workspace_option

_EXAMPLES = """\
  policykit release basket                     its sends are judged by the policies again
  policykit hold                               what is on hold, and why"""


@click.command(cls=Taught, examples=_EXAMPLES)
@click.argument("campaign")
@workspace_option
def release(campaign: str, workspace: Path | None) -> None:
    """Let a campaign that is on hold go on.

    Ends with 2 when it is not on hold. What was refused meanwhile is not sent again.
    """
    log.release(workspace, campaign)
    click.echo(f"`{campaign}` goes on: its sends are judged by the policies again")
