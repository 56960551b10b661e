from __future__ import annotations

import json
from pathlib import Path

import click

from policykit.assemble import decisions as log
from policykit.cli.options import Taught, TaughtGroup, json_option, print_json, workspace_option
from policykit.reports import decisions as rendering
from policykit.reports.words import count

_EXAMPLES = """\
  policykit decisions tail                     the latest decisions
  policykit decisions tail --follow            and each as it is made
  policykit decisions show pk-1c9e...          one of them, whole
  policykit decisions verify                   whether a line was changed, removed or put in
  policykit decisions export log.csv           all of them, for an auditor

People are called by pseudonyms, as in every report; no address and no text of a message is in the log."""


@click.group("decisions", cls=TaughtGroup, examples=_EXAMPLES)
def decisions() -> None:
    """Read and check the log of what was decided of live sends."""


@decisions.command("tail", cls=Taught, examples="  policykit decisions tail -n 50\n  policykit decisions tail --json")
@click.option("-n", "most", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many.")
@click.option("--follow", "-f", is_flag=True, help="Go on with each decision as it is made; Ctrl-C ends it.")
@workspace_option
@json_option
def tail(most: int, follow: bool, workspace: Path | None, as_json: bool) -> None:
    """Show the latest decisions, one per line, oldest first.

    With --follow and --json each decision is a line of JSON.
    """
    if not follow:
        found = log.tail(workspace, most)
        if as_json:
            print_json([rendering.as_json(line) for line in found])
        else:
            click.echo("\n".join(map(rendering.in_one_line, found)) or "nothing was decided yet")
        return
    for line in log.follow(workspace, most):
        click.echo(json.dumps(rendering.as_json(line)) if as_json else rendering.in_one_line(line))


@decisions.command(
    "show",
    cls=Taught,
    short_help="Show one decision whole.",
    examples="  policykit decisions show pk-1c9e04d2a7b35f60c8e1",
)
@click.argument("decision", metavar="ID")
@workspace_option
@json_option
def show(decision: str, workspace: Path | None, as_json: bool) -> None:
    """Show one decision whole: what came, what became of it, which policies decided, and on what.

    The id stands in every refusal, in brackets. Ends with 2 when the log has no such decision.
    """
    line = log.show(workspace, decision)
    if as_json:
        print_json(rendering.as_json(line))
    else:
        click.echo(rendering.as_text(line))


_VERIFY = """\
  policykit decisions verify
  policykit decisions verify --head 9f2c...    a head noted earlier must still be in the log"""


@decisions.command("verify", cls=Taught, short_help="Find what was changed, removed or put in.", examples=_VERIFY)
@click.option("--head", metavar="HASH", help="A head that was printed earlier: finds a log cut off at its end.")
@workspace_option
@json_option
def verify(head: str | None, workspace: Path | None, as_json: bool) -> int:
    """Walk the chains of hashes through the log and the consents; what was changed, removed or put in breaks them.

    What was said of a person who was forgotten is no break: the log accounts for it.
    Prints the head of the chain: note it elsewhere, and a log that was replaced as a whole is found too.
    Ends with 1 when the chain is broken.
    """
    found = log.verify(workspace, head)
    if as_json:
        print_json({"lines": found.verified.lines, "head": found.verified.head, "broken": found.verified.broken,
                    "consents": {"records": found.consents.lines, "broken": found.consents.broken},
                    "head_found": found.noted, "holds": found.holds})  # fmt: skip
    elif found.verified.broken is not None:
        click.echo(f"broken: line {found.verified.broken:,} of the log is not what was written")
    elif found.noted is False:
        click.echo(f"broken: the head `{head}` is not in the log; lines at its end were removed, or all was replaced")
    else:
        head = f"; head {found.verified.head}" if found.verified.head else ""
        click.echo(f"{count(found.verified.lines, 'decision')}, none changed or removed{head}")
    if not as_json and found.consents.broken is not None:
        click.echo(f"broken: consent {found.consents.broken:,} of the ledger is not what was written, or people are "
                   "judged by others")  # fmt: skip
    elif not as_json and found.consents.lines:
        click.echo(f"{count(found.consents.lines, 'consent')}, none changed or removed")
    return 0 if found.holds else 1


@decisions.command("export", cls=Taught, examples="  policykit decisions export decisions.jsonl\n"
                   "  policykit decisions export decisions.csv")  # fmt: skip
@click.argument("file", type=click.Path(path_type=Path))
@workspace_option
def export(file: Path, workspace: Path | None) -> None:
    """Write the whole log into FILE, as JSON lines or CSV by its ending.

    JSON lines hold each decision as it was hashed, so that the chain can be checked elsewhere: the SHA-256 of nonce
    and line is the digest, that of the previous hash and the digest is the hash. Where a person was forgotten only
    the digest is left.
    """
    count = log.export(workspace, file)
    click.echo(f"wrote {count:,} decisions to `{file}`")
