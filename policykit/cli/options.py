"""What several commands share: options, examples under `--help`, and how they print."""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

_NARROW = 20  # columns: no text is broken into less
_F = TypeVar("_F", bound=Callable[..., Any])


class Taught(click.Command):
    """A command whose help ends with examples, printed as they are written."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(formatter, self.examples)


class TaughtGroup(Taught, click.Group):
    """A command of several words whose help ends with examples."""


def write_examples(formatter: click.HelpFormatter, examples: str) -> None:
    """As they are written; where that is too wide, remarks stand below their commands, and paragraphs are filled."""
    blocks = (_fitted(block.splitlines(), formatter.width) for block in examples.split("\n\n"))
    formatter.write("\nExamples:\n" + "\n\n".join(blocks) + "\n")


_REMARKED = re.compile(r"(  \S.*?) {2,}(\S.*)")


def _fitted(lines: list[str], width: int) -> str:
    if all(len(line) <= width for line in lines):
        return "\n".join(lines)
    if not any(line.startswith("  ") for line in lines):
        return textwrap.fill(" ".join(lines), width)
    return "\n".join(_below(line, width) for line in lines)


def _below(line: str, width: int) -> str:
    found = _REMARKED.fullmatch(line)
    indent = " " * 6
    return (
        f"{found[1]}\n{textwrap.fill(found[2], width, initial_indent=indent, subsequent_indent=indent)}"
        if found
        else line
    )


def workspace_option(function: _F) -> _F:
    return click.option(
        "--workspace", "-w", type=click.Path(path_type=Path), envvar="POLICYKIT_WORKSPACE", show_envvar=True,
        help="Folder with policykit.yaml; else the nearest one here or above.",
    )(function)  # fmt: skip


def json_option(function: _F) -> _F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(function)


def store_option(function: _F) -> _F:
    return click.option(
        "--store", is_flag=True, help="Take consents, history, addresses, attributes and feedback from the live store."
    )(function)


_RELATIONS = ("audience", "consents", "history", "addresses", "attributes", "feedback")


def data_options(function: _F) -> _F:
    """What a campaign is judged on: files instead of its own, what was known when, and another planned instant."""
    instants = (
        ("--known-at", "Judge with what was known then; else now."),
        ("--send-at", "Judge as if it were planned for then."),
    )
    for option, says in reversed(instants):
        function = click.option(option, metavar="INSTANT", help=says)(function)
    for name in reversed(_RELATIONS):
        function = click.option(
            f"--{name}", metavar="FILE", type=click.Path(path_type=Path),
            help=f"{name.capitalize()} (CSV, JSONL or Parquet) instead of the campaign's own.",
        )(function)  # fmt: skip
    return function


def print_rich(console: Console, write: Callable[[Console], None]) -> None:
    """What is written on the console, with no blanks at line ends."""
    with console.capture() as written:
        write(console)
    lines = (line.rstrip() for line in written.get().splitlines())
    print("\n".join(lines))  # as the stream encodes, which `click.echo` may change


def listing(rows: Iterable[tuple[str, str]], width: int | None) -> str:
    """Names and what they are, one below the other. width: of the terminal; None = never broken, as in a pipe."""
    rows = list(rows)
    room = max((len(name) for name, _ in rows), default=0) + 2
    if width is None or width < room + _NARROW:
        return "\n".join(f"{name:<{room}}{about}" for name, about in rows)
    return "\n".join(
        textwrap.fill(about, width - 1, initial_indent=f"{name:<{room}}", subsequent_indent=" " * room,
                      break_on_hyphens=False)
        for name, about in rows
    )  # fmt: skip


def terminal_width() -> int | None:
    """Columns of the terminal that is written to; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_json(value: object) -> None:
    """Readable where the output is UTF-8, escaped where it is not."""
    plain = (sys.stdout.encoding or "utf-8").lower().replace("-", "") != "utf8"
    click.echo(json.dumps(value, indent=2, ensure_ascii=plain))
