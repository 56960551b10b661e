"""The border of the command line: every exception becomes a message and an exit code here, never a traceback."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from io import TextIOWrapper
from pathlib import Path

import click

from policykit.cli.group import COMMANDS, commands
from policykit.errors import EnginesDisagree, InternalError, InvalidPolicies, PolicykitError, Problem, UsageError
from policykit.version import __version__

OK, BRAKE, USAGE, INVALID, CASES, OURS, INTERRUPTED, PIPE = 0, 1, 2, 3, 4, 70, 130, 141

# A command of several words, called without any. Before Click 8.2 there was no such error: it printed its help itself.
_BARE: tuple[type[Exception], ...] = tuple(filter(None, [getattr(click.exceptions, "NoArgsIsHelpError", None)]))


def run(words: Sequence[str]) -> int:
    """The exit code of one command line."""
    try:
        code = _invoke(words)
        sys.stdout.flush()  # a reader that left shows here, not while the interpreter ends
        return code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        if isinstance(error, _BARE):
            print(error.format_message(), file=sys.stderr)  # the help, as it is
            return USAGE
        return _complain([_usage_problem(error)], USAGE)
    except (InvalidPolicies, UsageError) as error:
        return _complain(error.problems, error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        return _leave_pipe()
    except OSError as error:
        if error.filename is None:
            return _own_fault(error, words)
        return _complain([_file_problem(error)], USAGE)
    except PolicykitError as error:
        if isinstance(error, EnginesDisagree | InternalError):
            return _own_fault(error, words)
        return _complain([Problem(None, str(error))], error.exit_code)
    except Exception as error:  # the border: whatever comes out here is our fault, and said so in one line
        return _own_fault(error, words)


def _invoke(words: Sequence[str]) -> int:
    """Runs the command; its return value is the exit code, None is 0. Not `Group.main`, which hides broken pipes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a bar that a terminal cannot draw is no reason to stop
    with commands.make_context("policykit", list(words)) as context:
        code = commands.invoke(context)
    return code if isinstance(code, int) else OK


def _complain(problems: Sequence[Problem], code: int) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    return code


def _usage_problem(error: click.ClickException) -> Problem:
    message = error.format_message().rstrip(".")
    message = message[:1].lower() + message[1:].replace("'", "`")
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "policykit"
    if isinstance(error, click.NoSuchOption):
        message = f"`{path}` has no option `{error.option_name}`"
        near = error.possibilities or []
    else:
        unknown = message.partition("no such command `")[2].partition("`")[0]
        message = f"no such command `{unknown}`" if unknown else message
        near = get_close_matches(unknown, _commands_of(context), n=1, cutoff=0.5) if unknown else []
    guess = f"; did you mean `{near[0]}`?" if near else ""
    return Problem(None, message + guess, f"`{path} --help` shows how it is used")


def _commands_of(context: click.Context | None) -> list[str]:
    """The commands that there are where one was asked for."""
    within = context.command if context else None
    return within.list_commands(context) if context and isinstance(within, click.Group) else list(COMMANDS)


def _file_problem(error: OSError) -> Problem:
    reason = (error.strerror or type(error).__name__).lower()
    return Problem(None, f"cannot use `{error.filename}`: {reason}", "check that the path is right and may be used")


def _leave_pipe() -> int:
    """The reader left (`| head`): nothing more to say, and the interpreter must not try at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE


def _own_fault(error: BaseException, words: Sequence[str]) -> int:
    said = f": {error}" if isinstance(error, PolicykitError) else ""  # other messages may hold people's data
    where = _write_trace(error, words)
    print(
        f"policykit failed ({type(error).__name__}{said}); this is our fault, not yours\n"
        f"  help: please report it to the maintainers with the file `{where}`; it holds no data of yours",
        file=sys.stderr,
    )
    return OURS


def _write_trace(error: BaseException, words: Sequence[str]) -> Path:
    """A file with version, command and places in code; no values, no messages, no paths of the user's machine."""
    command = [word.partition("=")[0] for word in words if word.startswith("--")]
    named = [word for word in words[:1] if word in COMMANDS]
    lines = [
        f"policykit {__version__}, Python {platform.python_version()}, {platform.system()}",
        f"command: {' '.join(['policykit', *named, *command])}",
    ]
    cause: BaseException | None = error
    while cause is not None:
        missing = f" of `{cause.name}`" if isinstance(cause, ImportError) else ""  # the name of code, not of a person
        lines.append(type(cause).__name__ + missing)
        lines += [f"  {_short(f.filename)}:{f.lineno} {f.name}" for f in traceback.extract_tb(cause.__traceback__)]
        cause = cause.__cause__ or cause.__context__
    handle, name = tempfile.mkstemp(prefix="policykit-", suffix=".txt", text=True)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return Path(name)


def _short(filename: str) -> str:
    """A source file by its last parts: enough to find the line, nothing about the machine."""
    return "/".join(Path(filename).parts[-3:])
