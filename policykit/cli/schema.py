from __future__ import annotations

from pathlib import Path

import click

from policykit.assemble import reference
from policykit.cli.options import Taught, print_json, workspace_option

_EXAMPLES = """\
  policykit schema > policykit.schema.json
  then begin each policy file with
  # yaml-language-server: $schema=../policykit.schema.json"""


@click.command(cls=Taught, examples=_EXAMPLES)
@workspace_option
def schema(workspace: Path | None) -> None:
    """Print the JSON Schema of policy files, so that an editor completes and checks as you type.

    It is made from the same tables as `policykit check`, plugins and the workspace's own facts included.
    """
    print_json(reference.json_schema(workspace))
