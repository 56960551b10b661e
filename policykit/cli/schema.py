from __future__ import annotations

from pathlib import Path

import click

from policykit.assemble import reference
from policykit.cli.options import Taught, print_json, workspace_option

_EXAMPLES = """\
  policykit schema > policykit.schema.json
  then begin each policy file with
  # yaml-language-server: $schema=../policykit.schema.json
  policykit schema cases > cases.schema.json        the same for the cases beside them"""


@click.command(cls=Taught, examples=_EXAMPLES)
@click.argument("of", type=click.Choice(["policies", "cases"]), default="policies", metavar="[policies|cases]")
@workspace_option
def schema(of: str, workspace: Path | None) -> None:
    """Print the JSON Schema of policy or case files, so that an editor completes and checks as you type.

    It is made from the same tables as `policykit check`, plugins and the workspace's own facts included.
    """
    print_json(reference.json_schema_of_cases() if of == "cases" else reference.json_schema(workspace))
