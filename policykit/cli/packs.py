from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from policykit.assemble import packs as assembling
from policykit.assemble import packs_add as adding
from policykit.cli.options import Taught, TaughtGroup, json_option, print_json, print_rich, workspace_option
from policykit.reports import packs as rendering

_EXAMPLES = """\
  policykit packs list                     what there is: stories, and laws by country
  policykit packs show ca-casl-implied     one of them in words, with every case it was tried on
  policykit packs add us-tcpa-hours        copies it, with its cases, into this workspace"""


@click.group(cls=TaughtGroup, examples=_EXAMPLES)
def packs() -> None:
    """Read ready-made policies, and copy them into a workspace."""


@packs.command("list", cls=Taught, examples=_EXAMPLES, short_help="List the packs there are, and their status.")
@workspace_option
@json_option
def list_(workspace: Path | None, as_json: bool) -> None:
    """List the packs there are: stories by family, laws by country, with status and version."""
    lines, problems = assembling.pack_lines(workspace)
    if as_json:
        print_json(rendering.lines_as_json(lines))
        return
    _print(lambda console: rendering.print_lines(lines, console))
    for problem in problems:
        click.echo(str(problem), err=True)


@packs.command(cls=Taught, examples=_EXAMPLES, short_help="Show one as text, with every case it was tried on.")
@click.argument("pack")
@click.option("--markdown", is_flag=True, help="Print Markdown instead of text.")
@json_option
def show(pack: str, markdown: bool, as_json: bool) -> None:
    """Show one pack as a page that somebody who knows the law can read, with every case it was tried on."""
    page = assembling.page(pack)
    if as_json:
        print_json(rendering.as_json(page))
    elif markdown:
        click.echo(rendering.page_as_markdown(page), nl=False)
    else:
        _print(lambda console: rendering.print_page(page, console))


@packs.command(cls=Taught, examples=_EXAMPLES, short_help="Copy packs with their cases into the workspace.")
@click.argument("ids", metavar="PACK...", nargs=-1, required=True)
@click.option(
    "--to", metavar="DIR", help="Folder of the workspace to copy into; else the first it reads policies from."
)
@workspace_option
@json_option
def add(ids: tuple[str, ...], to: str | None, workspace: Path | None, as_json: bool) -> None:
    """Copy packs with their cases into the workspace: all of them, or none.

    A file that somebody edited is never overwritten; an older copy that nobody edited is brought up to date.
    """
    added = adding.add(workspace, ids, to)
    if as_json:
        print_json({"files": added.files, "registered": added.words, "kept": added.kept})
        return
    for name in added.kept:
        click.echo(f"`{name}` is here already, as it is installed")
    for file in added.files:
        click.echo(f"wrote {file}")
    for kind, names in added.words.items():
        click.echo(f"registered {kind} that the cases speak of: {', '.join(names)}")
    if added.files:
        click.echo("next: `policykit test` runs the cases, `policykit dry-run CAMPAIGN` says what changes")


def _print(write: Callable[[Console], None]) -> None:
    """As wide as the terminal, and no wider than one reads; 100 columns in a pipe."""
    found = Console(highlight=False)
    print_rich(Console(highlight=False, width=min(found.width, 120) if found.is_terminal else 100), write)
