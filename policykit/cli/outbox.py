from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from policykit.assemble import outbox as sends
from policykit.cli.options import Taught, TaughtGroup, json_option, print_json, workspace_option

_EXAMPLES = """\
  policykit outbox list                        what waits, soonest first
  policykit outbox run                         deliver what is due, and end
  policykit outbox run --watch                 go on as sends become due

A policy that lets a send wait puts it here where its provider has no schedule of its own that fits.
Each is judged again as it leaves."""


@click.group("outbox", cls=TaughtGroup, examples=_EXAMPLES)
def outbox() -> None:
    """Deliver sends that were put off."""


@outbox.command("list", cls=Taught, short_help="List the sends that wait.", examples="  policykit outbox list --json")
@workspace_option
@json_option
def list_(workspace: Path | None, as_json: bool) -> None:
    """List the sends that wait, soonest first: when, by which provider, for which campaign."""
    found = sends.waiting(workspace)
    if as_json:
        print_json([
            {"decision": each.decision, "due": _moment(each.due).isoformat(), "provider": each.provider,
             "campaign": each.campaign, "attempts": each.attempts} for each in found
        ])  # fmt: skip
        return
    for each in found:
        tried = f", tried {each.attempts} times" if each.attempts else ""
        due = _moment(each.due).strftime("%Y-%m-%d %H:%M:%S")
        click.echo(f"{due} UTC  {each.provider:<10} {each.campaign or '-':<12} {each.decision}{tried}")
    if not found:
        click.echo("nothing waits")


@outbox.command("run", cls=Taught, examples="  policykit outbox run\n  policykit outbox run --watch --every 30")
@click.option("--once/--watch", default=True, show_default=True, help="Deliver what is due and end, or go on.")
@click.option("--every", metavar="SECONDS", type=click.FloatRange(0.1, 3600), default=5.0, show_default=True,
              help="How often to look, with --watch.")  # fmt: skip
@workspace_option
@json_option
def run(once: bool, every: float, workspace: Path | None, as_json: bool) -> None:
    """Deliver the sends whose time has come, each judged again first.

    Credentials come from the environment, under the names in `policykit.yaml`. Several may run at once: each
    send is taken by one. What cannot be delivered is tried again later; ends with 2 when the store cannot be reached.
    """
    runs = iter([sends.run(workspace)]) if once else sends.watch(workspace, every)
    for done in runs:
        if as_json:
            print_json({"sent": done.sent, "refused": done.refused, "again": done.again})
        else:
            click.echo(f"{done.sent:,} sent, {done.refused:,} refused, {done.again:,} put off again")


def _moment(at: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
