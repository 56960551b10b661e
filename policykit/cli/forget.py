from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import click

from policykit.assemble import forgetting
from policykit.cli.options import Taught, json_option, print_json, workspace_option
from policykit.errors import UsageError
from policykit.reports import forgetting as rendering

_EXAMPLES = """\
  policykit forget customer-42 --dry-run       what would go
  policykit forget customer-42                 asks, then forgets
  policykit forget customer-42 --yes           for scripts

Forgotten: addresses, values, consents, feedback, sends, sends that wait, and in the log of decisions who they
were about. What stays is a keyed hash of each address, so that an old file brings nobody back to be mailed: also
whoever shares the address is not mailed there any more. Data files, exports and backups are yours to clear.
A send that was on its way meanwhile may be noted afterwards: forget again to take that out, too.
At the end the store's file is written anew, about 15 seconds per gigabyte: sends that cannot wait that long follow
`on_error`, so forget several people at once, when little is sent."""


@click.command(cls=Taught, examples=_EXAMPLES, short_help="Take people out of the store, for good.")
@click.argument("people", metavar="PERSON...", nargs=-1, required=True)
@click.option("--dry-run", "dry", is_flag=True, help="Say what would go; nothing is changed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@workspace_option
@json_option
def forget(people: tuple[str, ...], dry: bool, yes: bool, workspace: Path | None, as_json: bool) -> int:
    """Take people out of the store, for good; the log and the ledger of consents stay verifiable.

    PERSON is an id of the `people` relation. Ends with 2, and nobody is forgotten, when one of them is not known;
    with 1 when what was forgotten may still lie in the file, because others had it open.
    """
    people = tuple(dict.fromkeys(people))
    if not (dry or yes):
        _ask(workspace, people)
    done = forgetting.forget(workspace, people, dry=dry)
    if as_json:
        print_json(
            {"dry_run": dry, **dataclasses.asdict(done.counts), "unreadable": done.unreadable, "obeyed": done.obeyed}
        )
    else:
        click.echo(rendering.forgotten(dataclasses.asdict(done.counts), len(people), dry=dry, obeyed=done.obeyed))
    if done.counts.suppressed and not done.obeyed:
        click.echo(rendering.NOT_OBEYED, err=True)
    if not done.unreadable:
        click.echo(rendering.STILL_THERE, err=True)
    return 0 if done.unreadable else 1


def _ask(workspace: Path | None, people: tuple[str, ...]) -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            "nobody can be asked here whether this is meant", "add `--yes`; `--dry-run` says what would go"
        )
    found = forgetting.forget(workspace, people, dry=True)
    click.echo(rendering.forgotten(dataclasses.asdict(found.counts), len(people), dry=True, obeyed=found.obeyed))
    click.confirm("This cannot be undone. Forget?", abort=True)
