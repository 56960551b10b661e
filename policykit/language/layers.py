"""Layers: later folders of `policies:` stand on top of earlier ones, and can only be stricter (M11)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from policykit.errors import Place, Problem
from policykit.language.policy import Policy
from policykit.language.tree import ListNode, MapNode, Node, ScalarNode

LAYER_MARK = "@"  # between the id of a policy and the layer that has its own version of it

PAGE = """\
An overlay is a folder of policies on top of the company's: a team's own, which can only be stricter.

```yaml
# policykit.yaml
policies: [policies/, teams/retail/]
```

A policy with a new id is added. One with the id of an earlier folder's policy stands beside it, never in
its place: both are judged, and the overlay's is called `quiet-hours@retail` in decisions, cases and waivers.
So nothing an overlay says can let a send pass that the company stops.

An overlay's version that is looser is therefore a mistake, and refused: `policykit check` looks for a send
that the company's policy blocks or lessens and the overlay's would not, prints it as a case, and shows what
each of the two decides. A weaker `on_breach`, `mode: audit` or `off`, a later `starts` and an earlier `ends`
are looser too. What must be looser for a while is a waiver, which has an owner, a reason and an end.

A policy that is `locked` cannot be changed by an overlay, and an overlay neither ranks channels nor says
what is done about events (`responses`), which would stand in place of what the company does. Its programs
ask for nothing that a program of the company asks for, which joining them would open as well. In a case
file of the overlay, `policy: quiet-hours` means the overlay's own version.

What is looked for are sends of this workspace, with the attributes it has registered; a version that only
differs for attributes nobody has registered yet is noticed on the day somebody does.
"""


@dataclass(frozen=True, slots=True)
class Written:
    """A policy as found. layer: the number of its folder in `policies:`. name: its `id` in the file."""

    layer: int
    policy: Policy | None
    name: ScalarNode | None


def layer_names(folders: Sequence[str]) -> tuple[str, ...]:
    """What each folder is called in ids: its last part where no other folder has the same, else all of it."""
    paths = [PurePosixPath(folder.replace("\\", "/")) for folder in folders]
    short = [path.stem if path.suffix else path.name for path in paths]
    return tuple(
        name if name and short.count(name) == 1 else str(path) for name, path in zip(short, paths, strict=True)
    )


def stand_beside(rows: Iterable[Written], names: Sequence[str], problems: list[Problem]) -> tuple[Policy, ...]:
    """Every policy by an id of its own: one that an earlier layer has as well is called by its layer too."""
    rows = sorted(rows, key=lambda row: row.layer)  # files of a folder keep their order
    lowest: dict[str, int] = {}
    places: dict[tuple[str, int], Place] = {}
    policies: list[Policy] = []
    for row in rows:
        found = row.policy
        if row.name is not None:
            name = row.name.text
            first = places.get((name, row.layer))
            if first is not None:
                problems.append(Problem(row.name.place, f"duplicate policy `{name}`; the first is at {first}",
                                        "rename one of the two", "policy.duplicate"))  # fmt: skip
            places.setdefault((name, row.layer), row.name.place)
            if found and lowest.setdefault(name, row.layer) != row.layer:
                found = replace(found, id=f"{name}{LAYER_MARK}{names[row.layer]}", beside=name)
                _not_locked(found, policies, row.name.place, problems)
        if found:
            policies.append(found)
    return tuple(policies)


def _not_locked(policy: Policy, earlier: Iterable[Policy], place: Place, problems: list[Problem]) -> None:
    locked = next((each for each in earlier if policy.beside in (each.id, each.beside) and each.locked), None)
    if locked:
        problems.append(Problem(place, f"`{policy.beside}` is locked and cannot be changed by an overlay (it stands at "
                                f"{locked.place})", "give yours an id of its own: it then adds to the locked one",
                                "overlay.locked"))  # fmt: skip


def versions(name: str, policies: Mapping[str, Policy]) -> list[Policy]:
    """The policies that a name means: all versions of an id, or the one of a layer (`quiet-hours@team`)."""
    if LAYER_MARK in name:
        return [policies[name]] if name in policies else []
    return [policy for policy in policies.values() if name in (policy.id, policy.beside)]


def changes_of(policies: Iterable[Policy]) -> list[tuple[Policy, Policy]]:
    """Each pair of versions of one policy: the one of an earlier layer, and the one of a later."""
    versions_of: dict[str, list[Policy]] = {}
    for policy in policies:
        versions_of.setdefault(policy.beside or policy.id, []).append(policy)
    return [
        (earlier, later) for found in versions_of.values() for at, later in enumerate(found) for earlier in found[:at]
    ]


_OF_THE_COMPANY = {
    "channels": "an overlay cannot rank channels: it would change what the company's policies mean",
    "responses": "an overlay cannot say what is done about events: it would stand in place of what the company does",
}


def companys_own(node: Node, layer: int, problems: list[Problem]) -> None:
    """Sections that only the first folder may have: in an overlay they could make the company's policies looser."""
    if layer == 0 or not isinstance(node, MapNode):
        return
    for section, message in _OF_THE_COMPANY.items():
        entry = node.entries.get(section)
        if entry:
            way_out = "write it in the first folder of `policies:`"
            problems.append(Problem(entry.key, message, way_out, f"overlay.{section}"))


def companys_programs(files: Iterable[tuple[int, Node]], problems: list[Problem]) -> None:
    """Reports programs of overlays that ask for what a program of an earlier layer asks for.

    Joining any program that asks for an attribute opens it (`joined: asking_program`): one more makes that looser.
    """
    asked: dict[str, tuple[int, str]] = {}
    for layer, node in sorted(files, key=lambda file: file[0]):
        for program, attribute in _asked(node):
            first, name = asked.setdefault(attribute.text, (layer, program))
            if first != layer:
                message = f"an overlay cannot ask for `{attribute.text}`: program `{name}` of an earlier folder does"
                way_out = "write the program in that folder, or ask for something else"
                problems.append(Problem(attribute.place, message, way_out, "overlay.programs"))


def _asked(node: Node) -> Iterator[tuple[str, ScalarNode]]:
    """Every attribute that some program of a file asks for, after the program's id."""
    rows = node.get("programs") if isinstance(node, MapNode) else None
    for row in rows.items if isinstance(rows, ListNode) else ():
        asks = row.get("asks") if isinstance(row, MapNode) else None
        name = row.get("id") if isinstance(row, MapNode) else None
        for each in asks.items if isinstance(asks, ListNode) else ():
            if isinstance(each, ScalarNode):
                yield name.text if isinstance(name, ScalarNode) else "", each
