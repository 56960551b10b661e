from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from policykit.assemble import disclose as disclosing
from policykit.cli.options import Taught, json_option, print_json, store_option, workspace_option
from policykit.errors import UsageError
from policykit.reports import disclosure as words
from policykit.reports import disclosure_html, disclosure_markdown

_F = TypeVar("_F", bound=Callable[..., Any])
_EXAMPLES = """\
  policykit disclose                              what is remembered about people, as Markdown
  policykit disclose --html privacy.html          the same as a page to publish
  policykit disclose --person p000042             what the data files hold about one person; confidential
  policykit disclose --person p000042 --store --html p000042.html  what the live store holds, decisions included"""

_RELATIONS = ("audience", "consents", "history", "addresses", "attributes", "feedback")


def _files_options(function: _F) -> _F:
    for name in reversed(_RELATIONS):
        says = f"{name.capitalize()} of the person, instead of the workspace's own."
        function = click.option(f"--{name}", metavar="FILE", type=click.Path(path_type=Path), help=says)(function)
    return function


@click.command(cls=Taught, examples=_EXAMPLES)
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write a web page, all in one file.")
@click.option("--person", metavar="ID", help="Also what is held about this person, values included.")
@_files_options
@store_option
@workspace_option
@json_option
def disclose(html: Path | None, person: str | None, store: bool, workspace: Path | None, as_json: bool,
             **relations: Path | None) -> None:  # fmt: skip
    """Tell people what is remembered about them, from the registry that the policies use.

    Where it comes from, what for, how long, who holds it, which programs ask for it and what they give, which
    campaigns use it and how, what guards it, and how to leave.
    """
    files = {name: path for name, path in relations.items() if path}
    if person is None and (store or files):
        raise UsageError("`--store` and files are for one person", "name the person: `--person ID`")
    if store and files:
        raise UsageError("`--store` and files cannot be had together", "ask twice, once of each")
    statement = disclosing.disclose(workspace, person, files, store=store)
    for each in statement.untold():
        print(f"warning: no sentence discloses `{each.id}`; until `disclosed_as:` is written no campaign may use it",
              file=sys.stderr)  # fmt: skip
    if html is not None:
        _write(html, disclosure_html.as_html(statement), confidential=person is not None)
        click.echo(f"wrote `{html}`" + ("; it is confidential: give it to the person alone" if person else ""))
    elif as_json:
        print_json(words.as_json(statement))
    else:
        click.echo(disclosure_markdown.as_markdown(statement))


def _write(path: Path, text: str, *, confidential: bool) -> None:
    """The file whole or not at all; a page about one person is for its owner's eyes only."""
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder `{path.parent}`", "make it first")
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if confidential else 0o666)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
