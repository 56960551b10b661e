from __future__ import annotations

from pathlib import Path

import click

from policykit.assemble import cases
from policykit.cli.options import Taught, json_option, print_json, workspace_option
from policykit.reports import cases as rendering

_EXAMPLES = """\
  policykit test                           failing cases, with the facts beneath
  policykit test --require-cases           also fail when a policy lacks a met, breached or unknown case
  policykit test --junit report.xml        for a build server"""


@click.command(cls=Taught, examples=_EXAMPLES)
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path), help="Also write JUnit XML here.")
@click.option("--require-cases", is_flag=True, help="Every policy needs a case met, a case breached and one unknown.")
@workspace_option
@json_option
def test(junit: Path | None, require_cases: bool, workspace: Path | None, as_json: bool) -> int:
    """Run the cases that stand beside the policies, and say which policies lack some.

    A case is about one send, or names a `campaign:` and the totals that its own people must come to
    (`expect: {totals: {allow: 3, downgrade: 1, block: 2}, by: {push-by-invitation: 1}}`), with some
    policies left out (`off:`) if it says so. A failing expectation is shown with the facts beneath it.
    Ends with 4 when a case failed.
    """
    outcomes, coverage = cases.run_cases(workspace)
    if junit:
        junit.write_text(rendering.as_junit(outcomes), encoding="utf-8")
    if as_json:
        print_json(rendering.as_json(outcomes, coverage))
    else:
        click.echo(rendering.as_text(outcomes, coverage))
    lacking = require_cases and any(entry.missing for entry in coverage)
    return 4 if lacking or not all(outcome.passed for outcome in outcomes) else 0
