"""What several commands share: options, examples under `--help`, and how they print."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

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
    formatter.write(f"\nExamples:\n{examples}\n")


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


def print_json(value: object) -> None:
    """Readable where the output is UTF-8, escaped where it is not."""
    plain = (sys.stdout.encoding or "utf-8").lower().replace("-", "") != "utf8"
    click.echo(json.dumps(value, indent=2, ensure_ascii=plain))
