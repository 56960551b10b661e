from __future__ import annotations

from pathlib import Path

import click

from policykit.assemble import check as checking
from policykit.cli.options import Taught, workspace_option
from policykit.reports import problems as rendering

_EXAMPLES = """\
  policykit check                          every mistake at once, each with a way out
  policykit check --campaign basket        also whether its data has the facts that policies need
  policykit check --format github          as annotations in a pull request
  policykit check --explain lint.shadowed  why a code is told, what is better, how to silence it"""


@click.command(cls=Taught, examples=_EXAMPLES)
@click.option("--campaign", metavar="C", help="Also look at this campaign's data: which facts would be unknown to all.")
@click.option("--format", "form", type=click.Choice(tuple(rendering.FORMATS)), default="text", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--explain", "code", metavar="CODE", help="Tell why a warning of this code is given; nothing is checked.")
@workspace_option
def check(campaign: str | None, form: str, as_json: bool, code: str | None, workspace: Path | None) -> int:
    """Find every mistake in policies, registry, cases and campaigns, in one run.

    Ends with 3 when something is wrong; warnings alone end with 0. Nothing is judged and nothing is written.
    """
    if code is not None:
        click.echo(checking.explained(code), nl=False)
        return 0
    problems = checking.check(workspace, campaign)
    text = rendering.FORMATS["json" if as_json else form](problems)
    if text:
        click.echo(text)
    return 3 if any(problem.severity == "error" for problem in problems) else 0
