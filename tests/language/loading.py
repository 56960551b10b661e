"""Small workspaces in a folder, and kinds of policy that only have a shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

from policykit.errors import PolicykitError
from policykit.language.load import Workspace, load_workspace


@dataclass(frozen=True)
class ShapedKind:
    name: str
    schemas: Mapping[str, Any]
    parts: frozenset[str] = frozenset({"block", "channel", "content"})
    extra: Mapping[str, Any] = field(default_factory=dict)


_WORDS = {"type": ["string", "list", "dict"]}
KINDS = {
    kind.name: kind
    for kind in (
        ShapedKind("rule", {"require": None, "forbid": None}),
        ShapedKind(
            "consent",
            {
                "require": {
                    "quality": {"type": "dict", "schema": {"at_least": {"type": "string"}}},
                    "max_age": {"type": "span"},
                    "names": {"type": "list", "allowed": ["channel", "purpose", "program"]},
                },
                "forbid": {"refused_for": _WORDS},
            },
        ),
        ShapedKind("purpose", {"require": {"collected_for": _WORDS}}, frozenset({"block", "uses"})),
        ShapedKind("tally", {"require": {"at_most": {"type": "integer"}}}, extra={"score": {"type": "dict"}}),
    )
}

POLICY = "- {id: a, kind: rule, forbid: 'true', on_breach: block}"


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in {"policykit.yaml": "mode: audit\n", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), "utf-8")
    return root


def load(root: Path, files: Mapping[str, str]) -> Workspace:
    return load_workspace(write(root, files), KINDS)  # type: ignore[arg-type]


def complaints(root: Path, files: Mapping[str, str]) -> list[str]:
    """Every message of one load, as printed."""
    try:
        return [str(problem) for problem in load(root, files).warnings]
    except PolicykitError as error:
        return [str(problem) for problem in error.problems]  # type: ignore[attr-defined]


def policy_complaints(root: Path, policies: str, **files: str) -> str:
    """The messages about one file of policies, as one text."""
    return "\n".join(complaints(root, {"policies/p.yaml": policies, **files}))


def marked(text: str, message: str, way_out: str | None, file: str = "policies/p.yaml") -> str:
    """A message as printed, at the place that `¦` marks in a text."""
    before = text[: text.index("¦")]
    place = f"{file}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    return f"{place}: {message}" + (f"\n  help: {way_out}" if way_out else "")
