from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from policykit.adapters.base import Adapter
from policykit.adapters.wire import OutgoingRequest
from policykit.assemble.loopback import throwaway_store
from policykit.assemble.moment import instant
from policykit.assemble.trial import Trial
from policykit.cli.options import Taught, workspace_option
from policykit.cli.progress import progress_shown
from policykit.enforce.run import guarded, program_of
from policykit.enforce.run import run as run_guarded
from policykit.errors import UnreadableSend, UsageError
from policykit.model import Micros
from policykit.reports.words import channel_name, count
from policykit.testing.double import Double, Received

_EXAMPLES = """\
  policykit run -- python app.py               every send of app.py is judged, without a line changed
  policykit run --mode audit -- gunicorn shop  judged and recorded, nothing stopped
  policykit run -w acme -- celery -A shop worker
  policykit run --loopback -- python app.py    try it: nothing leaves this machine, nothing is remembered

Reaches every Python that the program starts in the same environment, but not one told to ignore it
(`python -I`, `-E`, `-S`). Ends with the program's own exit code; with 2 or 3 before it begins when nothing
can be guarded."""


@click.command(cls=Taught, examples=_EXAMPLES, context_settings={"allow_interspersed_args": False})
@click.argument("words", metavar="-- PROGRAM [ARGUMENTS]", nargs=-1, type=click.UNPROCESSED)
@click.option("--mode", type=click.Choice(("off", "audit", "enforce")), help="In place of the workspace's own.")
@click.option(
    "--loopback", is_flag=True, help="Sends go to a server on this machine; the store is a copy, thrown away."
)
@click.option("--at", metavar="INSTANT", help="With --loopback: judge as if it were then.")
@workspace_option
def run(words: tuple[str, ...], mode: str | None, loopback: bool, at: str | None, workspace: Path | None) -> int:
    """Start a program that never heard of policykit, with its sends guarded.

    Needs policykit and the adapters installed beside the program.
    """
    moment = instant(at, "--at")
    if loopback:
        return _on_loopback(words, mode, moment, workspace)
    if moment is not None:
        raise UsageError(
            "`--at` needs `--loopback`", "a real send leaves now; `policykit dry-run --send-at` asks of later"
        )
    return run_guarded(words, os.environ, workspace, mode)


def _on_loopback(words: tuple[str, ...], mode: str | None, at: Micros | None, workspace: Path | None) -> int:
    """The exit code of the program, after saying what arrived."""
    program = program_of(words, os.environ)
    with ExitStack() as stack:
        with progress_shown(sys.stderr.isatty()) as step:
            store, adapters = stack.enter_context(throwaway_store(workspace, step))
        server = stack.enter_context(Double())
        trial = Trial(server.url, store, at)
        environment = {**guarded(os.environ, workspace, mode), **trial.environment()}
        sys.stdout.flush()
        ended = subprocess.run([program, *words[1:]], env=environment, check=False)  # noqa: S603  # asked for
        _tell(server.requests, adapters)
    return ended.returncode if ended.returncode >= 0 else 128 - ended.returncode


def _tell(received: Iterable[Received], adapters: Mapping[str, Adapter]) -> None:
    """How many messages arrived, by channel and provider; never for whom, or what they said."""
    found = Counter(sent for each in received for sent in _sends(each, adapters))
    click.echo("\nOn the loopback server, in place of the providers:")
    for (channel, provider), number in sorted(found.items()):
        click.echo(f"  {count(number):>6}  {channel_name(channel)} by {provider}")
    if not found:
        click.echo("  nothing arrived")
    click.echo("Nothing left this machine, and the workspace's own store is as it was.")


def _sends(received: Received, adapters: Mapping[str, Adapter]) -> list[tuple[str, str]]:
    request = OutgoingRequest(received.method, f"http://loopback{received.path}", received.headers, received.body)
    for adapter in adapters.values():
        if adapter.claims(request):
            try:
                return [(send.channel, send.provider) for send in adapter.read(request)]
            except UnreadableSend:
                return [("unreadable", adapter.name)]
    return []
