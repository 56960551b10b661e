from __future__ import annotations

from pathlib import Path

import click

from policykit.assemble import forgetting
from policykit.cli.options import Taught, json_option, print_json, workspace_option
from policykit.reports import forgetting as rendering

_EXAMPLES = """\
  policykit retain --dry-run                   what is past its keep
  policykit retain                             drops it; run it every night
  policykit retain --unknown drop              also values of which nobody knows since when they are there

`keep: 12 months` of an attribute in the registry says how long its values stay after `collected_at`; `keep:
{history: 24 months}` in policykit.yaml says so of sends, of which those that policies still read always stay.
At the end the store's file is written anew, see `policykit forget --help`: run it when little is sent."""


@click.command(cls=Taught, examples=_EXAMPLES, short_help="Drop what was kept as long as promised.")
@click.option("--dry-run", "dry", is_flag=True, help="Say what would go; nothing is changed.")
@click.option("--unknown", type=click.Choice(("keep", "drop")), default="keep", show_default=True,
              help="What becomes of values without `collected_at`.")  # fmt: skip
@workspace_option
@json_option
def retain(dry: bool, unknown: forgetting.Unknown, workspace: Path | None, as_json: bool) -> int:
    """Drop values past the `keep` of their attribute, and sends past the workspace's; says how many of each.

    Consents and decisions stay: they are the proof. Ends with 1 when what was dropped may still lie in the file,
    because others had it open.
    """
    done = forgetting.retain(workspace, unknown, dry=dry)
    if as_json:
        print_json({
            "dry_run": dry, "past": dict(sorted(done.past.items())), "history": done.history,
            "unknown": dict(sorted(done.unknown.items())), "unknown_dropped": done.unknown_goes,
            "unreadable": done.unreadable,
        })  # fmt: skip
    else:
        click.echo(rendering.retained(done.past, done.history, dry=dry))
    if done.unknown:
        click.echo(rendering.unknown_age(done.unknown, goes=done.unknown_goes, dry=dry), err=True)
    if not done.unreadable:
        click.echo(rendering.STILL_THERE, err=True)
    return 0 if done.unreadable else 1
