"""Outcomes of cases and coverage of policies: as text, JSON and JUnit XML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from xml.etree import ElementTree

from policykit.errors import Place

__all__ = ["CaseOutcome", "Coverage", "as_json", "as_junit", "as_text"]


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """One case. failures: each unmet expectation in words. facts: what was known beneath, name and value as read.

    campaign: the one whose totals the case is about.
    """

    name: str
    place: Place
    policy: str | None
    failures: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    campaign: str | None = None

    @property
    def passed(self) -> bool:
        return not self.failures


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many cases saw the policy met, breached on known facts, and breached on unknown ones."""

    policy: str
    met: int
    breached: int
    unknown: int
    place: Place | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        seen = {"met": self.met, "breached": self.breached, "unknown": self.unknown}
        return tuple(word for word, count in seen.items() if not count)


def as_text(outcomes: Sequence[CaseOutcome], coverage: Sequence[Coverage]) -> str:
    lines: list[str] = []
    for outcome in outcomes:
        lines += _failure(outcome)
    lines += _coverage(coverage)
    failed = sum(not outcome.passed for outcome in outcomes)
    tail = f"{failed} of {len(outcomes)} cases failed" if failed else f"{len(outcomes)} cases passed"
    return "\n".join([*lines, tail])


def _failure(outcome: CaseOutcome) -> list[str]:
    if outcome.passed:
        return []
    about = outcome.policy or outcome.campaign
    policy = f" ({about})" if about else ""
    width = max((len(name) for name, _ in outcome.facts), default=0)
    return [
        f"{outcome.place}: case `{outcome.name}`{policy} failed",
        *(f"  {failure}" for failure in outcome.failures),
        *([f"  {'found' if outcome.campaign else 'facts beneath'}:"] if outcome.facts else []),
        *(f"    {name:<{width}}  {value}" for name, value in outcome.facts),
        "",
    ]


def _coverage(coverage: Sequence[Coverage]) -> list[str]:
    """The policies that cases do not show from all three sides; silent when there is none."""
    short = [entry for entry in coverage if entry.missing]
    if not coverage:
        return []
    full = f"{len(coverage) - len(short)} of {len(coverage)} policies have cases for met, breached and unknown"
    return [full, *(f"  {entry.policy}: no case for {', '.join(entry.missing)}" for entry in short)]


def as_json(outcomes: Sequence[CaseOutcome], coverage: Sequence[Coverage]) -> dict[str, Any]:
    return {
        "cases": len(outcomes),
        "failed": sum(not outcome.passed for outcome in outcomes),
        "outcomes": [
            {
                "case": outcome.name,
                "file": outcome.place.file,
                "line": outcome.place.line,
                "policy": outcome.policy,
                "campaign": outcome.campaign,
                "passed": outcome.passed,
                "failures": list(outcome.failures),
                "facts": dict(outcome.facts),
            }
            for outcome in outcomes
        ],
        "coverage": [{k: v for k, v in asdict(entry).items() if k != "place"} for entry in coverage],
    }


def as_junit(outcomes: Sequence[CaseOutcome]) -> str:
    """JUnit XML: one suite per file, as build servers read it."""
    root = ElementTree.Element("testsuites", name="policykit")
    for file in sorted({outcome.place.file for outcome in outcomes}):
        here = [outcome for outcome in outcomes if outcome.place.file == file]
        failed = str(sum(not outcome.passed for outcome in here))
        suite = ElementTree.SubElement(root, "testsuite", name=file, tests=str(len(here)), failures=failed)
        for outcome in here:
            _junit_case(suite, outcome)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _junit_case(suite: ElementTree.Element, outcome: CaseOutcome) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", name=_xml(outcome.name), classname=outcome.policy or outcome.campaign or "workspace",
        file=outcome.place.file, line=str(outcome.place.line),
    )  # fmt: skip
    if not outcome.passed:
        failure = ElementTree.SubElement(case, "failure", message=_xml(outcome.failures[0]))
        facts = (f"{name} = {value}" for name, value in outcome.facts)
        failure.text = _xml("\n".join([*outcome.failures, *facts]))


def _xml(text: str) -> str:
    """Without the control characters that XML 1.0 cannot hold."""
    return "".join(c if c >= " " or c in "\t\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
