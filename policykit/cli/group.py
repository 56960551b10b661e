"""The table of commands; each one's file is imported when it is asked for, and only then."""

from __future__ import annotations

from importlib import import_module

import click

from policykit.cli.options import write_examples
from policykit.version import __version__

# name -> (module and function, one line for `policykit --help`), in the order a newcomer meets them
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init:init", "make a workspace that works at once, with made-up people"),
    "check": ("check:check", "find every mistake in policies, registry, cases and campaigns"),
    "test": ("test:test", "run the cases that stand beside the policies"),
    "dry-run": ("dry_run:dry_run", "judge a whole audience before anything is sent"),
    "explain": ("explain:explain", "say why one person gets, or does not get, a message"),
    "scan": ("scan:scan", "find personal data that the registry does not know"),
    "disclose": ("disclose:disclose", "tell people what is remembered about them, and what for"),
    "import": ("import_:import_", "put people, consents and past sends into the store"),
    "run": ("run:run", "start a program with its sends guarded"),
    "decisions": ("decisions:decisions", "read and check the log of what was decided"),
    "feedback": ("feedback:feedback", "take in what people told back, and say how often they do"),
    "hold": ("hold:hold", "stop a campaign's sends at the next one"),
    "release": ("release:release", "let a campaign on hold go on"),
    "outbox": ("outbox:outbox", "deliver sends that were put off"),
    "forget": ("forget:forget", "take people out of the store, for good"),
    "retain": ("retain:retain", "drop what was kept as long as promised"),
    "facts": ("facts:facts", "list the facts a policy may use, and the columns of data files"),
    "docs": ("docs:docs", "read the documentation, or write it into a folder"),
    "kinds": ("kinds:kinds", "list the kinds of policies, or describe one"),
    "packs": ("packs:packs", "read ready-made policies, and copy them into a workspace"),
    "schema": ("schema:schema", "print the JSON Schema of policy files, for editors"),
    "plugins": ("plugins:plugins", "list what is plugged in"),
}


EXAMPLES = """\
  policykit init demo                           a workspace with 20,000 made-up people
  policykit dry-run basket --workspace demo     what would happen to each of them, and why
  policykit check                               every mistake at once, as file:line:column
  policykit test                                the cases beside your policies

Exit codes: 0 fine, 1 something was found (a brake crossed, a log that is not whole, personal data that is not
registered, an event refused), 2 wrong use or configuration, 3 policies invalid, 4 cases failed,
70 a fault of policykit itself, 130 interrupted, 141 the reader of a pipe left."""


class Commands(click.Group):
    """A group that reads its commands from the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name][0].split(":")
        command = getattr(import_module(f"policykit.cli.{module}"), function)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(formatter, EXAMPLES)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", message="policykit %(version)s", help="Print the version.")
def commands() -> None:
    """Hold every marketing message against the policies your company has written down."""
