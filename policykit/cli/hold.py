from __future__ import annotations

from pathlib import Path

import click

from policykit.assemble import decisions as log
from policykit.cli.options import Taught, json_option, print_json, workspace_option
from policykit.errors import UsageError

_EXAMPLES = """\
  policykit hold basket --because "the price in the text is wrong"
  policykit hold                               what is on hold, and why
  policykit release basket                     lets it go on"""


@click.command(cls=Taught, examples=_EXAMPLES)
@click.argument("campaign", required=False)
@click.option("--because", metavar="TEXT", help="Why; told with every refusal.")
@workspace_option
@json_option
def hold(campaign: str | None, because: str | None, workspace: Path | None, as_json: bool) -> None:
    """Stop a campaign's marketing sends at the next one, in every process that shares the store.

    Works while policies are not valid. Without CAMPAIGN it lists what is on hold. Ends with 2 when there is no
    such campaign.
    """
    if campaign is not None:
        if because is None:
            raise UsageError("`--because` is missing", "say why in a few words: it is told with every refusal")
        before = log.hold(workspace, campaign, because)
        if as_json:
            print_json({"campaign": campaign, "because": because.strip(), "before": before})
        else:
            again = f" (before: {before})" if before is not None else ""
            click.echo(f"`{campaign}` is on hold from its next send on{again}; `policykit release {campaign}` ends it")
        return
    found = log.holds(workspace)
    if as_json:
        print_json(dict(found))
    else:
        click.echo("\n".join(f"{name}: {why}" for name, why in sorted(found.items())) or "nothing is on hold")
