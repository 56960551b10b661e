"""Pages as a reader follows them: files are written, commands run, and what is shown must be what comes out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

_BLOCK = re.compile(r"(?P<before>[^\n]*)\n\n```(?P<language>\w+)\n(?P<body>.*?)\n```", re.DOTALL)
_FILE = re.compile(r"`([\w./-]+\.ya?ml)`:$")


def blocks(page: str) -> Iterator[tuple[str, str, str]]:
    """(the line before, the language, the text) of each fenced block, in order."""
    for found in _BLOCK.finditer(page):
        yield found["before"], found["language"], found["body"]


def walk(page: str, folder: Path, run: Callable[..., str], chdir: Callable[[Path], object]) -> int:
    """Follows a page from a folder; how many outputs were compared. run: arguments of `policykit` -> what it prints."""
    at, said, compared = folder, "", 0
    chdir(at)
    for before, language, body in blocks(page):
        file = _FILE.search(before)
        if language == "yaml" and file:
            (at / file[1]).parent.mkdir(parents=True, exist_ok=True)
            (at / file[1]).write_text(body + "\n", encoding="utf-8")
        elif language == "sh":
            said = ""
            for line in body.splitlines():
                command, *arguments = shlex.split(line, comments=True)
                if command == "cd":
                    at = at / arguments[0]
                    chdir(at)
                else:
                    assert command == "policykit", f"a page runs `policykit` only, not `{command}`"
                    said += run(*arguments)
        elif language == "text":
            missing = not_shown(body, said)
            assert not missing, f"the page shows what did not come out:\n  {missing[0]}\ncame out:\n{said}"
            compared += 1
    return compared


def not_shown(shown: str, real: str) -> list[str]:
    """Lines that a page shows and that do not come out in this order; `...` stands for any lines."""
    lines = iter([line.rstrip() for line in real.splitlines()])
    return [line for line in shown.splitlines() if line.strip() != "..." and line.rstrip() not in lines]
