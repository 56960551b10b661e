from __future__ import annotations

import sys
from pathlib import Path

import click

from policykit.assemble import one_person
from policykit.assemble.dry_run import Wish
from policykit.cli.options import Taught, data_options, json_option, print_json, store_option, workspace_option
from policykit.errors import UsageError
from policykit.reports import explanation as rendering

_EXAMPLES = """\
  policykit explain basket 10231           one person of the campaign's audience
  policykit explain basket 3f9c2a81d0e4    the same, by the pseudonym a report shows
  policykit explain basket 10231 --all     every policy that applied
  policykit explain basket 10231 --store   as the live store knows them
  policykit explain --send send.yaml       any send, written as in a case's `given`; - reads it from a pipe"""


@click.command(cls=Taught, examples=_EXAMPLES)
@click.argument("campaign", required=False)
@click.argument("person", required=False)
@click.option("--send", metavar="FILE", help="Explain the send in this file instead; - is standard input.")
@click.option("--all", "everything", is_flag=True, help="List every policy that applied, met ones too.")
@data_options
@store_option
@workspace_option
@json_option
def explain(
    campaign: str | None, person: str | None, send: str | None, everything: bool, workspace: Path | None,
    as_json: bool, known_at: str | None, send_at: str | None, store: bool, **relations: Path | None,
) -> None:  # fmt: skip
    """Say in at most six lines why one person gets, or does not get, a message, and what would change it."""
    if send is not None and campaign is None:
        text = sys.stdin.buffer.read() if send == "-" else Path(send).read_bytes()
        explained = one_person.explain_send(workspace, text, "standard input" if send == "-" else send)
    elif send is None and campaign and person:
        files = {name: path for name, path in relations.items() if path}
        explained = one_person.explain(workspace, Wish(campaign, files, known_at, send_at, store=store), person)
    else:
        raise UsageError("name a campaign and a person, or give `--send`", "`policykit explain --help` shows examples")
    if as_json:
        print_json(rendering.as_json(explained))
    else:
        click.echo(rendering.as_text(explained, everything=everything))
