"""What a message lacks, and what a program was not given or does not give, as ends of sentences."""

from __future__ import annotations

from policykit.backends.reference import evaluate
from policykit.explain.view import View
from policykit.ir.content import asked_of
from policykit.ir.nodes import ContentSays, Fact, Joined
from policykit.ir.rules import Rule
from policykit.ir.walk import leaves_of
from policykit.reports.words import listed

_LACKS = {
    "one_click": ("it has no one-click unsubscribe", "one click unsubscribed"),
    "unsubscribe": ("its text names no way out", "its text named a way out"),
    "postal_address": ("it does not show the postal address of who sends", "it showed who sends"),
}
_OPS = {"starts_with": "begin with", "ends_with": "end with", "contains": "say"}
_PARTS = {"opening": "it", "anywhere": "it"}


def content_words(rule: Rule, view: View) -> tuple[tuple[str, ...], str | None]:
    """What is missing in the message, and what would have to be in it."""
    facts = view.facts(rule)
    missing = [leaf for leaf in asked_of(sorted(leaves_of(rule.breached), key=repr)) if evaluate(leaf, facts) is False]
    told = [_lack(leaf) for leaf in missing]
    return tuple(lack for lack, _ in told), listed(way for _, way in told) or None


def _lack(leaf: Fact | ContentSays) -> tuple[str, str]:
    if isinstance(leaf, Fact):
        return _LACKS[leaf.path.rpartition(".")[2]]
    part = _PARTS.get(leaf.part, f"its {leaf.part}")
    return f"{part} does not {_OPS[leaf.op]} `{leaf.text}`", f"{part} did"


def program_words(view: View, code: str | None) -> tuple[tuple[str, ...], str | None]:
    """Why a program's send does not fit the program."""
    program = view.sight.campaign.program or "this program"
    if code == "program.delivers_nothing":
        return (f"it brings nothing that `{program}` gives",), f"it named a benefit of `{program}` that it delivers"
    return (f"they have not joined `{program}`",), f"they joined `{program}`"


def asked_by(rule: Rule, attribute: str, view: View) -> str:
    """What stands against the use of an attribute: nobody asked for it, or those who did were not joined."""
    programs = view.sight.ruleset.programs
    if not any(isinstance(leaf, Joined) for leaf in leaves_of(rule.breached)):
        return f"which `{view.sight.campaign.program}` does not ask for"
    registered = view.sight.ruleset.attributes.get(attribute)
    lineage = (registered.lineage if registered else ()) or (attribute,)
    asking = sorted(name for name, program in programs.items() if not set(lineage).isdisjoint(program.asks))
    return f"which is for {listed(f'`{name}`' for name in asking)}, and they have not joined"
