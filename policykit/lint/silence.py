"""Which warnings a workspace has answered: `silence: {code: why}` on a policy, a campaign or in policykit.yaml."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from policykit.errors import Place, Problem
from policykit.language.suggest import did_you_mean
from policykit.language.tree import ListNode, MapNode, Node
from policykit.lint.base import Page, warning

OF_DATA = ("data.", "preflight.", "lint.consent-source")  # told only where a campaign's data is looked at


@dataclass(frozen=True, slots=True)
class Silence:
    """One answered code. around: the places it is silent about; None = everywhere. place: where the code stands."""

    code: str
    place: Place
    around: frozenset[Place] | None = field(default=None, repr=False)

    def covers(self, problem: Problem) -> bool:
        return problem.code == self.code and (self.around is None or problem.place in self.around)


def silences(section: Node | None, around: Node | Place | None = None) -> list[Silence]:
    """What a section `silence:` says. around: the node, or the very place, that it is about; None = everything."""
    if not isinstance(section, MapNode):
        return []
    places = None if around is None else frozenset((around,) if isinstance(around, Place) else places_in(around))
    return [Silence(code, entry.key, places) for code, entry in section.entries.items()]


def silenced(problems: Iterable[Problem], said: Iterable[Silence], known: Collection[str]) -> list[Problem]:
    """The problems without the warnings that are answered, and with those about answers to nothing.

    Errors cannot be silenced. known: every code that has a page.
    """
    problems, said = list(problems), list(said)
    left = [one for one in problems if one.severity == "error" or not any(each.covers(one) for each in said)]
    return [*left, *_needless(problems, said, known)]


def _needless(problems: list[Problem], said: list[Silence], known: Collection[str]) -> Iterator[Problem]:
    met = {one.code for one in problems}
    for each in said:
        if each.code.startswith((*OF_DATA, "waiver.")):  # those of waivers come and go with the days
            continue
        if each.code not in known and each.code not in met:
            yield warning(each.place, f"unknown code `{each.code}`{did_you_mean(each.code, known)}",
                          "codes stand in `policykit check --json`", "unknown-code")  # fmt: skip
        elif not any(each.covers(one) and one.severity == "warning" for one in problems):
            yield warning(each.place, f"nothing tells `{each.code}` here", "remove the line: the doubt is gone",
                          "needless-silence")  # fmt: skip


def places_in(node: Node) -> set[Place]:
    """Every place in a node: its own, those of its keys and of everything below."""
    found = {node.place}
    if isinstance(node, MapNode):
        for entry in node.entries.values():
            found |= {entry.key, *places_in(entry.node)}
    elif isinstance(node, ListNode):
        for item in node.items:
            found |= places_in(item)
    return found


_CALM = "policies:\n  - id: calm\n    kind: rule\n    forbid: recipient.tolerance < 10\n    on_breach: block\n"

PAGES = (
    Page(
        "lint.needless-silence", "An answer to a warning that nobody gives",
        "`silence: {code: why}` answers a warning. When the doubt is gone it stays, and hides the next one.",
        {"policies/p.yaml": _CALM + "    silence: {lint.cap-of-zero: nobody may}\n"},
        {"policies/p.yaml": _CALM}, can_be_silenced=False,
    ),
    Page(
        "lint.unknown-code", "An answer to a warning that does not exist",
        "The code is misspelt, so the warning it was to answer still stands, or never did.",
        {"policies/p.yaml": _CALM + "    silence: {lint.cap-of-zeero: nobody may}\n"},
        {"policies/p.yaml": _CALM}, can_be_silenced=False,
    ),
)  # fmt: skip
