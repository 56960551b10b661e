from __future__ import annotations

from pathlib import Path

import click

from policykit.assemble import scan as scanning
from policykit.cli.options import Taught, json_option, print_json, workspace_option
from policykit.reports import proposals as rendering

_EXAMPLES = """\
  policykit scan data/people.csv                    columns that look personal and are not registered
  policykit scan templates/*.html payload.json      merge fields of templates, slots of a provider's payload
  policykit scan export.parquet >> policies/registry.yaml  the entries; check refuses them until you fill them in

Exit codes: 0 nothing unregistered looks surely personal, 1 something does, 2 a file cannot be read."""


@click.command(cls=Taught, examples=_EXAMPLES)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@workspace_option
@json_option
def scan(files: tuple[Path, ...], workspace: Path | None, as_json: bool) -> int:
    """Propose registry entries for what looks personal in data files, templates, manifests and payloads.

    Names are read in many languages and a sample of the values is checked; no value is ever printed. Each
    entry says how sure it is and why.
    """
    scanned = scanning.scan(workspace, files)
    if as_json:
        print_json(rendering.as_json(scanned))
    else:
        click.echo(rendering.as_text(scanned))
    return 1 if any(proposal.confidence == "high" for proposal in scanned.proposals) else 0
