"""Starting a program that never heard of policykit, guarded: `policykit run -- python app.py`.

A folder that holds nothing but a `sitecustomize` goes first on the program's PYTHONPATH, so every Python
interpreter it starts is guarded before its first line runs. Not reached: interpreters that are told to
ignore their environment (`-E`, `-I`, `-S`), and programs in other languages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from policykit.errors import UsageError

BOOTSTRAP = Path(__file__).parent / "bootstrap"


def guarded(environment: Mapping[str, str], workspace: Path | None = None, mode: str | None = None) -> dict[str, str]:
    """The environment for a guarded program.

    workspace, mode: None = as the environment says. The folder becomes absolute, as programs change theirs.
    """
    given = environment.get("PYTHONPATH", "")
    others = [each for each in given.split(os.pathsep) if each and each != str(BOOTSTRAP)]
    named = str(workspace) if workspace is not None else environment.get("POLICYKIT_WORKSPACE")
    said = {"PYTHONPATH": os.pathsep.join([str(BOOTSTRAP), *others])}
    if named:
        said["POLICYKIT_WORKSPACE"] = str(Path(named).absolute())
    if mode is not None:
        said["POLICYKIT_MODE"] = mode
    return {**environment, **said}


def run(
    words: Sequence[str], environment: Mapping[str, str], workspace: Path | None = None, mode: str | None = None
) -> int:
    """The exit code of the guarded program; where processes can be replaced, it takes our place and this never returns.

    Replacing hands it our process id, terminal and signals as they are. Raises `UsageError` when there is
    no such program.
    """
    program = program_of(words, environment)
    surroundings = guarded(environment, workspace, mode)
    if os.name != "posix":
        return subprocess.run([program, *words[1:]], env=surroundings, check=False).returncode  # noqa: S603
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(program, [words[0], *words[1:]], surroundings)  # noqa: S606
    except OSError as error:
        raise UsageError(f"cannot run `{words[0]}`: {error.strerror}") from error


def program_of(words: Sequence[str], environment: Mapping[str, str]) -> str:
    """Path of the program a command line names. Raises `UsageError` when there is none."""
    if not words:
        raise UsageError("no program to run", "write it after two dashes, for example `policykit run -- python app.py`")
    program = shutil.which(words[0], path=environment.get("PATH", os.defpath))
    if program is None:
        raise UsageError(f"no program `{words[0]}`", "give its path, or a name that your shell finds")
    return program
