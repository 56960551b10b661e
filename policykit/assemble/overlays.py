"""An error for each change of an overlay that is looser than the company's policy, with a send that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import yaml

from policykit.assemble.loosening import Loosening, find_loosening
from policykit.errors import Problem
from policykit.hookspecs import Kind
from policykit.language.layers import changes_of
from policykit.language.load import Workspace
from policykit.language.policy import Policy
from policykit.model import Decision, from_micros
from policykit.reports.words import channel_name, listed


def check_overlays(workspace: Workspace, kinds: Mapping[str, Kind]) -> Iterator[Problem]:
    """An error for each version of a policy that is looser than one of an earlier layer."""
    for company, overlay in changes_of(workspace.policies):
        if not (company.sound and overlay.sound):
            continue
        ways = list(_plainly(company, overlay))
        # A border: at run time both stand whatever is found here, so a fault of the search never stops a process.
        try:
            found = find_loosening(company, overlay, workspace.registry, kinds)
        except Exception as error:
            found = None
            yield _unsearched(company, overlay, error)
        if ways or found:
            yield _problem(company, overlay, ways, found)


def _unsearched(company: Policy, overlay: Policy, error: Exception) -> Problem:
    message = f"`{overlay.id}` could not be held against the one at {company.place} ({type(error).__name__})"
    way_out = "both stand at run time; report it, with the two policies"
    return Problem(overlay.place, message, way_out, "overlay.unsearched", "warning")


_MODES = ("off", "audit", "enforce")


def _plainly(company: Policy, overlay: Policy) -> Iterator[str]:
    """Ways in which the overlay's version is looser whatever is sent, each as the end of a sentence."""
    if _MODES.index(overlay.mode) < _MODES.index(company.mode):
        yield f"its `mode` is `{overlay.mode}`, not `{company.mode}`"
    if company.mode != "enforce":
        return
    one, other = company.effect, overlay.effect
    if one.part == "block" != other.part:
        yield "it asks for less than `block`"
    elif one.part not in (other.part, "block") and other.part != "block":
        yield f"it changes `{other.part}`, not `{one.part}`"
    elif one.part == other.part == "channel" and one.channels is not None:
        more = (other.channels or frozenset({"less_intrusive"})) - one.channels
        if more:
            yield f"it also lets a send go by {listed(f'`{each}`' for each in sorted(more))}"
    if overlay.starts is not None and (company.starts is None or overlay.starts > company.starts):
        yield "it `starts` later" if company.starts is not None else "it `starts` on a day, where the other always held"
    if overlay.ends is not None and (company.ends is None or overlay.ends < company.ends):
        yield "it `ends` earlier" if company.ends is not None else "it `ends`, where the other does not"


def _problem(company: Policy, overlay: Policy, ways: list[str], found: Loosening | None) -> Problem:
    name = overlay.beside or overlay.id
    what = f"`{name}` is looser here than the one at {company.place}"
    how = f": {', and '.join(ways)}" if ways else ""
    way_out = "make it at least as strict, or ask for a waiver of the company's; at run time both stand"
    if found is None:
        return Problem(overlay.place, f"{what}{how}", way_out, "overlay.looser")
    shown = f"\n{_indented(as_case(company, overlay, found))}"
    replay = (f"`{company.id}` alone: {_outcome(found.company)}{f', {found.code}' if found.code else ''}; "
              f"`{overlay.id}` alone: {_outcome(found.overlay)}")  # fmt: skip
    return Problem(
        overlay.place, f"{what}{how}; a send that shows it: {replay}", f"{way_out}. The send as a case:{shown}",
        "overlay.looser",
    )  # fmt: skip


def _outcome(decision: Decision) -> str:
    changes = decision.changes
    made = [f"moved to {channel_name(changes.channel)}"] if changes.channel else []
    made += ["the generic text"] if changes.generic else []
    made += [f"without {listed(f'`{each}`' for each in changes.strip)}"] if changes.strip else []
    made += [f"not before {from_micros(changes.send_at).isoformat()}"] if changes.send_at is not None else []
    return f"{decision.verdict}{f' ({listed(made)})' if made else ''}"


def as_case(company: Policy, overlay: Policy, found: Loosening) -> str:
    """The send as a case file: it holds for the company's version, and must for the overlay's."""
    wanted = {"verdict": str(found.company.verdict)}
    document = {
        "now": from_micros(found.now).isoformat().replace("+00:00", "Z"),
        "given": found.given,
        "cases": [
            {"case": "what the company asks", "policy": company.id, "expect": {**wanted}},
            {"case": "the overlay must ask as much", "policy": overlay.id, "expect": {**wanted}},
        ],
    }
    text: str = yaml.safe_dump(document, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)
    return text


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines())
