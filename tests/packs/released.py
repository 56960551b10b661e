"""The versions that packs of the library were published in, each with a digest of what it said.

python -m tests.packs.released    writes a line for each version that has none
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from policykit.assemble.packs import as_numbers, installed
from policykit.demo.library import library_path
from policykit.language.packs import Pack
from policykit.language.tree import to_plain
from policykit.language.yaml import read_yaml
from policykit.plugins import discover

RELEASED = Path(__file__).with_name("released.txt")
COMMAND = "python -m tests.packs.released"

Versions = dict[tuple[str, str], str]
"""Pack and version -> digest."""


def packs() -> tuple[Pack, ...]:
    """The packs of the library, by id."""
    library = library_path()
    return tuple(found.pack for _, found in sorted(installed(discover())[0].items()) if found.folder == library)


def released() -> Versions:
    rows = (line.split() for line in RELEASED.read_text(encoding="utf-8").splitlines())
    return {(pack, version): digest for pack, version, digest in rows}


def digest(pack: Pack) -> str:
    """Of what a pack asks of sends: all that its file says but the section `pack`, without comments and layout."""
    node, problems = read_yaml(pack.path, pack.path.name)
    assert node is not None, problems
    said = {name: section for name, section in to_plain(node).items() if name != "pack"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def wrong(found: Iterable[Pack], known: Versions) -> Iterator[str]:
    """For each pack that is not as its version was published: what to change, where."""
    for pack in found:
        newest = max((version for name, version in known if name == pack.id), key=as_numbers, default=pack.version)
        line = f"line `{pack.id} {pack.version} ...` of tests/packs/{RELEASED.name}"
        if as_numbers(pack.version) < as_numbers(newest):
            yield f"{pack.place}: version {pack.version} is older than {newest} was; write one above {newest} here"
        elif (pack.id, pack.version) not in known:
            yield f"{pack.place}: version {pack.version} is new; `{COMMAND}` writes {line}"
        elif known[pack.id, pack.version] != digest(pack):
            yield (
                f"{pack.place}: the policies say other than version {pack.version} did; write a later version here,"
                f" then run `{COMMAND}` (where {pack.version} is new in this change: take out {line}, then run it)"
            )


def with_new(found: Iterable[Pack], known: Versions) -> Versions:
    """The versions known, as they are, and those of the packs that have none yet."""
    return {(pack.id, pack.version): digest(pack) for pack in found} | known


def as_text(versions: Versions) -> str:
    lines = sorted((name, as_numbers(version), said) for (name, version), said in versions.items())
    return "".join(f"{name} {'.'.join(map(str, numbers))} {said}\n" for name, numbers, said in lines)


if __name__ == "__main__":
    RELEASED.touch()
    RELEASED.write_text(as_text(with_new(packs(), released())), encoding="utf-8")
    sys.exit("\n".join(wrong(packs(), released())) or 0)
