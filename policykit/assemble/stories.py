"""The stories behind the library as one page: the worry, the question it leads to, the policy as the library has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from policykit.errors import InternalError
from policykit.language.tree import to_plain
from policykit.language.yaml import read_yaml

_OPENING = """\
# From a story to a policy

Each policy of the library began as something that happened to somebody. This is the way from there to a sentence that a
machine can hold a message against: the worry, the question to ask, and the policy it led to. Copy one with
`policykit packs add`, with its cases, and change what differs for you.
"""
_POLICY = re.compile(r"^  - id: (?P<id>[a-z0-9-]+)\n(?:(?!  - )(?:    .*)?\n)*", re.MULTILINE)
_ABOUT_ITSELF = re.compile(r"\n    source:\n(?:      .*\n)+")  # the pack's page has the source


def page(written: Path, library: Path) -> str:
    """The page, Markdown. written: the file of stories."""
    policies = dict(_policies(library))
    return "\n".join([_OPENING, *(_section(row, policies, library) for row in _rows(written))])


def _rows(written: Path) -> list[Mapping[str, Any]]:
    node, problems = read_yaml(written, written.name)
    if node is None or problems:
        raise InternalError(f"`{written.name}` cannot be read")
    rows: list[Mapping[str, Any]] = to_plain(node)
    return rows


def _policies(library: Path) -> Iterator[tuple[str, tuple[str, Path]]]:
    """Policy -> (its lines as written, its file)."""
    for path in sorted(library.rglob("*.yaml")):
        if not path.name.endswith(".cases.yaml"):
            for found in _POLICY.finditer(path.read_text(encoding="utf-8")):
                yield found["id"], (found[0], path)


def _section(row: Mapping[str, Any], policies: Mapping[str, tuple[str, Path]], library: Path) -> str:
    if row["policy"] not in policies:
        raise InternalError(f"story {row['story']} names the policy `{row['policy']}`, which the library does not have")
    text, path = policies[row["policy"]]
    lines = [f"## {row['story']} {row['title']}", "", row["worry"], "", row["question"], ""]
    lines += ["```yaml", "policies:", _ABOUT_ITSELF.sub("\n", text).rstrip(), "```", ""]
    lines += [f"From `policies/{path.relative_to(library).as_posix()}`."]
    return "\n".join([*lines, "", row["then"], ""] if "then" in row else [*lines, ""])
