from __future__ import annotations

from pathlib import Path

import click

from policykit.assemble import docs as assembling
from policykit.cli.options import Taught, json_option, listing, print_json, terminal_width
from policykit.errors import UsageError

_EXAMPLES = """\
  policykit docs                        the pages there are
  policykit docs your-first-policy      begin here: ten minutes
  policykit docs kinds/frequency        one kind of policy
  policykit docs --write site/          all of them, as Markdown files"""


@click.command(cls=Taught, examples=_EXAMPLES)
@click.argument("page", required=False)
@click.option(
    "--write",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write every page into a folder, those of plugins too.",
)
@json_option
def docs(page: str | None, write: Path | None, as_json: bool) -> None:
    """Read the documentation: how to begin, every kind of policy, every pack."""
    if write is not None:
        _write(write)
    elif page is not None:
        found = assembling.page(page)
        if as_json:
            print_json({"page": found.name, "about": found.about, "text": found.text})
        else:
            click.echo(found.text, nl=False)
    else:
        pages = list(assembling.pages())
        if as_json:
            print_json([{"page": each.name, "about": each.about} for each in pages])
            return
        click.echo(listing(((each.name, each.about) for each in pages), terminal_width()))
        click.echo("\n`policykit docs your-first-policy` is where to begin")


def _write(folder: Path) -> None:
    files = assembling.as_files(list(assembling.pages()))
    try:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write into `{folder}`: {error.strerror}", "name a folder you may write to") from error
    click.echo(f"wrote {len(files)} pages into `{folder}`")
