"""Cases about a whole campaign: the totals that its own people must come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policykit.errors import Place
from policykit.language.schema import Schema, Shape
from policykit.language.tree import ListNode, MapNode, ScalarNode, find, to_plain
from policykit.model import Micros

VERDICTS = ("allow", "downgrade", "block")


@dataclass(frozen=True, slots=True)
class CampaignCase:
    """Totals that a campaign's own people must come to. off: policies that this case leaves out; expect: plain."""

    name: str
    campaign: str
    off: tuple[str, ...]
    expect: Mapping[str, Any]
    now: Micros | None
    place: Place
    policy: None = None


_COUNT: Schema = {"type": "integer", "min": 0}


def _counts(says: str, names: Iterable[str] = ()) -> Schema:
    inside = {"schema": dict.fromkeys(names, _COUNT)} if names else {"valuesrules": _COUNT}
    return {"type": "dict", **inside, "meta": {"says": says}}


_EXPECTED: Schema = {
    "totals": {**_counts("people by verdict", VERDICTS), "required": True},
    "by": _counts("policy -> people for whom it decided, alone or with others; all that decided for somebody"),
    "alone": _counts("policy -> people for whom it alone decided; all that did"),
    "undetermined": {**_COUNT, "meta": {"says": "people about whom a policy met an unknown fact"}},
    "changes": {
        "type": "dict",
        "schema": {
            "moved": _counts("channel -> people moved to it"),
            "stripped": _counts("attribute -> people for whom it was taken out"),
            **dict.fromkeys(("generic", "blended", "delayed"), _COUNT),
        },
        "meta": {"says": "people by change; a change that is not named is expected for nobody"},
    },
}  # fmt: skip
CAMPAIGN_CASE = Shape(
    {
        "case": {"type": "string", "required": True, "empty": False},
        "campaign": {"type": "string", "required": True},
        "off": {"type": "list", "schema": {"type": "string"}, "meta": {"says": "policies left out"}},
        "now": {"type": "instant"},
        "expect": {"type": "dict", "required": True, "schema": _EXPECTED},
    },
    "case of a campaign",
)


def campaign_case(node: MapNode, now: Micros | None) -> CampaignCase:
    """A case whose shape was checked."""
    plain = to_plain(node)
    place = find(node, ("case",)).place
    return CampaignCase(plain["case"], plain["campaign"], tuple(plain.get("off", ())), plain["expect"], now, place)


def policies_of(node: MapNode) -> Iterator[tuple[str, Place]]:
    """The ids of policies that a case names, each with its place."""
    off = find(node, ("off",)) if "off" in node.entries else None
    for item in off.items if isinstance(off, ListNode) else ():
        if isinstance(item, ScalarNode):
            yield item.text, item.place
    for key in ("by", "alone"):
        expect = node.get("expect")
        named = expect.get(key) if isinstance(expect, MapNode) else None
        for name, (place, _) in named.entries.items() if isinstance(named, MapNode) else ():
            yield name, place
