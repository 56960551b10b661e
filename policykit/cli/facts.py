from __future__ import annotations

from pathlib import Path

import click

from policykit.assemble import reference
from policykit.cli.options import Taught, json_option, print_json, workspace_option
from policykit.errors import UsageError
from policykit.reports import reference as rendering

_EXAMPLES = """\
  policykit facts                  every fact a policy may name
  policykit facts recipient        what may be known about a person
  policykit facts --columns        the columns of people, addresses, consents, history, attributes"""


@click.command(cls=Taught, examples=_EXAMPLES)
@click.argument("prefix", default="")
@click.option("--columns", is_flag=True, help="List the columns of data files instead.")
@workspace_option
@json_option
def facts(prefix: str, columns: bool, workspace: Path | None, as_json: bool) -> None:
    """List the facts a policy may name, with type, meaning, and what it means that nobody says.

    Facts that a workspace or a plugin adds are listed too.
    """
    words = reference.vocabulary(workspace)
    if columns:
        added = reference.added_facts(words)
        if as_json:
            print_json(rendering.columns_as_json(added))
        else:
            click.echo(rendering.columns_as_text(added))
        return
    found = [words.facts[path] for path in words.paths(prefix)]
    if not found:
        raise UsageError(f"no fact begins with `{prefix}`", "`policykit facts` lists them all")
    if as_json:
        print_json(rendering.facts_as_json(found))
    else:
        click.echo(rendering.facts_as_text(found))
