from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from policykit.assemble import ingesting
from policykit.assemble import rates as rating
from policykit.assemble.feedback import Received
from policykit.cli.options import Taught, TaughtGroup, json_option, print_json, workspace_option
from policykit.reports import rates as rendering
from policykit.reports.words import count

_EXAMPLES = """\
  policykit feedback ingest webhooks.jsonl     what providers told a webhook while it only wrote it down
  policykit feedback rates                     how people answered the sends of the last 90 days"""
_INGEST = """\
  policykit feedback ingest webhooks.jsonl
  policykit feedback ingest request.http --url https://acme.example/twilio

A line of a .jsonl file is one request, as it came:
  {"headers": {...}, "body": "...", "url": "https://...", "received_at": "2026-03-02T10:00:00Z"}

(`body_base64` for bodies that are no text). A .http file is one request: headers, an empty line, the body.

Ends with 1 when something was refused."""


@click.group("feedback", cls=TaughtGroup, examples=_EXAMPLES)
def feedback() -> None:
    """Take in what people told back, and say how often they do."""


@feedback.command("ingest", cls=Taught, examples=_INGEST)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--provider", metavar="NAME", help="Who signed; else told from the headers.")
@click.option("--url", metavar="URL", help="The address that was called, where the file does not say it.")
@workspace_option
@json_option
def ingest(
    files: tuple[Path, ...], provider: str | None, url: str | None, workspace: Path | None, as_json: bool
) -> int:
    """Receive requests of providers that were kept in files.

    They are believed only if they are signed, as they would be by a webhook; what was received before counts once.
    """
    found = ingesting.ingest(workspace, files, provider, url)
    if as_json:
        print_json([{"file": place.file, "line": place.line, **asdict(received)} for place, received in found])
    else:
        for place, received in found:
            click.echo(f"{place.file}:{place.line}: {_told(received)}")
    return 1 if any(received.refused for _, received in found) else 0


def _told(received: Received) -> str:
    if received.refused:
        return f"refused: {received.refused}"
    lines = [
        f"{event.kind} ({count(event.people, 'person')}): "
        + ("came before" if event.again else ", ".join(event.done) or "noted")
        for event in received.events
    ]
    return f"{received.provider}: {'; '.join(lines) or 'nothing that takes anything away'}"


@feedback.command("rates", cls=Taught, short_help="Show how many complained, unsubscribed or found it too personal.",
                  examples="  policykit feedback rates\n  policykit feedback rates --json")  # fmt: skip
@click.option("--known-at", metavar="INSTANT", help="As it was then; else now.")
@workspace_option
@json_option
def rates(known_at: str | None, workspace: Path | None, as_json: bool) -> None:
    """Show how many complained, unsubscribed or found it too personal, of those who were sent something.

    By campaign, by style, and by the origin of the data that shaped the message, over the last 90 days.
    """
    found = rating.rates(workspace, known_at)
    if as_json:
        print_json(rendering.as_dicts(found))
    else:
        click.echo("\n".join(rendering.in_lines(found)) or "nothing was sent in the last 90 days")
