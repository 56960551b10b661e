"""The section `pack:` of a policy file: what makes a file and the cases beside it a pack."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from policykit.errors import Place, Problem
from policykit.language.schema import Schema, Shape
from policykit.language.tree import ListNode, MapNode, Node, ScalarNode, find, to_plain
from policykit.vocabulary import CHANNELS

__all__ = ["PACK_SCHEMA", "Pack", "read_pack", "unlike"]


@dataclass(frozen=True, slots=True)
class Pack:
    """A ready-made file of policies with its cases.

    version: semantic, of this pack alone. jurisdiction: ISO 3166 with a region where it has one (`US-FL`),
    `EU`, or the platform whose rule it is; None = no law, a story. channels: those it speaks of, none = all.
    policies: ids, in the order of the file. path: the file.
    """

    id: str
    version: str
    title: str | None = None
    jurisdiction: str | None = None
    channels: tuple[str, ...] = ()
    stories: tuple[str, ...] = ()
    note: str | None = None
    policies: tuple[str, ...] = ()
    path: Path = Path()
    place: Place = field(default=Place(""), compare=False)

    @property
    def cases_path(self) -> Path:
        return self.path.with_name(f"{self.path.stem}.cases{self.path.suffix}")


PACK_SCHEMA: Schema = {
    "id": {"type": "id", "required": True},
    "version": {"type": "version", "required": True},
    "title": {"type": "string", "empty": False},
    "jurisdiction": {"type": "string", "empty": False},
    "channels": {"type": "list", "allowed": list(CHANNELS)},
    "stories": {"type": "list", "schema": {"type": "string", "regex": "S[0-9]+"}},
    "note": {"type": "string", "empty": False},
}
_PACK = Shape(PACK_SCHEMA, "pack")


def read_pack(node: MapNode, path: Path, problems: list[Problem]) -> Pack | None:
    """The pack that a policy file is; None when it is none, or after reporting what is wrong with the section."""
    section = node.get("pack")
    if section is None:
        return None
    wrong = _PACK.check(section)
    problems += wrong
    if wrong or not isinstance(section, MapNode):
        return None
    plain = to_plain(section)
    return Pack(
        plain["id"], plain["version"], plain.get("title"), plain.get("jurisdiction"),
        tuple(plain.get("channels", ())), tuple(plain.get("stories", ())), plain.get("note"),
        tuple(_policy_ids(node.get("policies"))), path, find(section, ("id",)).place,
    )  # fmt: skip


def unlike(packs: Iterable[Pack], problems: list[Problem]) -> tuple[Pack, ...]:
    """The packs, each id once; a second of an id is reported."""
    first: dict[str, Pack] = {}
    for pack in packs:
        before = first.setdefault(pack.id, pack)
        if before is not pack:
            message = f"duplicate pack `{pack.id}`; the first is at {before.place}"
            problems.append(Problem(pack.place, message, "keep one of the two files", "pack.duplicate"))
    return tuple(first.values())


def _policy_ids(section: Node | None) -> Iterable[str]:
    for row in section.items if isinstance(section, ListNode) else ():
        name = row.get("id") if isinstance(row, MapNode) else None
        if isinstance(name, ScalarNode):
            yield name.text
