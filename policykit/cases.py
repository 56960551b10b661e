"""Runs cases: what a policy, or a whole workspace, says of a send written by hand, against what was expected.

Judged by the reference; the generated Python must agree, or it is a fault of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from policykit.engine import Engine, reference_decide
from policykit.errors import EnginesDisagree, InvalidPolicies, Place, Problem, UsageError
from policykit.facts.given import Given, read_given
from policykit.facts.records import read_instant
from policykit.facts.row import Sight, State, planned_at
from policykit.ir.nodes import Value
from policykit.ir.rules import Rule, RuleSet
from policykit.kinds.waiver import WAIVER
from policykit.model import Changes, Decision, Micros, from_micros
from policykit.reasons import Told, tell
from policykit.reports.cases import CaseOutcome, Coverage
from policykit.rounds import first_channel
from policykit.vocabulary import Vocabulary

_POLICY_KEYS = ("met", "breached", "unknown", "applies")
_DECISION_KEYS = ("verdict", "changes", "by", "undetermined", "audit", "impossible", "waived")


class CaseLike(Protocol):
    """A case as loaded: `given` merged with that of its file, `expect` as written, both plain."""

    @property
    def name(self) -> str: ...
    @property
    def policy(self) -> str | None: ...
    @property
    def given(self) -> Mapping[str, object]: ...
    @property
    def expect(self) -> Mapping[str, object]: ...
    @property
    def now(self) -> Micros | None: ...
    @property
    def place(self) -> Place: ...


def run_cases(
    ruleset: RuleSet, vocabulary: Vocabulary, cases: Iterable[CaseLike], unwaived: RuleSet | None = None
) -> tuple[list[CaseOutcome], list[Coverage]]:
    """Every case's outcome, and per policy how many cases that are about it saw it met, breached and unknown.

    unwaived: the rules as they are without any waiver, None when there is none: a case about one policy is
        about the policy itself.
    Raises `InvalidPolicies` with every case that cannot be run, `EnginesDisagree` when the
    generated Python decides otherwise than the reference.
    """
    problems: list[Problem] = []
    outcomes: list[CaseOutcome] = []
    seen: dict[str, list[str]] = {rule.policy: [] for rule in ruleset.rules}
    for case in cases:
        try:
            outcome, told = _run(ruleset, vocabulary, case, unwaived or ruleset)
        except UsageError as error:
            problems.extend(error.problems)
            continue
        outcomes.append(outcome)
        for each in told:
            seen[each.policy].append(each.outcome)
    if problems:
        raise InvalidPolicies(problems)
    coverage = [
        Coverage(rule.policy, said.count("met"), said.count("breached"), said.count("unknown"), rule.place)
        for rule in ruleset.rules
        if rule.kind != WAIVER
        for said in (seen[rule.policy],)
    ]
    return outcomes, coverage


def _run(ruleset: RuleSet, vocabulary: Vocabulary, case: CaseLike, unwaived: RuleSet) -> tuple[CaseOutcome, list[Told]]:
    """One case's outcome, and what it showed of the policies it is about."""
    whole = ruleset
    ruleset = ruleset if case.policy is None else unwaived
    now = _now(case)
    given = read_given(ruleset, vocabulary, case.given, now, case.place)
    _check_expectations(case)
    rules = _rules_of(ruleset, case)
    decision = _decide(replace(ruleset, rules=rules), given, case, now)
    told = {rule.policy: each for rule in rules if (each := _tell(ruleset, given, now, rule)) is not None}
    failures: list[str] = []
    if case.policy is not None:
        failures += _policy_failures(told.get(case.policy), case)
    used = _waived(whole, given, case, now) if "waived" in case.expect else ()
    failures += _decision_failures(decision, case.expect, used)
    about = {case.policy} if case.policy else {*decision.determining, *decision.undetermined}
    concerned = [told[policy] for policy in sorted(about) if policy in told]
    beneath = tuple(_beneath(concerned)) if failures else ()
    return CaseOutcome(case.name, case.place, case.policy, tuple(failures), beneath), concerned


def _now(case: CaseLike) -> Micros:
    """The case's `now`, else the instant of its send."""
    if case.now is not None:
        return case.now
    send = case.given.get("send")
    at = read_instant(send.get("at")) if isinstance(send, Mapping) else None
    if at is None:
        help_ = 'write `now: "2026-03-02T10:00:00+01:00"` at the top of the file'
        raise UsageError(Problem(case.place, f"case `{case.name}` does not say when it is", help_, "case.now"))
    return at


def _check_expectations(case: CaseLike) -> None:
    known = (*_POLICY_KEYS, *_DECISION_KEYS) if case.policy else _DECISION_KEYS
    wrong = [key for key in case.expect if key not in known]
    if wrong or not case.expect:
        found = f"unknown expectation `{wrong[0]}`" if wrong else f"case `{case.name}` expects nothing"
        raise UsageError(
            Problem(case.place, found, f"known are {', '.join(f'`{key}`' for key in known)}", "case.expect")
        )


def _rules_of(ruleset: RuleSet, case: CaseLike) -> tuple[Rule, ...]:
    """All rules, or the one the case is about."""
    if case.policy is None:
        return ruleset.rules
    found = tuple(rule for rule in ruleset.rules if rule.policy == case.policy)
    if not found:
        raise UsageError(
            Problem(case.place, f"case `{case.name}` is about `{case.policy}`, a policy that is not there")
        )
    return found


def _decide(ruleset: RuleSet, given: Given, case: CaseLike, now: Micros) -> Decision:
    decision = reference_decide(ruleset, given.campaign, given.person, now, given.channel)
    generated = Engine(ruleset).decide(given.campaign, given.person, now, given.channel)
    if generated != decision:
        raise EnginesDisagree(f"{case.place}: case `{case.name}`: the reference says {decision}, Python {generated}")
    return decision


def _waived(ruleset: RuleSet, given: Given, case: CaseLike, now: Micros) -> tuple[str, ...]:
    """Ids of the waivers that let the send through: of those of the policy the case is about, or of any."""
    rules = tuple(rule for rule in ruleset.rules if case.policy in (None, rule.policy) or rule.kind == WAIVER)
    decision = _decide(replace(ruleset, rules=rules), given, case, now)
    return decision.waivers


def _tell(ruleset: RuleSet, given: Given, now: Micros, rule: Rule) -> Told | None:
    """What a policy says of the send as it was given; None when there is no channel to judge it on."""
    channel = given.channel or first_channel(given.campaign, given.person)
    if channel is None:
        return None
    sight = Sight(ruleset, given.campaign, given.person, now)
    return tell(sight, State(channel, at=planned_at(sight)), rule)


# --- what was expected ----------------------------------------------------------------------------


def _policy_failures(told: Told | None, case: CaseLike) -> Iterator[str]:
    expect = case.expect
    if told is None:
        if any(key in expect for key in _POLICY_KEYS):
            yield "expected something of the policy, but there is no channel: give `send.channel` or an address"
        return
    found = _outcome(told)
    if "met" in expect and (told.outcome == "met") is not bool(expect["met"]):
        yield f"expected {'met' if expect['met'] else 'not met'}, found {found}"
    if "applies" in expect and (told.outcome != "silent") is not bool(expect["applies"]):
        yield f"expected that it {'applies' if expect['applies'] else 'does not apply'}, found {found}"
    if "breached" in expect:
        wanted = expect["breached"]
        breached = told.outcome == "breached"
        if breached is not (wanted is not False) or (isinstance(wanted, str) and told.code != wanted):
            yield f"expected {_said('breached', wanted)}, found {found}"
    if "unknown" in expect:
        wanted = expect["unknown"]
        unknown = told.outcome == "unknown"
        names = _names(wanted)
        if unknown is not (wanted is not False) or (names is not None and names != told.missing):
            yield f"expected {_said('unknown', names or wanted)}, found {found}"


def _outcome(told: Told) -> str:
    match told.outcome:
        case "silent":
            return "that it does not apply"
        case "breached":
            return f"breached: {told.code}"
        case "unknown":
            return f"unknown: {', '.join(told.missing) or 'no fact is missing'}"
        case _:
            return "met"


def _said(word: str, wanted: object) -> str:
    if isinstance(wanted, bool):
        return word if wanted else f"not {word}"
    return f"{word}: {', '.join(wanted) if isinstance(wanted, tuple | list) else wanted}"


def _names(wanted: object) -> tuple[str, ...] | None:
    if isinstance(wanted, str):
        return (wanted,)
    return tuple(sorted(str(name) for name in wanted)) if isinstance(wanted, Sequence) else None


def _decision_failures(decision: Decision, expect: Mapping[str, object], waived: tuple[str, ...]) -> Iterator[str]:
    found: dict[str, object] = {
        "verdict": str(decision.verdict),
        "changes": _changes(decision.changes),
        "by": decision.determining,
        "undetermined": decision.undetermined,
        "audit": decision.audit,
        "impossible": decision.impossible,
        "waived": waived,
    }
    for key in _DECISION_KEYS:
        if key not in expect:
            continue
        wanted = expect[key]
        if key == "changes":
            wanted = _wanted_changes(wanted)
        elif key in ("by", "undetermined", "audit", "waived"):
            wanted = _names(wanted or ())
        if wanted != found[key]:
            yield f"expected {key} {_shown(wanted)}, found {_shown(found[key])}"


def _changes(changes: Changes) -> dict[str, object]:
    found: dict[str, object] = {
        "channel": changes.channel,
        "strip": changes.strip,
        "content": "generic" if changes.generic else None,
        "send_at": changes.send_at,
        "blend": changes.blend,
    }
    return {key: value for key, value in found.items() if value not in (None, ())}


def _wanted_changes(wanted: object) -> dict[str, object]:
    """Expected changes in the form of `_changes`; what is not named is expected not to change."""
    found = dict(wanted) if isinstance(wanted, Mapping) else {}
    if "strip" in found:
        found["strip"] = _names(found["strip"])
    if "send_at" in found:
        found["send_at"] = read_instant(found["send_at"])
    return {str(key): value for key, value in found.items()}


def _shown(value: object) -> str:
    match value:
        case None | ():
            return "none"
        case Mapping() if not value:
            return "none"
        case Mapping():
            return ", ".join(
                f"{key}: {_instant(item) if key == 'send_at' else _shown(item)}" for key, item in value.items()
            )
        case tuple():
            return ", ".join(str(item) for item in value)
        case _:
            return str(value)


def _instant(at: object) -> str:
    return from_micros(at).isoformat() if isinstance(at, int) else str(at)


# --- the facts beneath --------------------------------------------------------------------------------


def _beneath(told: Iterable[Told]) -> Iterator[tuple[str, str]]:
    """Names and values of the facts the policies read, each once, then what each policy said."""
    seen: dict[str, str] = {}
    for each in told:
        for name, value in each.facts:
            seen.setdefault(name, _value(name, value))
    yield from sorted(seen.items())
    yield from ((each.policy, _outcome(each)) for each in told)


def _value(name: str, value: Value) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _instant(value) if name.endswith((".at", "_at")) else str(value)
