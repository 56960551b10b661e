"""What a registry knows already, however a file spells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policykit.detect.names import shape
from policykit.model import Attribute


@dataclass(frozen=True, slots=True)
class Registered:
    """Names of registered attributes by their shape, and the fields that `sources:` says they are kept in."""

    shapes: frozenset[str] = frozenset()
    sources: frozenset[tuple[str, str]] = frozenset()

    def knows(self, name: str, file: str) -> bool:
        """Whether a field of a file is an attribute's. name: as the file spells it, a path of a template included."""
        bare = name.removeprefix("attributes.")
        heads = (bare, bare.split(".")[0])
        return any(shape(head) in self.shapes for head in heads) or (_last(file), shape(name)) in self.sources


def registered(attributes: Iterable[Attribute]) -> Registered:
    attributes = tuple(attributes)
    pairs = (source.rpartition(":") for attribute in attributes for source in attribute.sources)
    return Registered(
        frozenset(shape(attribute.id) for attribute in attributes),
        frozenset((_last(file.strip()), shape(name.strip())) for file, _, name in pairs),
    )


def _last(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[2]
